//! Codes that people show: how often they may be wrong, and what the operator is told.
//!
//! Whatever reads a code asks here first, and says afterwards whether the code was good.

use std::sync::{MutexGuard, PoisonError};

use chat::UserId;
use socketio_server::Peer;

use super::edge::Edge;
use super::guesses::{Asker, Guesses, Try};
use crate::stats::Count;

impl Edge {
    /// Whether a code of this peer is looked at.
    pub(super) fn try_code(&self, peer: Peer, user: Option<UserId>) -> Option<Try> {
        if !peer.rated {
            return Some(Try::default());
        }
        let askers = user.map(Asker::Person).into_iter().chain(peer.network.map(Asker::Network));
        let tried = self.guesses().admit(askers, (self.parts.environment.clock)());
        match tried {
            Ok(tried) => Some(tried),
            Err(asker) => {
                self.parts.tallies.count(match asker {
                    Asker::Person(_) => Count::LimitBadCodesPerPerson,
                    Asker::Network(_) => Count::LimitBadCodesPerAddress,
                });
                self.code_was_bad(peer);
                None
            }
        }
    }

    /// A code has led somewhere.
    pub(super) fn code_was_good(&self, tried: Try) {
        self.guesses().forgive(tried, (self.parts.environment.clock)());
    }

    /// A code has led nowhere, or was not looked at.
    pub(super) fn code_was_bad(&self, peer: Peer) {
        let Some(network) = peer.network.filter(|_| peer.rated) else { return };
        if let Some(count) = self.guesses().failed(network, (self.parts.environment.clock)()) {
            tracing::warn!(%network, count, "somebody tries codes that lead nowhere");
        }
    }

    fn guesses(&self) -> MutexGuard<'_, Guesses> {
        self.guesses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
