//! The results of commands that have no entry: rows that are what was stored, and what stands for the others.
//!
//! The numbers of a device have no gaps, so what is missing between two of them was a result. A damaged row stands for it, which
//! is answered `conflict`, and a backup can put it back. A damaged row behind all others frees no number either.

use chat::Run;
use rusqlite::Connection;

use crate::runs::{SELECT, StoredRun, key};

/// More results that follow one another are not missing: a number in between is wrong.
const MISSING_MAX: i64 = 1 << 20;

/// Numbers of a device that a row of `spent` has used up.
#[derive(Clone, Copy, Debug)]
struct Span {
    device: i64,
    first: i64,
    /// `None` if the row is not what was stored: nobody knows how many it has, and `first` need not be true.
    last: Option<i64>,
}

/// Leaves the rows that are what was stored, and has damaged ones where there must have been others.
pub(super) fn mend(new: &Connection) -> rusqlite::Result<()> {
    let stored = stored(new)?;
    let mut changes = Vec::new();
    let mut numbers = Numbers { device: 0, next: 1, damaged: Vec::new(), changes: &mut changes };
    let mut entries =
        new.prepare("SELECT device, n FROM entry WHERE device IS NOT NULL ORDER BY device, n")?;
    let mut entries = entries.query([])?;
    let mut stored = stored.into_iter().peekable();
    while let Some(entry) = entries.next()? {
        let (device, n): (i64, i64) = (entry.get(0)?, entry.get(1)?);
        while let Some(span) = stored.next_if(|span| (span.device, span.first) < (device, n)) {
            numbers.add(span);
        }
        numbers.add(Span { device, first: n, last: Some(n) });
    }
    stored.for_each(|span| numbers.add(span));
    numbers.end();
    apply(new, &changes)
}

/// All rows, by device and number. One whose device has no name is nobody's, and removed.
fn stored(new: &Connection) -> rusqlite::Result<Vec<Span>> {
    new.execute("DELETE FROM spent WHERE device NOT IN (SELECT id FROM device)", [])?;
    let mut statement = new.prepare(SELECT)?;
    let spans = statement.query_map([], |row| {
        let last = StoredRun::decode(row).and_then(|stored| i64::try_from(stored.run.last().0).ok());
        let (device, first) = key(row);
        Ok(Span { device, first, last })
    })?;
    spans.collect()
}

/// What a row of `spent` has to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Remove { device: i64, first: i64 },
    Damaged { device: i64, first: i64 },
}

/// The numbers of a device, in order, as far as they are known.
struct Numbers<'a> {
    device: i64,
    /// The first number that no sound row before has.
    next: i64,
    /// Where damaged rows say that they begin, since then.
    damaged: Vec<i64>,
    changes: &'a mut Vec<Change>,
}

impl Numbers<'_> {
    fn add(&mut self, span: Span) {
        if span.device != self.device {
            self.end();
            (self.device, self.next) = (span.device, 1);
        }
        match span.last {
            None => self.damaged.push(span.first),
            Some(last) => {
                self.fill(span.first);
                self.next = self.next.max(last.saturating_add(1));
            }
        }
    }

    /// Has damaged rows for what is missing before `end`. Those that are there stay as they are: a repair compares their length.
    fn fill(&mut self, end: i64) {
        let (device, next) = (self.device, self.next);
        let is_missing = end.saturating_sub(next) <= MISSING_MAX;
        let damaged = std::mem::take(&mut self.damaged);
        let (kept, wrong): (Vec<_>, Vec<_>) =
            damaged.into_iter().partition(|first| is_missing && (next..end).contains(first));
        self.changes.extend(wrong.into_iter().map(|first| Change::Remove { device, first }));
        if !is_missing {
            return;
        }
        let mut from = next;
        for to in kept.into_iter().chain([end]) {
            // Nobody can tell where one row ended and the next one began, but none was longer.
            let firsts = (from..to).step_by(Run::NUMBERS_MAX);
            self.changes.extend(firsts.map(|first| Change::Damaged { device, first }));
            from = to;
        }
    }

    /// Nothing of the device follows. A damaged row that was its last keeps it from using a number twice.
    fn end(&mut self) {
        let (device, next) = (self.device, self.next);
        let Some(&last) = self.damaged.iter().rfind(|first| **first >= next) else { return self.fill(next) };
        let near = self.damaged.iter().rfind(|first| (0..MISSING_MAX).contains(&first.saturating_sub(next)));
        if let Some(near) = near.copied() {
            return self.fill(near + 1);
        }
        self.fill(last);
        self.changes.push(Change::Damaged { device, first: next });
    }
}

fn apply(new: &Connection, changes: &[Change]) -> rusqlite::Result<()> {
    let mut remove = new.prepare("DELETE FROM spent WHERE device = ?1 AND n = ?2")?;
    let mut damaged = new.prepare(
        "INSERT OR IGNORE INTO spent (device, n, result, at_ms, content, checksum)
         VALUES (?1, ?2, 1, 0, zeroblob(16), 0)",
    )?;
    for change in changes {
        match *change {
            Change::Remove { device, first } => remove.execute((device, first))?,
            Change::Damaged { device, first } => damaged.execute((device, first))?,
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of the rows of one device, by first and last number.
    fn changes(rows: &[(i64, Option<i64>)]) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut numbers = Numbers { device: 0, next: 1, damaged: Vec::new(), changes: &mut changes };
        for &(first, last) in rows {
            numbers.add(Span { device: 7, first, last });
        }
        numbers.end();
        changes
    }

    fn damaged(first: i64) -> Change {
        Change::Damaged { device: 7, first }
    }

    fn remove(first: i64) -> Change {
        Change::Remove { device: 7, first }
    }

    #[test]
    fn runs_that_follow_one_another_have_no_hole() {
        assert_eq!(changes(&[(1, Some(1)), (2, Some(80)), (81, Some(81)), (82, Some(90))]), []);
    }

    #[test]
    fn a_hole_is_filled_with_rows_that_are_not_too_long() {
        assert_eq!(changes(&[(4, Some(90)), (301, Some(301))]), [1, 91, 191, 291].map(damaged));
    }

    #[test]
    fn a_damaged_row_stays_where_something_is_missing_and_nowhere_else() {
        assert_eq!(changes(&[(1, Some(5)), (3, None), (6, None), (9, Some(9))]), [remove(3), damaged(6)]);
        assert_eq!(changes(&[(1, Some(5)), (8, None), (9, Some(9))]), [6, 8].map(damaged));
    }

    #[test]
    fn a_damaged_row_at_the_end_frees_no_number() {
        assert_eq!(changes(&[(1, Some(5)), (6, None)]), [damaged(6)]);
        assert_eq!(changes(&[(1, Some(5)), (8, None)]), [6, 8].map(damaged));
        assert_eq!(changes(&[(1, Some(5)), (i64::MAX, None)]), [remove(i64::MAX), damaged(6)]);
        assert_eq!(changes(&[(1, Some(5)), (5, None)]), [remove(5)]);
    }

    #[test]
    fn a_number_that_is_far_from_all_others_leaves_no_hole() {
        assert_eq!(changes(&[(1, Some(5)), (7, None), (1 << 40, Some(1 << 40))]), [remove(7)]);
    }
}
