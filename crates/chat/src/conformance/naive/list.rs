//! [`List`]: everything that has happened, in order, and what follows from it.
//!
//! Nothing is kept up to date. Each question is answered by searching the list: somebody is a member if the last thing that
//! happened to them in the room made them one. So no answer depends on the order in which state was changed.

use std::collections::BTreeSet;

use crate::command::Command;
use crate::device::Device;
use crate::entry::{Author, Body, Entry, Kind, UnixMillis};
use crate::ids::{CommandNumber, Lineage, Position, Rev, RoomId, Seq, UserId};
use crate::name::{Nickname, RoomName, Topic};
use crate::outcome::{Outcome, Receipt};
use crate::room::RoomKind;
use crate::sign_in::{SignInId, SignInLabel, SignInMethod, TokenHash};
use crate::signed_in::SignIn;
use crate::text::Text;
use crate::trust::Trust;

use super::names::look_alike;

/// Everything that has happened.
#[derive(Clone, Default)]
pub(super) struct List {
    /// What is in the log: the fact at index 0 has position 1.
    pub(super) facts: Vec<Fact>,
    /// Every message that somebody has read up to, in order of time.
    pub(super) reads: Vec<(UserId, RoomId, Seq)>,
    /// Every command that used up a number of its device.
    pub(super) counted: Vec<Counted>,
}

/// One thing that happened. What it said at first stays here; what has become of it is found in later facts.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    pub(super) receipt: Receipt,
    pub(super) who: Who,
    pub(super) what: What,
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Device(Device, CommandNumber),
    Page {
        lineage: Option<Lineage>,
        key: Option<String>,
    },
    /// Somebody without a number.
    User,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Said(String),
    Edited(Seq, String),
    Deleted(Seq),
    Created { kind: RoomKind, name: Option<String>, topic: String, members: Vec<UserId> },
    Renamed(String),
    TopicSet(String),
    Joined(UserId),
    Left(UserId),
    Removed(UserId),
    Named(UserId, String),
    Owner(UserId),
    SignedIn { user: UserId, token: TokenHash, method: SignInMethod, label: String, ended: Option<SignInId> },
    SignedOut { user: UserId, sign_ins: Vec<SignInId> },
}

/// A command that used up a number, and what its sender is told again.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    pub(super) device: Device,
    pub(super) n: CommandNumber,
    pub(super) command: Command,
    pub(super) outcome: Outcome,
}

impl Fact {
    pub(super) fn room(&self) -> RoomId {
        self.receipt.room
    }

    pub(super) fn user(&self) -> Option<UserId> {
        match &self.who {
            Who::Device(device, _) => Some(device.user),
            Who::Page { .. } | Who::User => None,
        }
    }

    fn is_said(&self) -> bool {
        matches!(self.what, What::Said(_))
    }

    /// The name that it gives to a room.
    fn title(&self) -> Option<&str> {
        match &self.what {
            What::Created { name, .. } => name.as_deref(),
            What::Renamed(name) => Some(name),
            _ => None,
        }
    }

    fn makes_a_member(&self, user: UserId) -> bool {
        match &self.what {
            What::Created { members, .. } => members.contains(&user),
            What::Joined(who) => *who == user,
            _ => false,
        }
    }

    fn ends_a_membership(&self, user: UserId) -> bool {
        matches!(&self.what, What::Left(who) | What::Removed(who) if *who == user)
    }
}

/// What the list knows of people.
impl List {
    pub(super) fn name(&self, user: UserId) -> Option<&str> {
        self.name_before(user, Position::MAX)
    }

    fn name_before(&self, user: UserId, position: Position) -> Option<&str> {
        self.facts.iter().rev().filter(|fact| fact.receipt.position < position).find_map(|fact| {
            match &fact.what {
                What::Named(who, name) if *who == user => Some(&**name),
                _ => None,
            }
        })
    }

    /// Everybody who has a name, in order.
    pub(super) fn named(&self) -> BTreeSet<UserId> {
        let named = self.facts.iter().filter_map(|fact| match fact.what {
            What::Named(who, _) => Some(who),
            _ => None,
        });
        named.collect()
    }

    /// Everybody whose name could be taken for this one.
    pub(super) fn called_like(&self, name: &str) -> BTreeSet<UserId> {
        let is_like = |user: &UserId| self.name(*user).is_some_and(|other| look_alike(name, other));
        self.named().into_iter().filter(is_like).collect()
    }

    pub(super) fn owner(&self) -> Option<UserId> {
        self.facts.iter().find_map(|fact| match fact.what {
            What::Owner(who) => Some(who),
            _ => None,
        })
    }
}

