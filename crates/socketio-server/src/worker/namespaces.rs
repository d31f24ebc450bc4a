//! [`Namespaces`]: the namespaces that have sockets on one worker, and what happens to the rooms of these.

use std::collections::HashMap;
use std::sync::Arc;

use slab::Slab;
use socketio::NamespaceName;

use super::local_namespace::{LocalNamespace, SocketDataSlot};
use super::sessions::Sessions;
use crate::feed::{Feed, FeedPosition};
use crate::handle::command::Entering;
use crate::handle::io::Io;
use crate::handle::namespace::Namespace;
use crate::handle::remote::RemoteSocket;
use crate::room::{Room, Selection};

pub(super) struct Namespaces {
    slots: Slab<LocalNamespace>,
    by_name: HashMap<Arc<str>, usize>,
    /// Rooms that one socket may be in.
    rooms_max: usize,
}

impl Namespaces {
    pub(super) fn new(rooms_max: usize) -> Self {
        Self { slots: Slab::new(), by_name: HashMap::new(), rooms_max }
    }

    pub(super) fn index_of(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    pub(super) fn get(&self, index: usize) -> Option<&LocalNamespace> {
        self.slots.get(index)
    }

    /// All of them with their indices.
    #[cfg(any(test, feature = "simulation"))]
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &LocalNamespace)> {
        let is_named =
            |(index, local): &(usize, &LocalNamespace)| self.index_of(local.name.as_str()) == Some(*index);
        assert!(self.slots.iter().all(|namespace| is_named(&namespace)), "a namespace is found by its name");
        assert_eq!(self.slots.len(), self.by_name.len(), "each namespace has one name");
        self.slots.iter()
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut LocalNamespace> {
        self.slots.get_mut(index)
    }

    pub(super) fn feed(&self, index: usize) -> Option<&Feed> {
        self.get(index)?.feed()
    }

    /// The position up to which the feed of a namespace has been delivered here.
    pub(super) fn applied(&self, index: usize) -> FeedPosition {
        self.get(index).map_or(FeedPosition::START, |local| local.applied)
    }

    /// Makes a namespace that is not there yet.
    pub(super) fn add(&mut self, name: &NamespaceName, definition: Arc<Namespace>) -> usize {
        let index = self.slots.insert(LocalNamespace::new(name.clone(), definition));
        self.by_name.insert(Arc::from(name.as_str()), index);
        index
    }

    /// Forgets a namespace without sockets on this worker.
    pub(super) fn drop_if_empty(&mut self, index: usize) {
        if self.get(index).is_some_and(LocalNamespace::is_empty) {
            let local = self.slots.remove(index);
            self.by_name.remove(local.name.as_str());
        }
    }

    /// The index of a namespace and the slots of the sessions whose sockets in it are selected.
    pub(super) fn selected(&self, name: &NamespaceName, selection: &Selection) -> Option<(usize, Vec<u32>)> {
        let index = self.index_of(name.as_str())?;
        Some((index, self.get(index)?.select(selection)))
    }

    /// Lets a socket join rooms, up to so many in all.
    pub(super) fn join_rooms(
        &mut self,
        sessions: &mut Sessions,
        (slot, index): (u32, usize),
        joining: &Entering,
    ) {
        let rooms_max = self.rooms_max;
        let Some(local) = self.get_mut(index) else { return };
        let Some(joined) = sessions.at_mut(slot).and_then(|session| session.joined_mut(index)) else {
            return;
        };
        for room in &joining.rooms {
            if joined.is_in(room) {
                continue;
            }
            if joined.rooms.len() >= rooms_max {
                let connection = sessions.key_of(slot).map(|key| sessions.id_of(key));
                tracing::warn!(
                    connection = connection.map(tracing::field::display),
                    namespace = local.name.as_str(),
                    rooms_max,
                    "a socket is in too many rooms to join another"
                );
                return;
            }
            local.enter(slot, joined, room, joining.since);
        }
    }

    pub(super) fn leave_rooms(
        &mut self,
        sessions: &mut Sessions,
        (slot, index): (u32, usize),
        rooms: &[Room],
    ) {
        let Some(local) = self.get_mut(index) else { return };
        let Some(joined) = sessions.at_mut(slot).and_then(|session| session.joined_mut(index)) else {
            return;
        };
        for room in rooms {
            local.leave(slot, joined, room);
        }
    }

    /// The selected sockets, as other threads may have them.
    pub(super) fn describe(
        &self,
        sessions: &mut Sessions,
        name: &NamespaceName,
        selection: &Selection,
        io: &Io,
    ) -> Vec<RemoteSocket> {
        let Some((index, slots)) = self.selected(name, selection) else { return Vec::new() };
        let describe = |slot: u32| {
            let session = sessions.at_mut(slot)?;
            let handshake = session.handshake.clone();
            let joined = session.joined_mut(index)?;
            let handshake = match &joined.data {
                SocketDataSlot::Handle(socket) => socket.inner.handshake.clone().or(handshake),
                SocketDataSlot::Data(_) | SocketDataSlot::Nothing => handshake,
            };
            let data = joined.data.keep();
            let rooms = joined.rooms.iter().map(|(room, _)| room.clone()).collect();
            let (io, namespace) = (io.clone(), name.clone());
            Some(RemoteSocket { id: joined.id, rooms, data, handshake, io, namespace })
        };
        slots.into_iter().filter_map(describe).collect()
    }
}
