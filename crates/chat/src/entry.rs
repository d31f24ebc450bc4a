//! [`Entry`]: what a log stores. The numbers of a committed entry never change.
//!
//! The text of an entry changes when its message is edited or deleted. Another entry then records the change, and the old
//! text is gone. Knows nothing of permissions.

use crate::device::Device;
use crate::ids::{CommandNumber, Lineage, Position, Rev, RoomId, Seq, UserId};
use crate::name::{Nickname, RoomName, Topic};
use crate::room::RoomKind;
use crate::sign_in::{SignInId, SignInLabel, SignInMethod, TokenHash};
use crate::text::Text;

/// Milliseconds since 1970. For people to read: order comes from positions, never from time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub u64);

/// One committed event of a room, visible to its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the log: in commit order, without gaps.
    pub position: Position,
    /// The room whose members see it; [`RoomId::HOUSE`] for entries that concern no room.
    pub room: RoomId,
    /// The number of the room's latest message: its own, if it is a message.
    pub seq: Seq,
    /// Its number among all entries of the room.
    pub rev: Rev,
    /// When the server received it.
    pub at: UnixMillis,
    /// The sender. `None` for a tutorial client without a lineage.
    pub author: Option<Author>,
    /// What happened.
    pub kind: Kind,
}

/// The sender of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Author {
    /// A tutorial client, as far as it can be told from others.
    Lineage(Lineage),
    /// A user's device and the number of the command, by which the sender recognises its own entries.
    Device {
        /// The device that sent the command.
        device: Device,
        /// The number of the command on that device.
        n: CommandNumber,
    },
}

impl Author {
    /// The user, unless the author is a tutorial client.
    pub fn user(self) -> Option<UserId> {
        match self {
            Self::Lineage(_) => None,
            Self::Device { device, .. } => Some(device.user),
        }
    }
}

/// What happened. Only a message uses up a `Seq` of its room; each uses up a `Rev`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Somebody sent a message.
    Message {
        /// Its current text.
        body: Body,
    },
    /// A message was edited.
    Edited {
        /// The number of the message.
        seq: Seq,
        /// The new text. `None` once the message was edited again or deleted.
        text: Option<Text>,
    },
    /// A message was deleted.
    Deleted {
        /// The number of the message.
        seq: Seq,
    },
    /// A room was created: the first entry of every room but the lobby. Its author is the host.
    RoomCreated {
        /// Public, private or direct.
        kind: RoomKind,
        /// `None` for a direct conversation.
        name: Option<RoomName>,
        /// Its topic, which may be empty.
        topic: Topic,
        /// Its first members, with the author.
        members: Vec<UserId>,
    },
    /// The room was renamed.
    RoomRenamed {
        /// The new name.
        name: RoomName,
    },
    /// The topic of the room was set.
    TopicSet {
        /// The new topic; empty if it was removed.
        topic: Topic,
    },
    /// Somebody joined the room, or the author added them.
    Joined {
        /// The new member.
        user: UserId,
    },
    /// A member left the room.
    Left {
        /// The former member.
        user: UserId,
    },
    /// The author removed a member, who cannot join again.
    Removed {
        /// The former member.
        user: UserId,
    },
    /// A person chose or changed their name. An entry of [`RoomId::HOUSE`].
    Named {
        /// The person.
        user: UserId,
        /// The new name.
        name: Nickname,
        /// The old name, if there was one.
        was: Option<Nickname>,
    },
    /// A person became the owner of the server. An entry of [`RoomId::HOUSE`].
    Owner {
        /// The new owner.
        user: UserId,
    },
    /// A person has one more sign-in. An entry of [`RoomId::PERSONAL`].
    SignedIn {
        /// The person.
        user: UserId,
        /// The hash of the token.
        token: TokenHash,
        /// How it began.
        method: SignInMethod,
        /// What the app has said about itself.
        label: SignInLabel,
        /// The sign-in that ends for it, because the person has so many.
        ended: Option<SignInId>,
    },
    /// Sign-ins of a person have ended, and never come back. An entry of [`RoomId::PERSONAL`].
    SignedOut {
        /// The person.
        user: UserId,
        /// The sign-ins that lasted until now.
        sign_ins: Vec<SignInId>,
    },
    /// A later version has stored something that this one does not know. It uses up its place and its `Rev`, and changes
    /// nothing. Only a later version writes such an entry; this one keeps it as it is.
    Unknown {
        /// The number of the kind, as it is stored.
        code: u32,
    },
    /// The row is not what was once stored, and it was no message. It keeps its place and its `Rev`.
    ///
    /// Somebody may have left by it. So nobody but the host is in a private room after such an entry, until the host adds
    /// them again, and its invites are void.
    Damaged {
        /// Whether it was an edit or a deletion: then it changes nothing.
        is_change: bool,
    },
}

