//! [`Rooms`]: the rooms of one socket, each with the position of the feed after which the socket sees it.
//!
//! Sorted by name, so that somebody in a thousand rooms is found in ten steps. Knows nothing of the sockets of a room:
//! that is the other side of the same fact, kept by [`LocalNamespace`](super::local_namespace::LocalNamespace).

use crate::feed::FeedPosition;
use crate::room::Room;

/// The rooms of a socket.
#[derive(Debug, Default)]
pub(crate) struct Rooms(Vec<(Room, FeedPosition)>);

impl Rooms {
    /// True if it was not in the room before.
    pub(crate) fn enter(&mut self, room: &Room, after: FeedPosition) -> bool {
        match self.place(room) {
            Ok(_) => false,
            Err(place) => {
                self.0.insert(place, (room.clone(), after));
                true
            }
        }
    }

    /// True if it was in the room.
    pub(crate) fn leave(&mut self, room: &Room) -> bool {
        let place = self.place(room);
        place.map(|place| self.0.remove(place)).is_ok()
    }

    /// The position after which the room is visible, if the socket is in it.
    pub(crate) fn after(&self, room: &Room) -> Option<FeedPosition> {
        let place = self.place(room).ok()?;
        self.0.get(place).map(|(_, after)| *after)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Room, FeedPosition)> {
        self.0.iter().map(|(room, after)| (room, *after))
    }

    pub(crate) fn into_vec(self) -> Vec<(Room, FeedPosition)> {
        self.0
    }

    fn place(&self, room: &Room) -> Result<usize, usize> {
        self.0.binary_search_by(|(joined, _)| joined.cmp(room))
    }
}

impl FromIterator<(Room, FeedPosition)> for Rooms {
    /// A room that comes twice counts from its earlier position.
    fn from_iter<I: IntoIterator<Item = (Room, FeedPosition)>>(rooms: I) -> Self {
        let mut rooms: Vec<_> = rooms.into_iter().collect();
        rooms.sort_unstable();
        rooms.dedup_by(|later, earlier| later.0 == earlier.0);
        Self(rooms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(number: u64) -> FeedPosition {
        FeedPosition::new(number)
    }

    #[test]
    fn a_room_is_entered_once_and_left_once() {
        let mut rooms: Rooms =
            [("b".into(), at(7)), ("a".into(), at(3)), ("b".into(), at(5))].into_iter().collect();
        assert_eq!(rooms.after(&"b".into()), Some(at(5)));
        assert!(!rooms.enter(&"b".into(), at(9)));
        assert_eq!(rooms.after(&"b".into()), Some(at(5)));
        assert!(rooms.enter(&"aa".into(), at(9)));
        assert!(rooms.leave(&"b".into()));
        assert!(!rooms.leave(&"b".into()));
        assert_eq!(rooms.iter().map(|(room, _)| room.as_str()).collect::<Vec<_>>(), ["a", "aa"]);
    }
}
