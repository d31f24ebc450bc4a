//! [`LocalNamespace`]: what one worker has of a namespace: its sockets here, their rooms, and how far the worker has
//! delivered its feed.

use std::collections::HashMap;
use std::sync::Arc;

use socketio::{AckId, Lineage, NamespaceName, SocketId};

use super::rooms::Rooms;
use crate::feed::{Feed, FeedEntry, FeedPosition};
use crate::handle::ack::{AckError, PendingAck};
use crate::handle::eviction::ArrivalNumber;
use crate::handle::namespace::Namespace;
use crate::handle::socket::Socket;
use crate::room::{Room, Selection};
use crate::socket_data::SocketData;

/// A socket that has joined a namespace; kept by its connection.
pub(crate) struct Joined {
    pub(crate) id: SocketId,
    pub(crate) lineage: Lineage,
    pub(crate) recovered: bool,
    /// Index of its [`LocalNamespace`].
    pub(crate) namespace: u32,
    /// When it came back, if it was recovered.
    pub(crate) arrival: Option<ArrivalNumber>,
    /// Its place in [`LocalNamespace::members`].
    pub(crate) member: u32,
    /// Its rooms, each with the feed's position at which it was joined.
    pub(crate) rooms: Rooms,
    pub(crate) cursor: Cursor,
    pub(crate) data: SocketDataSlot,
    /// Events of ours whose answer is awaited.
    pub(crate) acks: HashMap<AckId, PendingAck>,
}

/// The handle that handlers get; made when the first one needs it.
pub(crate) enum SocketDataSlot {
    Nothing,
    Data(SocketData),
    Handle(Socket),
}

impl SocketDataSlot {
    /// The data, if anybody has asked for them or stored some.
    fn find(&self) -> Option<&SocketData> {
        match self {
            Self::Nothing => None,
            Self::Data(data) => Some(data),
            Self::Handle(socket) => Some(&socket.inner.data),
        }
    }

    /// The data for somebody who may store something: kept, so that it is found again.
    pub(crate) fn keep(&mut self) -> SocketData {
        let data = self.find().cloned().unwrap_or_default();
        if let Self::Nothing = self {
            *self = Self::Data(data.clone());
        }
        data
    }
}

/// Whether an answer is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Awaiting {
    Noted,
    Refused,
}

/// How far a socket has got in the feed of its namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// Everything up to [`LocalNamespace::applied`] has been given to the transport.
    Attached,
    /// Everything up to `after`.
    Behind { after: FeedPosition },
    /// Everything up to `after`; the next page is on its way from the history.
    Reading { after: FeedPosition },
}

impl Cursor {
    /// What the socket has seen, if its namespace has been delivered up to `applied`.
    pub(crate) fn seen(self, applied: FeedPosition) -> FeedPosition {
        match self {
            Self::Attached => applied,
            Self::Behind { after } | Self::Reading { after } => after,
        }
    }
}

impl Joined {
    /// What the application keeps with it, if anything.
    pub(crate) fn data(&self) -> Option<&SocketData> {
        self.data.find()
    }

    /// Notes that an answer is expected. One too many is refused at once, and its event must not be sent.
    pub(crate) fn await_ack(&mut self, id: AckId, pending: PendingAck, acks_max: usize) -> Awaiting {
        if self.acks.len() >= acks_max {
            self.acks.retain(|_, pending| !pending.is_abandoned());
        }
        if self.acks.len() >= acks_max {
            pending.fail(AckError::TooMany);
            return Awaiting::Refused;
        }
        self.acks.insert(id, pending);
        Awaiting::Noted
    }

    pub(crate) fn is_in(&self, room: &Room) -> bool {
        self.rooms.after(room).is_some() || SocketId::parse(room.as_str()) == Some(self.id)
    }

    /// Whether it was in the room when the feed stood at a position.
    fn was_in(&self, room: &Room, position: FeedPosition) -> bool {
        self.rooms.after(room).is_some_and(|after| after < position)
            || SocketId::parse(room.as_str()) == Some(self.id)
    }

    /// Whether an entry of the feed is for it.
    pub(crate) fn sees(&self, entry: &FeedEntry, position: FeedPosition) -> bool {
        !entry.is_silent() && entry.audience.covers(|room| self.was_in(room, position))
    }
}

/// A socket in a room: the slot of its session, and the position after which it sees the room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RoomMember {
    pub(crate) slot: u32,
    pub(crate) after: FeedPosition,
}

