//! `--redirect`: answers plain http with the https address of the same host, and the challenges of an authority.
//!
//! It reads a head and nothing else, answers once and closes. Connections are bounded in number and in time. It does not
//! judge the host: whoever asks for one is sent to that one, and the server behind judges it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::uri::Authority;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::challenges::Challenges;
use crate::places::Places;
use crate::security;

/// How many connections there are at most. One more, and the oldest of the address that has most ends.
pub(crate) const CONNECTIONS_MAX: usize = 64;

/// How long a connection may take, from its beginning to its end.
const CONNECTION_TIME: Duration = Duration::from_secs(10);

/// The most bytes of a head.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// How long accepting pauses when the system has no connection for us.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

/// Redirects to https at this port, until it is dropped.
pub(super) async fn serve(listener: TcpListener, port: u16, challenges: Arc<Challenges>) {
    // They end with this future.
    let mut places = Places::new(CONNECTIONS_MAX);
    loop {
        match listener.accept().await {
            Ok((socket, from)) => {
                let answer = answer(socket, port, Arc::clone(&challenges));
                places.take(from.ip(), async move { drop(timeout(CONNECTION_TIME, answer).await) });
            }
            Err(error) => {
                tracing::debug!(%error, "cannot accept a connection to redirect");
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
            }
        }
    }
}

async fn answer(socket: TcpStream, port: u16, challenges: Arc<Challenges>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let proof = challenges.at(request.uri().path());
        std::future::ready(Ok::<_, Infallible>(match proof {
            Some(proof) => text(StatusCode::OK, proof),
            None => redirect(&request, port),
        }))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(CONNECTION_TIME)
        .max_buf_size(HEAD_BYTES_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(socket), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection to redirect ended");
    }
}

fn redirect<B>(request: &Request<B>, port: u16) -> Response<Full<Bytes>> {
    match target(request, port).map(HeaderValue::try_from) {
        Some(Ok(location)) => {
            let mut answer = text(StatusCode::PERMANENT_REDIRECT, "This server speaks https.\n");
            answer.headers_mut().insert(header::LOCATION, location);
            answer
        }
        Some(Err(_)) | None => text(StatusCode::BAD_REQUEST, "The request names no host.\n"),
    }
}

/// The same address over https. `None` if the request names no host.
fn target<B>(request: &Request<B>, port: u16) -> Option<String> {
    let in_header = || {
        let mut values = request.headers().get_all(header::HOST).iter();
        let host: Authority = values.next()?.to_str().ok()?.parse().ok()?;
        values.next().is_none().then_some(host)
    };
    let named = request.uri().authority().cloned().or_else(in_header)?;
    let (host, path) = (named.host(), request.uri().path_and_query().map_or("/", |path| path.as_str()));
    if host.is_empty() || !path.starts_with('/') {
        return None;
    }
    Some(match port {
        443 => format!("https://{host}{path}"),
        _ => format!("https://{host}:{port}{path}"),
    })
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(text.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    security::harden(headers);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(uri: &str, hosts: &[&str], port: u16, expected: Option<&str>) {
        let mut request = Request::builder().uri(uri);
        for host in hosts {
            request = request.header("host", *host);
        }
        let request = request.body(()).unwrap();
        assert_eq!(target(&request, port).as_deref(), expected, "{uri} {hosts:?}");
    }

    #[test]
    fn an_address_keeps_its_host_and_path_and_gets_the_port_of_https() {
        check("/a%20b?c=d", &["chat.example"], 443, Some("https://chat.example/a%20b?c=d"));
        check("/", &["chat.example:80"], 8443, Some("https://chat.example:8443/"));
        check("/", &["[::1]:3000"], 443, Some("https://[::1]/"));
        check("http://chat.example:80/a", &["evil.example"], 443, Some("https://chat.example/a"));
    }

    #[test]
    fn a_request_without_a_host_has_no_address() {
        check("/", &[], 443, None);
        check("/", &["a.example", "b.example"], 443, None);
        check("/", &["a b"], 443, None);
        check("*", &["chat.example"], 443, None);
    }
}
