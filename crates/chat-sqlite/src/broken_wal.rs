//! A write-ahead log that ends too early, because it is damaged or cut.
//!
//! SQLite reads such a log up to the damage and brings the pages that it finds into the file. If a checkpoint has copied the
//! log before, those pages are older than the ones that stand there: what is in the file, whole and acknowledged, is taken
//! back. So before SQLite writes anything, both are looked at: the file with its log, and the file alone.

use chat::Position;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::error::{OpenError, is_damage};
use crate::folder::{Folder, noted_head};
use crate::schema;

/// Takes the write-ahead log out of the way if more is in the database without it. If it lacks something that is not in the
/// database either, a copy of it is kept. Nobody has the database open.
pub(crate) fn judge(folder: &Folder) -> Result<(), OpenError> {
    if !folder.has_wal() {
        return Ok(());
    }
    // Without a note nobody knows how far the log has come; that it makes no sense can be seen all the same.
    let noted = noted_head(folder.path()).unwrap_or(Position::ZERO);
    let with = match head_with_log(folder) {
        Ok(head) if head >= noted => return Ok(()),
        Ok(head) => Some(head),
        Err(err) if is_damage(&err) => None,
        // Whoever opens it next says what it is.
        Err(_) => return Ok(()),
    };
    match head_alone(folder).filter(|alone| Some(*alone) > with) {
        Some(alone) => {
            folder.set_wal_aside()?;
            let more = alone.0 - with.map_or(0, |with| with.0);
            tracing::warn!(
                "the write-ahead log is damaged: without it there are {more} entries more; it is kept as \
                 chat.db-wal-damaged"
            );
        }
        None => match folder.copy_wal_aside() {
            Ok(()) => tracing::warn!("the write-ahead log is damaged: it is kept as chat.db-wal-damaged"),
            Err(err) => tracing::warn!(%err, "the write-ahead log is damaged, and no copy of it can be kept"),
        },
    }
    Ok(())
}

/// How far the log comes as SQLite reads both, and writes nothing.
fn head_with_log(folder: &Folder) -> rusqlite::Result<Position> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(folder.database(), flags)?;
    // Closing the last connection would copy the log.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    head(&connection)
}

/// How far the log comes in the file alone; `None` if that is not whole.
fn head_alone(folder: &Folder) -> Option<Position> {
    let connection = schema::connect_to_file(&folder.database()).ok()?;
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).ok()?;
    if found == "ok" { head(&connection).ok() } else { None }
}

fn head(connection: &Connection) -> rusqlite::Result<Position> {
    let last = "SELECT coalesce(max(position), 0) FROM entry";
    connection.query_row(last, [], |row| row.get(0)).map(Position)
}
