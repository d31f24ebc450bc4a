//! The time of entries, from the wall clock, which may be wrong and may be set.
//!
//! People read these times, so they should not jump back with every correction of the clock. While the clock is a little
//! behind the last entry, new entries get the time of that entry. If it is far behind, it was far ahead before: then the
//! times go back with it, once.

use std::collections::HashMap;

use crate::decide::Decided;
use crate::entry::UnixMillis;
use crate::log::Record;
use crate::outcome::Outcome;
use crate::planted::{self, Bug};

/// A clock that is behind by no more than this is waited for.
pub(crate) const BEHIND_MAX_MILLIS: u64 = 300_000;

/// A clock that is behind by less is not worth a word.
const BEHIND_TOLD_MILLIS: u64 = 1_000;

/// Something about the clock that an operator should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Oddity {
    /// It is waited for.
    Behind,
    /// It is believed, and times go back.
    FarBehind,
}

/// Gives each entry its time.
#[derive(Clone, Debug)]
pub(crate) struct Stamps {
    last: UnixMillis,
    is_waiting: bool,
}

impl Stamps {
    /// After an entry of that time.
    pub(crate) fn after(last: UnixMillis) -> Self {
        Self { last, is_waiting: false }
    }

    /// Stamps the entries of a batch, which have the clock's time until then, and the receipts for them.
    pub(crate) fn stamp(&mut self, batch: &mut Decided) {
        let mut stamped = HashMap::new();
        for record in &mut batch.records {
            if let Record::Entry { entry, .. } = record {
                entry.at = self.time(entry.at);
                stamped.insert(entry.position, entry.at);
            }
        }
        for outcome in &mut batch.outcomes {
            if let Outcome::Stored(receipt) | Outcome::Repeated(receipt) = outcome {
                receipt.at = stamped.get(&receipt.position).copied().unwrap_or(receipt.at);
            }
        }
    }

    /// The time of an entry that was handed in when the clock showed `clock`.
    fn time(&mut self, clock: UnixMillis) -> UnixMillis {
        let behind_ms = self.last.0.saturating_sub(clock.0);
        let waits = (1..=BEHIND_MAX_MILLIS).contains(&behind_ms) && !planted::is(Bug::BelievesTheClock);
        match self.oddity(behind_ms) {
            Some(Oddity::FarBehind) => {
                tracing::warn!(
                    behind_ms,
                    "the clock is far behind the last entry: the times in the log go back"
                );
            }
            Some(Oddity::Behind) => tracing::warn!(
                behind_ms,
                "the clock is behind the last entry: new entries get the time of that one"
            ),
            None => {}
        }
        self.is_waiting = waits;
        if !waits {
            self.last = clock;
        }
        self.last
    }

    /// What the operator is told of a clock that is so far behind: once, while it is waited for, and not of a moment.
    fn oddity(&self, behind_ms: u64) -> Option<Oddity> {
        match behind_ms {
            0..BEHIND_TOLD_MILLIS => None,
            BEHIND_TOLD_MILLIS..=BEHIND_MAX_MILLIS => (!self.is_waiting).then_some(Oddity::Behind),
            _ => Some(Oddity::FarBehind),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: u64 = 1_800_000_000_000;
    const YEAR: u64 = 365 * 24 * 3_600 * 1_000;

    fn stamped(clock: &[u64]) -> Vec<u64> {
        let mut stamps = Stamps::after(UnixMillis(NOON));
        clock.iter().map(|clock| stamps.time(UnixMillis(*clock)).0).collect()
    }

    #[test]
    fn the_time_of_an_entry_is_that_of_the_clock() {
        assert_eq!(stamped(&[NOON, NOON + 1, NOON + 90_000]), [NOON, NOON + 1, NOON + 90_000]);
    }

    #[test]
    fn a_clock_that_is_set_back_a_little_is_waited_for() {
        let clock = [NOON + 60_000, NOON, NOON + 59_999, NOON + 60_001];
        assert_eq!(stamped(&clock), [NOON + 60_000, NOON + 60_000, NOON + 60_000, NOON + 60_001]);
    }

    #[test]
    fn a_log_that_was_years_ahead_comes_back_with_the_clock() {
        let clock = [NOON + 10 * YEAR, NOON + 1_000, NOON + 2_000];
        assert_eq!(stamped(&clock), clock);
        let clock = [NOON - 55 * YEAR, NOON];
        assert_eq!(stamped(&clock), clock);
    }

    #[test]
    fn an_operator_is_told_once_of_a_clock_that_is_waited_for_and_always_of_one_far_behind() {
        let (mut stamps, noon) = (Stamps::after(UnixMillis(NOON)), UnixMillis(NOON));
        assert_eq!([0, 1, 999].map(|behind| stamps.oddity(behind)), [None; 3]);
        assert_eq!([1_000, 300_000].map(|behind| stamps.oddity(behind)), [Some(Oddity::Behind); 2]);
        assert_eq!(stamps.oddity(300_001), Some(Oddity::FarBehind));
        assert_eq!(stamps.time(UnixMillis(NOON - 2_000)), noon);
        assert_eq!([1_000, 300_000].map(|behind| stamps.oddity(behind)), [None; 2]);
        assert_eq!(stamps.oddity(300_001), Some(Oddity::FarBehind));
        // The clock is right again, and then wrong a second time.
        assert_eq!(stamps.time(noon), noon);
        assert_eq!(stamps.oddity(1_000), Some(Oddity::Behind));
    }

    #[test]
    fn a_clock_is_waited_for_up_to_five_minutes() {
        assert_eq!(stamped(&[NOON - 300_000]), [NOON]);
        assert_eq!(stamped(&[NOON - 300_001]), [NOON - 300_001]);
    }

    proptest! {
        /// Whatever the clock does: the log is never ahead of it by more than the bound, and never goes back by less.
        #[test]
        fn times_run_on_and_are_never_far_ahead(steps in prop::collection::vec(-1_000_000_i64..1_000_000, 1..100)) {
            let (mut stamps, mut last, mut clock) = (Stamps::after(UnixMillis(NOON)), NOON, NOON);
            for step in steps {
                clock = clock.saturating_add_signed(step);
                let at = stamps.time(UnixMillis(clock)).0;
                prop_assert!(at >= clock && at - clock <= BEHIND_MAX_MILLIS);
                prop_assert!(at >= last || last - at > BEHIND_MAX_MILLIS);
                last = at;
            }
        }
    }
}
