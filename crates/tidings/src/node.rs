//! [`Node`]: one server over one log, put together: feeds, delivery, appender, edge, endpoint.
//!
//! The program and the simulation both build it here, so what is proved is what is shipped. A [`Host`] says where the work
//! runs: on threads, or in steps of a simulation, which also puts its own things around the parts. Order: what people know
//! and the feeds are filled from the log first, so that nobody who is let in misses anything. Knows no backend, no command
//! line, no clock.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chat::{
    Appender, Applier, Applying, ByTrust, Delivery, DirectoryHandle, Fatal, Limits, Log, LogId, LogReader,
    Position, QueueBounds, ReadError, SigningKeys, Writers,
};
use socketio_server::{
    Builder, Config, EpochStart, Feed, FeedConfig, Io, Keys, Namespace, Readiness, RefusalKind, Resume,
    Server, StrangerBounds, WeakIo,
};

use crate::allowance::{Allowances, Rate, ReadRates};
use crate::command_pace::{CommandPaces, CommandRates};
use crate::delivery::Deliveries;
use crate::disk::{Gauge, Look, Looks, Watermark};
use crate::environment::Environment;
use crate::memory::{Memory, Shares};
use crate::payer::{Payer, Widening};
use crate::profile::delivery::ProfileDelivery;
use crate::profile::wire::CHAT_MESSAGE;
use crate::profile::{self, Intake, join, take};
use crate::quotas::{QuotaBounds, Quotas};
use crate::readiness::Standing;
use crate::reading::fair::FairBounds;
use crate::reading::history::{Encoder, LogHistory, preload_all};
use crate::reading::pool::Pool;
use crate::stamp::Stamp;
use crate::stats::{NodeStats, Tallies};
use crate::ticket::Ticket;
use crate::v1;
use crate::v1::answers::HISTORY_BYTES_MAX;
use crate::v1::code::Code;
use crate::v1::connections::CONNECTIONS_MAX;
use crate::v1::delivery::V1Delivery;
use crate::v1::edge::{Edge, EdgeParts};
use crate::v1::guesses::GuessRates;
use crate::v1::identity::Signer;
use crate::v1::session::{NoticeRates, REQUESTS_OPEN_MAX};
use crate::v1::traffic::Traffic;
use crate::v1::welcome::{RESUME_DISTANCE_MAX, RESUME_ENTRIES_MAX, WireLimits};

/// How long a client waits that another node over the same log has shown more.
const AHEAD_WAIT: Duration = Duration::from_secs(2);

/// How often people are told who came and went.
const PRESENCE_INTERVAL: Duration = Duration::from_secs(1);

/// What guests, clients of `/` and clients that have not joined take together at one address.
pub const STRANGERS: StrangerBounds = StrangerBounds {
    connections_max: 100,
    input_bytes_max: 8 << 20,
    events: Rate { per_second: 200, burst: 2_000 },
    vouched_factor: Widening::DEFAULT.0,
};

/// The bounds of a node. `default` has those of the program.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Memory for the newest entries, for those who are slow or come back, for each namespace.
    pub ring_bytes_max: usize,
    /// Unfinished input of all connections.
    pub input_bytes_max: usize,
    /// Acks and events that wait for all connections.
    pub output_bytes_max: usize,
    /// A client of namespace `/` that missed more visible entries than this gets all messages again.
    pub recovery_entries_max: usize,
    /// A client of `/v1` that has missed more entries that it may see starts from now.
    pub resume_entries_max: u64,
    /// So does one that has missed more entries, whoever may see them.
    pub resume_distance_max: u64,
    /// A page of history that has more bytes is cut.
    pub history_bytes_max: usize,
    /// Connections of one person to `/v1`. One more is refused: `busy`.
    pub connections_per_person_max: usize,
    /// Open requests of one connection. One more is answered `busy`.
    pub requests_open_max: usize,
    /// The same for one person and for all, and what one may cost while others wait.
    pub requests: FairBounds,
    /// How fast the past is read.
    pub reading: ReadRates,
    /// How often codes may lead nowhere.
    pub guesses: GuessRates,
    /// How fast one person may send durable commands, and one connection of namespace `/` messages.
    pub commands: ByTrust<Rate>,
    /// The same for all guests of one network.
    pub commands_network: Rate,
    /// What the members of one network may do together.
    pub widening: Widening,
    /// How fast one connection may tell that somebody types, and move read pointers.
    pub notices: NoticeRates,
    /// What one person and one network may add to the chat in an hour or a day.
    pub quotas: QuotaBounds,
    /// What people may do at most.
    pub limits: Limits,
    /// Drafts that wait.
    pub queue: QueueBounds,
    /// Space that has to stay free on the disk.
    pub watermark: Watermark,
}

