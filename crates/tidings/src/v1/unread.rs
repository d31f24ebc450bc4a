//! [`UnreadCount`]: counts unread messages in steps, so that many rooms of one person keep nobody waiting.
//!
//! All rooms are counted at one sight, which also guards the answer.

use std::collections::BTreeMap;

use chat::{LogReader, RoomId};
use serde::Serialize;

use super::ack::{RequestError, encode};
use super::sight::{Answer, Sight};

/// More unread messages than these are not counted.
const UNREAD_MAX: u32 = 100;

/// A step ends with the room in which so many messages were looked at.
const STEP_ROWS: usize = 500;

/// The unread messages of some rooms, as far as they are counted.
#[derive(Debug)]
pub(super) struct UnreadCount {
    sight: Sight,
    asked: Vec<RoomId>,
    /// The number of rooms that were counted or passed over.
    counted: usize,
    unread: BTreeMap<u64, UnreadView>,
}

impl UnreadCount {
    /// Nothing is counted yet.
    pub(super) fn new(sight: Sight, rooms: &[RoomId]) -> Self {
        Self { sight, asked: rooms.to_vec(), counted: 0, unread: BTreeMap::new() }
    }

    /// Counts for one step; returns how many messages were looked at.
    pub(super) fn step(&mut self, log: &dyn LogReader) -> Result<usize, RequestError> {
        let mut rows = 0;
        let rest = self.asked.get(self.counted..).unwrap_or_default();
        for room in rest {
            if rows >= STEP_ROWS {
                break;
            }
            self.counted += 1;
            // The house is for everybody, and nobody says anything there.
            if *room == RoomId::HOUSE || !self.sight.is_member(self.sight.user(), *room) {
                continue;
            }
            let pointer = self.sight.read(self.sight.user(), *room);
            let counted = log
                .unread(*room, pointer, self.sight.user(), UNREAD_MAX)
                .map_err(RequestError::unreadable)?;
            let view =
                UnreadView { count: counted.count, capped: counted.is_capped, mark: counted.through.0 };
            self.unread.insert(room.0, view);
            // Messages of a room are numbered without a gap.
            rows += usize::try_from(counted.through.0.saturating_sub(pointer.0)).unwrap_or(usize::MAX);
        }
        Ok(rows)
    }

    /// Whether all rooms are counted.
    pub(super) fn is_done(&self) -> bool {
        self.counted == self.asked.len()
    }

    /// The answer.
    pub(super) fn answer(self) -> Answer {
        let text = encode(&UnreadsView { ok: true, unread: self.unread });
        self.sight.seal(self.asked, text)
    }
}

#[derive(Debug, Serialize)]
struct UnreadView {
    count: u32,
    capped: bool,
    mark: u64,
}

#[derive(Debug, Serialize)]
struct UnreadsView {
    ok: bool,
    unread: BTreeMap<u64, UnreadView>,
}
