//! [`Shared`]: what the workers and the door of one server share: settings, definitions and hooks.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use http::HeaderMap;

use crate::config::Config;
use crate::handle::engine::EngineHandler;
use crate::handle::eviction::{ArrivalNumber, Arrivals};
use crate::handle::io::Io;
use crate::handle::namespace::{Namespace, NamespacePattern};
use crate::handle::reach::Reach;
use crate::handshake::Handshake;
use crate::http::bundle::ClientBundle;
use crate::lines::Lines;
use crate::sid::PollNumber;
use crate::user_tag::UserTag;

/// Decides about a handshake, before a session exists.
pub(crate) type Admission =
    dyn Fn(Arc<Handshake>) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync;

/// Finds a user by the query of a handshake.
pub(crate) type Recognize = dyn Fn(&str) -> Option<UserTag> + Send + Sync;

/// Called after a burst of sync handlers.
pub(crate) type AfterEvents = dyn Fn() + Send + Sync;

/// Adds headers to the response that opens a polling session.
pub(crate) type InitialHeaders = dyn Fn(&Handshake, &mut HeaderMap) + Send + Sync;

pub(crate) struct Shared {
    pub(crate) reach: Arc<Reach>,
    pub(crate) config: Config,
    pub(crate) namespaces: Vec<Arc<Namespace>>,
    pub(crate) bundle: Option<ClientBundle>,
    pub(crate) hooks: Hooks,
    pub(crate) numbers: Numbers,
    /// How fast sessions come from each address.
    pub(crate) new_sessions: Lines,
    /// The same for the handshakes of encrypted connections.
    pub(crate) new_handshakes: Lines,
}

/// The hooks of the application.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) admission: Option<Arc<Admission>>,
    pub(crate) initial_headers: Option<Arc<InitialHeaders>>,
    pub(crate) engine: Option<Arc<dyn EngineHandler>>,
    pub(crate) after_events: Option<Arc<AfterEvents>>,
    pub(crate) recognize: Option<Arc<Recognize>>,
}

/// Counters that assign numbers.
#[derive(Default)]
pub(crate) struct Numbers {
    workers: AtomicUsize,
    polls: AtomicU64,
    arrivals: Arrivals,
}

impl Shared {
    /// The definition for a name: the exact one, or the first whose pattern matches, in order of registration.
    pub(crate) fn namespace(&self, name: &str) -> Option<&Arc<Namespace>> {
        let exact = |namespace: &&Arc<Namespace>| matches!(&namespace.pattern, NamespacePattern::Exact(exact) if exact == name);
        let matches = |namespace: &&Arc<Namespace>| match &namespace.pattern {
            NamespacePattern::Exact(_) => false,
            NamespacePattern::Matching(matches) => matches(name),
        };
        self.namespaces.iter().find(exact).or_else(|| self.namespaces.iter().find(matches))
    }

    pub(crate) fn io(&self) -> Io {
        Io { reach: Arc::clone(&self.reach) }
    }

    /// The worker for a new session, in turn.
    pub(crate) fn next_worker(&self) -> u16 {
        let turn = self.numbers.workers.fetch_add(1, Ordering::Relaxed) % self.reach.mailboxes.len();
        u16::try_from(turn).expect("there are at most 65,535 workers")
    }

    pub(crate) fn next_poll(&self) -> PollNumber {
        PollNumber(self.numbers.polls.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn next_arrival(&self) -> ArrivalNumber {
        self.numbers.arrivals.next()
    }
}
