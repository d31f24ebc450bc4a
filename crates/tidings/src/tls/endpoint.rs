//! [`Endpoint`]: makes the handshake on a new connection, and answers plain http where TLS is spoken.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use socketio_server::{Accepting, Encryption, HeldBytes};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::keyring::Keyring;
use super::stream::{Refused, TlsStream};
use crate::security;

/// How long a client that speaks http has to take the answer.
const ANSWER_TIME: Duration = Duration::from_secs(1);

const PLAIN_HTTP: &str = "This port speaks https, not http. Open it at an https:// address.\n";

pub(super) struct Endpoint {
    pub(super) keyring: Arc<Keyring>,
}

impl Encryption for Endpoint {
    fn accept(&self, socket: TcpStream, held: HeldBytes) -> Accepting {
        let config = self.keyring.config();
        Box::pin(async move {
            match TlsStream::handshake(config, socket, held).await {
                Ok(stream) => Ok(stream as _),
                Err(Refused::Tls(error)) => Err(error),
                Err(Refused::PlainHttp(socket)) => {
                    // The answer is a courtesy.
                    drop(tokio::time::timeout(ANSWER_TIME, answer(socket)).await);
                    Err(io::Error::other("plain http on a port that speaks TLS"))
                }
            }
        })
    }
}

/// Unread bytes would turn the close into a reset, and the answer would be lost.
async fn answer(mut socket: TcpStream) -> io::Result<()> {
    socket.write_all(&plain_http()).await?;
    socket.shutdown().await?;
    let mut discarded = [0; 1_024];
    while socket.read(&mut discarded).await? > 0 {}
    Ok(())
}

/// The whole answer to plain http.
fn plain_http() -> Vec<u8> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CONTENT_LENGTH, PLAIN_HTTP.len().into());
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    security::harden(&mut headers);
    let mut answer = b"HTTP/1.1 400 Bad Request\r\n".to_vec();
    for (name, value) in &headers {
        answer.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    answer.extend_from_slice(&[&b"\r\n"[..], PLAIN_HTTP.as_bytes()].concat());
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_plain_http_has_the_length_that_it_names_and_the_headers_of_every_answer() {
        let text = String::from_utf8(plain_http()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        for field in [
            &format!("content-length: {}", body.len()),
            "x-content-type-options: nosniff",
            "content-security-policy: default-src 'none'; frame-ancestors 'none'",
            "cross-origin-resource-policy: same-origin",
        ] {
            assert!(head.split("\r\n").any(|line| line == field), "{field}: {head}");
        }
    }
}
