//! [`Room`]: a room in the directory: its name, its members, and the position from which each of them sees it.
//!
//! Built from the log's entries only. Its messages are in the log alone.

use std::ops::Bound;

use imbl::{OrdMap, OrdSet};

use crate::ids::{InviteGeneration, Position, Rev, Seq, UserId};
use crate::name::{RoomName, Topic};

/// The kind of a room: who may join it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoomKind {
    /// Everybody; and who is not a member may read it.
    Public,
    /// People who were added, or have an invite.
    Private,
    /// Those it was opened for, until they leave.
    Direct,
}

/// Since when somebody is a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The entry that made them one.
    pub since: Position,
    /// The number of the room's last message at that time.
    pub seq: Seq,
    /// The entry's own number in the room.
    pub rev: Rev,
    /// Whether they came by themselves. What others do to a person does not count against that person's limits.
    pub by_self: bool,
}

/// How much of a room somebody may see.
///
/// An edit is said at its own time: who has joined in between sees the new text of a message whose old one they never
/// saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Visibility {
    /// Entries from here on.
    pub since: Position,
    /// Messages after this one.
    pub seq: Seq,
    /// Entries after this one.
    pub rev: Rev,
}

impl Visibility {
    /// All of it.
    pub const ALL: Self = Self { since: Position::ZERO, seq: Seq::ZERO, rev: Rev::ZERO };

    /// From the entry of joining on.
    pub(crate) fn from_joining(membership: Membership) -> Self {
        let Membership { since, seq, rev, by_self: _ } = membership;
        Self { since, seq, rev: Rev(rev.0.saturating_sub(1)) }
    }
}

/// A public or private room, or a direct conversation, with its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    pub(crate) kind: RoomKind,
    pub(crate) name: Option<RoomName>,
    pub(crate) topic: Topic,
    pub(crate) host: Option<UserId>,
    pub(crate) creator: Option<UserId>,
    pub(crate) members: OrdMap<UserId, Membership>,
    pub(crate) barred: OrdSet<UserId>,
    /// Those who have left a direct conversation.
    pub(crate) gone: OrdSet<UserId>,
    pub(crate) invites: InviteGeneration,
}

impl Room {
    /// Whether it is public, private or a direct conversation.
    pub fn kind(&self) -> RoomKind {
        self.kind
    }

    /// What it is called; direct conversations have no name.
    pub fn name(&self) -> Option<&RoomName> {
        self.name.as_ref()
    }

    /// What it is about.
    pub fn topic(&self) -> &Topic {
        &self.topic
    }

    /// The person who created the room, until they leave it for the first time.
    pub fn host(&self) -> Option<UserId> {
        self.host
    }

    /// How many members it has. The lobby has none of its own: everybody is in it.
    pub fn count(&self) -> usize {
        self.members.len()
    }

    /// The membership of somebody.
    pub fn membership(&self, user: UserId) -> Option<Membership> {
        self.members.get(&user).copied()
    }

    /// The members with a higher id, in order.
    pub fn members(&self, after: Option<UserId>) -> impl Iterator<Item = (UserId, Membership)> + '_ {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.members.range((after, Bound::Unbounded)).map(|(user, membership)| (*user, *membership))
    }

    /// Those for whom a direct conversation was opened: its members, and after them those who have left.
    pub fn people(&self) -> impl Iterator<Item = UserId> + '_ {
        self.members.keys().chain(&self.gone).copied()
    }

    /// Whether somebody was removed and not added since.
    pub fn is_barred(&self, user: UserId) -> bool {
        self.barred.contains(&user)
    }

    /// The invitations that hold. A removal begins a new generation: links that went round before are void.
    pub fn invites(&self) -> InviteGeneration {
        self.invites
    }
}
