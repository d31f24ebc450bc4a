//! Databases of earlier versions: read as they are by those who only look, and brought up to date by the next start.
#![expect(clippy::unwrap_used, reason = "in a test, an error is a failure")]

use std::path::Path;

use chat::conformance::{
    ADA, ADAS, BOBS, append, command, decided, draft, numbered, read_all, receipt, settle, skip,
};
use chat::{
    ClientKey, Command, Directory, Limits, Log as _, LogReader as _, Lookup, Outcome, Page, RoomId, Seq, Text,
};
use chat_sqlite::{SqliteLog, backup, restore, verify};
use rusqlite::Connection;
use tempfile::TempDir;

/// The rows of a new log, moved into the schema of the version `number`.
fn version(number: usize, folder: &Path) {
    let newest = TempDir::new().unwrap();
    let mut log = SqliteLog::open(newest.path()).unwrap();
    append(&mut log, &[draft(Some(ADA), Some("k-0"), "hi"), draft(None, None, "ho")]);
    if number > 1 {
        append(&mut log, &[numbered(BOBS, 1, "hey"), skip(BOBS, 2)]);
    }
    drop(log);
    let old = Connection::open(folder.join("chat.db")).unwrap();
    let migrations =
        [include_str!("../src/migrations/0001_log.sql"), include_str!("../src/migrations/0002_device.sql")];
    for migration in &migrations[..number] {
        old.execute_batch(migration).unwrap();
    }
    old.execute("ATTACH ?1 AS newest", [newest.path().join("chat.db").to_str().unwrap()]).unwrap();
    for table in ["about", "epoch", "signing_key", "lineage", "room", "device", "entry", "spent"] {
        let columns: Option<String> = old
            .query_row("SELECT group_concat(name) FROM pragma_table_info(?1, 'main')", [table], |row| {
                row.get(0)
            })
            .unwrap();
        if let Some(columns) = columns {
            old.execute_batch(&format!(
                "INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newest.{table}"
            ))
            .unwrap();
        }
    }
    old.execute_batch(&format!(
        "DETACH newest; PRAGMA application_id = 0x54646e67; PRAGMA user_version = {number}"
    ))
    .unwrap();
}

/// Everything that a log of today can do.
fn goes_on(log: &mut SqliteLog, before: usize) {
    assert_eq!(log.meta().schema, 3);
    let key = ClientKey::from_stored("k-0");
    let found = log.find(&[Lookup::InLineage { lineage: ADA, key: &key }]).unwrap();
    assert!(found[0].is_some());
    let (room, text) = (RoomId::LOBBY, Text::parse("hello").unwrap());
    let seq = log.room(room).unwrap().seq.next();
    append(log, &[numbered(ADAS, 1, "hi")]);
    append(log, &[command(ADAS, 2, Command::Edit { room, seq, text })]);
    settle(log);
    assert_eq!(read_all(&log.reader()).len(), before + 4);
}

#[test]
fn a_log_without_devices_gets_them_and_keeps_what_it_has() {
    let temp = TempDir::new().unwrap();
    version(1, temp.path());
    goes_on(&mut SqliteLog::open(temp.path()).unwrap(), 2);
    let report = verify(temp.path()).unwrap();
    assert!(report.is_sound(), "{report}");
}

#[test]
fn a_log_without_rooms_gets_them_and_keeps_what_it_has() {
    let temp = TempDir::new().unwrap();
    version(2, temp.path());
    let mut log = SqliteLog::open(temp.path()).unwrap();
    let again = decided(&mut log, Limits::DEFAULT, &[numbered(BOBS, 1, "hey"), skip(BOBS, 2)]);
    assert_eq!(again.outcomes, [Outcome::Repeated(receipt(3)), Outcome::Skipped]);
    assert_eq!(Directory::load(&mut log).unwrap(), Directory::default());
    let page = log.reader().messages(RoomId::LOBBY, Page::Newest, Seq::ZERO, 2).unwrap();
    assert_eq!(page.entries, read_all(&log.reader())[1..]);
    goes_on(&mut log, 3);
    drop(log);
    let report = verify(temp.path()).unwrap();
    assert!(report.is_sound(), "{report}");
}

#[test]
fn a_backup_of_an_earlier_version_is_verified_and_restored() {
    for (number, entries) in [(1, 2), (2, 3)] {
        let temp = TempDir::new().unwrap();
        version(number, temp.path());
        let report = verify(temp.path()).unwrap();
        assert!(report.is_sound(), "{report}");
        assert_eq!((report.entries, report.devices), (entries, entries - 2));
        let file = temp.path().join("backup.db");
        backup(temp.path(), &file).unwrap();
        restore(&file, &temp.path().join("restored")).unwrap();
        let log = SqliteLog::open(&temp.path().join("restored")).unwrap();
        assert_eq!(read_all(&log.reader()).len() as u64, entries);
    }
}
