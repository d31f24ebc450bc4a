//! [`Io`]: a handle to the server, to emit from anywhere. [`Target`]: the sockets that an operation is for.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use socketio::{AckId, EncodeError, Encoded, NamespaceName};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::feed::{Feed, FeedPosition};
use crate::frame::Frame;
use crate::handle::ack::{AckError, Collector, Replies};
use crate::handle::command::{
    Closing, Command, Emission, Entering, Reliability, SelectionCommand, SocketCommand,
};
use crate::handle::reach::Reach;
use crate::handle::remote::RemoteSocket;
use crate::handle::socket::Socket;
use crate::handle::stamp::stamped;
use crate::refusal::RefusalKind;
use crate::room::{Room, Selection};

/// A handle to the server. Clones share the server.
#[derive(Clone)]
pub struct Io {
    pub(crate) reach: Arc<Reach>,
}

/// A handle that does not keep the server alive: for values that the server itself holds, such as its
/// [`state`](crate::Builder::state).
///
/// [`Builder::io`](crate::Builder::io) returns one before the server exists.
#[derive(Clone, Default)]
pub struct WeakIo {
    /// Empty until the server is built.
    reach: Arc<OnceLock<Weak<Reach>>>,
}

impl Io {
    /// Returns a handle that does not keep the server alive.
    pub fn downgrade(&self) -> WeakIo {
        let io = WeakIo::default();
        io.bind(self);
        io
    }
}

impl WeakIo {
    /// The server, if it is built and still exists.
    pub fn upgrade(&self) -> Option<Io> {
        self.reach.get()?.upgrade().map(|reach| Io { reach })
    }

    /// Sets the server, once: a second server needs another handle.
    pub(crate) fn bind(&self, io: &Io) {
        let is_first = self.reach.set(Arc::downgrade(&io.reach)).is_ok();
        debug_assert!(is_first, "a builder builds one server");
    }
}

impl fmt::Debug for WeakIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakIo").finish_non_exhaustive()
    }
}

/// Why an event was rejected.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    /// It cannot be encoded.
    #[error("the event cannot be encoded: {0}")]
    Encode(#[from] EncodeError),
    /// The name is not one of a namespace.
    #[error("not a namespace name")]
    Namespace,
    /// The socket has left its namespace. With [recovery](crate::Namespace::recovery), a reliable event is accepted
    /// nevertheless, for its return.
    #[error("the socket has been disconnected")]
    Closed,
    /// A worker is overloaded. Some of the sockets may have got the event.
    #[error("the server is overloaded")]
    Overloaded,
}

impl Io {
    /// The sockets of namespace `/`.
    pub fn root(&self) -> Target {
        self.target(NamespaceName::ROOT)
    }

    /// Sends an event to all sockets of namespace `/`, as [`Target::emit`] does.
    ///
    /// # Errors
    /// See [`EmitError`].
    pub fn emit<A: Serialize>(&self, event: &str, args: &A) -> Result<(), EmitError> {
        self.root().emit(event, args)
    }

    /// The sockets of a room in namespace `/`. A socket's id is a room of its own.
    pub fn to(&self, room: impl Into<Room>) -> Target {
        self.root().to(room)
    }

    /// The sockets of a namespace.
    ///
    /// # Errors
    /// [`EmitError::Namespace`] if no namespace can have this name.
    pub fn of(&self, namespace: &str) -> Result<Target, EmitError> {
        Ok(self.target(NamespaceName::parse(namespace).map_err(|_| EmitError::Namespace)?))
    }

