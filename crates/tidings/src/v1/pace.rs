//! [`Pace`]: what one connection has used of a rate. What is beyond the rate is not charged, so that somebody who sends too
//! much all the time still gets the rate. Time is an argument.

use std::time::{Duration, Instant};

use crate::allowance::Rate;

/// What one connection has used of one rate.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When all that was admitted would have been done at the rate.
    done_at: Option<Instant>,
}

impl Pace {
    /// Whether the rate allows one more now.
    pub(super) fn admits(&mut self, rate: Rate, now: Instant) -> bool {
        if rate.per_second == 0 {
            return true;
        }
        let owed = self.done_at.map_or(Duration::ZERO, |done_at| done_at.saturating_duration_since(now));
        let owed = owed + rate.time_of(1);
        let is_admitted = rate.wait(owed).is_none();
        if is_admitted {
            self.done_at = now.checked_add(owed);
        }
        is_admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 5, burst: 20 };

    fn admitted(times: impl Iterator<Item = Instant>) -> usize {
        let mut pace = Pace::default();
        times.filter(|now| pace.admits(RATE, *now)).count()
    }

    #[test]
    fn a_burst_is_admitted_and_then_the_rate_however_much_comes() {
        let start = Instant::now();
        assert_eq!(admitted((0..1_000).map(|_| start)), 20);
        let every =
            |millis: u64| (0..10_000 / millis).map(move |n| start + Duration::from_millis(n * millis));
        assert!((69..=70).contains(&admitted(every(1))), "20 at once and 5 a second for 10 seconds");
        assert!((69..=70).contains(&admitted(every(10))));
    }

    #[test]
    fn half_of_the_rate_is_always_admitted() {
        let start = Instant::now();
        assert_eq!(admitted((0..1_000_u32).map(|n| start + Duration::from_millis(400) * n)), 1_000);
    }

    #[test]
    fn without_a_rate_all_is_admitted() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert!((0..1_000).all(|_| pace.admits(Rate::OFF, now)));
    }
}
