//! [`Namespace`]: the handlers, middleware and feed of a namespace. It is built once, before the server starts.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::feed::{Feed, FeedRoom};
use crate::handle::connect::{ConnectRequest, FeedJoin, Joining, Rejection};
use crate::handle::handler::{Call, Handler};
use crate::handle::socket::Job;
use crate::handle::turn::{Flow, Turn};
use crate::peer::Peer;
use crate::socket_data::SocketData;

type Decision = Pin<Box<dyn Future<Output = Result<(), Rejection>> + Send>>;
type Middleware = dyn Fn(ConnectRequest) -> Decision + Send + Sync;
pub(crate) type AsyncHandler = dyn Fn(Call) -> Option<Job> + Send + Sync;
pub(crate) type SyncHandler = dyn Fn(&mut Turn<'_>) -> Flow + Send + Sync;
type JoinFeed = dyn Fn(&Joining<'_>) -> FeedJoin + Send + Sync;
type ReplayPace = dyn Fn(&Replay<'_>) -> Option<Duration> + Send + Sync;
pub(crate) type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;
type Door = dyn Fn() -> Option<Waiting> + Send + Sync;
type Membership = dyn Fn(&SocketData) -> Vec<FeedRoom> + Send + Sync;

/// The names that a definition is for.
pub(crate) enum NamespacePattern {
    Exact(String),
    Matching(Box<dyn Fn(&str) -> bool + Send + Sync>),
}

/// How an event is handled.
#[derive(Clone)]
pub(crate) enum EventHandler {
    /// On the application's runtime, in order for each socket.
    Async(Arc<AsyncHandler>),
    /// At once, on the worker.
    Sync(Arc<SyncHandler>),
}

/// The feed of a namespace, and where its sockets start.
pub(crate) struct FeedBinding {
    pub(crate) feed: Feed,
    pub(crate) join: Box<JoinFeed>,
}

/// Middleware and handlers of one namespace, or of all namespaces whose name matches.
///
/// ```
/// use socketio_server::{Ack, Args, Namespace, Socket};
///
/// let chat = Namespace::new("/chat")
///     .on_connect(|socket: Socket| async move {
///         let _ = socket.broadcast().emit("joined", &socket.id().to_string());
///     })
///     .on("add", |Args((a, b)): Args<(i64, i64)>, ack: Ack| async move {
///         let _ = ack.send(&(a + b));
///     });
/// ```
pub struct Namespace {
    pub(crate) pattern: NamespacePattern,
    pub(crate) door: Option<Box<Door>>,
    pub(crate) middleware: Vec<Arc<Middleware>>,
    pub(crate) connect: Option<Arc<AsyncHandler>>,
    pub(crate) events: HashMap<String, EventHandler>,
    pub(crate) any: Option<Arc<AsyncHandler>>,
    pub(crate) disconnect: Option<Arc<AsyncHandler>>,
    pub(crate) feed: Option<FeedBinding>,
    pub(crate) rooms: Option<Box<Membership>>,
    pub(crate) ahead: Option<Box<dyn Fn() + Send + Sync>>,
    pub(crate) replay: Option<Box<ReplayPace>>,
}

/// Entries of the past that a socket is sent, because it was away or is slow.
#[derive(Debug)]
pub struct Replay<'a> {
    /// The other end of the connection.
    pub peer: Peer,
    /// The data of the socket.
    pub data: Option<&'a SocketData>,
    /// The bytes that have just been sent to it. 0: it is about to get some.
    pub bytes: usize,
    /// The time.
    pub now: Instant,
}

impl Namespace {
    /// The namespace of this name, such as `/` or `/chat`.
    pub fn new(name: impl Into<String>) -> Self {
        Self::with_pattern(NamespacePattern::Exact(name.into()))
    }

    /// All namespaces whose name matches and that have no definition of their own. Each exists from its first socket to
    /// its last.
    pub fn matching(matches: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self::with_pattern(NamespacePattern::Matching(Box::new(matches)))
    }

    fn with_pattern(pattern: NamespacePattern) -> Self {
        Self {
            pattern,
            door: None,
            middleware: Vec::new(),
            connect: None,
            events: HashMap::new(),
            any: None,
            disconnect: None,
            feed: None,
            rooms: None,
            ahead: None,
            replay: None,
        }
    }

    /// Adds middleware, which runs in order for every socket that wants to join, recovered or not. The client gets the
    /// first [`Rejection`].
    pub fn middleware<F, Fut>(mut self, middleware: F) -> Self
    where
        F: Fn(ConnectRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Rejection>> + Send + 'static,
    {
        self.middleware.push(Arc::new(move |request| Box::pin(middleware(request))));
        self
    }

    /// Lets clients wait that want to join, before any middleware runs: `door` returns `None` if it is open, and otherwise what
    /// ends when it has opened. A client that waits has a connection and no answer to its CONNECT, so the official ones keep
    /// what they have to say and send nothing. `door` runs on a worker and must not block.
    ///
    /// A closed door does not send away who is in: see [`Target::close_transports`](crate::Target::close_transports).
    pub fn door<W>(mut self, door: impl Fn() -> Option<W> + Send + Sync + 'static) -> Self
    where
        W: Future<Output = ()> + Send + 'static,
    {
        self.door = Some(Box::new(move || door().map(|waiting| Box::pin(waiting) as Waiting)));
        self
    }

    /// Handles sockets that have joined, before their first event. It runs for recovered sockets as well, and
    /// [`Socket::is_recovered`](crate::Socket::is_recovered) tells them apart.
    pub fn on_connect<M, H: Handler<M>>(mut self, handler: H) -> Self {
        self.connect = Some(boxed(handler));
        self
    }

    /// Handles an event. The calls for one socket follow each other: each begins when the one before has ended.
    ///
    /// If the arguments of an event do not fit the handler's parameters, the handler does not run. The client gets no
    /// ack. The log names the event once, as a warning, and [`Io::misfits`](crate::Io::misfits) counts each case. A
    /// handler that takes `Result<Args<T>, ArgsError>` always runs: see [`Args`](crate::Args).
    ///
    /// An event without a handler for its name or for [any event](Self::on_any) is dropped, without an ack or a log
    /// line.
    pub fn on<M, H: Handler<M>>(mut self, event: impl Into<String>, handler: H) -> Self {
        self.events.insert(event.into(), EventHandler::Async(boxed(handler)));
        self
    }

    /// Handles an event at once, on the worker that read it. Must not block: all sockets of this worker would wait.
    ///
    /// Intended for handing a command to a queue of the application. A sync handler does not wait for async ones.
    pub fn on_sync<F>(mut self, event: impl Into<String>, handler: F) -> Self
    where
        F: Fn(&mut Turn<'_>) -> Flow + Send + Sync + 'static,
    {
        self.events.insert(event.into(), EventHandler::Sync(Arc::new(handler)));
        self
    }

    /// Handles every event, before the handler for its name.
    pub fn on_any<M, H: Handler<M>>(mut self, handler: H) -> Self {
        self.any = Some(boxed(handler));
        self
    }

    /// Handles sockets that have left, after their last event; the extractor
    /// [`DisconnectReason`](crate::DisconnectReason) says why.
    pub fn on_disconnect<M, H: Handler<M>>(mut self, handler: H) -> Self {
        self.disconnect = Some(boxed(handler));
        self
    }

    /// Turns connection state recovery on: sockets that come back get the events that they missed.
    ///
    /// With [`FeedConfig::in_memory`](crate::FeedConfig::in_memory) they may come back within two minutes, as on Node; a
    /// feed over a [`History`](crate::History) survives a restart. If the feed resumes by
    /// [`Resume::Recovery`](crate::Resume::Recovery), every event to the clients ends with one more argument, the offset.
    /// The official clients resume from it, and their handlers see it as an extra last argument.
    ///
    /// ```
    /// use socketio_server::{Feed, FeedConfig, Namespace};
    ///
    /// let chat = Namespace::new("/").recovery(Feed::new(FeedConfig::in_memory()));
    /// ```
    pub fn recovery(self, feed: Feed) -> Self {
        self.feed(feed, |_| FeedJoin::default())
    }

    /// Gives the namespace a feed: all its sockets get the entries, with recovery. `join` decides where a socket starts
    /// that is not recovered. It runs on a worker and must not block.
    pub fn feed(
        mut self,
        feed: Feed,
        join: impl Fn(&Joining<'_>) -> FeedJoin + Send + Sync + 'static,
    ) -> Self {
        self.feed = Some(FeedBinding { feed, join: Box::new(join) });
        self
    }

    /// Returns the rooms of the feed that a socket is in, from its data. It is called when a socket joins, after the
    /// `join` of [`feed`](Self::feed), and for every socket of a worker that the ring has lapped. In between, the
    /// [changes](crate::FeedEntry::changes) of the entries update the rooms. It runs on a worker and must not block.
    ///
    /// The answer must be at least as new as the head of the feed.
    pub fn rooms(mut self, rooms: impl Fn(&SocketData) -> Vec<FeedRoom> + Send + Sync + 'static) -> Self {
        self.rooms = Some(Box::new(rooms));
        self
    }

    /// Decides how fast the past is sent: replays, missed events, and what a slow socket catches up with. `pace` is told of
    /// every page before and after it is sent, and returns for how long the socket has to wait for the next one. A socket
    /// that has to wait replays instead of being recovered. `pace` runs on a worker and must not block.
    pub fn pace_replay(
        mut self,
        pace: impl Fn(&Replay<'_>) -> Option<Duration> + Send + Sync + 'static,
    ) -> Self {
        self.replay = Some(Box::new(pace));
        self
    }

    /// Called when a client begins to wait for what another node has shown it (see
    /// [`FeedConfig::ahead_wait`](crate::FeedConfig::ahead_wait)): the application should look into the log now. It runs on a
    /// worker and must not block.
    pub fn on_ahead(mut self, look: impl Fn() + Send + Sync + 'static) -> Self {
        self.ahead = Some(Box::new(look));
        self
    }

    /// What a client has to wait for before it is decided on.
    pub(crate) fn waiting(&self) -> Option<Waiting> {
        self.door.as_ref().and_then(|door| door())
    }

    /// Runs the middleware in order.
    pub(crate) async fn decide(&self, request: &ConnectRequest) -> Result<(), Rejection> {
        for middleware in &self.middleware {
            middleware(request.clone()).await?;
        }
        Ok(())
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.pattern {
            NamespacePattern::Exact(name) => name.as_str(),
            NamespacePattern::Matching(_) => "(matching)",
        };
        f.debug_struct("Namespace")
            .field("name", &name)
            .field("events", &self.events.len())
            .finish_non_exhaustive()
    }
}

fn boxed<M, H: Handler<M>>(handler: H) -> Arc<AsyncHandler> {
    Arc::new(move |call| handler.run(call))
}
