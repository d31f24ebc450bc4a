//! How many codes a connection may ask about, so that asking is no cheaper than trying them.
//!
//! Codes have 80 bits or a signature, so guessing is hopeless; this keeps it from being a load as well. Has no clock.

use std::time::{Duration, Instant};

/// So many at once.
const BURST: u32 = 10;

/// After that, one in this time.
const INTERVAL: Duration = Duration::from_secs(6);

/// The questions of one connection.
#[derive(Debug, Default)]
pub(super) struct Guesses {
    /// When the budget is whole again.
    whole_at: Option<Instant>,
}

impl Guesses {
    /// Whether there is budget for one more; it is spent then.
    pub(super) fn admits(&mut self, now: Instant) -> bool {
        let whole_at = self.whole_at.map_or(now, |at| at.max(now)) + INTERVAL;
        let admitted = whole_at.saturating_duration_since(now) <= INTERVAL * BURST;
        if admitted {
            self.whole_at = Some(whole_at);
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_asks_about_ten_codes_at_once_and_ten_a_minute() {
        let (mut guesses, start) = (Guesses::default(), Instant::now());
        assert_eq!((0..100).filter(|_| guesses.admits(start)).count(), 10);
        let minute = (1..=600_u32).map(|tenth| start + Duration::from_millis(100) * tenth);
        assert_eq!(minute.filter(|now| guesses.admits(*now)).count(), 10);
        assert_eq!((0..100).filter(|_| guesses.admits(start + Duration::from_hours(1))).count(), 10);
    }
}
