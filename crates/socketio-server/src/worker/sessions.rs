//! [`Sessions`]: the sessions of one worker: found by key, by id and by slot; when each is due, and which are written when the
//! turn ends.
//!
//! Knows what a session holds but not what follows from its end: the worker closes sessions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use engineio::CloseReason;
use slab::Slab;
use socketio::{AckId, Connection, NamespaceName, Slot};

use super::newcomers::Newcomer;
use super::session::{Pause, Session, Transport, WebSocket};
use super::timer::{Tick, Timers};
use crate::config::Config;
use crate::frame::Frame;
use crate::handle::ack::PendingAck;
use crate::handle::command::Command;
use crate::handle::mailbox::Mailbox;
use crate::sid::{ConnectionId, SessionKey, Sid, SocketNumber};
use crate::stream::Direct;

pub(super) struct Sessions {
    /// Of which worker they are.
    worker: u16,
    slots: Slab<Session>,
    /// What is known of the session in each slot since it was last changed.
    clear: Vec<Clear>,
    generation: u32,
    timers: Timers,
    /// When the thread wakes by itself; an earlier deadline must wake it.
    wakes_at: Option<Instant>,
    mailbox: Arc<Mailbox>,
    /// To be written at the end of the turn.
    touched: Vec<SessionKey>,
    paused: Vec<SessionKey>,
    /// A POST is to be continued in the next turn.
    pub(super) posts_wait: bool,
    stall_timeout: Duration,
    attachment_timeout: Duration,
    outbound_bytes_max: usize,
}

/// Whether the socket of a session is attached to a namespace and clear, as [`Session::attached_socket`] says.
///
/// A session is spread over several lines of the processor's cache, and from one delivery to the next the kernel leaves few of
/// them there. The answers of eight sessions are in one line. Every way to change a session forgets its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Clear {
    #[default]
    Unknown,
    In(u32),
}

impl Sessions {
    pub(super) fn new(worker: u16, mailbox: Arc<Mailbox>, config: &Config, now: Instant) -> Self {
        Self {
            worker,
            slots: Slab::new(),
            clear: Vec::new(),
            generation: 0,
            timers: Timers::new(now),
            wakes_at: None,
            mailbox,
            touched: Vec::new(),
            paused: Vec::new(),
            posts_wait: false,
            stall_timeout: config.stall_timeout,
            attachment_timeout: config.attachment_timeout,
            outbound_bytes_max: config.outbound_bytes_max,
        }
    }

    /// Adds a session, made for its generation.
    pub(super) fn add(&mut self, session: impl FnOnce(u32) -> Session) -> SessionKey {
        self.generation = self.generation.wrapping_add(1);
        let generation = self.generation;
        let slot = self.slots.insert(session(generation));
        if self.clear.len() <= slot {
            self.clear.resize(slot + 1, Clear::Unknown);
        }
        let key = SessionKey { slot: u32::try_from(slot).expect("fewer than 2^32 sessions"), generation };
        self.schedule(key);
        key
    }

    pub(super) fn remove(&mut self, key: SessionKey) -> Option<Session> {
        self.get(key)?;
        self.forget(key.slot);
        let session = self.slots.try_remove(key.slot as usize)?;
        if session.is_paused() {
            self.paused.retain(|paused| *paused != key);
        }
        Some(session)
    }

    pub(super) fn get(&self, key: SessionKey) -> Option<&Session> {
        self.slots.get(key.slot as usize).filter(|session| session.generation == key.generation)
    }

    pub(super) fn get_mut(&mut self, key: SessionKey) -> Option<&mut Session> {
        self.at_mut(key.slot).filter(|session| session.generation == key.generation)
    }

    /// The session in a slot, whichever it is.
    pub(super) fn at_mut(&mut self, slot: u32) -> Option<&mut Session> {
        self.forget(slot);
        self.slots.get_mut(slot as usize)
    }

    fn forget(&mut self, slot: u32) {
        if let Some(clear) = self.clear.get_mut(slot as usize) {
            *clear = Clear::Unknown;
        }
    }

