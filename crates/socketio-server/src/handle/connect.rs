//! Joining a namespace: what middleware sees, and where a socket starts in the feed.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;
use socketio::{Lineage, NamespaceName, SocketId};

use crate::feed::FeedPosition;
use crate::frame::Frame;
use crate::handle::io::Io;
use crate::handshake::Handshake;
use crate::socket_data::SocketData;
use crate::user_tag::UserTag;

/// A client wants to join a namespace. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ConnectRequest {
    pub(crate) io: Io,
    pub(crate) namespace: NamespaceName,
    pub(crate) auth: Auth,
    pub(crate) handshake: Option<Arc<Handshake>>,
    pub(crate) data: SocketData,
    pub(crate) user: NamedUser,
}

impl ConnectRequest {
    /// The namespace's name.
    pub fn namespace(&self) -> &str {
        self.namespace.as_str()
    }

    /// What the client sent along.
    pub fn auth(&self) -> &Auth {
        &self.auth
    }

    /// The request that opened the connection; `None` if it has been let go (see
    /// [`HandshakeKept`](crate::HandshakeKept)).
    pub fn handshake(&self) -> Option<&Handshake> {
        self.handshake.as_deref()
    }

    /// Data that the socket will have.
    pub fn data(&self) -> &SocketData {
        &self.data
    }

    /// The server.
    pub fn io(&self) -> &Io {
        &self.io
    }

    /// Names the user whom the client has proved to be, for middleware to say. Without it the client is nobody.
    ///
    /// The private id of the socket is then worth something to this user alone: to everybody else, and to nobody, it
    /// is a stranger's. They are let in with a new id, a new lineage and nothing of what was missed, and the socket
    /// that the private id belongs to does not notice.
    pub fn name_user(&self, user: UserTag) {
        self.user.0.store(user.get(), Ordering::Relaxed);
    }

    /// The user that middleware has named.
    pub(crate) fn user(&self) -> Option<UserTag> {
        UserTag::new(self.user.0.load(Ordering::Relaxed))
    }
}

/// Who the application says it is: shared by all clones of a request, and 0 until somebody is named.
#[derive(Clone, Debug, Default)]
pub(crate) struct NamedUser(Arc<AtomicU64>);

/// The `auth` object of a CONNECT packet, as raw JSON; `{}` if the client sent none.
#[derive(Clone, PartialEq, Eq)]
pub struct Auth(pub(crate) Arc<str>);

impl Auth {
    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The typed value.
    ///
    /// # Errors
    /// When the client sent something else.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }
}

impl fmt::Debug for Auth {
    /// Clients put their secrets into it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Auth({} bytes)", self.0.len())
    }
}

/// A refusal by middleware: the client gets it as `connect_error`.
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
    /// When the data cannot be serialized.
    pub fn with_data<D: Serialize + ?Sized>(mut self, data: &D) -> Result<Self, serde_json::Error> {
        self.data = Some(serde_json::value::to_raw_value(data)?);
        Ok(self)
    }
}

impl<M: Into<String>> From<M> for Rejection {
    fn from(message: M) -> Self {
        Self::new(message)
    }
}

/// Where a socket that is not recovered starts in the feed.
///
/// If the client shows an offset of entries that the feed does not have any more (a backup was restored), or never had,
/// a start other than [`Now`](Self::Now) becomes `After(FeedPosition::START)`: what it says of itself is about another past, and an event
/// that it gets twice is better than one that it never gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// With what comes next.
    #[default]
    Now,
    /// After a position of the feed; one beyond the head counts as the head.
    After(FeedPosition),
    /// After the entry that the application calls by a number of its own
    /// ([`FeedEntry::with_anchor`](crate::FeedEntry::with_anchor)); what is not in memory any more, the
    /// [`History`](crate::History) finds.
    ///
    /// Where other nodes append to the log, one beyond the newest is waited for first, up to
    /// [`FeedConfig::ahead_wait`](crate::FeedConfig::ahead_wait).
    Anchor(u64),
    /// Not yet: the client has seen more than the feed has ([`CursorAt::Ahead`](crate::CursorAt::Ahead)). The application is
    /// asked again when the feed has come to this position; if that takes too long, the connection is closed.
    Ahead(FeedPosition),
}

/// A socket that joins a namespace with a feed, when middleware has let it in.
#[derive(Debug)]
#[non_exhaustive]
pub struct Joining<'a> {
    /// What the client sent along.
    pub auth: &'a Auth,
    /// Data that the socket will have, with what middleware has stored.
    pub data: &'a SocketData,
    /// Public id that the socket will have.
    pub socket: SocketId,
    /// Position up to which this worker has delivered the feed: [`Start::Now`] starts after it.
    pub applied: FeedPosition,
    /// The request that opened the connection, if it has not been let go.
    pub handshake: Option<&'a Handshake>,
}

/// The application's word on a socket that joins a namespace with a feed.
#[derive(Clone, Debug, Default)]
pub struct FeedJoin {
    /// Where it starts.
    pub start: Start,
    /// The scope of its keys, if the client proved one; else the one of its private id, or a new one.
    pub lineage: Option<Lineage>,
    /// Sent right after CONNECT, before every entry and every other event. A recovered socket has none.
    pub greeting: Vec<Frame>,
}

/// What connection state recovery reads of `auth`. Anything malformed is as if it were not there.
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
