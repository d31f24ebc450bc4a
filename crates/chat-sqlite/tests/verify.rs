//! Each kind of fault is made by hand in a sound log, and must be told.
#![expect(clippy::unwrap_used, reason = "in a test, an error is a failure")]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use chat::conformance::{
    ADA, ADAS, BOB, BOBS, CLEOS, append, append_messages, append_unknown, command, draft, numbered,
    numbered_in, read_all, settle, skip,
};
use chat::{Command, Identity, RoomId, Seq, Text, UnixMillis};
use chat_sqlite::{OpenError, Report, SqliteLog, backup, restore, verify};
use rusqlite::Connection;
use tempfile::TempDir;

/// A log with a bit of everything, closed.
fn sound_log(folder: &Path) {
    for lineage in [ADA, BOB] {
        let mut log = SqliteLog::open(folder).unwrap();
        append_messages(&mut log, 3);
        let another = draft(Some(lineage), Some("another-0"), &format!("{lineage:?}"));
        append(&mut log, &[draft(Some(lineage), Some("undefined-0"), "hi"), another]);
    }
    let mut log = SqliteLog::open(folder).unwrap();
    append(&mut log, &[numbered(ADAS, 1, "hi"), skip(ADAS, 2), numbered(ADAS, 3, "ho"), skip(BOBS, 1)]);
    append(&mut log, &[numbered_in(RoomId(99), BOBS, 2, "where?"), skip(BOBS, 3)]);
    settle(&mut log);
    // Ada's two messages, at 11 and 12, are edited (15, 16) and deleted (17).
    let (room, text) = (RoomId::LOBBY, |text| Text::parse(text).unwrap());
    append(&mut log, &[command(ADAS, 4, Command::Edit { room, seq: Seq(11), text: text("hey") })]);
    append(&mut log, &[command(ADAS, 5, Command::Edit { room, seq: Seq(11), text: text("hello") })]);
    append(&mut log, &[command(ADAS, 6, Command::Delete { room, seq: Seq(12) })]);
    let read = Command::Read { room, seq: Seq(3) };
    append(
        &mut log,
        &[chat::Draft {
            identity: Identity::User(CLEOS.user),
            command: read,
            at: UnixMillis(0),
            over_quota: None,
        }],
    );
}

/// The log is made once and copied, for there are many ways to damage it.
static SOUND: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let temp = TempDir::new().unwrap();
    sound_log(temp.path());
    fs::read(temp.path().join("chat.db")).unwrap()
});

fn report_after(damage: impl FnOnce(&Path)) -> Report {
    let temp = TempDir::new().unwrap();
    fs::write(temp.path().join("chat.db"), &*SOUND).unwrap();
    damage(&temp.path().join("chat.db"));
    verify(temp.path()).unwrap()
}

/// What is said after `sql` was done to a sound log.
fn faults_after(sql: &str) -> Vec<String> {
    let report = report_after(|database| Connection::open(database).unwrap().execute_batch(sql).unwrap());
    report.faults.iter().map(ToString::to_string).collect()
}

#[test]
fn a_sound_log_is_counted() {
    let report = report_after(|_| ());
    assert!(report.is_sound(), "{report}");
    assert_eq!((report.entries, report.with_key, report.rooms, report.lineages), (17, 4, 3, 2));
    assert_eq!((report.devices, report.without_entry, report.pointers), (3, 4, 1));
    assert_eq!((report.epochs, report.signing_keys, report.more_faults), (3, 1, 0));
}

#[test]
fn an_entry_of_an_unknown_kind_is_counted_and_no_fault() {
    let temp = TempDir::new().unwrap();
    let (data, copy) = (temp.path().join("data"), temp.path().join("copy.db"));
    let mut log = SqliteLog::open(&data).unwrap();
    append_messages(&mut log, 2);
    for room in [RoomId::LOBBY, RoomId::HOUSE] {
        append_unknown(&mut log, room, None);
    }
    append_messages(&mut log, 1);
    backup(&data, &copy).unwrap();
    let entries = read_all(&log.reader());
    drop(log);
    for path in [&data, &copy] {
        let report = verify(path).unwrap();
        assert!(report.is_sound(), "{report}");
        assert_eq!((report.entries, report.unknown), (5, 2));
    }
    restore(&copy, &temp.path().join("restored")).unwrap();
    assert_eq!(read_all(&SqliteLog::open(&temp.path().join("restored")).unwrap().reader()), entries);
    let database = Connection::open(data.join("chat.db")).unwrap();
    database.execute_batch("UPDATE entry SET kind = 77 WHERE position = 3").unwrap();
    let faults: Vec<_> = verify(&data).unwrap().faults.iter().map(ToString::to_string).collect();
    assert!(faults[0].starts_with("position 3: the row"), "{faults:?}");
}

