//! Copies the write-ahead log into the database, on any connection that may write.

use rusqlite::Connection;

/// What a checkpoint does with the log when it has copied its pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Nothing. It copies what it can without waiting for anybody or making anybody wait.
    Passive,
    /// The next commit writes over it.
    Restart,
    /// It is emptied.
    Truncate,
}

impl Mode {
    /// True if all of it was done: nobody was in its way.
    pub(crate) fn run(self, connection: &Connection) -> rusqlite::Result<bool> {
        let pragma = match self {
            Self::Passive => "PRAGMA wal_checkpoint(PASSIVE)",
            Self::Restart => "PRAGMA wal_checkpoint(RESTART)",
            Self::Truncate => "PRAGMA wal_checkpoint(TRUNCATE)",
        };
        connection.query_row(pragma, [], |row| row.get::<_, bool>(0)).map(|is_busy| !is_busy)
    }
}

/// Writes what a write-ahead log holds into the database, and flushes that.
///
/// After a crash, a log whose flush failed looks complete as long as the system runs, and flushing it again would prove
/// nothing. So its pages are written again, and the next process that opens the file finds everything in one place.
pub(crate) fn settle(connection: &Connection) -> rusqlite::Result<()> {
    if Mode::Truncate.run(connection)? {
        return Ok(());
    }
    let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
    Err(rusqlite::Error::SqliteFailure(busy, Some("somebody else reads or writes the database".into())))
}
