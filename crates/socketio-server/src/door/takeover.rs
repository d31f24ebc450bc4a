//! Takes a connection out of hyper once the 101 is written.
//!
//! Plain TCP comes back as the socket itself, so that the worker reads and writes it directly; everything else
//! stays a boxed stream.

use bytes::Bytes;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::http::stream::HttpStream;
use crate::stream::{NewStream, TakenOver};

/// A socket with what was early.
type Plain = (TcpStream, Bytes);

/// Where the worker runs that will own a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// On this thread, within this runtime.
    Here,
    Elsewhere,
}

/// Waits for the connection; `None` if the client has gone.
pub(crate) async fn take(upgraded: OnUpgrade, owner: Owner) -> Option<TakenOver> {
    let upgraded = upgraded.await.ok()?;
    let (stream, early) = match plain_tcp(upgraded) {
        Ok(found) => found,
        Err(other) => {
            let stream = NewStream::Boxed(Box::new(TokioIo::new(other)));
            return Some(TakenOver { stream, unsent: Bytes::new(), early: Bytes::new() });
        }
    };
    let stream = match owner {
        Owner::Here => NewStream::Local(stream),
        Owner::Elsewhere => NewStream::Detached(stream.into_std().ok()?),
    };
    Some(TakenOver { stream, unsent: Bytes::new(), early })
}

/// The socket, whether our own accept loop has driven hyper, or another one, or the automatic builder that axum uses.
fn plain_tcp(upgraded: Upgraded) -> Result<Plain, Upgraded> {
    let upgraded = match upgraded.downcast::<HttpStream>() {
        Ok(parts) => {
            let (stream, unread) = parts.io.into_parts();
            return Ok((stream, [parts.read_buf, unread].concat().into()));
        }
        Err(upgraded) => upgraded,
    };
    let upgraded = match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => return Ok((parts.io.into_inner(), parts.read_buf)),
        Err(upgraded) => upgraded,
    };
    through_axum(upgraded)
}

#[cfg(feature = "axum")]
fn through_axum(upgraded: Upgraded) -> Result<Plain, Upgraded> {
    use hyper_util::server::conn::auto::upgrade::downcast;
    downcast::<TokioIo<TcpStream>>(upgraded).map(|parts| (parts.io.into_inner(), parts.read_buf))
}

#[cfg(not(feature = "axum"))]
fn through_axum(upgraded: Upgraded) -> Result<Plain, Upgraded> {
    Err(upgraded)
}
