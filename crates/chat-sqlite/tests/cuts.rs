//! Files that end too early, as a power cut, a full disk or a bad copy leaves them: the write-ahead log, and the database itself,
//! each cut at a hundred places.
//!
//! What was acknowledged and stands before the cut is there. How much is missing is told with numbers, in one line, or the start
//! ends with one. Nothing false is ever read.
#![expect(clippy::unwrap_used, reason = "in a test, an error is a failure")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use chat::conformance::{ADA, append, append_messages, draft, read_all};
use chat::{Body, Budget, Entry, Kind, Log, LogReader, Position, ReadError};
use chat_sqlite::{OpenError, SqliteLog};
use rusqlite::Connection;
use tempfile::TempDir;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

const CUTS: usize = 100;
const BATCHES: usize = 40;
const BATCH: usize = 7;

/// Keeps the errors that are logged.
#[derive(Clone, Default)]
struct Errors(Arc<Mutex<Vec<String>>>);

impl Errors {
    /// Runs something; returns its result and the errors that it logged on this thread.
    fn of<T>(run: impl FnOnce() -> T) -> (T, Vec<String>) {
        let errors = Self::default();
        let result = tracing::subscriber::with_default(errors.clone(), run);
        let lines = errors.0.lock().unwrap().clone();
        (result, lines)
    }
}

impl Subscriber for Errors {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::ERROR
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            write!(self.0, "{value:?}").unwrap();
        }
    }
}

/// Copies the files of a folder, one of them cut.
fn copy_cut(from: &Path, to: &Path, name: &str, length: usize) {
    for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let mut bytes = fs::read(file.path()).unwrap();
        if file.file_name() == name {
            bytes.truncate(length);
        }
        fs::write(to.join(file.file_name()), bytes).unwrap();
    }
}

/// Lengths from nothing to all of it, most of them in the middle of something.
fn cuts(length: usize) -> impl Iterator<Item = usize> {
    (0..CUTS).map(move |cut| (length * cut / (CUTS - 1)).saturating_sub(cut % 3))
}

#[test]
fn a_write_ahead_log_that_is_cut_anywhere_has_all_commits_before_the_cut_and_the_rest_is_counted() {
    let (temp, killed) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut log = SqliteLog::open(temp.path()).unwrap();
    append_messages(&mut log, 20);
    drop(log);
    let mut log = SqliteLog::open(temp.path()).unwrap();
    let wal = temp.path().join("chat.db-wal");
    // Where each commit ends, and the head after it.
    let mut commits = vec![(0, Position(20))];
    for _ in 0..BATCHES {
        append_messages(&mut log, BATCH);
        commits.push((usize::try_from(fs::metadata(&wal).unwrap().len()).unwrap(), log.head()));
    }
    assert!(commits.windows(2).all(|pair| pair[0].0 < pair[1].0), "nothing was written over: {commits:?}");
    let sound = read_all(&log.reader());
    copy_cut(temp.path(), killed.path(), "", 0);
    drop(log);
    let (length, end) = *commits.last().unwrap();
    for cut in cuts(length) {
        let folder = TempDir::new().unwrap();
        copy_cut(killed.path(), folder.path(), "chat.db-wal", cut);
        let (log, errors) = Errors::of(|| SqliteLog::open(folder.path()).unwrap());
        let (_, head) = *commits.iter().rev().find(|(length, _)| *length <= cut).unwrap();
        assert_eq!(log.head(), head, "cut at {cut} of {length}");
        assert_eq!(read_all(&log.reader()), sound[..usize::try_from(head.0).unwrap()], "cut at {cut}");
        let told = errors.first().map(|error| error.split(':').next().unwrap().to_owned());
        let missing = (head < end).then(|| {
            let count = end.0 - head.0;
            format!("{count} entries that were acknowledged are missing, positions {} to {end}", head.next())
        });
        assert_eq!((told, errors.len()), (missing, usize::from(head < end)), "cut at {cut} of {length}");
        // Somebody may find more in it than SQLite does.
        let kept = fs::read(folder.path().join("chat.db-wal-damaged")).ok().map(|kept| kept.len());
        assert_eq!(kept, (head < end && cut > 0).then_some(cut), "cut at {cut} of {length}");
    }
}

