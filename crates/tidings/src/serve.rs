//! `tidings serve`: puts the log, the feeds, the endpoint and the pages together, and stops them at the end.
//!
//! At the start it opens the listeners first (a port in use costs nothing), then the log, fills the feeds, and only
//! then accepts clients. At the end it refuses handshakes, finishes the commits, and closes the connections.

mod clock;
mod demo;
mod disk;
mod exporter;
mod first_run;
mod hosts;
mod machine;
mod secrecy;
mod threads;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chat::LogReader as _;
use chat_sqlite::{SqliteLog, SqliteReader};
use socketio_server::{Readiness, raise_descriptor_limit};
use tempfile::TempDir;
use tidings::limits::Bounds;
use tidings::node::Node;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use self::disk::Disk;
use self::exporter::{Exporter, Metrics};
use self::first_run::{FirstRun, Scheme, behind_proxy, in_network};
use self::threads::{ENVIRONMENT, Threads};
use crate::failure::Failure;
use crate::http::{Damage, Health, Site};
use crate::logging;
use crate::options::Serve;
use crate::tls::Tls;

/// Commits that are under way when the server is told to stop have so long. Longer than any disk that works takes, and
/// shorter than the ten seconds after which the usual supervisors kill.
const DRAIN_DEADLINE: Duration = Duration::from_secs(8);

pub(crate) fn run(options: &Serve) -> Result<(), Failure> {
    let begin = Instant::now();
    // Before there is a secret in memory, and a thread that would not have it.
    secrecy::begin();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let served = runtime.block_on(serve(options, begin));
    // A thread that waits for the disk must not keep the process.
    runtime.shutdown_background();
    served
}

async fn serve(options: &Serve, begin: Instant) -> Result<(), Failure> {
    // Each connection takes a descriptor.
    raise_descriptor_limit();
    // Before anything can take long, so that no signal is missed.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut tls = Tls::begin(&options.tls, clock::seconds)?;
    let certified = tls.as_ref().map(Tls::hosts).unwrap_or_default();
    let listeners = options.listen.iter().map(|address| bind(*address)).collect::<Result<Vec<_>, _>>()?;
    let redirect = match (&mut tls, options.tls.redirect) {
        (Some(tls), Some(address)) => Some(redirect(tls, address)?),
        (Some(_) | None, _) => None,
    };
    let monitors = Metrics::bind(options.metrics)?;
    // Goes with everything in it when the demonstration ends.
    let temporary = options.demo.then(TempDir::new).transpose()?;
    let folder = temporary.as_ref().map_or(options.data.folder.as_path(), TempDir::path);
    let (report, mut fatal) = mpsc::channel(1);
    let log = SqliteLog::open(folder).map_err(|err| Failure::from(err).about(folder))?;
    tls.as_mut().map_or(Ok(()), |tls| tls.open(folder))?;
    log.bound_cache(options.memory.shares().cache).map_err(|err| Failure::from(err).about(folder))?;
    let reader = Arc::new(log.reader());
    let bounds = Bounds::changed(options.memory, &options.limit);
    let disk = Disk::of(folder);
    let mut threads = Threads { options, certified: &certified, fatal: report, disk: disk.looks() };
    let node = Node::open(log, &reader, &bounds.node, ENVIRONMENT, &mut threads)
        .map_err(|failure| failure.about(folder))?;
    if temporary.is_some() {
        demo::fill(&node.appender).await;
    }
    let addresses = listen(listeners, &node, &reader, tls.as_ref(), options)?;
    let data = if temporary.is_some() { None } else { Some(folder) };
    let took = begin.elapsed();
    let (setup, pages) = (node.setup.as_ref(), options.pages.as_deref());
    let name = tls.as_ref().and_then(Tls::name);
    let scheme = if tls.is_some() { Scheme::Https } else { Scheme::Http };
    let metrics = monitors.address();
    let public_name = behind_proxy(&options.host, &options.trusted_proxy);
    #[rustfmt::skip]
    FirstRun {
        addresses: &addresses, scheme, name, public_name, redirect, took, data, setup, pages, in_network, metrics,
    }
    .announce();
    let (monitor, hosts) = (node.monitor(), hosts::of(options, &certified));
    let certificate = tls.as_ref().map(Tls::in_use);
    let exporter = Exporter { monitor, bounds, hosts, folder: folder.to_owned(), log: reader, certificate };
    let reason = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        fatal = fatal.recv() => Some(fatal),
        () = node.tend() => None,
        () = disk.watch() => None,
        () = Tls::tend(tls, &addresses) => None,
        () = monitors.serve(exporter) => None,
    };
    if let Some(fatal) = reason {
        return Err(fatal.map_or(Failure::Stopped, Failure::Fatal));
    }
    stop(node).await
}

/// Lets clients in.
fn listen(
    listeners: Vec<TcpListener>,
    node: &Node,
    reader: &Arc<SqliteReader>,
    tls: Option<&Tls>,
    options: &Serve,
) -> Result<Vec<SocketAddr>, Failure> {
    let mut addresses = Vec::new();
    for listener in listeners {
        let log = Arc::clone(reader);
        let damaged = Arc::new(move || Damage { rows: log.damaged(), is_malformed: log.is_malformed() });
        let health = Health::new(node.server.io().clone(), node.standing.clone(), damaged);
        let site = Site::new(health, options.pages.as_deref(), &options.origin);
        addresses.push(match tls {
            Some(tls) => {
                node.server.listen_encrypted(listener, tls.encryption(), site.over_tls(options.tls.hsts))?
            }
            None => node.server.listen_with(listener, site)?,
        });
    }
    Ok(addresses)
}

/// Refuses handshakes, finishes the commits, and closes the connections.
async fn stop(node: Node) -> Result<(), Failure> {
    logging::tell_left_out();
    node.server.io().set_readiness(Readiness::NotReady);
    let appender = Arc::clone(&node.appender);
    let closed = tokio::task::spawn_blocking(move || appender.close());
    let drained = tokio::time::timeout(DRAIN_DEADLINE, closed).await;
    node.server.shutdown().await;
    drained.map(drop).map_err(|_| Failure::Undrained { after: DRAIN_DEADLINE })
}

/// Takes the address of `--redirect`.
fn redirect(tls: &mut Tls, address: SocketAddr) -> Result<SocketAddr, Failure> {
    let failed = |error| Failure::Redirect { address, error };
    let listener = socketio_server::bind(address).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    tls.redirect(listener).map_err(failed)?;
    Ok(bound)
}

fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    socketio_server::bind(address).map_err(|error| Failure::Listen { address, error })
}
