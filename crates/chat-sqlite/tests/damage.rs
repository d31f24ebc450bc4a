//! What a reader says when the disk does not give back what it was given, and what the log says when it is full.
#![expect(clippy::unwrap_used, reason = "in a test, an error is a failure")]

use std::fs;
use std::path::Path;

use chat::conformance::{ADA, append_messages, decided, draft, read_all};
use chat::{
    AppendError, Body, Budget, Entry, Kind, Limits, Log, LogReader, Page, Position, ReadError, Rev,
    RollbackCause, RoomId, Seq,
};
use chat_sqlite::SqliteLog;
use rusqlite::Connection;
use tempfile::TempDir;

/// Ten messages, `damage` done to the closed database, and then a read of them all.
fn read_after(damage: impl FnOnce(&Path)) -> Result<Vec<Entry>, ReadError> {
    let temp = TempDir::new().unwrap();
    read_to_the_end(&damaged(temp.path(), damage).reader())
}

/// Pages may end early.
fn read_to_the_end(reader: &impl LogReader) -> Result<Vec<Entry>, ReadError> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let after = entries.last().map_or(Position::ZERO, |last| last.position);
        let page = reader.read(after, Position::MAX, Budget::PAGE)?;
        if page.is_empty() {
            return Ok(entries);
        }
        entries.extend(page);
    }
}

fn damaged(folder: &Path, damage: impl FnOnce(&Path)) -> SqliteLog {
    let mut log = SqliteLog::open(folder).unwrap();
    append_messages(&mut log, 10);
    drop(log);
    damage(&folder.join("chat.db"));
    SqliteLog::open(folder).unwrap()
}

fn sql(change: &str) -> impl FnOnce(&Path) {
    move |database: &Path| Connection::open(database).unwrap().execute_batch(change).unwrap()
}

/// Everything as it was, but the seventh message, of which only the place is known.
fn is_damaged_at_the_seventh(entries: &[Entry]) {
    let sound = read_after(|_| ()).unwrap();
    assert_eq!(entries.len(), 10);
    for (entry, sound) in entries.iter().zip(&sound) {
        let place = |entry: &Entry| (entry.position, entry.room, entry.seq, entry.rev);
        assert_eq!(place(entry), place(sound));
        if entry.position == Position(7) {
            assert_eq!((entry.author, &entry.kind), (None, &Kind::Message { body: Body::Damaged }));
        } else {
            assert_eq!((entry.author, &entry.kind), (sound.author, &sound.kind));
        }
    }
}

#[test]
fn an_undamaged_log_is_read() {
    let temp = TempDir::new().unwrap();
    let reader = damaged(temp.path(), |_| ()).reader();
    assert_eq!(read_all(&reader).len(), 10);
    assert_eq!(reader.damaged(), 0);
}

/// Of the columns that no index has: what the file says of the others is changed in `a_flipped_bit_anywhere…`.
#[test]
fn a_row_with_a_changed_column_is_read_as_damaged_and_all_others_as_they_were() {
    for change in [
        "text = text || '.'",
        "text = ''",
        "at_ms = 0",
        "key = ''",
        "lineage = NULL",
        "content = zeroblob(16)",
        "checksum = checksum + 1",
        "n = 1",
        "body = 2",
    ] {
        let entries = read_after(sql(&format!("UPDATE entry SET {change} WHERE position = 7")));
        is_damaged_at_the_seventh(&entries.unwrap());
    }
}

/// SQLite changes the indexes with the row, so all that is left is a row in another place: still nothing false is told.
#[test]
fn a_row_that_was_moved_with_its_indexes_is_read_as_damaged() {
    for change in ["seq = 77", "room = 2", "rev = 77", "kind = 2", "kind = 9"] {
        let entries = read_after(sql(&format!("UPDATE entry SET {change} WHERE position = 7"))).unwrap();
        let kind = &entries[6].kind;
        let is_told = matches!(kind, Kind::Message { body: Body::Damaged } | Kind::Damaged { .. });
        assert!(is_told && entries.len() == 10, "{change}: {kind:?}");
    }
}

#[test]
fn a_missing_row_is_noticed() {
    let entries = read_after(sql("DELETE FROM entry WHERE position = 7")).unwrap();
    assert_eq!(entries.len(), 10);
    assert_eq!((entries[6].room, &entries[6].kind), (RoomId(0), &Kind::Damaged { is_change: true }));
}

fn flip(at: usize, bit: u8) -> impl FnOnce(&Path) {
    move |database: &Path| {
        let mut bytes = fs::read(database).unwrap();
        bytes[at] ^= 1 << bit;
        fs::write(database, bytes).unwrap();
    }
}

/// Where the row of the seventh message stands in the file, from before its first column to its end.
fn seventh_row() -> std::ops::Range<usize> {
    let temp = TempDir::new().unwrap();
    drop(damaged(temp.path(), |_| ()));
    let bytes = fs::read(temp.path().join("chat.db")).unwrap();
    let find = |needle: &[u8]| bytes.windows(needle.len()).position(|window| window == needle).unwrap();
    // Rows are written from the end of a page to its beginning.
    find(b"message 6") - 60..find(b"message 5") - 60
}

/// The file's own copy of a row, not the indexes: so each column is among them, also those that an index has.
#[test]
fn a_flipped_bit_anywhere_in_a_row_damages_that_row_alone() {
    let sound = read_after(|_| ()).unwrap();
    for at in seventh_row().step_by(3) {
        let bit = u8::try_from(at % 8).unwrap();
        let temp = TempDir::new().unwrap();
        let told = read_to_the_end(&damaged(temp.path(), flip(at, bit)).reader());
        // A bit between two rows, or one that SQLite does not look at.
        if told.as_ref() == Ok(&sound) {
            continue;
        }
        let entries = told.unwrap();
        assert_eq!(entries.len(), 10);
        for (entry, sound) in entries.iter().zip(&sound) {
            let is_damaged = entry.kind == Kind::Message { body: Body::Damaged };
            assert!(entry == sound || is_damaged, "byte {at}, bit {bit}: {entry:?}");
        }
    }
}

#[test]
fn pages_changes_and_counts_go_on_beside_a_damaged_row() {
    let temp = TempDir::new().unwrap();
    let mut log = damaged(temp.path(), sql("UPDATE entry SET text = 'forged' WHERE position = 7"));
    let reader = log.reader();
    let page = reader.messages(RoomId::LOBBY, Page::Newest, Seq::ZERO, 50).unwrap();
    is_damaged_at_the_seventh(&page.entries);
    let budget = Budget::PAGE;
    is_damaged_at_the_seventh(&reader.changes(RoomId::LOBBY, Rev::ZERO, budget).unwrap());
    let unread = reader.unread(RoomId::LOBBY, Seq(5), chat::UserId(9), 100).unwrap();
    assert_eq!((unread.count, unread.through), (4, Seq(10)));
    let standing = log.message(RoomId::LOBBY, Seq(7)).unwrap().unwrap();
    assert_eq!(standing.message.kind, Kind::Message { body: Body::Damaged });
    assert_eq!(reader.damaged(), 1);
    append_messages(&mut log, 1);
    assert_eq!(read_all(&reader).len(), 11);
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
