//! What became of a draft: stored and where, refused and why. Final answers are part of the log and told again for ever.
//!
//! Knows neither who decides nor who is told.

use crate::entry::{Entry, UnixMillis};
use crate::ids::{CommandNumber, Position, Rev, RoomId, Seq};
use crate::name::{NameError, TopicError};
use crate::text::TextError;

/// Where a command stands in the log: what its sender is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its position.
    pub position: Position,
    /// Its room; of a new room, that.
    pub room: RoomId,
    /// Its number in its room; if it is no message, that of the last one.
    pub seq: Seq,
    /// Its number among all entries of the room.
    pub rev: Rev,
    /// When it came in the first time.
    pub at: UnixMillis,
}

impl Receipt {
    /// Of an entry.
    pub fn of(entry: &Entry) -> Self {
        let Entry { position, room, seq, rev, at, .. } = *entry;
        Self { position, room, seq, rev, at }
    }
}

/// What became of a draft. All but [`Expected`](Self::Expected) and [`Read`](Self::Read) are final: the same send again
/// gets the same answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It stands in the log now.
    Stored(Receipt),
    /// It had been stored before; this is where.
    Repeated(Receipt),
    /// There was nothing to do, such as to join a room that one is in. Nothing was stored but its number.
    Already {
        /// The room that it is about; of a direct conversation that is there, that.
        room: RoomId,
    },
    /// It will not be stored.
    Refused(Refusal),
    /// It was cancelled, and its number is used up.
    Skipped,
    /// It is ahead of its turn and was not looked at. This is the number that its device has to go on from.
    Expected {
        /// The next number.
        n: CommandNumber,
    },
    /// Everything up to there counts as read.
    Read {
        /// Where.
        room: RoomId,
        /// The last message; further than what was asked if it had been further before.
        seq: Seq,
    },
}

/// Why a draft will never be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// Its key or its number names another command already.
    Conflict,
    /// The text is longer than this server takes.
    TooLarge,
    /// There is no text.
    Empty,
    /// There is no such room, message or person, or the sender may not know of it.
    NotFound,
    /// The sender knows of it and may not do that.
    Forbidden,
    /// Somebody or something is called that already, or so similarly that it could be taken for it.
    NameTaken,
    /// That is no name.
    NameInvalid,
    /// The server keeps that name for itself.
    NameReserved,
    /// The sender has to have a name first.
    NameRequired,
    /// A bound of this server is reached.
    Limit,
    /// That is no topic.
    TopicInvalid,
    /// The code of a link or an invitation does not hold, or not any more.
    BadCode,
    /// It makes no sense.
    Invalid,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Conflict,
        Self::TooLarge,
        Self::Empty,
        Self::NotFound,
        Self::Forbidden,
        Self::NameTaken,
        Self::NameInvalid,
        Self::NameReserved,
        Self::NameRequired,
        Self::Limit,
        Self::TopicInvalid,
        Self::BadCode,
        Self::Invalid,
    ];

    /// What a client is told.
    pub fn code(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::TooLarge => "too_large",
            Self::Empty => "empty",
            Self::NotFound => "not_found",
            Self::Forbidden => "forbidden",
            Self::NameTaken => "name_taken",
            Self::NameInvalid => "name_invalid",
            Self::NameReserved => "name_reserved",
            Self::NameRequired => "name_required",
            Self::Limit => "limit",
            Self::TopicInvalid => "topic_invalid",
            Self::BadCode => "bad_code",
            Self::Invalid => "invalid",
        }
    }
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
