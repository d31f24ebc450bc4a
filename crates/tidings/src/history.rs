//! Pages of the log for sockets that are behind: the feeds' [`History`] port over the chat's reader.
//!
//! Threads of its own read, so that no worker waits for the disk. Each socket has at most one request open, which
//! bounds the queue by the number of connections. Each namespace has its history, since each has its frames.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread;

use chat::{Budget, Entry, LogReader, Position, ReadError, RoomId, Seq};
use socketio_server::{Feed, FeedEntry, From, History, HistoryError, HistoryPage, HistoryRequest};

/// Entries read into the ring at the start, so that a storm of clients after a restart reads memory.
const PRELOAD_ENTRIES_MAX: u64 = 10_000;

/// Threads that read at once.
const READERS: usize = 2;

/// Makes entries what a feed delivers.
pub type Encoder = dyn Fn(&[Entry]) -> Vec<FeedEntry> + Send + Sync;

/// Reads pages of the log.
pub struct LogHistory<R> {
    reader: R,
    encoder: OnceLock<Box<Encoder>>,
    queue: Mutex<VecDeque<HistoryRequest>>,
    wake: Condvar,
}

impl<R: LogReader> LogHistory<R> {
    /// Starts the threads. They end with the process: what they do can be cut off at any time.
    pub fn start(reader: R) -> std::io::Result<Arc<Self>> {
        let history = Arc::new(Self {
            reader,
            encoder: OnceLock::new(),
            queue: Mutex::default(),
            wake: Condvar::new(),
        });
        for index in 0..READERS {
            let history = Arc::clone(&history);
            thread::Builder::new().name(format!("history-{index}")).spawn(move || history.read_for_ever())?;
        }
        Ok(history)
    }

    /// How entries become frames. Requests that come before are refused.
    pub fn serve(&self, encoder: impl Fn(&[Entry]) -> Vec<FeedEntry> + Send + Sync + 'static) {
        // Set once; the feed of a server never changes.
        drop(self.encoder.set(Box::new(encoder)));
    }

    fn read_for_ever(&self) {
        loop {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let request = loop {
                match queue.pop_front() {
                    Some(request) => break request,
                    None => queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner),
                }
            };
            drop(queue);
            let page = self.answer(&request).map_err(|error| {
                tracing::error!(%error, "the log cannot be read");
                HistoryError
            });
            request.reply.send(page);
        }
    }

    fn answer(&self, request: &HistoryRequest) -> Result<HistoryPage, PageError> {
        let encoder = self.encoder.get().ok_or(PageError::TooEarly)?;
        Ok(page(&self.reader, encoder, request)?)
    }
}

/// Why a request has no page.
#[derive(Debug, thiserror::Error)]
enum PageError {
    #[error("the feed is not there yet")]
    TooEarly,
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Reads the page that a worker asks for.
pub fn page(
    reader: &impl LogReader,
    encoder: &(impl Fn(&[Entry]) -> Vec<FeedEntry> + ?Sized),
    request: &HistoryRequest,
) -> Result<HistoryPage, ReadError> {
    let after = match request.from {
        From::After(after) => Position(after),
        From::Anchor(seq) => reader.locate(RoomId::LOBBY, Seq(seq))?,
    };
    let budget = Budget { entries: request.entries_max, bytes: request.bytes_max };
    let entries = reader.read(after, Position(request.through), budget)?;
    Ok(HistoryPage { after: after.0, entries: encoder(&entries) })
}

/// Fills the rings of feeds that have the same entries, which are read once.
pub fn preload_all(reader: &impl LogReader, feeds: &[(&Feed, &Encoder)]) -> Result<(), ReadError> {
    let head = Position(feeds.first().map_or(0, |(feed, _)| feed.head()));
    let mut after = Position(head.0.saturating_sub(PRELOAD_ENTRIES_MAX));
    let first = after.next();
    let mut filled: Vec<Vec<FeedEntry>> = feeds.iter().map(|_| Vec::new()).collect();
    while after < head {
        let page = reader.read(after, head, Budget::PAGE)?;
        let Some(last) = page.last() else { break };
        after = last.position;
        for (entries, (_, encoder)) in filled.iter_mut().zip(feeds) {
            entries.extend(encoder(&page));
        }
    }
    for (entries, (feed, _)) in filled.into_iter().zip(feeds) {
        feed.preload(first.0, entries);
    }
    Ok(())
}

impl<R: fmt::Debug> fmt::Debug for LogHistory<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogHistory").field("reader", &self.reader).finish_non_exhaustive()
    }
}

impl<R: LogReader> History for LogHistory<R> {
    fn request(&self, request: HistoryRequest) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).push_back(request);
        self.wake.notify_one();
    }
}
