//! The one owner of a log's writer: turns drafts into durable entries, in the order in which they came.
//!
//! ```text
//! submit ─► queue ─► take all that waits ─► decide each ─► append ─► Delivery (entries + outcomes)
//!             ▲                                               │ overtaken: catch up, decide anew
//!             │                                               │ rolled back: pause, same batch again
//!             └── senders pause at the soft bound             │ no space: read-only, decide anew without records
//!                                                             │ unknown: Fatal, nothing is answered
//! ```
//!
//! There is no timer: while the disk flushes one batch, the next one gathers in the queue, so batches are as large as
//! the load makes them. Nothing is answered before it is durable. A log that refuses writes is read-only until it has taken
//! one again: meanwhile drafts are answered [`Outcome::StorageFull`](crate::Outcome::StorageFull) rather than kept. Knows
//! nothing of who submits, and what a ticket is.

mod stamps;
#[cfg(feature = "simulation")]
mod stepper;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::command::{Draft, Identity};
use crate::decide::{Decided, Limits, Storage, decide};
use crate::delivery::{Committed, Delivery};
use crate::directory::{Directory, DirectoryHandle};
use crate::health::{Health, ReadOnly};
use crate::log::{AppendError, CaughtUp, Log, ReadError, Record, RollbackCause, Writers};
use crate::outcome::Outcome;
use crate::planted::{self, Bug};
use crate::pointer::ReadPointer;
use crate::queue::{Admission, BatchBounds, Pending, Queue, QueueBounds, Taken, Wake};
use crate::stats::{AppenderCount, AppenderStats, Tallies};
use stamps::Stamps;
#[cfg(feature = "simulation")]
pub use stepper::{Step, Stepper};

/// One batch: as much as a flush can carry without making the next one wait long.
const BATCH: BatchBounds = BatchBounds { drafts: 512, bytes: 1 << 20 };

/// A log that refuses is asked again after this, then after twice as long, up to `RETRY_PAUSE_MAX`.
const RETRY_PAUSE_MIN: Duration = Duration::from_millis(5);
const RETRY_PAUSE_MAX: Duration = Duration::from_millis(250);

/// So often a batch is decided anew at once, because others have appended, before it pauses like one that was refused.
const RACES_MAX: usize = 16;

/// Errors other than a full or read-only disk mostly pass: the log is read-only once they have lasted so long.
const FAILING_MAX: Duration = Duration::from_secs(5);

/// Told by [`Ports::on_written`] when the log had no space.
pub const NO_SPACE: usize = usize::MAX;

/// What the appender calls, always on its own thread.
pub struct Ports {
    /// Those who were told [`Admission::AcceptedButFull`] may read their sockets again.
    pub on_room: Box<dyn FnMut() + Send>,
    /// The appender has stopped for good and the process must end: only a new start can tell what is stored.
    pub on_fatal: Box<dyn FnOnce(Fatal) + Send>,
    /// Called after each commit with about as many bytes as it had, and with [`NO_SPACE`] when the log had no space for one.
    /// Says why nothing more is to be appended, if so: a disk that is nearly full is noticed before the next batch.
    pub on_written: Box<dyn FnMut(usize) -> Option<ReadOnly> + Send>,
    /// A monotonic clock, for [`Health`] and for how long the log has refused.
    pub clock: Box<dyn Fn() -> Instant + Send>,
}

/// Why the appender has stopped for good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fatal {
    /// A commit failed in a way that leaves its outcome open.
    #[error("it is unknown whether the last commit took place: {detail}")]
    OutcomeUnknown {
        /// The backend's own words.
        detail: String,
    },
    /// What is needed for a decision cannot be read, and asking again does not help.
    #[error("the log cannot be read, and nothing can be stored: {detail}")]
    Unreadable {
        /// The backend's own words.
        detail: String,
    },
    /// The log or the delivery panicked.
    #[error("the appender's thread panicked")]
    Panicked,
}

/// The thread could not be started.
#[derive(Debug, thiserror::Error)]
#[error("the appender's thread could not be started: {0}")]
pub struct StartError(std::io::Error);

/// How the appender came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Everything that was accepted is decided, durable and delivered.
    Drained,
    /// The log can no longer store drafts. They were never answered, so their senders will ask again.
    Abandoned {
        /// How many drafts were lost.
        drafts: usize,
    },
    /// It had stopped before; see [`Fatal`].
    Stopped,
}

