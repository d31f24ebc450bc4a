//! [`Turn`]: an event in a sync handler, on the worker that read it.

use std::sync::Arc;
use std::time::Duration;

use socketio::{AckId, Lineage, NamespaceName, Payload, SocketId};

use crate::feed::AckHandle;
use crate::frame::Frame;
use crate::handle::io::Io;
use crate::handle::reach::Reach;
use crate::peer::Peer;
use crate::sid::{ConnectionId, SessionKey};
use crate::socket_data::SocketData;

/// Whether the connection is read further after a sync handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Continue reading.
    Continue,
    /// Handle nothing more of this connection until [`Io::resume`](crate::Io::resume). What has been read waits too.
    Pause,
    /// Handle nothing more for this long.
    PauseFor(Duration),
}

/// One event, borrowed from the worker's buffer.
#[derive(Debug)]
pub struct Turn<'a> {
    pub(crate) reach: &'a Arc<Reach>,
    pub(crate) worker: u16,
    pub(crate) key: SessionKey,
    pub(crate) peer: Peer,
    pub(crate) namespace: &'a NamespaceName,
    pub(crate) socket: SocketId,
    pub(crate) lineage: Lineage,
    pub(crate) data: Option<&'a SocketData>,
    pub(crate) payload: &'a Payload<'a>,
    pub(crate) ack: Option<AckId>,
    pub(crate) replies: Vec<Frame>,
}

impl Turn<'_> {
    /// The event and its arguments.
    pub fn payload(&self) -> &Payload<'_> {
        self.payload
    }

    /// The connection that sent the event.
    pub fn connection(&self) -> ConnectionId {
        ConnectionId { worker: self.worker, key: self.key }
    }

    /// The other end of the connection, as far as limits are concerned.
    pub fn peer(&self) -> Peer {
        self.peer
    }

    /// The server.
    pub fn io(&self) -> Io {
        Io { reach: Arc::clone(self.reach) }
    }

    /// Public id of the socket.
    pub fn socket(&self) -> SocketId {
        self.socket
    }

    /// The scope of the client's message keys.
    pub fn lineage(&self) -> Lineage {
        self.lineage
    }

    /// The data that the application keeps with the socket; `None` if nothing was stored yet.
    pub fn data(&self) -> Option<&SocketData> {
        self.data
    }

    /// A handle to answer later, if the client expects an answer. It is given once: a second call returns `None`.
    pub fn take_ack(&mut self) -> Option<AckHandle> {
        let id = self.ack.take()?;
        Some(AckHandle {
            worker: self.worker,
            key: self.key,
            namespace: self.namespace.clone(),
            socket: self.socket,
            id,
        })
    }

    /// Answers now, if the client expects it; `args` is comma-separated JSON.
    pub fn reply(&mut self, args: &str) {
        if let Some(id) = self.ack.take() {
            self.replies.push(Frame::text(&socketio::encode_ack_raw(self.namespace, id, args)));
        }
    }
}
