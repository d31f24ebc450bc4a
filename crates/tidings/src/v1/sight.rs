//! [`Sight`]: what one person may see at one moment. [`Answer`]: an answer, which can only be made from a sight.
//!
//! The snapshot that an answer is built from also guards it: each request takes one sight, the answer is looked up in
//! it, and [`Sight::seal`] consumes it and says who may see the result. Code that answers cannot reach the directory
//! otherwise.

use std::ops::Deref;

use chat::{DirectoryHandle, Room, RoomId, RoomKind, Snapshot, UserId, Visibility};
use socketio_server::{AckHandle, FeedAck};

use super::ack::RequestError;
use super::frames::members_of;

/// The person who asks, and the directory at that moment.
#[derive(Debug)]
pub struct Sight {
    user: UserId,
    snapshot: Snapshot,
}

/// An answer, and the rooms that its recipient must still be in.
#[derive(Debug)]
pub struct Answer {
    within: Vec<RoomId>,
    text: String,
}

impl Sight {
    /// What `user` may see now.
    pub fn new(user: UserId, directory: &DirectoryHandle) -> Self {
        Self { user, snapshot: directory.now() }
    }

    /// The person who asks.
    pub fn user(&self) -> UserId {
        self.user
    }

    /// What they may see of a room. If they may not know of it, the answer is the same as for a room that was never
    /// created.
    pub fn visibility(&self, room: RoomId) -> Result<Visibility, RequestError> {
        self.snapshot.visibility(self.user, room).ok_or(RequestError::NotFound)
    }

    /// A room that they may know of.
    pub fn visible_room(&self, room: RoomId) -> Result<&Room, RequestError> {
        self.visibility(room)?;
        self.snapshot.room(room).ok_or(RequestError::NotFound)
    }

    /// Completes an answer that was computed from this snapshot. It describes these rooms; `text` is the arguments of
    /// the ack.
    pub fn seal(self, rooms: impl IntoIterator<Item = RoomId>, text: String) -> Answer {
        let is_guarded = |room: &RoomId| self.is_closed(*room) && self.is_member(self.user, *room);
        Answer { within: rooms.into_iter().filter(is_guarded).collect(), text }
    }

    /// Whether only members may know what is in a room.
    fn is_closed(&self, room: RoomId) -> bool {
        self.room(room).is_some_and(|room| match room.kind() {
            RoomKind::Private | RoomKind::Direct => true,
            RoomKind::Public => false,
        })
    }
}

impl Deref for Sight {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        &self.snapshot
    }
}

impl Answer {
    /// Its length.
    pub(super) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// As an ack: who was taken out of one of the rooms meanwhile is told to ask again.
    pub fn ack(self, ack: AckHandle) -> FeedAck {
        let rooms = self.within.into_iter().map(members_of).collect();
        ack.answer_within(rooms, &self.text, &RequestError::Busy.answer())
    }
}

#[cfg(test)]
impl Answer {
    /// The rooms and the text.
    pub(super) fn parts(self) -> (Vec<RoomId>, String) {
        (self.within, self.text)
    }
}
