//! [`Command`]: everything that other threads ask of a worker.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use engineio::{ErrorCode, TransportKind};
use http::HeaderMap;
use socketio::{AckId, NamespaceName, SocketId};
use tokio::sync::oneshot;

use crate::feed::{FeedAck, FeedPosition, HistoryError, HistoryPage};
use crate::frame::Frame;
use crate::handle::ack::PendingAck;
use crate::handle::connect::{ConnectRequest, Rejection};
use crate::handle::engine::EngineMessage;
use crate::handle::eviction::{ArrivalNumber, EvictDone};
use crate::handle::io::Broadcast;
use crate::handle::remote::RemoteSocket;
use crate::handshake::Handshake;
use crate::http::cache_buster::{CacheBuster, RequestMark};
use crate::room::{Room, Selection};
use crate::sid::{PollNumber, SessionKey, Sid};
use crate::stream::NewStream;
use crate::stream::TakenOver;

#[derive(Debug)]
pub(crate) enum Command {
    /// A polling handshake; the answer is the body of the response.
    Open { handshake: Box<Handshake>, reply: oneshot::Sender<String> },
    /// A WebSocket that begins a session.
    Attach { handshake: Box<Handshake>, taken: TakenOver },
    /// A GET of a polling session.
    Poll { sid: Sid, number: PollNumber, buster: CacheBuster, reply: oneshot::Sender<PollAnswer> },
    /// The client went away while its GET was held.
    PollAborted { sid: Sid, number: PollNumber },
    /// A POST has begun: from here on a second one overlaps.
    PostBegin { sid: Sid, mark: Option<RequestMark>, reply: oneshot::Sender<Result<(), HttpError>> },
    /// The body of the POST is here.
    Post { sid: Sid, body: Bytes, headers: Box<HeaderMap>, reply: oneshot::Sender<Result<(), HttpError>> },
    /// The client went away while it sent the body of the POST: that ends the session.
    PostAborted { sid: Sid },
    /// The POST has been refused for its body.
    PostRefused { sid: Sid },
    /// Is there such a session, and on which transport?
    Look { sid: Sid, reply: oneshot::Sender<Result<TransportKind, HttpError>> },
    /// The WebSocket that wants to take a polling session over.
    Probe { sid: Sid, stream: NewStream, early: Bytes },
    /// An event for many sockets.
    Broadcast(Arc<Broadcast>),
    /// Something for one socket. The connection may have joined the namespace anew since: that is another socket.
    ToSocket { key: SessionKey, namespace: NamespaceName, socket: SocketId, command: SocketCommand },
    /// Rooms and connections of many sockets.
    ToSelection { namespace: NamespaceName, selection: Selection, command: SelectionCommand },
    /// Describes the selected sockets.
    Fetch { namespace: NamespaceName, selection: Selection, reply: oneshot::Sender<Vec<RemoteSocket>> },
    /// Middleware has decided.
    Admit { key: SessionKey, request: ConnectRequest, outcome: Result<(), Rejection> },
    /// A client came back elsewhere: end its session of before then, then say so if someone waits for it.
    Evict { namespace: Arc<str>, socket: SocketId, before: ArrivalNumber, done: Option<EvictDone> },
    /// All workers have evicted the old session of a socket that comes back.
    Evicted { key: SessionKey, namespace: NamespaceName },
    /// A page of the log for a socket that is behind.
    History { key: SessionKey, namespace: Arc<str>, page: Result<HistoryPage, HistoryError> },
    /// A message for a session of a server that speaks Engine.IO only; none closes it.
    Engine { key: SessionKey, message: Option<EngineMessage> },
    /// A feed has grown up to a position. Workers deliver no further, although the ring may have more: what was asked
    /// of them before an entry was published, joining a room for instance, is done before they deliver it.
    Feed { namespace: Arc<str>, through: FeedPosition, acks: Vec<FeedAck> },
    /// A session has more to write than one turn takes.
    Touch { key: SessionKey },
    /// The handlers of a socket have caught up.
    Resume { key: SessionKey },
    /// The application has room again: read all paused connections.
    ResumeAll,
    /// Close every transport without a Socket.IO packet, so that clients come back.
    CloseTransports { sessions_max: usize },
    /// Run this between two turns: it starts to accept connections, for instance.
    Run(Errand),
    /// Close everything and end the thread.
    Stop,
}

