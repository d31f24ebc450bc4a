//! [`Shared`]: what all workers, handles and services of one server have in common.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use http::HeaderMap;
use tokio::runtime::Handle;

use crate::config::Config;
use crate::feed::Feed;
use crate::handle::engine::EngineHandler;
use crate::handle::io::Readiness;
use crate::handle::mailbox::Mailbox;
use crate::handle::misfits::Misfits;
use crate::handle::namespace::{Namespace, Pattern};
use crate::handle::socket::Job;
use crate::handshake::Handshake;
use crate::http::bundle::ClientBundle;
use crate::refusal::Refusals;

/// Decides on a handshake, before a session exists.
pub(crate) type Admission = dyn Fn(Arc<Handshake>) -> std::pin::Pin<Box<dyn Future<Output = Result<(), String>> + Send>>
    + Send
    + Sync;

/// Hears that sync handlers have run.
pub(crate) type AfterEvents = dyn Fn() + Send + Sync;

/// Adds headers to the response that opens a polling session.
pub(crate) type InitialHeaders = dyn Fn(&Handshake, &mut HeaderMap) + Send + Sync;

pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) namespaces: Vec<Arc<Namespace>>,
    pub(crate) mailboxes: Vec<Arc<Mailbox>>,
    pub(crate) runtime: Handle,
    pub(crate) state: State,
    pub(crate) bundle: Option<ClientBundle>,
    pub(crate) admission: Option<Arc<Admission>>,
    pub(crate) initial_headers: Option<Arc<InitialHeaders>>,
    pub(crate) engine: Option<Arc<dyn EngineHandler>>,
    pub(crate) after_events: Option<Arc<AfterEvents>>,
    pub(crate) refusals: Refusals,
    pub(crate) not_ready: AtomicBool,
    pub(crate) connections: AtomicUsize,
    pub(crate) ack_ids: AtomicU64,
    pub(crate) next_worker: AtomicUsize,
    pub(crate) polls: AtomicU64,
    pub(crate) arrivals: AtomicU64,
    pub(crate) misfits: Misfits,
}

impl Shared {
    /// The definition for a name: the exact one, else the first whose pattern matches, in order of registration.
    pub(crate) fn namespace(&self, name: &str) -> Option<&Arc<Namespace>> {
        let exact = |namespace: &&Arc<Namespace>| matches!(&namespace.pattern, Pattern::Exact(exact) if exact == name);
        let matches = |namespace: &&Arc<Namespace>| match &namespace.pattern {
            Pattern::Exact(_) => false,
            Pattern::Matching(matches) => matches(name),
        };
        self.namespaces.iter().find(exact).or_else(|| self.namespaces.iter().find(matches))
    }

    /// The feed of a namespace that numbers its own entries: every reliable event goes through it.
    pub(crate) fn memory_feed(&self, name: &str) -> Option<&Feed> {
        let feed = &self.namespace(name)?.feed.as_ref()?.feed;
        (!feed.has_history()).then_some(feed)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// The worker for a new session that may live anywhere: in turn.
    pub(crate) fn next_worker(&self) -> u16 {
        let turn = self.next_worker.fetch_add(1, Ordering::Relaxed) % self.mailboxes.len();
        u16::try_from(turn).expect("there are at most 65,535 workers")
    }

    pub(crate) fn next_ack_id(&self) -> u64 {
        self.ack_ids.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn next_poll(&self) -> u64 {
        self.polls.fetch_add(1, Ordering::Relaxed)
    }

    /// Numbers those that come back: of two sockets of one private id the one with the higher number stays, whatever
    /// the workers hear of each other and when.
    pub(crate) fn next_arrival(&self) -> u64 {
        self.arrivals.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn readiness(&self) -> Readiness {
        if self.not_ready.load(Ordering::Acquire) { Readiness::NotReady } else { Readiness::Ready }
    }

    pub(crate) fn set_readiness(&self, readiness: Readiness) {
        self.not_ready.store(readiness == Readiness::NotReady, Ordering::Release);
    }

    /// Runs something of the application's on its runtime.
    pub(crate) fn spawn(&self, job: Job) {
        // It ends by itself; what it has to say comes back as a command.
        drop(self.runtime.spawn(job));
    }
}

/// Values of the application, one per type.
#[derive(Default)]
pub(crate) struct State(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl State {
    pub(crate) fn insert<S: Send + Sync + 'static>(&mut self, state: Arc<S>) {
        self.0.insert(TypeId::of::<S>(), state);
    }

    pub(crate) fn find<S: Send + Sync + 'static>(&self) -> Option<Arc<S>> {
        self.0.get(&TypeId::of::<S>()).and_then(|state| Arc::clone(state).downcast().ok())
    }
}
