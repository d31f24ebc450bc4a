//! What a worker has now, counted from its sessions when a monitor asks.

use engineio::CloseReason;
use socketio::Connection;

use super::Worker;
use super::local_namespace::Cursor;
use super::session::{Session, Transport};
use crate::stats::{Census, WorkerCount};

impl Worker {
    pub(super) fn census(&self) -> Census {
        let mut census = Census::default();
        for (_, session) in self.sessions.iter() {
            session.count_in(&mut census);
        }
        census
    }
}

impl Session {
    fn count_in(&self, census: &mut Census) {
        let mut sockets = 0;
        for (_, _, joined) in self.connection().into_iter().flat_map(Connection::slots) {
            sockets += 1;
            match joined.cursor {
                Cursor::Attached => {}
                Cursor::Behind { .. } => census.behind += 1,
                Cursor::Reading { .. } => {
                    census.behind += 1;
                    census.reading += 1;
                }
            }
        }
        let connections = match (&self.transport, sockets) {
            (Transport::Polling(_), 0) => &mut census.polling_unjoined,
            (Transport::Polling(_), _) => &mut census.polling_joined,
            (Transport::WebSocket(_), 0) => &mut census.websocket_unjoined,
            (Transport::WebSocket(_), _) => &mut census.websocket_joined,
        };
        *connections += 1;
        census.sockets += sockets;
        census.paused += u64::from(self.is_paused());
        census.outbound_bytes += self.outbound.bytes() as u64;
    }
}

impl WorkerCount {
    /// Sessions that end for a reason.
    pub(super) fn of_end(reason: CloseReason) -> Self {
        match reason {
            CloseReason::TransportClose => Self::ClosedByTransport,
            CloseReason::TransportError => Self::ClosedByError,
            CloseReason::PingTimeout => Self::ClosedByTimeout,
            CloseReason::ServerShuttingDown => Self::ClosedByShutdown,
            CloseReason::ParseError => Self::ClosedByParse,
            CloseReason::ForcedClose | CloseReason::ForcedServerClose => Self::ClosedByServer,
        }
    }
}
