//! [`ReadPointer`]: how far somebody has read a room. It is durable, and no entry: it only moves forward.

use crate::ids::{RoomId, Seq, UserId};

/// How far somebody has read a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadPointer {
    /// Who.
    pub user: UserId,
    /// What.
    pub room: RoomId,
    /// The last message.
    pub seq: Seq,
}
