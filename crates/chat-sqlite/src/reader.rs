//! Readers: a few read-only connections that all threads share.
//!
//! Each read is short and has a snapshot of its own, so no reader holds the write-ahead log back for long. At most
//! [`CONNECTIONS`] are open. Every row is checked before it is trusted.

use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use chat::{
    Budget, Entry, Epochs, LogReader, Messages, Page, Position, ReadError, Rev, RoomId, Seq, Unread, UserId,
};
use rusqlite::Connection;

use crate::around;
use crate::damage::Damages;
use crate::error::{is_damage, read_error};
use crate::folder::Folder;
use crate::lookup::{self, load_epochs};
use crate::number::to_sql;
use crate::pages;
use crate::rows::SELECT;
use crate::schema;

const CONNECTIONS: usize = 3;

/// So many rows are read one by one, beside a page that cannot be read, before a page of the log ends.
const ONE_BY_ONE_MAX: usize = 128;

/// The last committed position, as the writer tells it to its readers.
#[derive(Clone)]
pub(crate) struct Head(Arc<AtomicU64>);

impl Head {
    pub(crate) fn new(position: Position) -> Self {
        Self(Arc::new(AtomicU64::new(position.0)))
    }

    pub(crate) fn position(&self) -> Position {
        Position(self.0.load(Ordering::Acquire))
    }

    /// After the commit, never before.
    pub(crate) fn advance(&self, position: Position) {
        self.0.store(position.0, Ordering::Release);
    }
}

/// Reads the log while it is written. Clones share their connections; a call may wait for one.
#[derive(Clone)]
pub struct SqliteReader {
    pool: Arc<Pool>,
    head: Head,
    damages: Damages,
}

impl SqliteReader {
    pub(crate) fn open(folder: &Arc<Folder>, head: Head, damages: Damages) -> rusqlite::Result<Self> {
        let file = folder.database();
        let idle = (0..CONNECTIONS).map(|_| schema::connect_reader(&file)).collect::<Result<_, _>>()?;
        let pool = Pool { idle: Mutex::new(idle), returned: Condvar::new(), _folder: Arc::clone(folder) };
        Ok(Self { pool: Arc::new(pool), head, damages })
    }

    /// Bounds the pages that the connections keep in memory, in bytes.
    pub(crate) fn bound_cache(&self, bytes_max: usize) -> rusqlite::Result<()> {
        let idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.iter().try_for_each(|connection| schema::bound_cache(connection, bytes_max / CONNECTIONS))
    }
}

impl fmt::Debug for SqliteReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteReader").field("head", &self.head.position()).finish_non_exhaustive()
    }
}

impl LogReader for SqliteReader {
    fn head(&self) -> Position {
        self.head.position()
    }

    fn epochs(&self) -> Result<Epochs, ReadError> {
        let head = self.head();
        let mut past = load_epochs(&self.pool.connection()).map_err(|err| read_error(&err, head))?;
        let current =
            past.pop().ok_or_else(|| ReadError::Unavailable { detail: "there is no epoch".into() })?;
        Ok(Epochs::new(past, current))
    }

    fn read(&self, after: Position, through: Position, budget: Budget) -> Result<Vec<Entry>, ReadError> {
        let through = through.min(self.head());
        if after >= through {
            return Ok(Vec::new());
        }
        read_page(&self.pool.connection(), &self.damages, after, through, budget)
    }

    fn locate(&self, room: RoomId, seq: Seq) -> Result<Position, ReadError> {
        let head = self.head();
        let found = lookup::locate(&self.pool.connection(), &self.damages, room, seq);
        // The message may have been committed after the head was read, by which everything else is judged.
        Ok(found.map_err(|err| read_error(&err, head))?.unwrap_or(Position::ZERO))
    }

    fn messages(&self, room: RoomId, page: Page, after: Seq, limit: usize) -> Result<Messages, ReadError> {
        let head = self.head();
        let connection = self.pool.connection();
        pages::messages(&connection, &self.damages, room, page, after, limit)
            .map_err(|err| read_error(&err, head))
    }

    fn changes(&self, room: RoomId, after: Rev, budget: Budget) -> Result<Vec<Entry>, ReadError> {
        let head = self.head();
        let connection = self.pool.connection();
        pages::changes(&connection, &self.damages, room, after, budget).map_err(|err| read_error(&err, head))
    }

