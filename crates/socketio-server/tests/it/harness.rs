//! Servers on a free port, and clients that speak the protocol by hand, so that tests see every packet.

pub(crate) mod canary;
pub(crate) mod client;
pub(crate) mod house;
pub(crate) mod http;
pub(crate) mod polling;
pub(crate) mod ws;

use std::net::SocketAddr;
use std::time::Duration;

use socketio_server::{Ack, Builder, Io, Namespace, Server, Socket, Spread};

pub(crate) use self::canary::Canaries;
pub(crate) use self::client::Client;
pub(crate) use self::http::{Answer, get, post, request};
pub(crate) use self::polling::{Polling, packets};
pub(crate) use self::ws::{Received, Ws};

/// Longer than anything here takes on a busy machine; what takes longer does not come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for something that must come.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(patience(), future).await.expect("what the test waits for has not come in time")
}

/// A test that waits for what a planted bug prevents has noticed it, and waits less long.
fn patience() -> Duration {
    let is_planted = std::env::var_os("PLANTED_BUG").is_some();
    if is_planted { Duration::from_secs(5) } else { PATIENCE }
}

/// A server that listens.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) server: Server,
}

impl Running {
    pub(crate) fn io(&self) -> &Io {
        self.server.io()
    }
}

/// Starts a server with two workers, so that sockets meet across threads.
pub(crate) fn start(builder: Builder) -> Running {
    start_with(builder.configure(|config| config.workers = 2))
}

/// Starts a server as it is configured. Where the order of requests on different connections matters, it has one worker.
pub(crate) fn start_with(builder: Builder) -> Running {
    let server = builder.build().expect("the server can be built");
    let listener = socketio_server::bind("127.0.0.1:0".parse().expect("an address")).expect("a port is free");
    let address = server.listen(listener).expect("the listener can be shared");
    Running { address, server }
}

/// A server with one namespace `/` that does nothing but answer fences.
pub(crate) fn start_plain() -> Running {
    start(Server::builder().namespace(fenced(Namespace::new("/"))))
}

/// Adds the event `fence`: it is answered when all workers have done what they were told before.
pub(crate) fn fenced(namespace: Namespace) -> Namespace {
    namespace.on("fence", |socket: Socket, ack: Ack| async move {
        if let Ok(everyone) = socket.io().of(socket.namespace()) {
            drop(everyone.fetch().await);
        }
        let _ = ack.send(&());
    })
}

/// Adds the event `echo`, answered by its arguments.
pub(crate) fn echoing(namespace: Namespace) -> Namespace {
    use socketio_server::Args;
    namespace.on("echo", |Args(args): Args<Spread<Vec<serde_json::Value>>>, ack: Ack| async move {
        let _ = ack.send(&args);
    })
}
