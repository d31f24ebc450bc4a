//! Backup and restore: copies a database while it is in use, and puts a copy into a new folder.
//!
//! SQLite writes the snapshot of one read transaction into a new file (`VACUUM INTO`). The file gets its name only
//! after it is flushed, so a file with that name is complete. It holds everything that a start needs, including keys
//! and epochs. The source folder is not locked, so its server keeps running. Clients notice a restored log because
//! every start begins an epoch.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use chat::Position;
use rusqlite::Connection;

use crate::environment::random_bytes;
use crate::error::OpenError;
use crate::folder::{Folder, chat_in, check_wal, create_private, is_used, parent_of, sync_folder};
use crate::schema;
use crate::verify::verify;

/// A copy that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The head of the log in it.
    pub head: Position,
    /// How large the file is.
    pub bytes: u64,
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is no chat in the folder, or it cannot be read.
    #[error(transparent)]
    Source(#[from] OpenError),
    /// The file exists already, and was not changed.
    #[error("{} already exists and is not overwritten", .file.display())]
    Exists {
        /// The path of the existing file.
        file: PathBuf,
    },
    /// The copy cannot be written.
    #[error("{} cannot be written: {cause}", .file.display())]
    Unwritable {
        /// The path of the backup.
        file: PathBuf,
        /// What went wrong.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The file is not sound.
    #[error(transparent)]
    Backup(OpenError),
    /// The file is a folder.
    #[error("{} is a folder: give the file that `tidings backup` made", .folder.display())]
    NotAFile {
        /// The path of that folder.
        folder: PathBuf,
    },
    /// The file is a backup, but its content has changed since.
    #[error("{} is damaged: {first}", .file.display())]
    Damaged {
        /// The path of the backup.
        file: PathBuf,
        /// The first fault that was found.
        first: String,
    },
    /// The data folder is not empty, and was not changed.
    #[error("the data folder {} is not empty", .folder.display())]
    NotEmpty {
        /// The data folder.
        folder: PathBuf,
    },
    /// The data folder cannot be taken.
    #[error(transparent)]
    Folder(#[from] OpenError),
    /// The copy did not come to its end.
    #[error(transparent)]
    Copy(#[from] BackupError),
}

/// Copies the database in `folder` into `file`, which must not exist, while a server may be writing to it.
///
/// When it returns, the copy is on the disk, name and all: one whole state of the log, not older than the call.
pub fn backup(folder: &Path, file: &Path) -> Result<Copied, BackupError> {
    let unwritable = |cause: io::Error| BackupError::Unwritable { file: file.into(), cause: cause.into() };
    let source = chat_in(folder)?;
    check_wal(folder)?;
    // Looked at before the work; what decides is that the name is given at the end and never taken from another.
    if file.symlink_metadata().is_ok() {
        return Err(BackupError::Exists { file: file.into() });
    }
    let unfinished = Unfinished::begin(file).map_err(unwritable)?;
    let head = copy(&source, &unfinished.path)?;
    let bytes = unfinished.finish(file).map_err(|cause| match cause.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists { file: file.into() },
        _ => unwritable(cause),
    })?;
    Ok(Copied { head, bytes })
}

/// Makes a data folder of a backup. The folder must be new or empty, and the backup sound.
pub fn restore(file: &Path, folder: &Path) -> Result<Copied, RestoreError> {
    if file.is_dir() {
        return Err(RestoreError::NotAFile { folder: file.into() });
    }
    let report = verify(file).map_err(RestoreError::Backup)?;
    if let Some(fault) = report.faults.first() {
        return Err(RestoreError::Damaged { file: file.into(), first: fault.to_string() });
    }
    let unwritable = |cause| OpenError::Unwritable { folder: folder.into(), cause };
    // Before it is locked, for a lock would be one file more in a folder that is somebody else's.
    if is_used(folder).unwrap_or(false) {
        return Err(RestoreError::NotEmpty { folder: folder.into() });
    }
    let taken = Folder::take(folder)?;
    // Somebody may have been faster.
    if is_used(folder).map_err(unwritable)? {
        return Err(RestoreError::NotEmpty { folder: folder.into() });
    }
    let unfinished = taken.begin_database()?;
    let head = copy(file, &unfinished)?;
    taken.finish_database()?;
    let bytes = std::fs::metadata(taken.database()).map_err(unwritable)?.len();
    Ok(Copied { head, bytes })
}

/// One read transaction over all of `source`, written into the empty file `target`.
fn copy(source: &Path, target: &Path) -> Result<Position, BackupError> {
    let unwritable = |cause: Box<dyn std::error::Error + Send + Sync>| BackupError::Unwritable {
        file: target.into(),
        cause,
    };
    let name = target.to_str().ok_or_else(|| unwritable("its name is not UTF-8".into()))?;
    let connection = schema::connect_reader(source).map_err(|err| OpenError::of_database(source, err))?;
    connection.execute("VACUUM INTO ?1", [name]).map_err(|err| match err.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => unwritable(err.into()),
        _ => BackupError::Source(OpenError::of_database(source, err)),
    })?;
    let head = || {
        let copied = Connection::open_with_flags(target, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        copied.query_row("SELECT coalesce(max(position), 0) FROM entry", [], |row| row.get(0))
    };
    head().map(Position).map_err(|err: rusqlite::Error| unwritable(err.into()))
}

/// A copy that is being written, beside the name that it will get. It goes away with this if it gets none.
struct Unfinished {
    path: PathBuf,
    /// Locked for as long as it is written: one that is not locked was left by a process that was killed.
    _lock: File,
}

impl Unfinished {
    fn begin(file: &Path) -> io::Result<Self> {
        let name = file.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_string_lossy();
        clear_abandoned(parent_of(file), &name);
        loop {
            let number = random_bytes().map(u32::from_be_bytes).map_err(io::Error::other)?;
            let path = file.with_file_name(format!("{name}.{number:08x}{UNFINISHED}"));
            let lock = create_private(&path)?;
            // Elsewhere than on Unix, nobody could write a file that is locked. Where there are no locks, nothing is cleared.
            if cfg!(unix) && lock.lock().is_ok() && path.symlink_metadata().is_err() {
                // Another backup has taken it for an abandoned one, before it was locked.
                continue;
            }
            return Ok(Self { path, _lock: lock });
        }
    }

    /// Flushes it and gives it its name, unless there is a file of that name.
    fn finish(self, file: &Path) -> io::Result<u64> {
        let written = File::open(&self.path)?;
        written.sync_all()?;
        match std::fs::hard_link(&self.path, file) {
            Ok(()) => {}
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => return Err(err),
            // A file system without links. It has been a moment since the name was free.
            Err(_) if file.symlink_metadata().is_err() => std::fs::rename(&self.path, file)?,
            Err(_) => return Err(io::ErrorKind::AlreadyExists.into()),
        }
        let bytes = written.metadata()?.len();
        drop(self);
        sync_folder(parent_of(file))?;
        Ok(bytes)
    }
}

/// How the name of a copy ends that is being written.
const UNFINISHED: &str = ".unfinished";

/// Removes the unfinished copies of a file of this name whose processes were killed.
fn clear_abandoned(folder: &Path, name: &str) {
    let Ok(files) = std::fs::read_dir(folder) else { return };
    for file in files.flatten().filter(|file| is_unfinished(&file.file_name().to_string_lossy(), name)) {
        let is_abandoned = File::open(file.path()).is_ok_and(|file| cfg!(unix) && file.try_lock().is_ok());
        if is_abandoned && std::fs::remove_file(file.path()).is_ok() {
            tracing::warn!("{} is removed: the backup that wrote it was killed", file.path().display());
        }
    }
}

/// Whether a file is an unfinished copy of one of this name.
fn is_unfinished(file: &str, name: &str) -> bool {
    let number = file.strip_prefix(name).and_then(|rest| rest.strip_prefix('.'));
    let number = number.and_then(|rest| rest.strip_suffix(UNFINISHED));
    number.is_some_and(|number| number.len() == 8 && number.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // It has its own name by now, or nobody wants it.
        let _ = std::fs::remove_file(&self.path);
    }
}
