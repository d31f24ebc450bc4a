//! Permissions, uniqueness and limits, checked in this order.
//!
//! Pure: the directory and the message in question are arguments. To somebody who may not know of a room, every answer
//! about it is the one about a room that does not exist.

mod rooms;
mod sign_ins;

use std::cell::RefCell;

use crate::command::Command;
use crate::directory::Directory;
use crate::entry::{Author, Body, Entry, Kind};
use crate::ids::{RoomId, Seq, UserId};
use crate::log::Standing;
use crate::name::Nickname;
use crate::outcome::Refusal;
use crate::planted::{self, Bug};
use crate::room::{Room, RoomKind};
use crate::spent::SpentOn;
use crate::stats::LimitHit;
use crate::text::Text;

use super::Limits;
use rooms::Rooms;

pub(super) use sign_ins::judge_sign_in;

/// What becomes of a command that was never seen before.
#[derive(Debug)]
pub(super) enum Verdict {
    Store { room: RoomId, kind: Kind },
    Spend(SpentOn),
}

impl From<Refusal> for Verdict {
    fn from(refusal: Refusal) -> Self {
        Self::Spend(SpentOn::Refusal(refusal))
    }
}

impl Verdict {
    /// Nothing is stored for somebody who has used up their quota.
    pub(super) fn within(self, over_quota: Option<Refusal>) -> Self {
        match (self, over_quota) {
            (Self::Store { .. }, Some(refusal)) => refusal.into(),
            (verdict, _) => verdict,
        }
    }
}

/// There is nothing to do.
fn nothing(room: RoomId) -> Verdict {
    Verdict::Spend(SpentOn::Nothing { room })
}

/// Judges a command of a tutorial client, which may speak only in the lobby.
pub(super) fn judge_page(limits: &Limits, command: &Command) -> Verdict {
    match command {
        Command::Say { text, .. } if text.len() > limits.text_bytes_max => Refusal::TooLarge.into(),
        Command::Say { room: RoomId::LOBBY, text } => {
            Verdict::Store { room: RoomId::LOBBY, kind: Kind::message(text.clone()) }
        }
        Command::Say { .. } => Refusal::NotFound.into(),
        Command::Rejected { why, .. } => (*why).into(),
        Command::Skip => Verdict::Spend(SpentOn::Skip),
        Command::Edit { .. }
        | Command::Delete { .. }
        | Command::Create { .. }
        | Command::Direct { .. }
        | Command::Rename { .. }
        | Command::SetTopic { .. }
        | Command::Join { .. }
        | Command::Leave { .. }
        | Command::Add { .. }
        | Command::Remove { .. }
        | Command::Name { .. }
        | Command::Claim
        | Command::SignIn { .. }
        | Command::SignOut { .. }
        | Command::Read { .. } => Refusal::Forbidden.into(),
    }
}

/// Judges a command of a person. `standing` is the message that the command is about.
pub(super) fn judge(
    directory: &Directory,
    bounds: Bounds<'_>,
    user: UserId,
    command: &Command,
    standing: Option<&Standing>,
) -> Verdict {
    let person = Person { directory, limits: bounds.limits, bounds, user };
    let rooms = Rooms(&person);
    let verdict = match command {
        Command::Say { room, text } => person.say(*room, text),
        Command::Edit { room, seq, text } => person.edit(*room, *seq, text, standing),
        Command::Delete { room, seq } => person.delete(*room, *seq, standing),
        Command::Create { kind, name, topic } => rooms.create(*kind, name, topic),
        Command::Direct { with } => rooms.direct(with),
        Command::Rename { room, name } => rooms.rename(*room, name),
        Command::SetTopic { room, topic } => rooms.set_topic(*room, topic),
        Command::Join { room, by } => rooms.join(*room, *by),
        Command::Leave { room } => rooms.leave(*room),
        Command::Add { room, user } => rooms.add(*room, *user),
        Command::Remove { room, user } => rooms.remove(*room, *user),
        Command::Name { name } => person.be_called(name),
        Command::Claim => person.claim(),
        Command::SignOut { of } => Ok(person.sign_out(*of)),
        // They have no number.
        Command::SignIn { .. } | Command::Read { .. } => Err(Refusal::Invalid),
        Command::Rejected { why, .. } => Err(*why),
        Command::Skip => Ok(Verdict::Spend(SpentOn::Skip)),
    };
    verdict.unwrap_or_else(Verdict::from)
}

/// Judges [`Command::Read`], which has no number: members may move their read pointer.
pub(super) fn judge_reading(
    directory: &Directory,
    user: UserId,
    command: &Command,
) -> Result<(RoomId, Seq), Refusal> {
    let Command::Read { room, seq } = command else { return Err(Refusal::Invalid) };
    if directory.room(*room).is_none() || directory.visibility(user, *room).is_none() {
        return Err(Refusal::NotFound);
    }
    if directory.is_member(user, *room) { Ok((*room, *seq)) } else { Err(Refusal::Forbidden) }
}

/// The limits, and those of them for which commands were refused.
#[derive(Clone, Copy)]
pub(super) struct Bounds<'a> {
    pub(super) limits: &'a Limits,
    pub(super) hit: &'a RefCell<Vec<LimitHit>>,
}

impl Bounds<'_> {
    /// A command is refused because of this bound.
    fn reached(self, which: LimitHit) -> Refusal {
        self.hit.borrow_mut().push(which);
        Refusal::Limit
    }
}

