//! What a log stores: [`Entry`], committed, which never changes its numbers again.
//!
//! What an entry says may change in two ways: a message is edited or deleted. Then another entry tells of that, and
//! the text that was there goes. Knows nothing of who may do what.

use crate::device::Device;
use crate::ids::{CommandNumber, Lineage, Position, Rev, RoomId, Seq, UserId};
use crate::name::{Nickname, RoomName, Topic};
use crate::room::RoomKind;
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

impl Author {
    /// The person, if it is one.
    pub fn user(self) -> Option<UserId> {
        match self {
            Self::Lineage(_) => None,
            Self::Device { device, .. } => Some(device.user),
        }
    }
}

/// What an entry says. Only a message uses up a `Seq` of its room; each uses up a `Rev`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Somebody said something.
    Message {
        /// What stands there now.
        body: Body,
    },
    /// The message with that number says something else now.
    Edited {
        /// The message.
        seq: Seq,
        /// What it says. `None`: that is gone, since the message was edited again or deleted later.
        text: Option<Text>,
    },
    /// The message with that number is deleted.
    Deleted {
        /// The message.
        seq: Seq,
    },
    /// The room exists now; the first entry of every room but the lobby. Its author is the host.
    RoomCreated {
        /// Who may come in.
        kind: RoomKind,
        /// Direct conversations have none.
        name: Option<RoomName>,
        /// What it is about.
        topic: Topic,
        /// Who is in it from the beginning: the author among them.
        members: Vec<UserId>,
    },
    /// The room is called otherwise now.
    RoomRenamed {
        /// How.
        name: RoomName,
    },
    /// The room is about something else now.
    TopicSet {
        /// About what.
        topic: Topic,
    },
    /// Somebody is a member now: by joining, or because the author has added them.
    Joined {
        /// Who.
        user: UserId,
    },
    /// A member has left.
    Left {
        /// Who.
        user: UserId,
    },
    /// A member was removed by the author, and cannot join again.
    Removed {
        /// Who.
        user: UserId,
    },
    /// A person is called that now. In the house.
    Named {
        /// Who.
        user: UserId,
        /// The name.
        name: Nickname,
        /// The name before, if there was one.
        was: Option<Nickname>,
    },
    /// A person is an owner of the server now. In the house.
    Owner {
        /// Who.
        user: UserId,
    },
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// What its author said.
    Original(Text),
    /// What its author made of it later.
    Edited(Text),
    /// Nothing any more.
    Deleted,
}

impl Body {
    /// What can be read.
    pub fn text(&self) -> Option<&Text> {
        match self {
            Self::Original(text) | Self::Edited(text) => Some(text),
            Self::Deleted => None,
        }
    }
}

/// What kinds of entries have in common: whom they concern, and what they change. A new kind is mostly one more row of
/// [`Kind::group`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group<'a> {
    /// Something said in the room.
    Message,
    /// Something about an earlier message of the room.
    Change {
        /// Its number.
        seq: Seq,
    },
    /// The beginning of a room.
    Creation {
        /// Who may come in.
        kind: RoomKind,
        /// Who is in it from the beginning.
        members: &'a [UserId],
    },
    /// How a room presents itself.
    Room,
    /// Somebody comes into the room.
    Arrival {
        /// Who.
        user: UserId,
    },
    /// Somebody is out of the room.
    Departure {
        /// Who.
        user: UserId,
    },
    /// Something about a person, of interest to everybody.
    Person,
}

impl Kind {
    /// A message as it was said.
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
        }
    }

    /// Whether it uses up a `Seq`.
    pub fn is_message(&self) -> bool {
        self.group() == Group::Message
    }

    /// The message that it changes, if it is a change of one.
    pub fn target(&self) -> Option<Seq> {
        match self.group() {
            Group::Change { seq } => Some(seq),
            Group::Message
            | Group::Creation { .. }
            | Group::Room
            | Group::Arrival { .. }
            | Group::Departure { .. }
            | Group::Person => None,
        }
    }

    /// Whether the directory is made of it.
    pub fn is_of_directory(&self) -> bool {
        match self.group() {
            Group::Message | Group::Change { .. } => false,
            Group::Creation { .. }
            | Group::Room
            | Group::Arrival { .. }
            | Group::Departure { .. }
            | Group::Person => true,
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
            Self::Deleted { .. }
            | Self::Joined { .. }
            | Self::Left { .. }
            | Self::Removed { .. }
            | Self::Owner { .. } => 0,
        }
    }
}

impl Entry {
    /// What the entry counts against bounds in bytes.
    pub fn weight(&self) -> usize {
        self.kind.bytes() + size_of::<Self>()
    }
}