/// Accepts drafts from any thread and has them stored by its own.
///
/// `T` is the ticket that comes back with the outcome. Dropping the appender closes it without waiting.
pub struct Appender<T> {
    queue: Arc<Queue<T>>,
    health: Health,
    tallies: Arc<Tallies>,
    thread: Mutex<Option<JoinHandle<Closed>>>,
}

impl<T: Send + 'static> Appender<T> {
    /// Starts the thread that owns `log` from now on. `directory` was loaded from that log.
    pub fn start<L, D>(
        log: L,
        directory: &DirectoryHandle,
        delivery: D,
        limits: Limits,
        bounds: QueueBounds,
        ports: Ports,
    ) -> Result<Self, StartError>
    where
        L: Log + 'static,
        D: Delivery<T> + 'static,
    {
        let (queue, health, appender_loop) =
            AppenderLoop::new(log, directory, delivery, limits, bounds, ports);
        let tallies = Arc::clone(&appender_loop.tallies);
        let thread = std::thread::Builder::new()
            .name("appender".into())
            .spawn(move || appender_loop.run())
            .map_err(StartError)?;
        Ok(Self { queue, health, tallies, thread: Mutex::new(Some(thread)) })
    }

    /// An appender without a thread: nothing is stored unless the [`Stepper`] is stepped.
    #[cfg(feature = "simulation")]
    pub fn stepped<L: Log, D: Delivery<T>>(
        log: L,
        directory: &DirectoryHandle,
        delivery: D,
        limits: Limits,
        bounds: QueueBounds,
        ports: Ports,
    ) -> (Self, Stepper<T, L, D>) {
        let (queue, health, appender_loop) =
            AppenderLoop::new(log, directory, delivery, limits, bounds, ports);
        let tallies = Arc::clone(&appender_loop.tallies);
        (Self { queue, health, tallies, thread: Mutex::new(None) }, Stepper::new(appender_loop))
    }

    /// How many bytes of memory the drafts take that wait, by the account of the queue. At most
    /// [`QueueBounds::hard_bytes`].
    pub fn waiting_bytes(&self) -> usize {
        self.queue.memory()
    }

    /// Hands a draft in, without waiting. Drafts are decided and stored in the order of these calls.
    pub fn submit(&self, draft: Draft, ticket: T) -> Admission<T> {
        let admission = self.queue.push(draft, ticket);
        self.queue.announce();
        admission
    }

    /// The same for one who has more drafts to hand in right away: it must call [`announce`](Self::announce) after the
    /// last one of them. They share a flush then, where [`submit`](Self::submit) may give the first one its own.
    pub fn submit_quietly(&self, draft: Draft, ticket: T) -> Admission<T> {
        self.queue.push(draft, ticket)
    }

    /// What was submitted quietly is to be stored now.
    pub fn announce(&self) {
        self.queue.announce();
    }

    /// Others have appended to the log: what they have is passed on soon, and decided by. Costs nothing, however often it is
    /// called, and may be called when it is not so.
    pub fn tell_news(&self) {
        self.queue.tell_news();
    }

    /// The reason why the log is read-only may be gone: the appender finds out by a write. The log stays read-only if since the
    /// last time a draft without a number was turned away, whose sender may still send others that were to come after it.
    pub fn probe(&self) {
        self.queue.ask_probe();
    }

    /// Whether the log commits.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// What was counted so far, and what waits.
    pub fn stats(&self) -> AppenderStats {
        self.tallies.stats(self.queue.size())
    }

    /// Lets no draft in any more, waits until those that are in are stored and delivered, and ends the thread.
    ///
    /// A log that refuses is tried once more and then given up. Must not be called on the appender's own thread.
    /// Later calls return [`Closed::Stopped`] at once.
    pub fn close(&self) -> Closed {
        self.queue.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        thread.map_or(Closed::Stopped, |thread| thread.join().unwrap_or(Closed::Stopped))
    }
}

