//! [`Strangers`]: what clients of one address take together, as long as the application does not know them.
//!
//! A session is a [`Resident`] of its address until it ends, or until the application vouches for its client. So an office
//! behind one address does not slow itself down, and a crowd of invented people takes no more than one address may.
//! Clients to whom no rate applies, such as those on loopback, are nobody's residents. Time is an argument.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::pacing::{Pace, Rate};
use crate::peer::Network;
use crate::planted::{self, Bug};
use crate::rare::{self, Rare};

/// What clients of one address may take together for whom the application does not vouch: see
/// [`ConnectRequest::vouch`](crate::ConnectRequest::vouch). Clients to whom no rate applies are not bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StrangerBounds {
    /// Connections that have joined a namespace, and as many that have not. If one more wants to join, it is refused with
    /// `connect_error` and `data.code` `busy`. If one more is opened, the oldest one is closed that has not joined for a
    /// second; without such a one, the handshake is answered with 503. 0 switches this limit off.
    pub connections_max: usize,
    /// Bytes of unfinished input, as much as the allocator gives for it. Beyond that, those connections of the address
    /// are closed that hold most. 0 switches this limit off.
    pub input_bytes_max: usize,
    /// Events, counted as in [`Pacing::events`](crate::Pacing::events). Connections beyond this are read later. A rate of 0
    /// switches this limit off.
    pub events: Rate,
}

/// The addresses whose clients are there.
pub(super) struct Strangers {
    bounds: StrangerBounds,
    /// Each with the number of its residents.
    homes: Mutex<HashMap<Network, (Arc<Home>, usize)>>,
}

/// What the residents of one address take.
#[derive(Default)]
pub(super) struct Home {
    unjoined: AtomicUsize,
    joined: AtomicUsize,
    /// Bytes of unfinished input.
    pub(super) held: AtomicUsize,
    events: Mutex<Pace>,
}

/// There are as many connections from this address as may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AddressFull;

/// A session of a client that the application does not know. Dropping it makes room for another.
pub(crate) struct Resident {
    strangers: Arc<Strangers>,
    network: Network,
    home: Arc<Home>,
    has_joined: bool,
}

impl StrangerBounds {
    /// No bounds.
    pub const OFF: Self = Self { connections_max: 0, input_bytes_max: 0, events: Rate::OFF };
}

/// No bounds: an application that vouches for nobody would bound everybody.
impl Default for StrangerBounds {
    fn default() -> Self {
        Self::OFF
    }
}

impl Strangers {
    pub(super) fn new(bounds: StrangerBounds) -> Arc<Self> {
        Arc::new(Self { bounds, homes: Mutex::default() })
    }

    /// A session from an address begins, if it is bounded.
    pub(super) fn begin(self: &Arc<Self>, network: Network) -> Option<Resident> {
        if self.bounds == StrangerBounds::OFF {
            return None;
        }
        let mut homes = self.homes();
        let (home, residents) = homes.entry(network).or_default();
        *residents += 1;
        let home = Arc::clone(home);
        drop(homes);
        home.unjoined.fetch_add(1, Ordering::Relaxed);
        Some(Resident { strangers: Arc::clone(self), network, home, has_joined: false })
    }

    /// How many bytes the residents of one address may hold.
    pub(super) fn input_bytes_max(&self) -> usize {
        or_any_number(self.bounds.input_bytes_max)
    }

    /// How many addresses have residents.
    pub(super) fn addresses(&self) -> usize {
        self.homes().len()
    }

    fn homes(&self) -> MutexGuard<'_, HashMap<Network, (Arc<Home>, usize)>> {
        self.homes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resident {
    pub(super) fn home(&self) -> &Arc<Home> {
        &self.home
    }

    /// Whether more of its address have not joined than may be.
    pub(super) fn is_one_too_many(&self) -> bool {
        self.home.unjoined.load(Ordering::Relaxed) > or_any_number(self.strangers.bounds.connections_max)
    }

    /// It joins, if there is room. It stays one that has joined until it ends.
    pub(crate) fn join(&mut self) -> Result<(), AddressFull> {
        if self.has_joined {
            return Ok(());
        }
        let joined_max = or_any_number(self.strangers.bounds.connections_max);
        if self.home.joined.fetch_add(1, Ordering::Relaxed) >= joined_max {
            self.home.joined.fetch_sub(1, Ordering::Relaxed);
            rare::reached(Rare::AddressFull);
            return Err(AddressFull);
        }
        self.home.unjoined.fetch_sub(1, Ordering::Relaxed);
        self.has_joined = true;
        Ok(())
    }

    /// Charges its address for an event. Returns how long it was too early, if it was.
    pub(crate) fn charge(&self, cost: u32, now: Instant) -> Option<Duration> {
        let rate = self.strangers.bounds.events;
        if rate.per_second == 0 {
            return None;
        }
        self.home.events.lock().unwrap_or_else(PoisonError::into_inner).charge(rate, cost, now)
    }
}

impl Drop for Resident {
    fn drop(&mut self) {
        if planted::is(Bug::KeepsResidents) {
            return;
        }
        let count = if self.has_joined { &self.home.joined } else { &self.home.unjoined };
        count.fetch_sub(1, Ordering::Relaxed);
        let mut homes = self.strangers.homes();
        if let Some((_, residents)) = homes.get_mut(&self.network) {
            *residents -= 1;
            if *residents == 0 {
                homes.remove(&self.network);
            }
        }
    }
}

impl fmt::Debug for Resident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resident").field("has_joined", &self.has_joined).finish_non_exhaustive()
    }
}

/// A bound of 0 is none.
fn or_any_number(bound: usize) -> usize {
    if bound == 0 { usize::MAX } else { bound }
}
