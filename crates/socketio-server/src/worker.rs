//! [`Worker`]: one thread with its sessions. Nobody else touches them; other threads send a [`Command`].
//!
//! ```text
//!  mailbox ─► execute ─┐
//!  timers  ─► fire    ─┼─► sessions ─► touched ─► end_turn: one write per session
//!  sockets ─► drive   ─┘
//! ```
//!
//! A turn is the work between two waits. What it wants to send is collected, and each touched session is written once
//! at the end. So batches grow by themselves under load, and no timer delays anything.

mod ahead;
mod audience;
mod connect;
mod connecting;
mod deliver;
mod emit;
pub(crate) mod local_namespace;
mod missed;
mod newcomers;
mod packets;
mod recovery;
mod requests;
mod rooms;
mod session;
pub(crate) mod shared;
mod task;
mod timer;
mod view;

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engineio::{CloseReason, Tick as EngineTick, TransportKind};
use slab::Slab;
use socketio::{Connection, NamespaceName};
use tokio::task::{JoinError, LocalSet};

use self::connecting::Event as ConnectingEvent;
use self::local_namespace::LocalNamespace;
use self::newcomers::Newcomers;
use crate::feed::{FeedAck, FeedPosition};
use crate::frame::Frame;

use crate::handle::command::{Command, answer};
use crate::handle::io::Io;
use crate::handle::mailbox::Mailbox;
use crate::handshake::Handshake;
use crate::http::cache_buster::RequestMark;
use crate::random::random;
use crate::sid::{SessionKey, Sid};
use crate::worker::session::{OutboundQueue, Pause, Protocol, Session, Transport};
use crate::worker::shared::Shared;
use crate::worker::timer::Timers;

/// The size of the scratch buffer for reading, in bytes.
const SCRATCH_BYTES: usize = 64 << 10;

/// How long a closed polling session is remembered, so that its next poll learns that it has ended.
const TOMBSTONE_TIME: Duration = Duration::from_secs(30);

/// How many closed polling sessions are remembered; beyond that, none is added.
const TOMBSTONES_MAX: usize = 4_096;

/// How many bytes wait for the client of a closed session, such as the reason for the disconnect; more are dropped.
const TOMBSTONE_BYTES_MAX: usize = 4 << 10;

/// How often the kernel is asked for more data before the application is told of its events.
const GATHERS_MAX: usize = 4;

/// How many events of handlers are enough for a batch.
const EVENTS_MAX: usize = 1_024;

/// A closed polling session.
struct Tombstone {
    until: Instant,
    last_answers: LastAnswers,
}

/// What the next polls of its client are answered.
struct LastAnswers {
    /// One for each poll.
    payloads: VecDeque<String>,
    /// The mark of the poll before.
    mark: Option<RequestMark>,
}

pub(crate) struct Worker {
    index: u16,
    shared: Arc<Shared>,
    mailbox: Arc<Mailbox>,
    sessions: Slab<Session>,
    namespaces: Slab<LocalNamespace>,
    namespace_of: HashMap<Arc<str>, usize>,
    timers: Timers,
    /// When the thread wakes by itself; an earlier deadline must wake it.
    wakes_at: Option<Instant>,
    touched: Vec<SessionKey>,
    paused: Vec<SessionKey>,
    /// Newcomers that wait for a feed; some of them may be gone.
    waiting: Vec<(SessionKey, NamespaceName)>,
    tombstones: HashMap<[u8; 16], Tombstone>,
    generation: u32,
    sockets: u64,
    scratch: Vec<u8>,
    now: Instant,
    /// The worker itself, for the tasks of its sockets.
    own: std::rc::Weak<RefCell<Worker>>,
    stopping: bool,
    /// Sync handlers that have run since [`Builder::after_events`](crate::Builder::after_events) was last called.
    handled: usize,
}

