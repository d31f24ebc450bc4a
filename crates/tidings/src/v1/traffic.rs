//! [`Traffic`]: which rooms the newest entries are in, to tell how much of them a person has missed.
//!
//! A client that is far behind starts from the present. Only entries that it may see count for that: otherwise somebody
//! could make everybody start anew by writing into a room of their own. The rooms of a bounded number of entries are kept;
//! a client that is further behind starts from the present whatever it may see. Counts are kept for blocks of entries, so
//! that looking for somebody costs little.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat::{Directory, Entry, Position, RoomId, UserId};

use super::frames::is_for_everyone;

/// Entries of a block.
const BLOCK: usize = 256;

/// The rooms of the newest entries; clones share them.
#[derive(Clone, Debug)]
pub struct Traffic {
    inner: Arc<Mutex<Window>>,
}

/// The rooms of the entries after a position.
#[derive(Debug)]
struct Window {
    entries_max: usize,
    /// No block but the last has fewer entries than [`BLOCK`].
    blocks: VecDeque<Block>,
}

#[derive(Debug)]
struct Block {
    /// The position before its first entry.
    after: Position,
    /// The room of each entry; `None` for what everybody sees.
    entries: Vec<Option<RoomId>>,
    counts: BTreeMap<Option<RoomId>, u64>,
}

impl Traffic {
    /// Nothing yet, of at least the `entries_max` newest entries.
    pub fn new(entries_max: u64) -> Self {
        let entries_max = usize::try_from(entries_max).unwrap_or(usize::MAX);
        Self { inner: Arc::new(Mutex::new(Window { entries_max, blocks: VecDeque::new() })) }
    }

    /// Adds entries that follow each other, with the directory after them.
    pub fn add(&self, directory: &Directory, entries: &[Entry]) {
        let mut window = self.window();
        for entry in entries {
            let room = (!is_for_everyone(directory, entry)).then_some(entry.room);
            window.add(entry.position, room);
        }
    }

    /// Whether somebody has missed at most so many entries after a position, as far as they may see them.
    pub fn is_near(&self, directory: &Directory, user: UserId, after: Position, missed_max: u64) -> bool {
        let rooms = directory.rooms_of(user);
        let rooms = rooms.filter_map(|(id, room)| Some((id, room.membership(user)?.since))).collect();
        self.window().is_near(&rooms, after, missed_max)
    }

