//! Rows that are not what was once stored, and what can still be said of them.
//!
//! A disk may give back other bytes than it was given. One such row must not stop everything that stands beside it: it is
//! read as damaged, in the place where it stands. Its room and its number come from the indexes, which are copies of their
//! own, because nothing in the row itself can be believed. Only a row that no index knows stays unread.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chat::{Body, Entry, Kind, Position, Rev, RoomId, Seq, UnixMillis};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row};

use crate::rows::decode;

/// So many damaged rows are kept at hand, and told one by one in the log. The others are looked up each time.
const KNOWN_MAX: usize = 1000;

/// The damaged rows that the readers and the writer of one log have met. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Damages {
    known: Arc<Mutex<BTreeMap<Position, Entry>>>,
}

impl Damages {
    /// How many rows were found damaged so far.
    pub(crate) fn count(&self) -> u64 {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
    }

    /// The entry of a row: what was stored, or what can be said of a damaged one. The inner error is the position of a row
    /// of which nothing can be said.
    pub(crate) fn read(
        &self,
        connection: &Connection,
        row: &Row<'_>,
    ) -> rusqlite::Result<Result<Entry, Position>> {
        match decode(row) {
            Some(entry) => Ok(Ok(entry)),
            // The number of a row is not a column of it: it is how the row was found.
            None => self.at(connection, Position(row.get(0)?)),
        }
    }

    /// The same of a row that cannot be read at all.
    pub(crate) fn at(
        &self,
        connection: &Connection,
        position: Position,
    ) -> rusqlite::Result<Result<Entry, Position>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&position).cloned();
        if let Some(entry) = known {
            return Ok(Ok(entry));
        }
        let Some(entry) = tombstone(connection, position)? else { return Ok(Err(position)) };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < KNOWN_MAX && known.insert(position, entry.clone()).is_none() {
            tracing::error!(
                %position,
                room = entry.room.0,
                seq = entry.seq.0,
                "a row of the log is not what was stored: it is shown as damaged. `tidings verify` finds all of them, \
                 and `tidings repair --from BACKUP` puts back what a backup has"
            );
        }
        Ok(Ok(entry))
    }
}

/// What the indexes say of the row at `position`.
pub(crate) fn tombstone(connection: &Connection, position: Position) -> rusqlite::Result<Option<Entry>> {
    let at = position.0.cast_signed();
    let Some((room, rev)) = place(connection, at)? else { return Ok(None) };
    let seq = ask(
        connection,
        "SELECT seq FROM entry INDEXED BY entry_message WHERE kind = 1 AND room = ?1 AND +position = ?2 LIMIT 1",
        (room, at),
        |row| row.get::<_, i64>(0),
    )?;
    let (kind, seq) = match seq {
        Some(seq) => (Kind::Message { body: Body::Damaged }, Some(seq)),
        None => {
            (Kind::Damaged { is_change: !is_of_directory(connection, at)? }, last_seq(connection, room, at)?)
        }
    };
    // Only for people to read: the time of what stands before it is near enough.
    let at_ms = ask(
        connection,
        "SELECT at_ms FROM entry WHERE position < ?1 ORDER BY position DESC LIMIT 1",
        [at],
        |row| row.get::<_, i64>(0),
    )?;
    let unsigned = |number: i64| number.max(0).cast_unsigned();
    Ok(Some(Entry {
        position,
        room: RoomId(unsigned(room)),
        seq: Seq(unsigned(seq.unwrap_or(0))),
        rev: Rev(unsigned(rev)),
        at: UnixMillis(unsigned(at_ms.unwrap_or(0))),
        author: None,
        kind,
    }))
}

fn is_of_directory(connection: &Connection, position: i64) -> rusqlite::Result<bool> {
    let known = "SELECT 1 FROM entry INDEXED BY entry_directory WHERE kind > 3 AND position = ?1";
    Ok(ask(connection, known, [position], |_| Ok(()))?.is_some())
}

/// The number of the room's last message before a position.
fn last_seq(connection: &Connection, room: i64, position: i64) -> rusqlite::Result<Option<i64>> {
    let last =
        "SELECT max(seq) FROM entry INDEXED BY entry_message WHERE kind = 1 AND room = ?1 AND +position < ?2";
    Ok(ask(connection, last, (room, position), |row| row.get(0))?.flatten())
}

/// The room and the `rev` of a row, as the index has them.
fn place(connection: &Connection, position: i64) -> rusqlite::Result<Option<(i64, i64)>> {
    // The row is asked where to look, and the index whether that is true: mostly it is the text that is damaged.
    let said = connection
        .prepare_cached("SELECT room, rev FROM entry NOT INDEXED WHERE position = ?1")?
        .query_row([position], |row| Ok((row.get_ref(0)?.as_i64().ok(), row.get_ref(1)?.as_i64().ok())));
    if let Ok((Some(room), Some(rev))) = said {
        let is_true = ask(
            connection,
            "SELECT 1 FROM entry INDEXED BY entry_rev WHERE room = ?1 AND rev = ?2 AND position = ?3",
            (room, rev, position),
            |_| Ok(()),
        )?;
        if is_true.is_some() {
            return Ok(Some((room, rev)));
        }
    }
    // Through the whole index. That is long, and rare.
    ask(
        connection,
        "SELECT room, rev FROM entry INDEXED BY entry_rev WHERE +position = ?1 LIMIT 1",
        [position],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

fn ask<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    take: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    let mut statement: CachedStatement<'_> = connection.prepare_cached(sql)?;
    statement.query_row(parameters, take).optional()
}
