//! Why a session ended.
//!
//! The words are those of the Node implementation, because applications compare them and people search for
//! them. A reason is a result, not an error: closing is a normal end. The crate itself only ever decides on
//! the first four; the others name decisions of the layers above.

use std::fmt;

/// Why a session ended.
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
    /// The server is going down.
    ServerShuttingDown,
}

impl CloseReason {
    /// The wording that the Node implementation hands to disconnect handlers.
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
