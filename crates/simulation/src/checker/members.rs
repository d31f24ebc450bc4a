//! The members of each room at each position, computed from the log alone.

use std::collections::HashMap;

use crate::record::{LOBBY, Stored, Truth, What};

/// The roles of the tables of docs/permissions.md.
pub(super) const TUTORIAL: &str = "tutorial";
pub(super) const STRANGER: &str = "stranger";
pub(super) const NAMELESS: &str = "no name";
pub(super) const MEMBER: &str = "member";
pub(super) const LEFT: &str = "left";
pub(super) const REMOVED: &str = "removed";
pub(super) const BACK: &str = "back";
pub(super) const HOST: &str = "host";
pub(super) const OWNER: &str = "owner";
pub(super) const OWNER_IN_IT: &str = "owner in it";

/// The rooms of one generation of the log.
pub(super) struct Members<'a> {
    rooms: HashMap<u64, Facts>,
    /// Messages by room and number.
    messages: HashMap<(u64, u64), &'a Stored>,
    /// The `rev` of each room's last entry.
    last: HashMap<u64, u64>,
    /// Who has a name, and from which entry on.
    names: HashMap<u64, u64>,
    owners: HashMap<u64, u64>,
}

/// The kind of a room, as the tables of permissions tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RoomKind {
    /// The lobby, and what concerns everybody.
    Lobby,
    Public,
    Private,
    Direct,
}

#[derive(Default)]
struct Facts {
    is_public: bool,
    is_direct: bool,
    /// Who created it.
    creator: Option<u64>,
    spans: HashMap<u64, Vec<Span>>,
}

/// One membership: from the entry by which somebody joins to the entry by which they leave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) rev: u64,
    /// The number of the room's last message then.
    seq: u64,
    from: u64,
    /// The position of the last entry, and when it was stored.
    until: Option<(u64, u128)>,
    is_removal: bool,
}

impl<'a> Members<'a> {
    pub(super) fn of(truth: &'a Truth) -> Self {
        let mut rooms: HashMap<u64, Facts> = HashMap::new();
        let mut messages = HashMap::new();
        let mut last = HashMap::new();
        let (mut names, mut owners) = (HashMap::new(), HashMap::new());
        for (entry, position) in truth.log.iter().zip(1..) {
            let facts = rooms.entry(entry.room).or_default();
            let came =
                Span { rev: entry.rev, seq: entry.seq, from: position, until: None, is_removal: false };
            let sender = entry.sender.as_ref().map(|sender| sender.user);
            match &entry.what {
                What::Opened { is_public, members } => {
                    facts.is_public = *is_public;
                    facts.is_direct = members.len() > 1;
                    facts.creator = sender;
                    for user in members {
                        facts.spans.entry(*user).or_default().push(came);
                    }
                }
                What::Joined(user) => facts.spans.entry(*user).or_default().push(came),
                What::Left(user) => {
                    if let Some(span) = facts.spans.get_mut(user).and_then(|spans| spans.last_mut()) {
                        span.until = Some((position, entry.micros));
                        span.is_removal = entry.event == "removed";
                    }
                }
                What::Message => drop(messages.insert((entry.room, entry.seq), entry)),
                What::Other => {
                    let known = match entry.event {
                        "named" => Some(&mut names),
                        "owner" => Some(&mut owners),
                        _ => None,
                    };
                    if let (Some(known), Some(user)) = (known, sender) {
                        known.entry(user).or_insert(position);
                    }
                }
                What::Changed { .. } | What::SignedIn { .. } | What::SignedOut { .. } => {}
            }
            last.insert(entry.room, entry.rev);
        }
        Self { rooms, messages, last, names, owners }
    }

