//! Moves committed pages from the write-ahead log into the database, outside of the commits.
//!
//! A thread of its own does so one second after a commit, or sooner if much was written. It blocks nobody (a passive
//! checkpoint). If the write-ahead log grows too long nevertheless, the writer restarts it between two batches. The
//! file stays and is overwritten, which is cheaper than a growing file. Pages that are not copied by then would delay
//! the writer, so the thread copies once more just before. After an edit or a deletion the file is emptied, because it
//! still contains the old text. All this affects only the size of the log and the duration of the next start.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use crate::folder::Folder;
use crate::schema;
use crate::wal::Mode;

const PAUSE: Duration = Duration::from_secs(1);

/// 4 MiB: about a thousand pages.
const BYTES_MAX: usize = 4_194_304;

/// What a row costs besides its text: its share of table and index pages.
const ROW_BYTES: usize = 512;

/// Pages that the log has when it is to begin anew, 16 MiB: few enough to stay in the system's cache, enough for pages that
/// are written again and again to be copied seldom.
const PAGES_MAX: u32 = 4_096;

/// The thread, from the writer's side.
pub(crate) struct Checkpointer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// Pages that the log has, as the last commit has left it.
    pages: Arc<AtomicU32>,
    /// The log is to begin anew when it has so many.
    renewed_at: u32,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    written: usize,
    /// The log has texts that the database has not any more.
    scrub: bool,
    renewal: Renewal,
    closing: bool,
    broken: Option<String>,
}

/// How far a log that is to begin anew is ready for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Renewal {
    #[default]
    NotDue,
    Asked,
    /// A checkpoint that began after it was asked for is under way.
    Copying,
    /// Only what was written during that checkpoint is still to be copied.
    Ready,
}

/// What a checkpoint is for.
#[derive(Clone, Copy)]
enum Due {
    /// The log is to be short.
    Pages,
    /// The log is to be empty.
    Scrub,
}

impl Checkpointer {
    /// Watches the log that `writer` writes.
    pub(crate) fn start(
        folder: &Folder,
        writer: &mut Connection,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let pages = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&pages);
        writer.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: i32| {
            counted.store(pages.unsigned_abs(), Ordering::Relaxed);
            Ok(())
        }))?;
        let connection = schema::connect_writer(&folder.database())?;
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("checkpointer".into())
            .spawn(move || of_thread.run(&connection))?;
        Ok(Self { shared, thread: Some(thread), pages, renewed_at: PAGES_MAX })
    }

    /// So many bytes of text were committed.
    pub(crate) fn wrote(&mut self, bytes: usize) {
        let mut state = self.shared.lock();
        let before = state.written;
        state.written += bytes + ROW_BYTES;
        let due = before == 0 || before < BYTES_MAX && state.written >= BYTES_MAX;
        drop(state);
        if due {
            self.shared.changed.notify_one();
        }
    }

    /// Whether the log should begin anew now: when that costs little, or when it has grown to twice its length meanwhile.
    pub(crate) fn wal_is_too_long(&mut self) -> bool {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < PAGES_MAX {
            // Or it has begun anew by itself: a passive checkpoint has found its moment.
            self.renew_at(PAGES_MAX);
        }
        if pages < self.renewed_at {
            return false;
        }
        let mut state = self.shared.lock();
        if state.renewal == Renewal::NotDue {
            state.renewal = Renewal::Asked;
            self.shared.changed.notify_one();
        }
        state.renewal == Renewal::Ready || pages >= self.renewed_at.saturating_add(PAGES_MAX)
    }

    /// The next commit writes over the log.
    pub(crate) fn renewed(&mut self) {
        self.pages.store(0, Ordering::Relaxed);
        self.renew_at(PAGES_MAX);
    }

    /// A reader needs the log as it is. It is not asked again at once, for the writer has waited for it.
    pub(crate) fn in_use(&mut self) {
        self.renew_at(self.pages.load(Ordering::Relaxed).saturating_add(PAGES_MAX));
    }

    fn renew_at(&mut self, pages: u32) {
        self.renewed_at = pages;
        self.shared.lock().renewal = Renewal::NotDue;
    }

    /// A text is gone from the database, but not yet from the log.
    pub(crate) fn scrubbed(&self) {
        self.shared.lock().scrub = true;
    }

    /// A checkpoint of the writer's own did not work.
    pub(crate) fn failed(&self, err: &rusqlite::Error) {
        self.shared.failed(err);
    }

    /// Why nothing must be written any more.
    pub(crate) fn broken(&self) -> Option<String> {
        self.shared.lock().broken.clone()
    }
}

