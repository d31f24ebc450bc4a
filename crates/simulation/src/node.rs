//! [`Node`]: one life of the server. It builds the node of the program over a disk that outlives it, and runs it in
//! steps.
//!
//! One `LocalSet` holds everything that belongs to the process; dropping it is `kill -9`.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use chat::{Appender, Applying, ByTrust, Fatal, Limits, Log as _, ReadError, Step, Stepper};
use socketio_server::{BuildError, Builder, Namespace, Server, SocketIoService};
use tidings::allowance::{Rate, ReadRates};
use tidings::delivery::Deliveries;
use tidings::disk::{Look, Looks};
use tidings::environment::Environment;
use tidings::node::{Appending, Feeds, Host, Monitor, Settings};
use tidings::quotas::QuotaBounds;
use tidings::readiness::{Service, Standing};
use tidings::reading::fair::FairBounds;
use tidings::reading::pool::{Line, Pool};
use tidings::ticket::Ticket;
use tidings::v1::guesses::{GuessRate, GuessRates};
use tokio::io::DuplexStream;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, LocalSet, spawn_local};

use crate::clock;
use crate::hostile_log::{HostileDisk, HostileLog};
use crate::meanwhile::{self, SlowReader};
use crate::node_number::NodeNumber;
use crate::publisher::{Echoing, Publisher};
use crate::random::Random;
use crate::rates::Rates;

/// People here try wrong codes all the time.
const NO_GUESSES: GuessRate = GuessRate { burst: 0, interval: Duration::ZERO };

type Chain = Echoing<Applying<Arc<SlowReader>, Publisher>>;

/// How many pages are read at the same time.
const PAGES_AT_ONCE: usize = 2;

/// The clock and the randomness of the simulated machine.
const ENVIRONMENT: Environment = Environment {
    now: clock::now,
    clock: || tokio::time::Instant::now().into_std(),
    random: crate::random::fill,
};

/// A running server.
pub(crate) struct Node {
    server: RefCell<Option<Server>>,
    appender: Arc<Appender<Ticket>>,
    standing: Standing,
    monitor: Monitor,
    drafts: Arc<Notify>,
    process: JoinHandle<()>,
    pub(crate) epoch: u64,
    /// Tells this process from all others.
    pub(crate) life: u64,
    /// Notified when the appender has stopped for good.
    pub(crate) fatal: Arc<Notify>,
    stored: Rc<Notify>,
}

impl Node {
    /// Starts a server over `log`, as the program does.
    pub(crate) fn start(log: HostileLog, life: u64, rates: &Rates, random: &mut Random) -> Rc<Self> {
        let at = log.node();
        let process = LocalSet::new();
        let entered = process.enter();
        let epoch = log.epochs().current().epoch.0;
        let reader = Arc::new(SlowReader { inner: log.reader(), node: log.node() });
        let mut settings = Settings {
            ring_bytes_max: rates.ring_bytes_max,
            recovery_entries_max: rates.recovery_entries_max,
            resume_entries_max: rates.resume_entries_max,
            history_bytes_max: rates.history_bytes_max,
            // Clients come back faster than the server notices that they are gone.
            connections_per_person_max: usize::MAX,
            limits: Limits { rooms_joined_max: rates.rooms_joined_max, ..Limits::DEFAULT },
            reading: ReadRates { person: Rate::OFF, network: Rate::OFF },
            guesses: GuessRates { person: NO_GUESSES, network: NO_GUESSES },
            commands: ByTrust::all(Rate::OFF),
            commands_network: Rate::OFF,
            quotas: QuotaBounds::OFF,
            ..Settings::default()
        };
        if let Some(siege) = &rates.siege {
            siege.set(&mut settings);
        }
        let mut steps = Steps::over(&log, rates, random);
        let node = tidings::node::Node::open(log, &reader, &settings, ENVIRONMENT, &mut steps)
            .expect("memory can be read, and the configuration is right");
        drop(spawn_local(node.tend()));
        if rates.nodes.count > 1 {
            drop(spawn_local(follow(
                Arc::clone(&node.appender),
                Arc::clone(&steps.drafts),
                steps.disk.clone(),
                steps.node,
            )));
        }
        drop(entered);
        let monitor = node.monitor();
        Rc::new(Self {
            monitor,
            server: RefCell::new(Some(node.server)),
            appender: node.appender,
            standing: node.standing,
            drafts: steps.drafts,
            process: spawn_local(Process { at, tasks: process }),
            epoch,
            life,
            fatal: steps.fatal,
            stored: steps.stored,
        })
    }

    /// Hands over a WebSocket whose handshake is complete.
    pub(crate) fn attach(&self, address: Option<IpAddr>, stream: DuplexStream) {
        match (&*self.server.borrow(), address) {
            (Some(server), Some(address)) => drop(spawn_local(server.attach_from(address, stream))),
            (Some(server), None) => server.attach(stream),
            (None, _) => {}
        }
    }

