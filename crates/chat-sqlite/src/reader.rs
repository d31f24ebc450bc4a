//! Readers: a few connections that cannot write, shared by all threads.
//!
//! Each read is one short statement on a snapshot of its own, so no reader holds the write-ahead log back for long,
//! and there are never more open than [`CONNECTIONS`]. Every row is checked before it is believed.

use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use chat::{
    Author, Budget, CommandNumber, Device, DeviceId, Entry, Kind, Lineage, LogReader, Position, ReadError,
    Rev, RoomId, Seq, Text, UnixMillis, UserId,
};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::append::KIND_MESSAGE;
use crate::checksum;
use crate::error::read_error;
use crate::folder::Folder;
use crate::number::to_sql;
use crate::schema;

const CONNECTIONS: usize = 3;

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
}

impl SqliteReader {
    pub(crate) fn open(folder: &Arc<Folder>, head: Head) -> rusqlite::Result<Self> {
        let file = folder.database();
        let idle = (0..CONNECTIONS).map(|_| schema::connect_reader(&file)).collect::<Result<_, _>>()?;
        let pool = Pool { idle: Mutex::new(idle), returned: Condvar::new(), _folder: Arc::clone(folder) };
        Ok(Self { pool: Arc::new(pool), head })
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

    fn read(&self, after: Position, through: Position, budget: Budget) -> Result<Vec<Entry>, ReadError> {
        let through = through.min(self.head());
        if after >= through {
            return Ok(Vec::new());
        }
        read_page(&self.pool.connection(), after, through, budget)
    }

    fn locate(&self, room: RoomId, seq: Seq) -> Result<Position, ReadError> {
        let head = self.head();
        let connection = self.pool.connection();
        let find = || {
            connection
                .prepare_cached(
                    "SELECT position FROM entry INDEXED BY entry_seq
                     WHERE room = ?1 AND seq <= ?2 ORDER BY seq DESC, position LIMIT 1",
                )?
                .query_row((to_sql(room.0), to_sql(seq.0)), |row| row.get(0))
                .optional()
        };
        let found = find().map_err(|err: rusqlite::Error| read_error(&err, head))?;
        // The message may have been committed after the head was read, by which everything else is judged.
        Ok(found.map_or(Position::ZERO, Position))
    }
}

fn read_page(
    connection: &Connection,
    after: Position,
    through: Position,
    budget: Budget,
) -> Result<Vec<Entry>, ReadError> {
    let mut expected = after.next();
    let mut page = Vec::new();
    let mut bytes = 0;
    let unread = |expected| move |err: rusqlite::Error| read_error(&err, expected);
    let mut statement = connection.prepare_cached(SELECT).map_err(unread(expected))?;
    let mut rows = statement.query((to_sql(after.0), to_sql(through.0))).map_err(unread(expected))?;
    while expected <= through && (page.is_empty() || page.len() < budget.entries && bytes < budget.bytes) {
        let row = rows.next().map_err(unread(expected))?;
        // A row that is missing is as bad as one that is not what it was: the log has no holes.
        let entry = row
            .and_then(decode)
            .filter(|entry| entry.position == expected)
            .ok_or(ReadError::Corrupt { position: expected })?;
        bytes += entry.weight();
        expected = expected.next();
        page.push(entry);
    }
    Ok(page)
}

/// The rows of a stretch of the log, with the columns that [`decode`] expects, and then those that only lookups use.
pub(crate) const SELECT: &str = "
    SELECT position, room, seq, rev, kind, at_ms, lineage.lineage, key, content, text, checksum,
           device.user, device.device, n, key_print
    FROM entry
    LEFT JOIN lineage ON lineage.id = entry.lineage
    LEFT JOIN device ON device.id = entry.device
    WHERE position > ?1 AND position <= ?2 ORDER BY position";

/// The same of a database from before there were devices.
pub(crate) const SELECT_WITHOUT_DEVICES: &str = "
    SELECT position, room, seq, rev, kind, at_ms, lineage.lineage, key, content, text, checksum,
           NULL, NULL, NULL, key_print
    FROM entry LEFT JOIN lineage ON lineage.id = entry.lineage
    WHERE position > ?1 AND position <= ?2 ORDER BY position";

/// The column of [`SELECT`] with the client's key.
pub(crate) const KEY: usize = 7;
/// The column of [`SELECT`] with the key's fingerprint.
pub(crate) const KEY_PRINT: usize = 14;

/// The entry of a row, if the row is what was once stored.
pub(crate) fn decode(row: &Row<'_>) -> Option<Entry> {
    let number = |column: usize| row.get_ref(column).ok()?.as_i64().ok();
    let lineage = row.get_ref(6).ok()?.as_blob_or_null().ok()?;
    let nullable = |column: usize| row.get_ref(column).ok()?.as_i64_or_null().ok();
    let device = match (nullable(11)?, nullable(13)?) {
        (None, None) => None,
        (Some(user), Some(n)) => Some((user, row.get_ref(12).ok()?.as_blob().ok()?.try_into().ok()?, n)),
        (Some(_), None) | (None, Some(_)) => return None,
    };
    let stored = checksum::Row {
        position: number(0)?,
        room: number(1)?,
        seq: number(2)?,
        rev: number(3)?,
        kind: number(4)?,
        at_ms: number(5)?,
        lineage,
        key: row.get_ref(KEY).ok()?.as_str_or_null().ok()?,
        content: row.get_ref(8).ok()?.as_blob().ok()?,
        text: row.get_ref(9).ok()?.as_str().ok()?,
        device,
    };
    if number(10)? != stored.checksum() || stored.kind != KIND_MESSAGE {
        return None;
    }
    let unsigned = |number: i64| u64::try_from(number).ok();
    let author = match (lineage, device) {
        (None, None) => None,
        (Some(bytes), None) => Some(Author::Lineage(Lineage(bytes.try_into().ok()?))),
        (None, Some((user, id, n))) => {
            let device = Device { user: UserId(unsigned(user)?), id: DeviceId(*id) };
            Some(Author::Device { device, n: CommandNumber(unsigned(n)?) })
        }
        (Some(_), Some(_)) => return None,
    };
    Some(Entry {
        position: Position(unsigned(stored.position)?),
        room: RoomId(unsigned(stored.room)?),
        seq: Seq(unsigned(stored.seq)?),
        rev: Rev(unsigned(stored.rev)?),
        at: UnixMillis(unsigned(stored.at_ms)?),
        author,
        kind: Kind::Message { text: Text::from_stored(stored.text) },
    })
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
