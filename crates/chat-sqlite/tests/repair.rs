//! Rows are damaged by hand, and put back from a backup or given up; and a write-ahead log is lost.
#![expect(clippy::unwrap_used, reason = "in a test, an error is a failure")]

use std::fs;
use std::path::Path;

use chat::conformance::town::{ADA_THERE, BOB_THERE, Town, edit, shown};
use chat::conformance::{append_messages, read_all};
use chat::{Body, Command, Entry, Kind, LogReader as _, Position, RoomId, RoomKind, Seq};
use chat_sqlite::{RepairError, Repaired, SqliteLog, backup, repair, verify};
use rusqlite::Connection;
use tempfile::TempDir;

const TEA: RoomId = RoomId(2);

/// Two people who speak in a private room.
fn town(folder: &Path) -> Town<SqliteLog> {
    let mut town = Town::with_names(SqliteLog::open(folder).unwrap());
    let tea = town.opens(ADA_THERE, RoomKind::Private, "tea");
    town.stores(ADA_THERE, Command::Add { room: tea, user: BOB_THERE.user });
    for text in ["one", "two", "three"] {
        town.says(BOB_THERE, tea, text);
    }
    town.stores(BOB_THERE, edit(tea, Seq(2), "two and a half"));
    town
}

/// Damages every row, but for those that `spared` names.
fn damage(folder: &Path, which: &str) {
    let sql = format!("UPDATE entry SET text = text || '~', at_ms = at_ms + 1 WHERE {which}");
    Connection::open(folder.join("chat.db")).unwrap().execute_batch(&sql).unwrap();
}

fn entries(folder: &Path) -> Vec<Entry> {
    read_all(&SqliteLog::open(folder).unwrap().reader())
}

fn counts(repaired: &Repaired) -> (u64, u64, u64, usize) {
    (repaired.damaged, repaired.restored, repaired.given_up, repaired.left.len())
}

#[test]
fn a_backup_puts_every_damaged_row_back() {
    let temp = TempDir::new().unwrap();
    let (folder, file) = (temp.path().join("data"), temp.path().join("backup.db"));
    drop(town(&folder));
    backup(&folder, &file).unwrap();
    let before = entries(&folder);
    damage(&folder, "position % 2 = 0");
    assert!(!verify(&folder).unwrap().is_sound());
    let damaged = before.iter().filter(|entry| entry.position.0.is_multiple_of(2)).count() as u64;
    let repaired = repair(&folder, Some(&file), false).unwrap();
    assert_eq!(counts(&repaired), (damaged, damaged, 0, 0));
    assert!(verify(&folder).unwrap().is_sound(), "{}", verify(&folder).unwrap());
    assert_eq!(entries(&folder), before);
    assert_eq!(counts(&repair(&folder, Some(&file), true).unwrap()), (0, 0, 0, 0));
}

/// What a backup does not know is left, or given up if the operator says so; the numbers and the names stay.
#[test]
fn what_no_backup_has_is_left_or_given_up() {
    let temp = TempDir::new().unwrap();
    let folder = temp.path().join("data");
    drop(town(&folder));
    let before = entries(&folder);
    damage(&folder, "kind < 4");
    let left = repair(&folder, None, false).unwrap();
    assert_eq!(counts(&left), (4, 0, 0, 4));
    assert!(!verify(&folder).unwrap().is_sound());
    let given_up = repair(&folder, None, true).unwrap();
    assert_eq!(counts(&given_up), (4, 0, 4, 0));
    let report = verify(&folder).unwrap();
    assert!(report.is_sound(), "{report}");
    let town = Town::new(SqliteLog::open(&folder).unwrap());
    let after = read_all(&town.log.reader());
    for (after, before) in after.iter().zip(&before) {
        let place = |entry: &Entry| (entry.position, entry.room, entry.seq, entry.rev, entry.author);
        assert_eq!(place(after), place(before));
        match before.kind {
            Kind::Message { .. } => assert_eq!(after.kind, Kind::Message { body: Body::Damaged }),
            Kind::Edited { .. } => assert_eq!(after.kind, Kind::Damaged { is_change: true }),
            _ => assert_eq!(after.kind, before.kind),
        }
    }
    assert_eq!(town.log.reader().damaged(), 0, "what was given up is what was stored now");
    assert!(town.directory.is_member(BOB_THERE.user, TEA), "no change of a message puts anybody out");
}

#[test]
fn a_row_that_was_given_up_is_put_back_by_a_backup_that_is_found_later() {
    let temp = TempDir::new().unwrap();
    let (folder, file) = (temp.path().join("data"), temp.path().join("backup.db"));
    drop(town(&folder));
    backup(&folder, &file).unwrap();
    let before = entries(&folder);
    damage(&folder, "kind = 1");
    repair(&folder, None, true).unwrap();
    let repaired = repair(&folder, Some(&file), false).unwrap();
    assert_eq!(counts(&repaired), (0, 3, 0, 0));
    assert_eq!(entries(&folder), before);
}

