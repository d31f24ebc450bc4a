//! Checks the numbers of devices: each is used once, by an entry or by a result without one, and in the order of the
//! log.

use std::iter::Peekable;

use rusqlite::Connection;

use super::{Fault, Report};
use crate::runs::{SELECT, SELECT_WITHOUT_ROOMS, SELECT_WITHOUT_RUNS, StoredRun, key};

/// The schema that brought devices.
pub(super) const SINCE: u32 = 2;

/// The schema that brought runs.
const RUNS_SINCE: u32 = 4;

/// Numbers that a row has used up.
#[derive(Clone, Copy)]
struct Span {
    device: i64,
    first: i64,
    /// `None` if the row is damaged: nobody knows how many numbers it has.
    last: Option<i64>,
    has_entry: bool,
}

/// Two lists of spans, each in order, as one.
struct Merged<A: Iterator, B: Iterator>(Peekable<A>, Peekable<B>);

impl<A, B> Iterator for Merged<A, B>
where
    A: Iterator<Item = rusqlite::Result<Span>>,
    B: Iterator<Item = rusqlite::Result<Span>>,
{
    type Item = rusqlite::Result<Span>;

    fn next(&mut self) -> Option<Self::Item> {
        match (self.0.peek(), self.1.peek()) {
            (Some(Ok(one)), Some(Ok(other))) if (one.device, one.first) > (other.device, other.first) => {
                self.1.next()
            }
            (None, _) => self.1.next(),
            (Some(_), _) => self.0.next(),
        }
    }
}

impl Report {
    pub(super) fn check_devices(&mut self, connection: &Connection, schema: u32) -> rusqlite::Result<()> {
        self.devices = connection.query_row("SELECT count(*) FROM device", [], |row| row.get(0))?;
        self.check_numbers(connection, schema)?;
        let mut order = connection.prepare(
            "SELECT device, n FROM
               (SELECT device, n, position, lag(position) OVER (PARTITION BY device ORDER BY n) AS before
                FROM entry INDEXED BY entry_counted WHERE device IS NOT NULL)
             WHERE before > position",
        )?;
        let mut rows = order.query([])?;
        while let Some(row) = rows.next()? {
            let n: i64 = row.get(1)?;
            let detail = format!("number {n} is stored before the number before it");
            self.fault(Fault::Device { device: row.get(0)?, detail });
        }
        Ok(())
    }

    /// Without a hole, and without an overlap.
    fn check_numbers(&mut self, connection: &Connection, schema: u32) -> rusqlite::Result<()> {
        let mut entries = connection.prepare(
            "SELECT device, n FROM entry INDEXED BY entry_counted WHERE device IS NOT NULL ORDER BY device, n",
        )?;
        let entries = entries.query_map([], |row| {
            let first = row.get(1)?;
            Ok(Span { device: row.get(0)?, first, last: Some(first), has_entry: true })
        })?;
        let mut runs = connection.prepare(match schema {
            SINCE => SELECT_WITHOUT_ROOMS,
            ..RUNS_SINCE => SELECT_WITHOUT_RUNS,
            _ => SELECT,
        })?;
        let runs = runs.query_map([], |row| {
            let last = StoredRun::decode(row).and_then(|stored| i64::try_from(stored.run.last().0).ok());
            let (device, first) = key(row);
            Ok(Span { device, first, last, has_entry: false })
        })?;
        let mut before: Option<Span> = None;
        for span in Merged(entries.peekable(), runs.peekable()) {
            let span = span?;
            let same = before.filter(|before| before.device == span.device);
            self.tell_damaged(before, same.is_some().then_some(span.first));
            self.check_span(same, span);
            before = Some(span);
        }
        self.tell_damaged(before, None);
        Ok(())
    }

    /// `span` follows `before` of the same device.
    fn check_span(&mut self, before: Option<Span>, span: Span) {
        let Span { device, first, last, has_entry } = span;
        if !has_entry {
            self.without_entry += last.map_or(1, |last| last - first + 1).unsigned_abs();
        }
        let expected = match before {
            None => 1,
            Some(Span { last: Some(last), .. }) => last.saturating_add(1),
            // Whatever follows a damaged row is right.
            Some(Span { last: None, .. }) => return,
        };
        let detail = match first.saturating_sub(expected) {
            0 => return,
            ..0 => format!("has two results for number {first}"),
            1 => format!("has no result for number {expected}"),
            2.. => format!("has no results for the numbers {expected} to {}", first - 1),
        };
        self.fault(Fault::Device { device, detail });
    }

    /// Tells of a damaged row, when it is known which number of the same device follows it, or that none does.
    fn tell_damaged(&mut self, span: Option<Span>, next: Option<i64>) {
        if let Some(Span { device, first, last: None, .. }) = span {
            self.fault(Fault::Spent { device, first, last: next.map(|next| next.saturating_sub(1)) });
        }
    }
}
