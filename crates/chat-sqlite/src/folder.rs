//! The data folder: creates, locks, inspects and flushes it before anything in it is trusted.
//!
//! One process owns a folder, by a lock that the system releases whenever the process dies. The first bytes tell
//! whether a file is our database: SQLite would begin to repair a foreign one.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use chat::Position;
use xxhash_rust::xxh3::xxh3_64;

use crate::error::OpenError;
use crate::schema;

const LOCK: &str = "lock";
/// The name of the database in the data folder. That of its write-ahead log ends with `-wal`.
pub const DATABASE: &str = "chat.db";
/// A database that is being made. It gets its name when it is whole.
const UNFINISHED: &str = "chat.db.new";
/// Names the epoch that the write-ahead log was begun in.
const WAL_EPOCH: &str = "chat.db-wal-epoch";
/// A database whose structure was damaged, as it was before it was written anew.
const DAMAGED: &str = "chat.db-damaged";
/// A damaged write-ahead log, as a start found it.
const DAMAGED_WAL: &str = "chat.db-wal-damaged";
/// Says that somebody has met damage in the structure of the database.
const DAMAGE: &str = "chat.db-damage";
/// Says how far the log had come when its writer wrote last.
const HEAD: &str = "chat.db-head";

/// A folder that is ours as long as this lives.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Holds the lock; closing it gives it back.
    lock: Mutex<File>,
}

/// What stands where the database should be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    Ours,
}

impl Folder {
    /// Makes the folder if there is none, and takes it.
    pub(crate) fn take(path: &Path) -> Result<Self, OpenError> {
        if path.is_file() {
            return Err(OpenError::NotAFolder { path: path.into() });
        }
        make_private(path).map_err(|cause| OpenError::Unwritable { folder: path.into(), cause })?;
        check_files(path)?;
        let lock = Mutex::new(take_lock(path)?);
        Ok(Self { path: path.into(), lock })
    }