    /// State of the application, as given to [`Builder::state`](crate::Builder::state).
    pub fn state<S: Send + Sync + 'static>(&self) -> Option<Arc<S>> {
        self.reach.state.find()
    }

    /// Connections that are open, on any transport.
    pub fn connections(&self) -> usize {
        self.reach.connections()
    }

    /// Bytes of memory that unfinished messages, POSTs and packets take, and connections that have not joined. At most
    /// [`Config::input_bytes_max`](crate::Config::input_bytes_max).
    pub fn input_bytes(&self) -> usize {
        self.reach.occupancy.held()
    }

    /// How many requests of one kind were refused since the start.
    pub fn refused(&self, kind: RefusalKind) -> u64 {
        self.reach.refusals.count(kind)
    }

    /// A peer of the same machine or network that sends `X-Forwarded-…` or `Forwarded`, although it is not in
    /// [`Config::trusted_proxies`](crate::Config::trusted_proxies): if there is one, all clients that come through it have its
    /// address. The log tells of each such peer once.
    pub fn untrusted_proxy(&self) -> Option<IpAddr> {
        self.reach.ignored.proxy()
    }

    /// How often a handler did not run because the event did not fit its parameters. The first time of each event is
    /// logged as a warning.
    pub fn misfits(&self) -> u64 {
        self.reach.misfits.count()
    }

    /// Reads the connections again whose handlers returned [`Flow::Pause`](crate::Flow::Pause).
    pub fn resume(&self) {
        for mailbox in &self.reach.mailboxes {
            mailbox.post(Command::ResumeAll);
        }
    }

    /// Refuses handshakes with 503, or accepts them again. Open connections stay.
    pub fn set_readiness(&self, readiness: Readiness) {
        self.reach.set_readiness(readiness);
    }

    /// Closes every connection without a Socket.IO packet: clients keep their state and reconnect by themselves.
    pub fn close_transports(&self) {
        for mailbox in &self.reach.mailboxes {
            mailbox.post(Command::CloseTransports { sessions_max: usize::MAX });
        }
    }

    /// Whether handshakes are accepted.
    pub fn readiness(&self) -> Readiness {
        self.reach.readiness()
    }

    pub(crate) fn target(&self, namespace: NamespaceName) -> Target {
        Target {
            io: self.clone(),
            namespace,
            selection: Selection::everyone(),
            reliability: Reliability::Reliable,
        }
    }

    pub(crate) fn joining<R: Into<Room>>(
        &self,
        namespace: &NamespaceName,
        rooms: impl IntoIterator<Item = R>,
    ) -> Entering {
        let since = self.reach.feeds.get(namespace.as_str()).map_or(FeedPosition::START, Feed::head);
        Entering { rooms: rooms.into_iter().map(Into::into).collect(), since }
    }

    pub(crate) fn next_ack_id(&self) -> AckId {
        self.reach.next_ack_id()
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.reach.runtime
    }

    pub(crate) fn post(&self, worker: u16, command: Command) {
        if let Some(mailbox) = self.reach.mailboxes.get(usize::from(worker)) {
            mailbox.post(command);
        }
    }

    pub(crate) fn offer(&self, worker: u16, command: Command) -> Result<(), EmitError> {
        match self.reach.mailboxes.get(usize::from(worker)) {
            Some(mailbox) => mailbox.offer(command).map_err(|_| EmitError::Overloaded),
            None => Ok(()),
        }
    }

    /// Sends an event to one socket. In a feed without a log, it gets a position among all other events.
    pub(crate) fn emit_to_socket(
        &self,
        socket: &Socket,
        event: Encoded,
        reliability: Reliability,
    ) -> Result<(), EmitError> {
        let Encoded { text, attachments } = event;
        let namespace = &socket.inner.namespace;
        if reliability == Reliability::Reliable
            && let Some(feed) = self.reach.memory_feed(namespace.as_str())
        {
            let own = Selection::room(socket.inner.id.to_string());
            feed.append(own, |offset| {
                Frame::with_attachments(&stamped(feed.config().resume, &text, offset), &attachments)
            });
            return Ok(());
        }
        socket.send_command(SocketCommand::Emit(Emission { text, attachments, reliability, ack: None }))
    }
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io").field("connections", &self.connections()).finish_non_exhaustive()
    }
}

/// Whether the server accepts connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Handshakes are accepted.
    Ready,
    /// The answer to a handshake is 503.
    NotReady,
}

/// The sockets of a namespace that an operation is for: all of them until rooms are added.
///
/// Each worker carries an operation out in a turn of its own, soon after the call: a socket that joins meanwhile may be
/// one of them. [`fetch`](Self::fetch) answers when all workers have done what was asked for before.
#[derive(Clone, Debug)]
pub struct Target {
    io: Io,
    namespace: NamespaceName,
    selection: Selection,
    reliability: Reliability,
}

impl Target {
    /// Adds the sockets of a room.
    pub fn to(mut self, room: impl Into<Room>) -> Self {
        self.selection = self.selection.to(room);
        self
    }

    /// Excludes the sockets of a room. A socket's id is a room of its own.
    pub fn except(mut self, room: impl Into<Room>) -> Self {
        self.selection = self.selection.except(room);
        self
    }

    /// Drops the event for sockets that it cannot be written to at once.
    pub fn volatile(mut self) -> Self {
        self.reliability = Reliability::Volatile;
        self
    }

