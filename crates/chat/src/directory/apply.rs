//! What each kind of entry makes of the directory.
//!
//! Any entry can be applied to any directory: what speaks of a room that is not there changes nothing. So a damaged
//! or foreign log makes a poor directory, and no panic.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use super::{Directory, Present};
use crate::entry::{Author, Entry, Kind};
use crate::ids::{InviteGeneration, RoomId, UserId};
use crate::name::{Nickname, RoomName};
use crate::planted::{self, Bug};
use crate::pointer::ReadPointer;
use crate::room::{Membership, Room, RoomKind};
use crate::sign_in::SignInId;
use crate::signed_in::SignIn;
use crate::trust::Trust;

impl Directory {
    /// Goes on to the moment after `entry`. Entries are applied in the order of the log.
    pub fn apply(&mut self, entry: &Entry) {
        if entry.kind.is_of_directory() {
            Arc::make_mut(&mut self.0).apply(entry);
        }
        self.use_up(entry.room);
    }

    /// The number of a room is never given again, also if a later version has created the room by an entry that this one does
    /// not know.
    pub(super) fn use_up(&mut self, room: RoomId) {
        if self.0.last_room < room && room < RoomId::PERSONAL {
            Arc::make_mut(&mut self.0).last_room = room;
        }
    }

    /// Moves a pointer forward; it never goes back.
    pub fn move_pointer(&mut self, pointer: ReadPointer) {
        let ReadPointer { user, room, seq } = pointer;
        if self.0.pointers.get(&(user, room)).is_none_or(|before| *before < seq)
            || planted::is(Bug::MovesPointersBack)
        {
            Arc::make_mut(&mut self.0).pointers.insert((user, room), seq);
        }
    }
}

impl Present {
    fn apply(&mut self, entry: &Entry) {
        let id = entry.room;
        match &entry.kind {
            Kind::Message { .. }
            | Kind::Edited { .. }
            | Kind::Deleted { .. }
            | Kind::Unknown { .. }
            | Kind::Damaged { is_change: true } => {}
            Kind::Damaged { is_change: false } => self.doubt(id),
            Kind::RoomCreated { kind, name, topic, members } => {
                let room = Room {
                    kind: *kind,
                    name: name.clone(),
                    topic: topic.clone(),
                    host: host_of(*kind, entry.author),
                    creator: host_of(*kind, entry.author),
                    members: members.iter().map(|user| (*user, membership(entry, *user))).collect(),
                    barred: OrdSet::new(),
                    gone: OrdSet::new(),
                    invites: InviteGeneration::ZERO,
                };
                self.create(id, room);
            }
            Kind::RoomRenamed { name } => self.rename(id, name),
            Kind::TopicSet { topic } => self.change(id, |room| room.topic = topic.clone()),
            Kind::Joined { user } => {
                self.join(id, *user, membership(entry, *user));
                self.let_in(id, *user);
            }
            Kind::Left { user } => {
                self.leave(id, *user);
                self.end_if_empty(id);
            }
            Kind::Removed { user } => {
                self.leave(id, *user);
                self.bar(id, *user);
                self.end_if_empty(id);
            }
            Kind::Named { user, name, .. } => self.call(*user, name),
            Kind::Owner { user } => {
                self.owners.insert(*user);
            }
            Kind::SignedIn { user, token, method, label, ended } => {
                let sign_in =
                    SignIn { token: *token, method: *method, label: label.clone(), since: entry.at };
                self.sign_in(*user, sign_in);
                self.sign_out(*user, ended.as_slice());
            }
            Kind::SignedOut { user, sign_ins } => self.sign_out(*user, sign_ins),
        }
    }

    fn sign_in(&mut self, user: UserId, sign_in: SignIn) {
        Arc::make_mut(self.sign_ins.entry(user).or_default()).push(sign_in);
    }

    /// The person stays known: who has none left never gets a first one again.
    fn sign_out(&mut self, user: UserId, ended: &[SignInId]) {
        if ended.is_empty() {
            return;
        }
        if let Some(sign_ins) = self.sign_ins.get_mut(&user) {
            Arc::make_mut(sign_ins).retain(|sign_in| !ended.contains(&sign_in.token.id()));
        }
    }

    fn create(&mut self, id: RoomId, room: Room) {
        for user in room.members.keys() {
            self.joined.insert((*user, id));
        }
        match room.kind {
            RoomKind::Public => {
                self.public.insert(id);
                for skeleton in room.name.iter().flat_map(RoomName::skeletons) {
                    self.rooms_taken.entry(skeleton).or_insert(id);
                }
            }
            RoomKind::Private => {}
            RoomKind::Direct => {
                self.directs.insert(room.members.keys().copied().collect(), id);
            }
        }
        self.rooms.insert(id, Arc::new(room));
    }

