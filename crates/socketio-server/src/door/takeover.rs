//! Takes a connection from hyper once the 101 is written.
//!
//! A plain TCP connection comes back as its socket, which the worker reads and writes directly, and an encrypted one of
//! our own listeners as its stream. Everything else stays a boxed stream.

use bytes::Bytes;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::http::stream::HttpStream;
use crate::occupancy::Descriptor;
use crate::planted::edge::{self, EdgeBug};
use crate::stream::{Accepted, NewStream, TakenOver};

/// A connection, with the bytes that arrived early, and its place if our own accept loop has it.
type Found = (Accepted, Bytes, Option<Descriptor>);

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
    let (stream, early, descriptor) = match found(upgraded) {
        Ok(found) => found,
        Err(other) => {
            let stream = NewStream::Boxed(Box::new(TokioIo::new(other)));
            return Some(TakenOver::new(stream, Bytes::new()));
        }
    };
    let holder = stream.holder();
    let stream = match owner {
        Owner::Here => stream.stay(),
        Owner::Elsewhere => stream.leave().ok()?,
    };
    Some(TakenOver { descriptor, holder, ..TakenOver::new(stream, early) })
}

/// Finds the connection inside, whether our own accept loop drove hyper, another one, or the automatic builder of axum.
fn found(upgraded: Upgraded) -> Result<Found, Upgraded> {
    let upgraded = match upgraded.downcast::<HttpStream>() {
        Ok(parts) => {
            let (stream, unread, descriptor) = parts.io.into_parts();
            if edge::is(EdgeBug::DropsWhatHttpRead) {
                return Ok((stream, unread, descriptor));
            }
            return Ok((stream, [parts.read_buf, unread].concat().into(), descriptor));
        }
        Err(upgraded) => upgraded,
    };
    let upgraded = match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => return Ok((Accepted::Plain(parts.io.into_inner()), parts.read_buf, None)),
        Err(upgraded) => upgraded,
    };
    through_axum(upgraded)
}

#[cfg(feature = "axum")]
fn through_axum(upgraded: Upgraded) -> Result<Found, Upgraded> {
    use hyper_util::server::conn::auto::upgrade::downcast;
    downcast::<TokioIo<TcpStream>>(upgraded)
        .map(|parts| (Accepted::Plain(parts.io.into_inner()), parts.read_buf, None))
}

#[cfg(not(feature = "axum"))]
fn through_axum(upgraded: Upgraded) -> Result<Found, Upgraded> {
    Err(upgraded)
}
