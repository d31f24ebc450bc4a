//! Why a data folder cannot be opened, said so that its owner knows what to do.
//!
//! Errors of SQLite below the traits are translated here as well, for nothing above may know its codes.

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
    /// Another process serves from this folder.
    #[error("the data folder {} is in use by another process", .folder.display())]
    InUse {
        /// The data folder.
        folder: PathBuf,
    },
    /// The folder cannot be made, or files in it cannot be written.
    #[error("the data folder {} cannot be written: {cause}", .folder.display())]
    Unwritable {
        /// The data folder.
        folder: PathBuf,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// The file that should be the database is something else.
    #[error("{} is not a database of this program", .file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// A newer version of this program has been here.
    #[error("{} has schema {found}, but this version of tidings knows schemas up to {known} only: use a newer version", .file.display())]
    NewerSchema {
        /// The file.
        file: PathBuf,
        /// Its schema.
        found: u32,
        /// The newest schema that this version knows.
        known: u32,
    },
    /// The write-ahead log beside the database is of another life of it: somebody has put an older copy in place after
    /// a crash. Together, the two would be a mixture of both.
    #[error(
        "{} and {} do not belong together: if you put the database back from a copy, move the other file away",
        .file.display(), .wal.display()
    )]
    StrayWal {
        /// The database.
        file: PathBuf,
        /// The write-ahead log.
        wal: PathBuf,
    },
    /// The file is a database of this program, but its content does not hold together.
    #[error("{} is damaged: {detail}", .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What does not hold.
        detail: String,
    },
    /// Reading or writing did not work.
    #[error("the database {} cannot be opened: {cause}", .file.display())]
    Storage {
        /// The file.
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
