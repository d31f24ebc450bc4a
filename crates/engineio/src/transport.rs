//! The two transports of a session, and their names in requests.
//!
//! The protocol has a third one, WebTransport. It never arrives by HTTP, so its name counts as unknown here.

use std::fmt;

use serde::Serialize;

/// How packets are carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TransportKind {
    /// HTTP long-polling: GET carries packets down, POST carries them up.
    Polling,
    /// One WebSocket for both directions.
    WebSocket,
}

impl TransportKind {
    /// The name in the query string.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::WebSocket => "websocket",
        }
    }

    /// The transport with this name, which must match exactly.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "polling" => Some(Self::Polling),
            "websocket" => Some(Self::WebSocket),
            _ => None,
        }
    }

    /// The transports to which a session that opened on this one may upgrade.
    pub const fn upgrades(self) -> &'static [Self] {
        match self {
            Self::Polling => &[Self::WebSocket],
            Self::WebSocket => &[],
        }
    }
}

impl fmt::Display for TransportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
