//! [`Occupancy`]: what connections take before anybody knows who they are: file descriptors, and memory for input that
//! is not complete.
//!
//! ```text
//!  accept ─► Descriptor, and a Stay ─► joined: the stay ends, and begins again with unfinished input
//!     │                          └─ holds bytes
//!     └─ no descriptor left: overflow, which is answered with 503 or told about the health, and closed
//! ```
//!
//! When descriptors run short, the oldest connection that has not joined is closed; when memory does, the one that holds
//! most. Those who have not joined share a part of the memory, so that they never cost a joined connection anything.
//! Clients of one address that the application does not know have bounds of their own (`strangers`).
//! Nothing here is touched by a delivery. It knows neither sockets nor sessions: each says by itself how it is told to
//! leave.

mod descriptors;
mod stay;
mod strangers;
mod visit;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tally::Counters;
use tokio::sync::Notify;

pub use self::descriptors::raise_descriptor_limit;
use self::stay::{Entry, Group};
pub(crate) use self::stay::{Exit, Portion, Stay};
pub use self::strangers::StrangerBounds;
pub(crate) use self::strangers::{AddressFull, Resident, Standing};
use self::strangers::{Home, Strangers};
pub(crate) use self::visit::{Visit, Visits};
use crate::peer::Network;
use crate::stats::{OccupancyCount, OccupancyStats};

/// Of the memory for unfinished input, so many quarters are for those who have not joined.
const UNJOINED_QUARTERS: usize = 3;

/// Who has not joined for so long may be closed because there are many such connections. Clients join faster than
/// that, so a storm of them is not an attack. If there is no descriptor left, nobody has this time.
const GRACE: Duration = Duration::from_secs(1);

/// Connections beyond all bounds that are answered at a time; one more, and the oldest of them gets no answer.
const OVERFLOW_MAX: usize = 8;

/// How long others wait for connections that have been told to leave.
const LEAVING_TIME: Duration = Duration::from_millis(200);

/// Memory is freed until so much of a bound is used, so that not every byte more has to look for the largest holder.
const RELIEVED: (usize, usize) = (15, 16);

/// What a connection of hyper takes: its buffer, and the state of a request.
pub(crate) const HTTP_BYTES: usize = 12 << 10;

/// What hyper's buffers take while a body arrives.
pub(crate) const BODY_BYTES: usize = 32 << 10;

/// What any connection takes: its task, its session.
pub(crate) const CONNECTION_BYTES: usize = 1 << 10;

/// The bounds of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Open connections.
    pub(crate) connections: usize,
    /// Those of them that have not joined.
    pub(crate) unjoined: usize,
    /// Bytes of unfinished input of all connections.
    pub(crate) bytes: usize,
    /// Bytes of those that have not joined.
    pub(crate) unjoined_bytes: usize,
}

impl Bounds {
    /// Bounds for so many connections, of which so many percent may not have joined, and so many bytes.
    pub(crate) fn new(connections: usize, unjoined_percent: usize, bytes: usize) -> Self {
        let unjoined = connections.saturating_mul(unjoined_percent.min(100)) / 100;
        Self { connections, unjoined: unjoined.max(1), bytes, unjoined_bytes: bytes / 4 * UNJOINED_QUARTERS }
    }

    /// How many connections the process has descriptors for, beside so many for other things; `None` without a limit.
    pub(crate) fn connections_here(workers: usize, reserved: usize) -> Option<usize> {
        descriptors::connections_max(OVERFLOW_MAX + reserved, workers)
    }
}

/// The connections of a server, as far as they are a burden.
pub(crate) struct Occupancy {
    bounds: Bounds,
    /// Descriptors of connections that we have accepted.
    descriptors: AtomicUsize,
    /// Connections that were told to leave and have not left; those without a descriptor do not count.
    leaving: AtomicUsize,
    /// A descriptor is free again.
    freed: Notify,
    held: AtomicUsize,
    held_unjoined: AtomicUsize,
    strangers: Arc<Strangers>,
    counts: Counters<OccupancyCount>,
    stays: Mutex<Stays>,
}

#[derive(Default)]
struct Stays {
    /// Those that have sent nothing yet.
    silent: BTreeMap<u64, Arc<Entry>>,
    unjoined: BTreeMap<u64, Arc<Entry>>,
    /// Joined connections that hold unfinished input, or did.
    joined: BTreeMap<u64, Arc<Entry>>,
    overflow: BTreeMap<u64, Arc<Entry>>,
    last: u64,
}

/// How a connection is let in.
pub(crate) enum Arrival {
    Admitted(Descriptor, Stay),
    /// There is no room for it: it gets a short answer.
    Overflow(Stay),
}

impl Occupancy {
    pub(crate) fn new(bounds: Bounds, strangers: StrangerBounds) -> Arc<Self> {
        Arc::new(Self {
            bounds,
            descriptors: AtomicUsize::new(0),
            leaving: AtomicUsize::new(0),
            freed: Notify::new(),
            held: AtomicUsize::new(0),
            held_unjoined: AtomicUsize::new(0),
            strangers: Strangers::new(strangers),
            counts: Counters::spread(),
            stays: Mutex::default(),
        })
    }

