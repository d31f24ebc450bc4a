//! [`Missed`]: what a client that comes back with a private id has missed, as far as it has been gathered.
//!
//! Judges by the rooms that the socket had when it left. Bounded in number and bytes of what is visible, and in the number
//! of entries that are looked at: a client that has missed more replays instead.

use socketio::SocketId;

use crate::feed::{FeedEntry, FeedPosition, Parked};
use crate::frame::Frame;
use crate::room::Room;

/// Entries that are looked at for each that may be missed, before a client replays instead: what is not for it must not
/// make the server read for ever.
const ENTRIES_PER_FRAME_MAX: usize = 32;

/// How much a socket may have missed and be recovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MissedMax {
    /// Entries that are visible to it.
    pub(super) entries: usize,
    /// Their bytes.
    pub(super) bytes: usize,
}

/// What a recovered socket has missed so far.
#[derive(Debug)]
pub(super) struct Missed {
    /// The position up to which it has been gathered.
    pub(super) after: FeedPosition,
    pub(super) frames: Vec<Frame>,
    bytes: usize,
    /// Entries that were looked at, visible or not.
    entries: usize,
    pub(super) parked: Parked,
}

impl Missed {
    /// Nothing yet, after a position.
    pub(super) fn after(after: FeedPosition, parked: Parked) -> Self {
        Self { after, frames: Vec::new(), bytes: 0, entries: 0, parked }
    }

    /// Adds what comes next.
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
