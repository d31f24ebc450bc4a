//! The Engine.IO protocol, revision 4, as a state machine without I/O.
//!
//! Bytes, events and the current [`Instant`](std::time::Instant) go in; packets and decisions come out. The crate has
//! no socket, no queue, no clock and no source of randomness, so the same code runs in a server, a fuzzer and a
//! simulation.
//!
//! The parts, in the order in which a request meets them:
//!
//! - [`Query`] and [`route`]: what an HTTP request wants, or which [`ErrorCode`] it gets.
//! - [`OpenPacket`]: the open packet that answers a new session.
//! - [`TextPacket`], [`decode_payload`] and [`PayloadWriter`]: the codec of both transports.
//! - [`Session`]: transport, heartbeat, open requests and upgrade of one session.
//!
//! Deliberately unsupported: revision 3, JSONP and WebTransport. A WebSocket carries binary messages as they are, so
//! nothing here encodes those.
#![deny(missing_docs)]

mod close_reason;
mod config;
mod error_code;
mod open_packet;
mod packet;
mod payload;
mod query;
mod redacted;
mod route;
mod session;
mod timer;
mod transport;

pub use close_reason::CloseReason;
pub use config::Config;
pub use error_code::ErrorCode;
pub use open_packet::OpenPacket;
pub use packet::{DecodeError, PROBE_ANSWER, PacketKind, TextPacket};
pub use payload::{PayloadPacket, PayloadWriter, SEPARATOR, decode_payload};
pub use query::Query;
pub use route::{Method, Route, UpgradeHeader, route};
pub use session::{Probe, Received, Refusal, Session, Tick};
pub use transport::TransportKind;
