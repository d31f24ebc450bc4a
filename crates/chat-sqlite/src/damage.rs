//! Rows that are not what was once stored, and what can still be said of them.
//!
//! A disk may give back other bytes than it was given. One such row must not stop everything that stands beside it: it is
//! read as damaged, in the place where it stands. Its room and its number come from the indexes, which are copies of their
//! own, because nothing in the row itself can be believed. A row that no index knows keeps its position alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chat::{Body, Entry, Kind, Position, Rev, RoomId, Run, Seq, UnixMillis};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row};

use crate::error::is_damage;
use crate::folder::Folder;
use crate::rows::decode;
use crate::runs::{StoredRun, key};

/// So many damaged rows are kept at hand, and told one by one in the log. The others are looked up each time.
const KNOWN_MAX: usize = 1000;

/// Positions that are looked up in the indexes together, because that reads the indexes from end to end.
const NEAR: i64 = 1024;

/// The damaged rows that the readers and the writer of one log have met. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Damages(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    known: Mutex<BTreeMap<Position, Entry>>,
    near: Mutex<Near>,
    /// Rows of numbers without an entry, by device and first number.
    runs: Mutex<BTreeSet<(i64, i64)>>,
    /// Whether SQLite has not found its way.
    is_malformed: AtomicBool,
    /// Where the next start finds a note of that.
    folder: Arc<Folder>,
}

impl Damages {
    pub(crate) fn of(folder: &Arc<Folder>) -> Self {
        Self(Arc::new(Shared {
            known: Mutex::default(),
            near: Mutex::default(),
            runs: Mutex::default(),
            is_malformed: AtomicBool::new(false),
            folder: Arc::clone(folder),
        }))
    }

    /// How many rows were found damaged so far.
    pub(crate) fn count(&self) -> u64 {
        let entries = self.0.known.lock().unwrap_or_else(PoisonError::into_inner).len();
        let runs = self.0.runs.lock().unwrap_or_else(PoisonError::into_inner).len();
        (entries + runs) as u64
    }

    /// Whether SQLite has not found its way in the file, so that the next start has to write it anew.
    pub(crate) fn is_malformed(&self) -> bool {
        self.0.is_malformed.load(Ordering::Relaxed)
    }

    /// Notes that SQLite has not found its way in the file.
    pub(crate) fn met(&self, err: &rusqlite::Error) {
        if !self.0.is_malformed.swap(true, Ordering::Relaxed) {
            self.0.folder.note_damage();
            tracing::error!(
                %err,
                "the structure of chat.db is damaged: rows that cannot be read are shown as damaged; restart the server, which \
                 finds them and writes the file anew"
            );
        }
    }

    /// The entry of a row: what was stored, or what can be said of a damaged one.
    pub(crate) fn read(&self, connection: &Connection, row: &Row<'_>) -> rusqlite::Result<Entry> {
        match decode(row) {
            Some(entry) => Ok(entry),
            // The number of a row is not a column of it: it is how the row was found.
            None => self.at(connection, Position(row.get(0)?)),
        }
    }

    /// The same of a row that cannot be read at all. One of which no index knows anything belongs to no room, so nobody is
    /// sent it.
    pub(crate) fn at(&self, connection: &Connection, position: Position) -> rusqlite::Result<Entry> {
        let known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner).get(&position).cloned();
        if let Some(entry) = known {
            return Ok(entry);
        }
        let found = {
            let mut near = self.0.near.lock().unwrap_or_else(PoisonError::into_inner);
            tombstone_by(connection, position, &mut near)
        };
        let entry = match found {
            Err(err) if is_damage(&err) => {
                self.met(&err);
                None
            }
            found => found?,
        };
        let entry = entry.unwrap_or_else(|| of_no_room(position));
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < KNOWN_MAX && known.insert(position, entry.clone()).is_none() {
            tracing::error!(
                %position,
                room = entry.room.0,
                seq = entry.seq.0,
                "a row of the log is not what was stored: it is shown as damaged. `tidings verify` finds all of them, \
                 and `tidings repair --from BACKUP` puts back what a backup has"
            );
        }
        Ok(entry)
    }
}

