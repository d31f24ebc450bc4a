//! [`Handles`]: makes the handles by which the application holds the sockets of a worker, when the first one is needed.

use std::sync::Arc;

use socketio::Slot;

use super::local_namespace::SocketDataSlot;
use super::namespaces::Namespaces;
use super::sessions::Sessions;
use super::shared::Shared;
use crate::handle::connect::Auth;
use crate::handle::socket::{Socket, SocketInner};
use crate::sid::SessionKey;

pub(super) struct Handles<'a> {
    pub(super) shared: &'a Shared,
    pub(super) worker: u16,
    pub(super) sessions: &'a mut Sessions,
    pub(super) namespaces: &'a Namespaces,
}

impl Handles<'_> {
    /// The socket as handlers see it; made when the first handler needs it.
    pub(super) fn of(&mut self, key: SessionKey, slot: Slot) -> Option<Socket> {
        self.with_auth(key, slot, None)
    }

    /// The same for a socket that is just joining: its `auth` is kept for that handler.
    pub(super) fn with_auth(&mut self, key: SessionKey, slot: Slot, auth: Option<Auth>) -> Option<Socket> {
        let io = self.shared.io();
        let worker = self.worker;
        let session = self.sessions.at_mut(key.slot)?;
        let handshake = session.handshake.clone();
        let joined = session.connection_mut()?.socket_mut(slot)?;
        if let SocketDataSlot::Handle(socket) = &joined.data {
            return Some(socket.clone());
        }
        let data = joined.data().cloned().unwrap_or_default();
        let socket = Socket {
            inner: Arc::new(SocketInner {
                io,
                worker,
                key,
                namespace: self.namespaces.get(joined.namespace as usize)?.name.clone(),
                id: joined.id,
                lineage: joined.lineage,
                recovered: joined.recovered,
                auth,
                handshake,
                data,
                connected: true.into(),
                inbox: std::sync::Mutex::default(),
            }),
        };
        joined.data = SocketDataSlot::Handle(socket.clone());
        Some(socket)
    }

    /// The handle of a socket that leaves, if one exists or there is a handler for leaving.
    pub(super) fn leaving(&mut self, key: SessionKey, slot: Slot) -> Option<Socket> {
        let joined = self.sessions.get(key)?.connection()?.socket(slot)?;
        let local = self.namespaces.get(joined.namespace as usize)?;
        match (&joined.data, &local.definition.disconnect) {
            (SocketDataSlot::Handle(socket), _) => Some(socket.clone()),
            (SocketDataSlot::Data(_) | SocketDataSlot::Nothing, Some(_)) => self.of(key, slot),
            (SocketDataSlot::Data(_) | SocketDataSlot::Nothing, None) => None,
        }
    }
}
