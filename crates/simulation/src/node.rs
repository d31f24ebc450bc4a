//! [`Node`]: one life of the server: the real workers, feed, appender and wire over the disk that outlives it.
//!
//! Everything that a process has runs in one `LocalSet`; dropping that is `kill -9`.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use chat::{
    Appender, Applier, Applying, DirectoryHandle, Fatal, Limits, Log as _, LogId, LogReader as _,
    MemoryReader, Ports, Position, QueueBounds, Step, Stepper, UnixMillis,
};
use socketio_server::{
    EpochStart, Feed, FeedConfig, History, HistoryRequest, Io, Keys, Namespace, Server, SocketIoService,
};
use tidings::delivery::Ticket;
use tidings::{history, profile, readiness, wire};
use tokio::io::DuplexStream;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, LocalSet};

use crate::hostile_log::{HostileDisk, HostileLog};
use crate::planted::{self, Planted};
use crate::publisher::{Echoing, Publisher};
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
        let pages = Arc::new(Pages::default());
        let epochs =
            log.epochs().iter().map(|start| EpochStart { epoch: start.epoch.0, start: start.start.0 });
        let epoch = log.epochs().current().epoch.0;
        let feed = Feed::new(FeedConfig {
            log: LogId::FIRST.0,
            epochs: epochs.collect(),
            head: log.head().0,
            keys: Keys::new([7; 32]),
            ring_bytes_max: rates.ring_bytes_max,
            recovery_entries_max: rates.recovery_entries_max,
            history: Some(Arc::clone(&pages) as Arc<dyn History>),
            ..FeedConfig::in_memory()
        });
        history::preload(&feed, &reader).expect("memory can be read");
        log.show_feed(&feed);
        let read = read_pages(pages, reader.clone(), feed.clone(), log.disk().clone());
        drop(tokio::task::spawn_local(read));

        let disk = log.disk().clone();
        let directory = DirectoryHandle::load(&mut log).expect("memory can be read");
        let io: Arc<OnceLock<Io>> = Arc::default();
        let fatal = Arc::new(Notify::new());
        let delivery =
            Applying::new(Applier::new(reader, Position(feed.head())), Publisher::new(feed.clone()));
        let delivery = Echoing::new(delivery, rates.echoes, random.fork());
        let ports = ports(&io, &fatal);
        let (appender, stepper) =
            Appender::stepped(log, directory, delivery, Limits::default(), QueueBounds::default(), ports);
        let appender = Arc::new(appender);
        let drafts = Arc::new(Notify::new());
        let stored = Rc::new(Notify::new());
        let store = store(stepper, Arc::clone(&drafts), Rc::clone(&stored), disk);
        drop(tokio::task::spawn_local(store));
        let server = server(feed, &appender, &drafts, rates);
        // Set once, here.
        let _ = io.set(server.io().clone());
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

fn ports(io: &Arc<OnceLock<Io>>, fatal: &Arc<Notify>) -> Ports {
    let (resume, fatal) = (Arc::clone(io), Arc::clone(fatal));
    Ports {
        on_room: Box::new(move || resume.get().into_iter().for_each(Io::resume)),
        on_fatal: Box::new(move |why| match why {
            Fatal::OutcomeUnknown { .. } => fatal.notify_one(),
            // So ends an appender that is dropped with its process.
            Fatal::Panicked => {}
        }),
        clock: Box::new(|| tokio::time::Instant::now().into_std()),
    }
}

fn server(feed: Feed, appender: &Arc<Appender<Ticket>>, drafts: &Arc<Notify>, rates: &Rates) -> Server {
    let (submit, announce, drafts) = (Arc::clone(appender), Arc::clone(appender), Arc::clone(drafts));
    let mut profile =
        Namespace::new("/").feed(feed, profile::join).on_sync(wire::CHAT_MESSAGE, move |turn| {
            if planted::is(Planted::AcksBeforeCommit) {
                turn.reply("");
            }
            profile::take(turn, &submit, UnixMillis(0))
        });
    if let Some(delay) = rates.middleware {
        profile = profile.middleware(move |_| async move {
            tokio::time::sleep(delay).await;
            Ok(())
        });
    }
    Server::builder()
        .configure(|config| config.workers = rates.workers)
        .namespace(profile)
        .after_events(move || {
            announce.announce();
            drafts.notify_one();
        })
        .build_local()
        .expect("the configuration is right")
}

/// What the appender's thread does: while the disk is busy, the next batch gathers.
async fn store(
    mut stepper: Stepper<Ticket, HostileLog, Chain>,
    drafts: Arc<Notify>,
    stored: Rc<Notify>,
    disk: HostileDisk,
) {
    loop {
        tokio::time::sleep(disk.busy()).await;
        match stepper.step() {
            Step::Idle => drafts.notified().await,
            Step::Delivered => {}
            Step::RetryAfter(pause) => tokio::time::sleep(pause).await,
            Step::Ended(_) => break,
        }
    }
    stored.notify_one();
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
async fn read_pages(pages: Arc<Pages>, reader: MemoryReader, feed: Feed, disk: HostileDisk) {
    loop {
        let request = pages.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(request) = request else {
            pages.wake.notified().await;
            continue;
        };
        tokio::time::sleep(disk.page_delay()).await;
        // A request that is dropped counts as a failed one.
        if !disk.refuses_page() {
            let page = history::page(&reader, &feed, &request).map_err(|_| socketio_server::HistoryError);
            debug_assert!(reader.head().0 >= request.through, "nobody asks for what is not stored");
            request.reply.send(page);
        }
    }
}
