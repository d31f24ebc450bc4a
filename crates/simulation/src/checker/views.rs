//! Checks what people of `/v1` were shown: the right entries, each once, without a gap, and nothing private.
//!
//! A person's view of a room is made of events and of the pages that filled gaps. It must be a contiguous part of the
//! room. Only the end of a membership may cut it short: a person who was removed never gets what they had not got by
//! then.

use std::collections::{BTreeMap, BTreeSet};

use super::members::Members;
use super::{Court, Invariant, rights};
use crate::record::people::{By, Command, Listed, Person, Row, Shown, Sight, Told};
use crate::record::{Generation, Stored, What};

/// The name of the event for a deleted message.
const DELETED: &str = "deleted";

/// The room of the entries that concern everybody.
const HOUSE: u64 = 0;

/// The state of one client while its history is replayed.
#[derive(Default)]
pub(super) struct Watch {
    pub(super) index: usize,
    pub(super) user: u64,
    /// When its last connection began.
    pub(super) began: u128,
    pub(super) generation: Generation,
    /// The position of its stream; `None` before the first welcome.
    pub(super) cursor: Option<u64>,
    rooms: BTreeMap<u64, Kept>,
    /// Entries of rooms that it does not keep yet, because an answer overtook the event by which it joins.
    ahead: BTreeMap<u64, BTreeMap<u64, u64>>,
    /// The newest entry that it knows of by which it joined or left each room. Answers can overtake the events before
    /// them.
    changed: BTreeMap<u64, Change>,
    /// Messages that it knows to be deleted.
    deleted: BTreeSet<(u64, u64)>,
    /// The least `seq` up to which the person has read each room.
    floors: BTreeMap<u64, u64>,
    /// The read pointers that this connection was told.
    reads: BTreeMap<u64, u64>,
    pub(super) listed: BTreeMap<u64, u64>,
    /// Rooms that this connection was told it has left, with the entry by which it left.
    expelled: BTreeMap<u64, u64>,
}

/// How an entry became known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Event,
    /// The answer to the client's own command.
    Own,
    /// A page that it requested.
    Page,
}

/// The entry by which a membership begins or ends.
#[derive(Clone, Copy)]
struct Change {
    rev: u64,
    position: u64,
}

/// A room that the client keeps.
struct Kept {
    from: u64,
    /// Positions by `rev`.
    known: BTreeMap<u64, u64>,
}

impl Kept {
    fn from(from: u64) -> Self {
        Self { from, known: BTreeMap::new() }
    }
}

impl Watch {
    fn forget(&mut self) {
        self.cursor = None;
        self.rooms.clear();
        self.ahead.clear();
        self.changed.clear();
        self.deleted.clear();
    }

    /// Adds an entry to the room that it belongs to.
    fn keep(&mut self, entry: &Stored, position: u64, source: Source) {
        let (room, rev, user) = (entry.room, entry.rev, self.user);
        // A page describes the past. So may the answer to a repeat.
        let is_news = match source {
            Source::Event => true,
            Source::Own => Some(position) > self.cursor,
            Source::Page => false,
        };
        let (begins, ends) = match &entry.what {
            What::Opened { members, .. } => (members.contains(&user), false),
            What::Joined(who) => (*who == user, false),
            What::Left(who) => (false, *who == user),
            What::Message
            | What::Changed { .. }
            | What::SignedIn { .. }
            | What::SignedOut { .. }
            | What::Other => (false, false),
        };
        let is_newest = self.changed.get(&room).is_none_or(|change| change.rev < rev);
        if is_news && is_newest && (begins || ends) {
            self.changed.insert(room, Change { rev, position });
            let kept = self.rooms.remove(&room).map(|kept| kept.known);
            let mut known = kept.or_else(|| self.ahead.remove(&room)).unwrap_or_default();
            if begins {
                let known = known.split_off(&rev);
                self.rooms.insert(room, Kept { from: rev, known });
            } else {
                self.ahead.insert(room, known.split_off(&(rev + 1)));
                return;
            }
        }
        if is_news && room == HOUSE && !self.rooms.contains_key(&HOUSE) {
            self.rooms.insert(HOUSE, Kept::from(rev));
        }
        match self.rooms.get_mut(&room) {
            Some(kept) => drop(kept.known.insert(rev, position)),
            None if source == Source::Own => {
                self.ahead.entry(room).or_default().insert(rev, position);
            }
            None => {}
        }
    }
}

