//! Appends to the log, on the writer's connection.
//!
//! A batch is one transaction. An error before `COMMIT` rolls it back and leaves nothing behind, neither in the
//! database nor in memory. An error in `COMMIT` itself is an unknown outcome, except for a full disk.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use chat::{
    AppendError, Author, ClientKey, CommandNumber, ContentHash, Counted, Device, Entry, Epochs, Lineage, Log,
    Lookup, Placed, Position, ReadError, ReadPointer, Record, RoomId, RoomNumbers, Seq, SigningKeys,
    Standing, UnixMillis,
};

use rusqlite::{
    CachedStatement, Connection, ErrorCode, OptionalExtension, Row, Transaction, TransactionBehavior, params,
};

use crate::checksum;
use crate::device;
use crate::error::{is_damage, read_error, rollback_cause};
use crate::fingerprint::Fingerprint;
use crate::kind::Columns;
use crate::log::SqliteLog;
use crate::lookup;
use crate::number::to_sql;
use crate::rooms::set_room;
use crate::rows::receipt;
use crate::runs;
use crate::schema;
use crate::wal::Mode;

/// More short names than this are not kept at hand, of lineages and of devices each.
const NAMES_MAX: usize = 65_536;

impl Log for SqliteLog {
    fn head(&self) -> Position {
        self.head.position()
    }

    fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    fn signing_keys(&self) -> &SigningKeys {
        &self.signing_keys
    }

    fn room(&mut self, room: RoomId) -> Result<RoomNumbers, ReadError> {
        Ok(self.rooms.get(&room).copied().unwrap_or_default())
    }

    fn rooms(&mut self) -> Result<Vec<(RoomId, RoomNumbers)>, ReadError> {
        Ok(self.rooms.iter().map(|(room, numbers)| (*room, *numbers)).collect())
    }

    fn last_at(&mut self) -> Result<UnixMillis, ReadError> {
        let head = self.head();
        lookup::last_at(&self.connection).map_err(|err| read_error(&err, head))
    }

    fn find(&mut self, lookups: &[Lookup<'_>]) -> Result<Vec<Option<Placed>>, ReadError> {
        if lookups.is_empty() {
            return Ok(Vec::new());
        }
        let head = self.head();
        find(&mut self.connection, &self.lineages, self.fingerprint, lookups)
            .map_err(|err| self.unreadable(&err, head))
    }

    fn find_by_device(&mut self, asked: &[(Device, CommandNumber)]) -> Result<Vec<Counted>, ReadError> {
        let head = self.head();
        device::find(&mut self.connection, &self.damages, &self.devices, asked)
            .map_err(|err| self.unreadable(&err, head))
    }

    fn message(&mut self, room: RoomId, seq: Seq) -> Result<Option<Standing>, ReadError> {
        let head = self.head();
        let found = lookup::message(&self.connection, &self.damages, room, seq);
        found.map_err(|err| self.unreadable(&err, head))
    }

    fn directory(&mut self) -> Result<Vec<Entry>, ReadError> {
        let entries = lookup::directory(&self.connection, &self.damages);
        entries.map_err(|err| self.unreadable(&err, Position::ZERO))
    }

    fn pointers(&mut self) -> Result<Vec<ReadPointer>, ReadError> {
        let head = self.head();
        lookup::pointers(&self.connection).map_err(|err| read_error(&err, head))
    }

    fn append(&mut self, batch: &[Record]) -> Result<(), AppendError> {
        if let Some(detail) = self.broken.clone().or_else(|| self.checkpointer.broken()) {
            return Err(AppendError::Unknown { detail });
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.hold()?;
        let mut entries = batch.iter().filter_map(Record::entry);
        let count = entries.clone().count() as u64;
        let through = entries.next_back().map_or(self.head(), |last| last.position);
        assert_eq!(through.0, self.head().0 + count, "the caller numbers without a gap");

        let staged = self.store(batch)?;
        remember(&mut self.lineages, staged.lineages);
        remember(&mut self.devices, staged.devices);
        self.rooms.extend(staged.rooms);
        if through > self.head() {
            self.head_note.set(through);
        }
        self.head.advance(through);
        if batch.iter().any(|record| matches!(record, Record::Rewrite(_))) {
            self.checkpointer.scrubbed();
        }
        self.checkpointer.wrote(batch.iter().filter_map(Record::entry).map(Entry::weight).sum());
        self.bound_wal();
        Ok(())
    }

    fn probe(&mut self) -> Result<(), AppendError> {
        if let Some(detail) = self.broken.clone().or_else(|| self.checkpointer.broken()) {
            return Err(AppendError::Unknown { detail });
        }
        self.hold()?;
        self.write_nothing()?;
        // What could not be copied into the database while the disk was full is copied now.
        self.checkpointer.wrote(0);
        Ok(())
    }
}

impl SqliteLog {
    /// Ends this writer if another process has the folder: what that one has written is not known here.
    fn hold(&mut self) -> Result<(), AppendError> {
        self.folder.hold().map_err(|error| {
            let detail = error.to_string();
            self.broken = Some(detail.clone());
            AppendError::Unknown { detail }
        })
    }

    /// What a lookup says that did not work. Whoever writes has to know what is there, so damage ends this writer.
    fn unreadable(&self, err: &rusqlite::Error, position: Position) -> ReadError {
        if is_damage(err) {
            self.damages.met(err);
        }
        read_error(err, position)
    }

    /// What has become of a batch that was not committed.
    fn unwritten(&mut self, err: &rusqlite::Error) -> AppendError {
        if !is_damage(err) {
            return rolled_back(err);
        }
        self.damages.met(err);
        let detail = format!("{err}: the next start mends the file");
        self.broken = Some(detail.clone());
        AppendError::Unknown { detail }
    }

    /// The transaction. On an error that is not an unknown outcome, none of it is left.
    fn store(&mut self, batch: &[Record]) -> Result<Staged, AppendError> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|err| rolled_back(&err))?;
        let mut names = Names { known: (&self.lineages, &self.devices), staged: Staged::default() };
        let staged = stage(&transaction, &mut names, self.fingerprint, batch).map(|()| names.staged);
        let staged = match staged {
            Ok(staged) => staged,
            Err(err) => {
                drop(transaction);
                return Err(self.unwritten(&err));
            }
        };
        let committed = transaction.commit();
        self.committed(committed)?;
        Ok(staged)
    }

