//! [`CommandPaces`]: how fast one person, one connection and one network may write.
//!
//! Nothing is refused: a connection beyond a rate is read later. Whoever is not known, as in namespace `/`, is counted by
//! connection, as a guest. Peers to whom rates do not apply are not counted. Time is an argument.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chat::{ByTrust, Trust, UserId};
use socketio_server::{ConnectionId, Network, Peer, Rate};

use crate::debts::Debts;
use crate::payer::{Neighbours, Widening};
use crate::planted::{self, Bug};
use crate::rare::{self, Rare};
use crate::stats::{Count, Tallies};

/// So many have used some of their rates.
const WRITERS_MAX: usize = 20_000;

/// The rates at which commands and messages are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandRates {
    /// For one person; of those who are not known, for one connection.
    pub person: ByTrust<Rate>,
    /// For all guests of one network: an address of IPv4, or a /64 of IPv6.
    pub network: Rate,
}

impl CommandRates {
    /// Those of a server that is not told otherwise.
    pub const DEFAULT: Self = Self {
        person: ByTrust {
            guest: Rate { per_second: 5, burst: 30 },
            member: Rate { per_second: 20, burst: 200 },
        },
        network: Rate { per_second: 200, burst: 800 },
    };
}

/// Who has sent something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// A person, on whatever connection.
    Person(UserId, Trust),
    /// Somebody on a connection of namespace `/`.
    Unknown(ConnectionId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Ower {
    Person(UserId),
    Connection(ConnectionId),
    Neighbours(Neighbours),
}

/// What everybody has used of their rates; clones share it.
#[derive(Clone, Debug)]
pub struct CommandPaces {
    rates: CommandRates,
    widening: Widening,
    debts: Arc<Mutex<Debts<Ower>>>,
    tallies: Arc<Tallies>,
}

impl CommandPaces {
    /// Nobody has used anything.
    pub fn new(rates: CommandRates, widening: Widening, tallies: Arc<Tallies>) -> Self {
        Self { rates, widening, debts: Arc::new(Mutex::new(Debts::new(WRITERS_MAX))), tallies }
    }

    /// Charges for something that is worth so many commands. Returns for how long the connection is not read, if at all.
    pub fn charge(&self, peer: Peer, writer: Writer, cost: u64, now: Instant) -> Option<Duration> {
        if !peer.rated {
            return None;
        }
        let (ower, trust) = match writer {
            Writer::Person(user, trust) => (Ower::Person(user), trust),
            Writer::Unknown(connection) => (Ower::Connection(connection), Trust::Guest),
        };
        let limit = match trust {
            Trust::Guest => Count::LimitCommandsPerGuest,
            Trust::Member => Count::LimitCommandsPerMember,
        };
        let network = if planted::is(Bug::TakesAllForOneAddress) {
            peer.network.map(|_| Network::from(IpAddr::from([0; 4])))
        } else {
            peer.network
        };
        let of_address = match trust {
            Trust::Guest => Count::LimitCommandsPerAddress,
            Trust::Member => Count::LimitMembersPerAddress,
        };
        let neighbours = network.map(|network| {
            let rate = self.widening.of(self.rates.network, trust);
            (Ower::Neighbours(Neighbours { network, trust }), rate, of_address)
        });
        let owers = std::iter::once((ower, self.rates.person.of(trust), limit)).chain(neighbours);
        let mut debts = self.debts.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = owers.filter(|(_, rate, _)| rate.per_second > 0).map(|(ower, rate, limit)| {
            debts.add(ower, rate.time_of(cost), now);
            let wait = rate.wait(debts.of(ower, now));
            if wait.is_some() {
                self.tallies.count(limit);
                rare::reached(match ower {
                    Ower::Person(_) | Ower::Connection(_) => Rare::CommandsWait,
                    Ower::Neighbours(_) => Rare::CommandsOfAddressWait,
                });
            }
            wait
        });
        waits.max().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Peer {
        let address: IpAddr = address.parse().unwrap();
        Peer { network: Some(address.into()), rated: true }
    }

    fn paces() -> CommandPaces {
        CommandPaces::new(CommandRates::DEFAULT, Widening::DEFAULT, Arc::default())
    }

    fn guest(number: u64) -> Writer {
        Writer::Person(UserId(number), Trust::Guest)
    }

    #[test]
    fn a_guest_writes_thirty_at_once_and_then_five_a_second() {
        let (paces, now) = (paces(), Instant::now());
        let charge = |now| paces.charge(at("192.0.2.1"), guest(1), 1, now);
        assert!((0..30).all(|_| charge(now).is_none()));
        assert_eq!(charge(now), Some(Duration::from_millis(200)));
        let later = now + Duration::from_mins(1);
        assert!((0..1_000_u32).all(|step| charge(later + Duration::from_millis(200) * step).is_none()));
    }

    #[test]
    fn many_guests_of_one_network_share_its_rate_and_so_do_its_members_beside_them() {
        let (paces, now) = (paces(), Instant::now());
        let waits = (0..100).filter(|number| {
            (0..10).any(|_| paces.charge(at("192.0.2.1"), guest(*number), 1, now).is_some())
        });
        assert_eq!(waits.count(), 20, "800 at once for all of them");
        let member = Writer::Person(UserId(1_000), Trust::Member);
        assert_eq!(paces.charge(at("192.0.2.1"), member, 1, now), None);
        let waits = (3_000..3_100).filter(|number| {
            let member = Writer::Person(UserId(*number), Trust::Member);
            (0..200).any(|_| paces.charge(at("192.0.2.1"), member, 1, now).is_some())
        });
        assert_eq!(waits.count(), 61, "8,000 at once for all of them, of which one is used");
        assert_eq!(paces.charge(at("192.0.2.2"), guest(2_000), 1, now), None);
    }

    #[test]
    fn a_peer_without_rates_never_waits() {
        let (paces, now) = (paces(), Instant::now());
        let local = Peer { rated: false, ..at("127.0.0.1") };
        assert!((0..10_000).all(|_| paces.charge(local, guest(1), 1, now).is_none()));
    }
}