impl Default for Settings {
    fn default() -> Self {
        Self::within(Memory::default())
    }
}

impl Settings {
    /// The bounds of a node that is to get by with so much memory.
    pub fn within(memory: Memory) -> Self {
        let Shares { ring, input, output, queue, cache: _ } = memory.shares();
        let bounds = QueueBounds::default();
        Self {
            ring_bytes_max: ring,
            input_bytes_max: input,
            output_bytes_max: output,
            recovery_entries_max: 2_000,
            resume_entries_max: RESUME_ENTRIES_MAX,
            resume_distance_max: RESUME_DISTANCE_MAX,
            history_bytes_max: HISTORY_BYTES_MAX,
            connections_per_person_max: CONNECTIONS_MAX,
            requests_open_max: REQUESTS_OPEN_MAX,
            requests: FairBounds::DEFAULT,
            reading: ReadRates::DEFAULT,
            guesses: GuessRates::DEFAULT,
            commands: CommandRates::DEFAULT.person,
            commands_network: CommandRates::DEFAULT.network,
            widening: Widening::DEFAULT,
            notices: NoticeRates::DEFAULT,
            quotas: QuotaBounds::DEFAULT,
            limits: Limits::default(),
            queue: QueueBounds {
                soft_bytes: bounds.soft_bytes.min(queue / 4),
                hard_bytes: bounds.hard_bytes.min(queue),
                ..bounds
            },
            watermark: Watermark::DEFAULT,
        }
    }

    fn command_rates(&self) -> CommandRates {
        CommandRates { person: self.commands, network: self.commands_network }
    }

    /// Gives the endpoint its shares of the memory, and what strangers may take.
    fn share(&self, config: &mut Config) {
        config.input_bytes_max = self.input_bytes_max;
        config.output_bytes_max = self.output_bytes_max;
        config.strangers = StrangerBounds { vouched_factor: self.widening.0, ..STRANGERS };
    }
}

/// What runs a node.
pub trait Host<L: Log, R: LogReader> {
    /// Why it cannot.
    type Failure: From<ReadError>;
    /// What entries pass on their way to clients; the program's are [`Deliveries`] and nothing else.
    type Delivery: Delivery<Ticket>;

    /// How the disk of the log is looked at.
    fn disk(&mut self) -> Looks;

    /// Runs what waits for the log; requests have these bounds.
    fn read(&mut self, log: &Arc<R>, requests: FairBounds) -> Result<Arc<Pool>, Self::Failure>;

    /// Puts its own things around the deliveries.
    fn deliver(&mut self, feeds: &Feeds, deliveries: Deliveries) -> Self::Delivery;

    /// Runs the appender.
    fn append(
        &mut self,
        appending: Appending<L, Arc<R>, Self::Delivery>,
    ) -> Result<Appender<Ticket>, Self::Failure>;

    /// Called when an appender that has no thread has something to do.
    fn on_drafts(&mut self) -> Box<dyn Fn() + Send + Sync>;

    /// Called when the appender has stopped for good.
    fn on_fatal(&mut self) -> Box<dyn FnOnce(Fatal) + Send>;

    /// Runs the endpoint, to which namespace `/` is still to be added.
    fn serve(&mut self, profile: Namespace, endpoint: Builder) -> Result<Server, Self::Failure>;
}

