//! Databases of earlier versions: read as they are by those who only look, and brought up to date by the next start.
#![expect(clippy::unwrap_used, reason = "in a test, an error is a failure")]

use std::path::Path;

use chat::conformance::{ADA, ADAS, append, draft, numbered, read_all};
use chat::{ClientKey, Log as _, Lookup};
use chat_sqlite::{SqliteLog, backup, restore, verify};
use rusqlite::Connection;
use tempfile::TempDir;

/// The rows of a new log with two entries, moved into the schema of the first version.
fn first_version(folder: &Path) {
    let newest = TempDir::new().unwrap();
    let mut log = SqliteLog::open(newest.path()).unwrap();
    append(&mut log, &[draft(Some(ADA), Some("k-0"), "hi"), draft(None, None, "ho")]);
    drop(log);
    let old = Connection::open(folder.join("chat.db")).unwrap();
    old.execute_batch(include_str!("../src/migrations/0001_log.sql")).unwrap();
    old.execute("ATTACH ?1 AS newest", [newest.path().join("chat.db").to_str().unwrap()]).unwrap();
    for table in ["about", "epoch", "signing_key", "lineage", "room"] {
        old.execute_batch(&format!("INSERT INTO main.{table} SELECT * FROM newest.{table}")).unwrap();
    }
    old.execute_batch(
        "INSERT INTO main.entry SELECT position, room, seq, rev, kind, at_ms, lineage, key, key_print, content, text,
           checksum FROM newest.entry;
         DETACH newest; PRAGMA application_id = 0x54646e67; PRAGMA user_version = 1",
    )
    .unwrap();
}

#[test]
fn a_log_without_devices_gets_them_and_keeps_what_it_has() {
    let temp = TempDir::new().unwrap();
    first_version(temp.path());
    let mut log = SqliteLog::open(temp.path()).unwrap();
    assert_eq!(log.meta().schema, 2);
    let key = ClientKey::from_stored("k-0");
    let found = log.find(&[Lookup::InLineage { lineage: ADA, key: &key }]).unwrap();
    assert!(found[0].is_some());
    append(&mut log, &[numbered(ADAS, 1, "hi")]);
    assert_eq!(read_all(&log.reader()).len(), 3);
    drop(log);
    assert!(verify(temp.path()).unwrap().is_sound());
}

#[test]
fn a_backup_of_an_earlier_version_is_verified_and_restored() {
    let temp = TempDir::new().unwrap();
    first_version(temp.path());
    let report = verify(temp.path()).unwrap();
    assert!(report.is_sound(), "{report}");
    assert_eq!((report.entries, report.devices), (2, 0));
    let file = temp.path().join("backup.db");
    backup(temp.path(), &file).unwrap();
    restore(&file, &temp.path().join("restored")).unwrap();
    let log = SqliteLog::open(&temp.path().join("restored")).unwrap();
    assert_eq!(read_all(&log.reader()).len(), 2);
}
