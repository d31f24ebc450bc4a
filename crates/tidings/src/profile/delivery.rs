//! Turns committed entries into the feed of namespace `/`, and outcomes into acks.
//!
//! Runs on the appender's thread, in log order. An entry that the profile does not show is silent in its feed.

use chat::{Entry, Outcome, RoomId};
use socketio_server::{AckHandle, Feed, FeedAck, FeedEntry, Selection};

use super::wire;
use crate::stamp::Stamp;
use crate::ticket::Ticket;

/// Publishes what the appender has committed to the feed of namespace `/`.
#[derive(Debug)]
pub struct ProfileDelivery {
    feed: Feed,
    stamp: Stamp,
}

impl ProfileDelivery {
    /// Publishes to `feed`.
    pub fn new(feed: Feed, stamp: Stamp) -> Self {
        Self { feed, stamp }
    }

    /// Delivers what one commit brought; `outcomes` are those of this namespace alone.
    pub fn deliver(&mut self, entries: &[Entry], rewritten: &[Entry], outcomes: Vec<(Ticket, Outcome)>) {
        for entry in rewritten {
            self.feed.replace(entry.position.0, feed_entry(&self.stamp, entry));
        }
        let first = entries.first().map_or(0, |entry| entry.position.0);
        let entries = entries.iter().map(|entry| feed_entry(&self.stamp, entry)).collect();
        let acks = outcomes.into_iter().filter_map(|(ticket, outcome)| match ticket {
            Ticket::Profile { ack, charge } => {
                // Nothing is stored of what is refused here.
                if let (Outcome::Stored(_), Some(charge)) = (outcome, charge) {
                    charge.keep();
                }
                answer(ack?, &outcome)
            }
            Ticket::Command { .. } | Ticket::Read { .. } | Ticket::Program(_) => None,
        });
        self.feed.publish(first, entries, acks.collect());
    }
}

/// Encodes pages of the log for sockets that are behind.
pub fn encoder(stamp: Stamp) -> impl Fn(&[Entry]) -> Vec<FeedEntry> {
    move |entries| entries.iter().map(|entry| feed_entry(&stamp, entry)).collect()
}

/// An entry as the feed of namespace `/` delivers it. Clients ask by the numbers of the lobby's messages.
pub fn feed_entry(stamp: &Stamp, entry: &Entry) -> FeedEntry {
    let made = match wire::frame(entry, &stamp.offset(entry.position)) {
        Some(frame) => FeedEntry::new(Selection::everyone(), frame),
        None => FeedEntry::silent(),
    };
    if entry.room == RoomId::LOBBY && entry.kind.is_message() { made.with_anchor(entry.seq.0) } else { made }
}

fn answer(ack: AckHandle, outcome: &Outcome) -> Option<FeedAck> {
    match outcome {
        // Another node may have stored a repeat, and its entry come with this answer.
        Outcome::Stored(receipt) | Outcome::Repeated(receipt) => {
            Some(ack.answer_after(receipt.position.0, ""))
        }
        Outcome::Refused(reason) => Some(ack.answer(&wire::refused(*reason))),
        // The profile numbers nothing; what is not final is never acked.
        Outcome::Already { .. }
        | Outcome::Skipped
        | Outcome::Expected { .. }
        | Outcome::StorageFull
        | Outcome::Read { .. } => None,
    }
}
