//! The writer: one opening of the database in a data folder.
//!
//! Owns the folder, the only writing connection, and the state that numbers a batch. Opening it makes everything
//! durable that it will show, and begins an epoch. `append` stores batches.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use chat::{
    Device, Epoch, EpochStart, Epochs, Lineage, Position, RoomId, RoomNumbers, SigningKeys, UnixMillis,
};
use rusqlite::{Connection, OptionalExtension};

use crate::broken_wal;
use crate::checkpoint::Checkpointer;
use crate::damage::Damages;
use crate::environment::{now_ms, random_bytes};
use crate::error::OpenError;
use crate::fingerprint::Fingerprint;
use crate::folder::{Folder, Found, HeadNote, noted_head, wal_bytes};
use crate::lookup::load_epochs;
use crate::number::to_sql;
use crate::reader::{Head, SqliteReader};
use crate::rooms;
use crate::salvage::Fallback;
use crate::schema;
use crate::signing;
use crate::structure::{self, Check};
use crate::wal::settle;

/// The log in a data folder, for writing. Only one per folder, on this machine, at any time.
///
/// Dropping it gives the folder back as soon as its readers are dropped, too.
pub struct SqliteLog {
    pub(crate) connection: Connection,
    pub(crate) head: Head,
    pub(crate) epochs: Epochs,
    pub(crate) rooms: HashMap<RoomId, RoomNumbers>,
    /// The short names of the lineages that wrote lately.
    pub(crate) lineages: HashMap<Lineage, i64>,
    /// The short names of the devices that wrote lately.
    pub(crate) devices: HashMap<Device, i64>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) checkpointer: Checkpointer,
    /// Of this writer and its readers.
    pub(crate) damages: Damages,
    pub(crate) head_note: HeadNote,
    pub(crate) folder: Arc<Folder>,
    /// Why this writer must not be used any more.
    pub(crate) broken: Option<String>,
    meta: Meta,
    pub(crate) signing_keys: SigningKeys,
    reader: SqliteReader,
}

/// What a database says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// When it was made.
    pub created: UnixMillis,
    /// The number of its schema.
    pub schema: u32,
}

impl SqliteLog {
    /// Opens the database in `folder`, making both if need be.
    ///
    /// When it returns, everything that its readers will show is on the disk, whatever state a crash left it in.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        Self::open_in(folder).map_err(|err| err.at_start(folder, wal_bytes(folder)))
    }

    fn open_in(folder: &Path) -> Result<Self, OpenError> {
        let folder = Folder::take(folder)?;
        let file = folder.database();
        let storage = |err| OpenError::of_database(&file, err);
        structure::mend_pages(&folder);
        if folder.look()? == Found::Nothing {
            let unfinished = folder.begin_database()?;
            let key_seed = random_bytes().map(u64::from_be_bytes).map_err(storage)?;
            schema::create(&unfinished, now_ms(), key_seed).map_err(storage)?;
            folder.finish_database()?;
        }
        folder.sync()?;
        folder.check_wal()?;
        broken_wal::judge(&folder)?;
        structure::mend_pages_behind_log(&folder);
        let (connection, loaded) = match Loaded::of(&folder, Check::AtStart) {
            // What a start reads is damaged in a file that is too large to be checked each time.
            Err(OpenError::Damaged { .. }) if !folder.has_wal() => Loaded::of(&folder, Check::Known)?,
            loaded => loaded?,
        };
        // The epoch goes into the file itself before anything of it stands in the write-ahead log.
        settle(&connection).map_err(storage)?;
        // Nobody may read the file beside SQLite: closing it again would give up the locks of the whole process.
        drop(connection);
        structure::copy_pages(&folder);
        let mut connection = schema::connect_writer(&file).map_err(storage)?;
        folder.note_wal_epoch(loaded.epochs.current().epoch.0)?;
        let head = Head::new(loaded.epochs.current().start);
        tell_missing(&folder, head.position());
        let mut head_note = folder.head_note()?;
        head_note.set(head.position());
        let folder = Arc::new(folder);
        let damages = Damages::of(&folder);
        let reader = SqliteReader::open(&folder, head.clone(), damages.clone()).map_err(storage)?;
        let checkpointer = Checkpointer::start(&folder, &mut connection)
            .map_err(|cause| OpenError::Storage { file: file.clone(), cause })?;
        Ok(Self {
            connection,
            head,
            epochs: loaded.epochs,
            rooms: loaded.rooms,
            lineages: HashMap::new(),
            devices: HashMap::new(),
            fingerprint: loaded.fingerprint,
            checkpointer,
            damages,
            head_note,
            folder,
            broken: None,
            meta: loaded.meta,
            signing_keys: loaded.signing_keys,
            reader,
        })
    }

    /// Bounds the pages of the database that are kept in memory, in bytes: half of it for the writer, the rest for the
    /// readers. Nobody may be reading yet.
    pub fn bound_cache(&self, bytes_max: usize) -> Result<(), OpenError> {
        let bound = || {
            schema::bound_cache(&self.connection, bytes_max / 2)?;
            self.reader.bound_cache(bytes_max / 2)
        };
        let file = Path::new(self.connection.path().unwrap_or_default());
        bound().map_err(|cause| OpenError::of_database(file, cause))
    }

    /// A reader of this log. Clones share its few connections.
    pub fn reader(&self) -> SqliteReader {
        self.reader.clone()
    }

    /// What the database says about itself.
    pub fn meta(&self) -> Meta {
        self.meta
    }
}

