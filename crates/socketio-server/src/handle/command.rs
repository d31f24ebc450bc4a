//! [`Command`]: everything that other threads ask of a worker.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

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
use crate::handshake::Entrant;
use crate::http::cache_buster::{CacheBuster, RequestMark};
use crate::occupancy::{Portion, Visit};
use crate::room::{Room, Selection};
use crate::sid::{PollNumber, SessionKey, Sid};
use crate::stats::Census;
use crate::stream::TakenOver;

#[derive(Debug)]
pub(crate) enum Command {
    /// Opens a session by polling. The answer is the body of the response.
    Open { entrant: Box<Entrant>, reply: oneshot::Sender<String> },
    /// Opens a session by WebSocket.
    Attach { entrant: Box<Entrant>, taken: TakenOver },
    /// A GET of a polling session.
    Poll {
        sid: Sid,
        number: PollNumber,
        buster: CacheBuster,
        visit: Option<Visit>,
        reply: oneshot::Sender<PollAnswer>,
    },
    /// The client closed the connection of its GET.
    PollAborted { sid: Sid, number: PollNumber },
    /// A POST has begun: from now on, a second one overlaps.
    PostBegin {
        sid: Sid,
        mark: Option<RequestMark>,
        visit: Option<Visit>,
        reply: oneshot::Sender<Result<PostTerms, HttpError>>,
    },
    /// The body of the POST has arrived.
    Post { sid: Sid, body: PostBody, headers: Box<HeaderMap>, reply: oneshot::Sender<Result<(), HttpError>> },
    /// More packets of the POST may be handled, after what came in meanwhile.
    Continue { key: SessionKey },
    /// The client disconnected while it sent the body of the POST, which ends the session.
    PostAborted { sid: Sid },
    /// The POST was refused because of its body.
    PostRefused { sid: Sid },
    /// Asks whether a session exists, and on which transport.
    Look { sid: Sid, reply: oneshot::Sender<Result<TransportKind, HttpError>> },
    /// A WebSocket that wants to take over a polling session.
    Probe { sid: Sid, taken: TakenOver },
    /// An event for many sockets.
    Broadcast(Arc<Broadcast>),
    /// Something for one socket. If the connection has joined the namespace again since, that is another socket.
    ToSocket { key: SessionKey, namespace: NamespaceName, socket: SocketId, command: SocketCommand },
    /// Changes rooms or closes connections of many sockets.
    ToSelection { namespace: NamespaceName, selection: Selection, command: SelectionCommand },
    /// Describes the selected sockets.
    Fetch { namespace: NamespaceName, selection: Selection, reply: oneshot::Sender<Vec<RemoteSocket>> },
    /// The middleware has decided.
    Admit { key: SessionKey, request: ConnectRequest, outcome: Result<(), Rejection> },
    /// A client came back elsewhere: end its older session, then report back if somebody waits.
    Evict { namespace: Arc<str>, socket: SocketId, before: ArrivalNumber, done: Option<EvictDone> },
    /// All workers have ended the old session of a returning socket.
    Evicted { key: SessionKey, namespace: NamespaceName },
    /// A page of the log for a socket that is behind.
    History { key: SessionKey, namespace: Arc<str>, page: Result<HistoryPage, HistoryError> },
    /// A message for a session of a server without Socket.IO; `None` closes the session.
    Engine { key: SessionKey, message: Option<EngineMessage> },
    /// A feed has grown up to a position. A worker delivers no further, even if the ring has more. So a command that
    /// was sent before an entry was published, such as joining a room, takes effect before that entry.
    Feed(Announcement),
    /// Counts what the worker has now.
    Census { reply: oneshot::Sender<Census> },
    /// A session has more to write than one turn allows.
    Touch { key: SessionKey },
    /// Too much waits for slow clients: close those that hold most.
    RelieveOutput,
    /// The handlers of a socket have caught up.
    Resume { key: SessionKey },
    /// The application accepts events again: read all paused connections.
    ResumeAll,
    /// Close every connection without a Socket.IO packet, so that clients reconnect.
    CloseTransports { sessions_max: usize },
    /// Run this between two turns, for example to start accepting connections.
    Run(Errand),
    /// Close everything and end the thread.
    Stop,
}

impl Command {
    /// Whether the application could tell if this came after a growth that was announced before it.
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
            | Self::Continue { .. }
            | Self::PostAborted { .. }
            | Self::PostRefused { .. }
            | Self::Look { .. }
            | Self::Probe { .. }
            | Self::History { .. }
            | Self::Engine { .. }
            | Self::Feed(_)
            | Self::Census { .. }
            | Self::Touch { .. }
            | Self::RelieveOutput
            | Self::Resume { .. }
            | Self::ResumeAll
            | Self::Run(_) => false,
        }
    }
}

/// What a POST may bring.
#[derive(Debug)]
pub(crate) struct PostTerms {
    pub(crate) bytes_max: usize,
    /// What its body holds, as a part of its session.
    pub(crate) held: Portion,
}

/// The body of a POST, which is counted until its last packet has been handled.
#[derive(Debug)]
pub(crate) struct PostBody {
    pub(crate) bytes: Bytes,
    pub(crate) held: Portion,
}

/// A feed has grown, or has answers for sockets of one worker.
#[derive(Debug)]
pub(crate) struct Announcement {
    pub(crate) namespace: Arc<str>,
    /// Up to this position.
    pub(crate) through: FeedPosition,
    pub(crate) acks: Vec<FeedAck>,
    /// When it was published.
    pub(crate) at: Instant,
}

impl Announcement {
    /// Adds a later one of the same namespace.
    pub(crate) fn merge(&mut self, later: Self) {
        self.through = self.through.max(later.through);
        self.acks.extend(later.acks);
    }
}

/// Something for one socket.
#[derive(Debug)]
pub(crate) enum SocketCommand {
    /// An encoded event. `text` is given too if the offset must be appended.
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
    /// The head of the feed when this was requested: the socket gets only later entries.
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

/// What happens to an event that cannot be written at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reliability {
    Reliable,
    /// It is dropped.
    Volatile,
}

/// How the server disconnects a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// It leaves the namespace. The official client does not reconnect by itself.
    Namespace,
    /// It leaves the namespace, and its whole connection is closed.
    Connection,
}

/// What happens to the selected sockets.
#[derive(Clone, Debug)]
pub(crate) enum SelectionCommand {
    Join(Entering),
    Leave(Vec<Room>),
    Disconnect(Closing),
    /// Their clients are to reconnect.
    CloseTransports,
}

/// The answer to a GET.
#[derive(Debug)]
pub(crate) enum PollAnswer {
    Payload(String),
    Error(HttpError),
}

/// The answer to a request of a session that cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HttpError {
    Engine(ErrorCode),
    /// 400 without a body: the session has ended.
    Ended,
}

/// A task for a worker's own thread, within its runtime.
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

/// Answers a request. If the caller is gone, the guard of its request has said so.
pub(crate) fn answer<T>(reply: oneshot::Sender<T>, value: T) {
    let _ = reply.send(value);
}
