//! Numbers without an entry, in the rows of a file: how many bytes they take, and what is left when a row is damaged.
#![expect(clippy::unwrap_used, reason = "in a test, an error is a failure")]

use std::fs;
use std::path::Path;

use chat::conformance::{
    ADAS, BOBS, append, append_messages, decided, numbered, numbered_in, read_all, skip,
};
use chat::{CommandNumber, Draft, Limits, LogReader as _, Outcome, Refusal, RoomId, Run};
use chat_sqlite::{Repaired, SqliteLog, backup, repair, restore, verify};
use rusqlite::Connection;
use tempfile::TempDir;

const CONFLICT: Outcome = Outcome::Refused(Refusal::Conflict);
const NOT_FOUND: Outcome = Outcome::Refused(Refusal::NotFound);

/// A command of Ada's that is refused.
fn refused(n: u64) -> Draft {
    numbered_in(RoomId(99), ADAS, n, &format!("where is {n}?"))
}

fn drafts(numbers: impl IntoIterator<Item = u64>) -> Vec<Draft> {
    numbers.into_iter().map(refused).collect()
}

fn answers(log: &mut SqliteLog, drafts: &[Draft]) -> Vec<Outcome> {
    let decided = decided(log, Limits::DEFAULT, drafts);
    assert!(decided.records.is_empty(), "{drafts:?}");
    decided.outcomes
}

fn sql(folder: &Path, sql: &str) {
    Connection::open(folder.join("chat.db")).unwrap().execute_batch(sql).unwrap();
}

