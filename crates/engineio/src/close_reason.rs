//! Why a session ended.
//!
//! The names are those of the Node implementation, because applications compare them and people search for them. A
//! reason is a result, not an error: closing is a normal end. This crate decides on the first four only; the layers
//! above decide on the others.

use std::fmt;

/// Why a session ended, with the name that the Node implementation gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The client closed the transport, or the connection was lost.
    TransportClose,
    /// The client broke a rule of the transport: overlapping requests, a ping of its own, an oversized message.
    TransportError,
    /// No pong came in time.
    PingTimeout,
    /// A packet could not be decoded.
    ParseError,
    /// The server closed the session at once, mostly for a bad packet of a higher layer.
    ForcedClose,
    /// The server closed a polling session that had no poll waiting.
    ForcedServerClose,
    /// The server is stopping.
    ServerShuttingDown,
}

impl CloseReason {
    /// The name that the Node implementation passes to disconnect handlers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
            Self::PingTimeout => "ping timeout",
            Self::ParseError => "parse error",
            Self::ForcedClose => "forced close",
            Self::ForcedServerClose => "forced server close",
            Self::ServerShuttingDown => "server shutting down",
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