    /// Whether the entries after a position are known.
    pub fn reaches(&self, after: Position) -> bool {
        self.window().reaches(after)
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Window {
    fn add(&mut self, position: Position, room: Option<RoomId>) {
        if self.blocks.back().is_none_or(|block| block.entries.len() == BLOCK) {
            let after = Position(position.0.saturating_sub(1));
            self.blocks.push_back(Block { after, entries: Vec::new(), counts: BTreeMap::new() });
        }
        // The oldest block may be needed in part.
        while self.blocks.len() > self.entries_max.div_ceil(BLOCK) + 1 {
            self.blocks.pop_front();
        }
        if let Some(block) = self.blocks.back_mut() {
            debug_assert_eq!(block.last().next(), position, "entries have no gap");
            block.entries.push(room);
            *block.counts.entry(room).or_default() += 1;
        }
    }

    fn reaches(&self, after: Position) -> bool {
        self.blocks.front().is_some_and(|oldest| oldest.after <= after)
    }

    /// `rooms` are those of the person, with the positions at which they joined.
    fn is_near(&self, rooms: &HashMap<RoomId, Position>, after: Position, missed_max: u64) -> bool {
        if !self.reaches(after) {
            return false;
        }
        let mut missed = 0;
        for block in self.blocks.iter().rev().take_while(|block| block.last() > after) {
            missed += block.missed(rooms, after);
            if missed > missed_max {
                return false;
            }
        }
        true
    }
}

impl Block {
    fn last(&self) -> Position {
        Position(self.after.0 + self.entries.len() as u64)
    }

    /// How many entries after a position are for everybody, or in one of the rooms.
    fn missed(&self, rooms: &HashMap<RoomId, Position>, after: Position) -> u64 {
        let for_all = if after <= self.after {
            self.counts.get(&None).copied().unwrap_or(0)
        } else {
            self.count_after(None, after)
        };
        let of_room = |room: RoomId, count: u64, since: Position| {
            let before = Position(since.0.saturating_sub(1)).max(after);
            if before <= self.after { count } else { self.count_after(Some(room), before) }
        };
        // The smaller set is looked through.
        let of_rooms: u64 = if rooms.len() < self.counts.len() {
            let known = rooms
                .iter()
                .filter_map(|(room, since)| Some(of_room(*room, *self.counts.get(&Some(*room))?, *since)));
            known.sum()
        } else {
            let known = self.counts.iter().filter_map(|(room, count)| {
                let room = (*room)?;
                Some(of_room(room, *count, *rooms.get(&room)?))
            });
            known.sum()
        };
        for_all + of_rooms
    }

    fn count_after(&self, room: Option<RoomId>, after: Position) -> u64 {
        let skipped = usize::try_from(after.0.saturating_sub(self.after.0)).unwrap_or(usize::MAX);
        self.entries.iter().skip(skipped).filter(|other| **other == room).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn window(entries_max: usize, entries: impl IntoIterator<Item = Option<RoomId>>) -> Window {
        let mut window = Window { entries_max, blocks: VecDeque::new() };
        for (position, room) in (1..).zip(entries) {
            window.add(Position(position), room);
        }
        window
    }

    #[test]
    fn entries_of_other_peoples_rooms_do_not_count() {
        let window = window(50_000, (0..40_000).map(|_| Some(RoomId(9))).chain([None; 10]));
        let mine = HashMap::from([(RoomId(7), Position(1))]);
        assert!(window.is_near(&mine, Position::ZERO, 10));
        assert!(!window.is_near(&mine, Position::ZERO, 9));
        assert!(window.is_near(&mine, Position(40_001), 9));
        let theirs = HashMap::from([(RoomId(9), Position(1))]);
        assert!(!window.is_near(&theirs, Position::ZERO, 40_000));
        assert!(window.is_near(&theirs, Position::ZERO, 40_010));
        // Somebody who joins is told of it.
        assert!(!self::window(100, [Some(RoomId(7))]).is_near(&mine, Position::ZERO, 0));
    }

    #[test]
    fn a_client_is_far_behind_if_it_has_missed_more_than_is_known() {
        let window = window(1_000, (0..10_000).map(|_| Some(RoomId(9))));
        assert!(window.is_near(&HashMap::new(), Position(9_000), 0));
        assert!(!window.is_near(&HashMap::new(), Position(8_000), 5_000));
        assert!(window.blocks.len() <= 5, "what is older is forgotten");
        assert!(!self::window(1_000, []).is_near(&HashMap::new(), Position::ZERO, 5_000));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_count_is_that_of_a_list(
            entries in prop::collection::vec(prop::option::of(0..600_u64), 1..1_200),
            mine in prop::collection::hash_map((0..600_u64).prop_map(RoomId), (0..1_200_u64).prop_map(Position), 0..400),
            after in 0..1_200_u64,
            missed_max in 0..600_u64,
        ) {
            let after = after.min(entries.len() as u64);
            let is_mine = |(position, room): &(u64, &Option<u64>)| {
                *position > after && room.is_none_or(|room| {
                    mine.get(&RoomId(room)).is_some_and(|since| since.0 <= *position)
                })
            };
            let missed = (1..).zip(&entries).filter(is_mine).count() as u64;
            let window = window(50_000, entries.iter().map(|room| room.map(RoomId)));
            prop_assert_eq!(window.is_near(&mine, Position(after), missed_max), missed <= missed_max);
        }
    }
}
