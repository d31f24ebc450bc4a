//! [`Meaning`]: what a code leads to, told before somebody uses it.
//!
//! Asking uses nothing up. A code that is forged, used, expired, of another server or not for this person always gets
//! the same answer, which helps nobody who guesses.

use chat::{Directory, RoomId, RoomKind, UserId};
use serde::Serialize;

use super::ack::RequestError;
use super::code::Code;
use super::edge::Edge;
use super::identity::Invite;
use super::view::Person;

/// The answer to `code`.
#[derive(Debug, Serialize)]
pub(super) struct Meaning<'a> {
    ok: bool,
    #[serde(flatten)]
    leads: Leads<'a>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Leads<'a> {
    /// Makes a device one of this person's.
    Link { who: Person<'a> },
    /// Makes its bearer the owner.
    Setup,
    /// Lets its bearer into a room.
    Invite {
        room: u64,
        name: &'a str,
        members: usize,
        joined: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<Person<'a>>,
    },
}

impl<'a> Meaning<'a> {
    /// What `code` would do for `asker`.
    pub(super) fn of(
        edge: &Edge,
        directory: &'a Directory,
        asker: UserId,
        code: &str,
    ) -> Result<Self, RequestError> {
        let signer = &edge.parts.signer;
        let leads = if let Some(user) = Code::parse(code).and_then(|code| edge.owner_of_link(&code)) {
            Some(Leads::Link { who: Person::of(directory, user) })
        } else if signer.is_setup_code(code) {
            (!directory.has_owner()).then_some(Leads::Setup)
        } else {
            signer.invited(code).and_then(|invite| invitation(directory, asker, invite))
        };
        Ok(Self { ok: true, leads: leads.ok_or(RequestError::BadCode)? })
    }

    /// The room that the answer tells of.
    pub(super) fn room(&self) -> Option<RoomId> {
        match &self.leads {
            Leads::Invite { room, .. } => Some(RoomId(*room)),
            Leads::Link { .. } | Leads::Setup => None,
        }
    }
}

/// As `join` would judge it.
fn invitation(directory: &Directory, asker: UserId, invite: Invite) -> Option<Leads<'_>> {
    let Invite { room: id, generation, by } = invite;
    let room = directory.room(id)?;
    let joined = directory.is_member(asker, id);
    let is_open = match room.kind() {
        RoomKind::Public => !room.is_barred(asker),
        RoomKind::Private => generation == room.invites() && !room.is_barred(asker),
        RoomKind::Direct => false,
    };
    (joined || is_open).then(|| Leads::Invite {
        room: id.0,
        name: room.name().map_or("", |name| name),
        members: directory.member_count(id),
        joined,
        from: by.map(|user| Person::of(directory, user)),
    })
}
