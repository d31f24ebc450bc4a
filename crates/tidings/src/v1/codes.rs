//! Codes that people show: how often they may be wrong, and what the operator is told.
//!
//! Whatever reads a code looks it up, and says here if it led nowhere. So nobody's bad codes keep a good one from working.

use std::sync::{MutexGuard, PoisonError};

use chat::{Trust, UserId};
use socketio_server::Peer;

use super::edge::Edge;
use super::guesses::{Asker, Guesses};
use crate::payer::{Neighbours, Payer};
use crate::stats::Count;

impl Edge {
    /// A code of this peer has led nowhere. Returns whether they are told so: beyond the limit they are only told that they
    /// are too fast.
    pub(super) fn may_fail(&self, peer: Peer, user: Option<UserId>) -> bool {
        let payer = Payer { peer, person: user.map(|user| (user, self.trust(peer, user))) };
        if !peer.rated {
            return true;
        }
        let neighbours = payer.neighbours();
        let askers = user.map(Asker::Person).into_iter().chain(neighbours.map(Asker::Neighbours));
        let (mut guesses, now) = (self.guesses(), (self.parts.environment.clock)());
        let charged = guesses.charge(askers, now);
        let untold = neighbours.and_then(|all| Some((all.network, guesses.failed(all, now)?)));
        drop(guesses);
        if let Some((network, count)) = untold {
            tracing::warn!(%network, count, "somebody tries codes that lead nowhere");
        }
        if let Err(asker) = charged {
            self.parts.tallies.count(match asker {
                Asker::Person(_) => Count::LimitBadCodesPerPerson,
                Asker::Neighbours(Neighbours { trust: Trust::Guest, .. }) => Count::LimitBadCodesPerAddress,
                Asker::Neighbours(Neighbours { trust: Trust::Member, .. }) => Count::LimitMembersPerAddress,
            });
        }
        charged.is_ok()
    }

    fn guesses(&self) -> MutexGuard<'_, Guesses> {
        self.guesses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
