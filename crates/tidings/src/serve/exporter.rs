//! `--metrics`: serves the metrics to a monitor, on a listener of its own and never on the chat's.
//!
//! Everything is bounded: connections, and the time and the requests of each. A name that the chat does not answer to
//! is refused here too, so no site can read the numbers from the browsers of its visitors.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chat_sqlite::SqliteReader;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socketio_server::HostPolicy;
use tidings::limits::Bounds;
use tidings::metrics::{CONTENT_TYPE, text};
use tidings::node::Monitor;
use tidings::stats::Snapshot;
use tokio::net::{TcpListener, TcpStream};

use super::machine;
use crate::failure::Failure;
use crate::http::{Body, body};
use crate::logging;
use crate::places::Places;
use crate::security;
use crate::tls::InUse;

/// Monitors that are answered at once. One more, and the oldest connection of the address that has most ends.
pub(super) const CONNECTIONS_MAX: usize = 16;

/// A connection is closed after this time, whatever it does.
const CONNECTION_TIME: Duration = Duration::from_secs(10);

/// How often the log tells which lines were left out.
const LEFT_OUT_INTERVAL: Duration = Duration::from_secs(1);

/// How long accepting pauses when it has failed.
const FAILURE_PAUSE: Duration = Duration::from_millis(100);

/// The listener for monitors, if there is to be one.
pub(super) struct Metrics(Option<(TcpListener, SocketAddr)>);

impl Metrics {
    /// Takes the address of `--metrics`.
    pub(super) fn bind(address: Option<SocketAddr>) -> Result<Self, Failure> {
        let bind = |address| {
            let listener = std::net::TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            let bound = listener.local_addr()?;
            Ok((TcpListener::from_std(listener)?, bound))
        };
        let bound = address.map(|address| bind(address).map_err(|error| Failure::Metrics { address, error }));
        Ok(Self(bound.transpose()?))
    }

    /// Where it listens.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.0.as_ref().map(|(_, address)| *address)
    }

    /// Answers monitors, and tells once a second which lines of the log were left out. Never ends.
    pub(super) async fn serve(self, exporter: Exporter) {
        let answering = async {
            match self.0 {
                Some((listener, _)) => exporter.serve(listener).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = answering => {}
            () = tell_left_out() => {}
        }
    }
}

async fn tell_left_out() {
    let mut interval = tokio::time::interval(LEFT_OUT_INTERVAL);
    loop {
        interval.tick().await;
        logging::tell_left_out();
    }
}

/// Answers monitors.
pub(super) struct Exporter {
    pub(super) monitor: Monitor,
    pub(super) bounds: Bounds,
    pub(super) hosts: HostPolicy,
    /// The data folder.
    pub(super) folder: PathBuf,
    pub(super) log: Arc<SqliteReader>,
    pub(super) certificate: Option<InUse>,
}

impl Exporter {
    /// Accepts connections. Never ends.
    async fn serve(self, listener: TcpListener) {
        let (exporter, mut places) = (Arc::new(self), Places::new(CONNECTIONS_MAX));
        loop {
            match listener.accept().await {
                Ok((stream, from)) => places.take(from.ip(), Arc::clone(&exporter).connected(stream)),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection of a monitor");
                    tokio::time::sleep(FAILURE_PAUSE).await;
                }
            }
        }
    }

    async fn connected(self: Arc<Self>, stream: TcpStream) {
        let answer = service_fn(move |request: Request<Incoming>| {
            let exporter = Arc::clone(&self);
            async move { Ok::<_, Infallible>(exporter.answer(&request).await) }
        });
        let connection =
            http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), answer);
        match tokio::time::timeout(CONNECTION_TIME, connection).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a connection of a monitor ended"),
            Err(_) => tracing::debug!("a monitor was too slow"),
        }
    }

    async fn answer<B>(&self, request: &Request<B>) -> Response<Body> {
        let Ok(host) = host(request) else {
            return plain(StatusCode::BAD_REQUEST, "Bad request: give one host\n");
        };
        if !host.is_some_and(|host| self.hosts.allows(host)) {
            let text = "Misdirected request: start tidings with --host and this name, or use an address\n";
            return plain(StatusCode::MISDIRECTED_REQUEST, text);
        }
        match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::HEAD, "/metrics") => {
                let mut answer = plain(StatusCode::OK, text(&self.snapshot().await, &self.bounds));
                answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
                answer
            }
            (_, "/metrics") => plain(StatusCode::METHOD_NOT_ALLOWED, "GET /metrics\n"),
            _ => plain(StatusCode::NOT_FOUND, "The metrics are at /metrics\n"),
        }
    }

    async fn snapshot(&self) -> Snapshot {
        let (folder, damaged_rows) = (self.folder.clone(), chat::LogReader::damaged(&*self.log));
        // The file system may take long.
        let read =
            tokio::task::spawn_blocking(move || (machine::process(), machine::disk(&folder, damaged_rows)));
        let node = self.monitor.stats().await;
        let (process, disk) = read.await.unwrap_or_default();
        let certificate_expires = self.certificate.as_ref().and_then(InUse::expires);
        Snapshot { node, process, disk, lines: logging::lines(), certificate_expires }
    }
}

/// A request names several hosts.
#[derive(Debug, PartialEq, Eq)]
struct SeveralHosts;

/// The one host that a request names, in its header and perhaps in its target too.
fn host<B>(request: &Request<B>) -> Result<Option<&str>, SeveralHosts> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next().map(|host| host.to_str().map_err(|_| SeveralHosts)).transpose()?;
    let target = request.uri().authority().map(http::uri::Authority::as_str);
    let is_one = match (host, target) {
        (Some(host), Some(target)) => host.eq_ignore_ascii_case(target),
        _ => true,
    };
    if is_one && hosts.next().is_none() { Ok(host.or(target)) } else { Err(SeveralHosts) }
}

fn plain(status: StatusCode, text: impl Into<bytes::Bytes>) -> Response<Body> {
    let mut answer = Response::new(body(text.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    security::harden(headers);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_one_host_in_its_header_and_its_target() {
        let host = |target: &str, hosts: &[&str]| {
            let request =
                hosts.iter().fold(Request::get(target), |request, host| request.header("host", *host));
            host(&request.body(()).unwrap()).map(|host| host.map(str::to_owned))
        };
        assert_eq!(host("/metrics", &[]), Ok(None));
        assert_eq!(host("/metrics", &["localhost:9464"]), Ok(Some("localhost:9464".into())));
        assert_eq!(host("http://a.example/metrics", &[]), Ok(Some("a.example".into())));
        assert_eq!(host("http://a.example/metrics", &["A.example"]), Ok(Some("A.example".into())));
        assert_eq!(host("http://a.example/metrics", &["localhost"]), Err(SeveralHosts));
        assert_eq!(host("/metrics", &["localhost", "a.example"]), Err(SeveralHosts));
        assert_eq!(host("/metrics", &["localhost", "localhost"]), Err(SeveralHosts));
    }
}
