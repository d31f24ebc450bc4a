//! [`Endpoint`]: makes the handshake on a new connection, and answers plain http where TLS is spoken.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use socketio_server::{Accepting, Encryption};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::keyring::Keyring;
use super::stream::{Refused, TlsStream};

/// How long a client that speaks http has to take the answer.
const ANSWER_TIME: Duration = Duration::from_secs(1);

const PLAIN_HTTP: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    x-content-type-options: nosniff\r\n\
    content-length: 66\r\n\
    connection: close\r\n\r\n\
    This port speaks https, not http. Open it at an https:// address.\n";

pub(super) struct Endpoint {
    pub(super) keyring: Arc<Keyring>,
}

impl Encryption for Endpoint {
    fn accept(&self, socket: TcpStream) -> Accepting {
        let config = self.keyring.config();
        Box::pin(async move {
            match TlsStream::handshake(config, socket).await {
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
    socket.write_all(PLAIN_HTTP).await?;
    socket.shutdown().await?;
    let mut discarded = [0; 1_024];
    while socket.read(&mut discarded).await? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_plain_http_has_the_length_that_it_names() {
        let text = std::str::from_utf8(PLAIN_HTTP).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{}", body.len());
    }
}
