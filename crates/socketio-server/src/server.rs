//! [`Server`] and its [`Builder`]: configuration, threads, listening and shutdown.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::TcpListener;
use std::ops::Range;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use socketio::NamespaceName;
use tokio::runtime::Handle;
use tower_service::Service;

use crate::config::Config;
use crate::door::accept::{self, BACKLOG, Fallback};
use crate::door::service::SocketIoService;
use crate::encryption::Encryption;
use crate::feed::{Feed, Outlet};
use crate::handle::command::{Command, Errand};
use crate::handle::engine::EngineHandler;
use crate::handle::io::{Io, Readiness, WeakIo};
use crate::handle::mailbox::Mailbox;
use crate::handle::namespace::{FeedBinding, Namespace, NamespacePattern};
use crate::handle::reach::{Reach, StateMap};
use crate::handshake::Handshake;
use crate::http::bundle::ClientBundle;
use crate::lines::Lines;
use crate::occupancy::Occupancy;
use crate::output::{Answers, Output};
use crate::user_tag::UserTag;
use crate::worker::{
    self,
    shared::{Hooks, Numbers, Shared},
};

/// The number of groups in which connections are closed at shutdown, so that their clients do not return all at once.
const CLOSING_SLICES: usize = 20;

/// The packets of the largest event with its attachments, and of a noop after it.
const POLL_PACKETS_MIN: usize = socketio::Limits::ATTACHMENTS as usize + 2;

/// The pause between two groups.
const CLOSING_INTERVAL: Duration = Duration::from_millis(50);

/// Why a server cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// There is no tokio runtime for the handlers.
    #[error("handlers need a tokio runtime: build the server within one")]
    NoRuntime,
    /// The name is not one of a namespace.
    #[error("{0:?} is not a namespace name")]
    Namespace(String),
    /// Two definitions have the same namespace.
    #[error("namespace {0:?} is defined twice")]
    Duplicate(String),
    /// A feed must belong to exactly one namespace, with an exact name.
    #[error("a feed belongs to one namespace with an exact name")]
    Feed,
    /// The number of workers must be 1 to 65,535.
    #[error("{0} is not a number of workers")]
    Workers(usize),
    /// A worker thread cannot be started.
    #[error("a worker cannot be started: {0}")]
    Thread(#[from] io::Error),
}

/// Configures a server.
#[derive(Default)]
pub struct Builder {
    config: Config,
    namespaces: Vec<Namespace>,
    state: StateMap,
    bundle: Option<ClientBundle>,
    hooks: Hooks,
    runtime: Option<Handle>,
    io: WeakIo,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("namespaces", &self.namespaces).finish_non_exhaustive()
    }
}

impl Builder {
    /// A handle to the future server, for parts of the application that must exist before it: its handlers use them,
    /// and they use the server.
    ///
    /// ```
    /// use socketio_server::{Namespace, Server, WeakIo};
    ///
    /// struct Announcer {
    ///     io: WeakIo,
    /// }
    ///
    /// impl Announcer {
    ///     fn announce(&self, text: &str) {
    ///         if let Some(io) = self.io.upgrade() {
    ///             let _ = io.emit("announcement", &text);
    ///         }
    ///     }
    /// }
    ///
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let builder = Server::builder();
    /// let announcer = Announcer { io: builder.io() };
    /// let server = builder.namespace(Namespace::new("/")).state(announcer).build()?;
    /// # server.shutdown().await;
    /// # Ok(()) }
    /// ```
    pub fn io(&self) -> WeakIo {
        self.io.clone()
    }

    /// Replaces all settings.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Changes some settings.
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Adds a namespace.
    pub fn namespace(mut self, namespace: Namespace) -> Self {
        self.namespaces.push(namespace);
        self
    }