/// Runs a worker until it is told to stop.
pub(crate) fn run(index: u16, shared: &Arc<Shared>) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mailbox = Arc::clone(&shared.reach.mailboxes[usize::from(index)]);
    let worker = Worker::new(index, Arc::clone(shared), Arc::clone(&mailbox));
    // As a task it is in one queue with the tasks of the sockets: those that are ready before it run before it.
    let turns = async { tokio::task::spawn_local(turns(worker, mailbox)).await };
    match LocalSet::new().block_on(&runtime, turns).map_err(JoinError::try_into_panic) {
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Ok(()) | Err(Err(_)) => Ok(()),
    }
}

/// Runs a worker as a task of this thread until it is told to stop.
#[cfg(feature = "simulation")]
pub(crate) fn spawn_local(index: u16, shared: &Arc<Shared>) {
    let mailbox = Arc::clone(&shared.reach.mailboxes[usize::from(index)]);
    let worker = Worker::new(index, Arc::clone(shared), Arc::clone(&mailbox));
    // The task ends with its `LocalSet`.
    drop(tokio::task::spawn_local(turns(worker, mailbox)));
}

/// The runtime's clock: monotonic, and the one that its timers use.
fn clock() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Runs the turns that commands and timers begin; those of sockets are in [`task`].
async fn turns(worker: Rc<RefCell<Worker>>, mailbox: Arc<Mailbox>) {
    loop {
        let next = worker.borrow_mut().sleep_until();
        match next {
            Some(at) => tokio::select! {
                // Every turn fires the timers that are due, whichever of the two began it.
                biased;
                () = mailbox.wait() => {}
                () = tokio::time::sleep_until(at.into()) => {}
            },
            None => mailbox.wait().await,
        }
        // Before the commands, so that the application can store events while batches are written to the sockets.
        gather_events(&worker).await;
        hear_of_events(&worker);
        let commands = mailbox.take();
        let mut worker = worker.borrow_mut();
        worker.begin_turn();
        worker.execute_all(commands);
        worker.fire_timers();
        worker.end_turn();
        if worker.stopping {
            mailbox.close();
            return;
        }
    }
}

/// Lets the sockets take their turns that are ready or become ready meanwhile, so that a burst becomes one batch,
/// however it arrives. It waits for nothing that has not arrived.
async fn gather_events(worker: &Rc<RefCell<Worker>>) {
    let mut known = 0;
    for _ in 0..GATHERS_MAX {
        let handled = worker.borrow().handled;
        if handled == known || handled >= EVENTS_MAX {
            return;
        }
        known = handled;
        // Continues after the runtime has asked the kernel again and has run the tasks of the sockets that became
        // ready.
        tokio::task::yield_now().await;
    }
}

/// Tells the application that handlers have run.
fn hear_of_events(worker: &Rc<RefCell<Worker>>) {
    let mut worker = worker.borrow_mut();
    if std::mem::take(&mut worker.handled) > 0
        && let Some(hear) = worker.shared.hooks.after_events.clone()
    {
        drop(worker);
        hear();
    }
}

impl Worker {
    fn new(index: u16, shared: Arc<Shared>, mailbox: Arc<Mailbox>) -> Rc<RefCell<Self>> {
        let now = clock();
        Rc::new_cyclic(|own| {
            RefCell::new(Self {
                index,
                shared,
                mailbox,
                sessions: Slab::new(),
                namespaces: Slab::new(),
                namespace_of: HashMap::new(),
                timers: Timers::new(now),
                wakes_at: None,
                touched: Vec::new(),
                paused: Vec::new(),
                waiting: Vec::new(),
                tombstones: HashMap::new(),
                generation: 0,
                sockets: 0,
                scratch: vec![0; SCRATCH_BYTES],
                now,
                own: own.clone(),
                stopping: false,
                handled: 0,
            })
        })
    }

    fn io(&self) -> Io {
        self.shared.io()
    }

    fn begin_turn(&mut self) {
        self.now = clock();
    }

