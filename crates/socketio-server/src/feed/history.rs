//! [`History`]: reads entries that are no longer in the ring.
//!
//! The application implements it over its log, on threads of its own. A worker does not wait for it, and has at most
//! one open request for each socket.

use std::fmt;
use std::sync::Arc;

use super::{Anchor, FeedEntry, FeedPosition, Outlet};
use crate::sid::SessionKey;

/// Reads entries of the log for sockets that are behind.
pub trait History: Send + Sync + 'static {
    /// Takes a request and answers it later, from any thread, with [`HistoryReply::send`]. Must not block, because a
    /// worker calls it. A dropped reply counts as [`HistoryError`].
    fn request(&self, request: HistoryRequest);
}

impl fmt::Debug for dyn History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("History")
    }
}

/// The start of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageStart {
    /// After this position.
    After(FeedPosition),
    /// After the entry that the application named by [`Start::Anchor`](crate::Start::Anchor).
    Anchor(Anchor),
}

/// A request of a worker for a page.
#[derive(Debug)]
pub struct HistoryRequest {
    /// The start of the page.
    pub from: PageStart,
    /// The last position that the page may contain.
    pub through: FeedPosition,
    /// The most entries. At least one must be returned, if there is one.
    pub entries_max: usize,
    /// The page ends at about this many bytes of frames.
    pub bytes_max: usize,
    /// Where to send the answer.
    pub reply: HistoryReply,
}

/// Consecutive entries of the log, whether the socket may see them or not.
#[derive(Debug)]
pub struct HistoryPage {
    /// The position before the first entry.
    pub after: FeedPosition,
    /// The entries at `after + 1`, `after + 2`, …
    pub entries: Vec<FeedEntry>,
}

/// The page cannot be read. The socket's connection is closed, and its client reconnects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the history cannot be read")]
pub struct HistoryError;

/// Answers a request for a page.
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

    /// Sends the answer.
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
