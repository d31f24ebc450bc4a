//! What an HTTP request wants of the engine, decided before any session is looked up.
//!
//! Owns the part of the verification order that needs no state; the first check that fails decides the answer.
//! Promises that a request is refused before the protocol is switched, never on an open WebSocket. Does not
//! know whether a session id lives: each [`Route`] that carries one says what the driver still has to check.

use std::fmt;

use crate::error_code::ErrorCode;
use crate::query::Query;
use crate::redacted::Redacted;
use crate::transport::TransportKind;

/// The one revision that is spoken.
const REVISION: &str = "4";

/// The HTTP method of a request, as far as the protocol tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
    /// OPTIONS that was not answered as a CORS preflight.
    Options,
    /// Any other.
    Other,
}

/// Whether a request asks to become a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UpgradeHeader {
    /// No upgrade, or one to something else.
    Absent,
    /// `Upgrade: websocket`.
    WebSocket,
}

/// What a request wants.
///
/// For every route with an id the driver first looks the session up and answers
/// [`ErrorCode::UnknownSid`] when there is none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Route<'a> {
    /// Open a session on this transport.
    Open(TransportKind),
    /// Wait for packets: see [`Session::begin_poll`](crate::Session::begin_poll).
    Poll {
        /// The id of the session.
        sid: &'a str,
    },
    /// Hand packets in: see [`Session::begin_post`](crate::Session::begin_post).
    Post {
        /// The id of the session.
        sid: &'a str,
    },
    /// Bring a WebSocket to a session: see [`Session::begin_upgrade`](crate::Session::begin_upgrade).
    Attach {
        /// The id of the session.
        sid: &'a str,
    },
    /// A polling request with a method that means nothing. Status 500 without a body; the session lives. When
    /// the session has left polling, [`ErrorCode::BadRequest`] comes first.
    OtherMethod {
        /// The id of the session.
        sid: &'a str,
    },
    /// A request that fits no session, whatever its state: another revision, or transport and upgrade header
    /// that contradict each other. [`ErrorCode::BadRequest`]; the session lives.
    ///
    /// It is a route and not an error, because an unknown id comes first in the verification order.
    Mismatch {
        /// The id of the session.
        sid: &'a str,
    },
}

impl<'a> Route<'a> {
    /// The id of the session, if the request names one.
    pub const fn sid(&self) -> Option<&'a str> {
        match *self {
            Self::Open(_) => None,
            Self::Poll { sid }
            | Self::Post { sid }
            | Self::Attach { sid }
            | Self::OtherMethod { sid }
            | Self::Mismatch { sid } => Some(sid),
        }
    }
}

/// Decides what a request wants.
///
/// ```
/// use engineio::{ErrorCode, Method, Query, Route, TransportKind, UpgradeHeader, route};
///
/// let query = Query::parse("EIO=4&transport=polling");
/// let open = route(Method::Get, &query, UpgradeHeader::Absent);
/// assert_eq!(open, Ok(Route::Open(TransportKind::Polling)));
///
/// let query = Query::parse("EIO=4&transport=polling&sid=k3Gq");
/// let post = route(Method::Post, &query, UpgradeHeader::Absent);
/// assert_eq!(post, Ok(Route::Post { sid: "k3Gq" }));
///
/// let query = Query::parse("EIO=3&transport=websocket");
/// let refused = route(Method::Get, &query, UpgradeHeader::WebSocket);
/// assert_eq!(refused, Err(ErrorCode::UnsupportedProtocolVersion));
/// ```
pub fn route<'a>(
    method: Method,
    query: &'a Query<'a>,
    upgrade: UpgradeHeader,
) -> Result<Route<'a>, ErrorCode> {
    let transport =
        query.transport.as_deref().and_then(TransportKind::parse).ok_or(ErrorCode::UnknownTransport)?;
    let speaks_revision = query.eio.as_deref() == Some(REVISION);
    match query.sid.as_deref() {
        // An empty id counts as none, as it does in the Node implementation.
        None | Some("") => open(method, transport, upgrade, speaks_revision),
        Some(sid) if speaks_revision => Ok(join(method, transport, upgrade, sid)),
        Some(sid) => Ok(Route::Mismatch { sid }),
    }
}

fn open<'a>(
    method: Method,
    transport: TransportKind,
    upgrade: UpgradeHeader,
    speaks_revision: bool,
) -> Result<Route<'a>, ErrorCode> {
    if method != Method::Get {
        return Err(ErrorCode::BadHandshakeMethod);
    }
    match (transport, upgrade) {
        (TransportKind::WebSocket, UpgradeHeader::Absent)
        | (TransportKind::Polling, UpgradeHeader::WebSocket) => Err(ErrorCode::BadRequest),
        (TransportKind::Polling, UpgradeHeader::Absent)
        | (TransportKind::WebSocket, UpgradeHeader::WebSocket) => {
            if speaks_revision {
                Ok(Route::Open(transport))
            } else {
                Err(ErrorCode::UnsupportedProtocolVersion)
            }
        }
    }
}

fn join(method: Method, transport: TransportKind, upgrade: UpgradeHeader, sid: &str) -> Route<'_> {
    match (transport, upgrade, method) {
        (TransportKind::Polling, UpgradeHeader::Absent, Method::Get) => Route::Poll { sid },
        (TransportKind::Polling, UpgradeHeader::Absent, Method::Post) => Route::Post { sid },
        (TransportKind::Polling, UpgradeHeader::Absent, Method::Options | Method::Other) => {
            Route::OtherMethod { sid }
        }
        (TransportKind::WebSocket, UpgradeHeader::WebSocket, Method::Get) => Route::Attach { sid },
        (
            TransportKind::WebSocket,
            UpgradeHeader::WebSocket,
            Method::Post | Method::Options | Method::Other,
        )
        | (TransportKind::WebSocket, UpgradeHeader::Absent, _)
        | (TransportKind::Polling, UpgradeHeader::WebSocket, _) => Route::Mismatch { sid },
    }
}

impl fmt::Debug for Route<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Open(transport) => return f.debug_tuple("Open").field(transport).finish(),
            Self::Poll { .. } => "Poll",
            Self::Post { .. } => "Post",
            Self::Attach { .. } => "Attach",
            Self::OtherMethod { .. } => "OtherMethod",
            Self::Mismatch { .. } => "Mismatch",
        };
        f.debug_struct(name).field("sid", &Redacted).finish()
    }
}
