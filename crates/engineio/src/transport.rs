//! The two ways in which packets travel, and their names on the wire.
//!
//! WebTransport is a third one in the protocol; it never comes by HTTP, so here it is as unknown as any other
//! word.

use std::fmt;

use serde::Serialize;

/// How packets travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TransportKind {
    /// HTTP long-polling: GET carries packets down, POST carries them up.
    Polling,
    /// One WebSocket for both directions.
    WebSocket,
}

impl TransportKind {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::WebSocket => "websocket",
        }
    }

    /// The transport with this name on the wire; names are compared exactly.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "polling" => Some(Self::Polling),
            "websocket" => Some(Self::WebSocket),
            _ => None,
        }
    }

    /// The transports that a session which opened on this one may move to.
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