    /// Makes sure that the folder is still ours. Somebody may have removed the lock, and another process have made one anew.
    ///
    /// # Errors
    /// Another process has it, or it is gone. Then nothing must be written any more.
    pub(crate) fn hold(&self) -> Result<(), OpenError> {
        let file = self.path.join(LOCK);
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if is_at(&lock, &file) {
            return Ok(());
        }
        match take_lock(&self.path) {
            Ok(taken) => {
                *lock = taken;
                tracing::warn!("{} was removed while it was in use: it is made anew", file.display());
                Ok(())
            }
            // Nobody else can make one, either.
            Err(OpenError::Unwritable { .. } | OpenError::UnwritableFile { .. }) if self.path.exists() => {
                tracing::warn!("{} was removed, and cannot be made anew", file.display());
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn database(&self) -> PathBuf {
        database_in(&self.path)
    }

    /// The write-ahead log of the database.
    pub(crate) fn wal(&self) -> PathBuf {
        wal_in(&self.path)
    }

    /// Looks at the database file without changing anything.
    pub(crate) fn look(&self) -> Result<Found, OpenError> {
        look(&self.database())
    }

    /// An empty file to make a new database in, and nothing of an earlier try.
    pub(crate) fn begin_database(&self) -> Result<PathBuf, OpenError> {
        for name in [UNFINISHED.to_owned(), format!("{UNFINISHED}-journal"), format!("{UNFINISHED}-wal")] {
            let path = self.path.join(name);
            match std::fs::remove_file(&path) {
                Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(self.unwritable(&path, err)),
                Ok(()) | Err(_) => {}
            }
        }
        let path = self.path.join(UNFINISHED);
        open_private(&path).map_err(|err| self.unwritable(&path, err))?;
        Ok(path)
    }

    /// Gives the new database its name. From here on it exists, whole.
    pub(crate) fn finish_database(&self) -> Result<(), OpenError> {
        let unfinished = self.path.join(UNFINISHED);
        let finish = || {
            File::open(&unfinished)?.sync_all()?;
            std::fs::rename(&unfinished, self.database())?;
            sync_folder(&self.path)
        };
        finish().map_err(|err| self.unwritable(&unfinished, err))
    }

    /// Flushes the database, its write-ahead log and the folder.
    ///
    /// A process that was killed may have written a commit without having flushed it. We can see that commit, so we
    /// would show it to people; a power cut later must not take it back.
    pub(crate) fn sync(&self) -> Result<(), OpenError> {
        let sync = || {
            File::open(self.database())?.sync_all()?;
            match File::open(self.wal()) {
                Ok(wal) => wal.sync_all()?,
                Err(err) if err.kind() == io::ErrorKind::NotFound => {}
                Err(err) => return Err(err),
            }
            sync_folder(&self.path)
        };
        sync().map_err(|cause: io::Error| OpenError::Storage { file: self.database(), cause: cause.into() })
    }

    /// Whether the write-ahead log holds something.
    pub(crate) fn has_wal(&self) -> bool {
        wal_bytes(&self.path) > 0
    }

    /// Keeps the database under another name beside its own, until somebody has repaired it.
    pub(crate) fn keep_damaged(&self) -> Result<(), OpenError> {
        let kept = self.path.join(DAMAGED);
        let _ = std::fs::remove_file(&kept);
        // A file system without links has space for a copy, or not: what is in it was not found, so nobody misses it.
        std::fs::hard_link(self.database(), &kept)
            .or_else(|_| std::fs::copy(self.database(), &kept).map(drop))
            .map_err(|err| self.unwritable(&kept, err))
    }

    /// Takes the write-ahead log away from the database, and keeps it under another name.
    pub(crate) fn set_wal_aside(&self) -> Result<(), OpenError> {
        let set_aside = || {
            std::fs::rename(self.wal(), self.path.join(DAMAGED_WAL))?;
            sync_folder(&self.path)
        };
        set_aside().map_err(|err| self.unwritable(&self.wal(), err))
    }

    /// Keeps a copy of the write-ahead log.
    pub(crate) fn copy_wal_aside(&self) -> io::Result<()> {
        std::fs::copy(self.wal(), self.path.join(DAMAGED_WAL)).map(drop)
    }

    /// Removes what was kept because it is damaged.
    pub(crate) fn drop_damaged(&self) {
        for name in [DAMAGED, DAMAGED_WAL] {
            let _ = std::fs::remove_file(self.path.join(name));
        }
    }

    /// Whether somebody has noted damage, so that a start looks at everything.
    pub(crate) fn has_noted_damage(&self) -> bool {
        self.path.join(DAMAGE).exists()
    }

    /// Has the next start look at everything. Where nothing can be written, it finds the damage as this one did.
    pub(crate) fn note_damage(&self) {
        let _ = open_private(&self.path.join(DAMAGE));
    }

    /// There is no damage any more.
    pub(crate) fn forget_damage(&self) {
        let _ = std::fs::remove_file(self.path.join(DAMAGE));
    }

    /// Refuses a write-ahead log of another life of the database.
    pub(crate) fn check_wal(&self) -> Result<(), OpenError> {
        check_wal(&self.path)
    }

    /// Notes, durably, that what is going to stand in the write-ahead log is of this epoch.
    pub(crate) fn note_wal_epoch(&self, epoch: u64) -> Result<(), OpenError> {
        let unfinished = self.path.join(format!("{WAL_EPOCH}.new"));
        let note = || {
            let mut file = open_private(&unfinished)?;
            file.set_len(0)?;
            file.write_all(with_checksum(&epoch.to_string()).as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&unfinished, self.path.join(WAL_EPOCH))?;
            sync_folder(&self.path)
        };
        note().map_err(|err| self.unwritable(&unfinished, err))
    }

    /// The file that says how far the log has come. It is never flushed: it is for the case that the files of a process that
    /// was killed are lost or mixed up, and after a power cut it may say less than there is, never more.
    pub(crate) fn head_note(&self) -> Result<HeadNote, OpenError> {
        let path = self.path.join(HEAD);
        let file = open_private(&path).map_err(|err| self.unwritable(&path, err))?;
        Ok(HeadNote(file))
    }

    fn unwritable(&self, file: &Path, cause: io::Error) -> OpenError {
        unwritable(&self.path, file, cause)
    }
}

/// Refuses a pipe or a device in the place of a file: opening it could wait, and reading it never end.
fn check_files(folder: &Path) -> Result<(), OpenError> {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // Through links: what they lead to is read.
        let is_endless =
            || std::fs::metadata(entry.path()).is_ok_and(|about| !about.is_file() && !about.is_dir());
        if (name == LOCK || name.starts_with(DATABASE)) && is_endless() {
            return Err(OpenError::NotAFile { path: entry.path() });
        }
    }
    Ok(())
}

/// Makes the file that is locked if there is none, and locks it.
fn take_lock(folder: &Path) -> Result<File, OpenError> {
    let file = folder.join(LOCK);
    let unwritable = |cause| unwritable(folder, &file, cause);
    loop {
        let lock = open_private(&file).map_err(unwritable)?;
        match lock.try_lock() {
            Ok(()) if is_at(&lock, &file) => return Ok(lock),
            // It was removed or replaced before it was ours: who made the one that is there now may have locked that.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { folder: folder.into() }),
            Err(TryLockError::Error(cause)) => return Err(unwritable(cause)),
        }
    }
}

/// Whether an open file is the one that has this name. What cannot be found out is taken for it.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let number = |about: std::fs::Metadata| (about.dev(), about.ino());
    match std::fs::metadata(path) {
        Err(err) => err.kind() != io::ErrorKind::NotFound,
        Ok(named) => file.metadata().map_or(true, |about| number(about) == number(named)),
    }
}

/// A file that is open cannot be removed there.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// See [`Folder::head_note`].
#[derive(Debug)]
pub(crate) struct HeadNote(File);

impl HeadNote {
    /// Notes a position whose batch is durable.
    pub(crate) fn set(&mut self, position: Position) {
        use std::io::{Seek as _, SeekFrom};
        // Always of the same length, so that nothing of an earlier one stays. What cannot be noted is not checked.
        let line = head_line(position);
        let _ = self.0.seek(SeekFrom::Start(0)).and_then(|_| self.0.write_all(line.as_bytes()));
    }
}

fn head_line(position: Position) -> String {
    with_checksum(&format!("{:020}", position.0))
}

/// A line with a number and its checksum, because any other digits would be a number too.
fn with_checksum(digits: &str) -> String {
    format!("{digits} {:016x}\n", xxh3_64(digits.as_bytes()))
}

/// How far the log of a folder had come, as its last writer noted; zero if nobody has.
///
/// # Errors
/// The note cannot be read, or is not what was noted.
pub(crate) fn noted_head(folder: &Path) -> io::Result<Position> {
    let noted = match std::fs::read_to_string(folder.join(HEAD)) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Position::ZERO),
        noted => noted?,
    };
    let digits = noted.split([' ', '\n']).next().unwrap_or_default();
    let position = digits.parse().ok().map(Position);
    // An earlier version has noted no checksum.
    position
        .filter(|position| noted == head_line(*position) || noted == format!("{:020}\n", position.0))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it is damaged"))
}