impl<T> Drop for Appender<T> {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl<T> fmt::Debug for Appender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Appender").field("health", &self.health.state()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}

pub(crate) struct AppenderLoop<T, L, D> {
    log: L,
    directory: Directory,
    delivery: D,
    limits: Limits,
    stamps: Stamps,
    /// Others have appended what is not known here yet: nothing is decided before it is.
    is_behind: bool,
    /// Since the last probe, a draft without a number was turned away.
    has_dropped: bool,
    pointers_of_others: Vec<ReadPointer>,
    pub(crate) queue: Arc<Queue<T>>,
    health: Health,
    tallies: Arc<Tallies>,
    clock: Box<dyn Fn() -> Instant + Send>,
    on_room: Box<dyn FnMut() + Send>,
    on_written: Box<dyn FnMut(usize) -> Option<ReadOnly> + Send>,
    on_fatal: Option<Box<dyn FnOnce(Fatal) + Send>>,
}

/// A batch on its way into the log.
pub(crate) struct PendingBatch<T> {
    drafts: Vec<Pending<T>>,
    since: Instant,
    pause: Duration,
    tries: Tries,
}

/// How often a batch may still be tried.
#[derive(Clone, Copy)]
pub(crate) enum Tries {
    Unlimited,
    /// The appender is closing.
    Last,
}

/// What became of one try.
pub(crate) enum Tried<T> {
    Delivered,
    /// Nothing was stored; to be tried again after the pause.
    Again(PendingBatch<T>, Duration),
    Ended(Closed),
}

impl<T, L: Log, D: Delivery<T>> AppenderLoop<T, L, D> {
    fn new(
        mut log: L,
        directory: &DirectoryHandle,
        delivery: D,
        limits: Limits,
        bounds: QueueBounds,
        ports: Ports,
    ) -> (Arc<Queue<T>>, Health, Self) {
        let queue = Arc::new(Queue::new(bounds, BATCH));
        let health = Health::new((ports.clock)());
        // What cannot be read now is told when it is needed for something.
        let stamps = Stamps::after(log.last_at().unwrap_or_default());
        let appender_loop = Self {
            log,
            stamps,
            is_behind: false,
            has_dropped: false,
            pointers_of_others: Vec::new(),
            directory: (*directory.now()).clone(),
            delivery,
            limits,
            queue: Arc::clone(&queue),
            health: health.clone(),
            tallies: Arc::default(),
            clock: ports.clock,
            on_room: ports.on_room,
            on_written: ports.on_written,
            on_fatal: Some(ports.on_fatal),
        };
        (queue, health, appender_loop)
    }

    fn run(mut self) -> Closed {
        loop {
            let taken = self.queue.take();
            let mut batch = match self.begin(taken) {
                Ok(Some(batch)) => batch,
                Ok(None) => continue,
                Err(closed) => return closed,
            };
            loop {
                match self.try_batch(batch) {
                    Tried::Delivered => break,
                    Tried::Again(again, pause) => {
                        let is_closed = self.queue.closed_within(pause);
                        batch = if is_closed { again.for_the_last_time() } else { again };
                    }
                    Tried::Ended(closed) => return closed,
                }
            }
        }
    }

    /// Takes up what has come; news is all done then.
    pub(crate) fn begin(&mut self, taken: Taken<T>) -> Result<Option<PendingBatch<T>>, Closed> {
        let (mut drafts, wake) = match taken {
            Taken::Batch { drafts, wake } => (drafts, wake),
            Taken::News => {
                self.follow();
                return Ok(None);
            }
            Taken::Probe => return self.probe(),
            Taken::Closed => {
                self.on_fatal = None;
                return Err(Closed::Drained);
            }
        };
        if wake == Wake::PausedSenders {
            (self.on_room)();
        }
        if planted::is(Bug::TakesNewestFirst) {
            drafts.reverse();
        }
        let since = (self.clock)();
        self.health.committing(since);
        Ok(Some(PendingBatch { drafts, since, pause: RETRY_PAUSE_MIN, tries: Tries::Unlimited }))
    }

    /// A log that has become writable is so from here on.
    fn probe(&mut self) -> Result<Option<PendingBatch<T>>, Closed> {
        if std::mem::take(&mut self.has_dropped) || self.health.read_only().is_none() {
            return Ok(None);
        }
        match self.log.probe() {
            Ok(()) => self.health.make_writable(),
            Err(AppendError::Unknown { detail }) => return Err(self.end(Fatal::OutcomeUnknown { detail })),
            Err(err @ (AppendError::RolledBack { .. } | AppendError::Overtaken)) => {
                tracing::debug!(%err, "the log takes no writes yet");
            }
        }
        Ok(None)
    }

