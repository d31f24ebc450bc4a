//! [`Turn`]: an event as a sync handler sees it, on the worker that read it.

use std::sync::Arc;
use std::time::Duration;

use socketio::{AckId, Lineage, NamespaceName, Payload, SocketId};

use crate::feed::AckHandle;
use crate::frame::Frame;
use crate::handle::io::Io;
use crate::handle::reach::Reach;
use crate::sid::{ConnectionId, SessionKey};
use crate::socket_data::SocketData;

/// What becomes of the connection after a sync handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It is read on.
    Continue,
    /// It is not read until [`Io::resume`](crate::Io::resume). What has been read already is still handled: at most
    /// 64 kB, or one POST.
    Pause,
    /// It is not read for a while.
    PauseFor(Duration),
}

/// One event, not copied.
#[derive(Debug)]
pub struct Turn<'a> {
    pub(crate) reach: &'a Arc<Reach>,
    pub(crate) worker: u16,
    pub(crate) key: SessionKey,
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

    /// The connection that brought the event.
    pub fn connection(&self) -> ConnectionId {
        ConnectionId { worker: self.worker, key: self.key }
    }

    /// The server.
    pub fn io(&self) -> Io {
        Io { reach: Arc::clone(self.reach) }
    }

    /// Public id of the socket.
    pub fn socket(&self) -> SocketId {
        self.socket
    }

    /// Scope of the client's own message keys.
    pub fn lineage(&self) -> Lineage {
        self.lineage
    }

    /// What the application keeps with the socket; none if nobody has stored anything yet.
    pub fn data(&self) -> Option<&SocketData> {
        self.data
    }

    /// The answer to give later, if the client expects one. An answer is given once: a second call has none.
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

    /// Answers now, if the client expects it; `args` is comma separated JSON.
    pub fn reply(&mut self, args: &str) {
        if let Some(id) = self.ack.take() {
            self.replies.push(Frame::text(&socketio::encode_ack_raw(self.namespace, id, args)));
        }
    }
}
