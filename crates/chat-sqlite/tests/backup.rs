//! Copies of a log that is in use, and what becomes of them: whole, never in place of another file, and a new epoch.
#![expect(clippy::unwrap_used, reason = "in a test, an error is a failure")]

use std::fs;
use std::path::Path;

use chat::conformance::{ADA, append, append_messages, draft, read_all};
use chat::{ClientKey, Log, LogReader as _, Lookup, Position};
use chat_sqlite::{
    BackupError, OpenError, RestoreError, SqliteLog, backup, restore, rotate_signing_key, verify,
};
use rusqlite::Connection;
use tempfile::TempDir;

/// A backup of a log with `count` messages.
fn backed_up(temp: &TempDir, count: usize) -> std::path::PathBuf {
    let mut log = SqliteLog::open(&temp.path().join("data")).unwrap();
    append_messages(&mut log, count);
    let file = temp.path().join("backup.db");
    backup(&temp.path().join("data"), &file).unwrap();
    file
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_backup_of_a_log_in_use_has_all_of_it() {
    let temp = TempDir::new().unwrap();
    let mut log = SqliteLog::open(&temp.path().join("data")).unwrap();
    append_messages(&mut log, 100);
    append(&mut log, &[draft(Some(ADA), Some("k-0"), "hi")]);
    let file = temp.path().join("backup.db");
    assert_eq!(backup(&temp.path().join("data"), &file).unwrap().head, Position(101));
    append_messages(&mut log, 5);
    let keys = log.signing_keys().clone();
    let epoch = log.epochs().current();

    restore(&file, &temp.path().join("restored")).unwrap();
    let mut restored = SqliteLog::open(&temp.path().join("restored")).unwrap();
    assert_eq!(read_all(&restored.reader()), read_all(&log.reader())[..101]);
    assert_eq!(*restored.signing_keys(), keys);
    assert!(restored.epochs().contains(epoch.epoch));
    let key = ClientKey::from_stored("k-0");
    let found = restored.find(&[Lookup::InLineage { lineage: ADA, key: &key }]).unwrap();
    assert!(found[0].is_some());
    assert_eq!(restored.meta().created, log.meta().created);
}

#[test]
#[cfg(unix)]
fn what_a_killed_backup_has_left_is_cleared_and_what_another_writes_is_not() {
    let temp = TempDir::new().unwrap();
    let write = |name: &str| {
        let file = fs::File::create(temp.path().join(name)).unwrap();
        file.set_len(7).unwrap();
        file
    };
    drop(write("backup.db.0123abcd.unfinished"));
    let written = write("backup.db.0123abce.unfinished");
    written.lock().unwrap();
    for other in ["other.db.0123abcd.unfinished", "backup.db.0123.unfinished", "backup.db.unfinished"] {
        drop(write(other));
    }
    backed_up(&temp, 3);
    let left = [
        "backup.db",
        "backup.db.0123.unfinished",
        "backup.db.0123abce.unfinished",
        "backup.db.unfinished",
        "data",
        "other.db.0123abcd.unfinished",
    ];
    assert_eq!(names(temp.path()), left);
}

#[test]
fn a_backup_is_one_file_for_its_user_alone() {
    let temp = TempDir::new().unwrap();
    let file = backed_up(&temp, 3);
    assert_eq!(names(temp.path()), ["backup.db", "data"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(verify(&file).unwrap().is_sound());
    assert_eq!(names(temp.path()), ["backup.db", "data"], "looking leaves nothing behind");
}

/// Batches of seven are appended for as long as backups are made.
#[test]
fn a_backup_under_load_is_one_state_of_the_log() {
    let temp = TempDir::new().unwrap();
    let data = temp.path().join("data");
    let mut log = SqliteLog::open(&data).unwrap();
    append_messages(&mut log, 700);
    let reader = log.reader();
    let heads = std::thread::scope(|scope| {
        let (stop, stopped) = std::sync::mpsc::sync_channel::<()>(1);
        scope.spawn(move || {
            while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                append_messages(&mut log, 7);
            }
        });
        let heads: Vec<_> = (0..5)
            .map(|number| {
                let before = reader.head();
                let file = temp.path().join(format!("{number}.db"));
                let head = backup(&data, &file).unwrap().head;
                assert!(head >= before, "what was committed before the call is in it");
                let report = verify(&file).unwrap();
                assert!(report.is_sound(), "{report}");
                assert_eq!((report.entries, head.0 % 7), (head.0, 0), "no half batch");
                assert!(verify(&data).unwrap().is_sound());
                head
            })
            .collect();
        drop(stop);
        heads
    });
    assert!(heads.is_sorted());
}

#[test]
fn a_backup_overwrites_nothing() {
    let temp = TempDir::new().unwrap();
    let file = backed_up(&temp, 3);
    let before = fs::read(&file).unwrap();
    let again = backup(&temp.path().join("data"), &file);
    assert!(matches!(again, Err(BackupError::Exists { .. })));
    assert_eq!(fs::read(&file).unwrap(), before);
    fs::create_dir(temp.path().join("folder")).unwrap();
    let folder = backup(&temp.path().join("data"), &temp.path().join("folder"));
    assert!(matches!(folder, Err(BackupError::Exists { .. })));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", temp.path().join("link")).unwrap();
        let link = backup(&temp.path().join("data"), &temp.path().join("link"));
        assert!(matches!(link, Err(BackupError::Exists { .. })));
    }
    assert_eq!(names(temp.path()).len(), if cfg!(unix) { 4 } else { 3 }, "and leaves nothing behind");
}

#[test]
fn a_backup_of_nothing_is_refused_and_makes_nothing() {
    let temp = TempDir::new().unwrap();
    let nothing = backup(&temp.path().join("none"), &temp.path().join("backup.db"));
    assert!(matches!(nothing, Err(BackupError::Source(OpenError::Absent { .. }))));
    let empty = TempDir::new().unwrap();
    let nothing = backup(empty.path(), &temp.path().join("backup.db"));
    assert!(matches!(nothing, Err(BackupError::Source(OpenError::Missing { .. }))));
    fs::write(temp.path().join("chat.db"), "dear diary").unwrap();
    let foreign = backup(temp.path(), &temp.path().join("backup.db"));
    assert!(matches!(foreign, Err(BackupError::Source(_))));
    assert_eq!(names(temp.path()), ["chat.db"]);
}

#[test]
fn a_backup_into_a_folder_that_is_not_there_names_the_file() {
    let temp = TempDir::new().unwrap();
    drop(SqliteLog::open(&temp.path().join("data")).unwrap());
    let file = temp.path().join("none/backup.db");
    let err = backup(&temp.path().join("data"), &file).unwrap_err();
    assert!(err.to_string().contains("none/backup.db"), "{err}");
}

#[test]
fn a_restored_log_does_not_admit_what_it_lost() {
    let temp = TempDir::new().unwrap();
    let data = temp.path().join("data");
    let mut log = SqliteLog::open(&data).unwrap();
    append_messages(&mut log, 5);
    backup(&data, &temp.path().join("backup.db")).unwrap();
    append_messages(&mut log, 5);
    let epoch = log.epochs().current().epoch;

    restore(&temp.path().join("backup.db"), &temp.path().join("restored")).unwrap();
    let mut restored = SqliteLog::open(&temp.path().join("restored")).unwrap();
    append_messages(&mut restored, 9);
    let admits = |position| restored.epochs().admit(epoch, Position(position), restored.head());
    assert!(admits(5));
    assert!(!admits(6), "that was another message");
}

#[test]
fn a_backup_is_restored_into_an_empty_folder_alone() {
    let temp = TempDir::new().unwrap();
    let file = backed_up(&temp, 3);
    for used in ["data", "notes"] {
        let folder = temp.path().join(used);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("notes.txt"), "mine").unwrap();
        let before = names(&folder);
        assert!(matches!(restore(&file, &folder), Err(RestoreError::NotEmpty { .. })));
        assert_eq!(names(&folder), before);
    }
    let folder = temp.path().join("empty");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("chat.db.new"), "cut off").unwrap();
    assert_eq!(restore(&file, &folder).unwrap().head, Position(3));
    assert_eq!(names(&folder), ["chat.db", "lock"]);
}

