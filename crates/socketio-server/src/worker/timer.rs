//! [`Timers`]: the deadlines of all sessions of one worker, coarse and cheap.
//!
//! One entry per session in a map of ticks, in place of one timer per connection. An entry is never removed:
//! when its tick fires, the session says whether it still means it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::sid::SessionKey;

const TICK_MILLIS: u64 = 10;

/// A moment in ticks since the worker started, rounded up: nothing fires early.
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

    /// When the next tick with an entry falls due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.ticks.first_key_value().and_then(|(tick, _)| self.moment(*tick))
    }

    /// `None` for a moment that the clock cannot name.
    fn moment(&self, Tick(tick): Tick) -> Option<Instant> {
        self.start.checked_add(Duration::from_millis(tick.checked_mul(TICK_MILLIS)?))
    }

    /// Takes out the entries that are due, with the tick each was made for.
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