impl<'a> Court<'a> {
    pub(super) fn check_views(&mut self, members: &[Members<'a>]) {
        for (index, person) in self.record.people.iter().enumerate() {
            let Some(user) = person.user else { continue };
            let mut watch = Watch { index, user, ..Watch::default() };
            for sight in &person.sights {
                self.check_sight(&mut watch, person, sight, members);
            }
            if !person.is_gone {
                self.check_end_of(&watch, members);
            }
        }
    }

    fn check_sight(
        &mut self,
        watch: &mut Watch,
        person: &'a Person,
        sight: &'a Sight,
        members: &[Members<'a>],
    ) {
        match sight {
            Sight::Connects { micros } => {
                watch.began = *micros;
                watch.reads.clear();
                watch.expelled.clear();
            }
            Sight::Welcomed { epoch, position, resumed, reset, rooms } => {
                self.check_welcome(watch, (*epoch, *position), (*resumed, *reset), rooms);
                if !*resumed {
                    renew(watch, rooms, members);
                }
            }
            Sight::Begins { room, after } => {
                let listed = watch.listed.get(room).copied().unwrap_or(0);
                let first = members
                    .get(watch.generation.0)
                    .map_or(1, |members| members.first(watch.user, *room, listed));
                watch.rooms.insert(*room, Kept::from(after.map_or(first, |after| after + 1)));
            }
            Sight::Entry(shown) => self.check_shown(watch, shown, members),
            Sight::Row(row) => self.check_row(watch, row, members),
            Sight::Own { epoch, position, .. } => {
                let generation = self.generation(*epoch);
                let truth = generation.and_then(|generation| self.record.generations.get(generation.0));
                if let Some(entry) = truth.and_then(|truth| truth.at(*position)) {
                    watch.keep(entry, *position, Source::Own);
                }
            }
            Sight::Cursor { position, .. } => self.advance(watch, *position, watch.cursor <= Some(*position)),
            Sight::HasRead { room, seq } => {
                // After a restore, nobody knows how many messages there were to read.
                if watch.generation == Generation(0) {
                    let floor = watch.floors.entry(*room).or_default();
                    *floor = (*floor).max(*seq);
                }
            }
            Sight::Typing { .. } => self.check_typing(watch, sight, members),
            Sight::Read { room, seq } => {
                self.check_read(watch, (*room, *seq), members);
                if watch.reads.insert(*room, *seq).is_some_and(|before| before > *seq) {
                    let detail =
                        format!("person {} was told that {room} is read up to {seq} only", watch.index);
                    self.object(Invariant::PointersMoveForward, detail);
                }
            }
            Sight::OfSignIns { epoch, position } => self.check_of_sign_ins(watch, *epoch, *position),
            Sight::SignedIn { .. } | Sight::SignedOut { .. } => self.check_sign_in(watch, sight),
            Sight::Forgets => watch.forget(),
            Sight::Mistrusts { epoch } => {
                let now = self.generation(*epoch).unwrap_or_default();
                let was_told =
                    |command: &Command| command.answers.iter().any(|(then, _): &(_, Told)| *then < now);
                if !person.commands.iter().any(was_told) {
                    let detail =
                        format!("person {}: numbers that were used up are expected again", watch.index);
                    self.object(Invariant::AckedOnce, detail);
                }
                watch.forget();
            }
        }
    }

    pub(super) fn generation(&self, epoch: u64) -> Option<Generation> {
        self.record.epochs.get(&epoch).copied()
    }

    pub(super) fn advance(&mut self, watch: &mut Watch, position: u64, goes_on: bool) {
        if !goes_on {
            let detail = format!("person {} is at {position} after {:?}", watch.index, watch.cursor);
            self.object(Invariant::Contiguous, detail);
        }
        watch.cursor = Some(position);
    }

    fn check_welcome(
        &mut self,
        watch: &mut Watch,
        (epoch, position): (u64, u64),
        (resumed, reset): (bool, bool),
        rooms: &[Listed],
    ) {
        let Some(generation) = self.generation(epoch) else {
            let detail = format!("person {} was shown an unknown epoch {epoch}", watch.index);
            return self.object(Invariant::OneOrder, detail);
        };
        let index = watch.index;
        let between = self.record.generations.get(watch.generation.0..generation.0).unwrap_or_default();
        let kept = between.iter().map(|truth| truth.kept).min().unwrap_or(u64::MAX);
        let is_good = watch.cursor.is_some_and(|cursor| cursor <= kept);
        if resumed && watch.cursor != Some(position) {
            let detail = format!("person {index} goes on at {position} in place of {:?}", watch.cursor);
            self.object(Invariant::RecoveredWithoutGap, detail);
        }
        // A backup from before the epoch of the cursor cannot show that.
        let is_needless = reset && is_good && watch.generation == generation;
        if watch.cursor.is_some() && (is_needless || (!reset && !is_good)) {
            let what = if reset { "had no reason to" } else { "was not told to" };
            let detail = format!("person {index} at {:?} of {kept} {what} forget", watch.cursor);
            self.object(Invariant::RecoveredWithoutGap, detail);
        }
        if reset {
            watch.forget();
        }
        if watch.generation != generation {
            watch.floors.clear();
            watch.deleted.clear();
            watch.generation = generation;
        }
        // What arrived ahead of the stream can be lost without anybody knowing.
        let known = watch.rooms.values_mut().map(|room| &mut room.known);
        for known in known.chain(watch.ahead.values_mut()) {
            known.retain(|_, position| *position <= kept);
        }
        watch.changed.retain(|_, change| change.position <= kept);
        if !resumed {
            // Another node may be behind: what it is going to tell is news.
            watch.changed.retain(|_, change| change.position <= position);
            watch.rooms.retain(|room, _| rooms.iter().any(|listed| listed.room == *room));
            for Listed { room, rev, .. } in rooms {
                watch.changed.insert(*room, Change { rev: *rev, position });
            }
            watch.cursor = (!reset).then_some(position);
        }
        for Listed { room, rev, read } in rooms {
            watch.listed.insert(*room, *rev);
            let floor = watch.floors.entry(*room).or_default();
            // Pointers reach other nodes, too, but nobody waits for that.
            if read < floor && !self.record.is_of_several {
                let detail = format!("person {index} has read {room} up to {floor}, and is told {read}");
                self.object(Invariant::PointersMoveForward, detail);
            }
            *watch.floors.entry(*room).or_default() =
                (*read).max(watch.floors.get(room).copied().unwrap_or(0));
        }
    }

    fn check_shown(&mut self, watch: &mut Watch, shown: &Shown, members: &[Members<'a>]) {
        let Shown { by, epoch, position, room, rev, event, text } = shown;
        let index = watch.index;
        let Some(generation) = self.generation(*epoch) else { return };
        let (Some(truth), Some(members)) =
            (self.record.generations.get(generation.0), members.get(generation.0))
        else {
            return;
        };
        if *by == By::Event {
            self.advance(watch, *position, watch.cursor < Some(*position));
        }
        let Some(stored) = truth.at(*position) else {
            let detail = format!("person {index} was shown {room}/{rev} at {position}; it is gone");
            return self.object(Invariant::NothingVanishes, detail);
        };
        if (stored.room, stored.rev, stored.event) != (*room, *rev, event.as_str()) {
            let detail =
                format!("person {index} was shown {event} {room}/{rev} at {position} for {stored:?}");
            return self.object(Invariant::OneOrder, detail);
        }
        let since = match by {
            By::Event => watch.began,
            By::Answer { asked } => *asked,
        };
        self.check_text(watch, stored, text.as_deref(), since);
        let is_for_all = match by {
            By::Event => rights::is_told_to_all(members, stored),
            By::Answer { .. } => rights::is_open(members, *room, "`changes`"),
        };
        if *by == By::Event && rights::is_kept_from(members, watch.user, stored, *position) {
            let detail = format!("person {index} was told of {event} {room}/{rev} at {position}");
            self.object(Invariant::Permitted, detail);
        }
        if !is_for_all && !members.may_see(watch.user, *room, *position, since) {
            let detail = format!("person {index} was shown {event} {room}/{rev} at {position} by {by:?}");
            self.object(Invariant::MembersOnly, detail);
        }
        if *by == By::Event
            && let What::Changed { seq } = stored.what
            && stored.event == DELETED
        {
            watch.deleted.insert((*room, seq));
        }
        let source = match by {
            By::Event => Source::Event,
            By::Answer { .. } => Source::Page,
        };
        match (source, &stored.what) {
            (Source::Event, What::Left(who)) if *who == watch.user => {
                watch.expelled.insert(*room, *position);
            }
            (Source::Page, _) => self.check_is_in(watch, *room, members),
            _ => {}
        }
        watch.keep(stored, *position, source);
    }

    fn check_row(&mut self, watch: &Watch, row: &Row, members: &[Members<'a>]) {
        let Row { asked, epoch, room, seq, rev, text } = row;
        let Some(generation) = self.generation(*epoch) else { return };
        let (Some(truth), Some(members)) =
            (self.record.generations.get(generation.0), members.get(generation.0))
        else {
            return;
        };
        let Some(stored) = members.message(*room, *seq).filter(|stored| stored.rev == *rev) else {
            let detail = format!("person {} was shown {room}/{seq}, which is not there", watch.index);
            return self.object(Invariant::NothingVanishes, detail);
        };
        self.check_text(watch, stored, text.as_deref(), *asked);
        let position = position_of(&truth.log, stored);
        let is_for_all = rights::is_open(members, *room, "`history`");
        if !is_for_all && !members.may_see(watch.user, *room, position, *asked) {
            let detail = format!("person {} was shown the history of {room} at {position}", watch.index);
            self.object(Invariant::MembersOnly, detail);
        }
        self.check_is_in(watch, *room, members);
    }

    /// After the entry by which a person left a room, nothing more of it arrives, not even the answer to an earlier
    /// request.
    fn check_is_in(&mut self, watch: &Watch, room: u64, members: &Members<'a>) {
        let Some(removed) = watch.expelled.get(&room) else { return };
        // An answer can overtake the event by which they return.
        if !members.is_public(room) && !members.returns(watch.user, room, *removed) {
            let detail =
                format!("person {} was answered about {room} after leaving at {removed}", watch.index);
            self.object(Invariant::MembersOnly, detail);
        }
    }

    /// A shown text must be one that the entry has had, and must not have been replaced before the request.
    fn check_text(&mut self, watch: &Watch, stored: &Stored, text: Option<&str>, since: u128) {
        let index = watch.index;
        let (room, rev) = (stored.room, stored.rev);
        let Some(text) = text else {
            if !stored.versions.is_empty() && stored.versions.iter().all(|version| version.gone.is_none()) {
                let detail = format!("person {index} was shown {room}/{rev} as deleted");
                self.object(Invariant::OneOrder, detail);
            }
            return;
        };
        let Some(version) = stored.versions.iter().find(|version| version.text == text) else {
            let detail =
                format!("person {index} was shown {text:?} at {room}/{rev} for {:?}", stored.versions);
            return self.object(Invariant::OneOrder, detail);
        };
        let message = match stored.what {
            What::Changed { seq } => seq,
            What::Message
            | What::Opened { .. }
            | What::Joined(_)
            | What::Left(_)
            | What::SignedIn { .. }
            | What::SignedOut { .. }
            | What::Other => stored.seq,
        };
        let is_known = watch.deleted.contains(&(room, message));
        if is_known || version.gone.is_some_and(|gone| gone < since) {
            let detail = format!(
                "person {index} was shown {text:?} at {room}/{rev}, taken back at {:?}, asked for at {since}",
                version.gone
            );
            self.object(Invariant::DeletedIsGone, detail);
        }
    }

    /// After the faults, everybody has every room that they are in, without a gap.
    fn check_end_of(&mut self, watch: &Watch, members: &[Members<'a>]) {
        let Some(members) = members.get(watch.generation.0) else { return };
        for room in members.rooms_of(watch.user) {
            let last = members.last(room);
            let Some(kept) = watch.rooms.get(&room) else {
                let detail = format!("person {} does not know of room {room}", watch.index);
                self.object(Invariant::Contiguous, detail);
                continue;
            };
            self.check_whole(watch, room, kept, last);
        }
        if let Some(kept) = watch.rooms.get(&HOUSE) {
            self.check_whole(watch, HOUSE, kept, members.last(HOUSE));
        }
    }

    fn check_whole(&mut self, watch: &Watch, room: u64, kept: &Kept, last: u64) {
        let missing: Vec<u64> = (kept.from..=last).filter(|rev| !kept.known.contains_key(rev)).collect();
        if !missing.is_empty() {
            let detail = format!(
                "person {} has no {missing:?} of room {room}, from {} to {last}",
                watch.index, kept.from
            );
            self.object(Invariant::Contiguous, detail);
        }
    }
}

/// A person who left and returned while they were away keeps the room from the return, if they are told of its current
/// state. This includes a person who left by a command that they cancelled too late, and so does not know it.
fn renew(watch: &mut Watch, rooms: &[Listed], members: &[Members<'_>]) {
    let Some(members) = members.get(watch.generation.0) else { return };
    for Listed { room, rev, .. } in rooms {
        let first = members.first(watch.user, *room, *rev);
        let kept = watch.rooms.entry(*room).or_insert_with(|| {
            let mut ahead = watch.ahead.remove(room).unwrap_or_default();
            Kept { from: first, known: ahead.split_off(&first) }
        });
        kept.from = kept.from.max(first);
    }
}

fn position_of(log: &[Stored], stored: &Stored) -> u64 {
    let place = log.iter().position(|entry| std::ptr::eq(entry, stored));
    place.map_or(0, |place| place as u64 + 1)
}