    /// Sends an event. A tuple is several arguments, `()` is none, anything else is one, including a `Vec`;
    /// [`Spread`](crate::Spread) turns a list into several.
    ///
    /// # Errors
    /// See [`EmitError`].
    pub fn emit<A: Serialize>(&self, event: &str, args: &A) -> Result<(), EmitError> {
        let Encoded { text, attachments } = socketio::encode_event(&self.namespace, event, args, None, None)?;
        if self.reliability == Reliability::Reliable
            && let Some(feed) = self.io.reach.memory_feed(self.namespace.as_str())
        {
            let frame = |offset: &str| {
                Frame::with_attachments(&stamped(feed.config().resume, &text, offset), &attachments)
            };
            feed.append(self.selection.clone(), frame);
            return Ok(());
        }
        self.broadcast(text, attachments, None)
    }

    /// Sends an event and collects the answers that arrive in time.
    ///
    /// # Errors
    /// [`AckError::Encode`] or [`AckError::Unavailable`]. Sockets that do not answer are counted in [`Replies`].
    pub async fn emit_with_ack<A: Serialize>(
        &self,
        event: &str,
        args: &A,
        timeout: Duration,
    ) -> Result<Replies, AckError> {
        let id = self.io.next_ack_id();
        let encoded = socketio::encode_event(&self.namespace, event, args, Some(id), None)?;
        let (done, all) = oneshot::channel();
        let collector = Arc::new(Collector::new(self.io.reach.mailboxes.len(), done));
        self.broadcast(encoded.text, encoded.attachments, Some((id, Arc::clone(&collector))))
            .map_err(|_| AckError::Unavailable)?;
        // All sockets have answered or the time is over: the result is what has arrived.
        drop(tokio::time::timeout(timeout, all).await);
        Ok(collector.finish())
    }

    /// Adds the sockets to rooms.
    pub fn join<R: Into<Room>>(&self, rooms: impl IntoIterator<Item = R>) -> Result<(), EmitError> {
        self.send_command(&SelectionCommand::Join(self.io.joining(&self.namespace, rooms)))
    }

    /// Removes the sockets from rooms.
    pub fn leave<R: Into<Room>>(&self, rooms: impl IntoIterator<Item = R>) -> Result<(), EmitError> {
        self.send_command(&SelectionCommand::Leave(rooms.into_iter().map(Into::into).collect()))
    }

    /// Closes the connections of the sockets without a Socket.IO packet: their clients reconnect by themselves.
    pub fn close_transports(&self) -> Result<(), EmitError> {
        self.send_command(&SelectionCommand::CloseTransports)
    }

    /// Disconnects the sockets.
    pub fn disconnect(&self, closing: Closing) -> Result<(), EmitError> {
        self.send_command(&SelectionCommand::Disconnect(closing))
    }

    /// Describes the sockets. Each worker answers with the state at that moment.
    pub async fn fetch(&self) -> Vec<RemoteSocket> {
        let mut sockets = Vec::new();
        for mailbox in &self.io.reach.mailboxes {
            let (reply, answer) = oneshot::channel();
            let (namespace, selection) = (self.namespace.clone(), self.selection.clone());
            mailbox.post(Command::Fetch { namespace, selection, reply });
            // A worker that has stopped has no sockets.
            sockets.extend(answer.await.unwrap_or_default());
        }
        sockets
    }

    fn send_command(&self, command: &SelectionCommand) -> Result<(), EmitError> {
        self.offer_all(|| Command::ToSelection {
            namespace: self.namespace.clone(),
            selection: self.selection.clone(),
            command: command.clone(),
        })
    }

    fn broadcast(
        &self,
        text: String,
        attachments: Vec<Bytes>,
        ack: Option<(AckId, Arc<Collector>)>,
    ) -> Result<(), EmitError> {
        let broadcast = Arc::new(Broadcast {
            namespace: self.namespace.clone(),
            selection: self.selection.clone(),
            text,
            attachments,
            reliability: self.reliability,
            ack,
        });
        self.offer_all(|| Command::Broadcast(Arc::clone(&broadcast)))
    }

    fn offer_all(&self, command: impl Fn() -> Command) -> Result<(), EmitError> {
        let mut result = Ok(());
        for mailbox in &self.io.reach.mailboxes {
            if mailbox.offer(command()).is_err() {
                result = Err(EmitError::Overloaded);
            }
        }
        result
    }
}

/// An event for many sockets, encoded once. Each worker frames it once.
pub(crate) struct Broadcast {
    pub(crate) namespace: NamespaceName,
    pub(crate) selection: Selection,
    pub(crate) text: String,
    pub(crate) attachments: Vec<Bytes>,
    pub(crate) reliability: Reliability,
    pub(crate) ack: Option<(AckId, Arc<Collector>)>,
}

impl fmt::Debug for Broadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}
