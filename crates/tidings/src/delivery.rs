//! From committed entries to frames: the chat's [`Delivery`] port over the feeds of both namespaces.
//!
//! Each entry is encoded once per namespace, and has the same position in both feeds; acks travel with the batch, so
//! that they leave right after the commit and next to the entry they belong to. What a namespace does not show is
//! silent there.

use chat::{CommandNumber, Committed, Delivery, Entry, Outcome, RoomId, UserId};
use socketio_server::{AckHandle, Feed, FeedAck, FeedEntry, Selection, SocketId};
use tokio::sync::oneshot;

use crate::v1::delivery::V1Delivery;
use crate::v1::names::CommandName;
use crate::wire;

/// Whom the outcome of a draft is for.
#[derive(Debug)]
pub enum Ticket {
    /// A client of the tutorial, if it wants an answer.
    Profile(Option<AckHandle>),
    /// A client of `/v1` that has sent a durable command.
    Command {
        /// Which.
        name: CommandName,
        /// Its number.
        n: CommandNumber,
        /// The connection that has the answer for its copy of the entry.
        socket: SocketId,
        /// Where the answer goes.
        ack: Option<AckHandle>,
    },
    /// A client of `/v1` whose read pointer moves.
    Read {
        /// Whose pointer.
        user: UserId,
        /// The connection that knows already.
        socket: SocketId,
        /// Where the answer goes.
        ack: Option<AckHandle>,
    },
    /// The program itself, which is told if it wants to know that the draft is done with.
    Program(Option<oneshot::Sender<()>>),
}

impl Ticket {
    /// Where the answer goes.
    pub fn into_ack(self) -> Option<AckHandle> {
        match self {
            Self::Profile(ack) | Self::Command { ack, .. } | Self::Read { ack, .. } => ack,
            Self::Program(_) => None,
        }
    }
}

/// Publishes what the appender has committed to the feed of namespace `/`.
#[derive(Debug)]
pub struct FeedDelivery {
    feed: Feed,
}

impl FeedDelivery {
    /// Publishes to `feed`.
    pub fn new(feed: Feed) -> Self {
        Self { feed }
    }

    fn publish(&self, entries: &[Entry], rewritten: &[Entry], outcomes: Vec<(Ticket, Outcome)>) {
        for entry in rewritten {
            self.feed.replace(entry.position.0, feed_entry(&self.feed, entry));
        }
        let first = entries.first().map_or(0, |entry| entry.position.0);
        let entries = entries.iter().map(|entry| feed_entry(&self.feed, entry)).collect();
        let acks = outcomes.into_iter().filter_map(|(ticket, outcome)| match ticket {
            Ticket::Profile(ack) => answer(ack?, &outcome),
            Ticket::Command { .. } | Ticket::Read { .. } | Ticket::Program(_) => None,
        });
        self.feed.publish(first, entries, acks.collect());
    }
}

impl Delivery<Ticket> for FeedDelivery {
    fn deliver(&mut self, committed: Committed<Ticket>) {
        self.publish(&committed.entries, &committed.rewritten, committed.outcomes);
    }
}

/// Publishes what the appender has committed to the feeds of both namespaces.
#[derive(Debug)]
pub struct Deliveries {
    profile: FeedDelivery,
    v1: V1Delivery,
}

impl Deliveries {
    /// Publishes to both.
    pub fn new(profile: FeedDelivery, v1: V1Delivery) -> Self {
        Self { profile, v1 }
    }
}

impl Delivery<Ticket> for Deliveries {
    fn deliver(&mut self, committed: Committed<Ticket>) {
        let Committed { entries, rewritten, outcomes, directory } = committed;
        let (profile, v1): (Vec<_>, Vec<_>) =
            outcomes.into_iter().partition(|(ticket, _)| matches!(ticket, Ticket::Profile(_)));
        // A namespace that nothing happened in hears of a commit only if it brought entries.
        if !entries.is_empty() || !rewritten.is_empty() || !profile.is_empty() {
            self.profile.publish(&entries, &rewritten, profile);
        }
        if !entries.is_empty() || !rewritten.is_empty() || !v1.is_empty() {
            self.v1.deliver(&directory, &entries, &rewritten, v1);
        }
    }
}

/// An entry as the feed of namespace `/` delivers it. Clients ask by the numbers of the lobby's messages.
pub fn feed_entry(feed: &Feed, entry: &Entry) -> FeedEntry {
    let made = match wire::frame(entry, &feed.offset(entry.position.0)) {
        Some(frame) => FeedEntry::new(Selection::everyone(), frame),
        None => FeedEntry::silent(),
    };
    if entry.room == RoomId::LOBBY && entry.kind.is_message() { made.with_anchor(entry.seq.0) } else { made }
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
