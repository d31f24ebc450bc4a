//! Databases of earlier versions: read as they are by those who only look, and brought up to date by the next start.
#![expect(clippy::unwrap_used, reason = "in a test, an error is a failure")]

use std::path::Path;

use chat::conformance::{
    ADA, ADAS, BOBS, append, command, decided, draft, numbered, numbered_in, read_all, receipt, settle, skip,
};
use chat::{
    ClientKey, Command, Directory, Draft, Limits, Log as _, LogReader as _, Lookup, Outcome, Page, Refusal,
    RoomId, Seq, Text,
};
use chat_sqlite::{SqliteLog, backup, restore, verify};
use rusqlite::Connection;
use tempfile::TempDir;

const NOWHERE: RoomId = RoomId(99);

/// The rows of a new log, moved into the schema of the version `number`.
fn version(number: usize, folder: &Path) {
    let newest = TempDir::new().unwrap();
    let mut log = SqliteLog::open(newest.path()).unwrap();
    append(&mut log, &[draft(Some(ADA), Some("k-0"), "hi"), draft(None, None, "ho")]);
    if number > 1 {
        append(&mut log, &[numbered(BOBS, 1, "hey"), skip(BOBS, 2)]);
    }
    drop(log);
    // Of another log, in which one row more has a number: before there were runs, each number had a row.
    let other = TempDir::new().unwrap();
    let mut log = SqliteLog::open(other.path()).unwrap();
    append(
        &mut log,
        &[numbered(BOBS, 1, "hey"), numbered(BOBS, 2, "ho"), numbered_in(NOWHERE, BOBS, 3, "hi")],
    );
    drop(log);
    let old = Connection::open(folder.join("chat.db")).unwrap();
    let migrations = [
        include_str!("../src/migrations/0001_log.sql"),
        include_str!("../src/migrations/0002_device.sql"),
        include_str!("../src/migrations/0003_rooms.sql"),
        include_str!("../src/migrations/0004_runs.sql"),
    ];
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
    if number > 1 {
        old.execute("ATTACH ?1 AS other", [other.path().join("chat.db").to_str().unwrap()]).unwrap();
        let columns = if number > 2 {
            "n, result, at_ms, content, checksum, room"
        } else {
            "n, result, at_ms, content, checksum"
        };
        old.execute_batch(&format!(
            "INSERT INTO main.spent (device, {columns}) SELECT 1, {columns} FROM other.spent; DETACH other"
        ))
        .unwrap();
    }
    old.execute_batch(&format!(
        "DETACH newest; PRAGMA application_id = 0x54646e67; PRAGMA user_version = {number}"
    ))
    .unwrap();
}

