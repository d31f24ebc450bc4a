//! `Guesses`: the limit on codes that lead nowhere: links, invites, and the owner's code.
//!
//! Codes have 80 bits or a signature, so guessing is hopeless; this keeps bad ones out of the log, and tells the operator. A
//! network and a person may fail a number of times. After that, each further failure has to wait longer than the one before,
//! until they have not failed for a while. A good code costs nothing and is never refused, whatever others behind the same
//! network do: whoever has one needs no delay. Joining again, as somebody new, does not renew the limit of a network. Time is
//! an argument.

use std::time::{Duration, Instant};

use chat::UserId;

use crate::debts::Debts;
use crate::payer::{Neighbours, Widen, Widening};

/// So many have failed lately.
const ASKERS_MAX: usize = 10_000;

/// The delay doubles so often.
const DOUBLINGS_MAX: u32 = 7;

/// One network is told of in the log once in this time.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// How often codes may lead nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuessRate {
    /// So many at once; 0 switches the limit off.
    pub burst: u32,
    /// After that, one in this time, which doubles with each further one.
    pub interval: Duration,
}

/// How often codes may lead nowhere, for those who try them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuessRates {
    /// For one person.
    pub person: GuessRate,
    /// For all of one network.
    pub network: GuessRate,
}

impl Widen for GuessRate {
    fn times(self, factor: usize) -> Self {
        let factor = u32::try_from(factor).unwrap_or(u32::MAX);
        let interval = self.interval.checked_div(factor).unwrap_or_default();
        Self { burst: self.burst.saturating_mul(factor), interval }
    }
}

impl GuessRates {
    /// Those of a server that is not told otherwise.
    pub const DEFAULT: Self = Self {
        person: GuessRate { burst: 10, interval: Duration::from_secs(6) },
        network: GuessRate { burst: 5, interval: Duration::from_secs(12) },
    };
}

/// Somebody who tries codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Asker {
    Person(UserId),
    Neighbours(Neighbours),
}

/// What is remembered of somebody who has failed.
#[derive(Debug, Default)]
struct Record {
    /// How often the delay has doubled.
    doublings: u32,
    /// Failures that the log does not tell of.
    untold: u32,
    told_at: Option<Instant>,
}

/// Those who have failed lately.
#[derive(Debug)]
pub(super) struct Guesses {
    rates: GuessRates,
    widening: Widening,
    debts: Debts<Asker, Record>,
}

impl Guesses {
    pub(super) fn new(rates: GuessRates, widening: Widening) -> Self {
        Self { rates, widening, debts: Debts::new(ASKERS_MAX) }
    }

    /// Charges a failure to all of these, if all of them may fail once more; else, one of them who may not.
    pub(super) fn charge(
        &mut self,
        askers: impl IntoIterator<Item = Asker>,
        now: Instant,
    ) -> Result<(), Asker> {
        let mut costs = Vec::new();
        for asker in askers {
            let GuessRate { burst, interval } = self.rate(asker);
            if burst == 0 {
                continue;
            }
            let owed = self.debts.of(asker, now);
            if owed > interval * (burst - 1) {
                return Err(asker);
            }
            let is_last = owed + interval > interval * (burst - 1);
            let doublings = self.debts.note(asker, now).map_or(0, |record| record.doublings);
            costs.push((asker, if is_last { interval * 2_u32.pow(doublings) } else { interval }, is_last));
        }
        for (asker, cost, is_last) in costs {
            self.debts.add(asker, cost, now);
            if let Some(record) = self.debts.note(asker, now).filter(|_| is_last) {
                record.doublings = (record.doublings + 1).min(DOUBLINGS_MAX);
            }
        }
        Ok(())
    }

    /// A code of this network has led nowhere. Returns how many failures of it the log has to tell of now.
    pub(super) fn failed(&mut self, neighbours: Neighbours, now: Instant) -> Option<u32> {
        let record = self.debts.note(Asker::Neighbours(neighbours), now)?;
        record.untold += 1;
        if record.told_at.is_some_and(|told_at| now.saturating_duration_since(told_at) < LOG_INTERVAL) {
            return None;
        }
        record.told_at = Some(now);
        Some(std::mem::take(&mut record.untold))
    }