/// The person who sent the command.
struct Person<'a> {
    directory: &'a Directory,
    limits: &'a Limits,
    bounds: Bounds<'a>,
    user: UserId,
}

impl<'a> Person<'a> {
    /// A room that the person may know of.
    fn room(&self, room: RoomId) -> Result<&'a Room, Refusal> {
        self.directory.visibility(self.user, room).ok_or(Refusal::NotFound)?;
        self.directory.room(room).ok_or(Refusal::NotFound)
    }

    fn has_name(&self) -> Result<(), Refusal> {
        self.directory.name(self.user).map(drop).ok_or(Refusal::NameRequired)
    }

    fn is_member(&self, room: RoomId) -> Result<(), Refusal> {
        if self.directory.is_member(self.user, room) { Ok(()) } else { Err(Refusal::Forbidden) }
    }

    /// Host of the room or owner of the server.
    fn is_host(&self, room: &Room) -> bool {
        room.host == Some(self.user) || self.directory.is_owner(self.user)
    }

    fn fits(&self, text: &Text) -> Result<(), Refusal> {
        if text.len() > self.limits.text_bytes_max { Err(Refusal::TooLarge) } else { Ok(()) }
    }

    fn say(&self, id: RoomId, text: &Text) -> Result<Verdict, Refusal> {
        let room = self.room(id)?;
        self.is_member(id)?;
        // Everybody else has left, and nobody would ever read it.
        if room.kind == RoomKind::Direct && room.count() < 2 {
            return Err(Refusal::Forbidden);
        }
        self.fits(text)?;
        Ok(Verdict::Store { room: id, kind: Kind::message(text.clone()) })
    }

    fn edit(
        &self,
        room: RoomId,
        seq: Seq,
        text: &Text,
        standing: Option<&Standing>,
    ) -> Result<Verdict, Refusal> {
        let (message, body) = self.message(room, seq, standing)?;
        if *body == Body::Damaged {
            return Err(Refusal::Damaged);
        }
        let is_own = message.author.and_then(Author::user) == Some(self.user);
        if !is_own && !planted::is(Bug::LetsMembersEditAll) {
            return Err(Refusal::Forbidden);
        }
        self.is_member(room)?;
        if *body == Body::Deleted {
            return Err(Refusal::NotFound);
        }
        self.fits(text)?;
        Ok(Verdict::Store { room, kind: Kind::Edited { seq, text: Some(text.clone()) } })
    }

    fn delete(&self, room: RoomId, seq: Seq, standing: Option<&Standing>) -> Result<Verdict, Refusal> {
        let (message, body) = self.message(room, seq, standing)?;
        if *body == Body::Damaged {
            return Err(Refusal::Damaged);
        }
        if !self.is_host(self.room(room)?) {
            if message.author.and_then(Author::user) != Some(self.user) {
                return Err(Refusal::Forbidden);
            }
            self.is_member(room)?;
        }
        if *body == Body::Deleted {
            return Ok(nothing(room));
        }
        Ok(Verdict::Store { room, kind: Kind::Deleted { seq } })
    }

    /// A message that the person may see.
    fn message<'m>(
        &self,
        room: RoomId,
        seq: Seq,
        standing: Option<&'m Standing>,
    ) -> Result<(&'m Entry, &'m Body), Refusal> {
        self.room(room)?;
        let visibility = self.directory.visibility(self.user, room).ok_or(Refusal::NotFound)?;
        let message = &standing.ok_or(Refusal::NotFound)?.message;
        let Kind::Message { body } = &message.kind else { return Err(Refusal::NotFound) };
        if seq > visibility.seq { Ok((message, body)) } else { Err(Refusal::NotFound) }
    }

    fn be_called(&self, name: &Nickname) -> Result<Verdict, Refusal> {
        let was = self.directory.name(self.user);
        if was == Some(name) {
            return Ok(nothing(RoomId::HOUSE));
        }
        if self.directory.holders(name).any(|holder| holder != self.user) {
            return Err(Refusal::NameTaken);
        }
        let kind = Kind::Named { user: self.user, name: name.clone(), was: was.cloned() };
        Ok(Verdict::Store { room: RoomId::HOUSE, kind })
    }

    /// The code works for the first person who uses it.
    fn claim(&self) -> Result<Verdict, Refusal> {
        if self.directory.is_owner(self.user) {
            return Ok(nothing(RoomId::HOUSE));
        }
        if self.directory.has_owner() {
            return Err(Refusal::BadCode);
        }
        Ok(Verdict::Store { room: RoomId::HOUSE, kind: Kind::Owner { user: self.user } })
    }

    /// Whether the person may join one more room. Rooms that others have brought them into do not count.
    fn may_join_more(&self) -> Result<(), Refusal> {
        let joined = self.directory.joined_by_self(self.user);
        if joined < self.limits.rooms_joined_max {
            Ok(())
        } else {
            Err(self.bounds.reached(LimitHit::RoomsJoined))
        }
    }

    fn may_have_more_members(&self, room: &Room) -> Result<(), Refusal> {
        match room.kind {
            RoomKind::Private if room.count() >= self.limits.private_members_max => {
                Err(self.bounds.reached(LimitHit::PrivateMembers))
            }
            RoomKind::Public | RoomKind::Private | RoomKind::Direct => Ok(()),
        }
    }
}
