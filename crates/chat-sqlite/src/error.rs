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
    /// Something else than a file has the name of one that belongs to the chat.
    #[error("{} is not a file", .path.display())]
    NotAFile {
        /// Its path.
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
    /// There is no space for what a start writes.
    #[error(
        "the disk of the data folder {} is full, and a start needs {mebibytes} MiB on it to move chat.db-wal into chat.db: make room outside \
         of that folder, or move the whole folder to a larger disk, and start again; nothing in it is lost", .folder.display()
    )]
    Full {
        /// The data folder.
        folder: PathBuf,
        /// The space that is needed.
        mebibytes: u64,
    },
    /// A start writes, and the disk takes nothing.
    #[error(
        "the data folder {} is on a disk that is read-only, and a start has to write: make the disk writable, or copy the whole \
         folder to another one and start there", .folder.display()
    )]
    ReadOnlyDisk {
        /// The data folder.
        folder: PathBuf,
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
    /// The same error of a start, in words that say what to do about the disk if it is about that.
    pub(crate) fn at_start(self, folder: &Path, wal_bytes: u64) -> Self {
        match self.refusal_of_disk() {
            // What a start writes besides: an epoch, the copy of a few pages, and some notes.
            Some(RollbackCause::Full) => {
                Self::Full { folder: folder.into(), mebibytes: (wal_bytes >> 20) + 2 }
            }
            Some(RollbackCause::ReadOnly) => Self::ReadOnlyDisk { folder: folder.into() },
            Some(_) | None => self,
        }
    }

    /// Why a disk has taken nothing, if that is what happened.
    fn refusal_of_disk(&self) -> Option<RollbackCause> {
        let of_system = |err: &io::Error| match err.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(RollbackCause::Full),
            io::ErrorKind::ReadOnlyFilesystem => Some(RollbackCause::ReadOnly),
            _ => None,
        };
        match self {
            Self::Unwritable { cause, .. } | Self::UnwritableFile { cause, .. } => of_system(cause),
            Self::Storage { cause, .. } => {
                let of_database = cause.downcast_ref::<rusqlite::Error>().map(rollback_cause);
                cause.downcast_ref::<io::Error>().and_then(of_system).or(of_database)
            }
            _ => None,
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_that_a_disk_refuses_says_what_to_free_or_to_copy() {
        let folder = Path::new("/data");
        let told = |error: OpenError| error.at_start(folder, 5 << 20).to_string();
        let of_system =
            |kind: io::ErrorKind| OpenError::UnwritableFile { file: folder.join("lock"), cause: kind.into() };
        let of_database = |code| {
            let cause = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
            OpenError::of_database(&folder.join("chat.db"), cause)
        };
        for full in [of_system(io::ErrorKind::StorageFull), of_database(rusqlite::ffi::SQLITE_FULL)] {
            let told = told(full);
            assert!(
                told.starts_with("the disk of the data folder /data is full, and a start needs 7 MiB"),
                "{told}"
            );
        }
        for kept in
            [of_system(io::ErrorKind::ReadOnlyFilesystem), of_database(rusqlite::ffi::SQLITE_READONLY)]
        {
            let told = told(kept);
            assert!(told.starts_with("the data folder /data is on a disk that is read-only"), "{told}");
        }
        let other = told(of_system(io::ErrorKind::PermissionDenied));
        assert!(other.starts_with("/data/lock cannot be written"), "{other}");
    }
}
