//! [`Worker`]: one thread with its sessions. Nobody else touches them; other threads send a [`Command`].
//!
//! ```text
//!  mailbox ─► execute ─┐
//!  timers  ─► fire    ─┼─► sessions ─► touched ─► end_turn: one write per session
//!  sockets ─► drive   ─┘
//! ```
//!
//! The worker carries commands out and closes sessions. What it has is kept by parts that know nothing of it: [`Sessions`],
//! [`Namespaces`] and [`Tombstones`]. What takes several steps is a view of the worker with what the steps have in common:
//! [`Delivery`](deliver::Delivery) of feeds, a client that [joins](connect::Join) a namespace, a socket in its
//! [turn](task::SocketTurn), a [request](requests::SessionRequest) of HTTP.
//!
//! A turn is the work between two waits. What it wants to send is collected, and each touched session is written once
//! at the end. So batches grow by themselves under load, and no timer delays anything.

mod ahead;
mod audience;
#[cfg(any(test, feature = "simulation"))]
mod audit;
mod census;
mod connect;
mod connecting;
mod deliver;
mod emit;
mod handles;
pub(crate) mod local_namespace;
mod missed;
mod namespaces;
mod newcomers;
mod occupant;
mod output;
mod packets;
mod recovery;
mod requests;
mod rooms;
mod session;
mod sessions;
pub(crate) mod shared;
mod task;
mod timer;
mod tombstones;
mod view;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use engineio::{CloseReason, Tick as EngineTick, TransportKind};
use socketio::{Connection, NamespaceName};
use tokio::task::{JoinError, LocalSet};

use self::connecting::Event as ConnectingEvent;
use self::namespaces::Namespaces;
use self::newcomers::Newcomers;
use self::sessions::Sessions;
use self::tombstones::Tombstones;
use crate::frame::Frame;

use crate::handle::command::{Announcement, Command, answer};
use crate::handle::mailbox::Mailbox;
use crate::handshake::Entrant;
use crate::occupancy::{CONNECTION_BYTES, Stay};
use crate::pacing::Paces;
use crate::random::random;
use crate::seam;
use crate::sid::SessionKey;
use crate::stats::{WorkerCount, WorkerTallies};
use crate::worker::session::{OutboundQueue, Pause, Protocol, Session, Transport};
use crate::worker::shared::Shared;

/// The size of the scratch buffer for reading, in bytes.
const SCRATCH_BYTES: usize = 64 << 10;

/// How often the kernel is asked for more data before the application is told of its events.
const GATHERS_MAX: usize = 4;

/// How many events of handlers are enough for a batch.
const EVENTS_MAX: usize = 1_024;

