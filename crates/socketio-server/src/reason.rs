//! [`DisconnectReason`]: why a socket left its namespace, in the words of the protocol.

use std::fmt;

use engineio::CloseReason;

/// Why a socket left its namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DisconnectReason {
    /// The server disconnected it. The connection may stay for other namespaces.
    ServerNamespaceDisconnect,
    /// The client called `disconnect()`.
    ClientNamespaceDisconnect,
    /// The connection ended, with all its sockets.
    Connection(CloseReason),
}

impl DisconnectReason {
    /// The name in the JavaScript implementation.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServerNamespaceDisconnect => "server namespace disconnect",
            Self::ClientNamespaceDisconnect => "client namespace disconnect",
            Self::Connection(reason) => reason.as_str(),
        }
    }

    /// Whether the client may return with its private id.
    pub(crate) fn is_recoverable(self) -> bool {
        match self {
            Self::ServerNamespaceDisconnect | Self::ClientNamespaceDisconnect => false,
            Self::Connection(reason) => reason != CloseReason::ParseError,
        }
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
