//! Takes a connection out of hyper once the 101 is written.
//!
//! Plain TCP comes back as the socket itself, so that the worker reads and writes it directly; everything else
//! stays a boxed stream.

use bytes::Bytes;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::stream::NewStream;

/// Waits for the connection; `None` if the client has gone. `is_home` tells that this is the runtime of the worker
/// that will own it.
pub(crate) async fn take(upgraded: OnUpgrade, is_home: bool) -> Option<(NewStream, Bytes)> {
    let upgraded = upgraded.await.ok()?;
    let (stream, early) = match plain_tcp(upgraded) {
        Ok(found) => found,
        Err(other) => return Some((NewStream::Boxed(Box::new(TokioIo::new(other))), Bytes::new())),
    };
    if is_home {
        return Some((NewStream::Local(stream), early));
    }
    Some((NewStream::Detached(stream.into_std().ok()?), early))
}

/// The socket, whether hyper was driven directly or by the automatic builder that axum uses.
fn plain_tcp(upgraded: Upgraded) -> Result<(TcpStream, Bytes), Upgraded> {
    let upgraded = match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => return Ok((parts.io.into_inner(), parts.read_buf)),
        Err(upgraded) => upgraded,
    };
    through_axum(upgraded)
}

#[cfg(feature = "axum")]
fn through_axum(upgraded: Upgraded) -> Result<(TcpStream, Bytes), Upgraded> {
    use hyper_util::server::conn::auto::upgrade::downcast;
    downcast::<TokioIo<TcpStream>>(upgraded).map(|parts| (parts.io.into_inner(), parts.read_buf))
}

#[cfg(not(feature = "axum"))]
fn through_axum(upgraded: Upgraded) -> Result<(TcpStream, Bytes), Upgraded> {
    Err(upgraded)
}