fn one<T: rusqlite::types::FromSql>(folder: &Path, sql: &str) -> T {
    Connection::open(folder.join("chat.db")).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Ada's numbers 1 to 5 are refused, 6 is a message, and 7 to 9 are refused. Bob is refused once.
fn two_runs(folder: &Path) -> SqliteLog {
    let mut log = SqliteLog::open(folder).unwrap();
    append(&mut log, &drafts(1..=5));
    append(&mut log, &[numbered(ADAS, 6, "there")]);
    append(&mut log, &drafts(7..=9));
    append(&mut log, &[skip(BOBS, 1)]);
    log
}

#[test]
fn a_flood_of_refused_commands_takes_few_bytes_and_a_row_for_a_hundred() {
    let size = |folder: &Path| fs::metadata(folder.join("chat.db")).unwrap().len();
    for (what, per_batch) in [("one by one", 1), ("in batches", 37)] {
        let temp = TempDir::new().unwrap();
        let mut log = SqliteLog::open(temp.path()).unwrap();
        append(&mut log, &drafts(1..=1));
        drop(log);
        let before = size(temp.path());
        let mut log = SqliteLog::open(temp.path()).unwrap();
        let many = drafts(2..=1000);
        for batch in many.chunks(per_batch) {
            append(&mut log, batch);
        }
        drop(log);
        let bytes = size(temp.path()) - before;
        assert!(bytes < 10 * many.len() as u64, "{what}: {bytes} bytes");
        let rows = one::<usize>(temp.path(), "SELECT count(*) FROM spent");
        assert_eq!(rows, 1000 / Run::NUMBERS_MAX, "{what}");
        assert!(one::<usize>(temp.path(), "SELECT max(length(more)) FROM spent") <= Run::BYTES_MAX, "{what}");
        let report = verify(temp.path()).unwrap();
        assert!(report.is_sound(), "{report}");
        assert_eq!(report.without_entry, 1000);
    }
}

#[test]
fn what_is_refused_is_refused_after_a_backup_and_a_restore() {
    let temp = TempDir::new().unwrap();
    let (folder, file, restored) =
        (temp.path().join("data"), temp.path().join("backup.db"), temp.path().join("restored"));
    let log = two_runs(&folder);
    backup(&folder, &file).unwrap();
    drop(log);
    restore(&file, &restored).unwrap();
    let mut log = SqliteLog::open(&restored).unwrap();
    assert_eq!(answers(&mut log, &drafts(1..=5)), [NOT_FOUND; 5]);
    assert_eq!(answers(&mut log, &drafts(7..=9)), [NOT_FOUND; 3]);
    append(&mut log, &drafts(10..=12));
    assert_eq!(answers(&mut log, &drafts(7..=12)), [NOT_FOUND; 6]);
}

/// A process that is killed leaves its write-ahead log.
#[test]
fn what_is_refused_is_refused_after_a_kill() {
    let temp = TempDir::new().unwrap();
    let (folder, copy) = (temp.path().join("data"), temp.path().join("copy"));
    let mut log = two_runs(&folder);
    append(&mut log, &drafts(10..=10));
    fs::create_dir(&copy).unwrap();
    for file in ["chat.db", "chat.db-wal", "chat.db-head", "chat.db-wal-epoch"] {
        fs::copy(folder.join(file), copy.join(file)).unwrap();
    }
    drop(log);
    let mut log = SqliteLog::open(&copy).unwrap();
    assert_eq!(answers(&mut log, &drafts(7..=10)), [NOT_FOUND; 4]);
    assert_eq!(answers(&mut log, &[refused(12)]), [Outcome::Expected { n: CommandNumber(11) }]);
}

const DAMAGES: [&str; 9] = [
    "result = 6",
    "at_ms = at_ms + 1",
    "content = zeroblob(16)",
    "checksum = checksum + 1",
    "room = 1",
    "more = NULL",
    "more = substr(more, 1, length(more) - 5)",
    "more = CAST(more || x'0001020304' AS BLOB)",
    "more = CAST(x'04' || substr(more, 2) AS BLOB)",
];

/// Nobody knows how far the device has come, so none of its numbers is used again.
#[test]
fn a_device_whose_last_run_is_damaged_gets_conflict_and_goes_on_as_another() {
    for change in DAMAGES.into_iter().chain(["n = 6", "n = 5", "n = 8", "n = 70"]) {
        let temp = TempDir::new().unwrap();
        drop(two_runs(temp.path()));
        sql(temp.path(), &format!("UPDATE OR REPLACE spent SET {change} WHERE device = 1 AND n = 7"));
        let mut log = SqliteLog::open(temp.path()).unwrap();
        let mut sent = drafts(7..=9);
        sent.extend([refused(10), numbered(ADAS, 10, "on"), numbered(ADAS, 11, "and on"), skip(ADAS, 12)]);
        assert_eq!(answers(&mut log, &sent), [CONFLICT; 7], "{change}");
        let again = answers(&mut log, &[numbered(ADAS, 6, "there"), skip(BOBS, 1)]);
        assert!(matches!(again[..], [Outcome::Repeated(_), Outcome::Skipped]), "{change}: {again:?}");
        assert!(log.reader().damaged() > 0, "{change}");
        let mut other = ADAS;
        other.id.0[0] = 99;
        append(&mut log, &[numbered(other, 1, "on"), numbered(BOBS, 2, "on")]);
        append_messages(&mut log, 1);
        assert_eq!(read_all(&log.reader()).len(), 4, "{change}");
        drop(log);
        assert!(!verify(temp.path()).unwrap().is_sound(), "{change}");
    }
}

#[test]
fn a_damaged_run_with_others_after_it_costs_its_own_results_alone() {
    for change in DAMAGES {
        let temp = TempDir::new().unwrap();
        drop(two_runs(temp.path()));
        sql(temp.path(), &format!("UPDATE spent SET {change} WHERE device = 1 AND n = 1"));
        let mut log = SqliteLog::open(temp.path()).unwrap();
        assert_eq!(answers(&mut log, &drafts(1..=5)), [CONFLICT; 5], "{change}");
        assert_eq!(answers(&mut log, &drafts(7..=9)), [NOT_FOUND; 3], "{change}");
        assert_eq!(log.reader().damaged(), 1, "it is counted once");
        append(&mut log, &drafts(10..=10));
        assert_eq!(answers(&mut log, &[refused(10)]), [NOT_FOUND], "{change}");
        drop(log);
        let faults: Vec<_> = verify(temp.path()).unwrap().faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults, ["device 1: the results of the numbers 1 to 5 are not what was stored"]);
    }
}

