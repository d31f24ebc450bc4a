//! [`Stay`]: one connection in the [`Occupancy`], with what it holds and how it is told to leave.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use super::strangers::Home;
use super::{GRACE, Occupancy, Resident};
use crate::planted::{self, Bug};

/// Why a connection is told to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// There are too many connections that have not joined.
    Crowded,
    /// There is too much unfinished input, and this connection holds most of it.
    Memory,
    /// It has ended by itself.
    Ended,
}

/// Where a connection is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Silent,
    Unjoined,
    Joined,
    Overflow,
}

type Teller = Box<dyn FnOnce(Exit) + Send>;

pub(super) struct Entry {
    pub(super) since: Instant,
    state: Mutex<State>,
    told: Notify,
}

struct State {
    group: Group,
    held: usize,
    /// The address that it counts for, if any.
    home: Option<Arc<Home>>,
    teller: Option<Teller>,
    /// Set once it was told to leave. From then on what it holds counts no more: it is about to be freed.
    exit: Option<Exit>,
}

impl Entry {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn held(&self) -> usize {
        self.state().held
    }

    /// Whether it counts for an address.
    pub(super) fn is_of(&self, home: &Arc<Home>) -> bool {
        self.state().home.as_ref().is_some_and(|own| Arc::ptr_eq(own, home))
    }

    /// Whether it has had the time to join.
    pub(super) fn is_old(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= GRACE
    }

    /// Whether it is a session, and not only a connection.
    pub(super) fn is_session(&self) -> bool {
        self.state().teller.is_some()
    }

    /// Tells the connection to leave, once; false if it was told before.
    pub(super) fn show_out(&self, occupancy: &Occupancy, exit: Exit) -> bool {
        let mut state = self.state();
        if state.exit.is_some() {
            return false;
        }
        state.exit = Some(exit);
        let held = state.held;
        state.change(occupancy, 0);
        let teller = state.teller.take();
        if state.group != Group::Overflow {
            occupancy.leaving.fetch_add(1, Ordering::Relaxed);
        }
        drop(state);
        if let Some(tell) = teller {
            tell(exit);
        } else {
            tracing::debug!(?exit, held, "a connection without a session has to leave");
        }
        self.told.notify_waiters();
        true
    }

    /// The connection has left. Whoever still holds a part of it is told.
    fn end(&self, occupancy: &Occupancy) {
        let mut state = self.state();
        if state.exit.is_some() {
            if state.group != Group::Overflow {
                occupancy.leaving.fetch_sub(1, Ordering::Relaxed);
            }
            return;
        }
        state.exit = Some(Exit::Ended);
        if !planted::is(Bug::KeepsInput) {
            state.change(occupancy, 0);
        }
        drop(state);
        self.told.notify_waiters();
    }
}

impl State {
    /// It holds so many bytes now.
    fn change(&mut self, occupancy: &Occupancy, held: usize) {
        let before = std::mem::replace(&mut self.held, held);
        let totals = [
            Some(&occupancy.held),
            matches!(self.group, Group::Silent | Group::Unjoined).then_some(&occupancy.held_unjoined),
            self.home.as_ref().map(|home| &home.held),
        ];
        for total in totals.into_iter().flatten() {
            total.fetch_add(held, Ordering::Relaxed);
            total.fetch_sub(before, Ordering::Relaxed);
        }
    }
}

/// A part of what a connection holds, given back when it is dropped.
pub(crate) struct Portion {
    occupancy: Arc<Occupancy>,
    entry: Arc<Entry>,
    bytes: usize,
}

impl Portion {
    fn new(occupancy: &Arc<Occupancy>, entry: &Arc<Entry>) -> Self {
        Self { occupancy: Arc::clone(occupancy), entry: Arc::clone(entry), bytes: 0 }
    }

    /// It holds so many bytes now. Whoever holds most may be told to leave for it.
    pub(crate) fn hold(&mut self, bytes: usize) {
        let before = std::mem::replace(&mut self.bytes, bytes);
        if bytes == before {
            return;
        }
        let mut state = self.entry.state();
        if state.exit.is_some() {
            return;
        }
        let held = state.held + bytes - before;
        state.change(&self.occupancy, held);
        let home = state.home.clone().filter(|_| bytes > before);
        drop(state);
        if bytes > before {
            self.occupancy.relieve(home.as_ref());
        }
    }

