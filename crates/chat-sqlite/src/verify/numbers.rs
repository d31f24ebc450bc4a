//! Checks that the numbers of entries continue without gaps over the whole log.
//!
//! `Rev` has no gaps, and neither has `Seq`, except in imported messages. Those were stored in one transaction before
//! everything else, and are recognised by the time and the lineage of the first entry.

use std::collections::BTreeMap;

use chat::{Author, Body, Entry, Kind, Rev, RoomId, RoomNumbers, Seq, UnixMillis};
use rusqlite::Connection;

use super::Fault;

/// What every room has used so far.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    rooms: BTreeMap<RoomId, RoomNumbers>,
    first: Option<(UnixMillis, Option<Author>)>,
    /// Where the messages that may have been taken over end.
    stretch: Stretch,
    /// Rows that could not be read may have had any number.
    is_lossy: bool,
}

/// Whether numbers may still be those of another system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stretch {
    #[default]
    TakenOver,
    Own,
}

impl Numbers {
    /// A row could not be read: gaps are no fault of their own any more.
    pub(super) fn lose(&mut self) {
        self.is_lossy = true;
    }

    pub(super) fn take(&mut self, entry: &Entry) -> Vec<Fault> {
        // The other system may have given numbers after its last message: so the first of our own may follow a gap.
        let may_skip = entry.room == RoomId::LOBBY && self.stretch == Stretch::TakenOver;
        // A row that was given up does not say who sent it, and when.
        if !matches!(entry.kind, Kind::Message { body: Body::Damaged } | Kind::Damaged { .. }) {
            let first = *self.first.get_or_insert((entry.at, entry.author));
            if entry.room == RoomId::LOBBY && first != (entry.at, entry.author) {
                self.stretch = Stretch::Own;
            }
        }
        let before = self.rooms.get(&entry.room).copied().unwrap_or_default();
        self.rooms.insert(entry.room, RoomNumbers { seq: entry.seq, rev: entry.rev });
        if self.is_lossy {
            return Vec::new();
        }
        let mut faults = Vec::new();
        let mut fault = |detail| faults.push(Fault::Number { position: entry.position, detail });
        if entry.rev != before.rev.next() {
            fault(format!("rev {} follows rev {} in room {}", entry.rev, before.rev, entry.room));
        }
        let expected = if entry.kind.is_message() { before.seq.next() } else { before.seq };
        let continues = entry.seq == expected || may_skip && entry.seq > before.seq;
        if !continues {
            fault(format!("seq {} follows seq {} in room {}", entry.seq, before.seq, entry.room));
        }
        faults
    }

    /// Compares the last numbers with those that the rooms will go on from.
    pub(super) fn finish(self, connection: &Connection) -> rusqlite::Result<Vec<Fault>> {
        let mut faults = Vec::new();
        let mut read = self.rooms;
        let mut statement = connection.prepare("SELECT id, seq, rev FROM room ORDER BY id")?;
        let mut rooms = statement.query([])?;
        while let Some(row) = rooms.next()? {
            let (room, kept) =
                (RoomId(row.get(0)?), RoomNumbers { seq: Seq(row.get(1)?), rev: Rev(row.get(2)?) });
            let last = read.remove(&room).unwrap_or_default();
            let is_ahead = self.stretch == Stretch::TakenOver && kept.seq > last.seq && kept.rev == last.rev;
            if kept != last && !is_ahead {
                let detail = format!(
                    "goes on from seq {} and rev {}, its last entry has {} and {}",
                    kept.seq, kept.rev, last.seq, last.rev
                );
                faults.push(Fault::Room { room: room.0, detail });
            }
        }
        let forgotten = read.into_keys();
        faults
            .extend(forgotten.map(|room| Fault::Room { room: room.0, detail: "has no last numbers".into() }));
        Ok(faults)
    }
}

#[cfg(test)]
mod tests {
    use chat::{Kind, Position, Text};

    use super::*;

    fn entry(position: u64, seq: u64, at: u64) -> Entry {
        Entry {
            position: Position(position),
            room: RoomId::LOBBY,
            seq: Seq(seq),
            rev: Rev(position),
            at: UnixMillis(at),
            author: None,
            kind: Kind::message(Text::from_stored("hi")),
        }
    }

    fn faults(entries: &[(u64, u64, u64)]) -> usize {
        let mut numbers = Numbers::default();
        entries.iter().flat_map(|&(position, seq, at)| numbers.take(&entry(position, seq, at))).count()
    }

    #[test]
    fn numbers_of_another_system_may_have_gaps_and_ours_may_not() {
        assert_eq!(faults(&[(1, 1, 1), (2, 2, 2), (3, 3, 3)]), 0);
        assert_eq!(faults(&[(1, 4, 1), (2, 7, 1), (3, 9, 2), (4, 10, 3)]), 0);
        assert_eq!(faults(&[(1, 1, 1), (2, 2, 2), (3, 4, 3)]), 1);
        assert_eq!(faults(&[(1, 4, 1), (2, 4, 1)]), 1);
        assert_eq!(faults(&[(1, 4, 1), (2, 3, 1)]), 1);
    }

    /// What is said of a lobby whose last numbers are kept as these, after these entries.
    fn finished(entries: &[(u64, u64, u64)], seq: u64, rev: u64) -> usize {
        let mut numbers = Numbers::default();
        for &(position, seq, at) in entries {
            assert_eq!(numbers.take(&entry(position, seq, at)), []);
        }
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE room (id INTEGER PRIMARY KEY, seq, rev)").unwrap();
        connection.execute("INSERT INTO room VALUES (1, ?1, ?2)", (seq, rev)).unwrap();
        numbers.finish(&connection).unwrap().len()
    }

    #[test]
    fn another_system_may_have_used_numbers_after_its_last_message_and_we_may_not() {
        let taken_over = [(1, 4, 1), (2, 7, 1)];
        assert_eq!(finished(&taken_over, 7, 2), 0);
        assert_eq!(finished(&taken_over, 9, 2), 0);
        assert_eq!(finished(&taken_over, 6, 2), 1);
        assert_eq!(finished(&taken_over, 9, 3), 1);
        let own = [(1, 4, 1), (2, 7, 1), (3, 8, 2)];
        assert_eq!(finished(&own, 8, 3), 0);
        assert_eq!(finished(&own, 9, 3), 1);
    }
}
