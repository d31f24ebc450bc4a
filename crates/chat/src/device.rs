//! Who sends by number: the devices of our own protocol, and what became of their commands.
//!
//! A device numbers its durable commands 1, 2, 3 … when it puts them into its outbox, before it knows of a connection.
//! The server takes the next number and nothing else, so commands may be sent without waiting for answers and keep
//! their order. Each number gets one result for ever: an entry, or what is [`Spent`] without one. Knows nothing of
//! accounts and of the wire; the rule itself stands with the decisions.

use std::fmt;

use crate::content::ContentHash;
use crate::delivery::{Outcome, Refusal};
use crate::entry::UnixMillis;
use crate::ids::{CommandNumber, RoomId, UserId};

/// The name that an outbox gives itself when it is made: 128 random bits. `Debug` shows its beginning only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub [u8; 16]);

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, ..] = self.0;
        write!(f, "DeviceId({a:02x}{b:02x}{c:02x}…)")
    }
}

/// An outbox of a user: the scope of its numbers. The same id under another user is another device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Device {
    /// Whose it is.
    pub user: UserId,
    /// Which of the user's.
    pub id: DeviceId,
}

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
    /// The hash of what it said.
    pub content: ContentHash,
    /// What its sender is told who asks again.
    pub outcome: Outcome,
}

/// A number that a command has used up without an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The device.
    pub device: Device,
    /// The number.
    pub n: CommandNumber,
    /// The hash of what the command said.
    pub content: ContentHash,
    /// What for.
    pub on: SpentOn,
    /// When it came in.
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
