//! From committed entries to frames: the chat's [`Delivery`] port over the feed of namespace `/`.
//!
//! Each entry is encoded once; acks travel with the batch, so that they leave right after the commit and next to
//! the entry they belong to.

use chat::{Committed, Delivery, Outcome};
use socketio_server::{AckHandle, Feed, FeedAck, FeedEntry, Frame, Selection};

use crate::wire;

/// The room that no socket is ever in: what is not for the profile takes its place in the feed, and no more.
const NOBODYS: &str = "nobody's";

/// Where the answer to a draft goes, if its sender wants one.
pub type Ticket = Option<AckHandle>;

/// Publishes what the appender has committed.
#[derive(Debug)]
pub struct FeedDelivery {
    feed: Feed,
}

impl FeedDelivery {
    /// Publishes to `feed`.
    pub fn new(feed: Feed) -> Self {
        Self { feed }
    }
}

impl Delivery<Ticket> for FeedDelivery {
    fn deliver(&mut self, committed: Committed<Ticket>) {
        let entries: Vec<FeedEntry> =
            committed.entries.iter().map(|entry| feed_entry(&self.feed, entry)).collect();
        let acks = committed
            .outcomes
            .into_iter()
            .filter_map(|(ticket, outcome)| answer(ticket?, &outcome))
            .collect();
        let first = committed.entries.first().map_or(0, |entry| entry.position.0);
        self.feed.publish(first, entries, acks);
    }
}

/// An entry as the feed delivers it.
pub fn feed_entry(feed: &Feed, entry: &chat::Entry) -> FeedEntry {
    match wire::frame(entry, &feed.offset(entry.position.0)) {
        Some(frame) => FeedEntry { audience: Selection::everyone(), frame },
        None => FeedEntry { audience: Selection::room(NOBODYS), frame: Frame::text("") },
    }
}

fn answer(ack: AckHandle, outcome: &Outcome) -> Option<FeedAck> {
    match outcome {
        Outcome::Stored(receipt) => Some(ack.answer(receipt.position.0, "")),
        Outcome::Repeated(_) => Some(ack.answer(0, "")),
        Outcome::Refused(reason) => Some(ack.answer(0, &wire::refused(*reason))),
        // The profile numbers nothing; what is not final is never acked.
        Outcome::Already { .. } | Outcome::Skipped | Outcome::Expected { .. } | Outcome::Read { .. } => None,
    }
}
