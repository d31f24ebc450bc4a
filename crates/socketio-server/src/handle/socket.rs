//! [`Socket`]: one client in one namespace, as handlers see it.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use socketio::{Lineage, NamespaceName, Payload, RawArgs, SocketId};
use tokio::sync::oneshot;

use crate::handle::ack::{AckError, PendingAck};
use crate::handle::command::{Closing, Command, Emission, Reliability, SocketCommand};
use crate::handle::connect::Auth;
use crate::handle::io::{EmitError, Io, Target};
use crate::handshake::Handshake;
use crate::room::Room;
use crate::sid::{ConnectionId, SessionKey};
use crate::socket_data::SocketData;

/// One client in one namespace. Cheap to clone. It can outlive its connection; then it does nothing.
#[derive(Clone)]
pub struct Socket {
    pub(crate) inner: Arc<SocketInner>,
}

pub(crate) struct SocketInner {
    pub(crate) io: Io,
    pub(crate) worker: u16,
    pub(crate) key: SessionKey,
    pub(crate) namespace: NamespaceName,
    pub(crate) id: SocketId,
    pub(crate) lineage: Lineage,
    pub(crate) recovered: bool,
    pub(crate) auth: Option<Auth>,
    pub(crate) handshake: Option<Arc<Handshake>>,
    pub(crate) data: SocketData,
    pub(crate) connected: AtomicBool,
    pub(crate) inbox: Mutex<Inbox>,
}

/// A call of a handler that has not started.
pub(crate) type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The calls that wait for their turn, in order.
#[derive(Default)]
pub(crate) struct Inbox {
    jobs: VecDeque<Job>,
    running: bool,
    /// Whether the connection is paused until the inbox is half empty.
    full: bool,
}

impl Socket {
    /// The public id.
    pub fn id(&self) -> SocketId {
        self.inner.id
    }

    /// Its connection, which sockets of other namespaces may share.
    pub fn connection(&self) -> ConnectionId {
        ConnectionId { worker: self.inner.worker, key: self.inner.key }
    }

    /// The namespace's name.
    pub fn namespace(&self) -> &str {
        self.inner.namespace.as_str()
    }

    /// The server.
    pub fn io(&self) -> &Io {
        &self.inner.io
    }

    /// Whether the socket returned and has missed nothing.
    pub fn is_recovered(&self) -> bool {
        self.inner.recovered
    }

    /// Whether it is still in its namespace.
    pub fn is_connected(&self) -> bool {
        self.inner.connected.load(Ordering::Acquire)
    }

    /// The scope of the client's message keys; see [`FeedJoin`](crate::FeedJoin).
    pub fn lineage(&self) -> Lineage {
        self.inner.lineage
    }

    /// The request that opened the connection, if it was still kept when the socket joined.
    pub fn handshake(&self) -> Option<&Handshake> {
        self.inner.handshake.as_deref()
    }

    /// The data that the application keeps with the socket.
    pub fn data(&self) -> &SocketData {
        &self.inner.data
    }

    /// Sends an event to this client. A tuple is several arguments, `()` is none, anything else is one, including a
    /// `Vec`; [`Spread`](crate::Spread) turns a list into several.
    ///
    /// # Errors
    /// See [`EmitError`].
    pub fn emit<A: Serialize>(&self, event: &str, args: &A) -> Result<(), EmitError> {
        let encoded = socketio::encode_event(&self.inner.namespace, event, args, None, None)?;
        self.inner.io.emit_to_socket(self, encoded, Reliability::Reliable)
    }

    /// Sends an event whose arguments are already JSON, such as those of a received [`Payload`], which `into` turns
    /// into [`RawArgs`]. The caller guarantees that the JSON and its placeholders are valid.
    ///
    /// # Errors
    /// See [`EmitError`].
    pub fn emit_raw(&self, event: &str, args: RawArgs<'_>) -> Result<(), EmitError> {
        let encoded =
            socketio::encode_event_with_attachments(&self.inner.namespace, event, args, None, None)?;
        self.inner.io.emit_to_socket(self, encoded, Reliability::Reliable)
    }

    /// Sends an event that is dropped if it cannot be written at once.
    ///
    /// # Errors
    /// See [`EmitError`].
    pub fn emit_volatile<A: Serialize>(&self, event: &str, args: &A) -> Result<(), EmitError> {
        let encoded = socketio::encode_event(&self.inner.namespace, event, args, None, None)?;
        self.inner.io.emit_to_socket(self, encoded, Reliability::Volatile)
    }