/// What stands where nobody knows what stood.
fn of_no_room(position: Position) -> Entry {
    Entry {
        position,
        room: RoomId(0),
        seq: Seq(0),
        rev: Rev(0),
        at: UnixMillis(0),
        author: None,
        kind: Kind::Damaged { is_change: true },
    }
}

/// What the indexes say of some positions in a row.
#[derive(Debug, Default)]
pub(crate) struct Near {
    first: i64,
    /// Room and `rev`.
    places: BTreeMap<i64, (i64, i64)>,
    messages: BTreeMap<i64, i64>,
}

impl Near {
    /// Reads the indexes for what stands from `first` on, unless that is at hand.
    fn look(&mut self, connection: &Connection, at: i64) -> rusqlite::Result<()> {
        if self.first > 0 && self.places.contains_key(&at) {
            return Ok(());
        }
        let between = (at, at.saturating_add(NEAR - 1));
        let mut near = Self { first: at, ..Self::default() };
        let places =
            "SELECT position, room, rev FROM entry INDEXED BY entry_rev WHERE +position BETWEEN ?1 AND ?2";
        let mut places = connection.prepare_cached(places)?;
        let mut rows = places.query(between)?;
        while let Some(row) = rows.next()? {
            near.places.insert(row.get(0)?, (row.get(1)?, row.get(2)?));
        }
        let messages = "SELECT position, seq FROM entry INDEXED BY entry_message WHERE kind = 1 AND +position BETWEEN ?1 AND ?2";
        let mut messages = connection.prepare_cached(messages)?;
        let mut rows = messages.query(between)?;
        while let Some(row) = rows.next()? {
            near.messages.insert(row.get(0)?, row.get(1)?);
        }
        *self = near;
        Ok(())
    }
}

impl Damages {
    /// The run of a row of `spent`, if the row is what was once stored.
    pub(crate) fn run(&self, row: &Row<'_>) -> Option<Run> {
        if let Some(stored) = StoredRun::decode(row) {
            return Some(stored.run);
        }
        let (device, first) = key(row);
        let mut runs = self.0.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if runs.len() < KNOWN_MAX && runs.insert((device, first)) {
            tracing::error!(
                device,
                first,
                "the results of commands from this number on are not what was stored: whoever sends one of these commands \
                 again is answered `conflict`. `tidings verify` says how many they are, and `tidings repair --from BACKUP` \
                 puts back what a backup has"
            );
        }
        None
    }
}

/// What the indexes say of the row at `position`.
pub(crate) fn tombstone(connection: &Connection, position: Position) -> rusqlite::Result<Option<Entry>> {
    tombstone_by(connection, position, &mut Near::default())
}

fn tombstone_by(
    connection: &Connection,
    position: Position,
    near: &mut Near,
) -> rusqlite::Result<Option<Entry>> {
    let at = position.0.cast_signed();
    near.look(connection, at)?;
    let Some((room, rev)) = near.places.get(&at).copied() else { return Ok(None) };
    let (kind, seq) = match near.messages.get(&at).copied() {
        Some(seq) => (Kind::Message { body: Body::Damaged }, Some(seq)),
        None => {
            (Kind::Damaged { is_change: !is_of_directory(connection, at)? }, last_seq(connection, room, at)?)
        }
    };
    let unsigned = |number: i64| number.max(0).cast_unsigned();
    Ok(Some(Entry {
        position,
        room: RoomId(unsigned(room)),
        seq: Seq(unsigned(seq.unwrap_or(0))),
        rev: Rev(unsigned(rev)),
        at: UnixMillis(unsigned(time_before(connection, at))),
        author: None,
        kind,
    }))
}

/// Only for people to read: the time of what stands before it is near enough.
fn time_before(connection: &Connection, at: i64) -> i64 {
    let before = "SELECT at_ms FROM entry NOT INDEXED WHERE position < ?1 ORDER BY position DESC LIMIT 1";
    ask(connection, before, [at], |row| row.get(0)).ok().flatten().unwrap_or(0)
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

fn ask<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    take: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    let mut statement: CachedStatement<'_> = connection.prepare_cached(sql)?;
    statement.query_row(parameters, take).optional()
}
