//! [`Node`]: one life of the server: the real workers, feed, appender and wire over the disk that outlives it.
//!
//! Everything that a process has runs in one `LocalSet`; dropping that is `kill -9`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use chat::{
    Appender, Applier, Applying, DirectoryHandle, Entry, Fatal, Limits, Log as _, LogId, LogReader as _,
    MemoryReader, Ports, Position, QueueBounds, Step, Stepper,
};
use socketio_server::{
    EpochStart, Feed, FeedConfig, FeedEntry, History, HistoryRequest, Io, Keys, Namespace, Resume, Server,
    SocketIoService, WeakIo,
};
use tidings::ticket::Ticket;
use tidings::v1::desk::Desk;
use tidings::v1::edge::{Edge, Sides};
use tidings::v1::identity::Signer;
use tidings::v1::welcome::{ROOMS_MAX, WireLimits};
use tidings::{history, profile, readiness, v1};
use tokio::io::DuplexStream;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, LocalSet};

use crate::clock;
use crate::hostile_log::{HostileDisk, HostileLog};
use crate::meanwhile::{self, SlowReader};
use crate::planted::{self, Planted};
use crate::publisher::{Echoing, Feeds, Publisher};
use crate::random::Random;
use crate::rates::Rates;

type Chain = Echoing<Applying<MemoryReader, Publisher>>;

/// A running server.
pub(crate) struct Node {
    server: RefCell<Option<Server>>,
    appender: Arc<Appender<Ticket>>,
    drafts: Arc<Notify>,
    process: JoinHandle<()>,
    pub(crate) epoch: u64,
    /// The appender has stopped for good.
    pub(crate) fatal: Arc<Notify>,
    stored: Rc<Notify>,
}

impl Node {
    /// Starts a server over `log`, as the program does.
    pub(crate) fn start(mut log: HostileLog, rates: &Rates, random: &mut Random) -> Rc<Self> {
        let process = LocalSet::new();
        let entered = process.enter();
        let reader = log.reader();
        let epoch = log.epochs().current().epoch.0;
        let disk = log.disk().clone();
        let directory = DirectoryHandle::load(&mut log).expect("memory can be read");
        let feeds = feeds(&log, &directory, rates);
        log.show_feeds(&feeds);
        let head = Position(feeds.profile.head());
        let io: Arc<OnceLock<WeakIo>> = Arc::default();
        let fatal = Arc::new(Notify::new());
        let delivery = Applying::new(Applier::new(reader.clone(), head), Publisher::new(feeds.clone(), &io));
        let delivery = Echoing::new(delivery, rates.echoes, random.fork());
        let ports = ports(&io, &fatal);
        let limits = Limits::default();
        let (appender, stepper) =
            Appender::stepped(log, directory.clone(), delivery, limits, QueueBounds::default(), ports);
        let appender = Arc::new(appender);
        let (drafts, stored) = (Arc::new(Notify::new()), Rc::new(Notify::new()));
        let steps = Rc::new(Steps { stepper: RefCell::new(stepper), has_ended: Cell::new(false) });
        let meanwhile = Rc::clone(&steps);
        let store_one: Rc<dyn Fn()> = Rc::new(move || {
            let _ = meanwhile.step();
        });
        let store = store(steps, Arc::clone(&drafts), Rc::clone(&stored), disk.clone());
        drop(tokio::task::spawn_local(store));
        let asked = Arc::new(Notify::new());
        let sides = Sides {
            signer: Signer::new(&[7; 32], []),
            feed: feeds.v1.clone(),
            appender: Arc::clone(&appender),
            desk: Desk::default(),
            io: Arc::clone(&io),
            limits: WireLimits::new(limits.text_bytes_max),
            resume_entries_max: rates.resume_entries_max,
            ports: v1::edge::Ports {
                now: clock::now,
                clock: || tokio::time::Instant::now().into_std(),
                random: crate::random::fill,
            },
        };
        let edge = Edge::new(directory, sides);
        let (meanwhile, log) = (Arc::clone(&edge), SlowReader(reader.clone()));
        let answer_all: Rc<dyn Fn()> = Rc::new(move || while meanwhile.answer_one(&log) {});
        meanwhile::connect(&answer_all, &store_one, rates.interleaves, random.fork());
        let others = [answer_all, store_one];
        let answers = answer(Arc::clone(&edge), SlowReader(reader), Arc::clone(&asked), disk, others);
        drop(tokio::task::spawn_local(answers));
        drop(tokio::task::spawn_local(tell_presence(Arc::clone(&edge))));
        let server = server(feeds.profile, &appender, &edge, &[drafts.clone(), asked], rates);
        // Set once, here.
        let _ = io.set(server.io().downgrade());
        let (health, watched) = (appender.health().clone(), server.io().clone());
        drop(tokio::task::spawn_local(async move { readiness::watch(&health, &watched).await }));
        drop(entered);
        Rc::new(Self {
            server: RefCell::new(Some(server)),
            appender,
            drafts,
            process: tokio::task::spawn_local(process),
            epoch,
            fatal,
            stored,
        })
    }