    fn rename(&mut self, id: RoomId, name: &RoomName) {
        if self.public.contains(&id) {
            let before = self.rooms.get(&id).and_then(|room| room.name.clone());
            release(&mut self.rooms_taken, before.iter().flat_map(RoomName::skeletons), &id);
            for skeleton in name.skeletons() {
                self.rooms_taken.entry(skeleton).or_insert(id);
            }
        }
        self.change(id, |room| room.name = Some(name.clone()));
    }

    fn call(&mut self, user: UserId, name: &Nickname) {
        let before = self.names.insert(user, name.clone());
        release(&mut self.names_taken, before.iter().flat_map(Nickname::skeletons), &user);
        for skeleton in name.skeletons() {
            self.names_taken.entry(skeleton).or_insert(user);
        }
    }

    /// A room whose host leaves has none.
    fn leave(&mut self, id: RoomId, user: UserId) {
        self.part(id);
        self.joined.remove(&(user, id));
        self.change(id, |room| {
            if room.members.remove(&user).is_some() && room.kind == RoomKind::Direct {
                room.gone.insert(user);
            }
            room.host = room.host.filter(|host| *host != user);
        });
    }

    /// A direct conversation that somebody leaves is no longer the one of its people. If they want to talk again, they begin
    /// another.
    fn part(&mut self, id: RoomId) {
        let Some(room) = self.rooms.get(&id).filter(|room| room.kind == RoomKind::Direct) else { return };
        let people: Vec<_> = room.members.keys().copied().collect();
        if self.directs.get(&people) == Some(&id) {
            self.directs.remove(&people);
        }
    }

    /// Nobody can ever make the server keep a room that nobody is in. Its name is free again, and its number is not.
    fn end_if_empty(&mut self, id: RoomId) {
        let is_empty = |room: &Arc<Room>| room.members.is_empty();
        if id == RoomId::LOBBY || !self.rooms.get(&id).is_some_and(is_empty) {
            return;
        }
        let room = self.rooms.remove(&id);
        self.public.remove(&id);
        let name = room.as_ref().and_then(|room| room.name.as_ref());
        release(&mut self.rooms_taken, name.into_iter().flat_map(RoomName::skeletons), &id);
    }

    fn join(&mut self, id: RoomId, user: UserId, since: Membership) {
        if self.rooms.contains_key(&id) {
            self.joined.insert((user, id));
        }
        self.change(id, |room| {
            room.members.insert(user, since);
            room.barred.remove(&user);
        });
    }

    /// A private room is entered by those alone whom its people let in; its creator answers for them.
    fn let_in(&mut self, id: RoomId, user: UserId) {
        let Some(room) = self.rooms.get(&id).filter(|room| room.kind == RoomKind::Private) else { return };
        if room.creator.is_some_and(|creator| creator != user && self.trust(creator) >= Trust::Member) {
            self.let_in.insert(user);
        }
    }

    pub(super) fn trust(&self, user: UserId) -> Trust {
        let is_member = self.owners.contains(&user) || self.let_in.contains(&user);
        if is_member { Trust::Member } else { Trust::Guest }
    }

    /// A removed person could pass on an invite, so all existing invites become invalid.
    fn bar(&mut self, id: RoomId, user: UserId) {
        self.change(id, |room| {
            room.barred.insert(user);
            room.invites = room.invites.next();
        });
    }

    /// Somebody may have left the room, or been removed. Whoever may be in a public room loses nothing by that, and nothing is
    /// said between two people after one of them has left.
    fn doubt(&mut self, id: RoomId) {
        let is_doubtful = |room: &&Arc<Room>| match room.kind {
            RoomKind::Public => false,
            RoomKind::Private => true,
            RoomKind::Direct => room.count() > 2,
        };
        let Some(room) = self.rooms.get(&id).filter(is_doubtful).cloned() else { return };
        self.part(id);
        for user in room.members.keys().filter(|user| room.host != Some(**user)) {
            self.joined.remove(&(*user, id));
        }
        self.change(id, |room| {
            room.members = room
                .members
                .iter()
                .filter(|(user, _)| room.host == Some(**user))
                .map(|(user, since)| (*user, *since))
                .collect();
            room.invites = room.invites.next();
        });
    }

    fn change(&mut self, id: RoomId, change: impl FnOnce(&mut Room)) {
        if let Some(room) = self.rooms.get_mut(&id) {
            change(Arc::make_mut(room));
        }
    }
}

fn membership(entry: &Entry, user: UserId) -> Membership {
    let by_self = entry.author.and_then(Author::user) == Some(user);
    Membership { since: entry.position, seq: entry.seq, rev: entry.rev, by_self }
}

fn host_of(kind: RoomKind, author: Option<Author>) -> Option<UserId> {
    match kind {
        RoomKind::Public | RoomKind::Private => author.and_then(Author::user),
        RoomKind::Direct => None,
    }
}

/// Gives names free that `holder` had.
fn release<K: Ord + Clone, V: PartialEq + Clone>(
    taken: &mut OrdMap<K, V>,
    keys: impl Iterator<Item = K>,
    holder: &V,
) {
    for key in keys {
        if taken.get(&key) == Some(holder) {
            taken.remove(&key);
        }
    }
}