    /// A transaction that writes one page as it is. A statement would not do: SQLite leaves a page alone whose bytes do not
    /// change.
    fn write_nothing(&mut self) -> Result<(), AppendError> {
        // Somebody else may hold the database for long, and commands wait behind this to be answered.
        self.connection.busy_timeout(Duration::ZERO).map_err(|err| rolled_back(&err))?;
        let written = self.write_page();
        self.connection.busy_timeout(schema::BUSY).map_err(|err| rolled_back(&err))?;
        written
    }

    fn write_page(&mut self) -> Result<(), AppendError> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|err| rolled_back(&err))?;
        let written = transaction
            .pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
            .and_then(|version| transaction.pragma_update(None, "user_version", version));
        written.map_err(|err| rolled_back(&err))?;
        let committed = transaction.commit();
        self.committed(committed)
    }

    /// What a commit has come to.
    fn committed(&mut self, result: rusqlite::Result<()>) -> Result<(), AppendError> {
        let Err(err) = result else { return Ok(()) };
        if is_refused_write(&err) && self.connection.is_autocommit() {
            return Err(rolled_back(&err));
        }
        let detail = err.to_string();
        self.broken = Some(detail.clone());
        Err(AppendError::Unknown { detail })
    }

    /// Under steady load the checkpointer never finds a moment in which the log may begin anew. Then it is made one.
    fn bound_wal(&mut self) {
        if !self.checkpointer.wal_is_too_long() {
            return;
        }
        let renew = || {
            // Readers leave within milliseconds. If one does not, the next batch will try.
            self.connection.busy_timeout(Duration::from_millis(50))?;
            let is_renewed = Mode::Restart.run(&self.connection);
            // However that went, the next batch waits as long for an operator's tools as any other.
            self.connection.busy_timeout(schema::BUSY)?;
            is_renewed
        };
        match renew() {
            Ok(true) => self.checkpointer.renewed(),
            Ok(false) => {
                tracing::debug!("the write-ahead log is long, and in use");
                self.checkpointer.in_use();
            }
            Err(err) => {
                self.checkpointer.failed(&err);
                self.checkpointer.in_use();
            }
        }
    }
}

/// What a transaction changes in memory, once it is committed.
#[derive(Default)]
struct Staged {
    lineages: HashMap<Lineage, i64>,
    devices: HashMap<Device, i64>,
    rooms: HashMap<RoomId, RoomNumbers>,
}

/// Short names: those that are at hand, and those that this transaction asked for or made.
struct Names<'a> {
    known: (&'a HashMap<Lineage, i64>, &'a HashMap<Device, i64>),
    staged: Staged,
}

impl Names<'_> {
    fn lineage(&mut self, connection: &Connection, lineage: Lineage) -> rusqlite::Result<i64> {
        if let Some(id) = self.staged.lineages.get(&lineage) {
            return Ok(*id);
        }
        let id = name_lineage(connection, self.known.0, lineage)?;
        self.staged.lineages.insert(lineage, id);
        Ok(id)
    }

    fn device(&mut self, connection: &Connection, device: Device) -> rusqlite::Result<i64> {
        if let Some(id) = self.staged.devices.get(&device) {
            return Ok(*id);
        }
        let id = device::name(connection, self.known.1, device)?;
        self.staged.devices.insert(device, id);
        Ok(id)
    }
}