/// What the list knows of sign-ins.
impl List {
    /// Whether somebody ever had one.
    pub(super) fn was_signed_in(&self, user: UserId) -> bool {
        self.facts.iter().any(|fact| matches!(fact.what, What::SignedIn { user: who, .. } if who == user))
    }

    /// Those of somebody that last, the oldest first.
    pub(super) fn sign_ins(&self, user: UserId) -> Vec<SignIn> {
        let begun = self.facts.iter().filter_map(|fact| match &fact.what {
            What::SignedIn { user: who, token, method, label, .. } if *who == user => {
                let label = SignInLabel::from_stored(label);
                Some((fact, SignIn { token: *token, method: *method, label, since: fact.receipt.at }))
            }
            _ => None,
        });
        begun
            .filter(|(fact, sign_in)| !self.ends_after(fact, user, sign_in.token.id()))
            .map(|(_, it)| it)
            .collect()
    }

    fn ends_after(&self, begin: &Fact, user: UserId, id: SignInId) -> bool {
        let later = self.facts.iter().filter(|fact| fact.receipt.position > begin.receipt.position);
        later.into_iter().any(|fact| match &fact.what {
            What::SignedIn { user: who, ended, .. } => *who == user && *ended == Some(id),
            What::SignedOut { user: who, sign_ins } => *who == user && sign_ins.contains(&id),
            _ => false,
        })
    }
}

/// What the list knows of trust.
impl List {
    pub(super) fn trust(&self, user: UserId) -> Trust {
        if self.is_member_of_the_chat(user, Position::MAX) { Trust::Member } else { Trust::Guest }
    }

    /// Whether somebody owns the chat, or came into a private room whose creator was a member by then.
    fn is_member_of_the_chat(&self, user: UserId, before: Position) -> bool {
        self.facts.iter().filter(|fact| fact.receipt.position < before).any(|fact| match fact.what {
            What::Owner(who) => who == user,
            What::Joined(who) if who == user && self.kind(fact.room()) == RoomKind::Private => {
                let creator = self.creator(fact.room()).filter(|creator| *creator != user);
                creator.is_some_and(|creator| self.is_member_of_the_chat(creator, fact.receipt.position))
            }
            _ => false,
        })
    }
}

/// What the list knows of rooms.
impl List {
    /// Everything that happened in a room.
    pub(super) fn of(&self, room: RoomId) -> impl DoubleEndedIterator<Item = &Fact> {
        self.facts.iter().filter(move |fact| fact.room() == room)
    }

    /// The lobby and every room that was created.
    pub(super) fn rooms_ever(&self) -> BTreeSet<RoomId> {
        let is_creation = |fact: &&Fact| matches!(fact.what, What::Created { .. });
        let created = self.facts.iter().filter(is_creation).map(Fact::room);
        std::iter::once(RoomId::LOBBY).chain(created).collect()
    }

    /// A room is there as long as somebody is in it.
    pub(super) fn rooms(&self) -> BTreeSet<RoomId> {
        let is_there = |room: &RoomId| *room == RoomId::LOBBY || self.has_members(*room);
        self.rooms_ever().into_iter().filter(is_there).collect()
    }

    fn has_members(&self, room: RoomId) -> bool {
        self.of(room).any(|fact| match &fact.what {
            What::Created { members, .. } => members.iter().any(|user| self.since(*user, room).is_some()),
            What::Joined(user) => self.since(*user, room).is_some(),
            _ => false,
        })
    }

    pub(super) fn exists(&self, room: RoomId) -> bool {
        self.rooms().contains(&room)
    }

    pub(super) fn kind(&self, room: RoomId) -> RoomKind {
        let kind = self.of(room).find_map(|fact| match fact.what {
            What::Created { kind, .. } => Some(kind),
            _ => None,
        });
        kind.unwrap_or(RoomKind::Public)
    }

    /// What a room is called.
    pub(super) fn title(&self, room: RoomId) -> Option<&str> {
        let original = (room == RoomId::LOBBY).then_some("Lobby");
        self.of(room).rev().find_map(Fact::title).or(original)
    }

    pub(super) fn topic(&self, room: RoomId) -> &str {
        let topic = self.of(room).rev().find_map(|fact| match &fact.what {
            What::Created { topic, .. } | What::TopicSet(topic) => Some(&**topic),
            _ => None,
        });
        topic.unwrap_or_default()
    }

    /// The public rooms whose name could be taken for this one.
    pub(super) fn public_like(&self, name: &str) -> BTreeSet<RoomId> {
        let is_like = |room: &RoomId| self.title(*room).is_some_and(|title| look_alike(title, name));
        let is_public = |room: &RoomId| self.kind(*room) == RoomKind::Public;
        self.rooms().into_iter().filter(is_public).filter(is_like).collect()
    }