    fn versions(&self, room: RoomId, seq: Seq) -> Result<Vec<Entry>, ReadError> {
        let head = self.head();
        let versions = lookup::versions(&self.pool.connection(), &self.damages, room, seq);
        versions.map_err(|err| read_error(&err, head))
    }

    fn unread(&self, room: RoomId, after: Seq, reader: UserId, max: u32) -> Result<Unread, ReadError> {
        let head = self.head();
        let connection = self.pool.connection();
        let counted = pages::unread(&connection, &self.damages, room, after, reader, max);
        counted.map_err(|err| read_error(&err, head))
    }

    fn damaged(&self) -> u64 {
        self.damages.count()
    }

    fn is_malformed(&self) -> bool {
        self.damages.is_malformed()
    }
}

fn read_page(
    connection: &Connection,
    damages: &Damages,
    after: Position,
    through: Position,
    budget: Budget,
) -> Result<Vec<Entry>, ReadError> {
    let mut page = Vec::new();
    match read_rows(connection, damages, after, through, budget, &mut page) {
        Err(err) if is_damage(&err) => damages.met(&err),
        read => return read.map(|()| page).map_err(|err| read_error(&err, after.next())),
    }
    // SQLite goes no further than to what it cannot read. Behind that it finds rows again, if it is asked for each.
    let mut expected = page.last().map_or(after, |last: &Entry| last.position).next();
    for _ in 0..ONE_BY_ONE_MAX.min(budget.entries.max(1)) {
        if expected > through {
            break;
        }
        let entry = around::one(connection, damages, expected);
        page.push(entry.map_err(|err| read_error(&err, expected))?);
        expected = expected.next();
    }
    Ok(page)
}

fn read_rows(
    connection: &Connection,
    damages: &Damages,
    after: Position,
    through: Position,
    budget: Budget,
    page: &mut Vec<Entry>,
) -> rusqlite::Result<()> {
    let mut expected = after.next();
    let mut bytes = 0;
    let mut statement = connection.prepare_cached(SELECT)?;
    let mut rows = statement.query((to_sql(after.0), to_sql(through.0)))?;
    while expected <= through && (page.is_empty() || page.len() < budget.entries && bytes < budget.bytes) {
        let row = rows.next()?;
        let position = row.map(|row| row.get(0)).transpose()?;
        let Some(row) = row.filter(|_| position == Some(to_sql(expected.0))) else {
            // A row that is missing is as bad as one that is not what it was: the log has no holes. The statement stands
            // behind the hole: the next read goes on from there.
            page.push(damages.at(connection, expected)?);
            break;
        };
        page.push(damages.read(connection, row)?);
        bytes += page.last().map_or(0, Entry::weight);
        expected = expected.next();
    }
    Ok(())
}

/// Connections that wait for work.
struct Pool {
    idle: Mutex<Vec<Connection>>,
    returned: Condvar,
    /// Nobody else may have the folder while somebody may read from it.
    _folder: Arc<Folder>,
}

impl Pool {
    fn connection(&self) -> Borrowed<'_> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut idle =
            self.returned.wait_while(idle, |idle| idle.is_empty()).unwrap_or_else(PoisonError::into_inner);
        Borrowed { connection: idle.pop(), pool: self }
    }
}

/// A connection in use. It goes back when this is dropped, after the statements that borrow it.
struct Borrowed<'a> {
    connection: Option<Connection>,
    pool: &'a Pool,
}

impl Deref for Borrowed<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("it is there until the drop")
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.extend(self.connection.take());
        drop(idle);
        self.pool.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;
    use crate::SqliteLog;
    use crate::lookup::LOCATE;

    #[test]
    fn a_place_is_found_without_compiling_and_without_sorting() {
        let folder = tempfile::tempdir().unwrap();
        let reader = SqliteLog::open(folder.path()).unwrap().reader();
        for seq in 1..=3 * CONNECTIONS as u64 {
            reader.locate(RoomId::LOBBY, Seq(seq)).unwrap();
        }
        for connection in &*reader.pool.idle.lock().unwrap() {
            let statement = connection.prepare_cached(LOCATE).unwrap();
            assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
            assert_eq!(statement.get_status(StatementStatus::Sort), 0);
        }
        let used = reader.pool.idle.lock().unwrap().iter().any(|connection| {
            connection.prepare_cached(LOCATE).unwrap().get_status(StatementStatus::Run) > 1
        });
        assert!(used, "one of them has answered");
    }
}
