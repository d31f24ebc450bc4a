//! The answers to requests, from one snapshot of the directory and from the log, as far as the asker may see it.
//!
//! Each request checks permission first, against the same [`Sight`] that the answer is built from and guarded by.

use chat::{Budget, Kind, LogReader, Page, Rev, RoomId, RoomKind, Seq, UserId, Visibility};
use serde::Serialize;
use serde_json::value::RawValue;

use super::ack::{RequestError, encode, raw};
use super::cut::{Cut, Row};
use super::edge::Edge;
use super::identity::Invite;
use super::links::IssuedLink;
use super::meaning::Meaning;
use super::request::{LIMIT_MAX, Request};
use super::sight::{Answer, Sight};
use super::unread::UnreadCount;
use super::view::{EntryView, Person, RoomView, SignInView};
use crate::planted::{self, Bug};
use crate::rare::{self, Rare};
use crate::stats::Count;

/// An answer has this many bytes of messages, or one message. The outbound queue of a slow connection has room for several
/// answers.
pub const HISTORY_BYTES_MAX: usize = 256 << 10;

/// The same for changes, before they are encoded, which may make six times as much of it.
const CHANGES_BYTES_MAX: usize = 64 << 10;

/// What a first step has come to.
#[derive(Debug)]
pub(super) enum Answering {
    /// The answer, after so many rows of the log were looked at.
    Whole(Answer, usize),
    /// There is much to count, and counting goes on in steps.
    Counting(UnreadCount),
}

/// The answer to what is asked at this sight, or the start of it.
pub(super) fn answer(
    edge: &Edge,
    log: &dyn LogReader,
    sight: Sight,
    request: &Request,
) -> Result<Answering, RequestError> {
    let asked = Asked { edge, log, sight: &sight };
    let (text, rows) = match request {
        Request::History { room, page, limit } => asked.history(*room, *page, *limit)?,
        Request::Changes { room, after, limit } => asked.changes(*room, *after, *limit)?,
        Request::Rooms { after, limit } => (asked.rooms(*after, *limit), 0),
        Request::Members { room, after } => (asked.members(*room, *after)?, 0),
        Request::Who { after } => (asked.who(*after), 0),
        Request::Unread { rooms } => return Ok(Answering::Counting(UnreadCount::new(sight, rooms))),
        Request::Invite { room } => (asked.invite(*room)?, 0),
        Request::Link => (asked.link(), 0),
        Request::SignIns => (asked.sign_ins(), 0),
        Request::Code { code } => {
            let meaning = Meaning::of(edge, &sight, sight.user(), &code.0)?;
            let (room, text) = (meaning.room(), encode(&meaning));
            return Ok(Answering::Whole(sight.seal(room, text), 0));
        }
    };
    Ok(Answering::Whole(sight.seal(request.rooms(), text), rows))
}

/// What is asked, and what may be seen at that moment.
struct Asked<'a> {
    edge: &'a Edge,
    log: &'a dyn LogReader,
    sight: &'a Sight,
}