    /// A connection whose handshake is done.
    pub(crate) fn attach(&self, stream: DuplexStream) {
        if let Some(server) = &*self.server.borrow() {
            server.attach(stream);
        }
    }

    /// A connection whose handshake is done, for a session that polls.
    pub(crate) fn attach_to(&self, sid: &str, stream: DuplexStream) {
        if let Some(server) = &*self.server.borrow() {
            server.attach_to(sid, stream);
        }
    }

    /// The endpoint for requests.
    pub(crate) fn service(&self) -> Option<SocketIoService> {
        self.server.borrow().as_ref().map(Server::service)
    }

    /// `kill -9`: from one moment to the next there is nothing but the disk.
    pub(crate) async fn kill(self: Rc<Self>) {
        self.server.take();
        self.process.abort();
        while !self.process.is_finished() {
            tokio::task::yield_now().await;
        }
    }

    /// SIGTERM, as the program handles it.
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

fn ports(io: &Arc<OnceLock<WeakIo>>, fatal: &Arc<Notify>) -> Ports {
    let (resume, fatal) = (Arc::clone(io), Arc::clone(fatal));
    Ports {
        on_room: Box::new(move || resume.get().and_then(WeakIo::upgrade).iter().for_each(Io::resume)),
        on_fatal: Box::new(move |why| match why {
            Fatal::OutcomeUnknown { .. } => fatal.notify_one(),
            // So ends an appender that is dropped with its process.
            Fatal::Panicked => {}
        }),
        clock: Box::new(|| tokio::time::Instant::now().into_std()),
    }
}

/// The feeds of both namespaces over one log, and the tasks that read pages for them.
fn feeds(log: &HostileLog, directory: &DirectoryHandle, rates: &Rates) -> Feeds {
    let reader = log.reader();
    let (of_profile, of_v1) = (Arc::new(Pages::default()), Arc::new(Pages::default()));
    let profile = feed(log, Resume::Recovery, &of_profile, rates);
    let v1 = feed(log, Resume::Cursor, &of_v1, rates);
    let encode_profile = || profile::delivery::encoder(profile.clone());
    let encode_v1 = || v1::delivery::encoder(v1.clone(), directory.clone());
    history::preload_all(&reader, &[(&profile, &encode_profile()), (&v1, &encode_v1())])
        .expect("memory can be read");
    let profile_pages = read_pages(of_profile, reader.clone(), encode_profile(), log.disk().clone());
    let v1_pages = read_pages(of_v1, reader, encode_v1(), log.disk().clone());
    drop(tokio::task::spawn_local(profile_pages));
    drop(tokio::task::spawn_local(v1_pages));
    Feeds { profile, v1, directory: directory.clone() }
}

fn feed(log: &HostileLog, resume: Resume, pages: &Arc<Pages>, rates: &Rates) -> Feed {
    let epochs = log.epochs().iter().map(|start| EpochStart { epoch: start.epoch.0, start: start.start.0 });
    Feed::new(FeedConfig {
        log: LogId::FIRST.0,
        epochs: epochs.collect(),
        head: log.head().0,
        resume,
        keys: Keys::new([7; 32]),
        ring_bytes_max: rates.ring_bytes_max,
        recovery_entries_max: rates.recovery_entries_max,
        history: Some(Arc::clone(pages) as Arc<dyn History>),
        ..FeedConfig::in_memory()
    })
}

/// `wake` is told at the end of each turn of a worker in which something was read.
fn server(
    feed: Feed,
    appender: &Arc<Appender<Ticket>>,
    edge: &Arc<Edge>,
    wake: &[Arc<Notify>; 2],
    rates: &Rates,
) -> Server {
    let (submit, announce, wake) = (Arc::clone(appender), Arc::clone(appender), wake.clone());
    let mut profile =
        Namespace::new("/").feed(feed, profile::join).on_sync(profile::wire::CHAT_MESSAGE, move |turn| {
            if planted::is(Planted::AcksBeforeCommit) {
                turn.reply("");
            }
            profile::take(turn, &submit, clock::now())
        });
    if let Some(delay) = rates.middleware {
        profile = profile.middleware(move |_| async move {
            tokio::time::sleep(delay).await;
            Ok(())
        });
    }
    Server::builder()
        .configure(|config| {
            config.workers = rates.workers;
            config.rooms_max = ROOMS_MAX + 1;
        })
        .namespace(profile)
        .namespace(v1::namespace(edge))
        .after_events(move || {
            announce.announce();
            let [drafts, asked] = &wake;
            drafts.notify_one();
            asked.notify_one();
        })
        .build_local()
        .expect("the configuration is right")
}

/// What the threads of the desk do, each request after a while. `others` act in the middle of it, as long as it lives.
async fn answer(
    edge: Arc<Edge>,
    reader: SlowReader,
    asked: Arc<Notify>,
    disk: HostileDisk,
    others: [Rc<dyn Fn()>; 2],
) {
    let _others = others;
    loop {
        tokio::time::sleep(disk.page_delay()).await;
        if !edge.answer_one(&reader) {
            asked.notified().await;
        }
    }
}

/// Who comes and goes is told once a second.
async fn tell_presence(edge: Arc<Edge>) {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        edge.tick();
    }
}

