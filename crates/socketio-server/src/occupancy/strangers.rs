//! [`Strangers`]: what clients of one address take together.
//!
//! A session is a [`Resident`] of its address until it ends. Those for whose clients the application vouches are counted
//! apart and may take more: an office behind one address does not slow itself down, a crowd of invented people takes no more
//! than one address may, and neither takes anything from the other. What a session is, it stays until it ends, also when its
//! client leaves the namespace. Clients to whom no rate applies, such as those on loopback, are nobody's residents. Time is
//! an argument.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::pacing::{Pace, Rate};
use crate::peer::Network;
use crate::planted::{self, Bug};
use crate::rare::{self, Rare};

/// What clients of one address may take together. Those for whom the application vouches may take more: see
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
    /// Clients of one address for whom the application vouches may take so many times as much together, beside the others.
    /// 0 switches their limits off.
    pub vouched_factor: usize,
}

/// The addresses whose clients are there.
pub(super) struct Strangers {
    bounds: StrangerBounds,
    /// Each with the number of its residents.
    homes: Mutex<Homes>,
}

type Homes = HashMap<(Network, Standing), (Arc<Home>, usize)>;

/// Whether the application has vouched for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Standing {
    Unknown,
    Vouched,
}

/// What the residents of one address and one standing take.
#[derive(Default)]
pub(super) struct Home {
    /// What they may take.
    bounds: StrangerBounds,
    unjoined: AtomicUsize,
    joined: AtomicUsize,
    /// Bytes of unfinished input.
    pub(super) held: AtomicUsize,
    events: Mutex<Pace>,
}

/// There are as many connections from this address as may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AddressFull;

/// A session of an address. Dropping it makes room for another.
pub(crate) struct Resident {
    strangers: Arc<Strangers>,
    network: Network,
    standing: Standing,
    home: Arc<Home>,
    has_joined: bool,
}

impl StrangerBounds {
    /// No bounds.
    pub const OFF: Self =
        Self { connections_max: 0, input_bytes_max: 0, events: Rate::OFF, vouched_factor: 0 };

    /// Those of clients with this standing.
    fn of(self, standing: Standing) -> Self {
        match standing {
            Standing::Unknown => self,
            Standing::Vouched => Self {
                connections_max: self.connections_max.saturating_mul(self.vouched_factor),
                input_bytes_max: self.input_bytes_max.saturating_mul(self.vouched_factor),
                events: self.events.times(self.vouched_factor),
                ..self
            },
        }
    }
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
        if self.bounds
            == (StrangerBounds { vouched_factor: self.bounds.vouched_factor, ..StrangerBounds::OFF })
        {
            return None;
        }
        let home = self.enter(network, Standing::Unknown);
        home.unjoined.fetch_add(1, Ordering::Relaxed);
        let strangers = Arc::clone(self);
        Some(Resident { strangers, network, standing: Standing::Unknown, home, has_joined: false })
    }

    fn enter(&self, network: Network, standing: Standing) -> Arc<Home> {
        let mut homes = self.homes();
        let (home, residents) = homes.entry((network, standing)).or_insert_with(|| {
            let home = Home { bounds: self.bounds.of(standing), ..Home::default() };
            (Arc::new(home), 0)
        });
        *residents += 1;
        Arc::clone(home)
    }

    fn leave(&self, network: Network, standing: Standing) {
        let mut homes = self.homes();
        if let Some((_, residents)) = homes.get_mut(&(network, standing)) {
            *residents -= 1;
            if *residents == 0 {
                homes.remove(&(network, standing));
            }
        }
    }

    /// How many addresses have residents for whom nobody has vouched.
    pub(super) fn addresses(&self) -> usize {
        self.homes().keys().filter(|(_, standing)| *standing == Standing::Unknown).count()
    }

    fn homes(&self) -> MutexGuard<'_, Homes> {
        self.homes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Home {
    /// How many bytes its residents may hold.
    pub(super) fn input_bytes_max(&self) -> usize {
        or_any_number(self.bounds.input_bytes_max)
    }

    /// One more of its residents joins.
    fn admit(&self) -> Result<(), AddressFull> {
        if self.joined.fetch_add(1, Ordering::Relaxed) >= or_any_number(self.bounds.connections_max) {
            self.joined.fetch_sub(1, Ordering::Relaxed);
            rare::reached(Rare::AddressFull);
            return Err(AddressFull);
        }
        Ok(())
    }
}

impl Resident {
    pub(super) fn home(&self) -> &Arc<Home> {
        &self.home
    }

    /// Whether more of its address have not joined than may be.
    pub(super) fn is_one_too_many(&self) -> bool {
        self.home.unjoined.load(Ordering::Relaxed) > or_any_number(self.home.bounds.connections_max)
    }

    pub(crate) fn standing(&self) -> Standing {
        self.standing
    }

    /// It joins, if there is room. It stays one that has joined until it ends.
    pub(crate) fn join(&mut self) -> Result<(), AddressFull> {
        if !self.has_joined {
            self.home.admit()?;
            self.home.unjoined.fetch_sub(1, Ordering::Relaxed);
            self.has_joined = true;
        }
        Ok(())
    }

    /// The same for one for whose client the application vouches. Until it ends it counts among those.
    pub(crate) fn join_vouched(&mut self) -> Result<(), AddressFull> {
        if self.standing == Standing::Vouched {
            return self.join();
        }
        let home = self.strangers.enter(self.network, Standing::Vouched);
        if let Err(full) = home.admit() {
            self.strangers.leave(self.network, Standing::Vouched);
            return Err(full);
        }
        self.end();
        (self.standing, self.home, self.has_joined) = (Standing::Vouched, home, true);
        Ok(())
    }

    /// It is no resident of its home any more.
    fn end(&self) {
        let count = if self.has_joined { &self.home.joined } else { &self.home.unjoined };
        count.fetch_sub(1, Ordering::Relaxed);
        self.strangers.leave(self.network, self.standing);
    }

    /// Charges its address for an event. Returns how long it was too early, if it was.
    pub(crate) fn charge(&self, cost: u32, now: Instant) -> Option<Duration> {
        let rate = self.home.bounds.events;
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
        self.end();
    }
}

impl fmt::Debug for Resident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { standing, has_joined, .. } = self;
        f.debug_struct("Resident")
            .field("standing", standing)
            .field("has_joined", has_joined)
            .finish_non_exhaustive()
    }
}

/// A bound of 0 is none.
fn or_any_number(bound: usize) -> usize {
    if bound == 0 { usize::MAX } else { bound }
}
