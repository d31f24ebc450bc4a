//! Commands, and the [`Draft`]: a command that is well-formed but not decided yet.
//!
//! Owns the list of commands and the [`Identity`] by which a repeat is recognised. [`decide`](crate::decide()) decides
//! what becomes of a draft.

use crate::device::Device;
use crate::entry::{Author, UnixMillis};
use crate::hash::ContentHash;
use crate::ids::{CommandNumber, InviteGeneration, Lineage, RoomId, Seq, UserId};
use crate::key::ClientKey;
use crate::name::{Nickname, RoomName, Topic};
use crate::outcome::Refusal;
use crate::room::RoomKind;
use crate::sign_in::{SignInId, SignInLabel, SignInMethod, TokenHash};
use crate::text::Text;

/// A command that waits for its decision.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Recognises a repeat of the same command.
    pub identity: Identity,
    /// What its sender asks for.
    pub command: Command,
    /// When the server received it.
    pub at: UnixMillis,
    /// What it is refused with instead of being stored, because its sender has used up a quota. A repeat gets its original
    /// answer all the same, and a draft that would be refused anyway keeps its own reason.
    pub over_quota: Option<Refusal>,
}

/// What a draft asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Send a message.
    Say {
        /// The room that it is sent to.
        room: RoomId,
        /// The text, as it was sent.
        text: Text,
    },
    /// Change one's own message.
    Edit {
        /// The room of the message.
        room: RoomId,
        /// The number of the message in its room.
        seq: Seq,
        /// The new text.
        text: Text,
    },
    /// Delete a message.
    Delete {
        /// The room of the message.
        room: RoomId,
        /// The number of the message in its room.
        seq: Seq,
    },
    /// Create a public or private room.
    Create {
        /// Public or private; a direct conversation has a command of its own.
        kind: RoomKind,
        /// Its name. Only names of public rooms are unique.
        name: RoomName,
        /// Its topic, which may be empty.
        topic: Topic,
    },
    /// Open the direct conversation with these people, or find the one that exists.
    Direct {
        /// The other people, in any order.
        with: Vec<UserId>,
    },
    /// Rename a room.
    Rename {
        /// The room, which is not a direct conversation.
        room: RoomId,
        /// The new name.
        name: RoomName,
    },
    /// Set the topic of a room.
    SetTopic {
        /// The room, which is not a direct conversation.
        room: RoomId,
        /// The new topic; an empty one removes it.
        topic: Topic,
    },
    /// Join a room.
    Join {
        /// The room to join.
        room: RoomId,
        /// Why one may: the room is public, or one is invited.
        by: JoinBy,
    },
    /// Leave a room.
    Leave {
        /// The room to leave. Nobody can leave the lobby.
        room: RoomId,
    },
    /// Add somebody to a private room.
    Add {
        /// The room, which becomes visible to them.
        room: RoomId,
        /// The new member.
        user: UserId,
    },
    /// Remove somebody from a room, so that they cannot join it again.
    Remove {
        /// The room that they lose.
        room: RoomId,
        /// The member to remove.
        user: UserId,
    },
    /// Change one's own name.
    Name {
        /// The new name. Names that look alike count as the same.
        name: Nickname,
    },
    /// Become the owner of the server. The caller has checked the code.
    Claim,
    /// Record the sign-in that its sender has. Not numbered: a sign-in that is recorded is not recorded again.
    SignIn {
        /// The hash of the token.
        token: TokenHash,
        /// How it began. The caller has checked that it did.
        method: SignInMethod,
        /// What the app says about itself.
        label: SignInLabel,
    },
    /// End sign-ins of one's own.
    SignOut {
        /// Which of them.
        of: SignOutOf,
    },
    /// Move one's read pointer. Not numbered: only the furthest counts.
    Read {
        /// The room that one has read.
        room: RoomId,
        /// The last message that one has read.
        seq: Seq,
    },
    /// A well-formed command that can never succeed, as its sender's worker has found out. It uses up its number like
    /// any other.
    Rejected {
        /// The reason that its sender gets.
        why: Refusal,
        /// A hash of what was sent, which tells a repeat from another command: [`ContentHash::of_raw`].
        content: ContentHash,
    },
    /// Skip this number: its sender has cancelled the command, so that the commands behind it can go on.
    ///
    /// If the cancelled command has arrived after all, the answer is that command's outcome.
    Skip,
}

/// Which sign-ins of a person are to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignOutOf {
    /// This one.
    One(SignInId),
    /// All but one.
    Others {
        /// The sign-in that stays.
        keep: SignInId,
    },
}

/// Why somebody may join a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinBy {
    /// The room is public.
    Open,
    /// They are invited. The caller has checked the invite's signature.
    Invite(InviteGeneration),
}

