//! Newcomers that have seen more of a feed than this node has: they wait until the feed has caught up.
//!
//! Other nodes append to the same log and deliver on their own, and a client may arrive here before their entries do.
//! The wait is bounded in time by [`FeedConfig::ahead_wait`](crate::FeedConfig::ahead_wait), and in number by
//! [`FeedConfig::ahead_clients_max`](crate::FeedConfig::ahead_clients_max).

use std::sync::Arc;

use super::Worker;
use super::connect::Join;
use super::connecting::Event;
use super::newcomers::Waits;
use crate::feed::FeedPlace;
use crate::rare::{self, Rare};
use crate::sid::SessionKey;

impl Join<'_> {
    /// Lets a newcomer wait until the feed has reached a place, unless it has.
    pub(super) fn await_feed(&mut self, place: FeedPlace) -> Option<Event> {
        let definition = Arc::clone(self.worker.shared.namespace(self.namespace.as_str())?);
        let feed = &definition.feed.as_ref()?.feed;
        if feed.has_reached(place) {
            return Some(Event::Reached);
        }
        let until = feed.config().ahead_wait.map(|wait| self.worker.now + wait);
        let clients_max = feed.config().ahead_clients_max;
        if self.worker.waiting.len() >= clients_max {
            self.worker.forget_who_waits_no_more();
        }
        let Some(until) = until.filter(|_| self.worker.waiting.len() < clients_max) else {
            let (connection, namespace) = (self.worker.sessions.id_of(self.key), self.namespace.as_str());
            tracing::debug!(
                %connection,
                namespace,
                "too many clients wait for what they have seen on other nodes"
            );
            return Some(Event::OutOfReach);
        };
        rare::reached(Rare::ClientAhead);
        self.newcomer()?.waits = Some(Waits { place, until });
        self.worker.waiting.push((self.key, self.namespace.clone()));
        self.worker.sessions.schedule(self.key);
        if let Some(look) = &definition.ahead {
            look();
        }
        None
    }
}

impl Worker {
    /// A feed has grown: continues with the newcomers that waited for this.
    pub(super) fn admit_who_waited(&mut self, namespace: &str) {
        if self.waiting.is_empty() {
            return;
        }
        let definition = self.shared.namespace(namespace).cloned();
        let Some(binding) = definition.as_ref().and_then(|definition| definition.feed.as_ref()) else {
            return;
        };
        let mut reached = Vec::new();
        for (key, name) in std::mem::take(&mut self.waiting) {
            let Some(newcomer) = self.sessions.newcomer(key, &name) else { continue };
            let Some(Waits { place, .. }) = newcomer.waits else { continue };
            if name.as_str() == namespace && binding.feed.has_reached(place) {
                newcomer.waits = None;
                reached.push((key, name));
            } else {
                self.waiting.push((key, name));
            }
        }
        for (key, name) in reached {
            rare::reached(Rare::ClientCaughtUpWith);
            self.joining(key, &name).on(Event::Reached);
        }
    }

    /// Ends the wait of a session's newcomers whose time is over.
    pub(super) fn give_up_waiting(&mut self, key: SessionKey) {
        let now = self.now;
        while let Some(namespace) =
            self.sessions.get_mut(key).and_then(|session| session.newcomers.take_expired(now))
        {
            rare::reached(Rare::ClientAheadInVain);
            tracing::debug!(
                connection = %self.sessions.id_of(key),
                namespace = namespace.as_str(),
                "a client has seen more than this node has heard of in time"
            );
            self.joining(key, &namespace).on(Event::OutOfReach);
        }
    }

    fn forget_who_waits_no_more(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.retain(|(key, name)| {
            self.sessions.newcomer(*key, name).is_some_and(|newcomer| newcomer.waits.is_some())
        });
        self.waiting = waiting;
    }
}