    /// Resolves when the connection is told to leave.
    pub(crate) async fn told(&self) -> Exit {
        loop {
            let told = self.entry.told.notified();
            if let Some(exit) = self.entry.state().exit {
                return exit;
            }
            told.await;
        }
    }
}

impl Drop for Portion {
    fn drop(&mut self) {
        self.hold(0);
    }
}

impl fmt::Debug for Portion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Portion").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// A connection that is listed, until this is dropped.
#[derive(Debug)]
pub(crate) struct Stay {
    number: u64,
    /// What it takes however little it sends.
    base: usize,
    portion: Portion,
}

impl Stay {
    pub(super) fn new(occupancy: &Arc<Occupancy>, group: Group, since: Instant, base: usize) -> Self {
        let state = State { group, held: 0, home: None, teller: None, exit: None };
        let entry = Arc::new(Entry { since, state: Mutex::new(state), told: Notify::new() });
        let number = occupancy.stays().add(group, &entry);
        let mut stay = Self { number, base, portion: Portion::new(occupancy, &entry) };
        stay.hold(0);
        stay
    }

    /// Says how it is told to leave. If that has happened already, it is told at once.
    pub(crate) fn on_exit(&self, tell: impl FnOnce(Exit) + Send + 'static) {
        let mut state = self.portion.entry.state();
        match state.exit {
            None => state.teller = Some(Box::new(tell)),
            Some(exit) => {
                drop(state);
                tell(exit);
            }
        }
    }

    /// From now on it counts for the home of a resident, or for none.
    pub(crate) fn count_for(&self, resident: Option<&Resident>) {
        let Portion { occupancy, entry, .. } = &self.portion;
        let mut state = entry.state();
        let held = state.held;
        state.change(occupancy, 0);
        state.home = resident.map(|resident| Arc::clone(resident.home()));
        state.change(occupancy, held);
    }

    /// It holds so many bytes of unfinished input now.
    pub(crate) fn hold(&mut self, bytes: usize) {
        self.portion.hold(self.base + bytes);
    }

    /// It takes so many bytes, whatever it sends.
    pub(crate) fn rebase(&mut self, base: usize) {
        let bytes = self.portion.bytes - self.base;
        self.base = base;
        self.hold(bytes);
    }

    /// Another part of what the connection holds.
    pub(crate) fn another(&self) -> Portion {
        Portion::new(&self.portion.occupancy, &self.portion.entry)
    }

    /// It has sent something. If it was told to leave meanwhile, it stays: somebody else will leave in its place.
    pub(crate) fn spoke(&mut self) {
        let Portion { occupancy, entry, .. } = &self.portion;
        let mut stays = occupancy.stays();
        if stays.silent.remove(&self.number).is_some() {
            self.number = stays.add(Group::Unjoined, entry);
            drop(stays);
            entry.state().group = Group::Unjoined;
            return;
        }
        drop(stays);
        if entry.state().exit == Some(Exit::Crowded) {
            *self = Self::new(&Arc::clone(occupancy), Group::Unjoined, entry.since, self.base);
        }
    }

    /// The connection has joined. Its stay ends if nothing is held.
    pub(crate) fn joined(mut self) -> Option<Self> {
        self.rebase(0);
        let Portion { occupancy, entry, bytes } = &self.portion;
        let is_listed = occupancy.stays().unlist(self.number);
        // The list had one, and the stay has one.
        let is_shared = Arc::strong_count(entry) > 1;
        if !is_listed || (*bytes == 0 && !is_shared) {
            return None;
        }
        let mut state = entry.state();
        let held = state.held;
        state.change(occupancy, 0);
        state.group = Group::Joined;
        state.change(occupancy, held);
        drop(state);
        self.number = occupancy.stays().add(Group::Joined, entry);
        Some(self)
    }

    /// Resolves when the connection is told to leave.
    pub(crate) async fn told(&self) -> Exit {
        self.portion.told().await
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        let Portion { occupancy, entry, .. } = &self.portion;
        occupancy.stays().forget(self.number);
        entry.end(occupancy);
    }
}
