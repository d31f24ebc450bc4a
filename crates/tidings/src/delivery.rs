//! From committed entries to frames: the chat's [`Delivery`] port over the feeds of both namespaces.
//!
//! Each entry is encoded once per namespace, and has the same position in both feeds; acks travel with the batch, so
//! that they leave right after the commit and next to the entry they belong to. What a namespace does not show is
//! silent there.

use chat::{Committed, Delivery};

use crate::profile::delivery::ProfileDelivery;
use crate::ticket::Ticket;
use crate::v1::delivery::V1Delivery;

/// Publishes what the appender has committed to the feeds of both namespaces.
#[derive(Debug)]
pub struct Deliveries {
    profile: ProfileDelivery,
    v1: V1Delivery,
}

impl Deliveries {
    /// Publishes to both.
    pub fn new(profile: ProfileDelivery, v1: V1Delivery) -> Self {
        Self { profile, v1 }
    }
}

impl Delivery<Ticket> for Deliveries {
    fn deliver(&mut self, committed: Committed<Ticket>) {
        let Committed { entries, rewritten, outcomes, directory, pointers: _ } = committed;
        let (profile, v1): (Vec<_>, Vec<_>) =
            outcomes.into_iter().partition(|(ticket, _)| matches!(ticket, Ticket::Profile { .. }));
        // A namespace that nothing happened in hears of a commit only if it brought entries.
        if !entries.is_empty() || !rewritten.is_empty() || !profile.is_empty() {
            self.profile.deliver(&entries, &rewritten, profile);
        }
        if !entries.is_empty() || !rewritten.is_empty() || !v1.is_empty() {
            self.v1.deliver(&directory, &entries, &rewritten, v1);
        }
    }
}