/// Whatever bit it is: the start works, and no number is used again.
#[test]
fn a_flipped_bit_in_a_run_never_frees_a_number() {
    let temp = TempDir::new().unwrap();
    drop(two_runs(temp.path()));
    let sound = fs::read(temp.path().join("chat.db")).unwrap();
    let packed: Vec<u8> = one(temp.path(), "SELECT more FROM spent WHERE device = 1 AND n = 7");
    let at = sound.windows(packed.len()).position(|window| window == packed).unwrap();
    for byte in at..at + packed.len() {
        for bit in 0..8 {
            let mut bytes = sound.clone();
            bytes[byte] ^= 1 << bit;
            fs::write(temp.path().join("chat.db"), bytes).unwrap();
            let mut log = SqliteLog::open(temp.path()).unwrap();
            assert_eq!(answers(&mut log, &drafts(7..=10)), [CONFLICT; 4], "byte {byte}, bit {bit}");
        }
    }
}

fn counts(repaired: &Repaired) -> (u64, u64, u64, u64) {
    (repaired.damaged, repaired.restored, repaired.given_up, repaired.left_results)
}

fn sound(folder: &Path) {
    let report = verify(folder).unwrap();
    assert!(report.is_sound(), "{report}");
}

/// Damages one of the two runs.
fn damage(folder: &Path, first: u64) {
    sql(folder, &format!("UPDATE spent SET checksum = 0 WHERE device = 1 AND n = {first}"));
}

#[test]
fn a_backup_puts_back_runs_that_have_not_grown_since() {
    let temp = TempDir::new().unwrap();
    let (folder, file) = (temp.path().join("data"), temp.path().join("backup.db"));
    drop(two_runs(&folder));
    backup(&folder, &file).unwrap();
    damage(&folder, 1);
    damage(&folder, 7);
    assert_eq!(counts(&repair(&folder, None, false).unwrap()), (2, 0, 0, 2));
    assert_eq!(counts(&repair(&folder, Some(&file), false).unwrap()), (2, 2, 0, 0));
    sound(&folder);
    let mut log = SqliteLog::open(&folder).unwrap();
    assert_eq!(answers(&mut log, &drafts([1, 2, 3, 4, 5, 7, 8, 9])), [NOT_FOUND; 8]);
    append(&mut log, &drafts(10..=10));
}

/// What the backup has of it is put back if the rest is given up.
#[test]
fn a_run_that_has_grown_since_the_backup_is_put_back_in_part_and_given_up_for_the_rest() {
    for is_last in [true, false] {
        let temp = TempDir::new().unwrap();
        let (folder, file) = (temp.path().join("data"), temp.path().join("backup.db"));
        let mut log = two_runs(&folder);
        backup(&folder, &file).unwrap();
        append(&mut log, &drafts(10..=12));
        if !is_last {
            append(&mut log, &[numbered(ADAS, 13, "here")]);
        }
        drop(log);
        damage(&folder, 7);
        assert_eq!(counts(&repair(&folder, Some(&file), false).unwrap()), (1, 0, 0, 1));
        assert_eq!(counts(&repair(&folder, Some(&file), true).unwrap()), (1, 0, 1, 0));
        sound(&folder);
        let mut log = SqliteLog::open(&folder).unwrap();
        assert_eq!(answers(&mut log, &drafts(7..=9)), [NOT_FOUND; 3]);
        assert_eq!(answers(&mut log, &drafts(10..=12)), [CONFLICT; 3]);
        let next = if is_last { CONFLICT } else { Outcome::Expected { n: CommandNumber(14) } };
        assert_eq!(answers(&mut log, &[refused(15)]), [next], "last: {is_last}");
    }
}