/// What an appender needs to start.
#[derive(Debug)]
pub struct Appending<L, R, D> {
    /// The log that it appends to.
    pub log: L,
    /// The people and rooms in the log.
    pub directory: DirectoryHandle,
    /// The delivery of entries and outcomes.
    pub delivery: Applying<R, D>,
    /// The limits on what people may do.
    pub limits: Limits,
    /// The bounds of the queue of drafts.
    pub bounds: QueueBounds,
    /// Its clock, and what it calls.
    pub ports: chat::Ports,
}

/// The feeds of both namespaces over one log.
#[derive(Clone, Debug)]
pub struct Feeds {
    /// The feed of namespace `/`.
    pub profile: Feed,
    /// The feed of `/v1`.
    pub v1: Feed,
    /// How both write positions.
    pub stamp: Stamp,
    /// The directory from which frames take names and rooms.
    pub directory: DirectoryHandle,
    /// The rooms of the newest entries.
    pub traffic: Traffic,
}

/// A running server.
pub struct Node {
    /// The Socket.IO server, with both namespaces.
    pub server: Server,
    /// The appender, which stores drafts.
    pub appender: Arc<Appender<Ticket>>,
    /// The code that makes somebody the owner; `None` once there is an owner.
    pub setup: Option<Code>,
    /// Whom the server serves now.
    pub standing: Standing,
    edge: Arc<Edge>,
    on_probe: Arc<dyn Fn() + Send + Sync>,
    readers: Arc<Pool>,
    tallies: Arc<Tallies>,
}

/// Watches a node: see [`Node::monitor`].
#[derive(Clone, Debug)]
pub struct Monitor {
    io: Io,
    appender: Arc<Appender<Ticket>>,
    edge: Arc<Edge>,
    readers: Arc<Pool>,
    tallies: Arc<Tallies>,
}

impl Node {
    /// Puts a node together over `log`, which `reader` reads.
    pub fn open<L: Log, R: LogReader, H: Host<L, R>>(
        mut log: L,
        reader: &Arc<R>,
        settings: &Settings,
        environment: Environment,
        host: &mut H,
    ) -> Result<Self, H::Failure> {
        let directory = DirectoryHandle::load(&mut log)?;
        let readers = host.read(reader, settings.requests)?;
        let feeds = Feeds::open(&log, reader, &readers, &directory, settings)?;
        let signer = signer(log.signing_keys());
        let setup = directory.now().owners().next().is_none().then(|| signer.setup_code());
        // The appender needs the server to wake paused sockets, the server the appender to submit.
        let builder = Server::builder().configure(|config| settings.share(config));
        let io = builder.io();
        let deliveries = host.deliver(&feeds, feeds.deliveries(&io));
        let Looks { known, fresh } = host.disk();
        let ports = chat_ports(io.clone(), fresh, settings, environment.clock, host.on_fatal());
        let appender = Arc::new(host.append(Appending {
            log,
            directory: directory.clone(),
            delivery: applying(reader, &feeds, deliveries),
            limits: settings.limits,
            bounds: settings.queue,
            ports,
        })?);
        let tallies = Arc::<Tallies>::default();
        let allowances = Allowances::new(settings.reading, settings.widening, Arc::clone(&tallies));
        let paces = CommandPaces::new(settings.command_rates(), settings.widening, Arc::clone(&tallies));
        let (widening, clock) = (settings.widening, environment.clock);
        let quotas = Quotas::new(settings.quotas, widening, clock, Arc::clone(&tallies));
        let edge_parts = EdgeParts {
            signer,
            feed: feeds.v1,
            traffic: feeds.traffic,
            stamp: feeds.stamp,
            appender: Arc::clone(&appender),
            readers: Arc::clone(&readers),
            io,
            limits: WireLimits::new(settings.limits.text_bytes_max),
            resume_entries_max: settings.resume_entries_max,
            history_bytes_max: settings.history_bytes_max,
            connections_per_person_max: settings.connections_per_person_max,
            requests_open_max: settings.requests_open_max,
            allowances: allowances.clone(),
            guesses: settings.guesses,
            widening,
            paces: paces.clone(),
            notices: settings.notices,
            quotas: quotas.clone(),
            tallies: Arc::clone(&tallies),
            environment,
        };
        let edge = Edge::new(directory, edge_parts);
        let submit = Arc::clone(&appender);
        let standing = Standing::new(appender.health().clone(), known, settings.watermark);
        let intake = Intake { quotas, paces, tallies: Arc::clone(&tallies), environment };
        let profile = profile_namespace(feeds.profile, standing.clone(), allowances)
            .on_ahead(look(&appender, host.on_drafts()))
            .on_sync(CHAT_MESSAGE, move |turn| take(turn, &submit, &intake));
        let endpoint = builder
            .namespace(v1::namespace(&edge).on_ahead(look(&appender, host.on_drafts())))
            .recognize(Edge::recognizer(&edge))
            .after_events(announcing(&appender, host.on_drafts()));
        let server = host.serve(profile, endpoint)?;
        let on_probe = Arc::from(host.on_drafts());
        Ok(Self { server, appender, setup, standing, edge, on_probe, readers, tallies })
    }