#[test]
fn a_log_in_use_is_verified() {
    let temp = TempDir::new().unwrap();
    let mut log = SqliteLog::open(temp.path()).unwrap();
    append_messages(&mut log, 3);
    assert_eq!(verify(temp.path()).unwrap().entries, 3);
    append_messages(&mut log, 3);
    assert_eq!(verify(temp.path()).unwrap().entries, 6);
}

#[test]
fn a_new_log_is_sound() {
    let temp = TempDir::new().unwrap();
    drop(SqliteLog::open(temp.path()).unwrap());
    let report = verify(temp.path()).unwrap();
    assert!(report.is_sound(), "{report}");
    assert_eq!(report.entries, 0);
}

#[test]
fn every_fault_is_told() {
    let cases = [
        ("UPDATE entry SET text = 'forged' WHERE position = 7", "position 7: the row"),
        ("UPDATE entry SET at_ms = 0 WHERE position = 10", "position 10: the row"),
        ("DELETE FROM entry WHERE position BETWEEN 6 AND 7", "positions 6 to 7 are missing"),
        ("UPDATE room SET seq = seq + 1 WHERE id = 1", "room 1: goes on from seq 13"),
        ("UPDATE room SET rev = rev - 1 WHERE id = 2", "room 2: goes on from seq 0 and rev 0"),
        ("DELETE FROM room WHERE id = 2", "room 2: has no last numbers"),
        ("INSERT INTO room VALUES (3, 1, 1)", "room 3: goes on"),
        ("UPDATE entry SET key_print = 1 WHERE position = 4", "position 4: its key"),
        ("UPDATE entry SET key_print = NULL WHERE position = 4", "position 4: its key"),
        ("UPDATE epoch SET start = 18 WHERE id = 2", "epochs: "),
        ("UPDATE epoch SET start = 3 WHERE id = 1; UPDATE epoch SET start = 2 WHERE id = 2", "epochs: "),
        ("DELETE FROM spent WHERE device = 1", "device 1: has no result for number 2"),
        ("DELETE FROM entry WHERE position IN (15, 16)", "device 1: has no results for the numbers 4 to 5"),
        (
            "INSERT INTO spent SELECT 1, 1, result, at_ms, content, checksum, room, more FROM spent LIMIT 1",
            "device 1: has two results for number 1",
        ),
        ("UPDATE spent SET n = 3 WHERE device = 1", "device 1: has no result for number 2"),
        ("UPDATE spent SET n = 7 WHERE device = 1", "device 1: the results from number 7 on are not"),
        ("UPDATE spent SET result = 2 WHERE device = 1", "device 1: the results of number 2 are not"),
        ("UPDATE spent SET result = 7 WHERE device = 2", "device 2: the results from number 1 on are not"),
        ("UPDATE spent SET more = NULL WHERE device = 2", "device 2: the results from number 1 on are not"),
        (
            "UPDATE spent SET more = CAST(x'00' || more AS BLOB) WHERE device = 2",
            "device 2: the results from number 1 on",
        ),
        ("UPDATE entry SET n = 9 WHERE position = 12", "position 12: the row"),
        ("UPDATE entry SET device = NULL WHERE position = 12", "position 12: the row"),
        ("UPDATE device SET user = 9 WHERE id = 1", "position 11: the row"),
        (
            "UPDATE entry SET n = -n WHERE position IN (11, 12);
             UPDATE entry SET n = 4 + n WHERE position IN (11, 12)",
            "device 1: number 3 is stored before",
        ),
        ("UPDATE entry SET body = NULL WHERE position = 11", "position 11: the row"),
        ("UPDATE entry SET target = 10 WHERE position = 17", "position 17: the row"),
        ("UPDATE entry SET text = '{}' WHERE position = 13", "position 13: the row"),
        ("UPDATE pointer SET seq = 13", "room 1: the read pointer of 3 is past"),
        ("UPDATE entry SET body = NULL WHERE position = 15", "position 15: its text should be gone"),
        ("UPDATE entry SET body = 2 WHERE position = 16", "position 11: it does not say"),
        ("UPDATE entry SET body = 1 WHERE position = 12", "position 17: it tells of a message"),
        ("UPDATE entry SET target = 1 WHERE position = 17", "position 12: it is deleted, and nothing"),
        ("DELETE FROM epoch", "epochs: there are entries"),
        ("UPDATE signing_key SET retired_ms = 1", "signing keys: 0 of 1"),
        ("INSERT INTO signing_key VALUES (9, zeroblob(32), 1, NULL, NULL)", "signing keys: 2 of 2"),
        ("PRAGMA foreign_keys = OFF; DELETE FROM lineage WHERE id = 2", "position 9: the row"),
    ];
    for (sql, expected) in cases {
        let faults = faults_after(sql);
        assert!(faults.iter().any(|fault| fault.starts_with(expected)), "{sql}: {faults:?}");
    }
}