    /// Executes commands in order, but collects growths of feeds, so that a session is written once for all of them.
    /// Several feeds over one log grow in turn, and do not interrupt each other's collection.
    fn execute_all(&mut self, commands: Vec<Command>) {
        let mut growths: Vec<(Arc<str>, FeedPosition, Vec<FeedAck>)> = Vec::new();
        for command in commands {
            if let Command::Feed { namespace, through, acks } = command {
                match growths.iter_mut().find(|(grown, ..)| *grown == namespace) {
                    Some((_, end, all)) => {
                        *end = through.max(*end);
                        all.extend(acks);
                    }
                    None => growths.push((namespace, through, acks)),
                }
                continue;
            }
            if command.keeps_its_place() {
                self.feeds_grown(&mut growths);
            }
            self.execute(command);
        }
        self.feeds_grown(&mut growths);
    }

    fn feeds_grown(&mut self, growths: &mut Vec<(Arc<str>, FeedPosition, Vec<FeedAck>)>) {
        for (namespace, through, acks) in growths.drain(..) {
            self.feed_grown(&namespace, through, acks);
        }
    }

    fn execute(&mut self, command: Command) {
        match command {
            Command::Open { handshake, reply } => self.open_polling(*handshake, reply),
            Command::Attach { handshake, taken } => self.open_websocket(*handshake, taken),
            Command::Poll { sid, number, buster, reply } => self.poll(sid, number, buster, reply),
            Command::PollAborted { sid, number } => self.poll_aborted(sid, number),
            Command::PostBegin { sid, mark, reply } => self.post_begin(sid, mark, reply),
            Command::Post { sid, body, headers, reply } => self.post(sid, &body, &headers, reply),
            Command::PostAborted { sid } => self.post_aborted(sid),
            Command::PostRefused { sid } => drop(self.end_post(sid)),
            Command::Look { sid, reply } => self.look(sid, reply),
            Command::Probe { sid, stream, early } => self.probe(sid, stream, &early),
            Command::Broadcast(broadcast) => self.broadcast(&broadcast),
            Command::ToSocket { key, namespace, socket, command } => {
                self.socket_command(key, &namespace, socket, command);
            }
            Command::ToSelection { namespace, selection, command } => {
                self.selection_command(&namespace, &selection, &command);
            }
            Command::Fetch { namespace, selection, reply } => {
                answer(reply, self.describe(&namespace, &selection));
            }
            Command::Admit { key, request, outcome } => self.admitted(key, &request.namespace, outcome),
            Command::Evict { namespace, socket, before, done } => {
                self.evict(&namespace, &socket, before);
                if let Some(done) = done {
                    done.by_one();
                }
            }
            Command::Evicted { key, namespace } => {
                self.connecting_event(key, &namespace, ConnectingEvent::Evicted);
            }
            Command::History { key, namespace, page } => self.history_read(key, &namespace, page),
            Command::Engine { key, message } => self.engine_send(key, message),
            Command::Feed { namespace, through, acks } => self.feed_grown(&namespace, through, acks),
            Command::Touch { key } => self.touch(key),
            Command::Resume { key } => self.resume(key),
            Command::ResumeAll => self.resume_all(),
            Command::CloseTransports { sessions_max } => {
                self.close_some(CloseReason::ServerShuttingDown, sessions_max);
            }
            Command::Run(errand) => errand.run(),
            Command::Stop => {
                self.close_some(CloseReason::ServerShuttingDown, usize::MAX);
                self.stopping = true;
            }
        }
    }

    /// Writes every session that the turn has touched, once.
    fn end_turn(&mut self) {
        // Writing touches no other session, but it may close this one, and then its handlers may want to send
        // something.
        while !self.touched.is_empty() {
            for key in std::mem::take(&mut self.touched) {
                self.settle(key);
            }
        }
    }

    fn sleep_until(&mut self) -> Option<Instant> {
        self.wakes_at = self.timers.next();
        self.wakes_at
    }

    // Sessions.