/// Names the file if that is what cannot be written, and otherwise the folder, in which it cannot be made.
fn unwritable(folder: &Path, file: &Path, cause: io::Error) -> OpenError {
    if file.symlink_metadata().is_ok() {
        OpenError::UnwritableFile { file: file.into(), cause }
    } else {
        OpenError::Unwritable { folder: folder.into(), cause }
    }
}

/// The database of the chat in a folder, which somebody else may have.
pub(crate) fn chat_in(folder: &Path) -> Result<PathBuf, OpenError> {
    let file = database_in(folder);
    check_files(folder)?;
    match std::fs::metadata(folder) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Err(OpenError::Absent { path: folder.into() }),
        Ok(is) if is.is_file() => Err(OpenError::NotAFolder { path: folder.into() }),
        Ok(_) | Err(_) => match look(&file)? {
            Found::Ours => Ok(file),
            Found::Nothing => Err(OpenError::Missing { folder: folder.into() }),
        },
    }
}

/// The database of a folder that somebody else may have.
pub(crate) fn database_in(folder: &Path) -> PathBuf {
    folder.join(DATABASE)
}

fn wal_in(folder: &Path) -> PathBuf {
    folder.join(format!("{DATABASE}-wal"))
}

/// How long the write-ahead log in a folder is.
pub(crate) fn wal_bytes(folder: &Path) -> u64 {
    std::fs::metadata(wal_in(folder)).map_or(0, |wal| wal.len())
}