/// A checkpoint has copied all of a log, and the next commit has not begun it anew: its pages are older than those in the file.
#[test]
fn a_write_ahead_log_that_was_copied_and_is_damaged_takes_nothing_back() {
    let (temp, killed) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut log = SqliteLog::open(temp.path()).unwrap();
    for _ in 0..BATCHES {
        append_messages(&mut log, BATCH);
    }
    let sound = read_all(&log.reader());
    let other = Connection::open(temp.path().join("chat.db")).unwrap();
    let is_busy: bool = other.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(0)).unwrap();
    assert!(!is_busy);
    copy_cut(temp.path(), killed.path(), "", 0);
    drop(log);
    let wal = fs::read(killed.path().join("chat.db-wal")).unwrap();
    assert!(!wal.is_empty());
    let flipped = |at: usize| {
        let mut wal = wal.clone();
        wal[at] ^= 1;
        wal
    };
    let damaged = (1..50).step_by(3).flat_map(|part| {
        let at = wal.len() * part / 50;
        [wal[..at].to_vec(), flipped(at)]
    });
    let mut count = 0;
    for (number, damaged) in damaged.enumerate() {
        let folder = TempDir::new().unwrap();
        copy_cut(killed.path(), folder.path(), "", 0);
        fs::write(folder.path().join("chat.db-wal"), &damaged).unwrap();
        let (log, errors) = Errors::of(|| SqliteLog::open(folder.path()).unwrap());
        assert_eq!(read_all(&log.reader()), sound, "damage {number}");
        assert_eq!(errors, [] as [&str; 0]);
        // Before the first commit in it nothing is read, so nothing is older.
        let kept = fs::read(folder.path().join("chat.db-wal-damaged")).ok();
        assert!(kept.as_ref().is_none_or(|kept| *kept == damaged));
        count += usize::from(kept.is_some());
    }
    assert!(count > 20, "{count}");
}

/// What can be read of a log, page by page; a page that cannot be read is asked for entry by entry.
fn readable(reader: &impl LogReader) -> Vec<Result<Entry, Position>> {
    (0..reader.head().0)
        .map(|after| match reader.read(Position(after), Position(after + 1), Budget::PAGE) {
            Ok(mut entries) => entries.pop().ok_or(Position(after + 1)),
            Err(ReadError::Corrupt { .. }) => Err(Position(after + 1)),
            Err(error @ ReadError::Unavailable { .. }) => panic!("asking again would not help: {error}"),
        })
        .collect()
}

#[test]
fn a_database_that_is_cut_anywhere_is_refused_in_one_line_or_read_without_anything_false() {
    let temp = TempDir::new().unwrap();
    let mut log = SqliteLog::open(temp.path()).unwrap();
    for batch in 0..BATCHES {
        let drafts: Vec<_> =
            (0..BATCH).map(|n| draft(Some(ADA), None, &format!("{batch}/{n} {}", "x".repeat(300)))).collect();
        append(&mut log, &drafts);
    }
    let sound = read_all(&log.reader());
    drop(log);
    let length = fs::read(temp.path().join("chat.db")).unwrap().len();
    let (mut refused, mut opened) = (0, 0);
    for cut in cuts(length) {
        let folder = TempDir::new().unwrap();
        copy_cut(temp.path(), folder.path(), "chat.db", cut);
        let before = fs::read(folder.path().join("chat.db")).unwrap();
        match SqliteLog::open(folder.path()) {
            Err(error) => {
                refused += 1;
                let line = error.to_string();
                let is_clear = matches!(
                    error,
                    OpenError::Damaged { .. } | OpenError::Foreign { .. } | OpenError::KeysLost { .. }
                );
                assert!(
                    is_clear && !line.contains('\n') && line.contains("chat.db"),
                    "cut at {cut}: {error:?}"
                );
                assert_eq!(fs::read(folder.path().join("chat.db")).unwrap(), before, "cut at {cut}");
            }
            Ok(log) => {
                opened += 1;
                for (told, sound) in readable(&log.reader()).iter().zip(&sound) {
                    let Ok(entry) = told else { continue };
                    let place = |entry: &Entry| (entry.position, entry.room, entry.seq, entry.rev);
                    assert_eq!(place(entry), place(sound), "cut at {cut}");
                    let is_true = entry == sound || entry.kind == (Kind::Message { body: Body::Damaged });
                    assert!(is_true, "cut at {cut}: {entry:?}");
                }
                assert!(cut < length || log.head() == sound.last().unwrap().position);
            }
        }
    }
    assert!(refused > 0 && opened > 0, "{refused} refused, {opened} opened");
}