    /// Gives handlers a value of the application, one for each type: see [`State`](crate::State).
    pub fn state<S: Send + Sync + 'static>(mut self, state: S) -> Self {
        self.state.insert(Arc::new(state));
        self
    }

    /// Serves the client's files below the path of the endpoint.
    pub fn client_bundle(mut self, bundle: ClientBundle) -> Self {
        self.bundle = Some(bundle);
        self
    }

    /// Decides about handshakes, before a session exists. The text of a refusal is its message.
    pub fn admission<F, Fut>(mut self, admit: F) -> Self
    where
        F: Fn(Arc<Handshake>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.hooks.admission = Some(Arc::new(move |handshake| Box::pin(admit(handshake))));
        self
    }

    /// Recognizes users by the query of their handshakes, without the `?`: with a signed word, for example. Their new sessions
    /// stand in lines of their own ([`Pacing::sessions`](crate::Pacing::sessions)), so that strangers at the same address do not
    /// keep them out. Nothing else follows from it. It is asked at the door, for every handshake, and must be quick.
    pub fn recognize(mut self, recognize: impl Fn(&str) -> Option<UserTag> + Send + Sync + 'static) -> Self {
        self.hooks.recognize = Some(Arc::new(recognize));
        self
    }

    /// Adds headers to the response that opens a session by polling, such as cookies.
    pub fn initial_headers(
        mut self,
        add: impl Fn(&Handshake, &mut HeaderMap) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.initial_headers = Some(Arc::new(add));
        self
    }

    /// Makes this a plain Engine.IO server: messages go to `handler`, and namespaces are not used.
    pub fn engine(mut self, handler: impl EngineHandler) -> Self {
        self.hooks.engine = Some(Arc::new(handler));
        self
    }

    /// Calls `hear` on a worker after its sync handlers have run: once for the events of all sockets that were ready
    /// together, or became ready meanwhile. So the events can be processed as one batch, without a timer. It must not
    /// block.
    pub fn after_events(mut self, hear: impl Fn() + Send + Sync + 'static) -> Self {
        self.hooks.after_events = Some(Arc::new(hear));
        self
    }

    /// The runtime for async handlers. Default: the one in which [`build`](Self::build) is called.
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Starts the workers.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn build(self) -> Result<Server, BuildError> {
        let (shared, workers) = self.prepare()?;
        let mut threads = Vec::new();
        for index in workers {
            let shared = Arc::clone(&shared);
            let name = format!("socketio-{index}");
            threads.push(std::thread::Builder::new().name(name).spawn(move || worker::run(index, &shared))?);
        }
        Ok(Server { io: shared.io(), shared, threads })
    }

    /// Checks the configuration, and makes what the workers share. Also returns their numbers.
    pub(crate) fn prepare(mut self) -> Result<(Arc<Shared>, Range<u16>), BuildError> {
        // With fewer, an event with attachments could never be sent.
        self.config.poll_packets_max = self.config.poll_packets_max.max(POLL_PACKETS_MIN);
        let runtime = match self.runtime {
            Some(runtime) => runtime,
            None => Handle::try_current().map_err(|_| BuildError::NoRuntime)?,
        };
        let workers = self.config.workers;
        let indices = match u16::try_from(workers) {
            Ok(count @ 1..) => 0..count,
            Ok(0) | Err(_) => return Err(BuildError::Workers(workers)),
        };
        let mailboxes: Vec<Arc<Mailbox>> = indices.clone().map(|_| Arc::default()).collect();
        let feeds = bind_feeds(&self.namespaces, &mailboxes)?;
        let occupancy = Occupancy::new(self.config.bounds(workers), self.config.strangers);
        let half = self.config.output_bytes_max.div_ceil(2);
        let (output, answers) = (Output::new(half), Answers::new(half));
        let shared = Arc::new(Shared {
            reach: Arc::new(Reach::new(mailboxes, runtime, self.state, feeds, occupancy, output, answers)),
            new_sessions: Lines::new(self.config.pacing.sessions),
            new_handshakes: Lines::new(self.config.pacing.handshakes),
            config: self.config,
            namespaces: self.namespaces.into_iter().map(Arc::new).collect(),
            bundle: self.bundle,
            hooks: self.hooks,
            numbers: Numbers::default(),
        });
        self.io.bind(&shared.io());
        Ok((shared, indices))
    }
}