/// Rejects a write-ahead log of another state of the database. A server that owns the folder may write meanwhile.
pub(crate) fn check_wal(folder: &Path) -> Result<(), OpenError> {
    let file = database_in(folder);
    let Some(epoch) = wal_epoch(folder)? else { return Ok(()) };
    match schema::knows_epoch(&file, epoch) {
        Ok(true) => Ok(()),
        Ok(false) => Err(OpenError::StrayWal { wal: wal_in(folder), file }),
        // Without its log the file may be in the middle of a checkpoint: SQLite has to judge them together.
        Err(error) => {
            tracing::debug!(%error, "the database cannot be read without its write-ahead log");
            Ok(())
        }
    }
}

/// The epoch whose write-ahead log holds something, as far as one is noted.
fn wal_epoch(folder: &Path) -> Result<Option<u64>, OpenError> {
    if wal_bytes(folder) == 0 {
        return Ok(None);
    }
    match std::fs::read(folder.join(WAL_EPOCH)) {
        Ok(noted) => {
            let epoch = noted_epoch(&noted);
            if epoch.is_none() {
                tracing::warn!(
                    "{WAL_EPOCH} is damaged: nobody can tell whether {DATABASE}-wal belongs to {DATABASE}"
                );
            }
            Ok(epoch)
        }
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(OpenError::Storage { file: folder.join(WAL_EPOCH), cause: cause.into() }),
    }
}

/// The epoch that was noted; `None` if what is read is not what was written.
fn noted_epoch(noted: &[u8]) -> Option<u64> {
    let noted = str::from_utf8(noted).ok()?;
    let digits = noted.split([' ', '\n']).next()?;
    // An earlier version has noted no checksum.
    let is_whole = noted == with_checksum(digits) || noted == format!("{digits}\n");
    digits.parse().ok().filter(|_| is_whole)
}

