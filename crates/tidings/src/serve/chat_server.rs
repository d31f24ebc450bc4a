//! The running parts of a chat server, put together: log, appender, feeds, edge, endpoint.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use chat::{
    Appender, Applier, Applying, DirectoryHandle, Fatal, Limits, Log, LogId, Ports, Position, QueueBounds,
    SigningKeys,
};
use chat_sqlite::SqliteLog;
use socketio_server::{
    BundleFile, ClientBundle, EpochStart, Feed, FeedConfig, History, Io, Keys, Namespace, Resume, Server,
    WeakIo,
};
use tidings::delivery::Deliveries;
use tidings::history::{LogHistory, preload_all};
use tidings::profile::delivery::ProfileDelivery;
use tidings::profile::wire::CHAT_MESSAGE;
use tidings::profile::{self, join, take};
use tidings::ticket::Ticket;
use tidings::v1;
use tidings::v1::code::Code;
use tidings::v1::delivery::V1Delivery;
use tidings::v1::desk::Desk;
use tidings::v1::edge::{Edge, Sides};
use tidings::v1::identity::Signer;
use tidings::v1::welcome::{RESUME_ENTRIES_MAX, ROOMS_MAX, WireLimits};
use tokio::sync::mpsc;

use super::now;
use crate::assets;
use crate::failure::Failure;
use crate::options::Serve;

/// Frames kept in memory for those who are slow or come back, for each namespace.
const RING_BYTES_MAX: usize = 64 << 20;

/// Said to a page of a foreign origin, and in the log.
const ORIGIN_REMEDY: &str = "If it is this server's own page behind a proxy, let the proxy pass the browser's Host header \
    on: see tidings --help. To allow a page of another site, start tidings with --origin {origin}";

/// Said when `X-Forwarded-Host` was ignored, because its sender is not trusted.
const PROXY_REMEDY: &str =
    "If it is your proxy, start tidings with --trusted-proxy {peer}: see tidings --help";

/// The running parts.
pub(super) struct ChatServer {
    pub(super) server: Server,
    pub(super) appender: Arc<Appender<Ticket>>,
    pub(super) edge: Arc<Edge>,
    pub(super) fatal: mpsc::Receiver<Fatal>,
    /// Makes its bearer the owner; there is one as long as there is no owner.
    pub(super) setup: Option<Code>,
}

/// The two feeds of the log.
struct Feeds {
    profile: Feed,
    v1: Feed,
}

impl ChatServer {
    pub(super) fn open(options: &Serve, folder: &Path) -> Result<Self, Failure> {
        let mut log = SqliteLog::open(folder)?;
        let directory = DirectoryHandle::load(&mut log)?;
        let reader = Arc::new(log.reader());
        let feeds = Feeds::open(&log, &reader, &directory)?;
        let signer = signer(&log);
        let setup = directory.now().owners().next().is_none().then(|| signer.setup_code());

        // The appender needs the server to wake paused sockets, the server the appender to submit.
        let io: Arc<OnceLock<WeakIo>> = Arc::default();
        let (report, fatal) = mpsc::channel(1);
        let delivery = Deliveries::new(
            ProfileDelivery::new(feeds.profile.clone()),
            V1Delivery::new(feeds.v1.clone(), Arc::clone(&io)),
        );
        let head = Position(feeds.profile.head());
        let delivery = Applying::new(Applier::new(Arc::clone(&reader), head), delivery);
        let limits = Limits::default();
        let ports = ports(&io, report);
        let bounds = QueueBounds::default();
        let appender = Appender::start(log, directory.clone(), delivery, limits, bounds, ports)?;
        let appender = Arc::new(appender);
        let desk = Desk::default();
        let sides = Sides {
            signer,
            feed: feeds.v1.clone(),
            appender: Arc::clone(&appender),
            desk: desk.clone(),
            io: Arc::clone(&io),
            limits: WireLimits::new(limits.text_bytes_max),
            resume_entries_max: RESUME_ENTRIES_MAX,
            ports: v1::edge::Ports { now, clock: Instant::now, random },
        };
        let edge = Edge::new(directory, sides);
        desk.open(&edge, &reader)?;
        let server = server(options, feeds.profile, &appender, &edge)?;
        // Set once, here.
        drop(io.set(server.io().downgrade()));
        Ok(Self { server, appender, edge, fatal, setup })
    }
}