    /// The direct conversation of exactly these people that none of them has left.
    pub(super) fn direct(&self, people: &BTreeSet<UserId>) -> Option<RoomId> {
        self.directs_ever(people).find(|room| self.members(*room).len() == people.len())
    }

    /// Whether there ever was one.
    pub(super) fn had_direct(&self, people: &BTreeSet<UserId>) -> bool {
        self.directs_ever(people).next().is_some()
    }

    fn directs_ever(&self, people: &BTreeSet<UserId>) -> impl Iterator<Item = RoomId> {
        self.facts.iter().filter_map(move |fact| match &fact.what {
            What::Created { kind: RoomKind::Direct, members, .. } => {
                (members.iter().copied().collect::<BTreeSet<_>>() == *people).then_some(fact.room())
            }
            _ => None,
        })
    }

    /// What made somebody a member, if they still are one.
    pub(super) fn since(&self, user: UserId, room: RoomId) -> Option<&Fact> {
        let last = self.of(room).rev().find(|fact| fact.makes_a_member(user) || fact.ends_a_membership(user));
        last.filter(|fact| fact.makes_a_member(user))
    }

    /// Everybody is in the house and in the lobby.
    pub(super) fn is_member(&self, user: UserId, room: RoomId) -> bool {
        room == RoomId::HOUSE || room == RoomId::LOBBY || self.since(user, room).is_some()
    }

    /// The members of a room but the lobby.
    pub(super) fn members(&self, room: RoomId) -> BTreeSet<UserId> {
        let mut ever = BTreeSet::new();
        for fact in self.of(room) {
            match &fact.what {
                What::Created { members, .. } => ever.extend(members),
                What::Joined(user) => drop(ever.insert(*user)),
                _ => {}
            }
        }
        ever.into_iter().filter(|user| self.since(*user, room).is_some()).collect()
    }

    /// The rooms that somebody has come into by themselves, and is in.
    pub(super) fn joined_by_self(&self, user: UserId) -> usize {
        let is_own = |room: &RoomId| self.since(user, *room).and_then(Fact::user) == Some(user);
        self.joined(user).into_iter().filter(is_own).count()
    }

    /// The rooms that somebody is in, without the lobby.
    pub(super) fn joined(&self, user: UserId) -> BTreeSet<RoomId> {
        self.rooms().into_iter().filter(|room| self.since(user, *room).is_some()).collect()
    }

    /// Who created a room. A direct conversation has nobody for a host.
    pub(super) fn creator(&self, room: RoomId) -> Option<UserId> {
        let is_creation = |fact: &&Fact| match fact.what {
            What::Created { kind, .. } => kind != RoomKind::Direct,
            _ => false,
        };
        self.of(room).find(is_creation).and_then(Fact::user)
    }

    /// Who created a room and has never been away.
    pub(super) fn host(&self, room: RoomId) -> Option<UserId> {
        self.creator(room).filter(|user| !self.was_away(*user, room))
    }

    /// Whether somebody has left a room or was removed from it, at any time.
    pub(super) fn was_away(&self, user: UserId, room: RoomId) -> bool {
        self.of(room).any(|fact| fact.ends_a_membership(user))
    }

    /// Whether somebody was removed and not added since.
    pub(super) fn is_barred(&self, user: UserId, room: RoomId) -> bool {
        let about = |fact: &&Fact| fact.what == What::Removed(user) || fact.what == What::Joined(user);
        self.exists(room)
            && self.of(room).rev().find(about).is_some_and(|fact| fact.what == What::Removed(user))
    }

    /// How often somebody was removed: each time, the invites before it end.
    pub(super) fn removals(&self, room: RoomId) -> u64 {
        self.of(room).filter(|fact| matches!(fact.what, What::Removed(_))).count() as u64
    }

    /// The numbers after which somebody sees a room, and the position from which on. `None`: it does not exist for them.
    pub(super) fn sees(&self, user: UserId, room: RoomId) -> Option<(Position, Seq, Rev)> {
        if room != RoomId::HOUSE && !self.exists(room) {
            return None;
        }
        if room == RoomId::HOUSE || self.kind(room) == RoomKind::Public {
            return Some((Position(0), Seq(0), Rev(0)));
        }
        let Receipt { position, seq, rev, .. } = self.since(user, room)?.receipt;
        Some((position, seq, Rev(rev.0 - 1)))
    }

    /// How far somebody has read a room: never less than up to where they joined.
    pub(super) fn read(&self, user: UserId, room: RoomId) -> Seq {
        let reads = self.reads.iter().filter(|read| (read.0, read.1) == (user, room)).map(|read| read.2);
        let joined = self.since(user, room).map(|fact| fact.receipt.seq);
        reads.chain(joined).max().unwrap_or(Seq(0))
    }
}

