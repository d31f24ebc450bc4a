//! [`History`]: reads entries that are no longer in the ring.
//!
//! A port: the application implements it over its log, on threads of its own. The worker that asks goes on at
//! once and never has more than one request open for a socket.

use std::fmt;
use std::sync::Arc;

use super::{FeedEntry, FeedPosition, Outlet};
use crate::sid::SessionKey;

/// Reads entries of the log for sockets that are behind.
pub trait History: Send + Sync + 'static {
    /// Takes a request and answers it later, from any thread, by [`HistoryReply::send`]. Must not block: it is
    /// called by a worker. A reply that is dropped counts as [`HistoryError`].
    fn request(&self, request: HistoryRequest);
}

impl fmt::Debug for dyn History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("History")
    }
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageStart {
    /// After this position.
    After(FeedPosition),
    /// After the place that the application named by [`Start::Anchor`](crate::Start::Anchor).
    Anchor(u64),
}

/// A page that a worker asks for.
#[derive(Debug)]
pub struct HistoryRequest {
    /// Where the page begins.
    pub from: PageStart,
    /// The last position that may be in it.
    pub through: FeedPosition,
    /// At most so many entries; at least one must come if there is one.
    pub entries_max: usize,
    /// End the page at about so many bytes of frames.
    pub bytes_max: usize,
    /// Where the answer goes.
    pub reply: HistoryReply,
}

/// Entries of the log without a hole, visible to the socket or not.
#[derive(Debug)]
pub struct HistoryPage {
    /// The position before the first entry.
    pub after: FeedPosition,
    /// The entries at `after + 1`, `after + 2`, …
    pub entries: Vec<FeedEntry>,
}

/// The page cannot be read; the socket's transport is closed, and its client comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the history cannot be read")]
pub struct HistoryError;

/// The way back to the socket that waits for a page.
pub struct HistoryReply {
    to: Option<Address>,
}

struct Address {
    outlet: Arc<dyn Outlet>,
    key: SessionKey,
    namespace: Arc<str>,
}

impl HistoryReply {
    pub(crate) fn new(outlet: Arc<dyn Outlet>, key: SessionKey, namespace: Arc<str>) -> Self {
        Self { to: Some(Address { outlet, key, namespace }) }
    }

    /// Answers the request.
    pub fn send(mut self, page: Result<HistoryPage, HistoryError>) {
        self.answer(page);
    }

    fn answer(&mut self, page: Result<HistoryPage, HistoryError>) {
        if let Some(Address { outlet, key, namespace }) = self.to.take() {
            outlet.page(key, namespace, page);
        }
    }
}

impl Drop for HistoryReply {
    fn drop(&mut self) {
        self.answer(Err(HistoryError));
    }
}

impl fmt::Debug for HistoryReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HistoryReply").field(&self.to.as_ref().map(|to| to.key)).finish()
    }
}
