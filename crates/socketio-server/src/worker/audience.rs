//! Who sees which entries of a growth, worked out from the rooms of the entries and not from the sockets.
//!
//! The cost is the number of sockets in these rooms, however many others there are. Entries for everyone are not looked
//! at here, except for the members of excluded rooms. It goes through the entries in order and lets sockets enter and
//! leave rooms on the way: what a socket sees depends on its rooms at the position of the entry.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::local_namespace::LocalNamespace;
use super::namespaces::Namespaces;
use super::sessions::Sessions;
use crate::feed::{Batch, FeedEntry, FeedPosition, MemberChange, Passage};
use crate::planted::{self, Bug};
use crate::room::Room;

/// A difference between what a socket and what everyone sees: the session's slot, and a [`Sight`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) slot: u32,
    pub(super) sight: Sight,
}

/// The difference. Entries are counted from the first one of the growth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Sight {
    /// It sees entries for rooms: all entries of one [class](Audiences::classes).
    Class(u32),
    /// It sees an entry that is for rooms.
    Entry(u32),
    /// It does not see an entry, even if another mark says so.
    Without(u32),
}

/// Marks, sorted by slot, each once.
#[derive(Debug, Default)]
pub(super) struct Marks(Vec<Mark>);

/// Which sockets see something else than everyone.
#[derive(Debug, Default)]
pub(super) struct Audiences {
    pub(super) marks: Marks,
    /// Entries with the same rooms as audience, between two changes of any room.
    pub(super) classes: Vec<Vec<u32>>,
}

impl Marks {
    /// The marks of each socket that has some.
    pub(super) fn sockets(&self) -> impl Iterator<Item = (u32, &[Mark])> {
        let same = |one: &Mark, other: &Mark| one.slot == other.slot;
        self.0.chunk_by(same).filter_map(|marks| Some((marks.first()?.slot, marks)))
    }

    /// Whether a socket has marks.
    pub(super) fn has(&self, slot: u32) -> bool {
        self.0.binary_search_by(|mark| mark.slot.cmp(&slot)).is_ok()
    }

    fn sort(&mut self) {
        self.0.sort_unstable();
        self.0.dedup();
    }
}

/// The entries of one class, and the first mark of it.
struct Class {
    number: u32,
    since: FeedPosition,
}

/// The marks of a run of entries between which no room changes.
struct Marker<'a> {
    audiences: &'a mut Audiences,
    /// By the rooms of the audience.
    classes: BTreeMap<Vec<Room>, Class>,
}

impl Marker<'_> {
    fn mark(&mut self, local: &LocalNamespace, number: u32, position: FeedPosition, entry: &FeedEntry) {
        if entry.is_silent() {
            return;
        }
        let rooms = entry.audience.included();
        if !rooms.is_empty() {
            self.mark_included(local, number, position, rooms);
        }
        for room in entry.audience.excluded() {
            let taken_out = local.members_of(room).filter(|member| member.after < position);
            let mark = |slot| Mark { slot, sight: Sight::Without(number) };
            self.audiences.marks.0.extend(taken_out.map(|member| mark(member.slot)));
        }
    }

    fn mark_included(&mut self, local: &LocalNamespace, number: u32, position: FeedPosition, rooms: &[Room]) {
        let known = self.classes.get(rooms).map(|class| (class.number, class.since));
        let (class, since) = known.unwrap_or_else(|| {
            let class = u32::try_from(self.audiences.classes.len()).expect("fewer classes than entries");
            self.audiences.classes.push(Vec::new());
            self.classes.insert(rooms.to_vec(), Class { number: class, since: position });
            (class, position)
        });
        if let Some(entries) = self.audiences.classes.get_mut(class as usize) {
            entries.push(number);
        }
        for member in rooms.iter().flat_map(|room| local.members_of(room)) {
            // A socket that sees the first entry of the class sees the others too; one that does not may see a later
            // one.
            if member.after < since {
                if since == position {
                    self.audiences.marks.0.push(Mark { slot: member.slot, sight: Sight::Class(class) });
                }
            } else if member.after < position {
                self.audiences.marks.0.push(Mark { slot: member.slot, sight: Sight::Entry(number) });
            }
        }
    }
}

impl Namespaces {
    /// Goes through a growth that begins after `before`: changes rooms, and notes who sees which entry.
    pub(super) fn audiences(
        &mut self,
        sessions: &mut Sessions,
        index: usize,
        before: FeedPosition,
        batches: &[Arc<Batch>],
    ) -> Audiences {
        let mut audiences = Audiences::default();
        if batches.iter().all(|batch| batch.is_plain()) {
            return audiences;
        }
        let entries: Vec<(FeedPosition, &FeedEntry)> =
            batches.iter().flat_map(|batch| batch.positions()).collect();
        let changes_room = |entry: &FeedEntry| !entry.changes.is_empty();
        let mut rest = entries.as_slice();
        while let Some((_, first)) = rest.first() {
            // An entry that changes rooms is a run of its own.
            let is_change = changes_room(first);
            let end = if is_change {
                1
            } else {
                rest.iter().position(|(_, entry)| changes_room(entry)).unwrap_or(rest.len())
            };
            let (run, later) = rest.split_at(end);
            for (position, entry) in run.iter().filter(|_| is_change) {
                let entering = entry.changes.iter().filter(|change| change.passage == Passage::Enter);
                entering.for_each(|change| self.change_rooms(sessions, index, *position, change));
            }
            let Some(local) = self.get(index) else { return audiences };
            let mut marker = Marker { audiences: &mut audiences, classes: BTreeMap::new() };
            for (position, entry) in run {
                let number = u32::try_from(position.since(before + 1)).expect("a growth fits into memory");
                marker.mark(local, number, *position, entry);
            }
            for (position, entry) in run.iter().filter(|_| is_change) {
                entry.changes.iter().for_each(|change| self.change_rooms(sessions, index, *position, change));
            }
            rest = later;
        }
        audiences.marks.sort();
        audiences
    }

    /// Lets sockets enter or leave a room at a position.
    fn change_rooms(
        &mut self,
        sessions: &mut Sessions,
        index: usize,
        position: FeedPosition,
        change: &MemberChange,
    ) {
        let Some(local) = self.get_mut(index) else { return };
        let slots: Vec<u32> = local.members_of(&change.sockets).map(|member| member.slot).collect();
        for slot in slots {
            let Some(session) = sessions.at_mut(slot) else { continue };
            let Some(joined) = session.joined_mut(index) else { continue };
            match change.passage {
                Passage::Enter => local.enter(slot, joined, &change.room, position.before()),
                Passage::Leave if planted::is(Bug::KeepsRooms) => {}
                Passage::Leave => local.leave(slot, joined, &change.room),
            }
        }
    }

    /// Asks the application for the rooms of all sockets, because the entries that changed them were not seen here.
    pub(super) fn renew_rooms(&mut self, sessions: &mut Sessions, index: usize) {
        let Some(local) = self.get_mut(index) else { return };
        let definition = Arc::clone(&local.definition);
        let Some(rooms) = &definition.rooms else { return };
        for slot in local.members.clone() {
            let Some(session) = sessions.at_mut(slot) else { continue };
            let Some(joined) = session.joined_mut(index) else { continue };
            let data = joined.data().cloned().unwrap_or_default();
            let wanted = rooms(&data).into_iter().map(crate::feed::FeedRoom::entered).collect();
            local.move_to(slot, joined, &wanted);
        }
    }
}