#[test]
fn runs_that_are_given_up_answer_conflict_and_free_no_number() {
    let temp = TempDir::new().unwrap();
    drop(two_runs(temp.path()));
    damage(temp.path(), 1);
    damage(temp.path(), 7);
    assert_eq!(counts(&repair(temp.path(), None, true).unwrap()), (2, 0, 2, 0));
    sound(temp.path());
    let mut log = SqliteLog::open(temp.path()).unwrap();
    assert_eq!(answers(&mut log, &drafts([1, 2, 3, 4, 5, 7, 8, 9, 10])), [CONFLICT; 9]);
    assert!(matches!(answers(&mut log, &[numbered(ADAS, 6, "there")])[..], [Outcome::Repeated(_)]));
    assert_eq!(log.reader().damaged(), 0);
}

/// No page of a tree is of this kind, so the next start writes the file anew.
fn break_structure(folder: &Path) {
    let file = folder.join("chat.db");
    let page: usize = one(folder, "SELECT min(pageno) FROM dbstat WHERE name = 'entry_counted'");
    let size: usize = one(folder, "PRAGMA page_size");
    let mut bytes = fs::read(&file).unwrap();
    bytes[(page - 1) * size] ^= 1 << 4;
    fs::write(&file, bytes).unwrap();
}

#[test]
fn a_file_that_is_written_anew_keeps_its_runs() {
    let temp = TempDir::new().unwrap();
    drop(two_runs(temp.path()));
    break_structure(temp.path());
    let mut log = SqliteLog::open(temp.path()).unwrap();
    assert_eq!(answers(&mut log, &drafts([1, 2, 3, 4, 5, 7, 8, 9])), [NOT_FOUND; 8]);
    assert!(matches!(answers(&mut log, &[numbered(ADAS, 6, "there")])[..], [Outcome::Repeated(_)]));
    append(&mut log, &drafts(10..=12));
    assert_eq!(answers(&mut log, &drafts(7..=12)), [NOT_FOUND; 6]);
    drop(log);
    sound(temp.path());
    assert_eq!(one::<u64>(temp.path(), "SELECT count(*) FROM spent"), 3);
}

#[test]
fn a_run_that_is_missing_in_a_file_that_is_written_anew_is_damaged_and_a_backup_puts_it_back() {
    for lost in ["DELETE FROM spent WHERE n = 1", "UPDATE spent SET checksum = 0 WHERE n = 1"] {
        let temp = TempDir::new().unwrap();
        let (folder, file) = (temp.path().join("data"), temp.path().join("backup.db"));
        drop(two_runs(&folder));
        backup(&folder, &file).unwrap();
        sql(&folder, &format!("{lost} AND device = 1"));
        break_structure(&folder);
        let mut log = SqliteLog::open(&folder).unwrap();
        assert_eq!(answers(&mut log, &drafts(1..=5)), [CONFLICT; 5], "{lost}");
        assert_eq!(answers(&mut log, &drafts(7..=9)), [NOT_FOUND; 3], "{lost}");
        drop(log);
        assert_eq!(counts(&repair(&folder, Some(&file), false).unwrap()), (1, 1, 0, 0), "{lost}");
        sound(&folder);
        let mut log = SqliteLog::open(&folder).unwrap();
        assert_eq!(answers(&mut log, &drafts([1, 2, 3, 4, 5, 7, 8, 9])), [NOT_FOUND; 8], "{lost}");
    }
}

#[test]
fn a_last_run_that_is_damaged_frees_no_number_in_a_file_that_is_written_anew() {
    let temp = TempDir::new().unwrap();
    let (folder, file) = (temp.path().join("data"), temp.path().join("backup.db"));
    drop(two_runs(&folder));
    backup(&folder, &file).unwrap();
    damage(&folder, 7);
    break_structure(&folder);
    let mut log = SqliteLog::open(&folder).unwrap();
    assert_eq!(answers(&mut log, &drafts([7, 8, 9, 10])), [CONFLICT; 4]);
    assert_eq!(answers(&mut log, &drafts(1..=5)), [NOT_FOUND; 5]);
    drop(log);
    assert_eq!(counts(&repair(&folder, Some(&file), false).unwrap()), (1, 1, 0, 0));
    sound(&folder);
}