    fn insert(&mut self, kind: TransportKind, transport: Transport, handshake: Handshake) -> SessionKey {
        self.generation = self.generation.wrapping_add(1);
        let generation = self.generation;
        let engine = engineio::Session::open(kind, &self.shared.config.engine, self.now);
        let plain_engine = self.shared.hooks.engine.is_some();
        let protocol =
            if plain_engine { Protocol::Engine } else { Protocol::SocketIo(Connection::default()) };
        let slot = self.sessions.insert(Session {
            generation,
            secret: random(),
            engine,
            transport,
            probe: None,
            outbound: OutboundQueue::default(),
            protocol,
            handshake: Some(Arc::new(handshake)),
            newcomers: Newcomers::default(),
            join_by: (!plain_engine).then(|| self.now + self.shared.config.connect_timeout),
            attachment_by: None,
            stalled_since: None,
            pause: Pause::None,
            tick: None,
            touched: false,
        });
        self.shared.reach.count_connection();
        let key = SessionKey { slot: u32::try_from(slot).expect("fewer than 2^32 sessions"), generation };
        self.schedule(key);
        key
    }

    fn sid(&self, key: SessionKey) -> Option<Sid> {
        let secret = self.session(key)?.secret;
        Some(Sid { worker: self.index, slot: key.slot, secret })
    }

    /// The session that a client names, if it exists.
    fn find(&self, sid: Sid) -> Option<SessionKey> {
        let session = self.sessions.get(sid.slot as usize)?;
        (session.secret == sid.secret)
            .then_some(SessionKey { slot: sid.slot, generation: session.generation })
    }

    fn session(&self, key: SessionKey) -> Option<&Session> {
        self.sessions.get(key.slot as usize).filter(|session| session.generation == key.generation)
    }

    fn session_mut(&mut self, key: SessionKey) -> Option<&mut Session> {
        self.sessions.get_mut(key.slot as usize).filter(|session| session.generation == key.generation)
    }

    fn key_of(&self, slot: u32) -> Option<SessionKey> {
        let session = self.sessions.get(slot as usize)?;
        Some(SessionKey { slot, generation: session.generation })
    }

    /// Adds the session to those written at the end of the turn.
    fn touch(&mut self, key: SessionKey) {
        if let Some(session) = self.session_mut(key)
            && !std::mem::replace(&mut session.touched, true)
        {
            self.touched.push(key);
        }
    }

    /// Queues a frame in the session's outbound queue; one that overflows closes the session.
    fn send(&mut self, key: SessionKey, frame: Frame) {
        let bytes_max = self.shared.config.outbound_bytes_max;
        let Some(session) = self.session_mut(key) else { return };
        session.outbound.push(frame.into_bytes());
        if session.outbound.bytes() > bytes_max {
            tracing::debug!(bytes_max, "a connection does not read what it is sent; it is closed");
            self.close(key, CloseReason::TransportError);
        } else {
            self.touch(key);
        }
    }

    // Namespaces.

    /// The index of a namespace on this worker; it is made if it has a definition.
    fn local_namespace(&mut self, name: &NamespaceName) -> Option<usize> {
        if let Some(index) = self.namespace_of.get(name.as_str()) {
            return Some(*index);
        }
        let definition = Arc::clone(self.shared.namespace(name.as_str())?);
        let index = self.namespaces.insert(LocalNamespace::new(name.clone(), definition));
        self.namespace_of.insert(Arc::from(name.as_str()), index);
        Some(index)
    }

    /// Forgets a namespace without sockets on this worker, unless a feed needs it.
    fn drop_if_empty(&mut self, index: usize) {
        if self.namespaces.get(index).is_some_and(LocalNamespace::is_empty) {
            let local = self.namespaces.remove(index);
            self.namespace_of.remove(local.name.as_str());
        }
    }

    // Time.

    /// Registers the session's next deadline.
    fn schedule(&mut self, key: SessionKey) {
        let stall = self.shared.config.stall_timeout;
        let Some(session) = self.sessions.get_mut(key.slot as usize) else { return };
        let resume = match session.pause {
            Pause::Until(at) => Some(at),
            Pause::None | Pause::UntilResumed => None,
        };
        let stalled = session.stalled_since.map(|since| since + stall);
        let waits = session.newcomers.wait_until();
        let others =
            [session.join_by, session.attachment_by, session.doubtful_until(), stalled, resume, waits];
        let deadline = others.into_iter().flatten().fold(session.engine.deadline(), Instant::min);
        let tick = self.timers.tick_of(deadline);
        if session.tick.is_none_or(|registered| tick < registered) {
            session.tick = Some(tick);
            self.timers.insert(tick, key);
            if self.wakes_at.is_none_or(|at| deadline < at) {
                self.mailbox.wake();
            }
        }
    }

