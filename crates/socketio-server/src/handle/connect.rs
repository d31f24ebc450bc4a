//! Joining a namespace: what middleware sees, and where a socket starts in the feed.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;
use socketio::{Lineage, NamespaceName, SocketId};

use crate::feed::{Anchor, FeedPosition};
use crate::frame::Frame;
use crate::handle::io::Io;
use crate::handshake::Handshake;
use crate::peer::Peer;
use crate::socket_data::SocketData;
use crate::user_tag::UserTag;

/// A client wants to join a namespace. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ConnectRequest {
    pub(crate) io: Io,
    pub(crate) namespace: NamespaceName,
    pub(crate) auth: Auth,
    pub(crate) handshake: Option<Arc<Handshake>>,
    pub(crate) peer: Peer,
    pub(crate) data: SocketData,
    pub(crate) connection_data: SocketData,
    pub(crate) found: Found,
}

impl ConnectRequest {
    /// The namespace's name.
    pub fn namespace(&self) -> &str {
        self.namespace.as_str()
    }

    /// The `auth` that the client sent.
    pub fn auth(&self) -> &Auth {
        &self.auth
    }

    /// The request that opened the connection; `None` if it was dropped (see [`HandshakeKept`](crate::HandshakeKept)).
    pub fn handshake(&self) -> Option<&Handshake> {
        self.handshake.as_deref()
    }

    /// The other end of the connection.
    pub fn peer(&self) -> Peer {
        self.peer
    }

    /// The data of the future socket.
    pub fn data(&self) -> &SocketData {
        &self.data
    }

    /// What the application keeps with the connection: all requests of one connection share it, whatever they ask for, and
    /// it is kept until the connection closes. So what is counted here does not begin anew when the client joins again.
    pub fn connection_data(&self) -> &SocketData {
        &self.connection_data
    }

    /// The server.
    pub fn io(&self) -> &Io {
        &self.io
    }

    /// For middleware: names the user that the client has proved to be. Otherwise the client is nobody.
    ///
    /// The private id of the socket is then valid only for this user. Anybody else who presents it is a stranger: they
    /// get a new id, a new lineage and no missed events, and the socket of the private id is not affected.
    pub fn name_user(&self, user: UserTag) {
        self.found.0.user.store(user.get(), Ordering::Relaxed);
    }

    /// The user that middleware has named.
    pub(crate) fn user(&self) -> Option<UserTag> {
        UserTag::new(self.found.0.user.load(Ordering::Relaxed))
    }

    /// For middleware: vouches for the client. Its connection no longer counts among those of its address that nobody knows,
    /// but among those that are vouched for, which may take more: see [`StrangerBounds`](crate::StrangerBounds). That holds
    /// until the connection closes, even if the client leaves the namespace: what the application counts beside it belongs
    /// to [`connection_data`](Self::connection_data).
    pub fn vouch(&self) {
        self.found.0.is_known.store(true, Ordering::Relaxed);
    }

    /// Whether middleware has vouched for the client.
    pub(crate) fn is_known(&self) -> bool {
        self.found.0.is_known.load(Ordering::Relaxed)
    }
}

/// What middleware has found out, shared by all clones of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found(Arc<Facts>);

#[derive(Debug, Default)]
struct Facts {
    /// 0 until somebody is named.
    user: AtomicU64,
    is_known: AtomicBool,
}

/// The `auth` object of a CONNECT packet as raw JSON; `{}` if the client sent none.
#[derive(Clone, PartialEq, Eq)]
pub struct Auth(pub(crate) Arc<str>);

impl Auth {
    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value as a `T`.
    ///
    /// # Errors
    /// If the client sent something else.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }
}

impl fmt::Debug for Auth {
    /// It can contain secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Auth({} bytes)", self.0.len())
    }
}

/// A refusal by middleware, which the client gets as `connect_error`.
#[derive(Clone, Debug)]
pub struct Rejection {
    pub(crate) message: String,
    pub(crate) data: Option<Box<serde_json::value::RawValue>>,
}

