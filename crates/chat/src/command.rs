//! What people want to have done: a [`Draft`] is well-formed but undecided.
//!
//! Owns the commands and how a send is told from others. What becomes of a command is decided in
//! [`decide`](crate::decide()).

use crate::device::Device;
use crate::entry::{Author, UnixMillis};
use crate::hash::ContentHash;
use crate::ids::{CommandNumber, InviteGeneration, Lineage, RoomId, Seq, UserId};
use crate::key::ClientKey;
use crate::name::{Nickname, RoomName, Topic};
use crate::outcome::Refusal;
use crate::room::RoomKind;
use crate::text::Text;

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
    /// To change what one has said.
    Edit {
        /// Where.
        room: RoomId,
        /// The message.
        seq: Seq,
        /// What it is to say.
        text: Text,
    },
    /// To take a message away.
    Delete {
        /// Where.
        room: RoomId,
        /// The message.
        seq: Seq,
    },
    /// To open a room, public or private.
    Create {
        /// Who may come in.
        kind: RoomKind,
        /// What it is called.
        name: RoomName,
        /// What it is about.
        topic: Topic,
    },
    /// To talk to these people and nobody else.
    Direct {
        /// The others, in any order.
        with: Vec<UserId>,
    },
    /// To call a room otherwise.
    Rename {
        /// Which.
        room: RoomId,
        /// How.
        name: RoomName,
    },
    /// To say what a room is about.
    SetTopic {
        /// Which.
        room: RoomId,
        /// What.
        topic: Topic,
    },
    /// To become a member.
    Join {
        /// Of which.
        room: RoomId,
        /// By which right.
        by: JoinBy,
    },
    /// Not to be a member any more.
    Leave {
        /// Of which.
        room: RoomId,
    },
    /// To make somebody a member.
    Add {
        /// Of which.
        room: RoomId,
        /// Whom.
        user: UserId,
    },
    /// To end somebody's membership for good.
    Remove {
        /// Of which.
        room: RoomId,
        /// Whose.
        user: UserId,
    },
    /// To be called otherwise.
    Name {
        /// How.
        name: Nickname,
    },
    /// To become an owner of the server. Whoever hands this in has checked the code.
    Own,
    /// To have read everything up to a message. Not numbered: only the furthest counts.
    Read {
        /// Where.
        room: RoomId,
        /// The last message.
        seq: Seq,
    },
    /// What can never be carried out, as could be seen without asking the log. It uses up its number like any other.
    Void {
        /// Why not.
        why: Refusal,
        /// Stands for what was sent, so that a repeat is told from something else: [`ContentHash::of_raw`].
        content: ContentHash,
    },
    /// Nothing any more: its sender cancelled what had this number, and those behind it are to go on.
    ///
    /// If the cancelled command has arrived after all, the answer is what became of that.
    Skip,
}

/// By which right somebody joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinBy {
    /// Everybody may.
    Open,
    /// An invitation, whose signature was checked.
    Invite(InviteGeneration),
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
    /// Not at all: for what may be done twice. Only [`Command::Read`] is.
    User(UserId),
}

impl Identity {
    /// Nothing is known: every send is new.
    pub const NONE: Self = Self::Lineage { lineage: None, key: None };

    /// What an entry keeps of it.
    pub(crate) fn author(&self) -> Option<Author> {
        match self {
            Self::Lineage { lineage, .. } => lineage.map(Author::Lineage),
            Self::Device { device, n } => Some(Author::Device { device: *device, n: *n }),
            Self::User(_) => None,
        }
    }

    pub(crate) fn key(&self) -> Option<&ClientKey> {
        match self {
            Self::Lineage { key, .. } => key.as_ref(),
            Self::Device { .. } | Self::User(_) => None,
        }
    }
}

impl Command {
    /// The message that it wants to change, if it is about one. No other command has to be judged by what a message is.
    pub(crate) fn target(&self) -> Option<(RoomId, Seq)> {
        match self {
            Self::Edit { room, seq, .. } | Self::Delete { room, seq } => Some((*room, *seq)),
            Self::Say { .. }
            | Self::Create { .. }
            | Self::Direct { .. }
            | Self::Rename { .. }
            | Self::SetTopic { .. }
            | Self::Join { .. }
            | Self::Leave { .. }
            | Self::Add { .. }
            | Self::Remove { .. }
            | Self::Name { .. }
            | Self::Own
            | Self::Read { .. }
            | Self::Void { .. }
            | Self::Skip => None,
        }
    }

    /// Its strings and lists, in bytes.
    fn bytes(&self) -> usize {
        match self {
            Self::Say { text, .. } | Self::Edit { text, .. } => text.len(),
            Self::Create { name, topic, .. } => name.len() + topic.len(),
            Self::Direct { with } => with.len() * size_of::<UserId>(),
            Self::Rename { name, .. } => name.len(),
            Self::SetTopic { topic, .. } => topic.len(),
            Self::Name { name } => name.len(),
            Self::Delete { .. }
            | Self::Join { .. }
            | Self::Leave { .. }
            | Self::Add { .. }
            | Self::Remove { .. }
            | Self::Own
            | Self::Read { .. }
            | Self::Void { .. }
            | Self::Skip => 0,
        }
    }
}

impl Draft {
    /// What the draft counts against bounds in bytes: its strings and about what it occupies besides.
    pub fn weight(&self) -> usize {
        self.command.bytes() + self.identity.key().map_or(0, |key| key.as_str().len()) + size_of::<Self>()
    }
}
