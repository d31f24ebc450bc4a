//! [`Quotas`]: what one person and one network may add to the chat in an hour or a day.
//!
//! A command is charged when it arrives, so that many at once count as many. The [`Charge`] travels with it and gives back
//! what was charged, unless the command is stored. Only the person who acts is charged, and their network while nobody
//! has vouched for them. Peers to whom rates do not apply are not charged. A quota lives in memory: a restart of the server, which
//! no client can cause, renews it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chat::UserId;
use socketio_server::{Network, Peer};

use crate::debts::Debts;

/// So many have used some of each quota.
const OWERS_MAX: usize = 20_000;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// So much at once after a rest, and as much again in the period, bit by bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How much; 0 switches the quota off.
    pub count: u32,
    /// The time after which all of it is there again.
    pub period: Duration,
}

/// The quotas of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaBounds {
    /// Rooms that one person creates, and direct conversations of more than two people.
    pub rooms_person: Quota,
    /// The same for all of one network: an address of IPv4, or a /64 of IPv6.
    pub rooms_network: Quota,
    /// How often one person changes their name.
    pub renames: Quota,
}

/// What a command adds to the chat, as far as quotas are concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// Rooms, and conversations of more than two people.
    pub rooms: u32,
    /// Changes of a name.
    pub renames: u32,
}

/// Something that has a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Rooms,
    Renames,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Holder {
    Person(UserId),
    Network(Network),
}

/// One quota of one holder, and the time that what was charged takes to be there again.
#[derive(Clone, Copy, Debug)]
struct Line {
    of: Use,
    holder: Holder,
    time: Duration,
}

/// What everybody has used of their quotas; clones share it.
#[derive(Clone)]
pub struct Quotas {
    bounds: QuotaBounds,
    used: Arc<Mutex<Used>>,
    clock: fn() -> Instant,
}

/// What was charged for a command. Dropping it gives everything back that was not [kept](Charge::keep).
#[derive(Debug)]
pub struct Charge {
    quotas: Quotas,
    lines: Vec<Line>,
}

/// A quota is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsedUp;

struct Used {
    rooms: Debts<Holder>,
    renames: Debts<Holder>,
}

impl Quota {
    /// No quota.
    pub const OFF: Self = Self { count: 0, period: HOUR };

    /// So much in a day.
    pub const fn a_day(count: u32) -> Self {
        Self { count, period: DAY }
    }

    /// So much in an hour.
    pub const fn an_hour(count: u32) -> Self {
        Self { count, period: HOUR }
    }

    /// How long it takes until so much is there again.
    fn time_of(self, amount: u32) -> Duration {
        let nanos = self.period.as_nanos() * u128::from(amount) / u128::from(self.count.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// As `--limit` takes it.
impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { count: 0, .. } => f.write_str("0"),
            Self { count, period } => write!(f, "{count}/{}", if *period == DAY { "day" } else { "hour" }),
        }
    }
}

impl QuotaBounds {
    /// Those of a server that is not told otherwise.
    pub const DEFAULT: Self =
        Self { rooms_person: Quota::a_day(20), rooms_network: Quota::a_day(50), renames: Quota::an_hour(3) };

    /// No quota at all.
    pub const OFF: Self = Self { rooms_person: Quota::OFF, rooms_network: Quota::OFF, renames: Quota::OFF };
}

impl Quotas {
    /// Nobody has used anything; `clock` tells when something is there again.
    pub fn new(bounds: QuotaBounds, clock: fn() -> Instant) -> Self {
        let used = Used { rooms: Debts::new(OWERS_MAX), renames: Debts::new(OWERS_MAX) };
        Self { bounds, used: Arc::new(Mutex::new(used)), clock }
    }

    /// Charges somebody for a command; `None` if there is nothing to charge.
    pub fn charge(&self, peer: Peer, user: UserId, spending: Spending) -> Result<Option<Charge>, UsedUp> {
        self.charge_at(peer, user, spending, (self.clock)())
    }

    fn charge_at(
        &self,
        peer: Peer,
        user: UserId,
        spending: Spending,
        now: Instant,
    ) -> Result<Option<Charge>, UsedUp> {
        if !peer.rated || spending == Spending::default() {
            return Ok(None);
        }
        let person = Some(Holder::Person(user));
        let network = peer.network.map(Holder::Network);
        let QuotaBounds { rooms_person, rooms_network, renames } = self.bounds;
        let all = [
            (Use::Rooms, person, rooms_person, spending.rooms),
            (Use::Rooms, network, rooms_network, spending.rooms),
            (Use::Renames, person, renames, spending.renames),
        ];
        let mut debts = self.debts();
        let mut lines = Vec::new();
        for (of, holder, quota, amount) in all {
            let Some(holder) = holder.filter(|_| amount > 0 && quota.count > 0) else { continue };
            let time = quota.time_of(amount);
            if debts.of_use(of).of(holder, now) + time > quota.period {
                return Err(UsedUp);
            }
            lines.push(Line { of, holder, time });
        }
        for Line { of, holder, time } in &lines {
            debts.of_use(*of).add(*holder, *time, now);
        }
        drop(debts);
        Ok((!lines.is_empty()).then(|| Charge { quotas: self.clone(), lines }))
    }

