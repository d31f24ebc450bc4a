//! The port by which committed entries and the answers to their senders leave the domain.
//!
//! Everything that passes here is durable. Owns no queue: the receiver runs on the appender's thread and must not
//! block it for longer than handing things over takes.

use crate::entry::Entry;
use crate::ids::{CommandNumber, Position, Seq};

/// Takes over what was committed.
///
/// Called on the appender's thread, in log order. When it is called, the entries and the outcomes are durable.
pub trait Delivery<T>: Send {
    /// Passes the entries on to those who may see them, and each outcome to whom the ticket belongs to.
    fn deliver(&mut self, committed: Committed<T>);
}

impl<T, F: FnMut(Committed<T>) + Send> Delivery<T> for F {
    fn deliver(&mut self, committed: Committed<T>) {
        self(committed);
    }
}

/// What one commit brought.
#[derive(Debug)]
pub struct Committed<T> {
    /// The new entries, contiguous.
    pub entries: Vec<Entry>,
    /// What became of each draft, in the order in which they were submitted.
    pub outcomes: Vec<(T, Outcome)>,
}

/// What became of a draft. All but [`Expected`](Self::Expected) are final: the same send again gets the same answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It stands in the log now.
    Stored {
        /// Where.
        position: Position,
        /// Its number in its room.
        seq: Seq,
    },
    /// It had been stored before; this is where.
    Repeated {
        /// Where.
        position: Position,
        /// Its number in its room.
        seq: Seq,
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
}

/// Why a draft will never be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its key or its number names another message already.
    Conflict,
    /// The text is longer than this server takes.
    TooLarge,
}

impl Refusal {
    /// What a client is told.
    pub fn code(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::TooLarge => "too_large",
        }
    }
}
