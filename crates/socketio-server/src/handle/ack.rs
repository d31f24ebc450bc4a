//! Acknowledgements, both ways: [`Ack`] answers a client, [`AckError`] says why a client did not answer.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use socketio::{AckId, EncodeError, Encoded, NamespaceName, Payload, RawArgs, SocketId};
use tokio::sync::oneshot;

use crate::frame::Frame;
use crate::handle::command::{Command, Direct};
use crate::handle::io::Io;
use crate::room::Room;
use crate::sid::SessionKey;

/// The place of an acknowledgement that a client waits for. Small, so that it can travel with a command through
/// queues of the application.
#[derive(Clone, Debug)]
pub struct AckHandle {
    pub(crate) worker: u16,
    pub(crate) key: SessionKey,
    pub(crate) namespace: NamespaceName,
    pub(crate) socket: SocketId,
    pub(crate) id: AckId,
}

impl AckHandle {
    /// Name of the namespace that the answer goes to.
    pub fn namespace(&self) -> &str {
        self.namespace.as_str()
    }

    /// Public id of the socket that waits.
    pub fn socket(&self) -> SocketId {
        self.socket
    }

    /// Encodes the answer; `args` is comma separated JSON, empty for no arguments.
    ///
    /// `after` is the position of the feed that the answer belongs to: an attached socket gets it right after the
    /// entry of that position. 0 means at once.
    pub fn answer(self, after: u64, args: &str) -> FeedAck {
        let frame = Frame::text(&socketio::encode_ack_raw(&self.namespace, self.id, args));
        FeedAck { handle: self, after, frame, condition: None }
    }

    /// Encodes an answer that only somebody in all of `rooms` may see, at once.
    ///
    /// The worker looks when it sends: a socket that the feed has taken out of a room before, or has not yet let in,
    /// gets `otherwise`. So an answer that took its time never comes after the entry that ended its permission.
    pub fn answer_within(self, rooms: Vec<Room>, args: &str, otherwise: &str) -> FeedAck {
        let otherwise = Frame::text(&socketio::encode_ack_raw(&self.namespace, self.id, otherwise));
        let condition = Some(Box::new(Condition { rooms, otherwise }));
        FeedAck { condition, ..self.answer(0, args) }
    }
}

/// An encoded acknowledgement on its way with [`Feed::publish`](crate::Feed::publish).
#[derive(Debug)]
pub struct FeedAck {
    pub(crate) handle: AckHandle,
    pub(crate) after: u64,
    pub(crate) frame: Frame,
    condition: Option<Box<Condition>>,
}

/// Who may see an answer, and what anybody else is told.
#[derive(Debug)]
struct Condition {
    rooms: Vec<Room>,
    otherwise: Frame,
}

impl FeedAck {
    pub(crate) fn worker(&self) -> u16 {
        self.handle.worker
    }

    /// The answer for a socket that is in the rooms of which `is_in` is true.
    pub(crate) fn judged(self, is_in: impl Fn(&Room) -> bool) -> Self {
        match self.condition {
            Some(condition) if !condition.rooms.iter().all(is_in) => {
                Self { frame: condition.otherwise, condition: None, ..self }
            }
            _ => Self { condition: None, ..self },
        }
    }

    pub(crate) fn has_condition(&self) -> bool {
        self.condition.is_some()
    }
}

/// Answers one event of a client, once. Dropping it answers nothing.
///
/// If the client did not ask for an acknowledgement, sending does nothing.
#[derive(Debug)]
pub struct Ack {
    pub(crate) io: Io,
    pub(crate) handle: Option<AckHandle>,
}

impl Ack {
    /// True if the client waits for an answer.
    pub fn is_expected(&self) -> bool {
        self.handle.is_some()
    }

    /// Sends the answer. A tuple is several arguments, `()` is none, anything else is one, a `Vec` too;
    /// [`Spread`](crate::Spread) makes several of a list.
    ///
    /// # Errors
    /// When the arguments cannot be serialized.
    pub fn send<A: Serialize>(self, args: &A) -> Result<(), EncodeError> {
        self.send_encoded(|namespace, id| socketio::encode_ack(namespace, id, args))
    }

