//! Opens the writing connection, and has a file written anew in which SQLite does not find its way.
//!
//! A start checks all of a small file, and of a large one what it reads. Damage that somebody meets later is noted in the
//! folder, so that the next start looks at everything, however large it is.

use rusqlite::Connection;

use crate::error::{OpenError, is_damage};
use crate::folder::Folder;
use crate::salvage::{Fallback, Rebuilt, rebuild};
use crate::schema;
use crate::spare;
use crate::wal::settle;

/// A file that is not larger is checked at each start: that takes about a third of a second.
const CHECKED_BYTES_MAX: u64 = 16 << 20;

/// How much of a file a start looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// All of it, if it is small or damage was noted.
    AtStart,
    /// All of it.
    Everything,
    /// Nothing: it is known to be damaged.
    Known,
}

/// Connects to the database of a folder for writing, with an empty write-ahead log, and writes the file anew if its structure
/// is damaged.
pub(crate) fn connect(
    folder: &Folder,
    check: Check,
    fallback: Fallback<'_>,
) -> Result<(Connection, Option<Rebuilt>), OpenError> {
    let file = folder.database();
    let detail = match look(folder, check) {
        Ok(Looked::Sound(connection)) => return Ok((connection, None)),
        Ok(Looked::Damaged(detail)) => detail,
        // The log is part of the database: without it, what is in the file may be half of a change.
        Err(err) if is_damage(&err) && !folder.has_wal() => err.to_string(),
        Err(err) => return Err(OpenError::of_database(&file, err)),
    };
    tracing::error!(
        detail,
        "the structure of chat.db is damaged: it is written anew from all rows that can be found"
    );
    let rebuilt = rebuild(folder, fallback)?;
    folder.forget_damage();
    tell(&rebuilt);
    let connect = || {
        let connection = schema::connect_writer(&file)?;
        settle(&connection)?;
        Ok(connection)
    };
    Ok((connect().map_err(|err| OpenError::of_database(&file, err))?, Some(rebuilt)))
}

/// Puts pages back that a copy says are damaged.
pub(crate) fn mend_pages(folder: &Folder) {
    if folder.has_wal() {
        return;
    }
    if let Err(err) = spare::mend(folder) {
        tracing::warn!(%err, "pages of chat.db cannot be held against their copies");
    }
}

/// The same for a database with a write-ahead log, which is brought in first.
pub(crate) fn mend_pages_behind_log(folder: &Folder) {
    let settled = || settle(&schema::connect_writer(&folder.database())?);
    // Whoever opens it next says what hinders.
    if folder.has_wal() && settled().is_ok() {
        mend_pages(folder);
    }
}

/// Copies the pages that nothing else tells. Without the copy, the database works as well.
pub(crate) fn copy_pages(folder: &Folder) {
    if let Err(err) = spare::refresh(folder) {
        tracing::warn!(%err, "the pages of chat.db that tell of all others are not copied");
    }
}

enum Looked {
    Sound(Connection),
    Damaged(String),
}

fn look(folder: &Folder, check: Check) -> rusqlite::Result<Looked> {
    let file = folder.database();
    let connection = schema::connect_writer(&file)?;
    settle(&connection)?;
    let is_checked = match check {
        Check::Everything => true,
        Check::Known => return Ok(Looked::Damaged("a start has found it".into())),
        Check::AtStart => {
            folder.has_noted_damage()
                || std::fs::metadata(&file).is_ok_and(|file| file.len() <= CHECKED_BYTES_MAX)
        }
    };
    if !is_checked {
        return Ok(Looked::Sound(connection));
    }
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found == "ok" {
        folder.forget_damage();
        return Ok(Looked::Sound(connection));
    }
    // Its first line names the database.
    Ok(Looked::Damaged(found.lines().last().unwrap_or_default().to_owned()))
}

fn tell(rebuilt: &Rebuilt) {
    tracing::warn!(rows = rebuilt.found, damaged = rebuilt.damaged, "chat.db is written anew");
    if rebuilt.damaged > 0 {
        tracing::error!(
            "{} rows were not found, and are shown as damaged: `tidings repair --from BACKUP` puts back what a backup has; \
             chat.db-damaged is the file as it was",
            rebuilt.damaged
        );
    }
    for lost in &rebuilt.lost {
        tracing::error!("what could not be read: {lost}");
    }
}