    /// Watches the node. The node ends without it.
    pub fn monitor(&self) -> Monitor {
        Monitor {
            io: self.server.io().clone(),
            appender: Arc::clone(&self.appender),
            edge: Arc::clone(&self.edge),
            readers: Arc::clone(&self.readers),
            tallies: Arc::clone(&self.tallies),
        }
    }

    /// Keeps clients of `/` away while nothing can be stored, tells who comes and goes, and sends read pointers that wait. Never
    /// ends.
    pub fn tend(&self) -> impl Future<Output = ()> + use<> {
        let (standing, io) = (self.standing.clone(), self.server.io().clone());
        let (edge, appender, on_probe) =
            (Arc::clone(&self.edge), Arc::clone(&self.appender), Arc::clone(&self.on_probe));
        let on_drafts = Arc::clone(&on_probe);
        let announce = announcing(&appender, move || on_drafts());
        let probe = move || {
            appender.probe();
            on_probe();
        };
        async move {
            tokio::select! {
                // In an order that a simulation can repeat.
                biased;
                () = standing.watch(&io, probe) => {}
                () = tick(&edge, announce) => {}
            }
        }
    }
}

/// Tells the appender, and whoever steps it, that there are drafts.
fn announcing<F: Fn() + Send + Sync + 'static>(
    appender: &Arc<Appender<Ticket>>,
    on_drafts: F,
) -> impl Fn() + Send + Sync + use<F> {
    let appender = Arc::clone(appender);
    move || {
        appender.announce();
        on_drafts();
    }
}

/// Looks whether another node over the same log has stored something.
fn look(
    appender: &Arc<Appender<Ticket>>,
    on_news: Box<dyn Fn() + Send + Sync>,
) -> impl Fn() + Send + Sync + 'static {
    let appender = Arc::clone(appender);
    move || {
        appender.tell_news();
        on_news();
    }
}

fn profile_namespace(feed: Feed, standing: Standing, allowances: Allowances) -> Namespace {
    Namespace::new("/").door(move || standing.door()).feed(feed, join).pace_replay(move |replay| {
        let payer = Payer { peer: replay.peer, person: None };
        allowances.charge(payer, replay.bytes, replay.now)
    })
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("standing", &self.standing).finish_non_exhaustive()
    }
}

