//! [`Requests`]: the requests of one HTTP connection: how many are answered in a row, and how fast.
//!
//! A connection may bring any number of requests at once, and hyper answers all of them in one turn. So the others have
//! theirs after a few. Over a longer time, requests beyond a rate are answered later.

use std::cell::Cell;
use std::time::Instant;

use tally::Counters;

use crate::pacing::{Pace, Rate};
use crate::stats::DoorCount;

/// So many are answered before the other connections have their turn.
const IN_A_ROW_MAX: u32 = 4;

/// So many bytes of an answer cost as much as one more request.
const BYTES_PER_COST: u64 = 16 << 10;

/// The most that one answer costs.
const COST_MAX: u64 = 100;

pub(crate) struct Requests {
    rate: Rate,
    pace: Cell<Pace>,
    in_a_row: Cell<u32>,
}

impl Requests {
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate, pace: Cell::default(), in_a_row: Cell::default() }
    }

    /// Waits until the next request may be answered.
    pub(crate) async fn admit(&self, door: &Counters<DoorCount>) {
        if let Some(wait) = self.charge(1) {
            door.add(DoorCount::LaterRequests, 1);
            self.in_a_row.set(0);
            tokio::time::sleep(wait).await;
        }
        let in_a_row = self.in_a_row.get() + 1;
        self.in_a_row.set(in_a_row % IN_A_ROW_MAX);
        if in_a_row == IN_A_ROW_MAX {
            tokio::task::yield_now().await;
        }
    }

    /// Charges for the bytes of an answer, if it says how many it has. The next request waits for it.
    pub(crate) fn answered(&self, bytes: Option<u64>) {
        let cost = (bytes.unwrap_or_default() / BYTES_PER_COST).min(COST_MAX);
        if let Ok(cost @ 1..) = u32::try_from(cost) {
            self.charge(cost);
        }
    }

    fn charge(&self, cost: u32) -> Option<std::time::Duration> {
        let mut pace = self.pace.get();
        let wait = pace.charge(self.rate, cost, Instant::now());
        self.pace.set(pace);
        wait
    }
}