/// Everything that a log of today can do.
fn goes_on(log: &mut SqliteLog, before: usize) {
    assert_eq!(log.meta().schema, 5);
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

/// What Bob has sent, and what it came to.
fn bobs() -> ([Draft; 3], [Outcome; 3]) {
    let drafts = [numbered(BOBS, 1, "hey"), skip(BOBS, 2), numbered_in(NOWHERE, BOBS, 3, "hi")];
    (drafts, [Outcome::Repeated(receipt(3)), Outcome::Skipped, Outcome::Refused(Refusal::NotFound)])
}

#[test]
fn a_log_without_rooms_gets_them_and_keeps_what_it_has() {
    let temp = TempDir::new().unwrap();
    version(2, temp.path());
    let mut log = SqliteLog::open(temp.path()).unwrap();
    let (drafts, outcomes) = bobs();
    assert_eq!(decided(&mut log, Limits::DEFAULT, &drafts).outcomes, outcomes);
    assert_eq!(Directory::load(&mut log).unwrap(), Directory::default());
    let page = log.reader().messages(RoomId::LOBBY, Page::Newest, Seq::ZERO, 2).unwrap();
    assert_eq!(page.entries, read_all(&log.reader())[1..]);
    goes_on(&mut log, 3);
    drop(log);
    let report = verify(temp.path()).unwrap();
    assert!(report.is_sound(), "{report}");
}

/// It is written anew before it is brought up to date.
#[test]
fn an_older_log_whose_structure_is_damaged_keeps_each_result_that_it_has() {
    for number in [2, 3, 4] {
        let temp = TempDir::new().unwrap();
        version(number, temp.path());
        let file = temp.path().join("chat.db");
        let one =
            |sql| Connection::open(&file).unwrap().query_row(sql, [], |row| row.get::<_, usize>(0)).unwrap();
        let page = one("SELECT min(pageno) FROM dbstat WHERE name = 'entry_counted'");
        let size = one("PRAGMA page_size");
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[(page - 1) * size] ^= 1 << 4;
        std::fs::write(&file, bytes).unwrap();
        let mut log = SqliteLog::open(temp.path()).unwrap();
        let (drafts, outcomes) = bobs();
        assert_eq!(decided(&mut log, Limits::DEFAULT, &drafts).outcomes, outcomes, "version {number}");
        goes_on(&mut log, 3);
    }
}

/// The last of the old rows grows by what comes after it.
#[test]
fn a_log_without_runs_goes_on_with_them_and_keeps_each_result_that_it_has() {
    let temp = TempDir::new().unwrap();
    version(3, temp.path());
    let mut log = SqliteLog::open(temp.path()).unwrap();
    let (drafts, outcomes) = bobs();
    assert_eq!(decided(&mut log, Limits::DEFAULT, &drafts).outcomes, outcomes);
    let other = [2, 3].map(|n| numbered(BOBS, n, "something else"));
    assert_eq!(decided(&mut log, Limits::DEFAULT, &other).outcomes, [Outcome::Refused(Refusal::Conflict); 2]);
    let refused = [4, 5].map(|n| numbered_in(NOWHERE, BOBS, n, "hello?"));
    append(&mut log, &refused);
    drop(log);
    let rows = |sql| {
        let database = Connection::open(temp.path().join("chat.db")).unwrap();
        database.query_row(sql, [], |row| row.get::<_, u64>(0)).unwrap()
    };
    assert_eq!(rows("SELECT count(*) FROM spent"), 2);
    assert_eq!(rows("SELECT count(*) FROM spent WHERE more IS NOT NULL"), 1);
    let mut log = SqliteLog::open(temp.path()).unwrap();
    let again = decided(&mut log, Limits::DEFAULT, &[&drafts[..], &refused].concat()).outcomes;
    assert_eq!(again[..3], outcomes);
    assert_eq!(again[3..], [Outcome::Refused(Refusal::NotFound); 2]);
    append(&mut log, &[numbered(BOBS, 6, "there")]);
    goes_on(&mut log, 4);
    drop(log);
    let report = verify(temp.path()).unwrap();
    assert!(report.is_sound(), "{report}");
    assert_eq!(report.without_entry, 4);
}

#[test]
fn a_backup_of_an_earlier_version_is_verified_and_restored() {
    for (number, entries) in [(1, 2), (2, 3), (3, 3), (4, 3)] {
        let temp = TempDir::new().unwrap();
        version(number, temp.path());
        let report = verify(temp.path()).unwrap();
        assert!(report.is_sound(), "{report}");
        assert_eq!(
            (report.entries, report.devices, report.without_entry),
            (entries, entries - 2, 2 * (entries - 2))
        );
        let file = temp.path().join("backup.db");
        backup(temp.path(), &file).unwrap();
        restore(&file, &temp.path().join("restored")).unwrap();
        let mut log = SqliteLog::open(&temp.path().join("restored")).unwrap();
        assert_eq!(read_all(&log.reader()).len() as u64, entries);
        if number > 1 {
            let (drafts, outcomes) = bobs();
            assert_eq!(decided(&mut log, Limits::DEFAULT, &drafts).outcomes, outcomes);
        }
    }
}