/// Rows that are sound each by itself, but that no appender would have written: their checksums are made to fit.
#[test]
fn a_send_that_was_stored_twice_is_told() {
    let temp = TempDir::new().unwrap();
    let mut log = SqliteLog::open(temp.path()).unwrap();
    append(&mut log, &[draft(Some(ADA), Some("k-0"), "hi")]);
    drop(log);
    // Another log in which the same send stands at the second position.
    let other = TempDir::new().unwrap();
    let mut log = SqliteLog::open(other.path()).unwrap();
    append(&mut log, &[draft(Some(BOB), None, "first"), draft(Some(ADA), Some("k-0"), "hi")]);
    drop(log);
    let database = Connection::open(temp.path().join("chat.db")).unwrap();
    database.execute("ATTACH ?1 AS other", [other.path().join("chat.db").to_str().unwrap()]).unwrap();
    database
        .execute_batch(
            "INSERT INTO main.entry SELECT position, room, seq, rev, kind, at_ms, 1, key,
               (SELECT key_print FROM main.entry WHERE position = 1), content, text, checksum, device, n, body,
               target
             FROM other.entry WHERE position = 2;
             UPDATE main.room SET seq = 2, rev = 2",
        )
        .unwrap();
    drop(database);
    let report = verify(temp.path()).unwrap();
    let faults: Vec<_> = report.faults.iter().map(ToString::to_string).collect();
    assert_eq!(faults, ["position 2: the same send as position 1"]);
}

#[test]
fn a_torn_page_is_told() {
    let temp = TempDir::new().unwrap();
    let mut log = SqliteLog::open(temp.path()).unwrap();
    append_messages(&mut log, 2_000);
    drop(log);
    let database = temp.path().join("chat.db");
    let mut bytes = fs::read(&database).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0);
    fs::write(&database, bytes).unwrap();
    assert!(!verify(temp.path()).unwrap().is_sound());
}

#[test]
fn a_missing_index_entry_is_told() {
    let report = report_after(|database| {
        let connection = Connection::open(database).unwrap();
        connection.execute_batch("PRAGMA writable_schema = ON").unwrap();
        let root: i64 = connection
            .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'entry_sent'", [], |row| row.get(0))
            .unwrap();
        drop(connection);
        let mut bytes = fs::read(database).unwrap();
        // The number of cells on the index's only page.
        let at = usize::try_from(root - 1).unwrap() * 4096 + 3;
        bytes[at + 1] -= 1;
        fs::write(database, bytes).unwrap();
    });
    assert!(report.faults.iter().any(|fault| fault.to_string().starts_with("the file: ")), "{report}");
}

#[test]
fn a_file_that_is_no_database_is_an_error_and_no_fault() {
    let temp = TempDir::new().unwrap();
    assert!(matches!(verify(&temp.path().join("none")), Err(OpenError::Absent { .. })));
    assert!(matches!(verify(temp.path()), Err(OpenError::Missing { .. })));
    fs::write(temp.path().join("chat.db"), "dear diary").unwrap();
    assert!(matches!(verify(temp.path()), Err(OpenError::Foreign { .. })));
}