fn remember<K: Eq + Hash>(known: &mut HashMap<K, i64>, staged: HashMap<K, i64>) {
    known.extend(staged);
    if known.len() > NAMES_MAX {
        known.clear();
    }
}

fn stage(
    transaction: &Transaction<'_>,
    names: &mut Names<'_>,
    fingerprint: Fingerprint,
    batch: &[Record],
) -> rusqlite::Result<()> {
    let mut insert = Insert::prepare(transaction, fingerprint)?;
    for record in batch {
        match record {
            Record::Entry { entry, key, content } => {
                let author = match entry.author {
                    None => ShortName::Nobody,
                    Some(Author::Lineage(lineage)) => {
                        ShortName::Lineage(names.lineage(transaction, lineage)?)
                    }
                    Some(Author::Device { device, .. }) => {
                        ShortName::Device(names.device(transaction, device)?)
                    }
                };
                insert.execute(entry, key.as_ref(), *content, author)?;
                names.staged.rooms.insert(entry.room, RoomNumbers { seq: entry.seq, rev: entry.rev });
            }
            Record::Spent(spent) => {
                let id = names.device(transaction, spent.device)?;
                runs::keep(transaction, spent, id)?;
            }
            Record::Rewrite(entry) => rewrite(transaction, entry)?,
            Record::Read(pointer) => lookup::set_pointer(transaction, *pointer)?,
        }
    }
    for (room, numbers) in &names.staged.rooms {
        set_room(transaction, *room, *numbers)?;
    }
    Ok(())
}

/// The author of an entry as the tables know it.
#[derive(Clone, Copy)]
pub(crate) enum ShortName {
    Nobody,
    Lineage(i64),
    Device(i64),
}

/// The statement that inserts one entry, prepared once for a batch.
pub(crate) struct Insert<'a> {
    statement: CachedStatement<'a>,
    fingerprint: Fingerprint,
}

impl<'a> Insert<'a> {
    pub(crate) fn prepare(connection: &'a Connection, fingerprint: Fingerprint) -> rusqlite::Result<Self> {
        let statement = connection.prepare_cached(
            "INSERT INTO entry (position, room, seq, rev, kind, at_ms, lineage, key, key_print, content, text, checksum,
                                device, n, body, target)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        )?;
        Ok(Self { statement, fingerprint })
    }

    /// `author` is the short name of the entry's author.
    pub(crate) fn execute(
        &mut self,
        entry: &Entry,
        key: Option<&ClientKey>,
        content: ContentHash,
        author: ShortName,
    ) -> rusqlite::Result<()> {
        self.execute_with(entry, &Columns::of(&entry.kind), key, content, author)
    }

    /// The same with columns that say more than the kind does.
    pub(crate) fn execute_with(
        &mut self,
        entry: &Entry,
        columns: &Columns<'_>,
        key: Option<&ClientKey>,
        content: ContentHash,
        author: ShortName,
    ) -> rusqlite::Result<()> {
        let (lineage_name, device_name) = match author {
            ShortName::Nobody => (None, None),
            ShortName::Lineage(id) => (Some(id), None),
            ShortName::Device(id) => (None, Some(id)),
        };
        let key = key.map(ClientKey::as_str);
        let row = row_of(entry, key, &content.0, columns);
        let n = row.device.map(|(_, _, n)| n);
        self.statement.execute(params![
            row.position,
            row.room,
            row.seq,
            row.rev,
            columns.kind,
            row.at_ms,
            lineage_name,
            row.key,
            key.map(|key| self.fingerprint.of(key)),
            row.content,
            columns.text,
            row.checksum(),
            device_name,
            n,
            columns.body,
            columns.target,
        ])?;
        Ok(())
    }
}

/// What the checksum is made of.
fn row_of<'a>(
    entry: &'a Entry,
    key: Option<&'a str>,
    content: &'a [u8],
    columns: &'a Columns<'a>,
) -> checksum::Row<'a> {
    let (lineage, device) = match &entry.author {
        None => (None, None),
        Some(Author::Lineage(lineage)) => (Some(&lineage.0[..]), None),
        Some(Author::Device { device, n }) => {
            (None, Some((to_sql(device.user.0), &device.id.0, to_sql(n.0))))
        }
    };
    checksum::Row {
        position: to_sql(entry.position.0),
        room: to_sql(entry.room.0),
        seq: to_sql(entry.seq.0),
        rev: to_sql(entry.rev.0),
        at_ms: to_sql(entry.at.0),
        lineage,
        key,
        content,
        columns,
        device,
    }
}