    /// What is still there of clients. There must be nothing some time after all have gone.
    pub(crate) async fn leftovers(&self) -> Vec<String> {
        let stats = self.monitor.stats().await;
        let server = &stats.server;
        let censuses = server.workers.iter().filter_map(|worker| worker.census);
        let outbound: u64 = censuses.map(|census| census.outbound_bytes).sum();
        let all = [
            ("connections", stats.connections),
            ("people online", stats.online),
            ("pages that wait", stats.pool.pages),
            ("requests that wait", stats.pool.requests),
            ("bytes of unfinished input", server.occupancy.held_bytes),
            ("addresses of strangers", server.occupancy.strange_addresses),
            ("bytes that wait for clients", server.output_bytes + outbound),
        ];
        let held = self.monitor.kept().into_iter();
        let left = all.into_iter().chain(held).filter(|(_, count)| *count > 0);
        left.map(|(what, count)| format!("{count} {what}")).collect()
    }

    /// Hands over a WebSocket whose handshake is complete, for a session that polls.
    pub(crate) fn attach_to(&self, sid: &str, stream: DuplexStream) {
        if let Some(server) = &*self.server.borrow() {
            server.attach_to(sid, stream);
        }
    }

    /// The HTTP endpoint; `None` once the server has stopped.
    pub(crate) fn service(&self) -> Option<SocketIoService> {
        self.server.borrow().as_ref().map(Server::service)
    }

    /// Whether all clients may stay. They may not while the log cannot store anything, or while the server stops.
    pub(crate) fn is_ready(&self) -> bool {
        let server = self.server.borrow();
        let is_ready = |server: &Server| server.io().readiness() == socketio_server::Readiness::Ready;
        server.as_ref().is_some_and(is_ready) && self.standing.service() == Service::Full
    }

    /// `kill -9`: only the disk remains.
    pub(crate) async fn kill(self: Rc<Self>) {
        self.server.take();
        self.process.abort();
        while !self.process.is_finished() {
            tokio::task::yield_now().await;
        }
    }

    /// SIGTERM: stops in the order in which the program does.
    pub(crate) async fn stop(self: Rc<Self>) {
        let server = self.server.borrow_mut().take();
        if let Some(server) = server {
            server.io().set_readiness(socketio_server::Readiness::NotReady);
            self.appender.close();
            self.drafts.notify_one();
            self.stored.notified().await;
            server.shutdown().await;
        }
        self.kill().await;
    }
}

/// Everything that runs in a node.
struct Process {
    at: NodeNumber,
    tasks: LocalSet,
}

impl Future for Process {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let at = self.at;
        meanwhile::within(at, || Pin::new(&mut self.tasks).poll(cx))
    }
}

/// Runs the parts of a node in steps, with a pause before each.
struct Steps<'a> {
    rates: &'a Rates,
    random: &'a mut Random,
    disk: HostileDisk,
    node: NodeNumber,
    feeds: Arc<OnceLock<Feeds>>,
    drafts: Arc<Notify>,
    fatal: Arc<Notify>,
    stored: Rc<Notify>,
}

impl<'a> Steps<'a> {
    fn over(log: &HostileLog, rates: &'a Rates, random: &'a mut Random) -> Self {
        meanwhile::begin(log.node(), rates.interleaves, random.fork());
        Self {
            rates,
            random,
            disk: log.disk().clone(),
            node: log.node(),
            feeds: log.feeds(),
            drafts: Arc::default(),
            fatal: Arc::default(),
            stored: Rc::default(),
        }
    }
}

/// The error of a node that cannot be built, which never happens here.
#[derive(Debug)]
#[expect(dead_code, reason = "told by the panic")]
enum Failure {
    Read(ReadError),
    Build(BuildError),
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl Host<HostileLog, SlowReader> for Steps<'_> {
    type Failure = Failure;
    type Delivery = Publisher;

    fn disk(&mut self) -> Looks {
        let disk = self.disk.clone();
        let look: Look = Arc::new(move || Some(disk.space()));
        Looks { known: Arc::clone(&look), fresh: look }
    }

    fn read(&mut self, log: &Arc<SlowReader>, requests: FairBounds) -> Result<Arc<Pool>, Failure> {
        let (page, request) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (on_page, on_request) = (Arc::clone(&page), Arc::clone(&request));
        let pool = Pool::stepped(requests, move |line| match line {
            Line::Pages => on_page.notify_one(),
            Line::Requests => on_request.notify_one(),
        });
        let readers = || (Arc::clone(&pool), Arc::clone(log), self.disk.clone());
        for _ in 0..PAGES_AT_ONCE {
            drop(spawn_local(read_pages(readers(), Arc::clone(&page))));
        }
        drop(spawn_local(answer(self.node, readers(), request)));
        Ok(pool)
    }

    fn deliver(&mut self, feeds: &Feeds, deliveries: Deliveries) -> Publisher {
        // This happens once in the life of a log.
        drop(self.feeds.set(feeds.clone()));
        Publisher::new(feeds, deliveries, self.disk.clone(), self.node)
    }

