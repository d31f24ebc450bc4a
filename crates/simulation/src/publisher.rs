//! Wrappers of the server's own delivery: one that announces entries twice, and the planted bug that shows them too
//! early.

use chat::{Committed, Delivery, Directory, Entry, Position, ReadError, ReadPointer, Record};
use socketio_server::Feed;
use tidings::delivery::Deliveries;
use tidings::node::Feeds;
use tidings::ticket::Ticket;

use crate::hostile_log::HostileDisk;
use crate::meanwhile;
use crate::node_number::NodeNumber;
use crate::planted::{self, Planted};
use crate::random::Random;

/// The server's delivery, with an interleaving point before each batch.
pub(crate) struct Publisher {
    inner: Deliveries,
    profile: Feed,
    disk: HostileDisk,
    node: NodeNumber,
}

impl Publisher {
    pub(crate) fn new(feeds: &Feeds, inner: Deliveries, disk: HostileDisk, node: NodeNumber) -> Self {
        Self { inner, profile: feeds.profile.clone(), disk, node }
    }
}

impl Delivery<Ticket> for Publisher {
    fn deliver(&mut self, mut committed: Committed<Ticket>) {
        if planted::is(Planted::BroadcastsBeforeCommit) {
            let head = self.profile.head().get();
            committed.entries.retain(|entry| entry.position.0 > head);
        }
        meanwhile::others_answer(self.node);
        let last = committed.entries.last().map(|entry| entry.position.0);
        self.inner.deliver(committed);
        if let Some(last) = last {
            self.disk.passed_on(self.node, last);
        }
    }
}

/// Shows entries that are not stored yet: a planted bug.
pub(crate) fn publish_early(feeds: &Feeds, batch: &[Record]) {
    let Feeds { profile, v1, stamp, directory, traffic: _ } = feeds;
    let stored = || batch.iter().filter_map(Record::entry);
    let first = stored().next().map_or(0, |entry| entry.position.0);
    if first == profile.head().get() + 1 {
        let now = directory.now();
        let of_v1 = stored().map(|entry| tidings::v1::frames::feed_entry(stamp, &now, entry)).collect();
        let of_profile = stored().map(|entry| tidings::profile::delivery::feed_entry(stamp, entry)).collect();
        profile.publish(first, of_profile, Vec::new());
        v1.publish(first, of_v1, Vec::new());
    }
}

/// Announces some entries a second time, as a message bus may.
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

    fn catch_up(&mut self, head: Position, pointers: &[ReadPointer]) -> Result<Directory, ReadError> {
        self.inner.catch_up(head, pointers)
    }
}
