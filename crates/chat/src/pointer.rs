//! [`ReadPointer`]: how far somebody has read a room. It is stored, but it is not an entry: only the furthest counts.

use crate::ids::{RoomId, Seq, UserId};

/// How far somebody has read a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadPointer {
    /// The reader.
    pub user: UserId,
    /// The room that they have read.
    pub room: RoomId,
    /// The last message that they have read.
    pub seq: Seq,
}