impl Feeds {
    fn open(
        log: &SqliteLog,
        reader: &Arc<chat_sqlite::SqliteReader>,
        directory: &DirectoryHandle,
    ) -> Result<Self, Failure> {
        let (of_profile, of_v1) =
            (LogHistory::start(Arc::clone(reader))?, LogHistory::start(Arc::clone(reader))?);
        let profile = feed(log, Resume::Recovery, Arc::clone(&of_profile) as Arc<dyn History>);
        let v1 = feed(log, Resume::Cursor, Arc::clone(&of_v1) as Arc<dyn History>);
        let encode_profile = || profile::delivery::encoder(profile.clone());
        let encode_v1 = || v1::delivery::encoder(v1.clone(), directory.clone());
        of_profile.serve(encode_profile());
        of_v1.serve(encode_v1());
        preload_all(reader, &[(&profile, &encode_profile()), (&v1, &encode_v1())])?;
        Ok(Self { profile, v1 })
    }
}

fn feed(log: &SqliteLog, resume: Resume, history: Arc<dyn History>) -> Feed {
    let epochs = log.epochs().iter().map(|start| EpochStart { epoch: start.epoch.0, start: start.start.0 });
    let SigningKeys { current, retired } = log.signing_keys();
    let keys = retired.iter().fold(Keys::new(current.0), |keys, retired| keys.with_retired(retired.0));
    Feed::new(FeedConfig {
        log: LogId::FIRST.0,
        epochs: epochs.collect(),
        head: Log::head(log).0,
        resume,
        keys,
        ring_bytes_max: RING_BYTES_MAX,
        history: Some(history),
        ..FeedConfig::in_memory()
    })
}

fn signer(log: &SqliteLog) -> Signer {
    let SigningKeys { current, retired } = log.signing_keys();
    Signer::new(&current.0, retired.iter().map(|key| key.0))
}

fn ports(io: &Arc<OnceLock<WeakIo>>, report: mpsc::Sender<Fatal>) -> Ports {
    let resume = Arc::clone(io);
    Ports {
        on_room: Box::new(move || resume.get().and_then(WeakIo::upgrade).iter().for_each(Io::resume)),
        // The receiver is gone only when the process ends anyway.
        on_fatal: Box::new(move |fatal| drop(report.try_send(fatal))),
        clock: Box::new(Instant::now),
    }
}

/// As the server draws its session ids.
fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system provides randomness");
}

fn server(
    options: &Serve,
    feed: Feed,
    appender: &Arc<Appender<Ticket>>,
    edge: &Arc<Edge>,
) -> Result<Server, Failure> {
    let (submit, announce) = (Arc::clone(appender), Arc::clone(appender));
    let profile =
        Namespace::new("/").feed(feed, join).on_sync(CHAT_MESSAGE, move |turn| take(turn, &submit, now()));
    let builder = Server::builder()
        .configure(|config| {
            config.trusted_proxies = options.trusted_proxy.iter().cloned().collect();
            // A group for each room but the lobby, and that of the person's own sockets.
            config.rooms_max = ROOMS_MAX;
            config.origins = options.origin.iter().cloned().collect();
            config.origin_remedy = ORIGIN_REMEDY.into();
            config.proxy_remedy = PROXY_REMEDY.into();
        })
        .client_bundle(client_bundle()?)
        .after_events(move || announce.announce())
        .namespace(profile)
        .namespace(v1::namespace(edge));
    Ok(builder.build()?)
}

fn client_bundle() -> Result<ClientBundle, Failure> {
    let files = assets::CLIENT_FILES.iter().map(|asset| {
        let file = if asset.content_type == "application/json" {
            BundleFile::source_map(asset.path, asset.identity)
        } else {
            BundleFile::script(asset.path, asset.identity)
        };
        let file = asset.gzip.into_iter().fold(file, BundleFile::with_gzip);
        asset.brotli.into_iter().fold(file, BundleFile::with_brotli)
    });
    Ok(ClientBundle::new(assets::CLIENT_VERSION, files)?)
}