/// The text of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// As it was first sent.
    Original(Text),
    /// As its author has edited it.
    Edited(Text),
    /// Deleted: there is no text.
    Deleted,
    /// The row is not what was once stored: nobody can tell what was said, or by whom.
    Damaged,
}

impl Body {
    /// The text, unless it was deleted or is damaged.
    pub fn text(&self) -> Option<&Text> {
        match self {
            Self::Original(text) | Self::Edited(text) => Some(text),
            Self::Deleted | Self::Damaged => None,
        }
    }
}

/// The kinds of entries by whom they concern and what they change. Code that treats several kinds alike matches these
/// groups, so that a new kind usually needs only a row in [`Kind::group`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group<'a> {
    /// A message in the room. It gets a number of its own.
    Message,
    /// An edit or a deletion of an earlier message.
    Change {
        /// The number of that message in its room.
        seq: Seq,
    },
    /// The room was created.
    Creation {
        /// Whether it is public, private or a direct conversation.
        kind: RoomKind,
        /// Its first members.
        members: &'a [UserId],
    },
    /// The name or the topic of the room changed.
    Room,
    /// Somebody became a member of the room.
    Arrival {
        /// The new member.
        user: UserId,
    },
    /// Somebody is no longer a member of the room.
    Departure {
        /// The former member.
        user: UserId,
    },
    /// A fact about a person that concerns everybody: their name, or that they own the server.
    Person,
    /// A fact that concerns one person, and that nobody else may see.
    Private {
        /// The person.
        user: UserId,
    },
    /// Of a kind that this version does not know, or not what was once stored.
    Unknown,
}

impl Kind {
    /// A message as it was first sent.
    pub fn message(text: Text) -> Self {
        Self::Message { body: Body::Original(text) }
    }

