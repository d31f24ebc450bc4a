//! [`Newcomers`]: the namespaces that the client of one session is joining, each with its [`Connecting`] machine.

use std::time::Instant;

use socketio::NamespaceName;

use super::connecting::Connecting;
use crate::feed::FeedPlace;
use crate::handle::connect::ConnectRequest;

/// The place that a newcomer waits for, and its deadline.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waits {
    pub(super) place: FeedPlace,
    pub(super) until: Instant,
}

/// A client that is joining a namespace.
pub(crate) struct Newcomer {
    pub(super) request: ConnectRequest,
    pub(super) steps: Connecting,
    /// For the feed to come to what the client has seen on another node.
    pub(super) waits: Option<Waits>,
}

/// A session that has joined keeps no memory for it.
#[derive(Default)]
pub(crate) struct Newcomers(Vec<Newcomer>);

impl Newcomers {
    pub(super) fn add(&mut self, newcomer: Newcomer) {
        // Nearly all clients join one namespace.
        self.0.reserve_exact(1);
        self.0.push(newcomer);
    }

    pub(super) fn find(&mut self, namespace: &NamespaceName) -> Option<&mut Newcomer> {
        self.0.iter_mut().find(|newcomer| newcomer.request.namespace == *namespace)
    }

    /// The namespaces whose newcomers wait for a feed.
    #[cfg(any(test, feature = "simulation"))]
    pub(super) fn who_wait(&self) -> impl Iterator<Item = &NamespaceName> {
        let waiting = self.0.iter().filter(|newcomer| newcomer.waits.is_some());
        waiting.map(|newcomer| &newcomer.request.namespace)
    }

    /// When the first of them has waited long enough.
    pub(super) fn wait_until(&self) -> Option<Instant> {
        self.0.iter().filter_map(|newcomer| newcomer.waits.map(|waits| waits.until)).min()
    }

    /// A namespace whose newcomer has waited long enough, and waits no more.
    pub(super) fn take_expired(&mut self, now: Instant) -> Option<NamespaceName> {
        let is_expired = |newcomer: &&mut Newcomer| newcomer.waits.is_some_and(|waits| waits.until <= now);
        let newcomer = self.0.iter_mut().find(is_expired)?;
        newcomer.waits = None;
        Some(newcomer.request.namespace.clone())
    }

    pub(super) fn take(&mut self, namespace: &NamespaceName) -> Option<Newcomer> {
        let place = self.0.iter().position(|newcomer| newcomer.request.namespace == *namespace)?;
        let taken = self.0.swap_remove(place);
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
        Some(taken)
    }
}
