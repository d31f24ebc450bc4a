//! [`EvictDone`]: the eviction of the ghost that a client left behind, on all workers, and who is the ghost of whom
//! ([`ArrivalNumber`]).
//!
//! A half-open connection can outlive its client by the ping time-out. The session of the same private id is
//! ended on every worker before the new one goes on, so that no two sessions ever share a socket id.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use socketio::NamespaceName;

use crate::handle::command::Command;
use crate::handle::mailbox::Mailbox;
use crate::sid::SessionKey;

/// When somebody came back, among all that did: of two sockets of one private id the one with the higher number stays,
/// whatever the workers hear of each other and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ArrivalNumber(NonZeroU64);

/// Gives the numbers out.
#[derive(Debug, Default)]
pub(crate) struct Arrivals(AtomicU64);

impl Arrivals {
    pub(crate) fn next(&self) -> ArrivalNumber {
        let earlier = self.0.fetch_add(1, Ordering::Relaxed);
        ArrivalNumber(NonZeroU64::MIN.saturating_add(earlier))
    }
}

/// One worker's part in an eviction.
#[derive(Clone, Debug)]
pub(crate) struct EvictDone(Arc<Eviction>);

#[derive(Debug)]
struct Eviction {
    /// Workers that have still to evict the ghost.
    left: AtomicUsize,
    waiter: Arc<Mailbox>,
    key: SessionKey,
    namespace: NamespaceName,
}

impl EvictDone {
    /// `workers` have to say [`by_one`](Self::by_one) before the session at `key` goes on: the last one tells it.
    pub(crate) fn begin(
        workers: usize,
        waiter: Arc<Mailbox>,
        key: SessionKey,
        namespace: NamespaceName,
    ) -> Self {
        Self(Arc::new(Eviction { left: AtomicUsize::new(workers), waiter, key, namespace }))
    }

    /// One worker has no such session any more.
    pub(crate) fn by_one(self) {
        let eviction = &self.0;
        if eviction.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            let namespace = eviction.namespace.clone();
            eviction.waiter.post(Command::Evicted { key: eviction.key, namespace });
        }
    }
}
