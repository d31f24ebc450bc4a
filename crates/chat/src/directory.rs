//! [`Directory`]: people and their names, rooms and their members, and what everybody has read.
//!
//! It is the sum of the log's entries and changes only by [`apply`](Directory::apply), so it can be rebuilt at any time. A
//! clone costs one reference. Decisions work on a clone; it becomes the current directory when its batch is durable, and is
//! dropped if the batch is rolled back. Decides nothing: permissions are checked in `decide`.

mod apply;
mod handle;

use std::ops::Bound;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use crate::entry::Kind;
use crate::ids::{InviteGeneration, RoomId, Seq, UserId};
use crate::log::{Log, ReadError};
use crate::name::{Nickname, RoomName, Skeleton, Topic};
use crate::planted::{self, Bug};
use crate::room::{Room, RoomKind, Visibility};
use crate::sign_in::TokenHash;
use crate::signed_in::SignIn;
use crate::trust::Trust;

pub use handle::{DirectoryHandle, Snapshot};

/// People and rooms at one moment of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory(Arc<Present>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Present {
    names: OrdMap<UserId, Nickname>,
    names_taken: OrdMap<Skeleton, UserId>,
    owners: OrdSet<UserId>,
    /// Whom a member has let into a private room.
    let_in: OrdSet<UserId>,
    rooms: OrdMap<RoomId, Arc<Room>>,
    /// The skeletons of public rooms.
    rooms_taken: OrdMap<Skeleton, RoomId>,
    public: OrdSet<RoomId>,
    joined: OrdSet<(UserId, RoomId)>,
    /// By their members, in order.
    directs: OrdMap<Vec<UserId>, RoomId>,
    pointers: OrdMap<(UserId, RoomId), Seq>,
    /// The sign-ins that last, of everybody who ever had one.
    sign_ins: OrdMap<UserId, Arc<Vec<SignIn>>>,
    last_room: RoomId,
}

impl Default for Directory {
    /// The directory of an empty log: the lobby, and no people.
    fn default() -> Self {
        let name = RoomName::from_stored("Lobby");
        let taken = name.skeletons().into_iter().map(|skeleton| (skeleton, RoomId::LOBBY)).collect();
        let lobby = Room {
            kind: RoomKind::Public,
            name: Some(name),
            topic: Topic::default(),
            host: None,
            creator: None,
            members: OrdMap::new(),
            barred: OrdSet::new(),
            gone: OrdSet::new(),
            invites: InviteGeneration::ZERO,
        };
        Self(Arc::new(Present {
            names: OrdMap::new(),
            names_taken: OrdMap::new(),
            owners: OrdSet::new(),
            let_in: OrdSet::new(),
            rooms: OrdMap::unit(RoomId::LOBBY, Arc::new(lobby)),
            rooms_taken: taken,
            public: OrdSet::unit(RoomId::LOBBY),
            joined: OrdSet::new(),
            directs: OrdMap::new(),
            pointers: OrdMap::new(),
            sign_ins: OrdMap::new(),
            last_room: RoomId::LOBBY,
        }))
    }
}

impl Directory {
    /// The directory of what stands in the log.
    pub fn load(log: &mut (impl Log + ?Sized)) -> Result<Self, ReadError> {
        let mut directory = Self::default();
        for entry in log.directory()? {
            if matches!(entry.kind, Kind::SignedOut { .. }) && planted::is(Bug::ForgetsSignOuts) {
                continue;
            }
            directory.apply(&entry);
        }
        for (room, _) in log.rooms()? {
            directory.use_up(room);
        }
        for pointer in log.pointers()? {
            directory.move_pointer(pointer);
        }
        Ok(directory)
    }

    /// What somebody is called, if they have said so.
    pub fn name(&self, user: UserId) -> Option<&Nickname> {
        self.0.names.get(&user)
    }

    /// How many people have a name.
    pub fn named_count(&self) -> usize {
        self.0.names.len()
    }

