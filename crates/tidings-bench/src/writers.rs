//! [`Writers`]: clients that write one after the other at a rate, whether or not the last message has arrived.

use std::time::{Duration, Instant};

use super::{Failure, Fleet};

pub(crate) struct Writers {
    count: u32,
    turn: u32,
    interval: Duration,
    next: Instant,
}

impl Writers {
    /// The first `count` clients, which write `per_second` messages together.
    pub(crate) fn new(count: usize, per_second: u32) -> Self {
        let interval = Duration::from_secs(1) / per_second.max(1);
        Self { count: u32::try_from(count).unwrap_or(u32::MAX), turn: 0, interval, next: Instant::now() }
    }

    /// The first of them writes now.
    pub(crate) fn begin(&mut self) {
        self.next = Instant::now();
    }

    /// How long nobody has to write.
    pub(crate) fn wait(&self) -> Duration {
        self.next.saturating_duration_since(Instant::now())
    }

    /// Lets those write whose time has come.
    pub(crate) fn write(&mut self, fleet: &mut Fleet) -> Result<(), Failure> {
        fleet.ledger.complete.clear();
        fleet.answered.clear();
        while self.count > 0 && Instant::now() >= self.next {
            fleet.send(self.turn % self.count, 1)?;
            self.turn = self.turn.wrapping_add(1);
            self.next += self.interval;
        }
        Ok(())
    }
}