    pub(crate) fn stats(&self) -> OccupancyStats {
        OccupancyStats {
            counts: self.counts.counts(),
            descriptors: self.descriptors.load(Ordering::Relaxed) as u64,
            held_bytes: self.held.load(Ordering::Relaxed) as u64,
            strange_addresses: self.strangers.addresses() as u64,
        }
    }

    pub(crate) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Bytes that connections hold.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// A connection was accepted. If that is one too many, the oldest one leaves that has not joined.
    pub(crate) fn accepted(self: &Arc<Self>) -> Descriptor {
        self.descriptors.fetch_add(1, Ordering::Relaxed);
        if self.is_over() {
            self.show_oldest_out();
        }
        Descriptor(Arc::clone(self))
    }

    /// Waits for those that have to leave, if there are too many connections.
    pub(crate) async fn make_room(&self) {
        let wait = async {
            loop {
                let freed = self.freed.notified();
                if !self.is_over() || self.leaving.load(Ordering::Relaxed) == 0 {
                    return;
                }
                freed.await;
            }
        };
        // If a worker is busy for so long, the new connection is turned away.
        drop(tokio::time::timeout(LEAVING_TIME, wait).await);
    }

    /// Lets a connection in that was accepted, if there is room for it.
    pub(crate) fn arrive(self: &Arc<Self>, descriptor: Descriptor, now: Instant) -> Arrival {
        if self.is_over() {
            drop(descriptor);
            let stay = Stay::new(self, Group::Overflow, now, CONNECTION_BYTES);
            self.bound_overflow();
            return Arrival::Overflow(stay);
        }
        let stay = Stay::new(self, Group::Silent, now, CONNECTION_BYTES);
        self.bound_unjoined(now);
        Arrival::Admitted(descriptor, stay)
    }

    /// Somebody who has not joined, and who takes so many bytes already.
    pub(crate) fn stranger(self: &Arc<Self>, now: Instant, bytes: usize) -> Stay {
        let stay = Stay::new(self, Group::Unjoined, now, bytes);
        self.bound_unjoined(now);
        stay
    }

    /// A joined connection that begins to hold unfinished input.
    pub(crate) fn member(self: &Arc<Self>, now: Instant) -> Stay {
        Stay::new(self, Group::Joined, now, 0)
    }

    /// A session of an address begins. If that is one too many, the oldest one of the address leaves that has not joined.
    pub(crate) fn begin(
        &self,
        network: Option<Network>,
        now: Instant,
    ) -> Result<Option<Resident>, AddressFull> {
        let Some(resident) = network.and_then(|network| self.strangers.begin(network)) else {
            return Ok(None);
        };
        if resident.is_one_too_many() && !self.show_oldest_resident_out(resident.home(), now) {
            return Err(AddressFull);
        }
        Ok(Some(resident))
    }

    /// Tells the oldest session of an address to leave that has not joined and had the time for it; false if there is none.
    fn show_oldest_resident_out(&self, home: &Arc<Home>, now: Instant) -> bool {
        let mut stays = self.stays();
        let is_meant = |entry: &Entry| entry.is_of(home) && entry.is_old(now);
        let oldest = stays.unjoined.iter().find(|(_, entry)| is_meant(entry)).map(|(number, _)| *number);
        let oldest = oldest.and_then(|number| stays.unjoined.remove(&number));
        drop(stays);
        let Some(entry) = oldest else { return false };
        self.counts.add(OccupancyCount::LimitConnectionsPerAddress, 1);
        entry.show_out(self, Exit::Crowded)
    }

    /// Tells the oldest connection to leave that has not joined, one that has sent nothing before the others.
    pub(crate) fn show_oldest_out(&self) {
        let mut stays = self.stays();
        let oldest = stays.silent.pop_first().or_else(|| stays.unjoined.pop_first());
        drop(stays);
        if let Some((_, entry)) = oldest {
            self.counts.add(OccupancyCount::LimitConnections, 1);
            entry.show_out(self, Exit::Crowded);
        }
    }

    /// Tells the oldest session to leave that has not joined; false if there is none.
    pub(crate) fn show_oldest_session_out(&self) -> bool {
        let mut stays = self.stays();
        let oldest = stays.unjoined.iter().find(|(_, entry)| entry.is_session()).map(|(number, _)| *number);
        let oldest = oldest.and_then(|number| stays.unjoined.remove(&number));
        drop(stays);
        let Some(entry) = oldest else { return false };
        self.counts.add(OccupancyCount::LimitConnections, 1);
        entry.show_out(self, Exit::Crowded)
    }

    fn is_over(&self) -> bool {
        let leaving = self.leaving.load(Ordering::Relaxed).min(OVERFLOW_MAX);
        self.descriptors.load(Ordering::Relaxed) > self.bounds.connections.saturating_add(leaving)
    }