    fn rate(&self, asker: Asker) -> GuessRate {
        match asker {
            Asker::Person(_) => self.rates.person,
            Asker::Neighbours(Neighbours { trust, .. }) => self.widening.of(self.rates.network, trust),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use chat::Trust;

    use super::*;

    const ADA: Asker = Asker::Person(UserId(1));
    const BOB: Asker = Asker::Person(UserId(2));

    fn guests(last: u8) -> Neighbours {
        Neighbours { network: IpAddr::from([192, 0, 2, last]).into(), trust: Trust::Guest }
    }

    fn guesses() -> Guesses {
        Guesses::new(GuessRates::DEFAULT, Widening::DEFAULT)
    }

    #[test]
    fn a_person_fails_ten_times_and_a_network_five_times_at_once() {
        let (mut guesses, now) = (guesses(), Instant::now());
        assert_eq!((0..100).filter(|_| guesses.charge([ADA], now).is_ok()).count(), 10);
        let home = Asker::Neighbours(guests(1));
        assert_eq!((0..100).filter(|_| guesses.charge([home], now).is_ok()).count(), 5);
        assert_eq!((0..100).filter(|_| guesses.charge([BOB], now).is_ok()).count(), 10);
    }

    #[test]
    fn the_members_of_a_network_fail_ten_times_as_often_as_its_guests_and_beside_them() {
        let (mut guesses, now) = (guesses(), Instant::now());
        let mut failures =
            |all| (0..100).filter(|_| guesses.charge([Asker::Neighbours(all)], now).is_ok()).count();
        let members = Neighbours { trust: Trust::Member, ..guests(1) };
        assert_eq!((failures(guests(1)), failures(members)), (5, 50));
        let off = Guesses::new(GuessRates::DEFAULT, Widening(0)).rate(Asker::Neighbours(members));
        assert_eq!(off, GuessRate { burst: 0, interval: Duration::ZERO });
    }

    #[test]
    fn each_further_failure_waits_twice_as_long_until_a_rest() {
        let (mut guesses, start) = (guesses(), Instant::now());
        let home = Asker::Neighbours(guests(1));
        let mut admits = |second: u64| guesses.charge([home], start + Duration::from_secs(second)).is_ok();
        let admitted: Vec<u64> = (0..400).filter(|second| admits(*second)).collect();
        // Five tries take a second each here, during which something is paid back.
        let gaps: Vec<u64> = admitted.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(gaps[..4], [1, 1, 1, 1]);
        assert!(gaps[5..].windows(2).all(|pair| pair[1] >= 2 * pair[0] - 1), "{gaps:?}");
        assert!(admitted.len() < 12, "{admitted:?}");
        let rested = start + Duration::from_hours(1);
        assert_eq!((0..100).filter(|_| guesses.charge([home], rested).is_ok()).count(), 5);
    }

    #[test]
    fn a_failure_beyond_the_limit_of_one_asker_costs_the_other_nothing() {
        let (mut guesses, now) = (guesses(), Instant::now());
        let home = Asker::Neighbours(guests(1));
        assert_eq!((0..100).filter(|_| guesses.charge([ADA, home], now).is_ok()).count(), 5);
        assert_eq!((0..100).filter(|_| guesses.charge([ADA], now).is_ok()).count(), 5);
    }

    #[test]
    fn the_log_tells_of_a_network_once_in_ten_seconds_with_the_number_of_tries() {
        let (mut guesses, now) = (guesses(), Instant::now());
        let mut fail = |second| {
            let now = now + Duration::from_secs(second);
            let _ = guesses.charge([Asker::Neighbours(guests(1))], now);
            guesses.failed(guests(1), now)
        };
        assert_eq!([0, 1, 2, 9].map(&mut fail), [Some(1), None, None, None]);
        assert_eq!([11, 12].map(&mut fail), [Some(4), None]);
    }
}