impl Rejection {
    /// A refusal with a message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), data: None }
    }

    /// Adds data, which the client finds in `error.data`.
    ///
    /// # Errors
    /// If the data cannot be serialized.
    pub fn with_data<D: Serialize + ?Sized>(mut self, data: &D) -> Result<Self, serde_json::Error> {
        self.data = Some(serde_json::value::to_raw_value(data)?);
        Ok(self)
    }
}

impl Rejection {
    /// There are too many of something, and the client may come again later.
    pub(crate) fn busy(message: &str) -> Self {
        let data = serde_json::value::RawValue::from_string(r#"{"code":"busy"}"#.into());
        Self { message: message.into(), data: Some(data.expect("it is JSON")) }
    }
}

impl<M: Into<String>> From<M> for Rejection {
    fn from(message: M) -> Self {
        Self::new(message)
    }
}

/// Where a socket starts in the feed if it is not recovered.
///
/// If the client presents an offset of entries that the feed no longer has (a backup was restored), or never had, every
/// start except [`Now`](Self::Now) becomes `After(FeedPosition::START)`: what the client says is about lost history,
/// and an event that arrives twice is better than one that never arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// With the next entry.
    #[default]
    Now,
    /// After this position of the feed; beyond the head, after the head.
    After(FeedPosition),
    /// After the entry with this anchor, a number of the application
    /// ([`FeedEntry::with_anchor`](crate::FeedEntry::with_anchor)). If it is no longer in memory, the
    /// [`History`](crate::History) finds it.
    ///
    /// If other nodes append to the log, an anchor beyond the newest is waited for, up to
    /// [`FeedConfig::ahead_wait`](crate::FeedConfig::ahead_wait).
    Anchor(Anchor),
    /// Later: the client has seen more than the feed has ([`CursorAt::Ahead`](crate::CursorAt::Ahead)). The application
    /// is asked again when the feed has reached this position; if that takes too long, the connection is closed.
    Ahead(FeedPosition),
}

/// A socket that joins a namespace with a feed, after its middleware.
#[derive(Debug)]
#[non_exhaustive]
pub struct Joining<'a> {
    /// The `auth` that the client sent.
    pub auth: &'a Auth,
    /// The data of the socket, including what middleware has stored.
    pub data: &'a SocketData,
    /// The public id of the socket.
    pub socket: SocketId,
    /// The position up to which this worker has delivered the feed: [`Start::Now`] starts after it.
    pub applied: FeedPosition,
    /// The request that opened the connection, unless it was dropped.
    pub handshake: Option<&'a Handshake>,
}

/// The application's decision about a socket that joins a namespace with a feed.
#[derive(Clone, Debug, Default)]
pub struct FeedJoin {
    /// Where it starts.
    pub start: Start,
    /// The scope of its keys, if the client proved one. Otherwise that of its private id, or a new one.
    pub lineage: Option<Lineage>,
    /// Sent right after CONNECT, before every entry and every other event. A recovered socket gets none.
    pub greeting: Vec<Frame>,
}

/// The fields of `auth` for connection state recovery. A malformed field counts as absent.
#[derive(Debug, Default)]
pub(crate) struct RecoveryAuth {
    pub(crate) pid: Option<String>,
    pub(crate) offset: Option<String>,
}

impl RecoveryAuth {
    pub(crate) fn of(auth: &Auth) -> Self {
        #[derive(serde::Deserialize)]
        struct Raw<'a> {
            #[serde(borrow)]
            pid: Option<&'a serde_json::value::RawValue>,
            #[serde(borrow)]
            offset: Option<&'a serde_json::value::RawValue>,
        }
        let text = |raw: &serde_json::value::RawValue| serde_json::from_str::<String>(raw.get()).ok();
        serde_json::from_str::<Raw<'_>>(auth.as_str())
            .map(|raw| Self { pid: raw.pid.and_then(text), offset: raw.offset.and_then(text) })
            .unwrap_or_default()
    }
}
