//! [`Visit`]: an HTTP connection that may turn out to belong to somebody who has joined.

use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Exit, Portion, Stay};

/// An HTTP connection among those that have not joined, until it carries a request of a session that has. Its requests
/// have this among their extensions.
#[derive(Clone, Debug)]
pub(crate) struct Visit(Arc<Visiting>);

#[derive(Debug)]
struct Visiting {
    stay: Mutex<Option<Stay>>,
    told: Portion,
}

impl Visit {
    pub(crate) fn new(stay: Stay) -> Self {
        let told = stay.another();
        Self(Arc::new(Visiting { stay: Mutex::new(Some(stay)), told }))
    }

    /// It belongs to a client that has joined.
    pub(crate) fn joined(&self) {
        let stay = self.0.stay.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(stay);
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