/// Gives a row another text. The key and the hash of the content stay, so a repeat is still recognised.
fn rewrite(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let position = to_sql(entry.position.0);
    let (key, content, target): (Option<String>, [u8; 16], Option<i64>) = connection
        .prepare_cached("SELECT key, content, target FROM entry WHERE position = ?1")?
        .query_row([position], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    // A later version may have given the row a target.
    let columns = Columns { target, ..Columns::of(&entry.kind) };
    let checksum = row_of(entry, key.as_deref(), &content, &columns).checksum();
    connection
        .prepare_cached("UPDATE entry SET text = ?2, body = ?3, checksum = ?4 WHERE position = ?1")?
        .execute(params![position, columns.text, columns.body, checksum])?;
    Ok(())
}

fn known_lineage(
    connection: &Connection,
    known: &HashMap<Lineage, i64>,
    lineage: Lineage,
) -> rusqlite::Result<Option<i64>> {
    if let Some(id) = known.get(&lineage) {
        return Ok(Some(*id));
    }
    let mut find = connection.prepare_cached("SELECT id FROM lineage WHERE lineage = ?1")?;
    find.query_row([lineage.0], |row| row.get(0)).optional()
}

/// The short name of a lineage, a new one if need be.
pub(crate) fn name_lineage(
    connection: &Connection,
    known: &HashMap<Lineage, i64>,
    lineage: Lineage,
) -> rusqlite::Result<i64> {
    if let Some(id) = known_lineage(connection, known, lineage)? {
        return Ok(id);
    }
    connection.prepare_cached("INSERT INTO lineage (lineage) VALUES (?1)")?.execute([lineage.0])?;
    Ok(connection.last_insert_rowid())
}

/// All in one read transaction: outside of one, each statement would begin and end its own, which costs more than
/// the lookup.
fn find(
    connection: &mut Connection,
    known: &HashMap<Lineage, i64>,
    fingerprint: Fingerprint,
    lookups: &[Lookup<'_>],
) -> rusqlite::Result<Vec<Option<Placed>>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    let mut in_lineage = transaction.prepare_cached(
        "SELECT position, room, seq, rev, at_ms, content FROM entry INDEXED BY entry_sent
         WHERE key_print = ?1 AND lineage = ?2 AND key = ?3 ORDER BY position LIMIT 1",
    )?;
    let mut by_content = transaction.prepare_cached(
        "SELECT position, room, seq, rev, at_ms, content FROM entry INDEXED BY entry_sent
         WHERE key_print = ?1 AND content = ?2 AND key = ?3 ORDER BY position LIMIT 1",
    )?;
    // Most sends are new, and nothing bears their fingerprint: then that is all there is to ask, also for the next
    // lookup, which is mostly about the same key.
    let mut known_print = transaction
        .prepare_cached("SELECT 1 FROM entry INDEXED BY entry_sent WHERE key_print = ?1 LIMIT 1")?;
    let mut absent = None;
    let find = |lookup: &Lookup<'_>| {
        let (Lookup::InLineage { key, .. } | Lookup::ByContent { key, .. }) = *lookup;
        let print = fingerprint.of(key.as_str());
        if absent == Some(print) {
            return Ok(None);
        }
        if known_print.query_row([print], |_| Ok(())).optional()?.is_none() {
            absent = Some(print);
            return Ok(None);
        }
        match *lookup {
            Lookup::InLineage { lineage, key } => {
                let Some(id) = known_lineage(&transaction, known, lineage)? else { return Ok(None) };
                in_lineage.query_row((print, id, key.as_str()), placed).optional()
            }
            Lookup::ByContent { key, content } => {
                by_content.query_row((print, content.0, key.as_str()), placed).optional()
            }
        }
    };
    lookups.iter().map(find).collect()
}

fn placed(row: &Row<'_>) -> rusqlite::Result<Placed> {
    Ok(Placed { receipt: receipt(row)?, content: ContentHash(row.get(5)?) })
}

/// Whether a commit has failed because the system did not take a page of it: the disk is full, or read-only.
///
/// SQLite has then rolled back, and neither this process nor a checkpoint sees any of it. The next try writes over the
/// same place of the write-ahead log. Only a crash before that could bring it back, as a commit that nobody was told of: all
/// of its drafts wait for their answer, and their keys and numbers tell a repeat. A flush that failed is none of this: what
/// it has left on the disk cannot be written over.
fn is_refused_write(err: &rusqlite::Error) -> bool {
    err.sqlite_error().is_some_and(|failure| {
        failure.code == ErrorCode::DiskFull || failure.extended_code == rusqlite::ffi::SQLITE_IOERR_WRITE
    })
}

fn rolled_back(err: &rusqlite::Error) -> AppendError {
    AppendError::RolledBack { cause: rollback_cause(err), detail: err.to_string() }
}

#[cfg(test)]
mod tests;
