//! `tidings serve`: puts the log, the feed, the endpoint and the pages together, and takes them apart at the end.
//!
//! Order at the start: listeners first (a port in use costs nothing), then the log, then the feed filled from it,
//! and only then is anybody let in. Order at the end: refuse handshakes, finish the commits, close the transports.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use chat::{
    Appender, Applier, Applying, DirectoryHandle, Fatal, Limits, Log, LogId, Ports, Position, QueueBounds,
    UnixMillis,
};
use chat_sqlite::{BackupError, ImportError, OpenError, RestoreError, SigningKeys, SqliteLog, VerifyError};
use socketio_server::{
    BuildError, BundleFile, ClientBundle, EpochStart, Feed, FeedConfig, History, Io, Keys, Namespace,
    OriginPolicy, Readiness, Server,
};
use tidings::delivery::{FeedDelivery, Ticket};
use tidings::history::{LogHistory, preload};
use tidings::profile::{join, take};
use tidings::readiness::watch;
use tidings::wire::CHAT_MESSAGE;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::assets;
use crate::http::Site;
use crate::options::Serve;

/// Frames kept in memory for those who are slow or come back.
const RING_BYTES_MAX: usize = 64 << 20;

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("cannot listen on {address}: {error}")]
    Listen { address: SocketAddr, error: std::io::Error },
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error(transparent)]
    Restore(#[from] RestoreError),
    #[error(transparent)]
    Verify(#[from] VerifyError),
    #[error("{} is not sound: {faults} faults", .file.display())]
    Unsound { file: PathBuf, faults: u64 },
    #[error("the log cannot be read: {0}")]
    Read(#[from] chat::ReadError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("the client bundle is broken: {0}")]
    Bundle(#[from] socketio_server::BundleError),
    #[error(transparent)]
    Bench(crate::bench::Failure),
    #[error("cannot start: {0}")]
    Start(#[from] std::io::Error),
    #[error(transparent)]
    Appender(#[from] chat::StartError),
    #[error("{0}; a new start goes on from what the disk holds")]
    Fatal(Fatal),
    #[error("the appender has stopped")]
    Stopped,
}

/// The wall clock, for people to read: nothing is ordered by it.
pub(crate) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

pub(crate) fn run(options: &Serve) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(serve(options))
}

async fn serve(options: &Serve) -> Result<(), Failure> {
    // Before anything can take long, so that no signal is missed.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listeners = options.listen.iter().map(|address| bind(*address)).collect::<Result<Vec<_>, _>>()?;
    let chat = Chat::open(options)?;
    let mut addresses = Vec::new();
    for listener in listeners {
        let site = Site::new(chat.server.io().clone(), options.pages.as_deref());
        addresses.push(chat.server.listen_with(listener, site)?);
    }
    announce(&addresses);
    let mut fatal = chat.fatal;
    let health = chat.appender.health().clone();
    let reason = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        fatal = fatal.recv() => Some(fatal),
        () = watch(&health, chat.server.io()) => None,
    };
    if let Some(fatal) = reason {
        return Err(fatal.map_or(Failure::Stopped, Failure::Fatal));
    }
    chat.server.io().set_readiness(Readiness::NotReady);
    let appender = Arc::clone(&chat.appender);
    // It waits for the disk.
    drop(tokio::task::spawn_blocking(move || appender.close()).await);
    chat.server.shutdown().await;
    Ok(())
}

fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    socketio_server::bind(address).map_err(|error| Failure::Listen { address, error })
}

/// The one line that says where the chat is.
fn announce(addresses: &[SocketAddr]) {
    let urls: Vec<String> = addresses.iter().map(|address| format!("http://{address}")).collect();
    let mut out = std::io::stdout();
    // A server whose output nobody reads serves all the same.
    let _ = writeln!(out, "tidings is ready on {}", urls.join(" "));
    let _ = out.flush();
}

/// The running parts.
struct Chat {
    server: Server,
    appender: Arc<Appender<Ticket>>,
    fatal: mpsc::Receiver<Fatal>,
}

impl Chat {
    fn open(options: &Serve) -> Result<Self, Failure> {
        let mut log = SqliteLog::open(&options.data.folder)?;
        let directory = DirectoryHandle::load(&mut log)?;
        let reader = Arc::new(log.reader());
        let history = LogHistory::start(Arc::clone(&reader))?;
        let feed = feed(&log, Arc::clone(&history) as Arc<dyn History>);
        history.serve(&feed);
        preload(&feed, &reader)?;

        // The appender needs the server to wake paused sockets, the server the appender to submit.
        let io: Arc<OnceLock<Io>> = Arc::default();
        let resume = Arc::clone(&io);
        let (report, fatal) = mpsc::channel(1);
        let ports = Ports {
            on_room: Box::new(move || resume.get().into_iter().for_each(Io::resume)),
            // The receiver is gone only when the process ends anyway.
            on_fatal: Box::new(move |fatal| drop(report.try_send(fatal))),
            clock: Box::new(Instant::now),
        };
        let delivery =
            Applying::new(Applier::new(reader, Position(feed.head())), FeedDelivery::new(feed.clone()));
        let appender =
            Appender::start(log, directory, delivery, Limits::default(), QueueBounds::default(), ports)?;
        let appender = Arc::new(appender);
        let server = server(options, feed, &appender)?;
        // Set once, here.
        let _ = io.set(server.io().clone());
        Ok(Self { server, appender, fatal })
    }
}

/// The feed of namespace `/`, at the head of the log.
fn feed(log: &SqliteLog, history: Arc<dyn History>) -> Feed {
    let epochs = log.epochs().iter().map(|start| EpochStart { epoch: start.epoch.0, start: start.start.0 });
    Feed::new(FeedConfig {
        log: LogId::FIRST.0,
        epochs: epochs.collect(),
        head: Log::head(log).0,
        keys: signing_keys(log),
        ring_bytes_max: RING_BYTES_MAX,
        history: Some(history),
        ..FeedConfig::in_memory()
    })
}

fn signing_keys(log: &SqliteLog) -> Keys {
    let SigningKeys { current, retired } = log.signing_keys();
    retired.iter().fold(Keys::new(current.0), |keys, retired| keys.with_retired(retired.0))
}

fn server(options: &Serve, feed: Feed, appender: &Arc<Appender<Ticket>>) -> Result<Server, Failure> {
    let submit = Arc::clone(appender);
    let profile =
        Namespace::new("/").feed(feed, join).on_sync(CHAT_MESSAGE, move |turn| take(turn, &submit, now()));
    let files = assets::CLIENT_FILES.iter().map(|asset| {
        let file = if asset.content_type == "application/json" {
            BundleFile::source_map(asset.path, asset.identity)
        } else {
            BundleFile::script(asset.path, asset.identity)
        };
        let file = asset.gzip.into_iter().fold(file, BundleFile::with_gzip);
        asset.brotli.into_iter().fold(file, BundleFile::with_brotli)
    });
    let builder = Server::builder()
        .configure(|config| {
            config.trusted_proxies = options.trusted_proxy.iter().cloned().collect();
            if !options.origin.is_empty() {
                config.origins = OriginPolicy::List(options.origin.clone());
            }
        })
        .client_bundle(ClientBundle::new(assets::CLIENT_VERSION, files)?)
        .namespace(profile);
    Ok(builder.build()?)
}
