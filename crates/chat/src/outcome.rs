//! What became of a draft: stored and where, refused and why. Final answers are part of the log and told again for ever.
//!
//! Knows neither who decides nor who is told.

use crate::entry::{Entry, UnixMillis};
use crate::ids::{CommandNumber, Position, Rev, RoomId, Seq};
use crate::name::{NameError, TopicError};
use crate::text::TextError;

/// The place of a stored command in the log, as its sender is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The position of the entry.
    pub position: Position,
    /// The room of the entry. For a command that creates a room, the new room.
    pub room: RoomId,
    /// The number of the message. For other entries, the number of the room's last message.
    pub seq: Seq,
    /// The number among all entries of the room.
    pub rev: Rev,
    /// When the server first received the command.
    pub at: UnixMillis,
}

impl Receipt {
    /// The receipt of a stored entry.
    pub fn of(entry: &Entry) -> Self {
        let Entry { position, room, seq, rev, at, .. } = *entry;
        Self { position, room, seq, rev, at }
    }
}

/// The result of a draft. All but [`Expected`](Self::Expected), [`StorageFull`](Self::StorageFull) and [`Read`](Self::Read)
/// are final: a repeat gets the same result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is now stored.
    Stored(Receipt),
    /// It was stored before, at this place.
    Repeated(Receipt),
    /// Nothing had to change, for example because they are in the room already. Only the number was used up.
    Already {
        /// The room in question. For a direct conversation that exists already, that room.
        room: RoomId,
    },
    /// It is refused permanently.
    Refused(Refusal),
    /// It was cancelled, and its number is used up.
    Skipped,
    /// It came before its turn and was not looked at. The device must continue with this number.
    Expected {
        /// The next number of the device.
        n: CommandNumber,
    },
    /// The log is read-only for now, and this would need a record. Nothing is stored of it and no number used up: the same
    /// draft may be stored later.
    StorageFull,
    /// The read pointer is now here.
    Read {
        /// The room that was read.
        room: RoomId,
        /// The last message that counts as read. It may be further than was asked, because pointers never move back.
        seq: Seq,
    },
}

crate::named! {
    /// Why a draft will never be stored.
    pub enum Refusal {
        /// Its key or its number names another command already.
        Conflict = "conflict",
        /// The text is longer than this server takes.
        TooLarge = "too_large",
        /// There is no text.
        Empty = "empty",
        /// There is no such room, message or person, or the sender may not know of it.
        NotFound = "not_found",
        /// The sender knows of it and may not do that.
        Forbidden = "forbidden",
        /// Somebody or something is called that already, or so similarly that it could be taken for it.
        NameTaken = "name_taken",
        /// That is no name.
        NameInvalid = "name_invalid",
        /// The server keeps that name for itself.
        NameReserved = "name_reserved",
        /// The sender has to have a name first.
        NameRequired = "name_required",
        /// A bound of this server is reached.
        Limit = "limit",
        /// The sender has used up what one person, or one network, may do of this in an hour or a day.
        Quota = "quota",
        /// That is no topic.
        TopicInvalid = "topic_invalid",
        /// The code of a link or an invitation does not hold, or not any more.
        BadCode = "bad_code",
        /// It makes no sense.
        Invalid = "invalid",
        /// What it is about is damaged, so that nobody can tell whose it was.
        Damaged = "damaged",
        /// A later version has refused it, for a reason that this one does not know. This version refuses nothing so.
        Unknown = "unknown",
    }
    /// What a client is told.
    pub const fn code;
}

impl From<TextError> for Refusal {
    fn from(err: TextError) -> Self {
        match err {
            TextError::Empty => Self::Empty,
            TextError::TooLarge => Self::TooLarge,
        }
    }
}

impl From<NameError> for Refusal {
    fn from(err: NameError) -> Self {
        match err {
            NameError::Invalid => Self::NameInvalid,
            NameError::Reserved => Self::NameReserved,
        }
    }
}

impl From<TopicError> for Refusal {
    fn from(err: TopicError) -> Self {
        match err {
            TopicError::TooLarge => Self::TooLarge,
            TopicError::Invalid => Self::TopicInvalid,
        }
    }
}
