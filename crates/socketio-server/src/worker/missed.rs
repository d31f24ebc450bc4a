//! [`Missed`]: the events that a client with a private id has missed, as far as they were gathered.
//!
//! It uses the rooms that the socket had when it left. It is bounded in the number and bytes of visible entries, and in
//! the number of entries looked at: a client that has missed more replays instead.

use socketio::SocketId;

use crate::feed::{FeedEntry, FeedPosition, Parked};
use crate::frame::Frame;
use crate::room::Room;

/// How many entries are looked at for each one that may be missed, before a client replays instead: entries for others
/// must not make the server read for ever.
const ENTRIES_PER_FRAME_MAX: usize = 32;

/// How much a socket may have missed and still be recovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MissedMax {
    /// The number of entries that are visible to it.
    pub(super) entries: usize,
    /// The bytes of these entries.
    pub(super) bytes: usize,
}

/// What a recovered socket has missed so far.
#[derive(Debug)]
pub(super) struct Missed {
    /// The position up to which it was gathered.
    pub(super) after: FeedPosition,
    pub(super) frames: Vec<Frame>,
    bytes: usize,
    /// The number of entries that were looked at, visible or not.
    entries: usize,
    pub(super) parked: Parked,
}

impl Missed {
    /// Nothing missed yet, after a position.
    pub(super) fn after(after: FeedPosition, parked: Parked) -> Self {
        Self { after, frames: Vec::new(), bytes: 0, entries: 0, parked }
    }

    /// Adds the entries that follow.
    pub(super) fn take(&mut self, page: Vec<(FeedPosition, FeedEntry)>, socket: &SocketId) {
        let own = socket.to_string();
        self.entries += page.len();
        for (position, entry) in page {
            let was_in = |room: &Room| {
                let mut rooms = self.parked.rooms.iter();
                room.as_str() == own || rooms.any(|(joined, since)| joined == room && *since < position)
            };
            if !entry.is_silent() && entry.audience.covers(was_in) {
                self.bytes += entry.frame.len();
                self.frames.push(entry.frame);
            }
            self.after = position;
        }
    }

    pub(super) fn is_within(&self, max: MissedMax) -> bool {
        self.frames.len() <= max.entries
            && self.bytes <= max.bytes
            && self.entries / ENTRIES_PER_FRAME_MAX <= max.entries
    }
}
