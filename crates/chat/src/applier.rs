//! [`Applier`]: passes committed entries on in order and without gaps, in whatever order they are announced.
//!
//! Owns `applied`, and the directory at that position: nobody else advances them. Only the entry `applied + 1` is passed
//! on. Known entries are dropped. Entries that are missing before it are read from the log, which has them already, because
//! positions are given in commit order. So announcements can be lost, repeated or reordered. Before a piece is passed on,
//! the directory shows the state after it.

use crate::delivery::{Committed, Delivery};
use crate::directory::{Directory, DirectoryHandle};
use crate::entry::Entry;
use crate::ids::Position;
use crate::log::{Budget, LogReader, ReadError, RoomNumbers};
use crate::planted::{self, Bug};
use crate::pointer::ReadPointer;
use crate::rare::{self, Rare};

/// The contiguous view of one log on one node.
#[derive(Debug)]
pub struct Applier<R> {
    applied: Position,
    reader: R,
    shown: DirectoryHandle,
}

/// Entries that continue the ones passed on before, without a gap.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece {
    /// Earlier entries that were rewritten meanwhile. An entry that was announced brings its own.
    pub rewritten: Vec<Entry>,
    /// The entries, in the order of the log.
    pub entries: Vec<Entry>,
    /// People and rooms after these entries.
    pub directory: Directory,
}

impl<R: LogReader> Applier<R> {
    /// A view that has seen everything up to `applied` and reads what it misses from `reader`; `shown` is the directory of
    /// that moment.
    pub fn new(reader: R, applied: Position, shown: DirectoryHandle) -> Self {
        Self { applied, reader, shown }
    }

    /// Everything up to here was passed on.
    pub fn applied(&self) -> Position {
        self.applied
    }

    /// Takes committed entries in any order and passes on those that continue what was passed on before.
    ///
    /// `pass` gets them in pieces of bounded size. When a gap cannot be read, what was passed on so far stands, the
    /// rest is forgotten here, and [`catch_up`](Self::catch_up) gets it from the log later.
    pub fn apply(&mut self, mut entries: Vec<Entry>, mut pass: impl FnMut(Piece)) -> Result<(), ReadError> {
        let continues =
            entries.iter().zip(self.applied.0 + 1..).all(|(entry, expected)| entry.position.0 == expected);
        if !continues {
            entries.sort_by_key(|entry| entry.position);
        }
        let mut run: Vec<Entry> = Vec::new();
        for entry in entries {
            let last = run.last().map_or(self.applied, |entry| entry.position);
            if entry.position <= last {
                continue;
            }
            if entry.position != last.next() {
                self.pass_on(std::mem::take(&mut run), Vec::new(), &mut pass);
                self.catch_up(Position(entry.position.0 - 1), &mut pass)?;
            }
            run.push(entry);
        }
        self.pass_on(run, Vec::new(), &mut pass);
        Ok(())
    }

    /// Passes on everything up to `head`, which somebody says the log has grown to.
    pub fn catch_up(&mut self, head: Position, mut pass: impl FnMut(Piece)) -> Result<(), ReadError> {
        while self.applied < head {
            let entries = self.reader.read(self.applied, head, Budget::PAGE)?;
            if entries.is_empty() {
                let detail = format!("it ends at {} and should go on to {head}", self.applied);
                return Err(ReadError::Unavailable { detail });
            }
            rare::reached(Rare::ReadByFollower);
            let rewritten = self.rewritten_by(&entries)?;
            self.pass_on(entries, rewritten, &mut pass);
        }
        Ok(())
    }

    /// Pointers have moved. They are no entries, and have no order among them.
    pub fn move_pointers(&self, pointers: &[ReadPointer]) {
        if pointers.is_empty() {
            return;
        }
        let mut directory = self.directory();
        for pointer in pointers {
            directory.move_pointer(*pointer);
        }
        self.shown.show(&directory, []);
    }

    /// People and rooms at `applied`.
    pub fn directory(&self) -> Directory {
        (*self.shown.now()).clone()
    }

    /// What stands before these entries and says something else since. Nobody has told: they come from the log.
    fn rewritten_by(&self, entries: &[Entry]) -> Result<Vec<Entry>, ReadError> {
        let mut rewritten: Vec<Entry> = Vec::new();
        for entry in entries {
            let Some(seq) = entry.kind.target().filter(|_| !planted::is(Bug::ForgetsRewritesOfOthers)) else {
                continue;
            };
            for version in self.reader.versions(entry.room, seq)? {
                let is_known = rewritten.iter().any(|known| known.position == version.position);
                if version.position <= self.applied && !is_known {
                    rewritten.push(version);
                }
            }
        }
        Ok(rewritten)
    }