/// What the appender's thread does: while the disk is busy, the next batch gathers.
async fn store(steps: Rc<Steps>, drafts: Arc<Notify>, stored: Rc<Notify>, disk: HostileDisk) {
    loop {
        tokio::time::sleep(disk.busy()).await;
        match steps.step() {
            Some(Step::Idle) => drafts.notified().await,
            Some(Step::Delivered) => {}
            Some(Step::RetryAfter(pause)) => tokio::time::sleep(pause).await,
            None | Some(Step::Ended(_)) => break,
        }
    }
    stored.notify_one();
}

/// The appender's steps, which its task makes, and whoever interrupts something else.
struct Steps {
    stepper: RefCell<Stepper<Ticket, HostileLog, Chain>>,
    has_ended: Cell<bool>,
}

impl Steps {
    /// None if there are no more.
    fn step(&self) -> Option<Step> {
        let mut stepper = self.stepper.borrow_mut();
        let step = (!self.has_ended.get()).then(|| stepper.step());
        self.has_ended.set(!matches!(step, Some(Step::Idle | Step::Delivered | Step::RetryAfter(_))));
        step
    }
}

/// Requests for pages that wait to be read.
#[derive(Debug, Default)]
struct Pages {
    waiting: Mutex<VecDeque<HistoryRequest>>,
    wake: Notify,
}

impl History for Pages {
    fn request(&self, request: HistoryRequest) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back(request);
        self.wake.notify_one();
    }
}

/// What the reading threads do, each page after a while.
async fn read_pages(
    pages: Arc<Pages>,
    reader: MemoryReader,
    encoder: impl Fn(&[Entry]) -> Vec<FeedEntry>,
    disk: HostileDisk,
) {
    loop {
        let request = pages.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(request) = request else {
            pages.wake.notified().await;
            continue;
        };
        tokio::time::sleep(disk.page_delay()).await;
        // A request that is dropped counts as a failed one.
        if !disk.refuses_page() {
            let page = history::page(&reader, &encoder, &request).map_err(|_| socketio_server::HistoryError);
            debug_assert!(reader.head().0 >= request.through, "nobody asks for what is not stored");
            request.reply.send(page);
        }
    }
}