impl Checkpointer {
    /// Ends the thread and its connection, as the log does that owns it. A checkpoint under way is waited for: no other one can
    /// run beside it.
    pub(crate) fn stop(&mut self) {
        self.shared.lock().closing = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the checkpointer panicked");
        }
    }
}

impl Shared {
    fn run(&self, connection: &Connection) {
        while let Some(due) = self.wait() {
            // First without the writer's lock, so that little is left to be done with it.
            let result = Mode::Passive.run(connection).and_then(|is_done| match due {
                Due::Pages => Ok(is_done),
                Due::Scrub => Mode::Truncate.run(connection),
            });
            self.copied();
            match (due, result) {
                (Due::Scrub, Ok(false)) => self.again(),
                (Due::Scrub, Err(err)) => {
                    self.failed(&err);
                    self.again();
                }
                (Due::Pages, Err(err)) => self.failed(&err),
                (Due::Scrub, Ok(true)) | (Due::Pages, Ok(_)) => {}
            }
        }
    }

    /// Somebody reads what should go. The next turn tries it again.
    fn again(&self) {
        let mut state = self.lock();
        state.scrub = true;
        state.written += ROW_BYTES;
    }

    /// Waits until a checkpoint is due. `None` when there will be none any more.
    fn wait(&self) -> Option<Due> {
        let idle =
            |state: &mut State| state.written == 0 && state.renewal != Renewal::Asked && !state.closing;
        let state = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        let early = |state: &mut State| {
            state.written < BYTES_MAX && state.renewal != Renewal::Asked && !state.closing
        };
        let (mut state, _) =
            self.changed.wait_timeout_while(state, PAUSE, early).unwrap_or_else(PoisonError::into_inner);
        state.written = 0;
        if state.renewal == Renewal::Asked {
            state.renewal = Renewal::Copying;
        }
        let due = if std::mem::take(&mut state.scrub) { Due::Scrub } else { Due::Pages };
        (!state.closing).then_some(due)
    }

    /// A checkpoint has come to its end.
    fn copied(&self) {
        let mut state = self.lock();
        if state.renewal == Renewal::Copying {
            state.renewal = Renewal::Ready;
        }
    }