pub(crate) struct Worker {
    index: u16,
    shared: Arc<Shared>,
    tallies: Arc<WorkerTallies>,
    mailbox: Arc<Mailbox>,
    sessions: Sessions,
    namespaces: Namespaces,
    /// Newcomers that wait for a feed; some of them may be gone.
    waiting: Vec<(SessionKey, NamespaceName)>,
    tombstones: Tombstones,
    sockets: u64,
    scratch: Vec<u8>,
    now: Instant,
    /// The worker itself, for the tasks of its sockets.
    own: std::rc::Weak<RefCell<Worker>>,
    stopping: bool,
    /// Sync handlers that have run since [`Builder::after_events`](crate::Builder::after_events) was last called.
    handled: usize,
    #[cfg(any(test, feature = "simulation"))]
    audits: audit::AuditClock,
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
#[cfg(any(test, feature = "simulation"))]
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
        let next = worker.borrow_mut().sessions.sleep_until();
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
        let posts_wait = std::mem::take(&mut worker.borrow_mut().sessions.posts_wait);
        if posts_wait {
            // The sockets come before the rest of a POST.
            tokio::task::yield_now().await;
        }
        seam::rest().await;
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
                tallies: Arc::clone(&shared.reach.tallies[usize::from(index)]),
                sessions: Sessions::new(index, Arc::clone(&mailbox), &shared.config, now),
                namespaces: Namespaces::new(shared.config.rooms_max),
                waiting: Vec::new(),
                tombstones: Tombstones::default(),
                shared,
                mailbox,
                sockets: 0,
                scratch: vec![0; SCRATCH_BYTES],
                now,
                own: own.clone(),
                stopping: false,
                handled: 0,
                #[cfg(any(test, feature = "simulation"))]
                audits: audit::AuditClock::default(),
            })
        })
    }

    fn begin_turn(&mut self) {
        self.now = clock();
        for (key, exit) in self.mailbox.take_exits() {
            self.show_out(key, exit);
        }
    }

    /// Executes commands in order, but collects growths of feeds, so that a session is written once for all of them.
    /// Several feeds over one log grow in turn, and do not interrupt each other's collection.
    fn execute_all(&mut self, commands: Vec<Command>) {
        let mut growths: Vec<Announcement> = Vec::new();
        for command in commands {
            seam::others_act();
            if let Command::Feed(announced) = command {
                match growths.iter_mut().find(|known| known.namespace == announced.namespace) {
                    Some(known) => known.merge(announced),
                    None => growths.push(announced),
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

    fn feeds_grown(&mut self, growths: &mut Vec<Announcement>) {
        for announced in growths.drain(..) {
            self.feed_grown(announced);
        }
    }

    fn execute(&mut self, command: Command) {
        match command {
            Command::Open { entrant, reply } => self.open_polling(*entrant, reply),
            Command::Attach { entrant, taken } => self.open_websocket(*entrant, taken),
            Command::Poll { sid, number, buster, visit, reply } => {
                self.request(sid).welcome(visit.as_ref());
                self.request(sid).poll(number, buster, reply);
            }
            Command::PollAborted { sid, number } => self.request(sid).poll_aborted(number),
            Command::PostBegin { sid, mark, visit, reply } => {
                self.request(sid).welcome(visit.as_ref());
                self.request(sid).post_begin(mark, reply);
            }
            Command::Post { sid, body, headers, reply } => self.request(sid).post(body, headers, reply),
            Command::Continue { key } => self.continue_post(key),
            Command::PostAborted { sid } => self.request(sid).post_aborted(),
            Command::PostRefused { sid } => drop(self.request(sid).end_post()),
            Command::Look { sid, reply } => self.request(sid).look(reply),
            Command::Probe { sid, taken } => self.request(sid).probe(taken),
            Command::Broadcast(broadcast) => self.broadcast(&broadcast),
            Command::ToSocket { key, namespace, socket, command } => {
                self.socket_command(key, &namespace, socket, command);
            }
            Command::ToSelection { namespace, selection, command } => {
                self.selection_command(&namespace, &selection, &command);
            }
            Command::Fetch { namespace, selection, reply } => {
                let io = self.shared.io();
                answer(reply, self.namespaces.describe(&mut self.sessions, &namespace, &selection, &io));
            }
            Command::Admit { key, request, outcome } => {
                self.joining(key, &request.namespace).admitted(outcome);
            }
            Command::Evict { namespace, socket, before, done } => {
                self.evict(&namespace, &socket, before);
                if let Some(done) = done {
                    done.by_one();
                }
            }
            Command::Evicted { key, namespace } => {
                self.joining(key, &namespace).on(ConnectingEvent::Evicted);
            }
            Command::History { key, namespace, page } => self.history_read(key, &namespace, page),
            Command::Engine { key, message } => self.engine_send(key, message),
            Command::Feed(announced) => self.feed_grown(announced),
            Command::Census { reply } => answer(reply, self.census()),
            Command::Touch { key } => self.sessions.touch(key),
            Command::RelieveOutput => self.relieve_output(),
            Command::Resume { key } => self.sessions.resume(key),
            Command::ResumeAll => self.sessions.resume_all(),
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
        loop {
            let touched = self.sessions.take_touched();
            if touched.is_empty() {
                break;
            }
            for key in touched {
                seam::others_act();
                self.settle(key);
                self.count_output(key);
            }
        }
        #[cfg(any(test, feature = "simulation"))]
        self.audit_in_time();
    }

    // Sessions.

    fn insert(
        &mut self,
        kind: TransportKind,
        transport: Transport,
        entrant: Entrant,
        stay: Option<Stay>,
    ) -> SessionKey {
        let Entrant { handshake, resident } = entrant;
        let engine = engineio::Session::open(kind, &self.shared.config.engine, self.now);
        let plain_engine = self.shared.hooks.engine.is_some();
        let protocol =
            if plain_engine { Protocol::Engine } else { Protocol::SocketIo(Connection::default()) };
        let join_by = (!plain_engine).then(|| self.now + self.shared.config.connect_timeout);
        self.shared.reach.count_connection();
        self.tallies.count(match kind {
            TransportKind::Polling => WorkerCount::OpenedPolling,
            TransportKind::WebSocket => WorkerCount::OpenedWebSocket,
        });
        let base = CONNECTION_BYTES + handshake.held_bytes();
        let key = self.sessions.add(|generation| Session {
            generation,
            secret: random(),
            engine,
            transport,
            probe: None,
            stay: None,
            resident: resident.map(Box::new),
            post: None,
            outbound: OutboundQueue::default(),
            counted_output: 0,
            protocol,
            peer: handshake.peer(),
            data: None,
            newcomers: Newcomers::default(),
            join_by,
            attachment_by: None,
            stalled_since: None,
            paces: Paces::new(handshake.rated),
            handshake: Some(Arc::new(handshake)),
            pause: Pause::None,
            rests_until: None,
            tick: None,
            touched: false,
        });
        if !plain_engine {
            self.begin_stay(key, stay, base);
        }
        tracing::debug!(connection = %self.sessions.id_of(key), transport = ?kind, "a connection was opened");
        key
    }

    /// Queues a frame in the session's outbound queue; one that overflows closes the session.
    fn send(&mut self, key: SessionKey, frame: Frame) {
        if let Err(reason) = self.sessions.send(key, frame) {
            self.tallies.count(WorkerCount::LimitOutboundBytes);
            self.close(key, reason);
        }
    }

    // Namespaces.

    /// The index of a namespace on this worker; it is made if it has a definition.
    fn local_namespace(&mut self, name: &NamespaceName) -> Option<usize> {
        if let Some(index) = self.namespaces.index_of(name.as_str()) {
            return Some(index);
        }
        let definition = Arc::clone(self.shared.namespace(name.as_str())?);
        Some(self.namespaces.add(name, definition))
    }

    // Time.

    fn fire_timers(&mut self) {
        for (tick, key) in self.sessions.take_due(self.now) {
            // A session that moved its deadline forward has another entry.
            if let Some(session) = self.sessions.get_mut(key)
                && session.tick == Some(tick)
            {
                session.tick = None;
                self.on_deadline(key);
                if self.sessions.get(key).is_some() {
                    self.sessions.schedule(key);
                }
            }
        }
        self.tombstones.expire(self.now);
    }

    fn on_deadline(&mut self, key: SessionKey) {
        let (now, stall) = (self.now, self.shared.config.stall_timeout);
        let Some(session) = self.sessions.get_mut(key) else { return };
        if session.join_by.is_some_and(|at| at <= now) {
            let polling_idle =
                matches!(&session.transport, Transport::Polling(polling) if polling.poll.is_none());
            let reason = if polling_idle { CloseReason::ForcedServerClose } else { CloseReason::ForcedClose };
            return self.close(key, reason);
        }
        if session.attachment_by.is_some_and(|at| at <= now) {
            let connection = self.sessions.id_of(key);
            tracing::debug!(%connection, "an attachment did not arrive in time; its connection is closed");
            return self.close(key, CloseReason::ForcedClose);
        }
        if session.doubtful_until().is_some_and(|until| until <= now) && !session.doubts_longer(now) {
            return self.end_repeated(key);
        }
        if session.stalled_since.is_some_and(|since| since + stall <= now) {
            return self.close(key, CloseReason::TransportError);
        }
        if matches!(session.pause, Pause::Until(at) if at <= now) {
            self.sessions.resume(key);
        }
        if let Some(session) = self.sessions.get_mut(key)
            && session.rests_until.take_if(|until| *until <= now).is_some()
        {
            self.sessions.touch(key);
        }
        self.give_up_waiting(key);
        self.engine_deadline(key);
    }

    fn engine_deadline(&mut self, key: SessionKey) {
        loop {
            let shared = Arc::clone(&self.shared);
            let now = self.now;
            let Some(session) = self.sessions.get_mut(key) else { return };
            match session.engine.on_deadline(&shared.config.engine, now) {
                EngineTick::Nothing => return,
                EngineTick::SendPing => self.send(key, Frame::engine("2")),
                EngineTick::Close(reason) => return self.close(key, reason),
                EngineTick::AbortUpgrade => drop(session.probe.take()),
                EngineTick::ReleasePoll => session.release_poll("6", now),
            }
        }
    }

    fn close_some(&mut self, reason: CloseReason, sessions_max: usize) {
        for key in self.sessions.keys(sessions_max) {
            self.close(key, reason);
        }
    }
}