    /// Tries to store the batch, and delivers it if that worked.
    pub(crate) fn try_batch(&mut self, mut batch: PendingBatch<T>) -> Tried<T> {
        if self.queue.take_news() {
            self.follow();
        }
        match self.attempt(&batch.drafts) {
            Ok(decided) => {
                self.health.ready();
                self.tallies.commits.record_time((self.clock)().saturating_duration_since(batch.since));
                self.deliver(batch.drafts, decided);
                Tried::Delivered
            }
            Err(TryError::Unknown(detail)) => {
                self.health.failing(batch.since);
                Tried::Ended(self.end(Fatal::OutcomeUnknown { detail }))
            }
            Err(TryError::Unreadable(detail)) => {
                self.health.failing(batch.since);
                Tried::Ended(self.end(Fatal::Unreadable { detail }))
            }
            Err(TryError::Refused(cause, detail)) if self.is_read_only_by(cause, batch.since) => {
                tracing::debug!(detail, "the log takes no writes");
                // What is in hand is decided anew at once, and answered.
                Tried::Again(batch, Duration::ZERO)
            }
            Err(TryError::Passing(detail) | TryError::Refused(_, detail)) => {
                // It may be a long time and many tries: told once.
                if batch.pause == RETRY_PAUSE_MIN {
                    tracing::warn!(detail, drafts = batch.drafts.len(), "the log rejected a batch");
                } else {
                    tracing::debug!(detail, "the log still rejects it");
                }
                self.tallies.counts.add(AppenderCount::RolledBack, 1);
                self.health.failing(batch.since);
                match batch.tries {
                    Tries::Unlimited => {
                        let pause = batch.pause;
                        batch.pause = (pause * 2).min(RETRY_PAUSE_MAX);
                        Tried::Again(batch, pause)
                    }
                    Tries::Last => {
                        self.on_fatal = None;
                        let drafts = batch.drafts.len() + self.queue.abandon();
                        Tried::Ended(Closed::Abandoned { drafts })
                    }
                }
            }
        }
    }

    /// Whether the log becomes read-only, because it has refused a batch that was taken at `since`.
    fn is_read_only_by(&mut self, cause: RollbackCause, since: Instant) -> bool {
        let why = match cause {
            RollbackCause::Full => ReadOnly::Full,
            RollbackCause::ReadOnly => ReadOnly::Disk,
            RollbackCause::Io if (self.clock)().saturating_duration_since(since) > FAILING_MAX => {
                ReadOnly::Failing
            }
            RollbackCause::Io => return false,
        };
        if self.health.read_only().is_some() {
            return false;
        }
        self.health.make_read_only(why);
        if cause == RollbackCause::Full {
            // It is read-only already: this is for those who tell how much space there is.
            (self.on_written)(NO_SPACE);
        }
        true
    }

    fn end(&mut self, fatal: Fatal) -> Closed {
        tracing::error!(%fatal, "the appender stops");
        self.queue.abandon();
        if let Some(on_fatal) = self.on_fatal.take() {
            on_fatal(fatal);
        }
        Closed::Stopped
    }

    /// Passes on what others have appended. What cannot be read now is tried again with the next batch or the next news.
    fn follow(&mut self) {
        self.is_behind = true;
        if let Err(err) = self.catch_up() {
            tracing::warn!(%err, "what others have appended cannot be read");
        }
    }

    fn catch_up(&mut self) -> Result<(), ReadError> {
        let CaughtUp { head, pointers } = self.log.catch_up()?;
        // The log tells of them once.
        self.pointers_of_others.extend(pointers);
        let directory = self.delivery.catch_up(head, &self.pointers_of_others)?;
        self.pointers_of_others.clear();
        if !planted::is(Bug::DecidesByAnOldDirectory) {
            self.directory = directory;
        }
        self.stamps = Stamps::after(self.log.last_at()?);
        self.is_behind = false;
        Ok(())
    }

    /// Tries until nobody else has appended meanwhile. Whoever comes in between has made progress, so somebody always does.
    fn attempt(&mut self, drafts: &[Pending<T>]) -> Result<Decided, TryError> {
        for _ in 0..RACES_MAX {
            if self.is_behind {
                self.catch_up()?;
            }
            match self.attempt_here(drafts)? {
                Attempted::Done(decided) => return Ok(decided),
                Attempted::Overtaken => {
                    self.tallies.counts.add(AppenderCount::Overtaken, 1);
                    self.is_behind = true;
                }
            }
        }
        Err(TryError::Passing("others append all the time".into()))
    }