    fn pass_on(&mut self, entries: Vec<Entry>, rewritten: Vec<Entry>, pass: &mut impl FnMut(Piece)) {
        let Some(last) = entries.last() else { return };
        self.applied = last.position;
        let mut directory = self.directory();
        for entry in &entries {
            directory.apply(entry);
        }
        let numbers =
            entries.iter().map(|entry| (entry.room, RoomNumbers { seq: entry.seq, rev: entry.rev }));
        self.shown.show(&directory, numbers);
        pass(Piece { rewritten, entries, directory });
    }
}

/// A [`Delivery`] behind an [`Applier`]: outcomes pass at once, entries only in order and without a hole.
#[derive(Debug)]
pub struct Applying<R, D> {
    applier: Applier<R>,
    inner: D,
}

impl<R: LogReader, D> Applying<R, D> {
    /// Puts `applier` before `inner`.
    pub fn new(applier: Applier<R>, inner: D) -> Self {
        Self { applier, inner }
    }
}

impl<T, R: LogReader, D: Delivery<T>> Delivery<T> for Applying<R, D> {
    fn catch_up(&mut self, head: Position, pointers: &[ReadPointer]) -> Result<Directory, ReadError> {
        let inner = &mut self.inner;
        self.applier.catch_up(head, |Piece { rewritten, entries, directory }| {
            let (outcomes, pointers) = (Vec::new(), Vec::new());
            inner.deliver(Committed { rewritten, entries, outcomes, pointers, directory });
        })?;
        self.applier.move_pointers(pointers);
        Ok(self.applier.directory())
    }

    fn deliver(&mut self, committed: Committed<T>) {
        let Committed { rewritten, entries, outcomes, pointers, directory: _ } = committed;
        // One piece is always held back, because outcomes go with the last one: a sender sees its own entry before its ack.
        let mut held: Option<Piece> = None;
        let inner = &mut self.inner;
        let applied = self.applier.apply(entries, |piece| {
            if let Some(Piece { rewritten, entries, directory }) = held.replace(piece) {
                let (outcomes, pointers) = (Vec::new(), Vec::new());
                inner.deliver(Committed { rewritten, entries, outcomes, pointers, directory });
            }
        });
        if let Err(err) = applied {
            tracing::error!(%err, applied = self.applier.applied.0, "entries are held back until the gap can be read");
        }
        self.applier.move_pointers(&pointers);
        let directory = self.applier.directory();
        let mut last = held.unwrap_or_else(|| Piece {
            rewritten: Vec::new(),
            entries: Vec::new(),
            directory: directory.clone(),
        });
        last.rewritten.extend(rewritten);
        let Piece { rewritten, entries, .. } = last;
        self.inner.deliver(Committed { rewritten, entries, outcomes, pointers, directory });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Command, Draft};
    use crate::conformance::{ADAS, append, append_messages, command, draft, numbered, read_all};
    use crate::entry::{Body, Kind};
    use crate::ids::{Epoch, RoomId, Seq};
    use crate::log::Log as _;
    use crate::memory::{MemoryDisk, MemoryLog, MemoryReader};
    use crate::name::Nickname;
    use crate::text::Text;

    fn positions(entries: &[Entry]) -> Vec<u64> {
        entries.iter().map(|entry| entry.position.0).collect()
    }

    /// Offers each of `batches` to an applier over a log of ten entries and returns the positions passed on.
    fn passed_on(batches: &[&[u64]]) -> Vec<u64> {
        let mut log = MemoryLog::open(&MemoryDisk::default(), Epoch(1));
        append_messages(&mut log, 10);
        let entries = read_all(&log.reader());
        let mut applier = Applier::new(log.reader(), Position(2), DirectoryHandle::load(&mut log).unwrap());
        let mut passed = Vec::new();
        for batch in batches {
            let batch = batch
                .iter()
                .map(|position| entries[usize::try_from(position - 1).unwrap()].clone())
                .collect();
            applier.apply(batch, |piece| passed.extend(positions(&piece.entries))).unwrap();
            assert_eq!(passed.last().copied().unwrap_or(2), applier.applied().0);
        }
        passed
    }

    #[test]
    fn a_batch_that_continues_is_passed_on() {
        assert_eq!(passed_on(&[&[3, 4], &[5]]), [3, 4, 5]);
    }

    #[test]
    fn known_entries_are_dropped() {
        assert_eq!(passed_on(&[&[1, 2], &[3, 4], &[3, 4, 5], &[5]]), [3, 4, 5]);
    }

