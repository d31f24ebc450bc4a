//! What an HTTP request asks for, decided before its session is looked up.
//!
//! Owns the part of the verification order that needs no state; the first check that fails decides the answer. A
//! request is refused before the protocol is switched, never on an open WebSocket. Whether a session exists is not
//! known here: each [`Route`] with an id says what the driver still has to check.

use std::fmt;

use crate::error_code::ErrorCode;
use crate::query::Query;
use crate::redacted::Redacted;
use crate::transport::TransportKind;

/// The only supported revision.
const REVISION: &str = "4";

/// The HTTP method of a request, as far as the protocol distinguishes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// A poll for packets, or the request of a WebSocket.
    Get,
    /// A payload with packets.
    Post,
    /// OPTIONS that was not answered as a CORS preflight.
    Options,
    /// Any other method.
    Other,
}

/// Whether a request asks to become a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UpgradeHeader {
    /// No upgrade, or an upgrade to something else.
    Absent,
    /// `Upgrade: websocket`.
    WebSocket,
}

/// What a request asks for.
///
/// For every route with an id, the driver first looks up the session. If there is none, the answer is
/// [`ErrorCode::UnknownSid`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Route<'a> {
    /// Open a session on this transport.
    Open(TransportKind),
    /// Wait for packets: see [`Session::begin_poll`](crate::Session::begin_poll).
    Poll {
        /// The id of the session.
        sid: &'a str,
    },
    /// Deliver packets: see [`Session::begin_post`](crate::Session::begin_post).
    Post {
        /// The id of the session.
        sid: &'a str,
    },
    /// Add a WebSocket to a session: see [`Session::begin_upgrade`](crate::Session::begin_upgrade).
    Attach {
        /// The id of the session.
        sid: &'a str,
    },
    /// A polling request with a meaningless method. The answer is status 500 without a body, and the session continues.
    /// If the session no longer polls, the answer is [`ErrorCode::BadRequest`] instead.
    OtherMethod {
        /// The id of the session.
        sid: &'a str,
    },
    /// A request that fits no session in any state: another revision, or a transport that contradicts the upgrade
    /// header. The answer is [`ErrorCode::BadRequest`], and the session continues.
    ///
    /// This is a route and not an error, because the check for an unknown id comes first.
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

/// Decides what a request asks for.
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
        // An empty id counts as absent, as in the Node implementation.
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