    /// Decides anew at each attempt: that costs little, and a lookup may have been what failed.
    fn attempt_here(&mut self, drafts: &[Pending<T>]) -> Result<Attempted, TryError> {
        let storage = if self.health.read_only().is_none() { Storage::Open } else { Storage::ReadOnly };
        let drafts = drafts.iter().map(|pending| &pending.draft);
        let mut decided = decide(&mut self.log, &self.directory, self.limits, storage, drafts)?;
        let mut stamps = self.stamps.clone();
        stamps.stamp(&mut decided);
        // Answers without a record are right only if the log is as it was when they were found.
        let is_shared = self.log.writers() == Writers::Several;
        if is_shared || !decided.records.is_empty() {
            match self.log.append(&decided.records) {
                Err(AppendError::RolledBack { .. }) if planted::is(Bug::AnswersRolledBack) => {
                    let directory = self.directory.clone();
                    return Ok(Attempted::Done(Decided { records: Vec::new(), directory, ..decided }));
                }
                Err(AppendError::Overtaken) => return Ok(Attempted::Overtaken),
                Err(AppendError::Unknown { detail }) if planted::is(Bug::RetriesUnknown) => {
                    return Err(TryError::Passing(detail));
                }
                appended => appended?,
            }
            self.stamps = stamps;
            if let Some(why) = (self.on_written)(decided.records.iter().map(Record::weight).sum()) {
                self.health.make_read_only(why);
            }
        }
        Ok(Attempted::Done(decided))
    }

    /// From here on all of it is durable.
    fn deliver(&mut self, drafts: Vec<Pending<T>>, decided: Decided) {
        let Decided { records, outcomes, directory, limits_hit } = decided;
        self.tallies.add(&outcomes);
        for limit in limits_hit {
            self.tallies.limits.add(limit, 1);
        }
        self.directory = directory.clone();
        self.has_dropped |= drafts.iter().zip(&outcomes).any(|(pending, outcome)| {
            *outcome == Outcome::StorageFull && matches!(pending.draft.identity, Identity::Lineage { .. })
        });
        let (mut rewritten, mut entries) = (Vec::new(), Vec::with_capacity(records.len()));
        let mut pointers = Vec::new();
        for record in records {
            match record {
                Record::Entry { entry, .. } => entries.push(entry),
                Record::Rewrite(entry) => rewritten.push(entry),
                Record::Read(pointer) => pointers.push(pointer),
                Record::Spent(_) => {}
            }
        }
        let outcomes = drafts.into_iter().map(|pending| pending.ticket).zip(outcomes).collect();
        self.delivery.deliver(Committed { rewritten, entries, outcomes, pointers, directory });
    }
}

impl<T> PendingBatch<T> {
    pub(crate) fn for_the_last_time(self) -> Self {
        Self { tries: Tries::Last, ..self }
    }
}

/// A thread that dies unseen would leave a server that accepts everything and stores nothing.
impl<T, L, D> Drop for AppenderLoop<T, L, D> {
    fn drop(&mut self) {
        let Some(on_fatal) = self.on_fatal.take() else { return };
        self.queue.abandon();
        self.health.failing((self.clock)());
        on_fatal(Fatal::Panicked);
    }
}

/// What came of one decision.
enum Attempted {
    /// It is durable.
    Done(Decided),
    /// Nothing: somebody else has appended.
    Overtaken,
}

enum TryError {
    Passing(String),
    Unreadable(String),
    /// Nothing is stored.
    Refused(RollbackCause, String),
    Unknown(String),
}

impl From<ReadError> for TryError {
    fn from(err: ReadError) -> Self {
        match err {
            ReadError::Corrupt { .. } => Self::Unreadable(err.to_string()),
            ReadError::Unavailable { .. } => Self::Passing(err.to_string()),
        }
    }
}

impl From<AppendError> for TryError {
    fn from(err: AppendError) -> Self {
        match err {
            AppendError::RolledBack { cause, .. } => Self::Refused(cause, err.to_string()),
            AppendError::Overtaken => Self::Passing(err.to_string()),
            AppendError::Unknown { detail } => Self::Unknown(detail),
        }
    }
}

#[cfg(test)]
mod tests;
