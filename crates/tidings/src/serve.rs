//! `tidings serve`: puts the log, the feeds, the endpoint and the pages together, and takes them apart at the end.
//!
//! Order at the start: listeners first (a port in use costs nothing), then the log, then the feeds filled from it,
//! and only then is anybody let in. Order at the end: refuse handshakes, finish the commits, close the transports.

mod chat_server;
mod demo;
mod first_run;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chat::UnixMillis;
use socketio_server::Readiness;
use tempfile::TempDir;
use tidings::readiness::watch;
use tidings::v1::edge::Edge;
use tokio::signal::unix::{SignalKind, signal};

use self::chat_server::ChatServer;
use self::first_run::FirstRun;
use crate::failure::Failure;
use crate::http::Site;
use crate::options::Serve;

/// Commits that are under way when the server is told to stop have so long. Longer than any disk that works takes, and
/// shorter than the ten seconds after which the usual supervisors kill.
const DRAIN_DEADLINE: Duration = Duration::from_secs(8);

/// How often people are told who came and went.
const PRESENCE_INTERVAL: Duration = Duration::from_secs(1);

/// The wall clock, for people to read: nothing is ordered by it.
pub(crate) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

pub(crate) fn run(options: &Serve) -> Result<(), Failure> {
    let begin = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let served = runtime.block_on(serve(options, begin));
    // A thread that waits for the disk must not keep the process.
    runtime.shutdown_background();
    served
}

async fn serve(options: &Serve, begin: Instant) -> Result<(), Failure> {
    // Before anything can take long, so that no signal is missed.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listeners = options.listen.iter().map(|address| bind(*address)).collect::<Result<Vec<_>, _>>()?;
    // Goes with everything in it when the demonstration ends.
    let temporary = options.demo.then(TempDir::new).transpose()?;
    let folder = temporary.as_ref().map_or(options.data.folder.as_path(), TempDir::path);
    let chat = ChatServer::open(options, folder)?;
    if temporary.is_some() {
        demo::fill(&chat.appender).await;
    }
    let mut addresses = Vec::new();
    for listener in listeners {
        let site = Site::new(chat.server.io().clone(), options.pages.as_deref(), &options.origin);
        addresses.push(chat.server.listen_with(listener, site)?);
    }
    let data = if temporary.is_some() { None } else { Some(folder) };
    FirstRun { addresses: &addresses, took: begin.elapsed(), data, setup: chat.setup.as_ref() }.announce();
    let mut fatal = chat.fatal;
    let health = chat.appender.health().clone();
    let reason = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        fatal = fatal.recv() => Some(fatal),
        () = watch(&health, chat.server.io()) => None,
        () = tell_presence(&chat.edge) => None,
    };
    if let Some(fatal) = reason {
        return Err(fatal.map_or(Failure::Stopped, Failure::Fatal));
    }
    chat.server.io().set_readiness(Readiness::NotReady);
    let appender = Arc::clone(&chat.appender);
    let closed = tokio::task::spawn_blocking(move || appender.close());
    let drained = tokio::time::timeout(DRAIN_DEADLINE, closed).await;
    chat.server.shutdown().await;
    drained.map(drop).map_err(|_| Failure::Undrained { after: DRAIN_DEADLINE })
}

/// Never ends.
async fn tell_presence(edge: &Edge) {
    let mut interval = tokio::time::interval(PRESENCE_INTERVAL);
    loop {
        interval.tick().await;
        edge.tick();
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    socketio_server::bind(address).map_err(|error| Failure::Listen { address, error })
}
