//! People, rooms and changed messages on files: what a backup keeps, what is damaged, and what must be gone.
#![expect(clippy::unwrap_used, reason = "in a test, an error is a failure")]

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use chat::conformance::read_all;
use chat::conformance::town::{ADA_THERE, BOB_THERE, Town, edit, shown};
use chat::{Command, Directory, Log as _, LogReader as _, RoomId, RoomKind, Seq};
use chat_sqlite::{SqliteLog, backup, restore, verify};
use rusqlite::Connection;
use tempfile::TempDir;

/// A room with people who have read, edited and deleted.
fn town(folder: &Path) -> Town<SqliteLog> {
    let mut town = Town::with_names(SqliteLog::open(folder).unwrap());
    let tea = town.opens(ADA_THERE, RoomKind::Private, "tea");
    town.stores(ADA_THERE, Command::Add { room: tea, user: BOB_THERE.user });
    // Longer than a page, and about half of one: the space that they leave is of different kinds.
    let oops = town.says(BOB_THERE, tea, &"an indiscretion ".repeat(400));
    town.stores(BOB_THERE, edit(tea, oops, &"a smaller indiscretion ".repeat(90)));
    let typo = town.says(BOB_THERE, tea, "a misspeled word");
    town.stores(BOB_THERE, edit(tea, typo, "a misspelt word"));
    town.stores(BOB_THERE, edit(tea, typo, "a misspelled word"));
    town.stores(ADA_THERE, Command::Delete { room: tea, seq: oops });
    town.reads(ADA_THERE.user, tea, typo);
    town
}

const TEA: RoomId = RoomId(2);

#[test]
fn a_deleted_text_is_nowhere_in_the_file() {
    let temp = TempDir::new().unwrap();
    let town = town(temp.path());
    assert_eq!(shown(&town.log.reader(), TEA), ["-", "a misspelled word*"]);
    drop(town);
    let bytes = fs::read(temp.path().join("chat.db")).unwrap();
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("a misspelled word"));
    for gone in ["indiscretion", "misspeled", "misspelt"] {
        assert!(!holds(gone), "{gone}");
    }
    let wal = fs::read(temp.path().join("chat.db-wal")).unwrap_or_default();
    assert!(wal.is_empty());
}

/// The checkpointer does it in its own time, and tells nobody.
#[test]
fn a_deleted_text_leaves_the_write_ahead_log_while_the_server_runs() {
    let temp = TempDir::new().unwrap();
    let town = town(temp.path());
    let deadline = Instant::now() + Duration::from_secs(30);
    let holds = |text: &str| {
        let wal = fs::read(temp.path().join("chat.db-wal")).unwrap();
        wal.windows(text.len()).any(|window| window == text.as_bytes())
    };
    while holds("indiscretion") {
        assert!(Instant::now() < deadline, "the text is still there");
        thread::yield_now();
    }
    assert_eq!(shown(&town.log.reader(), TEA), ["-", "a misspelled word*"]);
}

#[test]
fn a_restored_backup_has_the_same_people_rooms_and_pointers() {
    let temp = TempDir::new().unwrap();
    let Town { directory, log, .. } = town(temp.path());
    let file = temp.path().join("backup.db");
    backup(temp.path(), &file).unwrap();
    let entries = read_all(&log.reader());
    let restored = temp.path().join("restored");
    restore(&file, &restored).unwrap();
    let mut log = SqliteLog::open(&restored).unwrap();
    assert_eq!(Directory::load(&mut log).unwrap(), directory);
    assert_eq!(directory.read(ADA_THERE.user, TEA), Seq(2));
    assert_eq!(read_all(&log.reader()), entries);
    assert!(verify(&restored).unwrap().is_sound());
}

/// Somebody may have left by the damaged entry: nobody reads on who may not, and the host lets the others in again.
#[test]
fn only_the_host_stays_in_a_private_room_whose_entry_is_damaged() {
    let temp = TempDir::new().unwrap();
    drop(town(temp.path()));
    let database = Connection::open(temp.path().join("chat.db")).unwrap();
    database.execute_batch("UPDATE entry SET text = '{\"user\":9}' WHERE position = 5").unwrap();
    drop(database);
    let mut log = SqliteLog::open(temp.path()).unwrap();
    let directory = Directory::load(&mut log).unwrap();
    assert!(directory.is_member(ADA_THERE.user, TEA));
    assert!(!directory.is_member(BOB_THERE.user, TEA));
    assert_eq!(log.reader().damaged(), 1);
}

/// What stands in the index of the directory alone is read, however much is said between.
#[test]
fn a_start_reads_no_messages() {
    let temp = TempDir::new().unwrap();
    let mut town = town(temp.path());
    chat::conformance::append_messages(&mut town.log, 500);
    drop(town);
    let database = Connection::open(temp.path().join("chat.db")).unwrap();
    // Every message is unreadable now, and nothing else is.
    database.execute_batch("UPDATE entry SET text = 'x' WHERE kind = 1").unwrap();
    drop(database);
    let mut log = SqliteLog::open(temp.path()).unwrap();
    assert_eq!(log.directory().unwrap().len(), 5);
}