/// Moves everything into one file, so that a copy of that file is complete.
impl Drop for SqliteLog {
    fn drop(&mut self) {
        // SQLite turns a checkpoint away at once while another one runs, without waiting for it.
        self.checkpointer.stop();
        if self.broken.is_none()
            && let Err(err) = settle(&self.connection)
        {
            tracing::warn!(%err, "the write-ahead log could not be emptied; the next start does it");
        }
    }
}

impl fmt::Debug for SqliteLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteLog").field("head", &self.head.position()).finish_non_exhaustive()
    }
}

/// The first and the last position that should be there, and are not.
pub(crate) fn missing(noted: Position, head: Position) -> Option<(Position, Position)> {
    (noted > head).then(|| (head.next(), noted))
}

/// Says in the log what a start finds missing.
fn tell_missing(folder: &Folder, head: Position) {
    match noted_head(folder.path()).map(|noted| missing(noted, head)) {
        Ok(None) => {}
        Ok(Some((first, last))) => tracing::error!(
            "{} entries that were acknowledged are missing, positions {first} to {last}: the write-ahead log was \
             lost or cut, or the database is an older copy; clients that have seen them are sent everything anew",
            last.0 - first.0 + 1
        ),
        Err(error) => tracing::warn!(
            %error,
            "chat.db-head cannot be read: nobody can tell whether acknowledged entries are missing at the end of the log"
        ),
    }
}

/// What the writer keeps at hand.
struct Loaded {
    epochs: Epochs,
    rooms: HashMap<RoomId, RoomNumbers>,
    fingerprint: Fingerprint,
    meta: Meta,
    signing_keys: SigningKeys,
}

impl Loaded {
    /// Connects to the database of a folder, and loads it.
    fn of(folder: &Folder, check: Check) -> Result<(Connection, Self), OpenError> {
        let (mut connection, _) = structure::connect(folder, check, Fallback::Nothing)?;
        let loaded = schema::migrate(&mut connection)
            .and_then(|()| check_ends(&connection))
            .and_then(|()| Self::begin(&mut connection));
        let loaded = loaded.map_err(|err| OpenError::of_database(&folder.database(), err))?;
        Ok((connection, loaded))
    }

    /// Reads it, and begins an epoch in the same transaction.
    fn begin(connection: &mut Connection) -> rusqlite::Result<Self> {
        let now_ms = now_ms();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let (created_ms, key_seed): (u64, i64) =
            transaction.query_row("SELECT created_ms, key_seed FROM about", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let schema = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let signing_keys = signing::load(&transaction, now_ms, random_bytes()?)?;
        let epochs = begin_epoch(&transaction, now_ms)?;
        let rooms = rooms::load(&transaction)?;
        transaction.commit()?;
        Ok(Self {
            epochs,
            rooms,
            fingerprint: Fingerprint::new(key_seed.cast_unsigned()),
            meta: Meta { created: UnixMillis(created_ms), schema },
            signing_keys,
        })
    }
}

/// Draws an epoch that this database has never had. It must not have had it in a life that a restored backup took
/// back, either: so it is no counter, and not the time, which may be set back as well.
pub(crate) fn begin_epoch(connection: &Connection, now_ms: u64) -> rusqlite::Result<Epochs> {
    let past = load_epochs(connection)?;
    let start = connection.query_row("SELECT coalesce(max(position), 0) FROM entry", [], |row| row.get(0))?;
    let mut epoch = Epoch(0);
    while epoch.0 == 0 || past.iter().any(|start| start.epoch == epoch) {
        // 32 bits: offsets are part of every frame, and few epochs ever get lost.
        epoch = Epoch(u64::from(u32::from_be_bytes(random_bytes()?)));
    }
    connection.execute(
        "INSERT INTO epoch (epoch, start, opened_ms) VALUES (?1, ?2, ?3)",
        (to_sql(epoch.0), to_sql(start), to_sql(now_ms)),
    )?;
    Ok(Epochs::new(past, EpochStart { epoch, start: Position(start) }))
}

/// Reads the end of the log and of its indexes, which every batch writes, and what the directory is made of.
fn check_ends(connection: &Connection) -> rusqlite::Result<()> {
    for ends in [
        "SELECT text FROM entry NOT INDEXED ORDER BY position DESC LIMIT 1",
        "SELECT rev FROM entry INDEXED BY entry_rev ORDER BY room DESC, rev DESC LIMIT 1",
        "SELECT count(position) FROM entry INDEXED BY entry_directory WHERE kind > 3",
    ] {
        connection.query_row(ends, [], |_| Ok(())).optional()?;
    }
    Ok(())
}
