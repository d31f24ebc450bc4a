//! [`Debts`]: what many have used of a [`Rate`], each as the time at which it is paid back.
//!
//! Only those who owe something are remembered, and a bounded number of them: of more, the one who owes least is
//! forgotten. Time is an argument.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::time::{Duration, Instant};

/// What each of many owes; with something else that is remembered of them as long as they owe.
#[derive(Debug)]
pub(crate) struct Debts<K, V = ()> {
    owed: HashMap<K, (Instant, V)>,
    /// The same, in the order of time.
    order: BTreeSet<(Instant, K)>,
    count_max: usize,
}

impl<K: Copy + Eq + Hash + Ord, V: Default> Debts<K, V> {
    /// Nobody owes anything. At most `count_max` are remembered.
    pub(crate) fn new(count_max: usize) -> Self {
        Self { owed: HashMap::new(), order: BTreeSet::new(), count_max }
    }

    /// The time after which everything is paid back.
    pub(crate) fn of(&self, who: K, now: Instant) -> Duration {
        self.owed.get(&who).map_or(Duration::ZERO, |(until, _)| until.saturating_duration_since(now))
    }

    /// What is remembered of somebody who owes something.
    pub(crate) fn note(&mut self, who: K, now: Instant) -> Option<&mut V> {
        self.owed.get_mut(&who).filter(|(until, _)| *until > now).map(|(_, value)| value)
    }

    /// Adds to a debt.
    pub(crate) fn add(&mut self, who: K, time: Duration, now: Instant) {
        while self.order.first().is_some_and(|(until, _)| *until <= now) {
            self.forget_first();
        }
        let until = now + self.of(who, now);
        self.set(who, until.checked_add(time).unwrap_or(until));
        if self.order.len() > self.count_max {
            self.forget_first();
        }
    }

    /// Takes something off a debt.
    pub(crate) fn forgive(&mut self, who: K, time: Duration, now: Instant) {
        let owed = self.of(who, now);
        if !owed.is_zero() {
            self.set(who, now + owed.saturating_sub(time));
        }
    }

    fn set(&mut self, who: K, until: Instant) {
        let (before, _) = self.owed.entry(who).or_insert_with(|| (until, V::default()));
        self.order.remove(&(std::mem::replace(before, until), who));
        self.order.insert((until, who));
    }

    fn forget_first(&mut self) {
        if let Some((_, who)) = self.order.pop_first() {
            self.owed.remove(&who);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl<K: Copy + Eq + Hash + Ord + std::fmt::Debug, V> Debts<K, V> {
        /// Compares the order with what is owed.
        fn audit(&self) {
            let order: BTreeSet<_> = self.owed.iter().map(|(who, (until, _))| (*until, *who)).collect();
            assert_eq!(self.order, order);
            assert!(self.order.len() <= self.count_max);
        }
    }

    #[test]
    fn a_bounded_number_of_debts_is_kept_and_none_that_is_paid() {
        let (mut debts, now) = (Debts::<_>::new(100), Instant::now());
        let second = Duration::from_secs(1);
        for who in 0..200_u32 {
            debts.add(who, second * (who + 1), now);
        }
        assert_eq!((debts.order.len(), debts.owed.len()), (100, 100));
        assert_eq!((debts.of(0, now), debts.of(199, now)), (Duration::ZERO, second * 200));
        debts.add(0, second, now + second * 1_000);
        assert_eq!(debts.owed.len(), 1);
    }

    proptest! {
        #[test]
        fn debts_are_those_of_a_list(acts in prop::collection::vec((0..4_usize, 0..20_u64, 0..3_u64, any::<bool>()), 0..200)) {
            let (mut debts, mut now) = (Debts::<_>::new(100), Instant::now());
            let mut owed = [0_u64; 4];
            for (who, seconds, passed, adds) in acts {
                now += Duration::from_secs(passed);
                owed = owed.map(|owed| owed.saturating_sub(passed));
                let time = Duration::from_secs(seconds);
                if adds {
                    debts.add(who, time, now);
                    owed[who] += seconds;
                } else {
                    debts.forgive(who, time, now);
                    owed[who] = owed[who].saturating_sub(seconds);
                }
                debts.audit();
                for (who, owed) in owed.into_iter().enumerate() {
                    prop_assert_eq!(debts.of(who, now), Duration::from_secs(owed));
                }
            }
        }
    }
}
