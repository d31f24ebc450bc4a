//! [`Space`]: a namespace on one worker: its sockets here, their rooms, and how far its feed has been delivered.

use std::collections::HashMap;
use std::sync::Arc;

use socketio::{Lineage, NamespaceName, SocketId};

use crate::ack::PendingAck;
use crate::namespace::Namespace;
use crate::room::{Room, Selection};
use crate::socket::{Socket, SocketData};

/// A socket that has joined a namespace; kept by its connection.
pub(crate) struct Joined {
    pub(crate) id: SocketId,
    pub(crate) lineage: Lineage,
    pub(crate) recovered: bool,
    /// Index of its [`Space`].
    pub(crate) space: u32,
    /// Its place in [`Space::members`].
    pub(crate) member: u32,
    /// Its rooms, each with the feed's position at which it was joined.
    pub(crate) rooms: Vec<(Room, u64)>,
    pub(crate) cursor: Cursor,
    pub(crate) data: SocketDataSlot,
    /// Events of ours whose answer is awaited.
    pub(crate) acks: HashMap<u64, PendingAck>,
}

/// The handle that handlers get; made when the first one needs it.
pub(crate) enum SocketDataSlot {
    Nothing,
    Data(SocketData),
    Handle(Socket),
}

/// How far a socket has got in the feed of its namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// Everything up to [`Space::applied`] has been given to the transport.
    Attached,
    /// Everything up to `after`; the next page may be on its way from the history.
    Behind { after: u64, reading: bool },
}

impl Joined {
    /// What the application keeps with it, if anything.
    pub(crate) fn data(&self) -> Option<&SocketData> {
        match &self.data {
            SocketDataSlot::Nothing => None,
            SocketDataSlot::Data(data) => Some(data),
            SocketDataSlot::Handle(socket) => Some(&socket.inner.data),
        }
    }

    pub(crate) fn is_in(&self, room: &Room) -> bool {
        self.rooms.iter().any(|(joined, _)| joined == room) || SocketId::parse(room.as_str()) == Some(self.id)
    }

    /// Whether it was in the room when the feed stood at a position.
    fn was_in(&self, room: &Room, position: u64) -> bool {
        let joined = self.rooms.iter().find(|(joined, _)| joined == room);
        joined.is_some_and(|(_, since)| *since < position) || SocketId::parse(room.as_str()) == Some(self.id)
    }

    /// Whether an entry of the feed is for it.
    pub(crate) fn sees(&self, audience: &Selection, position: u64) -> bool {
        audience.covers(|room| self.was_in(room, position))
    }
}

pub(crate) struct Space {
    pub(crate) name: NamespaceName,
    pub(crate) definition: Arc<Namespace>,
    /// Slots of the sessions that have joined.
    pub(crate) members: Vec<u32>,
    ids: HashMap<SocketId, u32>,
    rooms: HashMap<Room, Vec<u32>>,
    /// Position up to which the feed has been given to the attached sockets.
    pub(crate) applied: u64,
}

impl Space {
    pub(crate) fn new(name: NamespaceName, definition: Arc<Namespace>) -> Self {
        let applied = definition.feed.as_ref().map_or(0, |binding| binding.feed.head());
        Self { name, definition, members: Vec::new(), ids: HashMap::new(), rooms: HashMap::new(), applied }
    }

    /// True if nothing is lost by forgetting it.
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Adds a socket; returns its place in [`members`](Self::members).
    pub(crate) fn add(&mut self, slot: u32, id: SocketId) -> u32 {
        self.ids.insert(id, slot);
        self.members.push(slot);
        u32::try_from(self.members.len() - 1).expect("sessions are numbered by u32")
    }

    /// Takes a socket out; returns the slot of the session whose place in the list has become `member`.
    pub(crate) fn remove(
        &mut self,
        slot: u32,
        member: u32,
        id: SocketId,
        rooms: &[(Room, u64)],
    ) -> Option<u32> {
        if self.ids.get(&id) == Some(&slot) {
            self.ids.remove(&id);
        }
        for (room, _) in rooms {
            self.leave_room(slot, room);
        }
        let place = member as usize;
        if place < self.members.len() {
            self.members.swap_remove(place);
        }
        self.members.get(place).copied()
    }

    pub(crate) fn join_room(&mut self, slot: u32, room: Room) {
        self.rooms.entry(room).or_default().push(slot);
    }

    pub(crate) fn leave_room(&mut self, slot: u32, room: &Room) {
        if let Some(slots) = self.rooms.get_mut(room) {
            if let Some(place) = slots.iter().position(|member| *member == slot) {
                slots.swap_remove(place);
            }
            if slots.is_empty() {
                self.rooms.remove(room);
            }
        }
    }

    pub(crate) fn slot_of(&self, id: &SocketId) -> Option<u32> {
        self.ids.get(id).copied()
    }

    /// The sockets of a room; the room named after a socket's id holds this socket.
    fn room(&self, room: &Room) -> &[u32] {
        if let Some(slots) = self.rooms.get(room) {
            return slots;
        }
        let own = SocketId::parse(room.as_str()).and_then(|id| self.ids.get(&id));
        own.map_or(&[], std::slice::from_ref)
    }

    /// The selected sockets, each once.
    pub(crate) fn select(&self, selection: &Selection) -> Vec<u32> {
        let mut slots = match selection.included() {
            [] => self.members.clone(),
            [room] => self.room(room).to_vec(),
            rooms => {
                let mut union: Vec<u32> = rooms.iter().flat_map(|room| self.room(room)).copied().collect();
                union.sort_unstable();
                union.dedup();
                union
            }
        };
        let excluded: Vec<u32> =
            selection.excluded().iter().flat_map(|room| self.room(room)).copied().collect();
        if let [only] = excluded.as_slice() {
            slots.retain(|slot| slot != only);
        } else if !excluded.is_empty() {
            let excluded: std::collections::HashSet<u32> = excluded.into_iter().collect();
            slots.retain(|slot| !excluded.contains(slot));
        }
        slots
    }
}
