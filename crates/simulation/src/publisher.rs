//! What stands around the server's own delivery: an announcer that repeats itself, and the bugs of telling people.

use std::sync::{Arc, OnceLock};

use chat::{Committed, Delivery, DirectoryHandle, Entry, Record};
use socketio_server::socketio::{NamespaceName, encode_event_raw};
use socketio_server::{Feed, FeedEntry, Frame, Selection, WeakIo};
use tidings::delivery::Deliveries;
use tidings::profile::delivery::{ProfileDelivery, feed_entry};
use tidings::ticket::Ticket;
use tidings::v1::delivery::V1Delivery;

use crate::meanwhile;
use crate::planted::{self, Planted};
use crate::random::Random;

/// The feeds of both namespaces.
#[derive(Clone)]
pub(crate) struct Feeds {
    pub(crate) profile: Feed,
    pub(crate) v1: Feed,
    pub(crate) directory: DirectoryHandle,
}

/// The server's delivery, unless a bug is planted in its place.
pub(crate) struct Publisher {
    inner: Deliveries,
    profile: ProfileDelivery,
    v1: V1Delivery,
    feeds: Feeds,
}

impl Publisher {
    pub(crate) fn new(feeds: Feeds, io: &Arc<OnceLock<WeakIo>>) -> Self {
        let profile = || ProfileDelivery::new(feeds.profile.clone());
        let v1 = || V1Delivery::new(feeds.v1.clone(), Arc::clone(io));
        Self { inner: Deliveries::new(profile(), v1()), profile: profile(), v1: v1(), feeds }
    }

    fn deliver_without_offset(&mut self, committed: Committed<Ticket>) {
        let Committed { rewritten, entries, outcomes, directory } = committed;
        let first = entries.first().map_or(0, |entry| entry.position.0);
        let bare = entries.iter().map(|entry| without_offset(&self.feeds.profile, entry)).collect();
        self.feeds.profile.publish(first, bare, Vec::new());
        let (profile, v1): (Vec<_>, Vec<_>) =
            outcomes.into_iter().partition(|(ticket, _)| matches!(ticket, Ticket::Profile(_)));
        self.v1.deliver(&directory, &entries, &rewritten, v1);
        self.profile.deliver(&[], &rewritten, profile);
    }
}

impl Delivery<Ticket> for Publisher {
    fn deliver(&mut self, mut committed: Committed<Ticket>) {
        if planted::is(Planted::SendsNoOffset) {
            return self.deliver_without_offset(committed);
        }
        if planted::is(Planted::BroadcastsBeforeCommit) {
            let head = self.feeds.profile.head();
            committed.entries.retain(|entry| entry.position.0 > head);
        }
        meanwhile::others_answer();
        self.inner.deliver(committed);
    }
}

fn without_offset(feed: &Feed, entry: &Entry) -> FeedEntry {
    let chat::Kind::Message { body } = &entry.kind else { return feed_entry(feed, entry) };
    let Some(text) = body.text().filter(|_| entry.room == chat::RoomId::LOBBY) else {
        return FeedEntry::silent();
    };
    let args = format!("{},{}", serde_json::Value::from(&**text), entry.seq.0);
    let packet =
        encode_event_raw(&NamespaceName::ROOT, tidings::profile::wire::CHAT_MESSAGE, &args, None, None);
    FeedEntry::new(Selection::everyone(), Frame::text(&packet))
}

/// Shows people what is only about to be stored.
pub(crate) fn publish_early(feeds: &Feeds, batch: &[Record]) {
    let Feeds { profile, v1, directory } = feeds;
    let stored = || batch.iter().filter_map(Record::entry);
    let first = stored().next().map_or(0, |entry| entry.position.0);
    if first == profile.head() + 1 {
        let now = directory.now();
        let of_v1 = stored().map(|entry| tidings::v1::frames::feed_entry(v1, &now, entry)).collect();
        let of_profile = stored().map(|entry| feed_entry(profile, entry)).collect();
        profile.publish(first, of_profile, Vec::new());
        v1.publish(first, of_v1, Vec::new());
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
