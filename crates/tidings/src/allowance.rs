//! [`Allowances`]: how much of the past is read for one person and for one network: welcomes, replays, answers.
//!
//! A few bytes of a question can make megabytes of an answer. Beyond a rate, answers come later; nothing is refused, and
//! only those wait who have asked for so much. Both namespaces share the allowances. Peers to whom rates do not apply are
//! not counted.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chat::{Trust, UserId};

use crate::debts::Debts;
use crate::payer::{Neighbours, Payer, Widening};
use crate::rare::{self, Rare};
use crate::stats::{Count, Tallies};
pub use socketio_server::Rate;

/// So many have used some of their allowance.
const OWERS_MAX: usize = 20_000;

/// The rates at which the past is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadRates {
    /// Bytes for one person.
    pub person: Rate,
    /// Bytes for all of one network: an address of IPv4, or a /64 of IPv6.
    pub network: Rate,
}

impl ReadRates {
    /// Those of a server that is not told otherwise.
    pub const DEFAULT: Self = Self {
        person: Rate { per_second: 4_000_000, burst: 32_000_000 },
        network: Rate { per_second: 16_000_000, burst: 128_000_000 },
    };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Reader {
    Person(UserId),
    Neighbours(Neighbours),
}

impl Reader {
    fn limit(self) -> Count {
        match self {
            Self::Person(_) => Count::LimitReadBytesPerPerson,
            Self::Neighbours(Neighbours { trust: Trust::Guest, .. }) => Count::LimitReadBytesPerAddress,
            Self::Neighbours(Neighbours { trust: Trust::Member, .. }) => Count::LimitMembersPerAddress,
        }
    }
}

/// What everybody has used of their allowance; clones share it.
#[derive(Clone, Debug)]
pub struct Allowances {
    rates: ReadRates,
    widening: Widening,
    debts: Arc<Mutex<Debts<Reader>>>,
    tallies: Arc<Tallies>,
}

impl Allowances {
    /// Nobody has used anything.
    pub fn new(rates: ReadRates, widening: Widening, tallies: Arc<Tallies>) -> Self {
        Self { rates, widening, debts: Arc::new(Mutex::new(Debts::new(OWERS_MAX))), tallies }
    }

    /// Charges for bytes that were read. Returns how long these have to wait before they read more, if at all.
    pub fn charge(&self, payer: Payer, bytes: usize, now: Instant) -> Option<Duration> {
        if !payer.peer.rated {
            return None;
        }
        let person = payer.person.map(|(user, _)| (Reader::Person(user), self.rates.person));
        let neighbours = payer.neighbours().map(|neighbours| {
            let rate = self.widening.of(self.rates.network, neighbours.trust);
            (Reader::Neighbours(neighbours), rate)
        });
        let mut debts = self.debts.lock().unwrap_or_else(PoisonError::into_inner);
        let readers = person.into_iter().chain(neighbours).filter(|(_, rate)| rate.per_second > 0);
        let waits = readers.map(|(reader, rate)| {
            if bytes > 0 {
                debts.add(reader, rate.time_of(bytes as u64), now);
            }
            let wait = rate.wait(debts.of(reader, now));
            if wait.is_some() {
                self.tallies.count(reader.limit());
                rare::reached(Rare::PastWaits);
            }
            wait
        });
        waits.max().flatten()
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use socketio_server::Peer;

    use super::*;

    const ADA: Option<(UserId, Trust)> = Some((UserId(1), Trust::Guest));
    const BOB: Option<(UserId, Trust)> = Some((UserId(2), Trust::Guest));
    const CLEO: Option<(UserId, Trust)> = Some((UserId(3), Trust::Member));

    fn at(address: &str, person: Option<(UserId, Trust)>) -> Payer {
        let address: IpAddr = address.parse().unwrap();
        Payer { peer: Peer { network: Some(address.into()), rated: true }, person }
    }

    fn with(rates: ReadRates) -> Allowances {
        Allowances::new(rates, Widening::DEFAULT, Arc::default())
    }

    #[test]
    fn a_person_reads_32_mb_at_once_and_then_4_mb_a_second() {
        let (allowances, now) = (with(ReadRates::DEFAULT), Instant::now());
        let charge = |bytes, now| allowances.charge(at("192.0.2.1", ADA), bytes, now);
        assert!((0..32).all(|_| charge(1_000_000, now).is_none()));
        assert_eq!(charge(1_000_000, now), Some(Duration::from_millis(250)));
        assert_eq!(charge(0, now), Some(Duration::from_millis(250)));
        assert_eq!(charge(0, now + Duration::from_millis(250)), None);
        let later = now + Duration::from_mins(1);
        assert!(
            (0..1_000_u32).all(|second| charge(2_000_000, later + Duration::from_secs(1) * second).is_none())
        );
    }

    #[test]
    fn nobody_pays_for_what_another_person_in_another_network_reads() {
        let (allowances, now) = (with(ReadRates::DEFAULT), Instant::now());
        assert!(allowances.charge(at("192.0.2.1", ADA), 900_000_000, now).is_some());
        assert_eq!(allowances.charge(at("192.0.2.2", BOB), 32_000_000, now), None);
        // The person has used it up wherever they are, and so has their network for others, but not for its members.
        assert!(allowances.charge(at("192.0.2.3", ADA), 0, now).is_some());
        assert!(allowances.charge(at("192.0.2.1", None), 0, now).is_some());
        assert_eq!(allowances.charge(at("192.0.2.1", CLEO), 32_000_000, now), None);
    }

    #[test]
    fn the_members_of_a_network_read_ten_times_as_much_as_its_guests() {
        let (allowances, now) = (with(ReadRates::DEFAULT), Instant::now());
        let reads = |from, trust| {
            let all = (from..from + 100).map(|user| at("192.0.2.1", Some((UserId(user), trust))));
            all.take_while(|payer| allowances.charge(*payer, 32_000_000, now).is_none()).count()
        };
        assert_eq!((reads(100, Trust::Guest), reads(200, Trust::Member)), (4, 40));
    }

    #[test]
    fn peers_without_rates_and_rates_of_zero_are_not_counted() {
        let now = Instant::now();
        let allowances = with(ReadRates::DEFAULT);
        let mut local = at("127.0.0.1", ADA);
        local.peer.rated = false;
        assert_eq!(allowances.charge(local, usize::MAX, now), None);
        assert_eq!(allowances.charge(at("192.0.2.1", ADA), 0, now), None);
        let off = Rate::OFF;
        let allowances = with(ReadRates { person: off, network: off });
        assert_eq!(allowances.charge(at("192.0.2.1", ADA), usize::MAX, now), None);
    }
}
