//! A Socket.IO 4 server for any Rust program.
//!
//! Engine.IO 4 over long-polling and WebSocket; namespaces, rooms, acknowledgements both ways, binary, middleware,
//! connection state recovery, and [`Feed`]: ordered delivery of a positioned stream of frames. Any official client
//! of Socket.IO 3 or 4 can connect.
//!
//! ```
//! use socketio_server::{Ack, Args, Namespace, Server, Socket};
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let chat = Namespace::new("/").on("chat message", |socket: Socket, Args((text,)): Args<(String,)>, ack: Ack| async move {
//!     if socket.io().root().emit("chat message", &text).is_ok() {
//!         let _ = ack.send(&());
//!     }
//! });
//! let server = Server::builder().namespace(chat).build()?;
//! server.listen(socketio_server::bind("127.0.0.1:0".parse()?)?)?;
//! # if false {
//! // `listen` does not block: the program serves until it is interrupted.
//! tokio::signal::ctrl_c().await?;
//! # }
//! server.shutdown().await;
//! # Ok(()) }
//! ```
//!
//! Connection state recovery is one line more. A client that comes back within two minutes gets what it missed; see
//! [`Namespace::recovery`].
//!
//! ```
//! use socketio_server::{Feed, FeedConfig, Namespace};
//!
//! let chat = Namespace::new("/").recovery(Feed::new(FeedConfig::in_memory()));
//! ```
//!
//! The crate logs with [`tracing`](https://docs.rs/tracing). Lines about a connection have the field `connection`, the
//! [`ConnectionId`], and `namespace` where they are about one. Handlers and middleware run in a span of level info with the same two
//! fields, so that what they log can be told apart. Nothing that clients send is logged but the names of namespaces and events.
//!
//! Deliberately unsupported: Engine.IO 3 (clients of Socket.IO 2), JSONP, WebTransport, permessage-deflate and the
//! msgpack parser.
#![deny(missing_docs)]

mod config;
mod cost;
mod door;
mod encryption;
mod feed;
mod frame;
mod handle;
mod handshake;
mod http;
mod ignored;
mod lines;
mod occupancy;
mod output;
mod pacing;
mod peer;
#[doc(hidden)]
pub mod planted;
mod random;
#[doc(hidden)]
pub mod rare;
mod reason;
mod refusal;
mod room;
mod seam;
mod server;
mod sid;
#[cfg(feature = "simulation")]
#[doc(hidden)]
pub mod simulation;
mod socket_data;
mod span;
mod stats;
mod stream;
mod user_tag;
mod websocket;
#[cfg(feature = "conformance")]
#[doc(hidden)]
pub mod websocket_echo;
mod worker;

pub use self::config::Config;
pub use self::door::service::SocketIoService;
pub use self::encryption::{Accepting, EncryptedStream, Encryption, HeldBytes, Leaving};
pub use self::feed::{
    AckHandle, Anchor, CursorAt, EpochStart, Feed, FeedAck, FeedConfig, FeedEntry, FeedEpoch, FeedPosition,
    FeedRoom, History, HistoryError, HistoryPage, HistoryReply, HistoryRequest, LogNumber, MemberChange,
    PageStart, Passage, Resume,
};
pub use self::frame::Frame;
pub use self::handle::ack::{Ack, AckError, Replies, Reply};
pub use self::handle::command::Closing;
pub use self::handle::connect::{Auth, ConnectRequest, FeedJoin, Joining, Rejection, Start};
pub use self::handle::engine::{EngineHandler, EngineMessage, EngineSession};
pub use self::handle::handler::{Arg, Args, AuthAs, Call, CallError, EventName, FromCall, Handler, State};
pub use self::handle::io::{EmitError, Io, Readiness, Target, WeakIo};
pub use self::handle::namespace::{Namespace, Replay};
pub use self::handle::remote::RemoteSocket;
pub use self::handle::socket::Socket;
pub use self::handle::turn::{Flow, Turn};
pub use self::handshake::{Handshake, HandshakeKept};
pub use self::http::bundle::{BundleError, BundleFile, ClientBundle};
pub use self::http::facts::{OverTls, PeerAddress};
pub use self::http::forwarded::{TrustedProxies, TrustedProxiesError};
pub use self::http::host::{HostPattern, HostPatternError, HostPolicy};
pub use self::http::origin::{Origin, OriginError};
pub use self::http::policy::{OriginPattern, OriginPolicy};
pub use self::occupancy::{StrangerBounds, raise_descriptor_limit};
pub use self::pacing::{Pacing, Rate};
pub use self::peer::{Network, Peer};
pub use self::reason::DisconnectReason;
pub use self::refusal::RefusalKind;
pub use self::room::{Room, Selection};
pub use self::server::{BuildError, Builder, Server, bind};
pub use self::sid::ConnectionId;
pub use self::socket_data::SocketData;
pub use self::stats::{
    Census, DoorCount, FeedStats, OccupancyCount, OccupancyStats, Stats, WorkerCount, WorkerStats,
};
pub use self::user_tag::UserTag;
pub use engineio::{self, CloseReason, TransportKind};
pub use socketio::{
    self, ArgsError, Binary, EncodeError, Keys, Lineage, NamespaceName, Offset, Payload, RawArgs, SocketId,
    Spread,
};
pub use tally::{self, Counts, Distribution};
