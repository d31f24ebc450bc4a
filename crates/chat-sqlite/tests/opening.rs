//! What stands in a data folder, who may have it, and that nothing foreign is touched.
#![expect(clippy::unwrap_used, reason = "in a test, an error is a failure")]

use std::fs;
use std::path::{Path, PathBuf};

use chat::conformance::{ADA, append, append_messages, draft, read_all};
use chat::{AppendError, Log, Position};
use chat_sqlite::{OpenError, SqliteLog};
use rusqlite::Connection;
use tempfile::TempDir;

/// Every file in a folder with its content, but for the lock.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| !path.ends_with("lock"))
        .map(|path| (path.clone(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

/// Opens a folder whose `chat.db` must be refused, and returns the error. Nothing may have changed.
fn refusal(folder: &Path) -> OpenError {
    let before = contents(folder);
    let err = SqliteLog::open(folder).unwrap_err();
    assert_eq!(contents(folder), before);
    err
}

/// As a process that is killed leaves it, with one bit of the mark of the write-ahead log's epoch flipped.
#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_at_once_under_any_name_of_a_file() {
    use std::os::unix::fs::symlink;
    for name in ["lock", "chat.db", "chat.db-wal", "chat.db-head", "chat.db-spare", "chat.db-wal-epoch"] {
        for is_device in [true, false] {
            let temp = TempDir::new().unwrap();
            drop(SqliteLog::open(temp.path()).unwrap());
            let path = temp.path().join(name);
            let _ = fs::remove_file(&path);
            if is_device {
                symlink("/dev/zero", &path).unwrap();
            } else {
                assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
            }
            let err = SqliteLog::open(temp.path()).unwrap_err();
            assert_eq!(err.to_string(), format!("{} is not a file", path.display()));
        }
    }
}

#[test]
fn no_flipped_bit_in_the_mark_of_an_epoch_keeps_a_log_from_opening() {
    let temp = TempDir::new().unwrap();
    let (folder, copy) = (temp.path().join("data"), temp.path().join("copy"));
    let mut log = SqliteLog::open(&folder).unwrap();
    append_messages(&mut log, 3);
    let mark = fs::read(folder.join("chat.db-wal-epoch")).unwrap();
    for bit in 0..mark.len() * 8 {
        let _ = fs::remove_dir_all(&copy);
        fs::create_dir(&copy).unwrap();
        for file in ["chat.db", "chat.db-wal", "chat.db-head"] {
            fs::copy(folder.join(file), copy.join(file)).unwrap();
        }
        let mut damaged = mark.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(copy.join("chat.db-wal-epoch"), damaged).unwrap();
        let log = SqliteLog::open(&copy).unwrap_or_else(|err| panic!("bit {bit}: {err}"));
        assert_eq!(read_all(&log.reader()).len(), 3, "bit {bit}");
    }
}

#[test]
fn a_new_folder_is_made_and_belongs_to_its_user_alone() {
    let temp = TempDir::new().unwrap();
    let folder = temp.path().join("some/where/data");
    let log = SqliteLog::open(&folder).unwrap();
    assert_eq!(log.meta().schema, 5);
    assert!(log.meta().created.0 > 1_700_000_000_000);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(folder.join("chat.db")).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_second_instance_is_refused_until_the_first_is_gone() {
    let temp = TempDir::new().unwrap();
    let log = SqliteLog::open(temp.path()).unwrap();
    assert!(matches!(SqliteLog::open(temp.path()), Err(OpenError::InUse { .. })));
    let reader = log.reader();
    drop(log);
    assert!(matches!(SqliteLog::open(temp.path()), Err(OpenError::InUse { .. })), "somebody still reads");
    drop(reader);
    SqliteLog::open(temp.path()).unwrap();
}

#[test]
#[cfg(unix)]
fn a_lock_that_was_removed_is_made_anew_and_keeps_others_out() {
    let temp = TempDir::new().unwrap();
    let mut log = SqliteLog::open(temp.path()).unwrap();
    fs::remove_file(temp.path().join("lock")).unwrap();
    append_messages(&mut log, 1);
    assert!(matches!(SqliteLog::open(temp.path()), Err(OpenError::InUse { .. })));
    append_messages(&mut log, 1);
}

#[test]
#[cfg(unix)]
fn a_writer_whose_folder_another_one_has_taken_writes_no_more() {
    let temp = TempDir::new().unwrap();
    let mut first = SqliteLog::open(temp.path()).unwrap();
    append_messages(&mut first, 1);
    fs::remove_file(temp.path().join("lock")).unwrap();
    let mut second = SqliteLog::open(temp.path()).unwrap();
    append_messages(&mut second, 1);
    for _ in 0..2 {
        let error = first.probe().unwrap_err();
        assert!(matches!(&error, AppendError::Unknown { detail } if detail.contains("in use")), "{error:?}");
    }
    append_messages(&mut second, 1);
    assert_eq!(second.head(), Position(3));
}

#[test]
fn a_file_that_is_no_database_is_refused_and_untouched() {
    let temp = TempDir::new().unwrap();
    for content in ["", "dear diary", &"SQLite format 3, or so it says. ".repeat(20)] {
        fs::write(temp.path().join("chat.db"), content).unwrap();
        assert!(matches!(refusal(temp.path()), OpenError::Foreign { .. }));
    }
}

#[test]
fn a_database_of_another_program_is_refused_and_untouched() {
    let temp = TempDir::new().unwrap();
    let other = Connection::open(temp.path().join("chat.db")).unwrap();
    other.execute_batch("CREATE TABLE messages (id INTEGER PRIMARY KEY, content TEXT)").unwrap();
    drop(other);
    assert!(matches!(refusal(temp.path()), OpenError::Foreign { .. }));
}

#[test]
fn a_newer_schema_is_refused_and_untouched() {
    let temp = TempDir::new().unwrap();
    drop(SqliteLog::open(temp.path()).unwrap());
    let database = Connection::open(temp.path().join("chat.db")).unwrap();
    database.execute_batch("CREATE TABLE later (id INTEGER PRIMARY KEY); PRAGMA user_version = 6").unwrap();
    drop(database);
    let err = refusal(temp.path());
    assert!(matches!(err, OpenError::NewerSchema { found: 6, known: 5, .. }), "{err}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let temp = TempDir::new().unwrap();
    fs::write(temp.path().join("file"), "").unwrap();
    let err = SqliteLog::open(&temp.path().join("file/data")).unwrap_err();
    assert!(matches!(err, OpenError::Unwritable { .. }));
    assert!(err.to_string().contains("file/data"), "{err}");
}

#[test]
fn a_folder_that_is_a_file_is_called_a_file() {
    let temp = TempDir::new().unwrap();
    let file = temp.path().join("file");
    fs::write(&file, "dear diary").unwrap();
    let expected = format!("the data folder {} is a file, not a folder", file.display());
    assert_eq!(SqliteLog::open(&file).unwrap_err().to_string(), expected);
    assert_eq!(chat_sqlite::backup(&file, &temp.path().join("copy")).unwrap_err().to_string(), expected);
    assert_eq!(chat_sqlite::rotate_signing_key(&file).unwrap_err().to_string(), expected);
    assert_eq!(fs::read(&file).unwrap(), b"dear diary");
}

/// A folder in its place cannot be written, not even by root.
#[test]
fn a_file_that_cannot_be_written_is_named() {
    let temp = TempDir::new().unwrap();
    for name in ["lock", "chat.db-wal-epoch.new"] {
        let folder = temp.path().join(format!("data with a bad {name}"));
        fs::create_dir_all(folder.join(name)).unwrap();
        let err = SqliteLog::open(&folder).unwrap_err();
        assert!(matches!(err, OpenError::UnwritableFile { .. }), "{err}");
        assert!(err.to_string().starts_with(&folder.join(name).display().to_string()), "{err}");
    }
}

/// A folder in which not even root may make a file.
#[cfg(target_os = "linux")]
#[test]
fn a_read_only_folder_is_refused() {
    let err = SqliteLog::open(Path::new("/proc/self")).unwrap_err();
    assert!(matches!(err, OpenError::Unwritable { .. }), "{err}");
}

#[test]
fn a_database_that_was_not_finished_is_made_anew() {
    let temp = TempDir::new().unwrap();
    fs::write(temp.path().join("chat.db.new"), "half a page").unwrap();
    fs::write(temp.path().join("chat.db.new-journal"), "and its journal").unwrap();
    let mut log = SqliteLog::open(temp.path()).unwrap();
    append_messages(&mut log, 1);
    assert!(!temp.path().join("chat.db.new").exists());
    assert!(!temp.path().join("chat.db.new-journal").exists());
}

/// The files as a killed process leaves them: the commits stand in the write-ahead log only.
#[test]
fn commits_of_a_killed_process_are_in_one_file_after_the_next_start() {
    let temp = TempDir::new().unwrap();
    let after_kill = TempDir::new().unwrap();
    let mut log = SqliteLog::open(temp.path()).unwrap();
    append_messages(&mut log, 100);
    for file in ["chat.db", "chat.db-wal"] {
        fs::copy(temp.path().join(file), after_kill.path().join(file)).unwrap();
    }
    let log = SqliteLog::open(after_kill.path()).unwrap();
    assert_eq!(log.head(), Position(100));
    assert_eq!(read_all(&log.reader()).len(), 100);
}

/// An older copy is put in place, and the log grows again: the numbers are the same, the messages are not.
#[test]
fn a_copy_that_was_put_back_does_not_admit_what_it_lost() {
    let temp = TempDir::new().unwrap();
    let copy = temp.path().join("copy");
    let mut log = SqliteLog::open(&temp.path().join("data")).unwrap();
    append_messages(&mut log, 5);
    let first = log.epochs().current().epoch;
    drop(log);
    fs::copy(temp.path().join("data/chat.db"), &copy).unwrap();
    let mut log = SqliteLog::open(&temp.path().join("data")).unwrap();
    append_messages(&mut log, 5);
    let lost = log.epochs().current().epoch;
    drop(log);
    fs::copy(&copy, temp.path().join("data/chat.db")).unwrap();
    let mut log = SqliteLog::open(&temp.path().join("data")).unwrap();
    append_messages(&mut log, 5);
    let admit = |epoch, position| log.epochs().admit(epoch, Position(position), log.head());
    assert!(admit(first, 5));
    assert!(!admit(first, 6));
    assert!(!admit(lost, 5), "even what is the same after all is not known to be");
    assert!(admit(log.epochs().current().epoch, 10));
}

#[test]
fn the_signing_key_is_made_once() {
    let temp = TempDir::new().unwrap();
    let keys = SqliteLog::open(temp.path()).unwrap().signing_keys().clone();
    assert!(keys.retired.is_empty());
    assert_eq!(*SqliteLog::open(temp.path()).unwrap().signing_keys(), keys);
    let other = TempDir::new().unwrap();
    assert_ne!(*SqliteLog::open(other.path()).unwrap().signing_keys(), keys);
    assert!(!format!("{keys:?}").contains(char::is_numeric));
}

#[test]
fn a_retired_signing_key_still_verifies() {
    let temp = TempDir::new().unwrap();
    let before = SqliteLog::open(temp.path()).unwrap().signing_keys().current.clone();
    let database = Connection::open(temp.path().join("chat.db")).unwrap();
    database.execute("UPDATE signing_key SET retired_ms = created_ms + 1", []).unwrap();
    drop(database);
    let keys = SqliteLog::open(temp.path()).unwrap().signing_keys().clone();
    assert_ne!(keys.current, before);
    assert_eq!(keys.retired, [before]);
}

/// Earlier ones can lose commits when a checkpoint and a writer meet.
#[test]
fn the_bundled_sqlite_is_new_enough() {
    assert!(rusqlite::version_number() >= 3_053_000, "{}", rusqlite::version());
}

/// After a crash, an older copy is put in place of the database, and the write-ahead log is forgotten.
#[test]
fn a_write_ahead_log_of_another_life_is_refused() {
    let temp = TempDir::new().unwrap();
    let data = temp.path().join("data with 100% odd ? # characters");
    let copy = temp.path().join("copy");
    let mut log = SqliteLog::open(&data).unwrap();
    append_messages(&mut log, 5);
    drop(log);
    fs::copy(data.join("chat.db"), &copy).unwrap();
    let mut log = SqliteLog::open(&data).unwrap();
    append_messages(&mut log, 5);
    let wal = fs::read(data.join("chat.db-wal")).unwrap();
    assert!(!wal.is_empty());
    drop(log);

    fs::copy(&copy, data.join("chat.db")).unwrap();
    fs::write(data.join("chat.db-wal"), wal).unwrap();
    let err = refusal(&data);
    assert!(matches!(err, OpenError::StrayWal { .. }), "{err}");
    fs::remove_file(data.join("chat.db-wal")).unwrap();
    assert_eq!(SqliteLog::open(&data).unwrap().head(), Position(5));
}

/// The files of a killed process, in the folder that it was killed in.
#[test]
fn a_write_ahead_log_of_the_last_life_is_used() {
    let temp = TempDir::new().unwrap();
    let after_kill = TempDir::new().unwrap();
    for lives in 1..=3 {
        let mut log = SqliteLog::open(temp.path()).unwrap();
        assert_eq!(log.head(), Position((lives - 1) * 5));
        append_messages(&mut log, 5);
        for (file, content) in contents(temp.path()) {
            fs::write(after_kill.path().join(file.file_name().unwrap()), content).unwrap();
        }
        drop(log);
        for (file, content) in contents(after_kill.path()) {
            fs::write(temp.path().join(file.file_name().unwrap()), content).unwrap();
        }
        assert!(fs::metadata(temp.path().join("chat.db-wal")).unwrap().len() > 0);
    }
    assert_eq!(SqliteLog::open(temp.path()).unwrap().head(), Position(15));
}

/// Under load there is never a moment in which it would begin anew by itself.
#[test]
fn the_write_ahead_log_is_written_over_under_load() {
    const MIB: usize = 1 << 20;
    let temp = TempDir::new().unwrap();
    let mut log = SqliteLog::open(temp.path()).unwrap();
    let drafts = vec![draft(Some(ADA), None, &"x".repeat(MIB / 256)); 256];
    for _ in 0..96 {
        append(&mut log, &drafts);
    }
    let wal = fs::metadata(temp.path().join("chat.db-wal")).unwrap().len();
    assert!(wal < 64 * MIB as u64, "{wal} bytes");
    assert_eq!(read_all(&log.reader()).len(), 96 * 256);
}
