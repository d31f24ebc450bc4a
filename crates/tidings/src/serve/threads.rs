//! [`Threads`]: runs the parts of a node in the program, on threads of their own and on its listeners.

use std::sync::Arc;
use std::time::Instant;

use chat::{Appender, Fatal, Log, LogReader};
use socketio_server::{Builder, BundleFile, ClientBundle, HostPattern, Namespace, Server};
use tidings::delivery::Deliveries;
use tidings::disk::Looks;
use tidings::environment::Environment;
use tidings::limits::Bounds;
use tidings::node::{Appending, Feeds, Host};
use tidings::reading::fair::FairBounds;
use tidings::reading::pool::Pool;
use tidings::ticket::Ticket;
use tokio::sync::mpsc;

use super::clock::now;
use super::{exporter, hosts};
use crate::assets;
use crate::failure::Failure;
use crate::http::HEALTH;
use crate::options::Serve;
use crate::tls;

/// Time and chance of this machine.
pub(super) const ENVIRONMENT: Environment = Environment { now, clock: Instant::now, random };

/// Said to a page of a foreign origin, and in the log.
const ORIGIN_REMEDY: &str = "If it is this server's own page behind a proxy, let the proxy pass the browser's Host header \
    on, and name that host with --host: see tidings --help. To allow a page of another site, start tidings with --origin {origin}";

/// Said when `X-Forwarded-Host` was ignored, because its sender is not trusted.
const PROXY_REMEDY: &str =
    "If it is your proxy, start tidings with --trusted-proxy {peer}: see tidings --help";

/// Runs a node as the options say.
pub(super) struct Threads<'a> {
    pub(super) options: &'a Serve,
    /// The names that the certificate is for.
    pub(super) certified: &'a [HostPattern],
    /// Told when the appender has stopped for good.
    pub(super) fatal: mpsc::Sender<Fatal>,
    /// The disk of the data folder.
    pub(super) disk: Looks,
}

impl<L: Log + 'static, R: LogReader> Host<L, R> for Threads<'_> {
    type Failure = Failure;
    type Delivery = Deliveries;

    fn disk(&mut self) -> Looks {
        self.disk.clone()
    }

    fn read(&mut self, log: &Arc<R>, requests: FairBounds) -> Result<Arc<Pool>, Failure> {
        Ok(Pool::start(log, requests)?)
    }

    fn deliver(&mut self, _: &Feeds, deliveries: Deliveries) -> Deliveries {
        deliveries
    }

    fn append(&mut self, appending: Appending<L, Arc<R>, Deliveries>) -> Result<Appender<Ticket>, Failure> {
        let Appending { log, directory, delivery, limits, bounds, ports } = appending;
        Ok(Appender::start(log, &directory, delivery, limits, bounds, ports)?)
    }

    fn on_drafts(&mut self) -> Box<dyn Fn() + Send + Sync> {
        // The appender's thread waits for them itself.
        Box::new(|| ())
    }

    fn on_fatal(&mut self) -> Box<dyn FnOnce(Fatal) + Send> {
        let fatal = self.fatal.clone();
        // The receiver is gone only when the process ends anyway.
        Box::new(move |why| drop(fatal.try_send(why)))
    }

    fn serve(&mut self, profile: Namespace, endpoint: Builder) -> Result<Server, Failure> {
        let (options, certified) = (self.options, self.certified);
        let endpoint = endpoint
            .configure(|config| {
                let mut bounds = Bounds { server: std::mem::take(config), ..Bounds::default() };
                options.limit.iter().for_each(|change| change.apply(&mut bounds));
                *config = bounds.server;
                config.strangers.vouched_factor = bounds.node.widening.0;
                config.pacing.loopback = options.limit_loopback;
                config.trusted_proxies = options.trusted_proxy.iter().cloned().collect();
                config.origins = options.origin.iter().cloned().collect();
                config.hosts = hosts::of(options, certified);
                config.host_remedy = hosts::REMEDY.into();
                config.origin_remedy = ORIGIN_REMEDY.into();
                config.proxy_remedy = PROXY_REMEDY.into();
                config.reserved_paths = vec![HEALTH.into()];
                config.descriptors_reserved = other_descriptors(options);
            })
            .client_bundle(client_bundle()?);
        Ok(endpoint.namespace(profile).build()?)
    }
}

/// What the connections of the other listeners take.
fn other_descriptors(options: &Serve) -> usize {
    let monitors = options.metrics.map_or(0, |_| exporter::CONNECTIONS_MAX);
    let redirected = options.tls.redirect.map_or(0, |_| tls::REDIRECTED_MAX);
    monitors + redirected
}

/// As the server draws its session ids.
fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system provides randomness");
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
