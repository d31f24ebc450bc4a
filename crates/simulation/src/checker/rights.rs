//! Holds the log and the events against the tables of docs/permissions.md, which the test of the real server reads as
//! well: who may do what, and who gets what.
//!
//! It judges what was done. A refused command has no place in the log, so nobody knows who its sender was then.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::members::{
    BACK, HOST, MEMBER, Members, OWNER, OWNER_IN_IT, REMOVED, RoomKind, STRANGER, TUTORIAL,
};
use super::{Court, Invariant};
use crate::record::{LOBBY, Sender, Stored, What};

const PAGE: &str = include_str!("../../../../docs/permissions.md");

/// The ways in. The log does not tell which of them somebody took.
const JOINS: [&str; 3] = ["`join`", "`join` with an invite", "`join` with an invite from before a removal"];

static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables::read(PAGE));

/// The cells, by heading, row and role.
struct Tables(HashMap<(&'static str, &'static str, &'static str), &'static str>);

impl Tables {
    fn read(page: &'static str) -> Self {
        let mut cells = HashMap::new();
        let (mut heading, mut roles) = ("", Vec::new());
        for line in page.lines() {
            if line.starts_with('#') {
                (heading, roles) = (line.trim_start_matches('#').trim(), Vec::new());
            }
            let Some(row) = line.strip_prefix("| ").and_then(|line| line.strip_suffix('|')) else { continue };
            let mut row = row.split('|').map(str::trim);
            let Some(name) = row.next() else { continue };
            if name.is_empty() {
                roles = row.collect();
            } else {
                let roles = roles.iter().copied();
                cells.extend(roles.zip(row).map(|(role, cell)| ((heading, name, role), cell)));
            }
        }
        Self(cells)
    }

    fn cell(&self, heading: &'static str, row: &'static str, role: &'static str) -> Option<&'static str> {
        self.0.get(&(heading, row, role)).copied()
    }
}

/// Whether everybody may have the answer to a request about a room.
pub(super) fn is_open(members: &Members<'_>, room: u64, request: &'static str) -> bool {
    room <= LOBBY || TABLES.cell(heading(members.kind(room)), request, STRANGER) == Some("yes")
}

/// Whether everybody is told of an entry.
pub(super) fn is_told_to_all(members: &Members<'_>, entry: &Stored) -> bool {
    entry.room <= LOBBY
        || TABLES.cell(heading_of_events(members.kind(entry.room)), row_of(entry), STRANGER) == Some("yes")
}

/// Whether the page says that somebody is not told of an entry.
pub(super) fn is_kept_from(members: &Members<'_>, user: u64, entry: &Stored, position: u64) -> bool {
    let is_concerned = match &entry.what {
        What::Joined(who) | What::Left(who) => *who == user && entry.event != "left",
        What::Message
        | What::Changed { .. }
        | What::Opened { .. }
        | What::SignedIn { .. }
        | What::SignedOut { .. }
        | What::Other => false,
    };
    let is_own = entry.sender.as_ref().is_some_and(|sender| sender.user == user);
    let role = match &entry.what {
        _ if is_concerned => "concerned",
        _ if is_own => "own device",
        What::Opened { members, .. } if members.contains(&user) => MEMBER,
        _ => members.role(user, entry.room, position),
    };
    TABLES.cell(heading_of_events(members.kind(entry.room)), row_of(entry), role) == Some("no")
}

fn heading(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Lobby => "The lobby",
        RoomKind::Public => "Public rooms",
        RoomKind::Private => "Private rooms",
        RoomKind::Direct => "Direct conversations",
    }
}

fn heading_of_events(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Lobby => "Events of the lobby, and about no room",
        RoomKind::Public => "Events of public rooms",
        RoomKind::Private => "Events of private rooms",
        RoomKind::Direct => "Events of direct conversations",
    }
}

fn row_of(entry: &Stored) -> &'static str {
    match entry.event {
        "edited" => "`edited`",
        "deleted" => "`deleted`",
        "room created" => "`room created`",
        "room renamed" => "`room renamed`",
        "topic" => "`topic`",
        "joined" => "`joined`",
        "removed" => "`removed`",
        "left" => "`left`",
        "named" => "`named`",
        "owner" => "`owner`",
        // `unknown` goes to those who get a message of the room.
        _ => "`message`",
    }
}

impl<'a> Court<'a> {
    /// Checks that everybody was permitted to do what they did.
    pub(super) fn check_rights(&mut self, generation: usize, members: &Members<'a>) {
        let Some(truth) = self.record.generations.get(generation) else { return };
        for (entry, position) in truth.log.iter().zip(1_u64..) {
            let is_permitted = match &entry.sender {
                Some(sender) => may_do(members, sender, entry, position),
                None if entry.what == What::Message => {
                    TABLES.cell(heading(members.kind(entry.room)), "`say`", TUTORIAL) == Some("yes")
                }
                None => true,
            };
            if !is_permitted {
                let Stored { event, room, sender, .. } = entry;
                let user = sender.as_ref().map_or(0, |sender| sender.user);
                let role = members.role(user, *room, position);
                let detail = format!("{user:016x}, {role}: {event} in room {room} at {position}");
                self.object(Invariant::Permitted, detail);
            }
        }
    }
}

