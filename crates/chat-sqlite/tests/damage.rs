//! What a reader says when the disk does not give back what it was given, and what the log says when it is full.
#![expect(clippy::unwrap_used, reason = "in a test, an error is a failure")]

use std::fs;
use std::path::Path;

use chat::conformance::{ADA, append_messages, decided, draft, read_all};
use chat::{AppendError, Budget, Limits, Log, LogReader, Position, ReadError, RollbackCause};
use chat_sqlite::SqliteLog;
use rusqlite::Connection;
use tempfile::TempDir;

/// Ten messages, `damage` done to the closed database, and then a read of them all.
fn read_after(damage: impl FnOnce(&Path)) -> Result<u64, ReadError> {
    let temp = TempDir::new().unwrap();
    let mut log = SqliteLog::open(temp.path()).unwrap();
    append_messages(&mut log, 10);
    drop(log);
    damage(&temp.path().join("chat.db"));
    let log = SqliteLog::open(temp.path()).unwrap();
    let page = log.reader().read(Position::ZERO, Position::MAX, Budget::PAGE)?;
    Ok(page.len() as u64)
}

fn read_after_sql(sql: &str) -> Result<u64, ReadError> {
    read_after(|database| Connection::open(database).unwrap().execute_batch(sql).unwrap())
}

const SEVENTH: Result<u64, ReadError> = Err(ReadError::Corrupt { position: Position(7) });

#[test]
fn an_undamaged_log_is_read() {
    assert_eq!(read_after(|_| ()), Ok(10));
}

#[test]
fn a_changed_column_is_noticed() {
    for change in [
        "text = text || '.'",
        "text = ''",
        "seq = seq + 1",
        "room = 2",
        "rev = rev + 1",
        "at_ms = 0",
        "key = ''",
        "lineage = NULL",
        "content = zeroblob(16)",
        "kind = 2",
        "checksum = checksum + 1",
        "n = 1",
    ] {
        assert_eq!(
            read_after_sql(&format!("UPDATE entry SET {change} WHERE position = 7")),
            SEVENTH,
            "{change}"
        );
    }
}

#[test]
fn a_missing_row_is_noticed() {
    assert_eq!(read_after_sql("DELETE FROM entry WHERE position = 7"), SEVENTH);
}

#[test]
fn a_flipped_bit_in_the_file_is_noticed() {
    let flip = |database: &Path| {
        let mut bytes = fs::read(database).unwrap();
        let needle = b"message 6";
        let at = bytes.windows(needle.len()).position(|window| window == needle).unwrap();
        bytes[at] ^= 1;
        fs::write(database, bytes).unwrap();
    };
    assert_eq!(read_after(flip), SEVENTH);
}

#[test]
fn entries_before_the_damage_can_still_be_read() {
    let temp = TempDir::new().unwrap();
    let mut log = SqliteLog::open(temp.path()).unwrap();
    append_messages(&mut log, 10);
    let reader = log.reader();
    Connection::open(temp.path().join("chat.db"))
        .unwrap()
        .execute_batch("UPDATE entry SET text = 'forged' WHERE position = 7")
        .unwrap();
    assert_eq!(reader.read(Position::ZERO, Position(6), Budget::PAGE).unwrap().len(), 6);
    assert_eq!(reader.read(Position(7), Position::MAX, Budget::PAGE).unwrap().len(), 3);
    assert_eq!(
        reader.read(Position(5), Position::MAX, Budget::PAGE),
        Err(ReadError::Corrupt { position: Position(7) })
    );
}

/// A foreign connection that holds the write lock stands for whatever keeps a transaction from beginning.
#[test]
fn a_batch_that_cannot_begin_is_rolled_back_and_can_be_tried_again() {
    let temp = TempDir::new().unwrap();
    let mut log = SqliteLog::open(temp.path()).unwrap();
    append_messages(&mut log, 3);
    let decided = decided(&mut log, Limits::DEFAULT, &[draft(Some(ADA), Some("k-0"), "hi")]);

    let other = Connection::open(temp.path().join("chat.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let err = log.append(&decided.records).unwrap_err();
    assert!(matches!(err, AppendError::RolledBack { cause: RollbackCause::Io, .. }), "{err}");
    assert_eq!(log.head(), Position(3));
    assert_eq!(read_all(&log.reader()).len(), 3);

    other.execute_batch("ROLLBACK").unwrap();
    log.append(&decided.records).unwrap();
    assert_eq!(read_all(&log.reader()).len(), 4);
}
