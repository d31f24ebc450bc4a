//! The schema of the database: its numbered migrations, and the setup of a connection.
//!
//! A migration is one transaction, and the file's header has the number of the last one. Columns and tables are only
//! ever added. An older version does not open what a newer one has changed, so indexes may be dropped.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::number::to_sql;
use crate::wal::Mode;

/// Says in the header of the file whose it is ("Tdng").
pub(crate) const APPLICATION_ID: u32 = 0x5464_6e67;

const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_log.sql"),
    include_str!("migrations/0002_device.sql"),
    include_str!("migrations/0003_rooms.sql"),
    include_str!("migrations/0004_runs.sql"),
    include_str!("migrations/0005_sign_ins.sql"),
];

/// The newest schema that this version knows.
#[expect(clippy::cast_possible_truncation, reason = "there will never be that many")]
pub(crate) const VERSION: u32 = MIGRATIONS.len() as u32;

/// A write-ahead log whose file has grown beyond this (64 MiB), because somebody has read it for long, is cut when it begins
/// anew.
pub(crate) const WAL_BYTES_MAX: u64 = 67_108_864;

/// How long a statement waits for a lock. Nobody of ours ever holds one for long; this is for an operator's tools.
pub(crate) const BUSY: Duration = Duration::from_secs(1);

/// Makes the database in an empty file. Not yet with a write-ahead log: so all of it stands in one file at the end.
pub(crate) fn create(path: &Path, created_ms: u64, key_seed: u64) -> rusqlite::Result<()> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "synchronous", "EXTRA")?;
    connection.pragma_update(None, "page_size", 4096)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    for migration in MIGRATIONS {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.execute(
        "INSERT INTO about (id, created_ms, key_seed) VALUES (1, ?1, ?2)",
        (crate::number::to_sql(created_ms), crate::number::bits_to_sql(key_seed)),
    )?;
    transaction.commit()?;
    connection.close().map_err(|(_, err)| err)
}

/// Brings an older database to the newest schema, and the number of it into the header of the file.
pub(crate) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for (number, migration) in (1..).zip(MIGRATIONS).filter(|(number, _)| *number > found) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    if found < VERSION {
        // An older version looks at the file's first bytes, not into the write-ahead log.
        Mode::Truncate.run(connection)?;
    }
    Ok(())
}

/// Drops the indexes of the log, which cost less when they are made after its rows; returns how each is made.
pub(crate) fn drop_indexes(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let indexes: Vec<(String, String)> = connection
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'entry' AND sql IS NOT NULL")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (name, _) in &indexes {
        connection.execute_batch(&format!("DROP INDEX \"{name}\""))?;
    }
    Ok(indexes.into_iter().map(|(_, sql)| sql).collect())
}

/// Whether an epoch stands in the database file itself, without what its write-ahead log would add.
///
/// Rows of that table are only ever added, at the start, so an epoch that is there stays there, whatever a power cut
/// leaves of the checkpoint that brings the next one.
pub(crate) fn knows_epoch(path: &Path, epoch: u64) -> rusqlite::Result<bool> {
    let known = "SELECT EXISTS (SELECT 1 FROM epoch WHERE epoch = ?1)";
    connect_to_file(path)?.query_row(known, [to_sql(epoch)], |row| row.get(0))
}

/// A connection that reads the file alone, without its write-ahead log, and takes no locks.
pub(crate) fn connect_to_file(path: &Path) -> rusqlite::Result<Connection> {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        // All of it escaped: which characters mean something in an address need not be known then.
        write!(uri, "%{byte:02x}").expect("a string takes everything");
    }
    uri.push_str("?immutable=1");
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(uri, flags)
}

/// Pages that the writer keeps in memory, unless it is told otherwise.
const WRITER_CACHE_BYTES: usize = 64 << 20;

/// The same for a connection that reads.
const READER_CACHE_BYTES: usize = 8 << 20;

/// Bounds the pages that a connection keeps in memory, in bytes.
pub(crate) fn bound_cache(connection: &Connection, bytes_max: usize) -> rusqlite::Result<()> {
    let kib = i64::try_from(bytes_max / 1024).unwrap_or(i64::MAX);
    connection.pragma_update(None, "cache_size", -kib)
}

/// A connection of the writer's side.
pub(crate) fn connect_writer(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        // A file system without shared memory, such as some network ones. Without the log an ack is another promise.
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN),
            Some("its file system does not support a write-ahead log".into()),
        ));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    bound_cache(&connection, WRITER_CACHE_BYTES)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // What people delete is overwritten, and does not stay in the free part of a page.
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    connection.pragma_update_and_check(
        None,
        "journal_size_limit",
        crate::number::to_sql(WAL_BYTES_MAX),
        |_| Ok(()),
    )?;
    // The checkpointer does that, beside the commits and not within them.
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    connection.set_prepared_statement_cache_capacity(32);
    plan_once(&connection)?;
    Ok(connection)
}

/// A connection that cannot write.
pub(crate) fn connect_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    bound_cache(&connection, READER_CACHE_BYTES)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    plan_once(&connection)?;
    Ok(connection)
}

/// Has the plan of a statement depend on its text alone. Otherwise SQLite looks at the values too, and compiles each
/// statement that compares with one anew for each execution.
fn plan_once(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}
