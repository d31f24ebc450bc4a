//! [`Missed`]: what a client that comes back with a private id has missed, as far as it has been gathered.
//!
//! Judges by the rooms that the socket had when it left. Bounded in number and bytes of what is visible, and in the number
//! of entries that are looked at: who has missed more replays instead.

use socketio::SocketId;

use crate::feed::{Feed, FeedEntry, Parked};
use crate::frame::Frame;
use crate::room::Room;

/// Entries that are looked at for each that may be missed, before a client replays instead: what is not for it must not
/// make the server read for ever.
const ENTRIES_PER_FRAME_MAX: usize = 32;

/// What a recovered socket has missed so far.
#[derive(Default)]
pub(super) struct Missed {
    pub(super) after: u64,
    pub(super) frames: Vec<Frame>,
    bytes: usize,
    /// Entries that were looked at, visible or not.
    entries: usize,
    pub(super) parked: Option<Parked>,
}

impl Missed {
    /// Nothing yet, after a position.
    pub(super) fn after(after: u64, parked: Parked) -> Self {
        Self { after, parked: Some(parked), ..Self::default() }
    }

    pub(super) fn take(&mut self, page: Vec<(u64, FeedEntry)>, socket: &SocketId) {
        let own = socket.to_string();
        self.entries += page.len();
        for (position, entry) in page {
            let was_in = |room: &Room| {
                let rooms = self.parked.iter().flat_map(|parked| &parked.rooms);
                room.as_str() == own
                    || rooms.into_iter().any(|(joined, since)| joined == room && *since < position)
            };
            if !entry.is_silent() && entry.audience.covers(was_in) {
                self.bytes += entry.frame.len();
                self.frames.push(entry.frame);
            }
        }
    }

    pub(super) fn is_within(&self, feed: &Feed) -> bool {
        let config = feed.config();
        self.frames.len() <= config.recovery_entries_max
            && self.bytes <= config.recovery_bytes_max
            && self.entries / ENTRIES_PER_FRAME_MAX <= config.recovery_entries_max
    }
}