/// What the list knows of messages.
impl List {
    pub(super) fn last_seq(&self, room: RoomId) -> Seq {
        Seq(self.of(room).filter(|fact| fact.is_said()).count() as u64)
    }

    pub(super) fn last_rev(&self, room: RoomId) -> Rev {
        Rev(self.of(room).count() as u64)
    }

    pub(super) fn message(&self, room: RoomId, seq: Seq) -> Option<&Fact> {
        self.of(room).find(|fact| fact.is_said() && fact.receipt.seq == seq)
    }

    pub(super) fn is_deleted(&self, room: RoomId, seq: Seq) -> bool {
        self.of(room).any(|fact| fact.what == What::Deleted(seq))
    }

    /// The edit that counts, deleted or not.
    pub(super) fn last_edit(&self, room: RoomId, seq: Seq) -> Option<&Fact> {
        self.of(room).rev().find(|fact| matches!(fact.what, What::Edited(of, _) if of == seq))
    }

    /// How many messages of others somebody has not read.
    pub(super) fn unread(&self, user: UserId, room: RoomId) -> usize {
        let after = self.read(user, room);
        let counts = |fact: &&Fact| {
            let seq = fact.receipt.seq;
            fact.is_said() && seq > after && fact.user() != Some(user) && !self.is_deleted(room, seq)
        };
        self.of(room).filter(counts).count()
    }

    fn body(&self, room: RoomId, seq: Seq, original: &str) -> Body {
        if self.is_deleted(room, seq) {
            return Body::Deleted;
        }
        match self.last_edit(room, seq).map(|edit| &edit.what) {
            Some(What::Edited(_, text)) => Body::Edited(Text::from_stored(text)),
            _ => Body::Original(Text::from_stored(original)),
        }
    }

    /// A fact as a log has to show it now.
    pub(super) fn entry(&self, fact: &Fact) -> Entry {
        let Receipt { position, room, seq, rev, at } = fact.receipt;
        let kind = match &fact.what {
            What::Said(text) => Kind::Message { body: self.body(room, seq, text) },
            What::Edited(of, text) => {
                let last = self.last_edit(room, *of).map(|edit| edit.receipt.position);
                let shows = last == Some(position) && !self.is_deleted(room, *of);
                Kind::Edited { seq: *of, text: shows.then(|| Text::from_stored(text)) }
            }
            What::Deleted(of) => Kind::Deleted { seq: *of },
            What::Created { kind, name, topic, members } => Kind::RoomCreated {
                kind: *kind,
                name: name.as_deref().map(RoomName::from_stored),
                topic: Topic::from_stored(topic),
                members: members.clone(),
            },
            What::Renamed(name) => Kind::RoomRenamed { name: RoomName::from_stored(name) },
            What::TopicSet(topic) => Kind::TopicSet { topic: Topic::from_stored(topic) },
            What::Joined(user) => Kind::Joined { user: *user },
            What::Left(user) => Kind::Left { user: *user },
            What::Removed(user) => Kind::Removed { user: *user },
            What::Named(user, name) => Kind::Named {
                user: *user,
                name: Nickname::from_stored(name),
                was: self.name_before(*user, position).map(Nickname::from_stored),
            },
            What::Owner(user) => Kind::Owner { user: *user },
            What::SignedIn { user, token, method, label, ended } => Kind::SignedIn {
                user: *user,
                token: *token,
                method: *method,
                label: SignInLabel::from_stored(label),
                ended: *ended,
            },
            What::SignedOut { user, sign_ins } => Kind::SignedOut { user: *user, sign_ins: sign_ins.clone() },
        };
        let author = match &fact.who {
            Who::Device(device, n) => Some(Author::Device { device: *device, n: *n }),
            Who::Page { lineage, .. } => lineage.map(Author::Lineage),
            Who::User => None,
        };
        Entry { position, room, seq, rev, at, author, kind }
    }

    /// Adds a fact, with the next numbers.
    pub(super) fn happens(&mut self, who: Who, room: RoomId, what: What, at: UnixMillis) -> Receipt {
        let said = u64::from(matches!(what, What::Said(_)));
        let receipt = Receipt {
            position: Position(self.facts.len() as u64 + 1),
            room,
            seq: Seq(self.last_seq(room).0 + said),
            rev: Rev(self.last_rev(room).0 + 1),
            at,
        };
        self.facts.push(Fact { receipt, who, what });
        receipt
    }

    /// The last number that a device has used up.
    pub(super) fn last_n(&self, device: Device) -> u64 {
        self.counted.iter().filter(|counted| counted.device == device).count() as u64
    }
}