/// As root, the folder is given to another user first, as a service has it.
#[cfg(unix)]
#[test]
fn files_of_a_data_folder_belong_to_the_owner_of_the_folder() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    const SERVICE: u32 = 4_711;
    let temp = TempDir::new().unwrap();
    let file = backed_up(&temp, 3);
    let me = fs::metadata(&file).unwrap().uid();
    let folder = temp.path().join("service");
    fs::create_dir(&folder).unwrap();
    if me == 0 {
        chown(&folder, Some(SERVICE), Some(SERVICE)).unwrap();
    }
    let owner = fs::metadata(&folder).unwrap().uid();
    assert_eq!(owner, if me == 0 { SERVICE } else { me });
    let check = |expected: &[&str]| {
        assert_eq!(names(&folder), expected);
        for name in names(&folder) {
            let file = fs::metadata(folder.join(&name)).unwrap();
            assert_eq!((file.uid(), file.mode() & 0o777), (owner, 0o600), "{name}");
        }
    };
    restore(&file, &folder).unwrap();
    check(&["chat.db", "lock"]);
    rotate_signing_key(&folder).unwrap();
    check(&[
        "chat.db",
        "chat.db-head",
        "chat.db-shm",
        "chat.db-spare",
        "chat.db-wal",
        "chat.db-wal-epoch",
        "lock",
    ]);
}