impl Command {
    /// Whether the application could tell if growth of a feed that was announced before it came after it.
    pub(crate) fn keeps_its_place(&self) -> bool {
        match self {
            Self::Broadcast(_)
            | Self::ToSocket { .. }
            | Self::ToSelection { .. }
            | Self::Fetch { .. }
            | Self::Admit { .. }
            | Self::Evict { .. }
            | Self::Evicted { .. }
            | Self::CloseTransports { .. }
            | Self::Stop => true,
            Self::Open { .. }
            | Self::Attach { .. }
            | Self::Poll { .. }
            | Self::PollAborted { .. }
            | Self::PostBegin { .. }
            | Self::Post { .. }
            | Self::PostAborted { .. }
            | Self::PostRefused { .. }
            | Self::Look { .. }
            | Self::Probe { .. }
            | Self::History { .. }
            | Self::Engine { .. }
            | Self::Feed { .. }
            | Self::Touch { .. }
            | Self::Resume { .. }
            | Self::ResumeAll
            | Self::Run(_) => false,
        }
    }
}

/// Something for one socket.
#[derive(Debug)]
pub(crate) enum SocketCommand {
    /// An encoded event; `text` is given as well if the offset must be put at its end.
    Emit(Emission),
    /// The answer to an event.
    Reply(Frame),
    Join(Entering),
    Leave(Room),
    Disconnect(Closing),
    /// A handler panicked.
    Abort,
}

/// Rooms to join.
#[derive(Clone, Debug)]
pub(crate) struct Entering {
    pub(crate) rooms: Vec<Room>,
    /// Head of the feed when it was asked for: what was published before is not for the socket.
    pub(crate) since: FeedPosition,
}

/// An encoded event for one socket.
#[derive(Debug)]
pub(crate) struct Emission {
    pub(crate) text: String,
    pub(crate) attachments: Vec<Bytes>,
    pub(crate) reliability: Reliability,
    pub(crate) ack: Option<(AckId, PendingAck)>,
}

/// What becomes of an event that cannot be written at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reliability {
    Reliable,
    /// Dropped.
    Volatile,
}

/// How a socket is disconnected by the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// It leaves the namespace; the official client does not come back by itself.
    Namespace,
    /// Its whole connection is closed after it has left the namespace.
    Connection,
}

/// What happens to the selected sockets.
#[derive(Clone, Debug)]
pub(crate) enum SelectionCommand {
    Join(Entering),
    Leave(Vec<Room>),
    Disconnect(Closing),
    /// The clients are to come back.
    CloseTransports,
}

/// The answer to a GET.
#[derive(Debug)]
pub(crate) enum PollAnswer {
    Payload(String),
    Error(HttpError),
}

/// What an HTTP request of a session is answered if it cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HttpError {
    Engine(ErrorCode),
    /// 400 without a body: the session is over.
    Ended,
}

/// Something that a worker does on its own thread, within its runtime.
pub(crate) struct Errand(Box<dyn FnOnce() + Send>);

impl Errand {
    pub(crate) fn new(run: impl FnOnce() + Send + 'static) -> Self {
        Self(Box::new(run))
    }

    pub(crate) fn run(self) {
        (self.0)();
    }
}

impl fmt::Debug for Errand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Errand")
    }
}

/// Answers a request. Whoever asked may have gone, and then has said so by the guard of the request.
pub(crate) fn answer<T>(reply: oneshot::Sender<T>, value: T) {
    let _ = reply.send(value);
}
