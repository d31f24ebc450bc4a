//! What became of the commands of a device: each number has one result for ever, an entry or none.

use crate::device::Device;
use crate::entry::UnixMillis;
use crate::hash::{ContentHash, ContentTag};
use crate::ids::{CommandNumber, RoomId};
use crate::outcome::{Outcome, Refusal};

/// What a log knows of a device and of one of its commands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// The last number that the device has used up; zero if it has sent nothing yet.
    pub last: CommandNumber,
    /// What became of the command that was asked for, if its number is used up.
    pub answered: Option<Answered>,
}

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// What is left of what it said.
    pub content: KeptContent,
    /// The outcome that a repeat of the command gets.
    pub outcome: Outcome,
}

/// What a log keeps of the content of a command, to tell a repeat from another command under the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptContent {
    /// All of its hash.
    Hash(ContentHash),
    /// The beginning of its hash.
    Tag(ContentTag),
}

impl KeptContent {
    /// Whether a command with this content is a repeat.
    pub fn is_of(self, content: ContentHash) -> bool {
        match self {
            Self::Hash(hash) => hash == content,
            Self::Tag(tag) => tag == content.tag(),
        }
    }
}

/// A command that used up its number without an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The device that sent it.
    pub device: Device,
    /// The number that it used up.
    pub n: CommandNumber,
    /// The hash of what the command said.
    pub content: ContentHash,
    /// The outcome of the command, as far as it is stored.
    pub on: SpentOn,
    /// When the server received it.
    pub at: UnixMillis,
}

/// What a number was used up for, if not for an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpentOn {
    /// The command was cancelled before it was sent.
    Skip,
    /// The command will never be carried out.
    Refusal(Refusal),
    /// There was nothing to do.
    Nothing {
        /// The room that it was about.
        room: RoomId,
    },
}

impl SpentOn {
    /// What the sender is told, the first time and ever after.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Skip => Outcome::Skipped,
            Self::Refusal(refusal) => Outcome::Refused(refusal),
            Self::Nothing { room } => Outcome::Already { room },
        }
    }
}