fn may_do(members: &Members<'_>, sender: &Sender, entry: &Stored, position: u64) -> bool {
    let (user, room) = (sender.user, entry.room);
    let deed = Deed { members, user, room, position };
    match (entry.event, &entry.what) {
        (_, What::Message) => deed.is(&["`say`"]),
        (event, What::Changed { seq }) => deed.changes(event, *seq),
        (_, What::Opened { is_public, members }) => deed.opens(*is_public, members.len()),
        (_, What::Joined(who)) if *who == user => deed.is(&JOINS),
        (_, What::Joined(who)) if members.role(*who, room, position) == REMOVED => {
            deed.is(&["`add` a removed person"])
        }
        (_, What::Joined(_)) => deed.is(&["`add` a person"]),
        ("left", What::Left(who)) => *who == user && deed.is(&["`leave`"]),
        (_, What::Left(who)) if *who == user => deed.is(&["`remove` oneself"]),
        (_, What::Left(_)) => deed.is(&["`remove` a member"]),
        ("room renamed", What::Other) => deed.is(&["`rename`"]),
        ("topic", What::Other) => deed.is(&["`set topic`"]),
        (_, What::SignedIn { user: who, .. } | What::SignedOut { user: who, .. }) => *who == user,
        // Names are free, and an owner had the code. What a later version knows is judged there.
        (_, What::Other) => true,
    }
}

/// What somebody did in a room.
struct Deed<'a> {
    members: &'a Members<'a>,
    user: u64,
    room: u64,
    position: u64,
}

impl Deed<'_> {
    /// Whether one of these rows permits it.
    fn is(&self, rows: &[&'static str]) -> bool {
        let role = self.members.role(self.user, self.room, self.position);
        rows.iter().any(|row| self.cell(row, role) == Some("yes"))
    }

    /// In a room that the host has left, the table for that is asked first.
    fn cell(&self, row: &'static str, role: &'static str) -> Option<&'static str> {
        let Self { members, user, room, position } = *self;
        let kind = members.kind(room);
        let without_host = match kind {
            _ if members.has_host(room, position) => None,
            RoomKind::Public => Some("Public rooms that the host has left"),
            RoomKind::Private => Some("Private rooms that the host has left"),
            RoomKind::Lobby | RoomKind::Direct => None,
        };
        let role_there = match role {
            MEMBER | BACK if members.created(user, room) => HOST,
            MEMBER | BACK => MEMBER,
            OWNER | OWNER_IN_IT => OWNER,
            other => other,
        };
        without_host
            .and_then(|heading| TABLES.cell(heading, row, role_there))
            .or_else(|| TABLES.cell(heading(kind), row, role))
    }

    /// Edits or deletes a message. "Own" messages of somebody who is back are from the first time.
    fn changes(&self, event: &str, seq: u64) -> bool {
        let Self { members, user, room, position } = *self;
        let author = members.message(room, seq).and_then(|message| message.sender.as_ref());
        let row = match (event, author.is_some_and(|author| author.user == user)) {
            ("edited", true) => "`edit` one's own message",
            ("edited", false) => "`edit` another's message",
            (_, true) => "`delete` one's own message",
            (_, false) => "`delete` another's message",
        };
        let is_theirs = members.has_said(user, room, seq, position);
        let role = match members.role(user, room, position) {
            BACK if is_theirs => MEMBER,
            role => role,
        };
        self.cell(row, role) == Some("yes")
    }

    fn opens(&self, is_public: bool, members: usize) -> bool {
        let row = match (is_public, members) {
            (true, _) => "`create` a public room",
            (false, 1) => "`create` a private room",
            (false, _) => "`direct` with one person",
        };
        let role = self.members.role(self.user, self.room, self.position);
        TABLES.cell("Outside of rooms", row, role) == Some("yes")
    }
}

#[cfg(test)]
mod tests {
    use super::super::members::{LEFT, NAMELESS};
    use super::*;

    #[test]
    fn cells_are_found_by_heading_row_and_role() {
        let tables = Tables::read(
            "# A\n\n| | one | two |\n|---|---|---|\n| `x` | yes | no |\n\n## B\n\n| | one |\n|---|\n| `x` | - |\n",
        );
        let cell = |heading, role| tables.cell(heading, "`x`", role);
        assert_eq!(
            [cell("A", "one"), cell("A", "two"), cell("B", "one")],
            [Some("yes"), Some("no"), Some("-")]
        );
        assert_eq!([cell("B", "two"), cell("C", "one")], [None, None]);
    }

    #[test]
    fn every_row_that_is_looked_up_is_on_the_page() {
        for row in JOINS.iter().chain(&["`say`", "`edit` one's own message", "`rename`", "`remove` a member"])
        {
            assert!(TABLES.cell("Private rooms", row, BACK).is_some(), "{row}");
        }
        for role in [TUTORIAL, STRANGER, NAMELESS, MEMBER, LEFT, REMOVED, BACK, HOST, OWNER, OWNER_IN_IT] {
            assert!(TABLES.cell("Public rooms", "`say`", role).is_some(), "{role}");
        }
        for heading in ["Public rooms that the host has left", "Private rooms that the host has left"] {
            assert!(TABLES.cell(heading, "`rename`", HOST).is_some(), "{heading}");
        }
        assert_eq!(TABLES.cell("Outside of rooms", "`direct` with one person", STRANGER), Some("yes"));
        for kind in [RoomKind::Lobby, RoomKind::Public, RoomKind::Private, RoomKind::Direct] {
            assert!(TABLES.cell(heading_of_events(kind), "`message`", "own device").is_some(), "{kind:?}");
        }
    }
}
