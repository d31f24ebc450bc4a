//! Reads around what SQLite cannot read.
//!
//! A page of the table or of an index may be damaged while the server runs. Then the rows are not read through a join, but
//! one by one: their positions come from the index, or from the table if that is what is damaged. A row that cannot be read
//! is shown as damaged. That costs more, and lasts until the next start, which writes the file anew.

use std::ops::ControlFlow;

use chat::{Entry, Position};
use rusqlite::{Connection, Params, Row};

use crate::damage::Damages;
use crate::error::is_damage;
use crate::rows::SELECT;

/// Three ways to read the same rows of the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ways {
    /// The rows themselves.
    pub(crate) rows: &'static str,
    /// Their positions, from the index alone.
    pub(crate) by_index: &'static str,
    /// Which of them are meant: an index may not have all that decides.
    pub(crate) is_meant: fn(&Entry) -> bool,
    /// Their positions, from the table alone.
    pub(crate) by_table: &'static str,
}

/// The ways to read rows by an index, with all that follows the name of the table. If the index alone does not tell which rows
/// are meant: what the index tells, and which of those it is.
macro_rules! ways {
    ($index:literal, $rest:literal) => {
        $crate::around::ways!($index, $rest, $rest, |_| true)
    };
    ($index:literal, $rest:literal, $of_index:literal, $is_meant:expr) => {
        $crate::around::Ways {
            rows: $crate::rows::select!($index, $rest),
            by_index: concat!("SELECT position FROM entry ", $index, " ", $of_index),
            is_meant: $is_meant,
            by_table: concat!("SELECT position FROM entry NOT INDEXED ", $rest),
        }
    };
}
pub(crate) use ways;

impl Ways {
    /// Calls `take` with each entry, in order, until it has enough.
    pub(crate) fn read(
        self,
        connection: &Connection,
        damages: &Damages,
        parameters: &(impl Params + Clone),
        mut take: impl FnMut(Entry) -> ControlFlow<()>,
    ) -> rusqlite::Result<()> {
        let mut taken = 0;
        let whole = each(connection, self.rows, parameters.clone(), |row| {
            let entry = damages.read(connection, row)?;
            taken += 1;
            Ok(take(entry))
        });
        let Err(err) = whole else { return Ok(()) };
        if !is_damage(&err) {
            return Err(err);
        }
        damages.met(&err);
        for positions in [self.by_index, self.by_table] {
            let mut to_skip = taken;
            let rest = each(connection, positions, parameters.clone(), |row| {
                let entry = one(connection, damages, Position(row.get(0)?))?;
                if to_skip > 0 || !(self.is_meant)(&entry) {
                    to_skip -= usize::from((self.is_meant)(&entry));
                    return Ok(ControlFlow::Continue(()));
                }
                taken += 1;
                Ok(take(entry))
            });
            match rest {
                Ok(()) => return Ok(()),
                Err(err) if is_damage(&err) => {}
                Err(err) => return Err(err),
            }
        }
        Err(err)
    }

    /// The entries, all of them.
    pub(crate) fn all(
        self,
        connection: &Connection,
        damages: &Damages,
        parameters: &(impl Params + Clone),
    ) -> rusqlite::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        self.read(connection, damages, parameters, |entry| {
            entries.push(entry);
            ControlFlow::Continue(())
        })?;
        Ok(entries)
    }
}

fn each(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    mut take: impl FnMut(&Row<'_>) -> rusqlite::Result<ControlFlow<()>>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    while let Some(row) = rows.next()? {
        if take(row)?.is_break() {
            break;
        }
    }
    Ok(())
}

/// The entry at a position. What cannot be read there is damaged.
pub(crate) fn one(connection: &Connection, damages: &Damages, position: Position) -> rusqlite::Result<Entry> {
    let at = crate::number::to_sql(position.0);
    let found =
        connection.prepare_cached(SELECT)?.query_row((at - 1, at), |row| damages.read(connection, row));
    match found {
        Err(rusqlite::Error::QueryReturnedNoRows) => damages.at(connection, position),
        Err(err) if is_damage(&err) => {
            damages.met(&err);
            damages.at(connection, position)
        }
        found => found,
    }
}
