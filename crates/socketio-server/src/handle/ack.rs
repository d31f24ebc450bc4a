//! Acks in both directions: [`Ack`] answers a client, [`AckError`] says why a client did not answer.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use socketio::{AckId, EncodeError, Encoded, NamespaceName, Payload, RawArgs, SocketId};
use tokio::sync::oneshot;

use crate::feed::AckHandle;
use crate::frame::Frame;
use crate::handle::command::{Command, SocketCommand};
use crate::handle::io::Io;

/// Answers an event of a client, once. If it is dropped, the client gets no answer.
///
/// If the client did not ask for an acknowledgement, sending does nothing.
#[derive(Debug)]
pub struct Ack {
    pub(crate) io: Io,
    pub(crate) handle: Option<AckHandle>,
}

impl Ack {
    /// Whether the client waits for an answer.
    pub fn is_expected(&self) -> bool {
        self.handle.is_some()
    }

    /// Sends the answer. A tuple is several arguments, `()` is none, anything else is one, including a `Vec`;
    /// [`Spread`](crate::Spread) turns a list into several.
    ///
    /// # Errors
    /// If the arguments cannot be serialized.
    pub fn send<A: Serialize>(self, args: &A) -> Result<(), EncodeError> {
        self.send_encoded(|namespace, id| socketio::encode_ack(namespace, id, args))
    }

    /// Sends an answer whose arguments are already JSON, such as those of a received [`Payload`], which `into` turns
    /// into [`RawArgs`]. The caller guarantees that the JSON and its placeholders are valid.
    ///
    /// # Errors
    /// If there are too many attachments.
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
        self.io
            .post(worker, Command::ToSocket { key, namespace, socket, command: SocketCommand::Reply(frame) });
        Ok(())
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AckError {
    /// The client did not answer in time.
    #[error("the client did not answer in time")]
    Timeout,
    /// The client left before it answered.
    #[error("the socket has been disconnected")]
    Disconnected,
    /// Too many acks of this socket are open already.
    #[error("too many acknowledgements are awaited from this socket")]
    TooMany,
    /// The event could not be encoded.
    #[error("the event cannot be encoded: {0}")]
    Encode(#[from] EncodeError),
    /// The server is overloaded or stopping.
    #[error("the server is overloaded or stopping")]
    Unavailable,
}

/// The result of a broadcast that asks for acks.
#[derive(Debug, Default)]
pub struct Replies {
    /// The answers, in the order of arrival.
    pub answers: Vec<Reply>,
    /// How many sockets got the event and did not answer.
    pub missing: Vec<SocketId>,
}

/// The answer of one socket.
#[derive(Debug)]
pub struct Reply {
    /// The public id of the socket that answered.
    pub socket: SocketId,
    /// The arguments of the answer, or why there is none.
    pub payload: Payload<'static>,
}

/// Who waits for an ack of a client.
pub(crate) enum PendingAck {
    One(oneshot::Sender<Result<Payload<'static>, AckError>>),
    Many(Arc<Collector>, SocketId),
}

impl PendingAck {
    pub(crate) fn resolve(self, payload: Payload<'static>) {
        match self {
            // The receiver may have given up, which is fine.
            Self::One(reply) => drop(reply.send(Ok(payload))),
            Self::Many(collector, socket) => collector.answer(Reply { socket, payload }),
        }
    }

    pub(crate) fn fail(self, error: AckError) {
        match self {
            Self::One(reply) => drop(reply.send(Err(error))),
            // The socket counts as missing when the time is over, or at once if no other answer is open.
            Self::Many(collector, _) => collector.lose(),
        }
    }

    /// Whether nobody waits any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        match self {
            Self::One(reply) => reply.is_closed(),
            Self::Many(collector, _) => collector.is_abandoned(),
        }
    }
}

impl fmt::Debug for PendingAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PendingAck")
    }
}

/// Collects the answers to a broadcast from all workers.
pub(crate) struct Collector {
    state: Mutex<Collecting>,
}

struct Collecting {
    answers: Vec<Reply>,
    awaited: Vec<SocketId>,
    lost: usize,
    workers: usize,
    done: Option<oneshot::Sender<()>>,
}

impl Collector {
    pub(crate) fn new(workers: usize, done: oneshot::Sender<()>) -> Self {
        let state =
            Collecting { answers: Vec::new(), awaited: Vec::new(), lost: 0, workers, done: Some(done) };
        Self { state: Mutex::new(state) }
    }

    /// A worker has sent the event to these sockets.
    pub(crate) fn sent(&self, sockets: Vec<SocketId>) {
        self.with(|state| {
            state.awaited.extend(sockets);
            state.workers -= 1;
        });
    }

    fn answer(&self, reply: Reply) {
        self.with(|state| state.answers.push(reply));
    }

    fn lose(&self) {
        self.with(|state| state.lost += 1);
    }

    fn is_abandoned(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    /// Takes the answers so far; later ones are ignored.
    pub(crate) fn finish(&self) -> Replies {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = std::mem::take(&mut state.answers);
        state.done = None;
        let answered: HashSet<SocketId> = answers.iter().map(|reply| reply.socket).collect();
        let awaited = std::mem::take(&mut state.awaited);
        let missing = awaited.into_iter().filter(|socket| !answered.contains(socket)).collect();
        Replies { answers, missing }
    }

    fn with(&self, change: impl FnOnce(&mut Collecting)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        if state.workers == 0
            && state.answers.len() + state.lost >= state.awaited.len()
            && let Some(done) = state.done.take()
        {
            // Nobody listens if the time was over first.
            let _ = done.send(());
        }
    }
}