/// Checks names and duplicates, and binds each feed to its namespace.
fn bind_feeds(
    namespaces: &[Namespace],
    mailboxes: &[Arc<Mailbox>],
) -> Result<HashMap<Box<str>, Feed>, BuildError> {
    let mut names = Vec::new();
    let mut feeds = HashMap::new();
    for namespace in namespaces {
        match &namespace.pattern {
            NamespacePattern::Exact(name) => {
                let valid = NamespaceName::parse(name).is_ok_and(|parsed| parsed.as_str() == name);
                if !valid {
                    return Err(BuildError::Namespace(name.clone()));
                }
                if names.contains(&name) {
                    return Err(BuildError::Duplicate(name.clone()));
                }
                names.push(name);
                if let Some(FeedBinding { feed, .. }) = &namespace.feed {
                    let outlets = mailboxes.iter().map(|mailbox| Arc::clone(mailbox) as Arc<dyn Outlet>);
                    if !feed.bind(Arc::from(name.as_str()), outlets.collect()) {
                        return Err(BuildError::Feed);
                    }
                    feeds.insert(name.as_str().into(), feed.clone());
                }
            }
            NamespacePattern::Matching(_) if namespace.feed.is_some() => return Err(BuildError::Feed),
            NamespacePattern::Matching(_) => {}
        }
    }
    Ok(feeds)
}