    fn bound_unjoined(&self, now: Instant) {
        loop {
            let mut stays = self.stays();
            if stays.silent.len() + stays.unjoined.len() <= self.bounds.unjoined {
                return;
            }
            let silent = take_old(&mut stays.silent, now);
            let oldest = silent.or_else(|| take_old(&mut stays.unjoined, now));
            let Some(entry) = oldest else { return };
            drop(stays);
            self.counts.add(OccupancyCount::LimitUnjoinedPercent, 1);
            entry.show_out(self, Exit::Crowded);
        }
    }

    fn bound_overflow(&self) {
        let mut stays = self.stays();
        let surplus = stays.overflow.len() > OVERFLOW_MAX;
        let oldest = if surplus { stays.overflow.pop_first() } else { None };
        drop(stays);
        if let Some((_, entry)) = oldest {
            entry.show_out(self, Exit::Crowded);
        }
    }

    /// Frees memory if too much is held, by an address or by all: the largest holders go first.
    fn relieve(&self, home: Option<&Arc<Home>>) {
        if let Some(home) = home
            && home.held.load(Ordering::Relaxed) > home.input_bytes_max()
        {
            let what = OccupancyCount::LimitInputBytesPerAddress;
            self.show_largest_out(what, &home.held, home.input_bytes_max(), |stays| {
                let all = [&stays.joined, &stays.unjoined].into_iter().flatten();
                all.filter(|(_, entry)| entry.is_of(home)).collect()
            });
        }
        let Bounds { bytes, unjoined_bytes, .. } = self.bounds;
        if self.held_unjoined.load(Ordering::Relaxed) > unjoined_bytes {
            let what = OccupancyCount::LimitInputBytes;
            self.show_largest_out(what, &self.held_unjoined, unjoined_bytes, |stays| {
                [&stays.silent, &stays.unjoined].into_iter().flatten().collect()
            });
        }
        if self.held.load(Ordering::Relaxed) > bytes {
            self.show_largest_out(OccupancyCount::LimitInputBytes, &self.held, bytes, |stays| {
                [&stays.joined, &stays.silent, &stays.unjoined].into_iter().flatten().collect()
            });
        }
    }

    fn show_largest_out(
        &self,
        what: OccupancyCount,
        held: &AtomicUsize,
        bytes_max: usize,
        meant: impl FnOnce(&Stays) -> Vec<(&u64, &Arc<Entry>)>,
    ) {
        let goal = bytes_max / RELIEVED.1 * RELIEVED.0;
        let stays = self.stays();
        let mut holders: Vec<(Reverse<usize>, u64, Arc<Entry>)> = meant(&stays)
            .into_iter()
            .map(|(number, entry)| (Reverse(entry.held()), *number, Arc::clone(entry)))
            .collect();
        drop(stays);
        holders.sort_unstable_by_key(|(held, number, _)| (*held, *number));
        for (_, _, entry) in holders {
            if held.load(Ordering::Relaxed) <= goal {
                return;
            }
            self.counts.add(what, 1);
            entry.show_out(self, Exit::Memory);
        }
    }

    fn stays(&self) -> MutexGuard<'_, Stays> {
        self.stays.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Occupancy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Occupancy").field("bounds", &self.bounds).finish_non_exhaustive()
    }
}

impl Stays {
    fn group(&mut self, group: Group) -> &mut BTreeMap<u64, Arc<Entry>> {
        match group {
            Group::Silent => &mut self.silent,
            Group::Unjoined => &mut self.unjoined,
            Group::Joined => &mut self.joined,
            Group::Overflow => &mut self.overflow,
        }
    }

    fn add(&mut self, group: Group, entry: &Arc<Entry>) -> u64 {
        self.last += 1;
        let number = self.last;
        self.group(group).insert(number, Arc::clone(entry));
        number
    }

    /// Takes one off the lists of those that have not joined; false if it is not on one.
    fn unlist(&mut self, number: u64) -> bool {
        self.silent.remove(&number).is_some() || self.unjoined.remove(&number).is_some()
    }

    /// Numbers are unique in all groups.
    fn forget(&mut self, number: u64) {
        for group in [Group::Silent, Group::Unjoined, Group::Joined, Group::Overflow] {
            self.group(group).remove(&number);
        }
    }
}

/// Takes the oldest one off a list, if its grace is over.
fn take_old(group: &mut BTreeMap<u64, Arc<Entry>>, now: Instant) -> Option<Arc<Entry>> {
    let oldest = group.first_entry()?;
    let is_old = oldest.get().is_old(now);
    is_old.then(|| oldest.remove())
}

/// The descriptor of an accepted connection, counted until it is closed.
#[derive(Debug)]
pub(crate) struct Descriptor(Arc<Occupancy>);

impl Drop for Descriptor {
    fn drop(&mut self) {
        self.0.descriptors.fetch_sub(1, Ordering::Relaxed);
        self.0.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