    fn give_back(&self, lines: &[Line], now: Instant) {
        let mut debts = self.debts();
        for Line { of, holder, time } in lines {
            debts.of_use(*of).forgive(*holder, *time, now);
        }
    }

    fn debts(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Used {
    fn of_use(&mut self, of: Use) -> &mut Debts<Holder> {
        match of {
            Use::Rooms => &mut self.rooms,
            Use::Renames => &mut self.renames,
        }
    }
}

impl Charge {
    /// The command is stored.
    pub fn keep(mut self) {
        self.lines.clear();
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if !self.lines.is_empty() {
            self.quotas.give_back(&self.lines, (self.quotas.clock)());
        }
    }
}

impl fmt::Debug for Quotas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quotas").field("bounds", &self.bounds).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::LazyLock;

    use super::*;

    const ADA: UserId = UserId(1);
    const ROOM: Spending = Spending { rooms: 1, renames: 0 };
    const RENAME: Spending = Spending { rooms: 0, renames: 1 };

    fn at(address: &str) -> Peer {
        let address: IpAddr = address.parse().unwrap();
        Peer { network: Some(address.into()), rated: true }
    }

    /// A clock that stands still.
    fn start() -> Instant {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        *START
    }

    fn quotas() -> Quotas {
        Quotas::new(QuotaBounds::DEFAULT, start)
    }

    /// How many are stored of a hundred that somebody sends at once.
    fn stored(quotas: &Quotas, address: &str, user: UserId, spending: Spending, now: Instant) -> usize {
        let charges = (0..100).map(|_| quotas.charge_at(at(address), user, spending, now));
        charges.filter_map(Result::ok).flatten().map(Charge::keep).count()
    }

    #[test]
    fn a_person_creates_twenty_rooms_at_once_and_then_one_in_72_minutes() {
        let (quotas, now) = (quotas(), start());
        assert_eq!(stored(&quotas, "192.0.2.1", ADA, ROOM, now), 20);
        let almost = Duration::from_secs(72 * 60 - 1);
        assert_eq!(stored(&quotas, "192.0.2.2", ADA, ROOM, now + almost), 0);
        assert_eq!(stored(&quotas, "192.0.2.2", ADA, ROOM, now + Duration::from_mins(72)), 1);
        assert_eq!(stored(&quotas, "192.0.2.2", ADA, ROOM, now + DAY * 3), 20);
    }

    #[test]
    fn the_people_of_one_network_create_fifty_rooms_a_day_and_others_notice_nothing() {
        let (quotas, now) = (quotas(), start());
        let rooms: usize = (10..20).map(|user| stored(&quotas, "192.0.2.1", UserId(user), ROOM, now)).sum();
        assert_eq!(rooms, 50);
        assert_eq!(stored(&quotas, "192.0.2.1", ADA, ROOM, now), 0);
        assert_eq!(stored(&quotas, "192.0.2.2", ADA, ROOM, now), 20);
        assert_eq!(stored(&quotas, "192.0.2.1", ADA, RENAME, now), 3, "names have a quota of their own");
    }

    #[test]
    fn what_was_charged_for_a_command_that_is_not_stored_is_given_back() {
        let (quotas, now) = (quotas(), start());
        for _ in 0..100 {
            let charge = quotas.charge_at(at("192.0.2.1"), ADA, ROOM, now).expect("the quota is free");
            assert_eq!(charge.map(|charge| charge.lines.len()), Some(2));
        }
        assert_eq!(stored(&quotas, "192.0.2.1", ADA, ROOM, now), 20);
    }

    #[test]
    fn what_is_refused_costs_nothing() {
        let (quotas, now) = (quotas(), start());
        assert_eq!(stored(&quotas, "192.0.2.1", ADA, ROOM, now), 20);
        // The network has thirty left.
        assert_eq!(stored(&quotas, "192.0.2.1", ADA, ROOM, now), 0);
        let others = [UserId(2), UserId(3)].map(|user| stored(&quotas, "192.0.2.1", user, ROOM, now));
        assert_eq!(others, [20, 10]);
    }

    #[test]
    fn half_of_a_quota_for_ever_is_never_refused() {
        let (quotas, now) = (quotas(), start());
        for hour in 0..1_000 {
            let now = now + Duration::from_mins(144) * hour;
            let charge = quotas.charge_at(at("192.0.2.1"), ADA, ROOM, now);
            charge.expect("half of the quota").expect("it counts").keep();
        }
    }

    #[test]
    fn peers_without_rates_and_quotas_of_zero_are_not_charged() {
        let now = start();
        let local = Peer { rated: false, ..at("127.0.0.1") };
        assert!(quotas().charge_at(local, ADA, ROOM, now).unwrap().is_none());
        let off = Quotas::new(QuotaBounds::OFF, start);
        assert!(off.charge_at(at("192.0.2.1"), ADA, ROOM, now).unwrap().is_none());
    }
}
