//! Pages of the log for sockets that are behind: the feed's [`History`] port over the chat's reader.
//!
//! Threads of its own read, so that no worker waits for the disk. Each socket has at most one request open, which
//! bounds the queue by the number of connections.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread;

use chat::{Budget, LogReader, Position, ReadError, RoomId, Seq};
use socketio_server::{Feed, From, History, HistoryError, HistoryPage, HistoryRequest};

use crate::delivery::feed_entry;

/// Entries read into the ring at the start, so that a storm of clients after a restart reads memory.
const PRELOAD_ENTRIES_MAX: u64 = 10_000;

/// Threads that read at once.
const READERS: usize = 2;

/// Reads pages of the log.
#[derive(Debug)]
pub struct LogHistory<R> {
    reader: R,
    feed: OnceLock<Feed>,
    queue: Mutex<VecDeque<HistoryRequest>>,
    wake: Condvar,
}

impl<R: LogReader> LogHistory<R> {
    /// Starts the threads. They end with the process: what they do can be cut off at any time.
    pub fn start(reader: R) -> std::io::Result<Arc<Self>> {
        let history =
            Arc::new(Self { reader, feed: OnceLock::new(), queue: Mutex::default(), wake: Condvar::new() });
        for index in 0..READERS {
            let history = Arc::clone(&history);
            thread::Builder::new().name(format!("history-{index}")).spawn(move || history.read_for_ever())?;
        }
        Ok(history)
    }

    /// The feed whose offsets the frames carry. Requests that come before are refused.
    pub fn serve(&self, feed: &Feed) {
        // Set once; the feed of a server never changes.
        let _ = self.feed.set(feed.clone());
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
            let page = self.page(&request).map_err(|error| {
                tracing::error!(%error, "the log cannot be read");
                HistoryError
            });
            request.reply.send(page);
        }
    }

    fn page(&self, request: &HistoryRequest) -> Result<HistoryPage, PageError> {
        let feed = self.feed.get().ok_or(PageError::TooEarly)?;
        Ok(page(&self.reader, feed, request)?)
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
    feed: &Feed,
    request: &HistoryRequest,
) -> Result<HistoryPage, ReadError> {
    let after = match request.from {
        From::After(after) => Position(after),
        From::Anchor(seq) => reader.locate(RoomId::LOBBY, Seq(seq))?,
    };
    let budget = Budget { entries: request.entries_max, bytes: request.bytes_max };
    let entries = reader.read(after, Position(request.through), budget)?;
    let entries = entries.iter().map(|entry| feed_entry(feed, entry)).collect();
    Ok(HistoryPage { after: after.0, entries })
}

/// Fills the ring with the newest entries.
pub fn preload(feed: &Feed, reader: &impl LogReader) -> Result<(), ReadError> {
    let head = Position(feed.head());
    let mut after = Position(head.0.saturating_sub(PRELOAD_ENTRIES_MAX));
    let first = after.next();
    let mut entries = Vec::new();
    while after < head {
        let page = reader.read(after, head, Budget::PAGE)?;
        let Some(last) = page.last() else { break };
        after = last.position;
        entries.extend(page.iter().map(|entry| feed_entry(feed, entry)));
    }
    feed.preload(first.0, entries);
    Ok(())
}

impl<R: LogReader> History for LogHistory<R> {
    fn request(&self, request: HistoryRequest) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).push_back(request);
        self.wake.notify_one();
    }
}
