//! Passes committed entries on in order and without a hole, whatever order they are announced in.
//!
//! Owns `applied`; nobody else advances it. An entry is passed on if it is `applied + 1` and not otherwise: what is
//! known is dropped, and what is missing before it is read from the log, where it must stand already, since
//! positions are given in commit order. So whoever announces entries may lose, repeat or reorder them.

use crate::delivery::{Committed, Delivery};
use crate::entry::Entry;
use crate::ids::Position;
use crate::log::{Budget, LogReader, ReadError};

/// The contiguous view of one log on one node.
#[derive(Debug)]
pub struct Applier<R> {
    applied: Position,
    reader: R,
}

impl<R: LogReader> Applier<R> {
    /// A view that has seen everything up to `applied` and reads what it misses from `reader`.
    pub fn new(reader: R, applied: Position) -> Self {
        Self { applied, reader }
    }

    /// Everything up to here was passed on.
    pub fn applied(&self) -> Position {
        self.applied
    }

    /// Takes committed entries in any order and passes on those that continue what was passed on before.
    ///
    /// `pass` gets them in pieces of bounded size. When a gap cannot be read, what was passed on so far stands, the
    /// rest is forgotten here, and [`catch_up`](Self::catch_up) gets it from the log later.
    pub fn apply(
        &mut self,
        mut entries: Vec<Entry>,
        mut pass: impl FnMut(Vec<Entry>),
    ) -> Result<(), ReadError> {
        let continues =
            entries.iter().zip(self.applied.0 + 1..).all(|(entry, expected)| entry.position.0 == expected);
        if !continues {
            entries.sort_by_key(|entry| entry.position);
        }
        let mut run = Vec::new();
        for entry in entries {
            if entry.position <= self.applied {
                continue;
            }
            if entry.position != self.applied.next() {
                flush(&mut run, &mut pass);
                self.read_up_to(Position(entry.position.0 - 1), &mut pass)?;
            }
            self.applied = entry.position;
            run.push(entry);
        }
        flush(&mut run, &mut pass);
        Ok(())
    }

    /// Passes on everything up to `head`, which somebody says the log has grown to.
    pub fn catch_up(&mut self, head: Position, mut pass: impl FnMut(Vec<Entry>)) -> Result<(), ReadError> {
        self.read_up_to(head, &mut pass)
    }

    fn read_up_to(&mut self, through: Position, pass: &mut impl FnMut(Vec<Entry>)) -> Result<(), ReadError> {
        while self.applied < through {
            let entries = self.reader.read(self.applied, through, Budget::PAGE)?;
            let Some(last) = entries.last() else {
                let detail = format!("it ends at {} and should go on to {through}", self.applied);
                return Err(ReadError::Unavailable { detail });
            };
            self.applied = last.position;
            pass(entries);
        }
        Ok(())
    }
}

fn flush(run: &mut Vec<Entry>, pass: &mut impl FnMut(Vec<Entry>)) {
    if !run.is_empty() {
        pass(std::mem::take(run));
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
    fn deliver(&mut self, committed: Committed<T>) {
        let Committed { mut rewritten, entries, outcomes, directory } = committed;
        // The outcomes go with the last piece, so that a sender finds its own entry before its ack.
        let mut held = None;
        let inner = &mut self.inner;
        let applied = self.applier.apply(entries, |piece| {
            if let Some(entries) = held.replace(piece) {
                let rewritten = std::mem::take(&mut rewritten);
                inner.deliver(Committed {
                    rewritten,
                    entries,
                    outcomes: Vec::new(),
                    directory: directory.clone(),
                });
            }
        });
        if let Err(err) = applied {
            tracing::error!(%err, applied = self.applier.applied.0, "entries are held back until the gap can be read");
        }
        let entries = held.unwrap_or_default();
        self.inner.deliver(Committed { rewritten, entries, outcomes, directory });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{append_messages, read_all};
    use crate::ids::Epoch;
    use crate::memory::{MemoryDisk, MemoryLog};

    /// Offers each of `batches` to an applier over a log of ten entries and returns the positions passed on.
    fn passed_on(batches: &[&[u64]]) -> Vec<u64> {
        let mut log = MemoryLog::open(&MemoryDisk::default(), Epoch(1));
        append_messages(&mut log, 10);
        let entries = read_all(&log.reader());
        let mut applier = Applier::new(log.reader(), Position(2));
        let mut passed = Vec::new();
        for batch in batches {
            let batch = batch
                .iter()
                .map(|position| entries[usize::try_from(position - 1).unwrap()].clone())
                .collect();
            applier.apply(batch, |piece| passed.extend(piece.iter().map(|entry| entry.position.0))).unwrap();
            assert_eq!(passed.last().copied().unwrap_or(2), applier.applied().0);
        }
        passed
    }

    #[test]
    fn a_batch_that_continues_is_passed_on() {
        assert_eq!(passed_on(&[&[3, 4], &[5]]), [3, 4, 5]);
    }

    #[test]
    fn what_is_known_is_dropped() {
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
        let mut applier = Applier::new(log.reader(), Position::ZERO);
        let mut passed = Vec::new();
        applier.catch_up(Position(7), |piece| passed.extend(piece)).unwrap();
        assert_eq!(passed.len(), 7);
        assert_eq!(applier.applied(), Position(7));
    }

    #[test]
    fn nothing_is_passed_on_beyond_a_gap_that_the_log_cannot_fill() {
        let mut log = MemoryLog::open(&MemoryDisk::default(), Epoch(1));
        append_messages(&mut log, 3);
        let mut stray = read_all(&log.reader()).pop().unwrap();
        stray.position = Position(9);
        let mut applier = Applier::new(log.reader(), Position(1));
        let mut passed = Vec::new();
        let result =
            applier.apply(vec![stray], |piece| passed.extend(piece.iter().map(|entry| entry.position.0)));
        assert!(matches!(result, Err(ReadError::Unavailable { .. })));
        assert_eq!(passed, [2, 3]);
        assert_eq!(applier.applied(), Position(3));
    }
}