    /// The people with a name and a higher id, in order.
    pub fn named(&self, after: Option<UserId>) -> impl Iterator<Item = (UserId, &Nickname)> + '_ {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.0.names.range((after, Bound::Unbounded)).map(|(user, name)| (*user, name))
    }

    /// The people with this name, or one that looks alike.
    pub fn holders(&self, name: &Nickname) -> impl Iterator<Item = UserId> + '_ {
        name.skeletons().into_iter().filter_map(|skeleton| self.0.names_taken.get(&skeleton).copied())
    }

    /// Whether somebody is an owner of the server.
    pub fn is_owner(&self, user: UserId) -> bool {
        self.0.owners.contains(&user)
    }

    /// The owners of the server; nobody before the first one has opened the link.
    pub fn owners(&self) -> impl Iterator<Item = UserId> + '_ {
        self.0.owners.iter().copied()
    }

    /// Whether the server has an owner.
    pub fn has_owner(&self) -> bool {
        !self.0.owners.is_empty()
    }

    /// How far somebody is known.
    pub fn trust(&self, user: UserId) -> Trust {
        self.0.trust(user)
    }

    /// Whether two people are in a private room or a direct conversation together.
    pub fn are_in_touch(&self, one: UserId, other: UserId) -> bool {
        let closed = self.rooms_of(one).filter(|(_, room)| room.kind != RoomKind::Public);
        closed.map(|(_, room)| room).any(|room| room.membership(other).is_some())
    }

    /// A room, without a check of who may see it. For that, see [`visibility`](Self::visibility).
    pub fn room(&self, room: RoomId) -> Option<&Room> {
        self.0.rooms.get(&room).map(|room| &**room)
    }

    /// How many rooms there are, of all kinds.
    pub fn room_count(&self) -> usize {
        self.0.rooms.len()
    }

    /// The public rooms with a higher id, in order.
    pub fn public_rooms(&self, after: Option<RoomId>) -> impl Iterator<Item = (RoomId, &Room)> + '_ {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let public = self.0.public.range((after, Bound::Unbounded));
        public.filter_map(|id| self.room(*id).map(|room| (*id, room)))
    }

    /// The public rooms of that name, or of one that could be taken for it.
    pub fn public_rooms_named(&self, name: &RoomName) -> impl Iterator<Item = RoomId> + '_ {
        name.skeletons().into_iter().filter_map(|skeleton| self.0.rooms_taken.get(&skeleton).copied())
    }

    /// The direct conversation of exactly these people, in any order, unless one of them has left it.
    pub fn direct_between(&self, people: &[UserId]) -> Option<RoomId> {
        let mut people = people.to_vec();
        people.sort_unstable();
        people.dedup();
        self.0.directs.get(&people).copied()
    }

    /// Whether somebody is a member. Everybody is in the house and in the lobby.
    pub fn is_member(&self, user: UserId, room: RoomId) -> bool {
        matches!(room, RoomId::HOUSE | RoomId::LOBBY) || self.0.joined.contains(&(user, room))
    }

    /// What somebody may read of a room. `None`: nothing, and not even that it exists.
    pub fn visibility(&self, user: UserId, room: RoomId) -> Option<Visibility> {
        if room == RoomId::HOUSE {
            return Some(Visibility::ALL);
        }
        let room = self.room(room)?;
        match room.kind {
            RoomKind::Public => Some(Visibility::ALL),
            RoomKind::Private | RoomKind::Direct => room.membership(user).map(Visibility::from_joining),
        }
    }

    /// The rooms that somebody is a member of, in order, the lobby among them.
    pub fn rooms_of(&self, user: UserId) -> impl Iterator<Item = (RoomId, &Room)> + '_ {
        let joined = self.joined(user);
        std::iter::once(RoomId::LOBBY).chain(joined).filter_map(|id| self.room(id).map(|room| (id, room)))
    }

    /// The members of a room with a higher id, in order: in the lobby, everybody with a name.
    pub fn members(&self, room: RoomId, after: Option<UserId>) -> Box<dyn Iterator<Item = UserId> + '_> {
        if room == RoomId::LOBBY {
            return Box::new(self.named(after).map(|(user, _)| user));
        }
        match self.room(room) {
            Some(room) => Box::new(room.members(after).map(|(user, _)| user)),
            None => Box::new(std::iter::empty()),
        }
    }

    /// How many there are of them.
    pub fn member_count(&self, room: RoomId) -> usize {
        if room == RoomId::LOBBY { self.named_count() } else { self.room(room).map_or(0, Room::count) }
    }

    /// How far somebody has read a room: at least up to where they joined.
    pub fn read(&self, user: UserId, room: RoomId) -> Seq {
        let pointer = self.0.pointers.get(&(user, room)).copied().unwrap_or_default();
        let joined =
            self.room(room).and_then(|room| room.membership(user)).map_or(Seq::ZERO, |since| since.seq);
        pointer.max(joined)
    }

    /// The sign-ins of somebody that last, the oldest first. `None` if they never had one.
    pub fn sign_ins(&self, user: UserId) -> Option<&[SignIn]> {
        self.0.sign_ins.get(&user).map(|sign_ins| &sign_ins[..])
    }

    /// The sign-in of somebody with this token, if it lasts.
    pub fn sign_in(&self, user: UserId, token: TokenHash) -> Option<&SignIn> {
        self.sign_ins(user)?.iter().fold(None, |found, sign_in| {
            // All are looked at, so that the time says nothing.
            if sign_in.token.is(token) { Some(sign_in) } else { found }
        })
    }

    /// How many rooms somebody has joined or opened by themselves, without the lobby.
    pub(crate) fn joined_by_self(&self, user: UserId) -> usize {
        let memberships = self.joined(user).filter_map(|id| self.room(id)?.membership(user));
        memberships.filter(|membership| membership.by_self).count()
    }

    /// Rooms joined, without the lobby.
    fn joined(&self, user: UserId) -> impl Iterator<Item = RoomId> + '_ {
        self.0.joined.range((user, RoomId(0))..=(user, RoomId(u64::MAX))).map(|(_, room)| *room)
    }

    /// The id of the next room.
    pub(crate) fn next_room(&self) -> RoomId {
        RoomId(self.0.last_room.0 + 1)
    }
}