    /// Sends an event and waits for the client's answer.
    ///
    /// # Errors
    /// See [`AckError`].
    pub async fn emit_with_ack<A: Serialize>(
        &self,
        event: &str,
        args: &A,
        timeout: Duration,
    ) -> Result<Payload<'static>, AckError> {
        let (reply, answer) = oneshot::channel();
        let id = self.inner.io.next_ack_id();
        let encoded = socketio::encode_event(&self.inner.namespace, event, args, Some(id), None)?;
        let emission = Emission {
            text: encoded.text,
            attachments: encoded.attachments,
            reliability: Reliability::Reliable,
            ack: Some((id, PendingAck::One(reply))),
        };
        self.send_command(SocketCommand::Emit(emission)).map_err(|error| match error {
            EmitError::Closed => AckError::Disconnected,
            EmitError::Encode(_) | EmitError::Namespace | EmitError::Overloaded => AckError::Unavailable,
        })?;
        match tokio::time::timeout(timeout, answer).await {
            Err(_) => Err(AckError::Timeout),
            Ok(Err(_)) => Err(AckError::Disconnected),
            Ok(Ok(answer)) => answer,
        }
    }

    /// All other sockets of the namespace.
    pub fn broadcast(&self) -> Target {
        self.target().except(self.inner.id.to_string())
    }

    /// The sockets of a room, except this one.
    pub fn to(&self, room: impl Into<Room>) -> Target {
        self.broadcast().to(room)
    }

    /// Joins rooms.
    pub fn join<R: Into<Room>>(&self, rooms: impl IntoIterator<Item = R>) -> Result<(), EmitError> {
        self.send_command(SocketCommand::Join(self.inner.io.joining(&self.inner.namespace, rooms)))
    }

    /// Leaves a room.
    pub fn leave(&self, room: impl Into<Room>) -> Result<(), EmitError> {
        self.send_command(SocketCommand::Leave(room.into()))
    }

    /// Disconnects the client, if it is still there.
    pub fn disconnect(&self, closing: Closing) -> Result<(), EmitError> {
        match self.send_command(SocketCommand::Disconnect(closing)) {
            Err(EmitError::Closed) => Ok(()),
            result => result,
        }
    }

    fn target(&self) -> Target {
        self.inner.io.target(self.inner.namespace.clone())
    }

    pub(crate) fn send_command(&self, command: SocketCommand) -> Result<(), EmitError> {
        if !self.is_connected() {
            return Err(EmitError::Closed);
        }
        self.inner.io.offer(self.inner.worker, self.addressed(command))
    }

    fn addressed(&self, command: SocketCommand) -> Command {
        let SocketInner { key, namespace, id, .. } = &*self.inner;
        Command::ToSocket { key: *key, namespace: namespace.clone(), socket: *id, command }
    }

    /// Queues a call of a handler. Returns whether the connection should be paused.
    pub(crate) fn enqueue(&self, job: Job, jobs_max: usize) -> bool {
        let mut inbox = self.inbox();
        inbox.jobs.push_back(job);
        inbox.full |= inbox.jobs.len() >= jobs_max;
        let full = inbox.full;
        if !std::mem::replace(&mut inbox.running, true) {
            let socket = self.clone();
            drop(inbox);
            // The task ends when the inbox is empty. The job catches panics.
            drop(self.inner.io.runtime().spawn(async move { socket.run(jobs_max).await }));
        }
        full
    }

    async fn run(self, jobs_max: usize) {
        while let Some(job) = self.next_job(jobs_max) {
            if Caught(job).await.is_err() {
                tracing::error!(
                    connection = %self.connection(),
                    namespace = self.namespace(),
                    "a handler panicked; its connection is closed"
                );
                self.inner.io.post(self.inner.worker, self.addressed(SocketCommand::Abort));
            }
        }
    }

    fn next_job(&self, jobs_max: usize) -> Option<Job> {
        let mut inbox = self.inbox();
        if inbox.full && inbox.jobs.len() <= jobs_max / 2 {
            inbox.full = false;
            self.inner.io.post(self.inner.worker, Command::Resume { key: self.inner.key });
        }
        let job = inbox.jobs.pop_front();
        inbox.running = job.is_some();
        job
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inner.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PartialEq for Socket {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("namespace", &self.namespace())
            .field("id", &self.inner.id)
            .finish_non_exhaustive()
    }
}

/// Runs a future and returns its panic as a value.
struct Caught(Job);

impl Future for Caught {
    type Output = Result<(), ()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        let run = std::panic::AssertUnwindSafe(|| self.0.as_mut().poll(cx));
        match std::panic::catch_unwind(run) {
            Ok(poll) => poll.map(Ok),
            Err(_) => std::task::Poll::Ready(Err(())),
        }
    }
}