/// A link in the folder leads to a file of somebody else, which must not be given away.
#[cfg(unix)]
#[test]
fn a_file_that_a_link_in_the_folder_names_keeps_its_owner() {
    use std::os::unix::fs::{MetadataExt as _, chown, symlink};
    let temp = TempDir::new().unwrap();
    let file = backed_up(&temp, 3);
    let folder = temp.path().join("service");
    fs::create_dir(&folder).unwrap();
    let me = fs::metadata(&folder).unwrap().uid();
    if me == 0 {
        chown(&folder, Some(4_711), Some(4_711)).unwrap();
    }
    fs::write(temp.path().join("secret"), "").unwrap();
    symlink(temp.path().join("secret"), folder.join("lock")).unwrap();
    restore(&file, &folder).unwrap();
    assert_eq!(fs::metadata(temp.path().join("secret")).unwrap().uid(), me);
}

#[test]
fn a_damaged_backup_is_not_restored() {
    let temp = TempDir::new().unwrap();
    let file = backed_up(&temp, 10);
    Connection::open(&file)
        .unwrap()
        .execute_batch("UPDATE entry SET text = 'forged' WHERE position = 7")
        .unwrap();
    let err = restore(&file, &temp.path().join("restored")).unwrap_err();
    assert!(matches!(err, RestoreError::Damaged { .. }), "{err}");
    assert!(err.to_string().contains("position 7"), "{err}");
    assert!(!temp.path().join("restored").exists());
}

#[test]
fn a_file_that_is_no_backup_is_not_restored() {
    let temp = TempDir::new().unwrap();
    let none = restore(&temp.path().join("none.db"), &temp.path().join("restored"));
    assert!(matches!(none, Err(RestoreError::Backup(OpenError::Absent { .. }))));
    fs::write(temp.path().join("text.db"), "dear diary").unwrap();
    let foreign = restore(&temp.path().join("text.db"), &temp.path().join("restored"));
    assert!(matches!(foreign, Err(RestoreError::Backup(OpenError::Foreign { .. }))));
    let folder = restore(temp.path(), &temp.path().join("restored"));
    assert!(matches!(folder, Err(RestoreError::NotAFile { .. })));
    assert!(!temp.path().join("restored").exists());
}
