//! [`Outlet`]: the way from a feed to one worker.

use std::sync::Arc;
use std::time::Instant;

use super::{FeedAck, FeedPosition, HistoryError, HistoryPage};
use crate::sid::SessionKey;

/// Receives what a feed has for one worker. Returns at once and never refuses. The worker handles everything in order,
/// in a later turn.
pub(crate) trait Outlet: Send + Sync {
    /// The feed of a namespace has grown up to a position, at this moment. The answers are for sockets of this worker.
    fn grown(&self, namespace: Arc<str>, through: FeedPosition, acks: Vec<FeedAck>, at: Instant);

    /// A page of the history for a socket that waits for it.
    fn page(&self, key: SessionKey, namespace: Arc<str>, page: Result<HistoryPage, HistoryError>);
}