/// What one worker has of a namespace.
pub(crate) struct LocalNamespace {
    pub(crate) name: NamespaceName,
    pub(crate) definition: Arc<Namespace>,
    /// Slots of the sessions that have joined.
    pub(crate) members: Vec<u32>,
    ids: HashMap<SocketId, u32>,
    rooms: HashMap<Room, Vec<RoomMember>>,
    /// Position up to which the feed has been given to the attached sockets.
    pub(crate) applied: FeedPosition,
}

impl LocalNamespace {
    pub(crate) fn new(name: NamespaceName, definition: Arc<Namespace>) -> Self {
        let applied = definition.feed.as_ref().map_or(FeedPosition::START, |binding| binding.feed.head());
        Self { name, definition, members: Vec::new(), ids: HashMap::new(), rooms: HashMap::new(), applied }
    }

    pub(crate) fn feed(&self) -> Option<&Feed> {
        self.definition.feed.as_ref().map(|binding| &binding.feed)
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
    pub(crate) fn remove(&mut self, slot: u32, member: u32, id: SocketId, rooms: &Rooms) -> Option<u32> {
        if self.ids.get(&id) == Some(&slot) {
            self.ids.remove(&id);
        }
        for (room, _) in rooms.iter() {
            self.vacate(slot, room);
        }
        let place = member as usize;
        if place < self.members.len() {
            self.members.swap_remove(place);
        }
        self.members.get(place).copied()
    }

    /// Puts a socket into a room that it sees after a position, unless it is in it.
    pub(crate) fn enter(&mut self, slot: u32, joined: &mut Joined, room: &Room, after: FeedPosition) {
        if joined.rooms.enter(room, after) {
            self.rooms.entry(room.clone()).or_default().push(RoomMember { slot, after });
        }
    }

    /// Takes a socket out of a room, if it is in it.
    pub(crate) fn leave(&mut self, slot: u32, joined: &mut Joined, room: &Room) {
        if joined.rooms.leave(room) {
            self.vacate(slot, room);
        }
    }

    /// Puts a socket into these rooms and no others.
    pub(crate) fn move_to(&mut self, slot: u32, joined: &mut Joined, rooms: &Rooms) {
        let left: Vec<Room> = joined
            .rooms
            .iter()
            .filter(|(room, after)| rooms.after(room) != Some(*after))
            .map(|(room, _)| room.clone())
            .collect();
        for room in &left {
            self.leave(slot, joined, room);
        }
        for (room, after) in rooms.iter() {
            self.enter(slot, joined, room, after);
        }
    }

    fn vacate(&mut self, slot: u32, room: &Room) {
        if let Some(members) = self.rooms.get_mut(room) {
            if let Some(place) = members.iter().position(|member| member.slot == slot) {
                members.swap_remove(place);
            }
            if members.is_empty() {
                self.rooms.remove(room);
            }
        }
    }

    #[cfg(any(test, feature = "simulation"))]
    pub(crate) fn ids(&self) -> &HashMap<SocketId, u32> {
        &self.ids
    }

    #[cfg(any(test, feature = "simulation"))]
    pub(crate) fn rooms(&self) -> &HashMap<Room, Vec<RoomMember>> {
        &self.rooms
    }

    pub(crate) fn slot_of(&self, id: &SocketId) -> Option<u32> {
        self.ids.get(id).copied()
    }

    /// The sockets of a room; the room named after a socket's id holds this socket.
    pub(crate) fn members_of(&self, room: &Room) -> impl Iterator<Item = RoomMember> {
        let members = self.rooms.get(room);
        let own = if members.is_none() { SocketId::parse(room.as_str()) } else { None };
        let own = own
            .and_then(|id| self.ids.get(&id))
            .map(|slot| RoomMember { slot: *slot, after: FeedPosition::START });
        members.into_iter().flatten().copied().chain(own)
    }

    /// The selected sockets, each once.
    pub(crate) fn select(&self, selection: &Selection) -> Vec<u32> {
        let mut slots = match selection.included() {
            [] => self.members.clone(),
            [room] => self.members_of(room).map(|member| member.slot).collect(),
            rooms => {
                let mut union: Vec<u32> =
                    rooms.iter().flat_map(|room| self.members_of(room)).map(|member| member.slot).collect();
                union.sort_unstable();
                union.dedup();
                union
            }
        };
        let excluded: Vec<u32> = selection
            .excluded()
            .iter()
            .flat_map(|room| self.members_of(room))
            .map(|member| member.slot)
            .collect();
        if let [only] = excluded.as_slice() {
            slots.retain(|slot| slot != only);
        } else if !excluded.is_empty() {
            let excluded: std::collections::HashSet<u32> = excluded.into_iter().collect();
            slots.retain(|slot| !excluded.contains(slot));
        }
        slots
    }
}
