//! The rate limit of `code`, per connection and per person, so that asking is no cheaper than trying codes.
//!
//! Codes have 80 bits or a signature, so guessing is hopeless; this keeps it from being a load as well. The limit does
//! not belong to the socket: joining the namespace again, as somebody new or the same person, does not renew it. Time
//! is an argument.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use chat::UserId;
use socketio_server::ConnectionId;

/// So many at once.
const BURST: u32 = 10;

/// After that, one in this time.
const INTERVAL: Duration = Duration::from_secs(6);

/// So many have spent some of their budget. Of more, the one whose budget is nearest to whole is forgotten.
const ASKERS_MAX: usize = 10_000;

/// The holder of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Asker {
    Connection(ConnectionId),
    Person(UserId),
}

/// The budgets that are not whole.
#[derive(Debug, Default)]
pub(super) struct Guesses {
    /// When each is whole again.
    whole_at: HashMap<Asker, Instant>,
    /// The same, in the order of time.
    order: BTreeSet<(Instant, Asker)>,
}

impl Guesses {
    /// Whether all of these have budget for one more; it is spent then.
    pub(super) fn admits(&mut self, askers: &[Asker], now: Instant) -> bool {
        while self.order.first().is_some_and(|(whole_at, _)| *whole_at <= now) {
            self.forget_first();
        }
        let spent = |asker| self.whole_at.get(asker).copied().unwrap_or(now) + INTERVAL;
        let spent: Vec<(Asker, Instant)> = askers.iter().map(|asker| (*asker, spent(asker))).collect();
        let admitted = spent.iter().all(|(_, at)| at.saturating_duration_since(now) <= INTERVAL * BURST);
        if admitted {
            for (asker, at) in spent {
                self.note(asker, at);
            }
        }
        admitted
    }

    fn note(&mut self, asker: Asker, whole_at: Instant) {
        if let Some(before) = self.whole_at.insert(asker, whole_at) {
            self.order.remove(&(before, asker));
        }
        self.order.insert((whole_at, asker));
        if self.order.len() > ASKERS_MAX {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((_, asker)) = self.order.pop_first() {
            self.whole_at.remove(&asker);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl Guesses {
        /// Compares the order of the budgets with the budgets.
        fn audit(&self) {
            let order: BTreeSet<_> = self.whole_at.iter().map(|(asker, at)| (*at, *asker)).collect();
            assert_eq!(self.order, order);
        }
    }

    const ADA: Asker = Asker::Person(UserId(1));
    const BOB: Asker = Asker::Person(UserId(2));

    #[test]
    fn a_person_asks_about_ten_codes_at_once_and_ten_a_minute() {
        let (mut guesses, start) = (Guesses::default(), Instant::now());
        let mut admits = |now| guesses.admits(&[ADA], now);
        assert_eq!((0..100).filter(|_| admits(start)).count(), 10);
        let minute = (1..=600_u32).map(|tenth| start + Duration::from_millis(100) * tenth);
        assert_eq!(minute.filter(|now| admits(*now)).count(), 10);
        assert_eq!((0..100).filter(|_| admits(start + Duration::from_hours(1))).count(), 10);
    }

    #[test]
    fn a_question_costs_everybody_whom_it_is_of_and_is_refused_if_one_of_them_has_spent_all() {
        let (mut guesses, now) = (Guesses::default(), Instant::now());
        assert_eq!((0..100).filter(|_| guesses.admits(&[ADA, BOB], now)).count(), 10);
        assert!(!guesses.admits(&[BOB], now));
        let cleo = Asker::Person(UserId(3));
        assert!(!guesses.admits(&[ADA, cleo], now));
        assert_eq!(
            (0..100).filter(|_| guesses.admits(&[cleo], now)).count(),
            10,
            "the refused one cost nothing"
        );
    }

    #[test]
    fn a_bounded_number_of_budgets_is_kept_and_no_whole_one() {
        let (mut guesses, now) = (Guesses::default(), Instant::now());
        for user in 0..20_000 {
            assert!(guesses.admits(&[Asker::Person(UserId(user))], now));
        }
        assert_eq!((guesses.order.len(), guesses.whole_at.len()), (ASKERS_MAX, ASKERS_MAX));
        assert!(guesses.admits(&[ADA], now + INTERVAL));
        assert_eq!((guesses.order.len(), guesses.whole_at.len()), (1, 1));
    }

    proptest! {
        #[test]
        fn a_budget_is_ten_and_grows_by_one_in_six_seconds(
            questions in prop::collection::vec((0..4_usize, 0..4_usize, 0..20_u64), 0..200),
        ) {
            let (mut guesses, mut now) = (Guesses::default(), Instant::now());
            // The budget of each, in milliseconds that have still to pass until it is whole.
            let mut spent = [0_u64; 4];
            let (interval, burst) = (6_000, 10 * 6_000);
            for (one, other, seconds) in questions {
                now += Duration::from_secs(seconds);
                spent = spent.map(|spent| spent.saturating_sub(seconds * 1_000));
                let mut askers = vec![one, other];
                askers.dedup();
                let admitted = askers.iter().all(|user| spent[*user] + interval <= burst);
                for user in askers.iter().filter(|_| admitted) {
                    spent[*user] += interval;
                }
                let askers: Vec<Asker> = askers.into_iter().map(|user| Asker::Person(UserId(user as u64))).collect();
                prop_assert_eq!(guesses.admits(&askers, now), admitted);
                guesses.audit();
            }
            guesses.admits(&[Asker::Person(UserId(9))], now + INTERVAL * (BURST + 1));
            prop_assert_eq!(guesses.whole_at.len(), 1, "whole budgets are forgotten");
        }
    }
}
