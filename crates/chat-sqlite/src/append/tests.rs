//! Appends that fail in ways that only this crate can cause.

use chat::Limits;
use chat::conformance::town::{ADA_THERE, Town, edit};
use chat::conformance::{ADA, append_messages, decided, draft, read_all};

use super::*;

/// Growing is what a full disk forbids, and so does SQLite's own bound on pages.
#[test]
fn a_batch_that_finds_no_space_leaves_nothing_and_goes_in_when_there_is_some() {
    let temp = tempfile::TempDir::new().unwrap();
    let mut log = SqliteLog::open(temp.path()).unwrap();
    append_messages(&mut log, 3);
    let pages: i64 = log.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    let bound = |log: &SqliteLog, pages: i64| {
        log.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    };
    bound(&log, pages);
    let page = "x".repeat(16_000);
    let drafts: Vec<_> = (0..10).map(|n| draft(Some(ADA), Some(&format!("k-{n}")), &page)).collect();
    let first = decided(&mut log, Limits::DEFAULT, &drafts);
    for _ in 0..3 {
        let err = log.append(&first.records).unwrap_err();
        assert!(matches!(err, AppendError::RolledBack { cause: chat::RollbackCause::Full, .. }), "{err}");
        assert_eq!((log.head(), read_all(&log.reader()).len()), (Position(3), 3));
    }
    let again = decided(&mut log, Limits::DEFAULT, &drafts);
    assert_eq!(again.outcomes, first.outcomes, "no key and no number was used up");

    bound(&log, pages + 1000);
    log.append(&again.records).unwrap();
    assert_eq!(read_all(&log.reader()).len(), 13);
}

/// The domain never sees what a failed commit left; only the next opening does.
#[test]
fn a_writer_whose_commit_failed_takes_nothing_more() {
    let temp = tempfile::TempDir::new().unwrap();
    let mut log = SqliteLog::open(temp.path()).unwrap();
    append_messages(&mut log, 3);
    let first = decided(&mut log, Limits::DEFAULT, &[draft(Some(ADA), Some("k-0"), "hi")]);
    // A short name that is in no table, and a constraint that is only checked in the commit.
    log.lineages.insert(ADA, 4711);
    log.connection.pragma_update(None, "defer_foreign_keys", true).unwrap();
    let err = log.append(&first.records).unwrap_err();
    assert!(matches!(err, AppendError::Unknown { .. }), "{err}");
    let err = log.append(&first.records).unwrap_err();
    assert!(matches!(err, AppendError::Unknown { .. }), "{err}");
    drop(log);
    assert_eq!(SqliteLog::open(temp.path()).unwrap().head(), Position(3));
}

/// The message is as it was, and so are the edits before.
#[test]
fn an_edit_that_finds_no_space_changes_nothing() {
    let temp = tempfile::TempDir::new().unwrap();
    let mut town = Town::new(SqliteLog::open(temp.path()).unwrap());
    let room = RoomId::LOBBY;
    let seq = town.says(ADA_THERE, room, "hi");
    town.stores(ADA_THERE, edit(room, seq, "ho"));
    let before = read_all(&town.log.reader());
    let pages: i64 = town.log.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    let bound = |log: &SqliteLog, pages: i64| {
        log.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    };
    bound(&town.log, pages);
    let draft = town.draft(ADA_THERE, edit(room, seq, &"x".repeat(16_000)));
    let edited = decided(&mut town.log, Limits::DEFAULT, std::slice::from_ref(&draft));
    let err = town.log.append(&edited.records).unwrap_err();
    assert!(matches!(err, AppendError::RolledBack { cause: chat::RollbackCause::Full, .. }), "{err}");
    assert_eq!(read_all(&town.log.reader()), before);
    bound(&town.log, pages + 1000);
    assert_eq!(town.takes(&[draft]), edited.outcomes);
    drop(town);
    assert!(crate::verify(temp.path()).unwrap().is_sound());
}

/// After a flush that failed the system may have dropped what was to be written, and the next flush says nothing of it.
#[test]
fn only_a_page_that_was_not_taken_is_a_refused_write() {
    use rusqlite::ffi;
    let failure = |code| rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
    for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_WRITE] {
        assert!(is_refused_write(&failure(code)), "{code}");
    }
    for code in [
        ffi::SQLITE_IOERR,
        ffi::SQLITE_IOERR_FSYNC,
        ffi::SQLITE_IOERR_DIR_FSYNC,
        ffi::SQLITE_IOERR_TRUNCATE,
        ffi::SQLITE_IOERR_READ,
        ffi::SQLITE_IOERR_SHORT_READ,
        ffi::SQLITE_IOERR_FSTAT,
        ffi::SQLITE_IOERR_SHMSIZE,
        ffi::SQLITE_IOERR_SHMMAP,
        ffi::SQLITE_IOERR_CLOSE,
        ffi::SQLITE_BUSY,
        ffi::SQLITE_CORRUPT,
        ffi::SQLITE_CANTOPEN,
    ] {
        assert!(!is_refused_write(&failure(code)), "{code}");
    }
}

/// Without a write nothing is found out about the disk.
#[test]
fn a_probe_writes_a_page_and_waits_for_nobody() {
    let temp = tempfile::TempDir::new().unwrap();
    let mut log = SqliteLog::open(temp.path()).unwrap();
    append_messages(&mut log, 1);
    let wal = temp.path().join("chat.db-wal");
    let length = || std::fs::metadata(&wal).unwrap().len();
    let before = length();
    log.probe().unwrap();
    assert!(length() > before, "{before} and {}", length());

    let other = schema::connect_writer(&temp.path().join("chat.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begin = std::time::Instant::now();
    let err = log.probe().unwrap_err();
    assert!(matches!(err, AppendError::RolledBack { cause: chat::RollbackCause::Io, .. }), "{err}");
    assert!(begin.elapsed() < schema::BUSY, "others wait behind it");
    other.execute_batch("ROLLBACK").unwrap();
    log.probe().unwrap();
    append_messages(&mut log, 1);
    assert_eq!(read_all(&log.reader()).len(), 2);
}
