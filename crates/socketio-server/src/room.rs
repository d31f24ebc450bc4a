//! [`Room`] and [`Selection`]: who gets an event.

use std::borrow::Borrow;
use std::fmt;
use std::mem::size_of;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::cost::{ARC_COUNTS, block};

/// The name of a group of sockets. Every socket is alone in the room with its own id.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Room(Arc<str>);

impl Room {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How much memory it takes, if nobody else has it.
    pub(crate) fn memory(&self) -> usize {
        block(ARC_COUNTS + self.0.len())
    }
}

impl<S: Into<Arc<str>>> From<S> for Room {
    fn from(name: S) -> Self {
        Self(name.into())
    }
}

impl Borrow<str> for Room {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The sockets of a namespace in at least one room of `to` (all sockets if that is empty) and in none of `except`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    rooms: Option<Arc<SelectedRooms>>,
}

/// Nearly always it is one room, so the first needs no memory of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct SelectedRooms {
    to: SmallVec<[Room; 1]>,
    except: SmallVec<[Room; 1]>,
}

impl SelectedRooms {
    fn memory(&self) -> usize {
        let spilled = [&self.to, &self.except].into_iter().filter(|rooms| rooms.spilled());
        let lists: usize = spilled.map(|rooms| block(rooms.capacity() * size_of::<Room>())).sum();
        let rooms: usize = self.to.iter().chain(&self.except).map(Room::memory).sum();
        block(ARC_COUNTS + size_of::<Self>()) + lists + rooms
    }
}

impl Selection {
    /// All sockets of the namespace.
    pub fn everyone() -> Self {
        Self::default()
    }

    /// The sockets of one room.
    pub fn room(room: impl Into<Room>) -> Self {
        Self::everyone().to(room)
    }

    /// Adds the sockets of a room.
    pub fn to(mut self, room: impl Into<Room>) -> Self {
        Arc::make_mut(self.rooms.get_or_insert_default()).to.push(room.into());
        self
    }

    /// Excludes the sockets of a room.
    pub fn except(mut self, room: impl Into<Room>) -> Self {
        Arc::make_mut(self.rooms.get_or_insert_default()).except.push(room.into());
        self
    }

    /// Whether this is all sockets of the namespace.
    pub fn is_everyone(&self) -> bool {
        self.rooms.is_none()
    }

    /// The added rooms; empty means all sockets.
    pub(crate) fn included(&self) -> &[Room] {
        self.rooms.as_deref().map_or(&[], |rooms| &rooms.to)
    }

    pub(crate) fn excluded(&self) -> &[Room] {
        self.rooms.as_deref().map_or(&[], |rooms| &rooms.except)
    }

    /// How much memory it takes, if nobody else has it.
    pub(crate) fn memory(&self) -> usize {
        self.rooms.as_deref().map_or(0, SelectedRooms::memory)
    }

    /// Whether a socket is selected; `is_in` says whether it is in a room.
    pub(crate) fn covers(&self, is_in: impl Fn(&Room) -> bool) -> bool {
        let Some(rooms) = &self.rooms else { return true };
        (rooms.to.is_empty() || rooms.to.iter().any(&is_in)) && !rooms.except.iter().any(&is_in)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_is_the_union_of_rooms_without_the_excepted() {
        let selection = Selection::room("a").to("b").except("c");
        assert!(selection.covers(|room| room.as_str() == "b"));
        assert!(!selection.covers(|room| matches!(room.as_str(), "a" | "c")));
        assert!(!selection.covers(|_| false));
        assert!(Selection::everyone().except("c").covers(|_| false));
    }
}