    fn fire_timers(&mut self) {
        for (tick, key) in self.timers.take_due(self.now) {
            // A session that moved its deadline forward has another entry.
            if let Some(session) = self.session_mut(key)
                && session.tick == Some(tick)
            {
                session.tick = None;
                self.on_deadline(key);
                if self.session(key).is_some() {
                    self.schedule(key);
                }
            }
        }
        let now = self.now;
        if self.tombstones.len() > TOMBSTONES_MAX / 2 {
            self.tombstones.retain(|_, tombstone| tombstone.until > now);
        }
    }

    fn on_deadline(&mut self, key: SessionKey) {
        let (now, stall) = (self.now, self.shared.config.stall_timeout);
        let Some(session) = self.session_mut(key) else { return };
        if session.join_by.is_some_and(|at| at <= now) {
            let polling_idle =
                matches!(&session.transport, Transport::Polling(polling) if polling.poll.is_none());
            let reason = if polling_idle { CloseReason::ForcedServerClose } else { CloseReason::ForcedClose };
            return self.close(key, reason);
        }
        if session.attachment_by.is_some_and(|at| at <= now) {
            tracing::debug!("an attachment did not arrive in time; its connection is closed");
            return self.close(key, CloseReason::ForcedClose);
        }
        if session.doubtful_until().is_some_and(|until| until <= now) {
            return self.end_repeated(key);
        }
        if session.stalled_since.is_some_and(|since| since + stall <= now) {
            return self.close(key, CloseReason::TransportError);
        }
        if matches!(session.pause, Pause::Until(at) if at <= now) {
            self.resume(key);
        }
        self.give_up_waiting(key);
        self.engine_deadline(key);
    }

    fn engine_deadline(&mut self, key: SessionKey) {
        loop {
            let shared = Arc::clone(&self.shared);
            let now = self.now;
            let Some(session) = self.session_mut(key) else { return };
            match session.engine.on_deadline(&shared.config.engine, now) {
                EngineTick::Nothing => return,
                EngineTick::SendPing => self.send(key, Frame::engine("2")),
                EngineTick::Close(reason) => return self.close(key, reason),
                EngineTick::AbortUpgrade => drop(session.probe.take()),
                EngineTick::ReleasePoll => session.release_poll("6", now),
            }
        }
    }

    // Pausing.

    fn pause(&mut self, key: SessionKey, pause: Pause) {
        let Some(session) = self.session_mut(key) else { return };
        if session.pause == Pause::None {
            session.pause = pause;
            self.paused.push(key);
            self.schedule(key);
        }
    }

    fn resume(&mut self, key: SessionKey) {
        let Some(session) = self.session_mut(key) else { return };
        session.pause = Pause::None;
        session.wake();
        if let Transport::Polling(polling) = &mut session.transport
            && let Some(reply) = polling.post.take()
        {
            session.engine.end_post();
            answer(reply, Ok(()));
        }
        self.paused.retain(|paused| *paused != key);
    }

    fn resume_all(&mut self) {
        for key in std::mem::take(&mut self.paused) {
            match self.session(key).map(|session| session.pause) {
                Some(Pause::UntilResumed) => self.resume(key),
                Some(Pause::Until(_)) => self.paused.push(key),
                Some(Pause::None) | None => {}
            }
        }
    }

    fn close_some(&mut self, reason: CloseReason, sessions_max: usize) {
        let slots: Vec<usize> = self.sessions.iter().take(sessions_max).map(|(slot, _)| slot).collect();
        for slot in slots {
            if let Some(key) = u32::try_from(slot).ok().and_then(|slot| self.key_of(slot)) {
                self.close(key, reason);
            }
        }
    }
}