/// How a repeat of a command is recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// By the key of a tutorial client. Without a key, every send is new.
    Lineage {
        /// The scope of the key. Without one, only the rule across lineages applies.
        lineage: Option<Lineage>,
        /// The tutorial's `clientOffset`, or none.
        key: Option<ClientKey>,
    },
    /// By its number among the commands of its device.
    Device {
        /// The device that has sent it.
        device: Device,
        /// Its number among the commands of this device, from 1.
        n: CommandNumber,
    },
    /// Not at all, because repeating it does no harm. Only for [`Command::Read`] and [`Command::SignIn`].
    User(UserId),
}

impl Identity {
    /// Without a key and a lineage: every send is new.
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
    /// The room whose numbers its entry continues, unless it creates one.
    pub(crate) fn room(&self) -> Option<RoomId> {
        match self {
            Self::Say { room, .. }
            | Self::Edit { room, .. }
            | Self::Delete { room, .. }
            | Self::Rename { room, .. }
            | Self::SetTopic { room, .. }
            | Self::Join { room, .. }
            | Self::Leave { room }
            | Self::Add { room, .. }
            | Self::Remove { room, .. }
            | Self::Read { room, .. } => Some(*room),
            Self::Name { .. } | Self::Claim => Some(RoomId::HOUSE),
            Self::SignIn { .. } | Self::SignOut { .. } => Some(RoomId::PERSONAL),
            Self::Create { .. } | Self::Direct { .. } | Self::Rejected { .. } | Self::Skip => None,
        }
    }

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
            | Self::Claim
            | Self::SignIn { .. }
            | Self::SignOut { .. }
            | Self::Read { .. }
            | Self::Rejected { .. }
            | Self::Skip => None,
        }
    }

    /// Its strings and lists, in bytes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Say { text, .. } | Self::Edit { text, .. } => text.bytes(),
            Self::Create { name, topic, .. } => name.len() + topic.len(),
            Self::Direct { with } => with.len() * size_of::<UserId>(),
            Self::Rename { name, .. } => name.len(),
            Self::SetTopic { topic, .. } => topic.len(),
            Self::Name { name } => name.len(),
            Self::SignIn { label, .. } => label.len(),
            Self::Delete { .. }
            | Self::Join { .. }
            | Self::Leave { .. }
            | Self::Add { .. }
            | Self::Remove { .. }
            | Self::Claim
            | Self::SignOut { .. }
            | Self::Read { .. }
            | Self::Rejected { .. }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// 5 bytes.
    fn text() -> Text {
        Text::from_stored("héra")
    }

    #[test]
    fn a_draft_weighs_its_strings_and_lists_beside_itself() {
        let (room, user, seq) = (RoomId(2), UserId(3), Seq(4));
        let (name, topic) = (RoomName::from_stored("garden"), Topic::from_stored("tea"));
        let (kind, content) = (RoomKind::Public, ContentHash::NOTHING);
        for (command, bytes) in [
            (Command::Say { room, text: text() }, 5),
            (Command::Edit { room, seq, text: text() }, 5),
            // What is shown, and what was sent.
            (Command::Say { room, text: Text::parse("a\0").expect("it shows something") }, 4 + 2),
            (Command::Create { kind, name: name.clone(), topic: topic.clone() }, 9),
            (Command::Direct { with: vec![user; 7] }, 56),
            (Command::Rename { room, name }, 6),
            (Command::SetTopic { room, topic }, 3),
            (Command::Name { name: Nickname::from_stored("ada") }, 3),
            (Command::Delete { room, seq }, 0),
            (Command::Join { room, by: JoinBy::Open }, 0),
            (Command::Leave { room }, 0),
            (Command::Add { room, user }, 0),
            (Command::Remove { room, user }, 0),
            (Command::Claim, 0),
            (
                Command::SignIn {
                    token: TokenHash::OLD,
                    method: SignInMethod::New,
                    label: SignInLabel::from_stored("Firefox"),
                },
                7,
            ),
            (Command::SignOut { of: SignOutOf::One(SignInId(1)) }, 0),
            (Command::Read { room, seq }, 0),
            (Command::Rejected { why: Refusal::Invalid, content }, 0),
            (Command::Skip, 0),
        ] {
            let told = format!("{command:?}");
            let draft = Draft { identity: Identity::NONE, command, at: UnixMillis(0), over_quota: None };
            assert_eq!(draft.weight(), bytes + size_of::<Draft>(), "{told}");
        }
        let key = Some(ClientKey::from_stored("xUz3kQ-0"));
        let identity = Identity::Lineage { lineage: None, key };
        let draft = Draft {
            identity,
            command: Command::Say { room, text: text() },
            at: UnixMillis(0),
            over_quota: None,
        };
        assert_eq!(draft.weight(), 5 + 8 + size_of::<Draft>());
    }
}
