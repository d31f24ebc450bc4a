//! Pages of the log for sockets that are behind: implements the feeds' [`History`] with the chat's reader.
//!
//! The threads of the [`Pool`] read, so that no worker waits for the disk. Each namespace has a history of its own,
//! because its frames differ.

use std::fmt;
use std::sync::Arc;

use chat::{Budget, Entry, LogReader, Position, ReadError, RoomId, Seq};
use socketio_server::{Feed, FeedEntry, History, HistoryError, HistoryPage, HistoryRequest, PageStart};

use super::pool::{Pool, Task};

/// Entries read into the ring at the start, so that a storm of clients after a restart reads memory.
const PRELOAD_ENTRIES_MAX: u64 = 10_000;

/// Makes entries what a feed delivers.
pub type Encoder = dyn Fn(&[Entry]) -> Vec<FeedEntry> + Send + Sync;

/// Reads pages of the log for one feed.
pub struct LogHistory {
    pool: Arc<Pool>,
    encoder: Arc<Encoder>,
}

impl LogHistory {
    /// Pages that `pool` reads and `encoder` makes into frames.
    pub fn new(pool: Arc<Pool>, encoder: Arc<Encoder>) -> Arc<Self> {
        Arc::new(Self { pool, encoder })
    }
}

impl History for LogHistory {
    fn request(&self, request: HistoryRequest) {
        let encoder = Arc::clone(&self.encoder);
        self.pool.push_page(Box::new(Wanted { request, encoder }));
    }
}

impl fmt::Debug for LogHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogHistory").field("pool", &self.pool).finish_non_exhaustive()
    }
}

/// A page that a worker waits for. One that is dropped counts as unreadable.
struct Wanted {
    request: HistoryRequest,
    encoder: Arc<Encoder>,
}

impl Task for Wanted {
    fn carry_out(self: Box<Self>, log: &dyn LogReader) {
        let page = page(log, &*self.encoder, &self.request).map_err(|error| {
            tracing::error!(%error, "the log cannot be read");
            HistoryError
        });
        self.request.reply.send(page);
    }
}

/// Reads the page that a worker asks for.
fn page(log: &dyn LogReader, encoder: &Encoder, request: &HistoryRequest) -> Result<HistoryPage, ReadError> {
    debug_assert!(log.head().0 >= request.through.get(), "nobody asks for what is not stored");
    let after = match request.from {
        PageStart::After(after) => Position(after.get()),
        PageStart::Anchor(seq) => log.locate(RoomId::LOBBY, Seq(seq.get()))?,
    };
    let budget = Budget { entries: request.entries_max, bytes: request.bytes_max };
    let entries = log.read(after, Position(request.through.get()), budget)?;
    Ok(HistoryPage { after: after.0.into(), entries: encoder(&entries) })
}

/// Fills the rings of feeds that have the same entries, which are read once and shown to `note`, too.
pub fn preload_all(
    log: &dyn LogReader,
    feeds: &[(&Feed, &Encoder)],
    note: impl Fn(&[Entry]),
) -> Result<(), ReadError> {
    let head = Position(feeds.first().map_or(0, |(feed, _)| feed.head().get()));
    let mut after = Position(head.0.saturating_sub(PRELOAD_ENTRIES_MAX));
    while after < head {
        let first = after.next();
        let page = match log.read(after, head, Budget::PAGE) {
            // What cannot be read is in no ring, and neither is what stands before it.
            Err(error @ ReadError::Corrupt { position }) => {
                tracing::error!(%error, "the log cannot be read");
                for (feed, _) in feeds {
                    feed.preload(position.next().0, Vec::new());
                }
                after = position;
                continue;
            }
            page => page?,
        };
        after = page.last().expect("a log has entries up to its head").position;
        note(&page);
        // Page by page, so that no more is in memory than the rings take.
        for (feed, encoder) in feeds {
            feed.preload(first.0, encoder(&page));
        }
    }
    Ok(())
}