    /// Most failures pass: the pages stay in the log, and the next checkpoint writes them again. But after a flush
    /// that failed, the system may take unwritten pages for written, and nothing that it says of them can be believed.
    fn failed(&self, err: &rusqlite::Error) {
        let code = err.sqlite_error().map(|failure| failure.extended_code);
        if code == Some(rusqlite::ffi::SQLITE_IOERR_FSYNC) {
            tracing::error!(%err, "the database could not be flushed");
            self.lock().broken = Some(err.to_string());
        } else {
            tracing::warn!(%err, "a checkpoint failed; the next one tries again");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use chat::conformance::append_messages;

    use super::*;
    use crate::SqliteLog;

    /// The writer's side, without a thread.
    fn watched_by_hand() -> Checkpointer {
        Checkpointer { shared: Arc::default(), thread: None, pages: Arc::default(), renewed_at: PAGES_MAX }
    }

    #[test]
    fn a_long_log_begins_anew_once_it_is_copied_or_when_it_is_twice_as_long() {
        let mut checkpointer = watched_by_hand();
        let is_too_long = |checkpointer: &mut Checkpointer, pages: u32| {
            checkpointer.pages.store(pages, Ordering::Relaxed);
            checkpointer.wal_is_too_long()
        };
        let renewal = |checkpointer: &Checkpointer| checkpointer.shared.lock().renewal;
        assert!(!is_too_long(&mut checkpointer, PAGES_MAX - 1));
        assert_eq!(renewal(&checkpointer), Renewal::NotDue);
        assert!(!is_too_long(&mut checkpointer, PAGES_MAX));
        assert_eq!(renewal(&checkpointer), Renewal::Asked);

        // A checkpoint that was under way says nothing about what was asked for meanwhile.
        checkpointer.shared.copied();
        assert!(!is_too_long(&mut checkpointer, PAGES_MAX + 1));
        assert!(checkpointer.shared.wait().is_some());
        assert!(!is_too_long(&mut checkpointer, PAGES_MAX + 2));
        assert_eq!(renewal(&checkpointer), Renewal::Copying);
        checkpointer.shared.copied();
        assert!(is_too_long(&mut checkpointer, PAGES_MAX + 3));

        checkpointer.in_use();
        assert!(!is_too_long(&mut checkpointer, 2 * PAGES_MAX + 2));
        assert!(!is_too_long(&mut checkpointer, 2 * PAGES_MAX + 3));
        assert!(is_too_long(&mut checkpointer, 3 * PAGES_MAX + 3));
        checkpointer.renewed();
        assert!(!is_too_long(&mut checkpointer, 2 * PAGES_MAX - 1));
        assert!(is_too_long(&mut checkpointer, 2 * PAGES_MAX));
        assert!(!is_too_long(&mut checkpointer, PAGES_MAX - 1));
        assert_eq!(renewal(&checkpointer), Renewal::NotDue);
    }

    #[test]
    fn only_a_failed_flush_makes_the_database_one_that_cannot_be_trusted() {
        let checkpointer = watched_by_hand();
        let failure = |code| rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        checkpointer.failed(&failure(rusqlite::ffi::SQLITE_BUSY));
        checkpointer.failed(&failure(rusqlite::ffi::SQLITE_IOERR_WRITE));
        checkpointer.failed(&rusqlite::Error::InvalidQuery);
        assert_eq!(checkpointer.broken(), None);
        checkpointer.failed(&failure(rusqlite::ffi::SQLITE_IOERR_FSYNC));
        assert!(checkpointer.broken().is_some());
    }

    #[test]
    fn a_log_that_is_dropped_leaves_no_thread_behind() {
        let temp = tempfile::tempdir().unwrap();
        let log = SqliteLog::open(temp.path()).unwrap();
        let shared = Arc::downgrade(&log.checkpointer.shared);
        assert!(shared.upgrade().is_some());
        drop(log);
        assert!(shared.upgrade().is_none());
    }

    #[test]
    fn a_log_that_is_closed_during_a_checkpoint_leaves_its_write_ahead_log_empty() {
        let temp = tempfile::tempdir().unwrap();
        let mut log = SqliteLog::open(temp.path()).unwrap();
        // As in the program: its connections live on, so that SQLite does not tidy up by itself.
        let _reader = log.reader();
        append_messages(&mut log, 1);
        let reading = schema::connect_reader(&temp.path().join("chat.db")).unwrap();
        reading.execute_batch("BEGIN; SELECT * FROM entry;").unwrap();
        append_messages(&mut log, 1);
        log.checkpointer.scrubbed();
        log.checkpointer.wrote(BYTES_MAX);
        while log.checkpointer.shared.lock().scrub {
            std::thread::yield_now();
        }
        // The checkpointer empties the log now, as soon as nobody reads any more.
        let closing = std::thread::spawn(move || drop(log));
        reading.execute_batch("COMMIT").unwrap();
        closing.join().unwrap();
        assert_eq!(std::fs::metadata(temp.path().join("chat.db-wal")).unwrap().len(), 0);
    }

    #[test]
    fn a_text_that_is_read_when_it_should_go_leaves_the_write_ahead_log_after_its_reader() {
        let temp = tempfile::tempdir().unwrap();
        let mut log = SqliteLog::open(temp.path()).unwrap();
        append_messages(&mut log, 1);
        let reading = schema::connect_reader(&temp.path().join("chat.db")).unwrap();
        reading.execute_batch("BEGIN; SELECT * FROM entry;").unwrap();
        append_messages(&mut log, 1);
        let patience = std::time::Instant::now() + Duration::from_secs(20);
        let wait_until = |is_so: &dyn Fn() -> bool, what: &str| {
            while !is_so() {
                assert!(std::time::Instant::now() < patience, "{what}");
                std::thread::yield_now();
            }
        };
        log.checkpointer.scrubbed();
        log.checkpointer.wrote(BYTES_MAX);
        let shared = &log.checkpointer.shared;
        wait_until(&|| !shared.lock().scrub, "the log is to be emptied");
        wait_until(&|| shared.lock().scrub, "a log that could not be emptied is to be emptied later");
        reading.execute_batch("COMMIT").unwrap();
        let length = || std::fs::metadata(temp.path().join("chat.db-wal")).unwrap().len();
        wait_until(&|| length() == 0, "nobody reads any more, and the log is emptied");
    }
}