impl Monitor {
    /// What is kept of people as long as they are connected, or ask for something. There is nothing some time after all have gone.
    pub fn kept(&self) -> [(&'static str, u64); 3] {
        let (connected, pointers) = self.edge.kept();
        let lines = self.readers.lines();
        [
            ("people with connections", connected as u64),
            ("read pointers that wait", pointers as u64),
            ("lines of requests", lines as u64),
        ]
    }

    /// What was counted so far, and what there is now.
    pub async fn stats(&self) -> NodeStats {
        let io = &self.io;
        let refused = RefusalKind::ALL.iter().map(|kind| (*kind, io.refused(*kind)));
        NodeStats {
            refused: refused.collect(),
            misfits: io.misfits(),
            connections: io.connections() as u64,
            is_ready: io.readiness() == Readiness::Ready,
            log: self.appender.stats(),
            read_only: self.appender.health().read_only(),
            commit_waits: self.appender.health().waiting(tokio::time::Instant::now().into_std()),
            pool: self.readers.stats(),
            edge: self.tallies.counts(),
            online: self.edge.online(),
            server: io.stats().await,
        }
    }
}

/// Never ends.
async fn tick(edge: &Edge, announce: impl Fn()) {
    let mut interval = tokio::time::interval(PRESENCE_INTERVAL);
    loop {
        interval.tick().await;
        edge.tick();
        if edge.send_held_reads() {
            announce();
        }
    }
}

impl Feeds {
    fn open(
        log: &impl Log,
        reader: &Arc<impl LogReader>,
        readers: &Arc<Pool>,
        directory: &DirectoryHandle,
        settings: &Settings,
    ) -> Result<Self, ReadError> {
        let stamp = Stamp::new(LogId::FIRST, log.epochs().current().epoch, Arc::new(keys_of(log)));
        let of_profile: Arc<Encoder> = Arc::new(profile::delivery::encoder(stamp.clone()));
        let of_v1: Arc<Encoder> = Arc::new(v1::delivery::encoder(stamp.clone(), directory.clone()));
        let history = |encoder: &Arc<Encoder>| LogHistory::new(Arc::clone(readers), Arc::clone(encoder));
        let profile = feed(log, Resume::Recovery, history(&of_profile), settings);
        let v1 = feed(log, Resume::Cursor, history(&of_v1), settings);
        let traffic = Traffic::new(settings.resume_distance_max);
        let now = directory.now();
        preload_all(reader, &[(&profile, &*of_profile), (&v1, &*of_v1)], |page| traffic.add(&now, page))?;
        Ok(Self { profile, v1, stamp, directory: directory.clone(), traffic })
    }

    fn deliveries(&self, io: &WeakIo) -> Deliveries {
        let profile = ProfileDelivery::new(self.profile.clone(), self.stamp.clone());
        Deliveries::new(
            profile,
            V1Delivery::new(self.v1.clone(), self.stamp.clone(), self.traffic.clone(), io.clone()),
        )
    }
}

fn feed(log: &impl Log, resume: Resume, history: Arc<LogHistory>, settings: &Settings) -> Feed {
    let epochs = log
        .epochs()
        .iter()
        .map(|start| EpochStart { epoch: start.epoch.0.into(), start: start.start.0.into() });
    Feed::new(FeedConfig {
        log: LogId::FIRST.0.into(),
        epochs: epochs.collect(),
        head: log.head().0.into(),
        resume,
        keys: keys_of(log),
        ring_bytes_max: settings.ring_bytes_max,
        recovery_entries_max: settings.recovery_entries_max,
        ahead_wait: match log.writers() {
            Writers::One => None,
            Writers::Several => Some(AHEAD_WAIT),
        },
        history: Some(history),
        ..FeedConfig::in_memory()
    })
}

/// What signs and seals for the feeds. It is the same for all, so an offset has one text.
fn keys_of(log: &impl Log) -> Keys {
    let SigningKeys { current, retired, revoked: _ } = log.signing_keys();
    retired.iter().fold(Keys::new(current.0), |keys, retired| keys.with_retired(retired.0))
}

/// What passes entries on from where the feeds are.
fn applying<R: LogReader, D>(reader: &Arc<R>, feeds: &Feeds, deliveries: D) -> Applying<Arc<R>, D> {
    let head = Position(feeds.profile.head().get());
    Applying::new(Applier::new(Arc::clone(reader), head, feeds.directory.clone()), deliveries)
}

fn signer(keys: &SigningKeys) -> Signer {
    let signer = Signer::new(&keys.current.0, keys.retired.iter().map(|key| key.0));
    match &keys.revoked {
        None => signer,
        Some(oldest) => signer.named_by(&oldest.0),
    }
}

fn chat_ports(
    io: WeakIo,
    fresh: Look,
    settings: &Settings,
    clock: fn() -> Instant,
    on_fatal: Box<dyn FnOnce(Fatal) + Send>,
) -> chat::Ports {
    let mut gauge = Gauge::new(fresh, settings.watermark);
    chat::Ports {
        on_room: Box::new(move || io.upgrade().iter().for_each(Io::resume)),
        on_written: Box::new(move |bytes| gauge.wrote(bytes)),
        on_fatal,
        clock: Box::new(clock),
    }
}