impl Asked<'_> {
    /// The log may be ahead of the snapshot when it is read. Later messages are not shown, because the reader may have
    /// left the room by then. A later edit or deletion shows in the text of its message, under the older `rev` of the
    /// snapshot. That is harmless: its event is still to come and says the same.
    fn history(&self, room: RoomId, page: Page, limit: usize) -> Result<(String, usize), RequestError> {
        let visibility = match self.sight.visibility(room) {
            Err(_) if planted::is(Bug::ShowsHistoryToAll) => Visibility::ALL,
            visibility => visibility?,
        };
        self.sight.room(room).ok_or(RequestError::NotFound)?;
        let numbers = self.sight.numbers(room);
        let after = if planted::is(Bug::ShowsHistoryFromBefore) { Seq::ZERO } else { visibility.seq };
        let (page, reaches_end) = match page {
            Page::Newest => (Page::Before(numbers.seq.next()), true),
            Page::Before(_) | Page::After(_) | Page::Around(_) => (page, false),
        };
        let mut found = self.log.messages(room, page, after, limit).map_err(RequestError::unreadable)?;
        let read = found.entries.len();
        found.entries.retain(|entry| entry.seq <= numbers.seq || planted::is(Bug::ShowsWhatCameLater));
        if found.entries.len() < read {
            rare::reached(Rare::LogAheadOfAnswer);
        }
        let reaches_end = reaches_end || found.is_last || found.entries.len() < read;
        let messages = found.entries.iter().map(|entry| {
            let view = EntryView::message(self.sight, entry);
            Row { seq: entry.seq, json: raw(&view) }
        });
        let cut = Cut::of(messages.collect(), page, self.edge.parts.history_bytes_max);
        if cut.before + cut.after > 0 {
            rare::reached(Rare::HistoryCutByBytes);
            self.edge.parts.tallies.count(Count::LimitHistoryBytes);
        }
        let view = HistoryView {
            ok: true,
            first: found.is_first && cut.before == 0,
            last: reaches_end && cut.after == 0,
            messages: cut.rows.into_iter().map(|row| row.json).collect(),
            seq: numbers.seq.0,
            rev: numbers.rev.0,
        };
        Ok((encode(&view), read))
    }

    fn changes(&self, room: RoomId, after: Rev, limit: usize) -> Result<(String, usize), RequestError> {
        let after = after.max(self.sight.visibility(room)?.rev);
        let numbers = self.sight.numbers(room);
        let budget = Budget { entries: limit, bytes: CHANGES_BYTES_MAX };
        let mut entries = self.log.changes(room, after, budget).map_err(RequestError::unreadable)?;
        let read = entries.len();
        entries.retain(|entry| entry.rev <= numbers.rev || planted::is(Bug::ShowsWhatCameLater));
        if entries.len() < read {
            rare::reached(Rare::LogAheadOfAnswer);
        }
        if planted::is(Bug::HidesUnknownKinds) {
            entries.retain(|entry| !matches!(entry.kind, Kind::Unknown { .. }));
        }
        let cursors: Vec<String> =
            entries.iter().map(|entry| self.edge.parts.stamp.offset(entry.position)).collect();
        let views = entries.iter().zip(&cursors);
        let views = views.map(|(entry, cursor)| EntryView::change(self.sight, entry, cursor));
        let last = entries.last().map_or(after, |entry| entry.rev);
        if last < numbers.rev {
            rare::reached(Rare::ChangesCut);
        }
        let view = ChangesView { ok: true, entries: views.collect(), more: last < numbers.rev };
        Ok((encode(&view), read))
    }

    fn rooms(&self, after: Option<RoomId>, limit: usize) -> String {
        let rooms = self.sight.public_rooms(after).take(limit).map(|(id, room)| {
            RoomView::of(self.sight, self.sight.user(), (id, room), self.sight.numbers(id))
        });
        encode(&RoomsView { ok: true, rooms: rooms.collect() })
    }

    fn members(&self, id: RoomId, after: Option<UserId>) -> Result<String, RequestError> {
        let room = self.sight.visible_room(id)?;
        let mut members: Vec<UserId> = self.sight.members(id, after).take(LIMIT_MAX + 1).collect();
        let more = members.len() > LIMIT_MAX;
        members.truncate(LIMIT_MAX);
        let presence = self.edge.presence();
        let online: Vec<bool> =
            members.iter().map(|user| presence.is_online(*user, self.sight.user())).collect();
        drop(presence);
        let members = members.iter().zip(online).map(|(user, online)| MemberView {
            person: Person::of(self.sight, *user),
            online,
            host: room.host() == Some(*user),
        });
        Ok(encode(&MembersView { ok: true, members: members.collect(), more }))
    }

    fn who(&self, after: Option<UserId>) -> String {
        let presence = self.edge.presence();
        let mut online: Vec<UserId> = presence.online(after, self.sight.user()).take(LIMIT_MAX + 1).collect();
        let count = presence.count(self.sight.user());
        drop(presence);
        let more = online.len() > LIMIT_MAX;
        online.truncate(LIMIT_MAX);
        let online = online.iter().map(|user| Person::of(self.sight, *user)).collect();
        encode(&WhoView { ok: true, online, count, more })
    }

    fn invite(&self, id: RoomId) -> Result<String, RequestError> {
        let room = self.sight.visible_room(id)?;
        match room.kind() {
            RoomKind::Public | RoomKind::Private => {}
            RoomKind::Direct => return Err(RequestError::Forbidden),
        }
        let code = self.edge.parts.signer.invite(Invite {
            room: id,
            generation: room.invites(),
            by: Some(self.sight.user()),
        });
        Ok(encode(&InviteView { ok: true, code }))
    }

    /// Of a visitor there are none.
    fn sign_ins(&self) -> String {
        let sign_ins = self.sight.sign_ins(self.sight.user()).unwrap_or_default().iter();
        let sign_ins = sign_ins.map(|sign_in| {
            SignInView::new(sign_in.token.id(), &sign_in.label, sign_in.method, sign_in.since)
        });
        encode(&SignInsView { ok: true, sign_ins: sign_ins.collect() })
    }

    fn link(&self) -> String {
        let IssuedLink { code, life } = self.edge.open_link(self.sight.user());
        let code = code.to_string();
        let life = u64::try_from(life.as_millis()).unwrap_or(u64::MAX);
        let expires = (self.edge.parts.environment.now)().0.saturating_add(life);
        encode(&LinkView { ok: true, code, expires })
    }
}

#[derive(Serialize)]
struct HistoryView {
    ok: bool,
    messages: Vec<Box<RawValue>>,
    first: bool,
    last: bool,
    seq: u64,
    rev: u64,
}

#[derive(Serialize)]
struct ChangesView<'a> {
    ok: bool,
    entries: Vec<EntryView<'a>>,
    more: bool,
}

#[derive(Serialize)]
struct RoomsView<'a> {
    ok: bool,
    rooms: Vec<RoomView<'a>>,
}

#[derive(Serialize)]
struct MemberView<'a> {
    #[serde(flatten)]
    person: Person<'a>,
    online: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    host: bool,
}

#[derive(Serialize)]
struct MembersView<'a> {
    ok: bool,
    members: Vec<MemberView<'a>>,
    more: bool,
}

#[derive(Serialize)]
struct WhoView<'a> {
    ok: bool,
    online: Vec<Person<'a>>,
    count: usize,
    more: bool,
}

#[derive(Serialize)]
struct InviteView {
    ok: bool,
    code: String,
}

#[derive(Serialize)]
struct SignInsView<'a> {
    ok: bool,
    sign_ins: Vec<SignInView<'a>>,
}

#[derive(Serialize)]
struct LinkView {
    ok: bool,
    code: String,
    expires: u64,
}

#[cfg(test)]
mod tests;
