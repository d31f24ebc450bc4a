//! What a log stores, and what becomes of it before it is stored.
//!
//! A [`Draft`] is well-formed but undecided; an [`Entry`] is committed and never changes its numbers again.

use crate::device::Device;
use crate::ids::{CommandNumber, Lineage, Position, Rev, RoomId, Seq};
use crate::key::ClientKey;
use crate::text::Text;

/// Milliseconds since 1970. For people to read: order comes from positions, never from time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub u64);

/// One committed thing, visible to the members of its room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands in the log.
    pub position: Position,
    /// Its audience.
    pub room: RoomId,
    /// The number of the room's latest message: its own, if it is a message.
    pub seq: Seq,
    /// Its number among all entries of the room.
    pub rev: Rev,
    /// When the server took it in.
    pub at: UnixMillis,
    /// Who sent it, as far as that is known.
    pub author: Option<Author>,
    /// What it is.
    pub kind: Kind,
}

/// Who sent an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Author {
    /// A tutorial client, as far as it can be told from others.
    Lineage(Lineage),
    /// A user's device, with the number of the command: by the two, the sender knows its own again.
    Device {
        /// The device.
        device: Device,
        /// The number.
        n: CommandNumber,
    },
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Somebody said something.
    Message {
        /// What was said.
        text: Text,
    },
}

/// A command that somebody wants to have carried out, for ever.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Tells a repeat from a new command.
    pub identity: Identity,
    /// What is to be done.
    pub command: Command,
    /// When it came in.
    pub at: UnixMillis,
}

/// What a draft wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// To say something.
    Say {
        /// Where.
        room: RoomId,
        /// What.
        text: Text,
    },
    /// Nothing any more: its sender cancelled what had this number, and those behind it are to go on.
    ///
    /// If the cancelled command has arrived after all, the answer is what became of that.
    Skip,
}

/// How a send is told from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// By the key of a tutorial client. Without a key, every send is new.
    Lineage {
        /// The scope of the key. Without one, only the rule across lineages applies.
        lineage: Option<Lineage>,
        /// The key.
        key: Option<ClientKey>,
    },
    /// By its number among the commands of its device.
    Device {
        /// The device.
        device: Device,
        /// The number.
        n: CommandNumber,
    },
}

impl Identity {
    /// Nothing is known: every send is new.
    pub const NONE: Self = Self::Lineage { lineage: None, key: None };

    /// What an entry keeps of it.
    pub(crate) fn author(&self) -> Option<Author> {
        match self {
            Self::Lineage { lineage, .. } => lineage.map(Author::Lineage),
            Self::Device { device, n } => Some(Author::Device { device: *device, n: *n }),
        }
    }

    pub(crate) fn key(&self) -> Option<&ClientKey> {
        match self {
            Self::Lineage { key, .. } => key.as_ref(),
            Self::Device { .. } => None,
        }
    }
}

impl Draft {
    /// What the draft counts against bounds in bytes: its strings and about what it occupies besides.
    pub fn weight(&self) -> usize {
        let text = match &self.command {
            Command::Say { text, .. } => text.len(),
            Command::Skip => 0,
        };
        text + self.identity.key().map_or(0, |key| key.as_str().len()) + size_of::<Self>()
    }
}

impl Entry {
    /// What the entry counts against bounds in bytes.
    pub fn weight(&self) -> usize {
        let Kind::Message { text } = &self.kind;
        text.len() + size_of::<Self>()
    }
}
