//! [`Reach`]: what every handle of a server shares: the workers' mailboxes, feeds, values and counters.
//!
//! It holds no code of the application, so a handler may keep an [`Io`](super::io::Io) without keeping itself alive.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use socketio::AckId;
use tally::Counters;
use tokio::runtime::Handle;

use super::io::Readiness;
use super::mailbox::Mailbox;
use super::misfits::Misfits;
use super::socket::Job;
use crate::feed::Feed;
use crate::ignored::Ignored;
use crate::occupancy::Occupancy;
use crate::output::{Answers, Output};
use crate::planted::edge::{self, EdgeBug};
use crate::refusal::Refusals;
use crate::stats::{DoorCount, WorkerTallies};

pub(crate) struct Reach {
    /// The mailboxes, by number of the worker.
    pub(crate) mailboxes: Vec<Arc<Mailbox>>,
    pub(crate) runtime: Handle,
    pub(crate) state: StateMap,
    /// The feeds, by name of their namespace.
    pub(crate) feeds: HashMap<Box<str>, Feed>,
    pub(crate) refusals: Refusals,
    pub(crate) ignored: Ignored,
    pub(crate) misfits: Misfits,
    pub(crate) occupancy: Arc<Occupancy>,
    /// What waits for slow clients.
    pub(crate) output: Output,
    /// What waits for slow clients that poll.
    pub(crate) answers: Arc<Answers>,
    /// What each worker counts, by its number.
    pub(crate) tallies: Vec<Arc<WorkerTallies>>,
    /// Handshakes that were refused, or answered later.
    pub(crate) door: Counters<DoorCount>,
    not_ready: AtomicBool,
    connections: AtomicUsize,
    ack_ids: AtomicU64,
}

impl Reach {
    pub(crate) fn new(
        mailboxes: Vec<Arc<Mailbox>>,
        runtime: Handle,
        state: StateMap,
        feeds: HashMap<Box<str>, Feed>,
        occupancy: Arc<Occupancy>,
        output: Output,
        answers: Arc<Answers>,
    ) -> Self {
        Self {
            tallies: mailboxes.iter().map(|_| Arc::default()).collect(),
            door: Counters::spread(),
            mailboxes,
            runtime,
            state,
            feeds,
            refusals: Refusals::default(),
            ignored: Ignored::default(),
            misfits: Misfits::default(),
            occupancy,
            output,
            answers,
            not_ready: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            ack_ids: AtomicU64::new(0),
        }
    }

    /// The feed of a namespace, if it assigns positions itself: every reliable event goes through it.
    pub(crate) fn memory_feed(&self, namespace: &str) -> Option<&Feed> {
        self.feeds.get(namespace).filter(|feed| !feed.has_history())
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn count_connection(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn discount_connection(&self) {
        if !edge::is(EdgeBug::ForgetsToDiscount) {
            self.connections.fetch_sub(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn next_ack_id(&self) -> AckId {
        AckId::new(self.ack_ids.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn readiness(&self) -> Readiness {
        if self.not_ready.load(Ordering::Acquire) { Readiness::NotReady } else { Readiness::Ready }
    }

    pub(crate) fn set_readiness(&self, readiness: Readiness) {
        self.not_ready.store(readiness == Readiness::NotReady, Ordering::Release);
    }

    /// Runs a future of the application on its runtime.
    pub(crate) fn spawn(&self, job: Job) {
        // The future ends by itself; its result comes back as a command.
        drop(self.runtime.spawn(job));
    }
}

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reach").field("connections", &self.connections()).finish_non_exhaustive()
    }
}

/// Values of the application, one for each type.
#[derive(Default)]
pub(crate) struct StateMap(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl StateMap {
    pub(crate) fn insert<S: Send + Sync + 'static>(&mut self, state: Arc<S>) {
        self.0.insert(TypeId::of::<S>(), state);
    }

    pub(crate) fn find<S: Send + Sync + 'static>(&self) -> Option<Arc<S>> {
        self.0.get(&TypeId::of::<S>()).and_then(|state| Arc::clone(state).downcast().ok())
    }
}
