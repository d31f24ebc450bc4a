//! [`FeedEntry`]: what stands at a position of a feed: a frame, those who may see it, and who comes and goes with it.
//!
//! Knows nothing of what a frame says. Membership is named by rooms alone: the sockets of one room, such as all those
//! of a person, enter or leave another one.

use super::{Anchor, FeedPosition};
use crate::frame::Frame;
use crate::room::{Room, Selection};

/// One entry of a feed: a frame and those who may see it.
#[derive(Clone, Debug)]
pub struct FeedEntry {
    /// The sockets of the namespace that the entry is for.
    pub audience: Selection,
    /// The encoded packet; in a namespace with recovery its last argument is the entry's offset (see
    /// [`Feed::offset`](crate::Feed::offset)).
    pub frame: Frame,
    /// Who enters and leaves rooms at this position, in this order.
    pub changes: Vec<MemberChange>,
    /// The application's own number of the entry, see [`with_anchor`](Self::with_anchor).
    pub anchor: Option<Anchor>,
}

impl FeedEntry {
    /// An entry that changes no room.
    pub fn new(audience: Selection, frame: Frame) -> Self {
        Self { audience, frame, changes: Vec::new(), anchor: None }
    }

    /// An entry that nobody sees: the position advances, and nothing is written.
    pub fn silent() -> Self {
        Self::new(Selection::everyone(), Frame::nothing())
    }

    /// Lets sockets enter and leave rooms when the entry is delivered.
    ///
    /// On every worker this happens at the entry's place in the feed, for sockets that are behind as well. Who enters
    /// sees the room from this entry on, it included; who leaves sees this entry as the last of the room if it is
    /// attached, and not one more if it is behind. Entering a room twice and leaving it twice does nothing.
    pub fn with_changes(mut self, changes: impl IntoIterator<Item = MemberChange>) -> Self {
        self.changes.extend(changes);
        self
    }

    /// Names the place by a number of the application's own, by which clients may ask for what comes after it
    /// ([`Start::Anchor`](crate::Start::Anchor)): as long as the entry is in memory, that costs no read of the history.
    ///
    /// Anchors grow with the position. Entries that no client names need none; who names a number between two starts
    /// after the lower one.
    pub fn with_anchor(mut self, anchor: impl Into<Anchor>) -> Self {
        self.anchor = Some(anchor.into());
        self
    }

    /// True if nobody sees it.
    pub fn is_silent(&self) -> bool {
        self.frame.is_empty()
    }
}

/// Sockets enter or leave a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberChange {
    /// Whose sockets: all that are in this room.
    pub sockets: Room,
    /// The room that they enter or leave.
    pub room: Room,
    /// Which of the two.
    pub passage: Passage,
}

/// The direction of a [`MemberChange`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// Into the room.
    Enter,
    /// Out of it.
    Leave,
}

impl MemberChange {
    /// The sockets in `sockets` enter `room`.
    pub fn enter(sockets: impl Into<Room>, room: impl Into<Room>) -> Self {
        Self { sockets: sockets.into(), room: room.into(), passage: Passage::Enter }
    }

    /// The sockets in `sockets` leave `room`.
    pub fn leave(sockets: impl Into<Room>, room: impl Into<Room>) -> Self {
        Self { sockets: sockets.into(), room: room.into(), passage: Passage::Leave }
    }
}

/// A room that the application puts a socket into, and from where on the socket sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedRoom {
    /// The room.
    pub room: Room,
    /// The first position at which an entry for the room is visible to the socket; 0 for all there are.
    pub since: FeedPosition,
}

impl FeedRoom {
    /// A room of which all entries are visible.
    pub fn new(room: impl Into<Room>) -> Self {
        Self::since(room, 0)
    }

    /// A room of which the entries from a position on are visible, the one at the position included.
    pub fn since(room: impl Into<Room>, position: impl Into<FeedPosition>) -> Self {
        Self { room: room.into(), since: position.into() }
    }

    /// The room, and the last position that is not visible, as sockets keep it.
    pub(crate) fn entered(self) -> (Room, FeedPosition) {
        (self.room, self.since.before())
    }
}
