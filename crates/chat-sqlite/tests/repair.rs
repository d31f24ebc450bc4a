//! Rows are damaged by hand, and put back from a backup or given up; and a write-ahead log is lost.
#![expect(clippy::unwrap_used, reason = "in a test, an error is a failure")]

use std::collections::HashSet;
use std::fs;
use std::mem::discriminant;
use std::path::Path;

use chat::conformance::town::{ADA_THERE, BOB_THERE, CLEO_THERE, Town, edit, join, shown};
use chat::conformance::{
    ADA, ADAS, append, append_messages, append_unknown, command, decided, draft, numbered, read_all, skip,
};
use chat::{
    Body, Command, Entry, Kind, Limits, Log as _, LogReader as _, Outcome, Position, Refusal, RoomId,
    RoomKind, RoomName, Seq, Topic,
};
use chat_sqlite::{OpenError, RepairError, Repaired, SqliteLog, backup, repair, verify};
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

/// One message is changed and another is not, whichever is the last of the room.
#[test]
fn an_edit_that_is_put_back_says_what_the_message_says_now() {
    let change = |seq, number| match number {
        0 => None,
        1 => Some(edit(TEA, Seq(seq), "at last")),
        _ => Some(Command::Delete { room: TEA, seq: Seq(seq) }),
    };
    for changes in 0..9 {
        let temp = TempDir::new().unwrap();
        let (folder, file) = (temp.path().join("data"), temp.path().join("backup.db"));
        let mut town = town(&folder);
        town.stores(BOB_THERE, edit(TEA, Seq(3), "three and a half"));
        backup(&folder, &file).unwrap();
        for command in [change(2, changes % 3), change(3, changes / 3)].into_iter().flatten() {
            let by = if matches!(command, Command::Delete { .. }) { ADA_THERE } else { BOB_THERE };
            town.stores(by, command);
        }
        drop(town);
        let before = entries(&folder);
        damage(&folder, "position IN (SELECT min(position) FROM entry WHERE kind = 2 GROUP BY target)");
        let repaired = repair(&folder, Some(&file), false).unwrap();
        assert_eq!((repaired.restored, repaired.left.len()), (2, 0), "changes {changes}");
        assert_eq!(entries(&folder), before, "changes {changes}");
        assert!(verify(&folder).unwrap().is_sound(), "changes {changes}");
    }
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

/// A log with a row of every kind, messages of an imported chat with gaps between their numbers, and results without a row.
fn everything(folder: &Path) {
    let tutorial = folder.with_extension("tutorial");
    Connection::open(&tutorial)
        .unwrap()
        .execute_batch(
            "CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, client_offset TEXT UNIQUE, content TEXT);
             INSERT INTO messages VALUES (3, 'a-0', 'hi'), (7, NULL, 'ho'), (9, 'a-2', 'hum');",
        )
        .unwrap();
    let mut log = SqliteLog::open(folder).unwrap();
    log.import(&tutorial).unwrap();
    append(&mut log, &[draft(Some(ADA), Some("b-0"), "of a page"), draft(None, Some("c-0"), "of nobody")]);
    let mut town = Town::with_names(log);
    town.stores(ADA_THERE, Command::Claim);
    town.is_called(BOB_THERE, "rob");
    let garden = town.opens(BOB_THERE, RoomKind::Public, "garden");
    town.stores(ADA_THERE, join(garden));
    town.stores(ADA_THERE, Command::Leave { room: garden });
    let tea = town.opens(ADA_THERE, RoomKind::Private, "tea");
    for user in [BOB_THERE.user, CLEO_THERE.user] {
        town.stores(ADA_THERE, Command::Add { room: tea, user });
    }
    town.stores(ADA_THERE, Command::Remove { room: tea, user: CLEO_THERE.user });
    town.stores(ADA_THERE, Command::Rename { room: tea, name: RoomName::from_stored("coffee") });
    town.stores(ADA_THERE, Command::SetTopic { room: tea, topic: Topic::from_stored("beans") });
    town.stores(ADA_THERE, Command::Direct { with: vec![CLEO_THERE.user] });
    for room in [RoomId::LOBBY, tea] {
        let [plain, edited, twice, deleted, both] =
            ["plain", "edited", "twice", "deleted", "both"].map(|text| town.says(ADA_THERE, room, text));
        town.stores(ADA_THERE, edit(room, edited, "once"));
        for text in ["first", "second", "third"] {
            town.stores(ADA_THERE, edit(room, twice, text));
        }
        town.stores(ADA_THERE, Command::Delete { room, seq: deleted });
        town.stores(ADA_THERE, edit(room, both, "before"));
        town.stores(ADA_THERE, Command::Delete { room, seq: both });
        town.reads(ADA_THERE.user, room, plain);
        town.does(BOB_THERE, Command::Skip);
        append_unknown(&mut town.log, room, None);
    }
    town.does(BOB_THERE, join(garden));
    town.refuses(BOB_THERE, Command::Delete { room: garden, seq: Seq(99) });
    town.says(BOB_THERE, tea, "the last");
}

/// Gives up what `sql` damages in a copy of a chat. Nothing may be wrong with the chat then, and it goes on.
fn gives_up(chat: &[u8], sql: &str) -> Repaired {
    let temp = TempDir::new().unwrap();
    let file = temp.path().join("chat.db");
    fs::write(&file, chat).unwrap();
    Connection::open(&file).unwrap().execute_batch(sql).unwrap();
    let repaired = repair(temp.path(), None, true).unwrap();
    let report = verify(temp.path()).unwrap();
    assert!(report.is_sound(), "{sql}: {report}");
    let mut town = Town::new(SqliteLog::open(temp.path()).unwrap());
    append(&mut town.log, &[draft(Some(ADA), Some("b-1"), "and on")]);
    assert_eq!(read_all(&town.log.reader()).len() as u64, report.entries + 1, "{sql}");
    repaired
}

/// Each row alone, all together, and all but those of one kind.
#[test]
fn a_chat_in_which_any_row_was_given_up_has_no_fault_left() {
    let temp = TempDir::new().unwrap();
    let folder = temp.path().join("data");
    everything(&folder);
    let report = verify(&folder).unwrap();
    assert!(report.is_sound(), "{report}");
    assert!(report.unknown > 0 && report.without_entry > 0);
    let chat = fs::read(folder.join("chat.db")).unwrap();
    let damage =
        |which: &str| format!("UPDATE entry SET text = text || '~', at_ms = at_ms + 1 WHERE {which};");
    let kinds: HashSet<_> = entries(&folder).iter().map(|entry| discriminant(&entry.kind)).collect();
    assert_eq!(kinds.len(), 12, "all but those that say that they are damaged");
    for position in 1..=report.entries {
        let repaired = gives_up(&chat, &damage(&format!("position = {position}")));
        assert_eq!(counts(&repaired), (1, 0, 1, 0), "position {position}");
    }
    let all = gives_up(&chat, &damage("true"));
    assert_eq!(counts(&all), (report.entries, 0, report.entries, 0));
    for kinds in
        ["kind = 1", "kind = 2", "kind = 3", "kind > 3", "kind <> 1", "position % 2 = 0", "position % 3 > 0"]
    {
        gives_up(&chat, &damage(kinds));
    }
    let results = gives_up(&chat, "UPDATE spent SET at_ms = at_ms + 1");
    let rows = Connection::open(folder.join("chat.db")).unwrap();
    let rows = rows.query_row("SELECT count(*) FROM spent", [], |row| row.get(0)).unwrap();
    assert_eq!(counts(&results), (rows, 0, rows, 0));
}

/// Any part of what was said of one message.
#[test]
fn a_message_with_any_of_its_changes_given_up_has_no_fault_left() {
    let temp = TempDir::new().unwrap();
    let folder = temp.path().join("data");
    let mut town = town(&folder);
    for text in ["two and three quarters", "nearly three"] {
        town.stores(BOB_THERE, edit(TEA, Seq(2), text));
    }
    drop(town);
    let edited = fs::read(folder.join("chat.db")).unwrap();
    let mut town = Town::new(SqliteLog::open(&folder).unwrap());
    let delete = Command::Delete { room: TEA, seq: Seq(2) };
    append(&mut town.log, &[command(ADA_THERE, 4, delete)]);
    drop(town);
    assert_eq!(shown(&SqliteLog::open(&folder).unwrap().reader(), TEA), ["one", "-", "three"]);
    for (chat, rows) in [(edited, 4), (fs::read(folder.join("chat.db")).unwrap(), 5)] {
        for which in 1..1_u32 << rows {
            let of_it = "SELECT position, row_number() OVER (ORDER BY position) - 1 AS nth FROM entry
                         WHERE room = 2 AND (kind = 1 AND seq = 2 OR target = 2)";
            let sql = format!(
                "UPDATE entry SET text = text || '~' WHERE position IN
                   (SELECT position FROM ({of_it}) WHERE {which} >> nth & 1)"
            );
            gives_up(&chat, &sql);
        }
    }
}

/// Nobody knows any more that the message was deleted, but that it was changed.
#[test]
fn a_backup_that_is_found_after_giving_up_brings_nothing_back_that_was_deleted() {
    let temp = TempDir::new().unwrap();
    let (folder, file) = (temp.path().join("data"), temp.path().join("backup.db"));
    let mut town = town(&folder);
    backup(&folder, &file).unwrap();
    town.stores(ADA_THERE, Command::Delete { room: TEA, seq: Seq(3) });
    drop(town);
    damage(&folder, "kind = 3 OR kind = 1 AND seq = 3");
    assert_eq!(counts(&repair(&folder, None, true).unwrap()), (2, 0, 2, 0));
    assert_eq!(counts(&repair(&folder, Some(&file), false).unwrap()), (0, 0, 0, 0));
    assert!(!shown(&SqliteLog::open(&folder).unwrap().reader(), TEA).contains(&"three".into()));
}

/// The text of the message itself is what was stored.
#[test]
fn a_message_whose_last_edit_was_given_up_keeps_its_text_and_can_be_changed() {
    let temp = TempDir::new().unwrap();
    drop(town(temp.path()));
    damage(temp.path(), "kind = 2");
    repair(temp.path(), None, true).unwrap();
    let mut town = Town::new(SqliteLog::open(temp.path()).unwrap());
    assert_eq!(shown(&town.log.reader(), TEA), ["one", "two and a half*", "three"]);
    append(&mut town.log, &[command(BOB_THERE, 6, edit(TEA, Seq(2), "two again"))]);
    assert_eq!(shown(&town.log.reader(), TEA), ["one", "two again*", "three"]);
    drop(town);
    let report = verify(temp.path()).unwrap();
    assert!(report.is_sound(), "{report}");
}

/// What an index says of a damaged row is all that is known of it.
#[test]
fn a_damaged_row_that_is_left_keeps_its_place_in_the_indexes() {
    let temp = TempDir::new().unwrap();
    drop(town(temp.path()));
    let before = entries(temp.path());
    // Behind SQLite's back: in the table alone, as a disk does it.
    let database = Connection::open(temp.path().join("chat.db")).unwrap();
    database
        .execute_batch(
            "PRAGMA writable_schema = ON;
             CREATE TABLE kept AS SELECT * FROM sqlite_schema WHERE tbl_name = 'entry' AND type = 'index';
             DELETE FROM sqlite_schema WHERE tbl_name = 'entry' AND type = 'index';",
        )
        .unwrap();
    drop(database);
    let database = Connection::open(temp.path().join("chat.db")).unwrap();
    database
        .execute_batch(
            "PRAGMA writable_schema = ON;
             UPDATE entry SET room = 77, rev = 77 WHERE kind = 1 AND seq = 2;
             INSERT INTO sqlite_schema SELECT * FROM kept;
             DROP TABLE kept;",
        )
        .unwrap();
    drop(database);
    assert_eq!(counts(&repair(temp.path(), None, false).unwrap()), (1, 0, 0, 1));
    assert_eq!(counts(&repair(temp.path(), None, true).unwrap()), (1, 0, 1, 0));
    let place = |entry: &Entry| (entry.position, entry.room, entry.seq, entry.rev);
    assert_eq!(
        entries(temp.path()).iter().map(place).collect::<Vec<_>>(),
        before.iter().map(place).collect::<Vec<_>>()
    );
    let report = verify(temp.path()).unwrap();
    assert!(report.is_sound(), "{report}");
}

#[test]
fn a_damaged_result_is_put_back_or_answered_as_a_conflict() {
    let temp = TempDir::new().unwrap();
    let (folder, file) = (temp.path().join("data"), temp.path().join("backup.db"));
    let mut log = SqliteLog::open(&folder).unwrap();
    append(&mut log, &[numbered(ADAS, 1, "hi"), skip(ADAS, 2), numbered(ADAS, 3, "ho"), skip(ADAS, 4)]);
    drop(log);
    backup(&folder, &file).unwrap();
    let sound = verify(&folder).unwrap();
    Connection::open(folder.join("chat.db")).unwrap().execute_batch("UPDATE spent SET result = 5").unwrap();
    let left = repair(&folder, None, false).unwrap();
    assert_eq!((left.damaged, left.left_results), (2, 2));
    assert_eq!(counts(&repair(&folder, Some(&file), false).unwrap()), (2, 2, 0, 0));
    assert_eq!(verify(&folder).unwrap().faults, sound.faults);
    Connection::open(folder.join("chat.db")).unwrap().execute_batch("UPDATE spent SET result = 5").unwrap();
    assert_eq!(counts(&repair(&folder, None, true).unwrap()), (2, 0, 2, 0));
    let mut log = SqliteLog::open(&folder).unwrap();
    let decided = decided(&mut log, Limits::DEFAULT, &[skip(ADAS, 2)]);
    assert_eq!(decided.outcomes, [Outcome::Refused(Refusal::Conflict)]);
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

/// The keys stand once, and their copy is lost with them.
#[test]
fn keys_that_are_lost_with_their_copy_come_from_a_backup_or_are_made_anew() {
    let temp = TempDir::new().unwrap();
    let (folder, file) = (temp.path().join("data"), temp.path().join("backup.db"));
    let keys = town(&folder).log.signing_keys().clone();
    backup(&folder, &file).unwrap();
    let before = entries(&folder);
    let database = Connection::open(folder.join("chat.db")).unwrap();
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'signing_key'";
    let root: usize = database.query_row(root, [], |row| row.get(0)).unwrap();
    drop(database);
    let mut bytes = fs::read(folder.join("chat.db")).unwrap();
    bytes[(root - 1) * 4096..root * 4096].fill(0x5a);
    fs::write(folder.join("chat.db"), &bytes).unwrap();
    fs::remove_file(folder.join("chat.db-spare")).unwrap();
    assert!(matches!(SqliteLog::open(&folder), Err(OpenError::KeysLost { .. })));
    let refused = repair(&folder, None, false);
    assert!(matches!(refused, Err(RepairError::Chat(OpenError::KeysLost { .. }))), "{refused:?}");
    assert!(fs::read(folder.join("chat.db")).unwrap() == bytes, "nothing is changed then");

    let repaired = repair(&folder, Some(&file), false).unwrap();
    assert!(repaired.is_rebuilt && repaired.left.is_empty());
    assert!(verify(&folder).unwrap().is_sound(), "{}", verify(&folder).unwrap());
    let log = SqliteLog::open(&folder).unwrap();
    assert_eq!(log.signing_keys(), &keys);
    assert_eq!(read_all(&log.reader()), before);
    drop(log);

    fs::write(folder.join("chat.db"), &bytes).unwrap();
    fs::remove_file(folder.join("chat.db-spare")).unwrap();
    repair(&folder, None, true).unwrap();
    let log = SqliteLog::open(&folder).unwrap();
    assert_ne!(log.signing_keys(), &keys);
    assert_eq!(read_all(&log.reader()), before);
}
