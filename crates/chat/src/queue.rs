//! The queue between the submitters of drafts and the appender's thread.
//!
//! First in, first out: the order of arrival is the order of the log. It never makes a sender wait. At the soft bound it
//! asks the sender to stop reading its socket until there is space. Drafts that were read before are still accepted, up to
//! the hard bound; beyond that they are refused.
//!
//! Drafts are *announced* when the appender is to take them. A sender with several drafts pushes them quietly and announces
//! them once, so that they share a flush. A full batch is announced at once, because it gains nothing by waiting.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::command::Draft;

/// How much may wait for the appender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueBounds {
    /// From here on, senders are asked to pause.
    pub soft_drafts: usize,
    /// The same in bytes of memory: the drafts with all that the allocator gives for them and for their places.
    pub soft_bytes: usize,
    /// From here on, drafts are turned away.
    pub hard_drafts: usize,
    /// The same in bytes.
    pub hard_bytes: usize,
}

impl Default for QueueBounds {
    /// Eight batches before senders pause; then one more read of each of 65,536 sockets, within 64 MiB more.
    fn default() -> Self {
        Self {
            soft_drafts: 4096,
            soft_bytes: 8 << 20,
            hard_drafts: 4096 + 65_536,
            hard_bytes: (8 << 20) + (64 << 20),
        }
    }
}

/// What an allocator takes for a block beside the bytes that were asked for, and an `Arc` beside its value.
const BESIDE_A_BLOCK: usize = 32;

/// The strings of a draft: its text or its list, what was sent instead, and its key.
const BLOCKS: usize = 2;

/// What a draft takes of the memory while it waits. A list that grows has up to twice as many places as it needs.
fn memory<T>(draft: &Draft) -> usize {
    let strings = draft.weight() - size_of::<Draft>();
    strings + 2 * size_of::<Pending<T>>() + BLOCKS * BESIDE_A_BLOCK
}

/// What became of a submitted draft at the door.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission<T> {
    /// It waits for the appender.
    Accepted,
    /// It waits as well, but the sender's socket should not be read until the queue has space again.
    AcceptedButFull,
    /// It is rejected, and the ticket returned.
    Refused {
        /// The ticket of the rejected draft.
        ticket: T,
        /// The reason: the queue is full or closed.
        why: RefusedWhy,
    },
}

/// Why a draft was turned away at the door. Nothing was decided: the client may send it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedWhy {
    /// The hard bound is reached.
    Overloaded,
    /// The appender is closing or has stopped.
    Closed,
}

/// A draft and whom to tell.
#[derive(Debug)]
pub(crate) struct Pending<T> {
    pub(crate) draft: Draft,
    pub(crate) ticket: T,
}

/// What the appender's thread got.
#[derive(Debug)]
pub(crate) enum Taken<T> {
    /// Some drafts, in order; and who has to be told that there is space again.
    Batch { drafts: Vec<Pending<T>>, wake: Wake },
    /// Others have appended to the log.
    News,
    /// Somebody wants to know whether the log takes writes.
    Probe,
    /// The queue is closed and empty.
    Closed,
}

/// Whether somebody must be told that the queue has space again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    PausedSenders,
    Nobody,
}

/// The bounds of one batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchBounds {
    pub(crate) drafts: usize,
    pub(crate) bytes: usize,
}

#[derive(Debug)]
pub(crate) struct Queue<T> {
    bounds: QueueBounds,
    batch: BatchBounds,
    waiting: Mutex<Waiting<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct Waiting<T> {
    drafts: VecDeque<Pending<T>>,
    bytes: usize,
    /// The appender may take what is there.
    announced: bool,
    /// Somebody was asked to pause and has not been told of room since.
    paused: bool,
    news: News,
    probe: Probe,
    closed: bool,
}

/// Whether it is to be found out if the log takes writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Probe {
    #[default]
    None,
    Asked,
}

/// Whether other writers have appended to the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum News {
    #[default]
    None,
    /// They have, and the appender does not know it yet.
    Untold,
}

impl<T> Queue<T> {
    pub(crate) fn new(bounds: QueueBounds, batch: BatchBounds) -> Self {
        let waiting = Waiting {
            drafts: VecDeque::new(),
            bytes: 0,
            announced: false,
            paused: false,
            news: News::None,
            probe: Probe::None,
            closed: false,
        };
        Self { bounds, batch, waiting: Mutex::new(waiting), changed: Condvar::new() }
    }

    /// Queues a draft. Unless a batch is full by it, the appender does not learn of it before [`announce`](Self::announce).
    pub(crate) fn push(&self, draft: Draft, ticket: T) -> Admission<T> {
        let memory = memory::<T>(&draft);
        let mut waiting = self.lock();
        if waiting.closed {
            return Admission::Refused { ticket, why: RefusedWhy::Closed };
        }
        if waiting.drafts.len() >= self.bounds.hard_drafts || waiting.bytes + memory > self.bounds.hard_bytes
        {
            return Admission::Refused { ticket, why: RefusedWhy::Overloaded };
        }
        waiting.drafts.push_back(Pending { draft, ticket });
        waiting.bytes += memory;
        let is_batch = waiting.drafts.len() >= self.batch.drafts || waiting.bytes >= self.batch.bytes;
        let is_news = is_batch && waiting.announce();
        let full = waiting.drafts.len() >= self.bounds.soft_drafts || waiting.bytes >= self.bounds.soft_bytes;
        waiting.paused |= full;
        drop(waiting);
        if is_news {
            self.changed.notify_one();
        }
        if full { Admission::AcceptedButFull } else { Admission::Accepted }
    }