    /// What it is about.
    pub fn group(&self) -> Group<'_> {
        match self {
            Self::Message { .. } => Group::Message,
            Self::Edited { seq, .. } | Self::Deleted { seq } => Group::Change { seq: *seq },
            Self::RoomCreated { kind, members, .. } => Group::Creation { kind: *kind, members },
            Self::RoomRenamed { .. } | Self::TopicSet { .. } => Group::Room,
            Self::Joined { user } => Group::Arrival { user: *user },
            Self::Left { user } | Self::Removed { user } => Group::Departure { user: *user },
            Self::Named { .. } | Self::Owner { .. } => Group::Person,
            Self::SignedIn { user, .. } | Self::SignedOut { user, .. } => Group::Private { user: *user },
            Self::Unknown { .. } | Self::Damaged { .. } => Group::Unknown,
        }
    }

    /// Whether it uses up a `Seq`.
    pub fn is_message(&self) -> bool {
        self.group() == Group::Message
    }

    /// The message that it edits or deletes, if any.
    pub fn target(&self) -> Option<Seq> {
        match self.group() {
            Group::Change { seq } => Some(seq),
            Group::Message
            | Group::Creation { .. }
            | Group::Room
            | Group::Arrival { .. }
            | Group::Departure { .. }
            | Group::Person
            | Group::Private { .. }
            | Group::Unknown => None,
        }
    }

    /// Whether the directory is built from it: all known kinds but messages and their changes, and what may have been one of
    /// these.
    pub fn is_of_directory(&self) -> bool {
        match self.group() {
            Group::Unknown => matches!(self, Self::Damaged { is_change: false }),
            Group::Message | Group::Change { .. } => false,
            Group::Creation { .. }
            | Group::Room
            | Group::Arrival { .. }
            | Group::Departure { .. }
            | Group::Person
            | Group::Private { .. } => true,
        }
    }

    /// Its strings and lists, in bytes.
    fn bytes(&self) -> usize {
        match self {
            Self::Message { body } => body.text().map_or(0, |text| text.len()),
            Self::Edited { text, .. } => text.as_ref().map_or(0, |text| text.len()),
            Self::RoomCreated { name, topic, members, .. } => {
                name.as_ref().map_or(0, |name| name.len()) + topic.len() + members.len() * size_of::<UserId>()
            }
            Self::RoomRenamed { name } => name.len(),
            Self::TopicSet { topic } => topic.len(),
            Self::Named { name, was, .. } => name.len() + was.as_ref().map_or(0, |was| was.len()),
            Self::SignedIn { label, .. } => label.len(),
            Self::SignedOut { sign_ins, .. } => sign_ins.len() * size_of::<SignInId>(),
            Self::Deleted { .. }
            | Self::Joined { .. }
            | Self::Left { .. }
            | Self::Removed { .. }
            | Self::Owner { .. }
            | Self::Unknown { .. }
            | Self::Damaged { .. } => 0,
        }
    }
}

impl Entry {
    /// What the entry counts against bounds in bytes.
    pub fn weight(&self) -> usize {
        self.kind.bytes() + size_of::<Self>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_weighs_its_strings_and_lists_beside_itself() {
        let (seq, user, name) = (Seq(1), UserId(2), RoomName::from_stored("garden"));
        let (text, topic) = (Text::from_stored("héra"), Topic::from_stored("tea"));
        let (ada, lovelace) = (Nickname::from_stored("ada"), Nickname::from_stored("lovelace"));
        let created = |name, members| Kind::RoomCreated {
            kind: RoomKind::Public,
            name,
            topic: Topic::from_stored("tea"),
            members,
        };
        for (kind, bytes) in [
            (Kind::message(text.clone()), 5),
            (Kind::Message { body: Body::Edited(text.clone()) }, 5),
            (Kind::Message { body: Body::Deleted }, 0),
            (Kind::Edited { seq, text: Some(text) }, 5),
            (Kind::Edited { seq, text: None }, 0),
            (Kind::Deleted { seq }, 0),
            (created(Some(name.clone()), vec![user; 7]), 6 + 3 + 56),
            (created(None, vec![user]), 3 + 8),
            (Kind::RoomRenamed { name }, 6),
            (Kind::TopicSet { topic }, 3),
            (Kind::Joined { user }, 0),
            (Kind::Left { user }, 0),
            (Kind::Removed { user }, 0),
            (Kind::Named { user, name: ada.clone(), was: None }, 3),
            (Kind::Named { user, name: ada, was: Some(lovelace) }, 11),
            (Kind::Owner { user }, 0),
            (
                Kind::SignedIn {
                    user,
                    token: TokenHash::OLD,
                    method: SignInMethod::New,
                    label: SignInLabel::from_stored("Firefox"),
                    ended: None,
                },
                7,
            ),
            (Kind::SignedOut { user, sign_ins: vec![SignInId(1); 7] }, 56),
            (Kind::Unknown { code: 7 }, 0),
        ] {
            let told = format!("{kind:?}");
            let (position, room, rev, at) = (Position(1), RoomId::LOBBY, Rev(1), UnixMillis(0));
            let entry = Entry { position, room, seq, rev, at, author: None, kind };
            assert_eq!(entry.weight(), bytes + size_of::<Entry>(), "{told}");
        }
    }
}
