//! [`EvictDone`]: ends the old session of a returning client on all workers. [`ArrivalNumber`] says which session is
//! the old one.
//!
//! A half-open connection can outlive its client by the ping timeout. The session with the same private id is ended on
//! every worker before the new one continues, so that no two sessions ever share a socket id.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use socketio::NamespaceName;

use crate::handle::command::Command;
use crate::handle::mailbox::Mailbox;
use crate::sid::SessionKey;

/// The order of arrivals. Of two sockets with the same private id, the one with the higher number stays, whatever the
/// workers hear of each other and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ArrivalNumber(NonZeroU64);

/// Assigns the numbers.
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
    /// How many workers still have to end the old session.
    left: AtomicUsize,
    waiter: Arc<Mailbox>,
    key: SessionKey,
    namespace: NamespaceName,
}

impl EvictDone {
    /// The session at `key` continues when all `workers` have called [`by_one`](Self::by_one); the last one reports it.
    pub(crate) fn begin(
        workers: usize,
        waiter: Arc<Mailbox>,
        key: SessionKey,
        namespace: NamespaceName,
    ) -> Self {
        Self(Arc::new(Eviction { left: AtomicUsize::new(workers), waiter, key, namespace }))
    }

    /// One worker no longer has such a session.
    pub(crate) fn by_one(self) {
        let eviction = &self.0;
        if eviction.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            let namespace = eviction.namespace.clone();
            eviction.waiter.post(Command::Evicted { key: eviction.key, namespace });
        }
    }
}
