//! Why a data folder cannot be opened, in words that tell its owner what to do.
//!
//! Errors of SQLite are translated here too, because nothing above this crate knows its codes.

use std::io;
use std::path::{Path, PathBuf};

use chat::{Position, ReadError, RollbackCause};
use rusqlite::ErrorCode;

/// Why the log could not be opened. The files in the folder are as they were.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no database in the folder.
    #[error("there is no chat in {}", .folder.display())]
    Missing {
        /// The data folder.
        folder: PathBuf,
    },
    /// There is no such file or folder.
    #[error("{} does not exist", .path.display())]
    Absent {
        /// The path that leads nowhere.
        path: PathBuf,
    },
    /// The data folder is a file.
    #[error("the data folder {} is a file, not a folder", .path.display())]
    NotAFolder {
        /// The path of that file.
        path: PathBuf,
    },
    /// Another process serves from this folder.
    #[error("the data folder {} is in use by another process", .folder.display())]
    InUse {
        /// The data folder.
        folder: PathBuf,
    },
    /// The folder cannot be made, or no file can be made in it.
    #[error("the data folder {} cannot be written: {cause}", .folder.display())]
    Unwritable {
        /// The data folder.
        folder: PathBuf,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// A file in the folder cannot be written. It may belong to somebody else.
    #[error("{} cannot be written: {cause}", .file.display())]
    UnwritableFile {
        /// The path of that file.
        file: PathBuf,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// The file that should be the database is something else.
    #[error("{} is not a database of this program", .file.display())]
    Foreign {
        /// The path of that file.
        file: PathBuf,
    },
    /// A newer version of this program has used the database.
    #[error("{} has schema {found}, but this version of tidings knows schemas up to {known} only: use a newer version", .file.display())]
    NewerSchema {
        /// The path of the database.
        file: PathBuf,
        /// The schema of the database.
        found: u32,
        /// The newest schema that this version knows.
        known: u32,
    },
    /// The write-ahead log belongs to another state of the database: somebody replaced the database by an older copy
    /// after a crash. Opening both would mix the two states.
    #[error(
        "{} and {} do not belong together: if you put the database back from a copy, move the other file away",
        .file.display(), .wal.display()
    )]
    StrayWal {
        /// The path of the database.
        file: PathBuf,
        /// The path of its write-ahead log.
        wal: PathBuf,
    },
    /// The file is a database of this program, but its content is inconsistent.
    #[error("{} is damaged: {detail}", .file.display())]
    Damaged {
        /// The path of the database.
        file: PathBuf,
        /// What is inconsistent.
        detail: String,
    },
    /// The keys that everybody is known by cannot be read, and stand nowhere else.
    #[error(
        "the signing keys in {} cannot be read: `tidings repair --from BACKUP` takes those of a backup, and `tidings restore` \
         puts one into a new folder; without one, `tidings repair --give-up` makes new keys, and everybody has to come in anew", .file.display()
    )]
    KeysLost {
        /// The path of the database.
        file: PathBuf,
    },
    /// Reading or writing did not work.
    #[error("the database {} cannot be opened: {cause}", .file.display())]
    Storage {
        /// The path of the database.
        file: PathBuf,
        /// What went wrong.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl OpenError {
    /// A statement that failed outside of the two traits.
    pub(crate) fn of_database(file: &Path, err: rusqlite::Error) -> Self {
        match err.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { file: file.into(), detail: err.to_string() }
            }
            _ => Self::Storage { file: file.into(), cause: err.into() },
        }
    }
}

/// Whether SQLite does not find its way in the file.
pub(crate) fn is_damage(err: &rusqlite::Error) -> bool {
    matches!(err.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// What kind of trouble a failed statement is, for a transaction that was rolled back.
pub(crate) fn rollback_cause(err: &rusqlite::Error) -> RollbackCause {
    match err.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => RollbackCause::Full,
        Some(ErrorCode::ReadOnly) => RollbackCause::ReadOnly,
        _ => RollbackCause::Io,
    }
}

/// A failed read that began at `position`.
pub(crate) fn read_error(err: &rusqlite::Error, position: Position) -> ReadError {
    match err {
        rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => ReadError::Corrupt { position },
            _ => ReadError::Unavailable { detail: err.to_string() },
        },
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::Utf8Error(..) => ReadError::Corrupt { position },
        _ => ReadError::Unavailable { detail: err.to_string() },
    }
}