    /// Whether a member of a namespace gets what is new by a write to its socket, and nothing else is to be done: the one
    /// that [`direct`](Self::direct) has.
    pub(super) fn is_attached_and_clear(&mut self, slot: u32, index: usize) -> bool {
        let Some(clear) = self.clear.get_mut(slot as usize) else { return false };
        let Ok(namespace) = u32::try_from(index) else { return false };
        if *clear == Clear::In(namespace) {
            return true;
        }
        let session = self.slots.get(slot as usize);
        let is_clear = session.is_some_and(|session| session.attached_socket(index).is_some());
        if is_clear {
            *clear = Clear::In(namespace);
        }
        is_clear
    }

    /// The socket of the session in a slot, for a write that the runtime does not notice.
    pub(super) fn direct(&self, slot: u32) -> Option<Direct<'_>> {
        match &self.slots.get(slot as usize)?.transport {
            Transport::WebSocket(socket) => socket.stream.direct(),
            Transport::Polling(_) => None,
        }
    }

    /// What the log calls a connection.
    pub(super) fn id_of(&self, key: SessionKey) -> ConnectionId {
        ConnectionId { worker: self.worker, key }
    }

    pub(super) fn key_of(&self, slot: u32) -> Option<SessionKey> {
        let session = self.slots.get(slot as usize)?;
        Some(SessionKey { slot, generation: session.generation })
    }

    /// The session that a client names, if it exists.
    pub(super) fn find(&self, sid: Sid) -> Option<SessionKey> {
        let session = self.slots.get(sid.slot as usize)?;
        (session.secret == sid.secret)
            .then_some(SessionKey { slot: sid.slot, generation: session.generation })
    }

    /// At most so many sessions, in no order.
    pub(super) fn keys(&self, max: usize) -> Vec<SessionKey> {
        let slots = self.slots.iter().take(max);
        slots
            .filter_map(|(slot, session)| {
                Some(SessionKey { slot: u32::try_from(slot).ok()?, generation: session.generation })
            })
            .collect()
    }

    /// A WebSocket of the session: the one it runs over, or the one that wants to take over from polling.
    pub(super) fn websocket(&mut self, key: SessionKey, number: SocketNumber) -> Option<&mut WebSocket> {
        let session = self.get_mut(key)?;
        let main = match &mut session.transport {
            Transport::WebSocket(socket) => Some(socket),
            Transport::Polling(_) => None,
        };
        main.into_iter().chain(session.probe.as_deref_mut()).find(|socket| socket.number == number)
    }

    pub(super) fn is_probe(&self, key: SessionKey, number: SocketNumber) -> bool {
        let probe = self.get(key).and_then(|session| session.probe.as_ref());
        probe.is_some_and(|probe| probe.number == number)
    }

    pub(super) fn newcomer(&mut self, key: SessionKey, namespace: &NamespaceName) -> Option<&mut Newcomer> {
        self.get_mut(key)?.newcomers.find(namespace)
    }

    pub(super) fn take_newcomer(&mut self, key: SessionKey, namespace: &NamespaceName) -> Option<Newcomer> {
        self.get_mut(key)?.newcomers.take(namespace)
    }

    /// Who waits for the answer with this id; nobody if the client has invented it.
    pub(super) fn take_ack(&mut self, key: SessionKey, slot: Slot, id: AckId) -> Option<PendingAck> {
        self.get_mut(key)?.connection_mut()?.socket_mut(slot)?.acks.remove(&id)
    }

    // Writing.

    /// Adds the session to those written at the end of the turn.
    pub(super) fn touch(&mut self, key: SessionKey) {
        if let Some(session) = self.get_mut(key)
            && !std::mem::replace(&mut session.touched, true)
        {
            self.touched.push(key);
        }
    }

    /// Those that have been touched, each once; none of them is any more.
    pub(super) fn take_touched(&mut self) -> Vec<SessionKey> {
        std::mem::take(&mut self.touched)
    }

    /// Queues a frame. A session whose queue overflows has to be closed for the reason.
    pub(super) fn send(&mut self, key: SessionKey, frame: Frame) -> Result<(), CloseReason> {
        let bytes_max = self.outbound_bytes_max;
        let Some(session) = self.get_mut(key) else { return Ok(()) };
        session.outbound.push(frame.into_bytes());
        if session.outbound.bytes() > bytes_max {
            let connection = self.id_of(key);
            tracing::debug!(%connection, bytes_max, "a connection does not read what it is sent; it is closed");
            return Err(CloseReason::TransportError);
        }
        self.touch(key);
        Ok(())
    }

    // Time.

    /// Registers the session's next deadline.
    pub(super) fn schedule(&mut self, key: SessionKey) {
        let Some(session) = self.slots.get_mut(key.slot as usize) else { return };
        let deadline = session.deadline(self.stall_timeout);
        let tick = self.timers.tick_of(deadline);
        if session.tick.is_none_or(|registered| tick < registered) {
            session.tick = Some(tick);
            self.timers.insert(tick, key);
            if self.wakes_at.is_none_or(|at| deadline < at) {
                self.mailbox.wake();
            }
        }
    }

    /// Each attachment has its own deadline; an incomplete packet is not kept for longer.
    pub(super) fn expect_attachment(&mut self, key: SessionKey, now: Instant) {
        let by = now + self.attachment_timeout;
        let Some(session) = self.get_mut(key) else { return };
        let is_awaited = session.connection().is_some_and(Connection::awaits_attachment);
        session.attachment_by = is_awaited.then_some(by);
        if is_awaited {
            self.schedule(key);
        }
    }

    /// When the next deadline falls due, up to which the thread may sleep.
    pub(super) fn sleep_until(&mut self) -> Option<Instant> {
        self.wakes_at = self.timers.next();
        self.wakes_at
    }

    /// Deadlines that may have fallen due, each with the tick that it was registered at.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<(Tick, SessionKey)> {
        self.timers.take_due(now)
    }

    // What an audit looks at.

    #[cfg(any(test, feature = "simulation"))]
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (SessionKey, &Session)> {
        let key = |slot| u32::try_from(slot).expect("fewer than 2^32 sessions");
        let session = move |(slot, session): (usize, _)| {
            let session: &Session = session;
            (SessionKey { slot: key(slot), generation: session.generation }, session)
        };
        self.slots.iter().map(session)
    }

    #[cfg(any(test, feature = "simulation"))]
    pub(super) fn touched(&self) -> &[SessionKey] {
        &self.touched
    }

    #[cfg(any(test, feature = "simulation"))]
    pub(super) fn paused(&self) -> &[SessionKey] {
        &self.paused
    }

    /// The namespace in which the session in a slot is taken for attached and clear.
    #[cfg(any(test, feature = "simulation"))]
    pub(super) fn known_as_clear(&self, slot: u32) -> Option<usize> {
        match self.clear.get(slot as usize)? {
            Clear::In(namespace) => usize::try_from(*namespace).ok(),
            Clear::Unknown => None,
        }
    }

    /// Whether the session is looked at when its next deadline falls due.
    #[cfg(any(test, feature = "simulation"))]
    pub(super) fn wakes_for(&self, session: &Session) -> bool {
        let due = self.timers.tick_of(session.deadline(self.stall_timeout));
        session.tick.is_some_and(|registered| registered <= due)
    }

    // Pausing.

    pub(super) fn pause(&mut self, key: SessionKey, pause: Pause) {
        let Some(session) = self.get_mut(key) else { return };
        if session.pause == Pause::None {
            session.pause = pause;
            self.paused.push(key);
            self.schedule(key);
        }
    }

    pub(super) fn resume(&mut self, key: SessionKey) {
        let Some(session) = self.get_mut(key) else { return };
        session.pause = Pause::None;
        session.wake();
        self.continue_post(key);
        self.paused.retain(|paused| *paused != key);
    }

    /// Has more packets of the session's POST handled when the others have had their turn.
    pub(super) fn continue_post(&mut self, key: SessionKey) {
        let Some(post) = self.get_mut(key).and_then(|session| session.post.as_mut()) else { return };
        if !std::mem::replace(&mut post.is_queued, true) {
            self.posts_wait = true;
            self.mailbox.post(Command::Continue { key });
        }
    }

    pub(super) fn resume_all(&mut self) {
        for key in std::mem::take(&mut self.paused) {
            match self.get(key).map(|session| session.pause) {
                Some(Pause::UntilResumed) => self.resume(key),
                Some(Pause::Until(_)) => self.paused.push(key),
                Some(Pause::None) | None => {}
            }
        }
    }
}