    fn append(
        &mut self,
        appending: Appending<HostileLog, Arc<SlowReader>, Publisher>,
    ) -> Result<Appender<Ticket>, Failure> {
        let Appending { log, directory, delivery, limits, bounds, ports } = appending;
        let delivery = Echoing::new(delivery, self.rates.echoes, self.random.fork());
        let (appender, stepper) = Appender::stepped(log, &directory, delivery, limits, bounds, ports);
        let batches = Batches { stepper: RefCell::new(stepper), has_ended: Cell::new(false) };
        drop(spawn_local(store(
            self.node,
            batches,
            Arc::clone(&self.drafts),
            Rc::clone(&self.stored),
            self.disk.clone(),
        )));
        Ok(appender)
    }

    fn on_drafts(&mut self) -> Box<dyn Fn() + Send + Sync> {
        let drafts = Arc::clone(&self.drafts);
        Box::new(move || drafts.notify_one())
    }

    fn on_fatal(&mut self) -> Box<dyn FnOnce(Fatal) + Send> {
        let fatal = Arc::clone(&self.fatal);
        Box::new(move |why| match why {
            Fatal::OutcomeUnknown { .. } | Fatal::Unreadable { .. } => fatal.notify_one(),
            // This happens when the appender is dropped with its process.
            Fatal::Panicked => {}
        })
    }

    fn serve(&mut self, profile: Namespace, endpoint: Builder) -> Result<Server, Failure> {
        let profile = match self.rates.middleware {
            Some(delay) => profile.middleware(move |_| async move {
                tokio::time::sleep(delay).await;
                Ok(())
            }),
            None => profile,
        };
        let (workers, packets_max) = (self.rates.workers, self.rates.turns.packets_max);
        let siege = self.rates.siege.as_ref();
        let configure = |config: &mut socketio_server::Config| {
            config.workers = workers;
            config.pacing.turn_packets_max = packets_max;
            if let Some(siege) = siege {
                siege.configure(config);
            }
        };
        let endpoint = endpoint.configure(configure).namespace(profile);
        endpoint.build_local().map_err(Failure::Build)
    }
}

/// What a task needs to read the log: the requests that wait, the log, and how slow it is.
type Readers = (Arc<Pool>, Arc<SlowReader>, HostileDisk);

/// Answers requests as the reading threads do, with a pause before each.
async fn answer(node: NodeNumber, (pool, log, disk): Readers, asked: Arc<Notify>) {
    let (waiting, reader) = (Arc::clone(&pool), Arc::clone(&log));
    let answer_all: Rc<dyn Fn()> = Rc::new(move || {
        while waiting.answer_one(&reader) {
            meanwhile::count_answer();
        }
    });
    meanwhile::answer_by(node, &answer_all);
    loop {
        tokio::time::sleep(disk.page_delay()).await;
        if !pool.answer_one(&log) {
            asked.notified().await;
        }
    }
}

/// Reads pages for sockets that are behind as the reading threads do, with a pause before each page.
async fn read_pages((pool, log, disk): Readers, wanted: Arc<Notify>) {
    loop {
        let Some(task) = pool.take_page() else {
            wanted.notified().await;
            continue;
        };
        tokio::time::sleep(disk.page_delay()).await;
        // The server treats a dropped request as a failed one.
        if !disk.refuses_page() {
            task.carry_out(&log);
        }
    }
}

/// Tells the appender when the other node has appended.
async fn follow(appender: Arc<Appender<Ticket>>, drafts: Arc<Notify>, disk: HostileDisk, node: NodeNumber) {
    loop {
        disk.news(node).await;
        appender.tell_news();
        drafts.notify_one();
    }
}

/// Runs the appender's thread. While the disk is busy, the next batch gathers.
async fn store(
    node: NodeNumber,
    batches: Batches,
    drafts: Arc<Notify>,
    stored: Rc<Notify>,
    disk: HostileDisk,
) {
    let batches = Rc::new(batches);
    let interrupting = Rc::clone(&batches);
    let store_one: Rc<dyn Fn()> = Rc::new(move || {
        if let Some(Step::Delivered | Step::Followed) = interrupting.step() {
            meanwhile::count_store();
        }
    });
    meanwhile::store_by(node, &store_one);
    loop {
        tokio::time::sleep(disk.busy()).await;
        match batches.step() {
            Some(Step::Idle) => drafts.notified().await,
            Some(Step::Delivered | Step::Followed) => {}
            Some(Step::RetryAfter(pause)) => tokio::time::sleep(pause).await,
            None | Some(Step::Ended(_)) => break,
        }
    }
    stored.notify_one();
}

/// The steps of the appender. Its task makes them, and so does everybody who interrupts something at an interleaving
/// point.
struct Batches {
    stepper: RefCell<Stepper<Ticket, HostileLog, Chain>>,
    has_ended: Cell<bool>,
}

impl Batches {
    /// Stores one batch. Returns `None` if nothing waits.
    fn step(&self) -> Option<Step> {
        let mut stepper = self.stepper.borrow_mut();
        let step = (!self.has_ended.get()).then(|| stepper.step());
        let goes_on =
            matches!(step, Some(Step::Idle | Step::Delivered | Step::Followed | Step::RetryAfter(_)));
        self.has_ended.set(!goes_on);
        step
    }
}