/// A backup is an earlier state: what people have taken back since must not come again.
#[test]
fn what_was_edited_or_deleted_after_the_backup_stays_so() {
    let temp = TempDir::new().unwrap();
    let (folder, file) = (temp.path().join("data"), temp.path().join("backup.db"));
    let mut town = town(&folder);
    backup(&folder, &file).unwrap();
    town.stores(BOB_THERE, edit(TEA, Seq(1), "a single one"));
    town.stores(BOB_THERE, edit(TEA, Seq(2), "two and three quarters"));
    town.stores(ADA_THERE, Command::Delete { room: TEA, seq: Seq(3) });
    drop(town);
    let before = entries(&folder);
    damage(&folder, "kind = 1 OR kind = 2 AND position < 10");
    let repaired = repair(&folder, Some(&file), false).unwrap();
    assert_eq!(counts(&repaired), (4, 4, 0, 0));
    assert_eq!(entries(&folder), before);
    let log = SqliteLog::open(&folder).unwrap();
    assert_eq!(shown(&log.reader(), TEA), ["a single one*", "two and three quarters*", "-"]);
}

/// The change cannot be read either, so nobody knows what the message says now.
#[test]
fn a_message_whose_last_change_is_damaged_too_is_not_put_back_as_it_was_before() {
    let temp = TempDir::new().unwrap();
    let (folder, file) = (temp.path().join("data"), temp.path().join("backup.db"));
    let mut town = town(&folder);
    backup(&folder, &file).unwrap();
    town.stores(ADA_THERE, Command::Delete { room: TEA, seq: Seq(3) });
    drop(town);
    damage(&folder, "kind = 3 OR kind = 1 AND seq = 3");
    let repaired = repair(&folder, Some(&file), false).unwrap();
    assert_eq!(counts(&repaired), (2, 0, 0, 2));
}

#[test]
fn a_backup_of_another_chat_and_a_chat_in_use_are_refused() {
    let temp = TempDir::new().unwrap();
    let (folder, file) = (temp.path().join("data"), temp.path().join("backup.db"));
    drop(town(&temp.path().join("other")));
    backup(&temp.path().join("other"), &file).unwrap();
    let served = town(&folder);
    let refused = repair(&folder, None, true).unwrap_err().to_string();
    assert!(refused.contains("in use"), "{refused}");
    drop(served);
    assert!(matches!(repair(&folder, Some(&file), true), Err(RepairError::Foreign { .. })));
    assert!(matches!(repair(&folder, Some(Path::new("none")), true), Err(RepairError::Backup(_))));
}

#[test]
fn indexes_that_miss_a_row_are_made_anew() {
    let temp = TempDir::new().unwrap();
    drop(town(temp.path()));
    let before = entries(temp.path());
    let database = Connection::open(temp.path().join("chat.db")).unwrap();
    // SQLite believes its schema: it does not look for the row in an index that is not there.
    database
        .execute_batch(
            "PRAGMA writable_schema = ON;
             CREATE TABLE kept AS SELECT * FROM sqlite_schema WHERE name = 'entry_sent';
             DELETE FROM sqlite_schema WHERE name = 'entry_sent';",
        )
        .unwrap();
    drop(database);
    let database = Connection::open(temp.path().join("chat.db")).unwrap();
    database
        .execute_batch(
            "PRAGMA writable_schema = ON;
             UPDATE entry SET key = 'k', key_print = 1 WHERE position = 6;
             INSERT INTO sqlite_schema SELECT * FROM kept;
             DROP TABLE kept;",
        )
        .unwrap();
    drop(database);
    assert!(!verify(temp.path()).unwrap().is_sound());
    assert_eq!(counts(&repair(temp.path(), None, true).unwrap()), (1, 0, 1, 0));
    let report = verify(temp.path()).unwrap();
    assert!(report.is_sound(), "{report}");
    assert_eq!(entries(temp.path()).len(), before.len());
}

/// A process that is killed leaves its write-ahead log, and somebody who copies files forgets it.
#[test]
fn a_write_ahead_log_that_was_lost_or_cut_is_told() {
    for keep in [None, Some(0), Some(4096)] {
        let temp = TempDir::new().unwrap();
        let (folder, copy) = (temp.path().join("data"), temp.path().join("copy"));
        let mut log = SqliteLog::open(&folder).unwrap();
        append_messages(&mut log, 20);
        // As they are while the server runs.
        fs::create_dir(&copy).unwrap();
        for file in ["chat.db", "chat.db-head", "chat.db-wal-epoch"] {
            fs::copy(folder.join(file), copy.join(file)).unwrap();
        }
        if let Some(bytes) = keep {
            let wal = fs::read(folder.join("chat.db-wal")).unwrap();
            fs::write(copy.join("chat.db-wal"), &wal[..bytes.min(wal.len())]).unwrap();
        }
        let report = verify(&copy).unwrap();
        let missing = 20 - report.entries;
        assert!(missing > 0);
        let said = report.faults.iter().map(ToString::to_string).collect::<Vec<_>>();
        let first = 20 - missing + 1;
        assert!(said[0].starts_with(&format!("positions {first} to 20 are missing at the end")), "{said:?}");
        // It is told once: from the next start on, what is there counts.
        let mut opened = SqliteLog::open(&copy).unwrap();
        append_messages(&mut opened, 1);
        drop(opened);
        assert!(verify(&copy).unwrap().is_sound());
        drop(log);
    }
}

#[test]
fn a_log_that_lost_nothing_says_nothing() {
    let temp = TempDir::new().unwrap();
    let folder = temp.path().join("data");
    let mut log = SqliteLog::open(&folder).unwrap();
    append_messages(&mut log, 5);
    assert!(verify(&folder).unwrap().is_sound(), "beside its writer");
    drop(log);
    let log = SqliteLog::open(&folder).unwrap();
    assert_eq!(log.reader().head(), Position(5));
    drop(log);
    assert!(verify(&folder).unwrap().is_sound());
}
