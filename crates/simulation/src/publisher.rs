//! What stands around the server's own delivery: an announcer that repeats itself, and the bugs of telling people.

use chat::{Committed, Delivery, Entry, Record};
use socketio_server::socketio::{NamespaceName, encode_event_raw};
use socketio_server::{Feed, FeedEntry, Frame, Selection};
use tidings::delivery::{FeedDelivery, Ticket, feed_entry};

use crate::planted::{self, Planted};
use crate::random::Random;

/// The server's delivery, unless a bug is planted in its place.
pub(crate) struct Publisher {
    inner: FeedDelivery,
    feed: Feed,
}

impl Publisher {
    pub(crate) fn new(feed: Feed) -> Self {
        Self { inner: FeedDelivery::new(feed.clone()), feed }
    }
}

impl Delivery<Ticket> for Publisher {
    fn deliver(&mut self, mut committed: Committed<Ticket>) {
        if planted::is(Planted::BroadcastsBeforeCommit) {
            let head = self.feed.head();
            committed.entries.retain(|entry| entry.position.0 > head);
        }
        if planted::is(Planted::SendsNoOffset) {
            let first = committed.entries.first().map_or(0, |entry| entry.position.0);
            let entries = committed.entries.iter().map(without_offset).collect();
            self.feed.publish(first, entries, Vec::new());
            committed.entries = Vec::new();
        }
        self.inner.deliver(committed);
    }
}

fn without_offset(entry: &Entry) -> FeedEntry {
    let chat::Kind::Message { body } = &entry.kind else { unreachable!("tutorial clients send messages") };
    let text = body.text().map_or("", |text| text);
    let args = format!("{},{}", serde_json::Value::from(text), entry.seq.0);
    let packet = encode_event_raw(&NamespaceName::ROOT, tidings::wire::CHAT_MESSAGE, &args, None, None);
    FeedEntry::new(Selection::everyone(), Frame::text(&packet))
}

/// Shows people what is only about to be stored.
pub(crate) fn publish_early(feed: &Feed, batch: &[Record]) {
    let stored = || batch.iter().filter_map(Record::entry);
    let entries: Vec<_> = stored().map(|entry| feed_entry(feed, entry)).collect();
    let first = stored().next().map_or(0, |entry| entry.position.0);
    if first == feed.head() + 1 {
        feed.publish(first, entries, Vec::new());
    }
}

/// Announces some entries a second time, as a bus may.
pub(crate) struct Echoing<D> {
    inner: D,
    per_mille: u64,
    random: Random,
    before: Vec<Entry>,
}

impl<D> Echoing<D> {
    pub(crate) fn new(inner: D, per_mille: u64, random: Random) -> Self {
        Self { inner, per_mille, random, before: Vec::new() }
    }
}

impl<D: Delivery<Ticket>> Delivery<Ticket> for Echoing<D> {
    fn deliver(&mut self, mut committed: Committed<Ticket>) {
        let announced = committed.entries.clone();
        if self.random.chance(self.per_mille) {
            committed.entries.append(&mut self.before);
        }
        self.before = announced;
        self.inner.deliver(committed);
    }
}