/// A running server. Its workers serve until [`shutdown`](Self::shutdown).
///
/// ```
/// use socketio_server::{Ack, Arg, Namespace, Server, Socket};
///
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let echo = Namespace::new("/").on("echo", |Arg(text): Arg<String>, ack: Ack| async move {
///     let _ = ack.send(&text);
/// });
/// let server = Server::builder().namespace(echo).build()?;
/// let address = server.listen(socketio_server::bind("127.0.0.1:0".parse()?)?)?;
/// println!("http://{address}");
/// server.shutdown().await;
/// # Ok(()) }
/// ```
pub struct Server {
    pub(crate) io: Io,
    pub(crate) shared: Arc<Shared>,
    pub(crate) threads: Vec<JoinHandle<io::Result<()>>>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("io", &self.io).finish_non_exhaustive()
    }
}

impl Server {
    /// Begins the configuration of a server.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// A handle to emit from anywhere.
    pub fn io(&self) -> &Io {
        &self.io
    }

    /// The endpoint as a tower service, for use beside a router.
    pub fn service(&self) -> SocketIoService {
        SocketIoService { shared: Arc::clone(&self.shared), home: None }
    }

    /// The endpoint as routes of an axum router, including the files of a client bundle.
    ///
    /// Serve the router with `into_make_service_with_connect_info::<SocketAddr>()`, so that handshakes have addresses
    /// and trusted proxies are believed. If TLS ends in this process, add the layer `Extension(OverTls)`: see
    /// [`OverTls`](crate::OverTls). A CORS layer does not decide who may connect: [`Config::origins`](Config::origins)
    /// does, and it sends the CORS headers that it needs.
    ///
    /// ```no_run
    /// # async fn example(server: socketio_server::Server) -> std::io::Result<()> {
    /// use std::net::SocketAddr;
    ///
    /// let router = axum::Router::new().merge(server.axum_routes());
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    /// axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await
    /// # }
    /// ```
    #[cfg(feature = "axum")]
    pub fn axum_routes<S: Clone + Send + Sync + 'static>(&self) -> axum::Router<S> {
        let path = &self.shared.config.path;
        axum::Router::new()
            .route_service(path, self.service())
            .route_service(&format!("{}/{{*file}}", path.trim_end_matches('/')), self.service())
    }

    /// Accepts connections on all workers. The answer to a request for another path is 404.
    ///
    /// # Errors
    /// If the listener cannot be shared among the workers.
    pub fn listen(&self, listener: TcpListener) -> io::Result<std::net::SocketAddr> {
        self.listen_with(listener, self.service())
    }

    /// Accepts connections on all workers. Requests for other paths go to `fallback`, such as an axum router.
    ///
    /// The fallback runs on the workers and must not block. It finds the peer in [`PeerAddress`](crate::PeerAddress).
    ///
    /// # Errors
    /// If the listener cannot be shared among the workers.
    pub fn listen_with<S, B>(&self, listener: TcpListener, fallback: S) -> io::Result<std::net::SocketAddr>
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.listen_on(listener, None, &Fallback::new(fallback))
    }

    /// The same for a listener whose connections are encrypted, for example by TLS.
    ///
    /// [`Handshake::secure`](crate::Handshake::secure) is true for them, their requests have [`OverTls`](crate::OverTls),
    /// and pages without TLS are foreign.
    ///
    /// # Errors
    /// If the listener cannot be shared among the workers.
    pub fn listen_encrypted<S, B>(
        &self,
        listener: TcpListener,
        encryption: Arc<dyn Encryption>,
        fallback: S,
    ) -> io::Result<std::net::SocketAddr>
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.listen_on(listener, Some(encryption), &Fallback::new(fallback))
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "the workers' copies are all that is left of the listener"
    )]
    fn listen_on(
        &self,
        listener: TcpListener,
        encryption: Option<Arc<dyn Encryption>>,
        fallback: &Fallback,
    ) -> io::Result<std::net::SocketAddr> {
        listener.set_nonblocking(true)?;
        // Accepted sockets inherit this: without it, a small frame waits for the acknowledgement of the one before.
        socket2::SockRef::from(&listener).set_tcp_nodelay(true)?;
        let address = listener.local_addr()?;
        for (worker, mailbox) in (0..).zip(&self.shared.reach.mailboxes) {
            let (socket, fallback) = (listener.try_clone()?, fallback.clone());
            let (shared, encryption) = (Arc::clone(&self.shared), encryption.clone());
            let listen = move || accept::listen(socket, encryption, fallback, worker, &shared);
            mailbox.post(Command::Run(Errand::new(listen)));
        }
        Ok(address)
    }

    /// Refuses handshakes, closes all connections group by group so that clients reconnect, and ends the workers.
    pub async fn shutdown(self) {
        self.io.set_readiness(Readiness::NotReady);
        let connections = self.io.connections();
        let share = connections.div_ceil(CLOSING_SLICES * self.shared.reach.mailboxes.len()).max(64);
        let mut interval = tokio::time::interval(CLOSING_INTERVAL);
        for _ in 0..CLOSING_SLICES {
            for mailbox in &self.shared.reach.mailboxes {
                mailbox.post(Command::CloseTransports { sessions_max: share });
            }
            interval.tick().await;
            if self.io.connections() == 0 {
                break;
            }
        }
        for mailbox in &self.shared.reach.mailboxes {
            mailbox.post(Command::Stop);
        }
        let threads = self.threads;
        if threads.is_empty() {
            // Workers that are tasks end with the turn in which they are told.
            return;
        }
        let join = tokio::task::spawn_blocking(move || {
            threads.into_iter().map(JoinHandle::join).filter(Result::is_err).count()
        });
        if join.await.is_ok_and(|panicked| panicked > 0) {
            tracing::error!("a worker panicked");
        }
    }
}

/// Binds a listener with a backlog that is large enough for a storm of clients.
///
/// # Errors
/// Errors of the operating system, for example that the port is in use.
pub fn bind(address: std::net::SocketAddr) -> io::Result<TcpListener> {
    use socket2::{Domain, Protocol, Socket, Type};
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart can use the port although connections of the old process linger.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
