//! Decides who may create, change, join and leave rooms.
//!
//! Public rooms are open to everybody with a name. A private room is entered by those whom a member adds, or who have
//! an invitation. A direct conversation is for those for whom it was opened, until they leave. The lobby is everybody's: nobody leaves it, and only
//! an owner of the server changes it.

use crate::command::JoinBy;
use crate::entry::Kind;
use crate::ids::{RoomId, UserId};
use crate::name::{RoomName, Topic};
use crate::outcome::Refusal;
use crate::planted::{self, Bug};
use crate::room::{Room, RoomKind};
use crate::stats::LimitHit;
use crate::trust::Trust;

use super::{Person, Verdict, nothing};

/// The rules about rooms, for one person.
pub(super) struct Rooms<'a, 'p>(pub(super) &'p Person<'a>);

impl<'a> Rooms<'a, '_> {
    pub(super) fn create(&self, kind: RoomKind, name: &RoomName, topic: &Topic) -> Result<Verdict, Refusal> {
        let person = self.0;
        person.has_name()?;
        if kind == RoomKind::Direct {
            return Err(Refusal::Invalid);
        }
        self.is_free(name, kind, None)?;
        self.may_open_more()?;
        person.may_join_more()?;
        Ok(self.opened(kind, Some(name.clone()), topic.clone(), vec![person.user]))
    }

    pub(super) fn direct(&self, with: &[UserId]) -> Result<Verdict, Refusal> {
        let person = self.0;
        person.has_name()?;
        let mut members = with.to_vec();
        members.push(person.user);
        members.sort_unstable();
        members.dedup();
        if members.len() < 2 {
            return Err(Refusal::Invalid);
        }
        // Who has no name has never been here.
        if members.iter().any(|user| person.directory.name(*user).is_none()) {
            return Err(Refusal::NotFound);
        }
        if let Some(room) = person.directory.direct_between(&members) {
            return Ok(nothing(room));
        }
        if members.len() > person.limits.direct_members_max {
            return Err(person.bounds.reached(LimitHit::DirectMembers));
        }
        self.may_open_more()?;
        person.may_join_more()?;
        Ok(self.opened(RoomKind::Direct, None, Topic::default(), members))
    }

    pub(super) fn rename(&self, id: RoomId, name: &RoomName) -> Result<Verdict, Refusal> {
        let room = self.governed(id)?;
        if room.name.as_ref() == Some(name) {
            return Ok(nothing(id));
        }
        self.is_free(name, room.kind, Some(id))?;
        Ok(Verdict::Store { room: id, kind: Kind::RoomRenamed { name: name.clone() } })
    }

    /// Whether a room may have a name. Only public rooms need one of their own, but no room may be taken for the lobby, where
    /// everybody reads what is said.
    fn is_free(&self, name: &RoomName, kind: RoomKind, own: Option<RoomId>) -> Result<(), Refusal> {
        let mut others = self.0.directory.public_rooms_named(name).filter(|other| Some(*other) != own);
        let is_taken = others.any(|other| kind == RoomKind::Public || other == RoomId::LOBBY);
        if is_taken { Err(Refusal::NameTaken) } else { Ok(()) }
    }

    pub(super) fn set_topic(&self, id: RoomId, topic: &Topic) -> Result<Verdict, Refusal> {
        let room = self.governed(id)?;
        if room.topic == *topic {
            return Ok(nothing(id));
        }
        Ok(Verdict::Store { room: id, kind: Kind::TopicSet { topic: topic.clone() } })
    }

    pub(super) fn join(&self, id: RoomId, by: JoinBy) -> Result<Verdict, Refusal> {
        let person = self.0;
        let room = match by {
            JoinBy::Open => person.room(id)?,
            JoinBy::Invite(_) => person.directory.room(id).ok_or(Refusal::BadCode)?,
        };
        if person.directory.is_member(person.user, id) {
            return Ok(nothing(id));
        }
        match (room.kind, by) {
            (RoomKind::Direct, _) => return Err(Refusal::BadCode),
            (RoomKind::Private, JoinBy::Invite(generation)) if generation != room.invites => {
                return Err(Refusal::BadCode);
            }
            (RoomKind::Public | RoomKind::Private, _) => {}
        }
        person.has_name()?;
        if room.is_barred(person.user) && !planted::is(Bug::ForgetsWhoWasRemoved) {
            return Err(Refusal::Forbidden);
        }
        self.joined(id, room, person.user)
    }

    pub(super) fn leave(&self, id: RoomId) -> Result<Verdict, Refusal> {
        let user = self.0.user;
        self.0.room(id)?;
        if id == RoomId::LOBBY {
            return Err(Refusal::Forbidden);
        }
        if !self.0.directory.is_member(user, id) {
            return Ok(nothing(id));
        }
        Ok(Verdict::Store { room: id, kind: Kind::Left { user } })
    }

    pub(super) fn add(&self, id: RoomId, user: UserId) -> Result<Verdict, Refusal> {
        let room = self.with_changing_members(id)?;
        let directory = self.0.directory;
        let may_add = match room.kind {
            // Everybody who knows of it is a member.
            RoomKind::Private => !room.is_barred(user) || self.governs(room),
            RoomKind::Public | RoomKind::Direct => self.0.is_host(room),
        };
        if !may_add {
            return Err(Refusal::Forbidden);
        }
        directory.name(user).ok_or(Refusal::NotFound)?;
        if directory.is_member(user, id) {
            return Ok(nothing(id));
        }
        self.joined(id, room, user)
    }

    pub(super) fn remove(&self, id: RoomId, user: UserId) -> Result<Verdict, Refusal> {
        let room = self.with_changing_members(id)?;
        let is_host = self.0.is_host(room) || planted::is(Bug::LetsAnyHostRemove) && self.hosts_any();
        if !is_host || user == self.0.user {
            return Err(Refusal::Forbidden);
        }
        if !self.0.directory.is_member(user, id) {
            return Ok(nothing(id));
        }
        Ok(Verdict::Store { room: id, kind: Kind::Removed { user } })
    }

    /// The mistake [`Bug::LetsAnyHostRemove`].
    fn hosts_any(&self) -> bool {
        let Person { directory, user, .. } = *self.0;
        directory.rooms_of(user).any(|(_, room)| room.host == Some(user))
    }

    /// A room whose name and topic the person may change.
    fn governed(&self, id: RoomId) -> Result<&'a Room, Refusal> {
        let room = self.0.room(id)?;
        if self.governs(room) { Ok(room) } else { Err(Refusal::Forbidden) }
    }

    /// A private room that its host has left belongs to all who are in it, which is everybody who knows of it.
    fn governs(&self, room: &Room) -> bool {
        match room.kind {
            RoomKind::Public => self.0.is_host(room),
            RoomKind::Private if planted::is(Bug::LetsMembersGovern) => true,
            RoomKind::Private => room.host.is_none() || self.0.is_host(room),
            RoomKind::Direct => false,
        }
    }

    /// A room that people come into.
    fn with_changing_members(&self, id: RoomId) -> Result<&'a Room, Refusal> {
        let room = self.0.room(id)?;
        match room.kind {
            RoomKind::Direct => Err(Refusal::Forbidden),
            RoomKind::Public if id == RoomId::LOBBY => Err(Refusal::Forbidden),
            RoomKind::Public | RoomKind::Private => Ok(room),
        }
    }

    fn joined(&self, id: RoomId, room: &Room, user: UserId) -> Result<Verdict, Refusal> {
        self.0.may_have_more_members(room)?;
        if user == self.0.user {
            self.0.may_join_more()?;
        }
        Ok(Verdict::Store { room: id, kind: Kind::Joined { user } })
    }

    /// Guests, whom anybody can invent, never fill the table: a part of it is for those whom the chat knows.
    fn may_open_more(&self) -> Result<(), Refusal> {
        let Person { directory, limits, bounds, user } = *self.0;
        let count = directory.room_count();
        if count >= limits.rooms_max {
            return Err(bounds.reached(LimitHit::Rooms));
        }
        let is_guest = directory.trust(user) == Trust::Guest;
        if is_guest && count >= limits.rooms_for_guests() {
            return Err(bounds.reached(LimitHit::RoomsForGuests));
        }
        Ok(())
    }

    fn opened(&self, kind: RoomKind, name: Option<RoomName>, topic: Topic, members: Vec<UserId>) -> Verdict {
        let room = self.0.directory.next_room();
        Verdict::Store { room, kind: Kind::RoomCreated { kind, name, topic, members } }
    }
}