    /// Sends an answer whose arguments are JSON already, such as those of a received [`Payload`], which becomes
    /// [`RawArgs`] by `into`. The caller vouches for the JSON and its placeholders.
    ///
    /// # Errors
    /// When there are too many attachments.
    pub fn send_raw(self, args: RawArgs<'_>) -> Result<(), EncodeError> {
        self.send_encoded(|namespace, id| socketio::encode_ack_with_attachments(namespace, id, args))
    }

    fn send_encoded(
        self,
        encode: impl FnOnce(&NamespaceName, AckId) -> Result<Encoded, EncodeError>,
    ) -> Result<(), EncodeError> {
        let Some(AckHandle { worker, key, namespace, socket, id }) = self.handle else { return Ok(()) };
        let Encoded { text, attachments } = encode(&namespace, id)?;
        let frame = Frame::with_attachments(&text, &attachments);
        self.io.post(worker, Command::Direct { key, namespace, socket, direct: Direct::Reply(frame) });
        Ok(())
    }
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub enum AckError {
    /// The client did not answer in time.
    #[error("the client did not answer in time")]
    Timeout,
    /// The client left first.
    #[error("the socket has been disconnected")]
    Disconnected,
    /// Too many answers are awaited from this socket already.
    #[error("too many acknowledgements are awaited from this socket")]
    TooMany,
    /// The event could not be encoded.
    #[error("the event cannot be encoded: {0}")]
    Encode(#[from] EncodeError),
    /// The server is overloaded or stops.
    #[error("the server does not take the event")]
    Unavailable,
}

/// What a broadcast with acknowledgements brought.
#[derive(Debug, Default)]
pub struct Replies {
    /// The answers, in the order they came.
    pub answers: Vec<Payload<'static>>,
    /// Sockets that got the event and did not answer.
    pub missing: usize,
}

/// Who waits for the answer to an event of ours.
pub(crate) enum PendingAck {
    One(oneshot::Sender<Result<Payload<'static>, AckError>>),
    Many(Arc<Collector>),
}

impl PendingAck {
    pub(crate) fn resolve(self, payload: Payload<'static>) {
        match self {
            // The asker may have given up: that is its own business.
            Self::One(reply) => drop(reply.send(Ok(payload))),
            Self::Many(collector) => collector.answer(payload),
        }
    }

    pub(crate) fn fail(self, error: AckError) {
        match self {
            Self::One(reply) => drop(reply.send(Err(error))),
            // Counted as missing when the time is over, or at once if nobody else is awaited.
            Self::Many(collector) => collector.lose(),
        }
    }

    /// True if nobody waits any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        match self {
            Self::One(reply) => reply.is_closed(),
            Self::Many(collector) => collector.is_abandoned(),
        }
    }
}

impl fmt::Debug for PendingAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PendingAck")
    }
}

/// Gathers the answers to a broadcast from all workers.
pub(crate) struct Collector {
    state: Mutex<Collecting>,
}

struct Collecting {
    answers: Vec<Payload<'static>>,
    awaited: usize,
    lost: usize,
    workers: usize,
    done: Option<oneshot::Sender<()>>,
}

impl Collector {
    pub(crate) fn new(workers: usize, done: oneshot::Sender<()>) -> Self {
        let state = Collecting { answers: Vec::new(), awaited: 0, lost: 0, workers, done: Some(done) };
        Self { state: Mutex::new(state) }
    }

    /// A worker has sent the event to so many sockets.
    pub(crate) fn sent(&self, sockets: usize) {
        self.with(|state| {
            state.awaited += sockets;
            state.workers -= 1;
        });
    }

    fn answer(&self, payload: Payload<'static>) {
        self.with(|state| state.answers.push(payload));
    }

    fn lose(&self) {
        self.with(|state| state.lost += 1);
    }

    fn is_abandoned(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    /// Takes what has come in so far; later answers are ignored.
    pub(crate) fn finish(&self) -> Replies {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = std::mem::take(&mut state.answers);
        state.done = None;
        Replies { missing: state.awaited.saturating_sub(answers.len()), answers }
    }

    fn with(&self, change: impl FnOnce(&mut Collecting)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        if state.workers == 0
            && state.answers.len() + state.lost >= state.awaited
            && let Some(done) = state.done.take()
        {
            // Nobody listens any more if the time was over first.
            let _ = done.send(());
        }
    }
}