    /// How many bytes of memory the drafts take that wait.
    pub(crate) fn memory(&self) -> usize {
        self.lock().bytes
    }

    /// How many drafts wait, and their bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        let waiting = self.lock();
        (waiting.drafts.len(), waiting.bytes)
    }

    /// The drafts that are in may be taken.
    pub(crate) fn announce(&self) {
        let is_news = self.lock().announce();
        if is_news {
            self.changed.notify_one();
        }
    }

    /// Waits until drafts are announced and takes all that has come, up to the bounds of a batch but at least one.
    pub(crate) fn take(&self) -> Taken<T> {
        let mut waiting = self.lock();
        while !waiting.is_due() {
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        self.take_from(&mut waiting)
    }

    /// The same without waiting: `None` if nothing is announced.
    #[cfg(feature = "simulation")]
    pub(crate) fn try_take(&self) -> Option<Taken<T>> {
        let mut waiting = self.lock();
        waiting.is_due().then(|| self.take_from(&mut waiting))
    }

    fn take_from(&self, waiting: &mut Waiting<T>) -> Taken<T> {
        let bounds = self.batch;
        if std::mem::take(&mut waiting.news) == News::Untold {
            return Taken::News;
        }
        if std::mem::take(&mut waiting.probe) == Probe::Asked {
            return Taken::Probe;
        }
        if waiting.drafts.is_empty() {
            return Taken::Closed;
        }
        let mut drafts = Vec::with_capacity(waiting.drafts.len().min(bounds.drafts));
        let (mut bytes, mut freed) = (0, 0);
        while drafts.len() < bounds.drafts
            && let Some(next) = waiting.drafts.front()
        {
            let weight = next.draft.weight();
            let memory = memory::<T>(&next.draft);
            if !drafts.is_empty() && bytes + weight > bounds.bytes {
                break;
            }
            bytes += weight;
            freed += memory;
            drafts.extend(waiting.drafts.pop_front());
        }
        waiting.bytes -= freed;
        if waiting.drafts.is_empty() {
            // After a flood, the places go too.
            waiting.drafts.shrink_to(self.bounds.soft_drafts);
        }
        debug_assert_eq!(waiting.bytes, waiting.recount(), "the bytes of the drafts that wait");
        // What is left over was announced with the rest.
        waiting.announced = !waiting.drafts.is_empty();
        let drained = waiting.drafts.len() <= self.bounds.soft_drafts / 2
            && waiting.bytes <= self.bounds.soft_bytes / 2;
        let wake = if waiting.paused && drained { Wake::PausedSenders } else { Wake::Nobody };
        if wake == Wake::PausedSenders {
            waiting.paused = false;
        }
        Taken::Batch { drafts, wake }
    }

    /// Others have appended to the log.
    pub(crate) fn tell_news(&self) {
        self.lock().news = News::Untold;
        self.changed.notify_one();
    }

    /// The appender is to find out whether the log takes writes.
    pub(crate) fn ask_probe(&self) {
        self.lock().probe = Probe::Asked;
        self.changed.notify_one();
    }

    /// Whether others have appended since this was asked last.
    pub(crate) fn take_news(&self) -> bool {
        std::mem::take(&mut self.lock().news) == News::Untold
    }

    /// Waits for as long as `pause`, or until the queue is closed. Returns whether it is.
    pub(crate) fn closed_within(&self, pause: Duration) -> bool {
        let waiting = self.lock();
        let (waiting, _) = self
            .changed
            .wait_timeout_while(waiting, pause, |waiting| !waiting.closed)
            .unwrap_or_else(PoisonError::into_inner);
        waiting.closed
    }

    /// Whether it is closed.
    #[cfg(feature = "simulation")]
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Lets nobody in any more. What is in stays to be taken.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Closes the queue and drops what is in it. Returns how many drafts that were.
    pub(crate) fn abandon(&self) -> usize {
        let mut waiting = self.lock();
        waiting.closed = true;
        waiting.announced = false;
        waiting.bytes = 0;
        let dropped = std::mem::take(&mut waiting.drafts);
        drop(waiting);
        self.changed.notify_all();
        dropped.len()
    }

    /// A panic while the lock was held can only have been one of a ticket's own `Drop`; the queue is whole.
    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Waiting<T> {
    /// The bytes of the drafts, counted anew.
    fn recount(&self) -> usize {
        self.drafts.iter().map(|pending| memory::<T>(&pending.draft)).sum()
    }

    /// Whether there is something for the appender to do.
    fn is_due(&self) -> bool {
        self.announced || self.closed || self.news == News::Untold || self.probe == Probe::Asked
    }

    /// True if the appender has to be told.
    fn announce(&mut self) -> bool {
        !self.drafts.is_empty() && !std::mem::replace(&mut self.announced, true)
    }
}

#[cfg(test)]
mod tests;
