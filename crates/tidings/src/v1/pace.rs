//! The rate limit of one connection: a burst, then a number of events per second.
//!
//! Beyond the limit nothing is refused: the connection is not read for a while, and everything that it sent is still
//! done, in order. So nobody can fill the shared queue, and an outbox that was offline for a week needs no special case.
//! Time is an argument. Limits per client address belong in front of the server.

use std::time::{Duration, Instant};

/// What one command or request costs; large ones cost more.
const INTERVAL: Duration = Duration::from_millis(2);

/// So much may be asked for at once: 2,000 small commands.
const BURST: Duration = Duration::from_secs(4);

/// Bytes that cost as much as one more command.
const BYTES_PER_COST: usize = 4096;

/// The pace of one connection.
#[derive(Debug, Default)]
pub struct Pace {
    /// When all that was asked for would have been done at one command per interval.
    done_at: Option<Instant>,
}

impl Pace {
    /// Charges for an event of so many bytes; for how long the connection is not to be read then, if at all.
    pub fn charge(&mut self, bytes: usize, now: Instant) -> Option<Duration> {
        let cost = u32::try_from(bytes / BYTES_PER_COST).unwrap_or(u32::MAX).saturating_add(1);
        let begun = self.done_at.map_or(now, |done_at| done_at.max(now));
        let done_at = begun + INTERVAL.saturating_mul(cost);
        self.done_at = Some(done_at);
        let ahead = done_at.saturating_duration_since(now);
        ahead.checked_sub(BURST).filter(|pause| !pause.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_what_is_beyond_waits_for_its_turn() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert!((0..2_000).all(|_| pace.charge(100, now).is_none()));
        assert_eq!(pace.charge(100, now), Some(INTERVAL));
        assert_eq!(pace.charge(100, now), Some(INTERVAL * 2));
        assert_eq!(pace.charge(100, now + INTERVAL * 3), None);
    }

    #[test]
    fn a_client_that_keeps_to_the_pace_never_waits() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        assert!((0..20_000).all(|event| pace.charge(100, start + INTERVAL * event).is_none()));
    }

    #[test]
    fn a_large_command_costs_as_much_as_several() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert!((0..400).all(|_| pace.charge(4 * BYTES_PER_COST, now).is_none()));
        assert!(pace.charge(4 * BYTES_PER_COST, now).is_some());
    }

    #[test]
    fn a_rest_is_not_saved_up_beyond_a_burst() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        pace.charge(100, start);
        let later = start + Duration::from_hours(1);
        assert!((0..2_000).all(|_| pace.charge(100, later).is_none()));
        assert!(pace.charge(100, later).is_some());
    }
}