    pub(super) fn message(&self, room: u64, seq: u64) -> Option<&'a Stored> {
        self.messages.get(&(room, seq)).copied()
    }

    /// The number of a room's last entry.
    pub(super) fn last(&self, room: u64) -> u64 {
        self.last.get(&room).copied().unwrap_or(0)
    }

    pub(super) fn is_public(&self, room: u64) -> bool {
        room <= LOBBY || self.rooms.get(&room).is_some_and(|facts| facts.is_public)
    }

    pub(super) fn kind(&self, room: u64) -> RoomKind {
        match self.rooms.get(&room) {
            _ if room <= LOBBY => RoomKind::Lobby,
            Some(facts) if facts.is_public => RoomKind::Public,
            Some(facts) if facts.is_direct => RoomKind::Direct,
            Some(_) | None => RoomKind::Private,
        }
    }

    /// The role of somebody when the entry at `position` is decided, after all entries before it.
    pub(super) fn role(&self, user: u64, room: u64, position: u64) -> &'static str {
        let is_known = |since: &HashMap<u64, u64>| since.get(&user).is_some_and(|at| *at < position);
        let spans: Vec<Span> = self.spans(user, room).filter(|span| span.from < position).collect();
        let is_in = spans.last().is_some_and(|span| span.until.is_none_or(|(until, _)| position <= until));
        match spans.as_slice() {
            _ if room <= LOBBY && is_known(&self.owners) => OWNER,
            [] if room <= LOBBY && is_known(&self.names) => MEMBER,
            _ if is_in && is_known(&self.owners) => OWNER_IN_IT,
            [_] if is_in && self.created(user, room) => HOST,
            [_, _, ..] if is_in => BACK,
            _ if is_in => MEMBER,
            _ if is_known(&self.owners) => OWNER,
            [.., last] if last.is_removal => REMOVED,
            [_, ..] => LEFT,
            [] if is_known(&self.names) => STRANGER,
            [] => NAMELESS,
        }
    }

    /// Whether somebody created a room that has a host.
    pub(super) fn created(&self, user: u64, room: u64) -> bool {
        self.rooms.get(&room).is_some_and(|facts| !facts.is_direct && facts.creator == Some(user))
    }

    /// Whether the host of a room has not left it before an entry.
    pub(super) fn has_host(&self, room: u64, position: u64) -> bool {
        let creator = self.rooms.get(&room).and_then(|facts| facts.creator);
        let first = creator.and_then(|creator| self.spans(creator, room).next());
        first.is_some_and(|span| span.until.is_none_or(|(until, _)| position <= until))
    }

    /// Whether a message came while somebody was in a room without a break until `position`.
    pub(super) fn has_said(&self, user: u64, room: u64, seq: u64, position: u64) -> bool {
        self.spans(user, room).any(|span| span.covers(position) && seq > span.seq)
    }

    /// Whether an entry may be shown to somebody who asked for it, or connected, at the time `since`.
    pub(super) fn may_see(&self, user: u64, room: u64, position: u64, since: u128) -> bool {
        let is_theirs = |span: Span| match span.until {
            // They are always told of the entries by which they join and leave.
            Some((until, at)) => {
                span.covers(position) && (at > since || position == span.from || position == until)
            }
            None => span.covers(position),
        };
        room <= LOBBY || self.spans(user, room).any(is_theirs)
    }

    /// Whether somebody who has come to `position` is told what happens in a room and is not stored. `is_listed`: they
    /// know of it from a welcome, which may be ahead of its position.
    pub(super) fn hears(&self, user: u64, room: u64, position: u64, is_listed: bool) -> bool {
        let is_within = |span: Span| {
            (is_listed || span.from <= position) && span.until.is_none_or(|(until, _)| position < until)
        };
        room == LOBBY || self.spans(user, room).any(is_within)
    }

    /// The positions at which somebody joined a room.
    pub(super) fn joined(&self, user: u64, room: u64) -> impl Iterator<Item = u64> {
        self.spans(user, room).map(|span| span.from)
    }

    /// Whether somebody was in a room at some time after `micros`.
    pub(super) fn is_there_after(&self, user: u64, room: u64, micros: u128) -> bool {
        room == LOBBY || self.spans(user, room).any(|span| span.until.is_none_or(|(_, at)| at >= micros))
    }

    /// Whether somebody joins a room again after they left it at the position `after`.
    pub(super) fn returns(&self, user: u64, room: u64, after: u64) -> bool {
        self.spans(user, room).any(|span| span.from > after)
    }

    /// The first `rev` that a member sees, if they are a member when the room's last entry is `rev`.
    pub(super) fn first(&self, user: u64, room: u64, rev: u64) -> u64 {
        if self.is_public(room) {
            return 1;
        }
        self.spans(user, room).filter(|span| span.rev <= rev).last().map_or(1, |span| span.rev)
    }

    /// The rooms that somebody is in at the end of the log.
    pub(super) fn rooms_of(&self, user: u64) -> Vec<u64> {
        let is_in = |facts: &Facts| {
            facts.spans.get(&user).and_then(|spans| spans.last()).is_some_and(|span| span.until.is_none())
        };
        let mut rooms: Vec<u64> =
            self.rooms.iter().filter(|(_, facts)| is_in(facts)).map(|(room, _)| *room).collect();
        rooms.push(LOBBY);
        rooms.sort_unstable();
        rooms
    }

    fn spans(&self, user: u64, room: u64) -> impl Iterator<Item = Span> {
        let spans = self.rooms.get(&room).and_then(|facts| facts.spans.get(&user));
        spans.into_iter().flatten().copied()
    }
}

impl Span {
    fn covers(&self, position: u64) -> bool {
        self.from <= position && self.until.is_none_or(|(until, _)| position <= until)
    }
}