/// Whether there is something in a folder besides the lock and an unfinished database.
pub(crate) fn is_used(folder: &Path) -> io::Result<bool> {
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if name != LOCK && !name.starts_with(UNFINISHED) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Looks at what may be a database without changing anything.
pub(crate) fn look(file: &Path) -> Result<Found, OpenError> {
    let header = match read_header(file) {
        Ok(header) => header,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(cause) => return Err(OpenError::Storage { file: file.into(), cause: cause.into() }),
    };
    let Some(header) = header else { return Err(OpenError::Foreign { file: file.into() }) };
    if header.application != schema::APPLICATION_ID {
        return Err(OpenError::Foreign { file: file.into() });
    }
    if header.schema > schema::VERSION {
        return Err(OpenError::NewerSchema {
            file: file.into(),
            found: header.schema,
            known: schema::VERSION,
        });
    }
    Ok(Found::Ours)
}

/// What the first bytes of a database say of it.
pub(crate) struct Header {
    pub(crate) application: u32,
    pub(crate) schema: u32,
}

/// Reads the beginning of a file; `None` if it is no SQLite database.
pub(crate) fn read_header(path: &Path) -> io::Result<Option<Header>> {
    let mut bytes = Vec::with_capacity(100);
    File::open(path)?.take(100).read_to_end(&mut bytes)?;
    let field = |at: usize| {
        let bytes = bytes.get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    let (Some(schema), Some(application)) = (field(60), field(68)) else { return Ok(None) };
    Ok(bytes.starts_with(b"SQLite format 3\0").then_some(Header { application, schema }))
}

/// People's words are for this user's eyes only. A folder that exists keeps the mode that its owner gave it.
///
/// When it returns, the name of the folder is durable: a power cut that took it would take all that is in it.
fn make_private(path: &Path) -> io::Result<()> {
    let made = missing_folders(path);
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    // One that exists may be of a process that was killed before it could flush the name.
    for folder in path.ancestors().take(made.max(1)) {
        match sync_folder(parent_of(folder)) {
            Err(err) if made > 0 && err.kind() != io::ErrorKind::PermissionDenied => return Err(err),
            // Whoever made it for a service that must not read what is beside it has to see to its name.
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// How many folders have to be made, so that there is `path`.
fn missing_folders(path: &Path) -> usize {
    path.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).count()
}

/// Opens a file of a data folder, and makes it if there is none.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    match create_private(path) {
        Ok(file) => {
            give_to_owner_of_folder(&file, path)?;
            Ok(file)
        }
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => OpenOptions::new().write(true).open(path),
        Err(err) => Err(err),
    }
}

/// Gives a new file the owner of its folder. It differs if root runs a command for a service that has a user of its own,
/// and the service could not open the file. SQLite does the same with the files that it makes beside a database.
///
/// Only for a file that we have just made, by its handle: a name could be a link to any file of the system.
#[cfg(unix)]
fn give_to_owner_of_folder(file: &File, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let folder = path.parent().map(std::fs::metadata).transpose()?;
    match folder {
        Some(folder) if folder.uid() != file.metadata()?.uid() => {
            // Nobody but root may do that. The files of another user in a folder that is open to them stay theirs.
            match fchown(file, Some(folder.uid()), Some(folder.gid())) {
                Err(err) if err.kind() != io::ErrorKind::PermissionDenied => Err(err),
                Ok(()) | Err(_) => Ok(()),
            }
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
fn give_to_owner_of_folder(_: &File, _: &Path) -> io::Result<()> {
    Ok(())
}

/// Makes an empty file that was not there.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    private(OpenOptions::new().write(true).create_new(true)).open(path)
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// The folder that a file or a folder is in.
pub(crate) fn parent_of(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// Makes names durable. Windows has no such thing and needs none.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_of_the_head_that_is_changed_anywhere_or_cut_is_not_believed() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join(HEAD);
        let noted = || noted_head(temp.path()).ok();
        assert_eq!(noted(), Some(Position::ZERO));
        let line = head_line(Position(1234)).into_bytes();
        std::fs::write(&file, &line).unwrap();
        assert_eq!(noted(), Some(Position(1234)));
        for at in 0..line.len() {
            for changed in [line[at] ^ 1, b'0', 0xff] {
                let mut bytes = line.clone();
                bytes[at] = changed;
                std::fs::write(&file, &bytes).unwrap();
                assert!(bytes == line || noted().is_none(), "{at}: {}", bytes.escape_ascii());
            }
            std::fs::write(&file, &line[..at]).unwrap();
            assert_eq!(noted(), None, "{at}");
        }
        std::fs::write(&file, "00000000000000001234\n").unwrap();
        assert_eq!(noted(), Some(Position(1234)), "of an earlier version");
    }

    #[test]
    fn the_folders_that_are_missing_are_counted_up_to_the_first_that_is_there() {
        let temp = tempfile::tempdir().unwrap();
        assert_eq!(missing_folders(temp.path()), 0);
        assert_eq!(missing_folders(&temp.path().join("chat")), 1);
        assert_eq!(missing_folders(&temp.path().join("a/b/c")), 3);
        assert_eq!(missing_folders(Path::new("a-folder-that-nobody-has/b")), 2);
    }
}