    #[test]
    fn a_gap_is_read_from_the_log() {
        assert_eq!(passed_on(&[&[6, 7]]), [3, 4, 5, 6, 7]);
        assert_eq!(passed_on(&[&[3, 5, 8]]), [3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn batches_that_cross_are_put_in_order() {
        assert_eq!(passed_on(&[&[5, 6], &[3, 4], &[8, 7]]), [3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn catching_up_ends_at_the_announced_head() {
        let mut log = MemoryLog::open(&MemoryDisk::default(), Epoch(1));
        append_messages(&mut log, 10);
        let mut applier =
            Applier::new(log.reader(), Position::ZERO, DirectoryHandle::load(&mut log).unwrap());
        let mut passed = Vec::new();
        applier.catch_up(Position(7), |piece| passed.extend(piece.entries)).unwrap();
        assert_eq!(passed.len(), 7);
        assert_eq!(applier.applied(), Position(7));
    }

    #[test]
    fn nothing_is_passed_on_beyond_a_gap_that_the_log_cannot_fill() {
        let mut log = MemoryLog::open(&MemoryDisk::default(), Epoch(1));
        append_messages(&mut log, 3);
        let mut stray = read_all(&log.reader()).pop().unwrap();
        stray.position = Position(9);
        let mut applier = Applier::new(log.reader(), Position(1), DirectoryHandle::load(&mut log).unwrap());
        let mut passed = Vec::new();
        let result = applier.apply(vec![stray], |piece| passed.extend(positions(&piece.entries)));
        assert!(matches!(result, Err(ReadError::Unavailable { .. })));
        assert_eq!(passed, [2, 3]);
        assert_eq!(applier.applied(), Position(3));
    }

    fn edit(n: u64, text: &str) -> Draft {
        let text = Text::from_stored(text);
        command(ADAS, n, Command::Edit { room: RoomId::LOBBY, seq: Seq(1), text })
    }

    /// As a node sees it that has passed on the first three entries, and hears of the log's growth alone: a name, what was
    /// said, and a first edit of it.
    fn follower(log: &mut MemoryLog) -> Applier<MemoryReader> {
        let name = Command::Name { name: Nickname::from_stored("ada") };
        append(log, &[command(ADAS, 1, name), numbered(ADAS, 2, "helo"), edit(3, "hello")]);
        Applier::new(log.reader(), log.head(), DirectoryHandle::load(log).unwrap())
    }

    #[test]
    fn an_edit_that_is_read_in_a_gap_rewrites_the_message_and_the_edit_before_it() {
        let mut log = MemoryLog::open(&MemoryDisk::default(), Epoch(1));
        let mut follower = follower(&mut log);
        append(&mut log, &[edit(4, "hello!"), edit(5, "hello?")]);
        let mut passed = Vec::new();
        follower.catch_up(log.head(), |piece| passed.push(piece)).unwrap();
        let [piece] = &passed[..] else { panic!("one piece, and not {passed:?}") };
        assert_eq!(positions(&piece.entries), [4, 5]);
        let stands = read_all(&log.reader());
        assert_eq!(piece.rewritten, [stands[1].clone(), stands[2].clone()]);
        assert!(matches!(&stands[1].kind, Kind::Message { body: Body::Edited(text) } if &**text == "hello?"));
        assert!(matches!(&stands[2].kind, Kind::Edited { text: None, .. }));
    }

    #[test]
    fn the_directory_shows_each_piece_that_is_read_in_a_gap_and_nothing_after_it() {
        let mut log = MemoryLog::open(&MemoryDisk::default(), Epoch(1));
        let mut follower = follower(&mut log);
        let shown = follower.shown.clone();
        let rename = |n, name| command(ADAS, n, Command::Name { name: Nickname::from_stored(name) });
        append(&mut log, &[rename(4, "adele")]);
        let filling = (0..600).map(|_| draft(None, None, "more than a page")).collect::<Vec<_>>();
        append(&mut log, &filling);
        append(&mut log, &[rename(5, "adela")]);
        let mut names = Vec::new();
        let pass = |piece: Piece| {
            let now = shown.now();
            assert_eq!(*now, piece.directory);
            let last = piece.entries.last().unwrap();
            assert_eq!(now.numbers(last.room), RoomNumbers { seq: last.seq, rev: last.rev });
            names.push(now.name(ADAS.user).unwrap().to_string());
        };
        follower.catch_up(log.head(), pass).unwrap();
        assert_eq!(names, ["adele", "adela"]);
        assert_eq!(*shown.now(), Directory::load(&mut log).unwrap());
    }
}
