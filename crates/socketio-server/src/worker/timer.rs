//! [`Timers`]: the deadlines of all sessions of one worker, coarse and cheap.
//!
//! A map of ticks has one entry for each session, instead of a timer for each connection. An entry is never removed:
//! when its tick fires, the session decides whether it is still valid.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::sid::SessionKey;

const TICK_MILLIS: u64 = 10;

/// A moment in ticks since the start of the worker, rounded up, so that nothing fires early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(u64);

#[derive(Debug)]
pub(crate) struct Timers {
    start: Instant,
    ticks: BTreeMap<Tick, Vec<SessionKey>>,
}

impl Timers {
    pub(crate) fn new(start: Instant) -> Self {
        Self { start, ticks: BTreeMap::new() }
    }

    pub(crate) fn tick_of(&self, at: Instant) -> Tick {
        let micros = at.saturating_duration_since(self.start).as_micros();
        Tick(u64::try_from(micros.div_ceil(u128::from(TICK_MILLIS) * 1_000)).unwrap_or(u64::MAX))
    }

    pub(crate) fn insert(&mut self, tick: Tick, key: SessionKey) {
        self.ticks.entry(tick).or_default().push(key);
    }

    /// When the next tick with an entry is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.ticks.first_key_value().and_then(|(tick, _)| self.moment(*tick))
    }

    /// `None` for a moment that the clock cannot represent.
    fn moment(&self, Tick(tick): Tick) -> Option<Instant> {
        self.start.checked_add(Duration::from_millis(tick.checked_mul(TICK_MILLIS)?))
    }

    /// Removes the entries that are due; returns them with their ticks.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<(Tick, SessionKey)> {
        let mut due = Vec::new();
        while self.next().is_some_and(|next| next <= now)
            && let Some((tick, keys)) = self.ticks.pop_first()
        {
            due.extend(keys.into_iter().map(|key| (tick, key)));
        }
        due
    }
}
