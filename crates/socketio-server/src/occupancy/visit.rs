//! [`Visit`]: an HTTP connection that may turn out to belong to somebody who has joined.

use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Exit, Portion, Stay};

/// HTTP connections that one session may have beside those of strangers. A browser has six for one host.
const VISITS_MAX: usize = 8;

/// Whose it is.
#[derive(Debug)]
struct Status {
    /// Among those that have not joined.
    stay: Option<Stay>,
    /// It belongs to a session, and is one of its connections.
    visits: Option<Visits>,
}

/// The HTTP connections of a session that has joined. The session has one, and so has each of the connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct Visits(Arc<()>);

impl Visits {
    fn are_too_many(&self) -> bool {
        Arc::strong_count(&self.0) > VISITS_MAX
    }
}

/// An HTTP connection among those that have not joined, until it carries a request of a session that has. Its requests
/// have this among their extensions.
#[derive(Clone, Debug)]
pub(crate) struct Visit(Arc<Visiting>);

#[derive(Debug)]
struct Visiting {
    status: Mutex<Status>,
    told: Portion,
}

impl Visit {
    pub(crate) fn new(stay: Stay) -> Self {
        let told = stay.another();
        Self(Arc::new(Visiting { status: Mutex::new(Status { stay: Some(stay), visits: None }), told }))
    }

    /// It belongs to a client that has joined, unless that has so many already: whoever names a session could make any number
    /// of connections stay.
    pub(crate) fn joined(&self, visits: &Visits) {
        let mut status = self.0.status.lock().unwrap_or_else(PoisonError::into_inner);
        if status.visits.is_none() && !visits.are_too_many() {
            status.visits = Some(visits.clone());
            let stay = status.stay.take();
            drop(status);
            drop(stay);
        }
    }

    /// Resolves when it is told to leave.
    pub(crate) async fn told(&self) {
        match self.0.told.told().await {
            Exit::Crowded | Exit::Memory => {}
            // It is not listed any more.
            Exit::Ended => pending().await,
        }
    }
}
