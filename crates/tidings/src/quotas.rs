//! [`Quotas`]: what one person and one network may add to the chat in an hour or a day.
//!
//! A command is charged when it arrives, so that many at once count as many. The [`Charge`] travels with it and gives back
//! what was charged, unless the command is stored. Only the person who acts is charged, and the guests or the members of their
//! network. Peers to whom rates do not apply are not charged. A quota lives in memory: a restart of the server, which no client can
//! cause, renews it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chat::{ByTrust, Trust, UserId};

use crate::debts::Debts;
use crate::payer::{Neighbours, Payer, Widen, Widening};
use crate::planted::{self, Bug};
use crate::rare::{self, Rare};
use crate::stats::{Count, Tallies};

/// So many have used some of each quota.
const OWERS_MAX: usize = 20_000;

/// About what a command needs in the log besides its texts, with its share of the indexes.
pub const ROW_BYTES: u32 = 250;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// So much in a period, bit by bit; after a rest, a part of it or all at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How much; 0 switches the quota off.
    pub count: u32,
    /// The time in which so much is there again.
    pub period: Duration,
    /// How much of it at once after a rest.
    pub burst: u32,
}

/// The quotas of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaBounds {
    /// Rooms that one person creates, and direct conversations of more than two people.
    pub rooms_person: Quota,
    /// The same for all of one network: an address of IPv4, or a /64 of IPv6.
    pub rooms_network: Quota,
    /// Rooms that one person joins.
    pub joins_person: Quota,
    /// The same for all of one network.
    pub joins_network: Quota,
    /// How often one person changes their name.
    pub renames: Quota,
    /// People with whom one person is in touch for the first time, and conversations of two that one person begins.
    pub contacts: ByTrust<Quota>,
    /// The same for all of one network.
    pub contacts_network: Quota,
    /// People who come to one network without a token.
    pub newcomers_network: Quota,
    /// Sign-ins that one person begins by a link.
    pub sign_ins_person: Quota,
    /// Bytes that one person adds to the log.
    pub bytes_person: ByTrust<Quota>,
    /// The same for all of one network, clients of the tutorial among them.
    pub bytes_network: Quota,
}

/// What a command adds to the chat, as far as quotas are concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// Rooms, and conversations of more than two people.
    pub rooms: u32,
    /// Rooms that are joined.
    pub joins: u32,
    /// Changes of a name.
    pub renames: u32,
    /// People who are not in touch with its sender yet, and somebody with whom they begin a conversation of two.
    pub contacts: u32,
    /// Bytes that the log needs for it.
    pub bytes: u32,
    /// People who were not there before.
    pub newcomers: u32,
    /// Sign-ins of somebody who has one already.
    pub sign_ins: u32,
}

/// Something that has a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Rooms,
    Joins,
    Renames,
    Contacts,
    Bytes,
    Newcomers,
    SignIns,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Holder {
    Person(UserId),
    Neighbours(Neighbours),
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
    widening: Widening,
    used: Arc<Mutex<Used>>,
    clock: fn() -> Instant,
    tallies: Arc<Tallies>,
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
    joins: Debts<Holder>,
    renames: Debts<Holder>,
    contacts: Debts<Holder>,
    bytes: Debts<Holder>,
    newcomers: Debts<Holder>,
    sign_ins: Debts<Holder>,
}

impl Quota {
    /// No quota.
    pub const OFF: Self = Self { count: 0, period: HOUR, burst: 0 };

    /// So much in a day.
    pub const fn a_day(count: u32) -> Self {
        Self { count, period: DAY, burst: count }
    }

    /// So much in an hour.
    pub const fn an_hour(count: u32) -> Self {
        Self { count, period: HOUR, burst: count }
    }

    /// The same, but no more at once.
    #[must_use]
    pub const fn at_once(self, burst: u32) -> Self {
        Self { burst, ..self }
    }

    /// How long it takes until so much is there again.
    fn time_of(self, amount: u32) -> Duration {
        let nanos = self.period.as_nanos() * u128::from(amount) / u128::from(self.count.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl Widen for Quota {
    fn times(self, factor: usize) -> Self {
        let times = |count: u32| count.saturating_mul(u32::try_from(factor).unwrap_or(u32::MAX));
        Self { count: times(self.count), burst: times(self.burst), ..self }
    }
}

/// As `--limit` takes it.
impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { count: 0, .. } => f.write_str("0"),
            Self { count, period, burst } => {
                write!(f, "{count}/{}", if *period == DAY { "day" } else { "hour" })?;
                if burst == count { Ok(()) } else { write!(f, "/{burst}") }
            }
        }
    }
}

impl QuotaBounds {
    /// Those of a server that is not told otherwise.
    pub const DEFAULT: Self = Self {
        rooms_person: Quota::a_day(20),
        rooms_network: Quota::a_day(50),
        joins_person: Quota::a_day(200),
        joins_network: Quota::a_day(2_000),
        renames: Quota::an_hour(3),
        sign_ins_person: Quota::a_day(30).at_once(10),
        contacts: ByTrust { guest: Quota::an_hour(10), member: Quota::an_hour(60) },
        contacts_network: Quota::a_day(200),
        bytes_person: ByTrust { guest: Quota::a_day(20_000_000), member: Quota::a_day(200_000_000) },
        bytes_network: Quota::a_day(200_000_000),
        newcomers_network: Quota::an_hour(60).at_once(30),
    };

    /// No quota at all.
    pub const OFF: Self = Self {
        rooms_person: Quota::OFF,
        rooms_network: Quota::OFF,
        joins_person: Quota::OFF,
        joins_network: Quota::OFF,
        renames: Quota::OFF,
        sign_ins_person: Quota::OFF,
        contacts: ByTrust::all(Quota::OFF),
        contacts_network: Quota::OFF,
        bytes_person: ByTrust::all(Quota::OFF),
        bytes_network: Quota::OFF,
        newcomers_network: Quota::OFF,
    };
}

impl Quotas {
    /// Nobody has used anything; `clock` tells when something is there again.
    pub fn new(
        bounds: QuotaBounds,
        widening: Widening,
        clock: fn() -> Instant,
        tallies: Arc<Tallies>,
    ) -> Self {
        let none = || Debts::new(OWERS_MAX);
        let used = Used {
            rooms: none(),
            joins: none(),
            renames: none(),
            contacts: none(),
            bytes: none(),
            newcomers: none(),
            sign_ins: none(),
        };
        Self { bounds, widening, used: Arc::new(Mutex::new(used)), clock, tallies }
    }

    /// Charges somebody for a command; `None` if there is nothing to charge.
    pub fn charge(&self, payer: Payer, spending: Spending) -> Result<Option<Charge>, UsedUp> {
        if !payer.peer.rated || spending == Spending::default() {
            return Ok(None);
        }
        self.charge_at(payer, spending, (self.clock)())
    }

    fn charge_at(&self, payer: Payer, spending: Spending, now: Instant) -> Result<Option<Charge>, UsedUp> {
        let Spending { rooms, joins, renames, contacts, bytes, newcomers, sign_ins } = spending;
        let trust = payer.trust();
        let person = payer.person.map(|(user, _)| Holder::Person(user));
        let network = payer.neighbours().map(Holder::Neighbours);
        let bounds = &self.bounds;
        let wide = |quota| self.widening.of(quota, trust);
        let counts_contacts = |_: &Holder| !planted::is(Bug::CountsDirectsForNoAddress);
        let all = [
            (Use::Rooms, person, bounds.rooms_person, rooms),
            (Use::Rooms, network, wide(bounds.rooms_network), rooms),
            (Use::Joins, person, bounds.joins_person, joins),
            (Use::Joins, network, wide(bounds.joins_network), joins),
            (Use::Renames, person, bounds.renames, renames),
            (Use::Contacts, person, bounds.contacts.of(trust), contacts),
            (Use::Contacts, network.filter(counts_contacts), wide(bounds.contacts_network), contacts),
            (Use::Bytes, person, bounds.bytes_person.of(trust), bytes),
            (Use::Bytes, network, wide(bounds.bytes_network), bytes),
            (Use::Newcomers, network, bounds.newcomers_network, newcomers),
            (Use::SignIns, person, bounds.sign_ins_person, sign_ins),
        ];
        let mut debts = self.debts();
        let mut lines = Vec::new();
        for (of, holder, quota, amount) in all {
            let Some(holder) = holder.filter(|_| amount > 0 && quota.count > 0) else { continue };
            let time = quota.time_of(amount);
            if debts.of_use(of).of(holder, now) + time > quota.time_of(quota.burst) {
                self.tallies.count(limit(of, holder, trust));
                rare::reached(Rare::QuotaUsedUp);
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

/// What a quota that is used up is counted as.
fn limit(of: Use, holder: Holder, trust: Trust) -> Count {
    match (of, holder, trust) {
        (_, Holder::Neighbours(_), Trust::Member) => Count::LimitMembersPerAddress,
        (Use::Rooms, Holder::Person(_), _) => Count::LimitRoomsPerPerson,
        (Use::Rooms, Holder::Neighbours(_), _) => Count::LimitRoomsPerAddress,
        (Use::Joins, Holder::Person(_), _) => Count::LimitJoinsPerPerson,
        (Use::Joins, Holder::Neighbours(_), _) => Count::LimitJoinsPerAddress,
        (Use::Renames, _, _) => Count::LimitRenames,
        (Use::Contacts, Holder::Neighbours(_), _) => Count::LimitContactsPerAddress,
        (Use::Contacts, Holder::Person(_), Trust::Guest) => Count::LimitContactsPerGuest,
        (Use::Contacts, Holder::Person(_), Trust::Member) => Count::LimitContactsPerMember,
        (Use::Bytes, Holder::Neighbours(_), _) => Count::LimitBytesStoredPerAddress,
        (Use::Bytes, Holder::Person(_), Trust::Guest) => Count::LimitBytesStoredPerGuest,
        (Use::Bytes, Holder::Person(_), Trust::Member) => Count::LimitBytesStoredPerMember,
        (Use::Newcomers, _, _) => Count::LimitNewcomersPerAddress,
        (Use::SignIns, _, _) => Count::LimitSignIns,
    }
}

impl Used {
    fn of_use(&mut self, of: Use) -> &mut Debts<Holder> {
        match of {
            Use::Rooms => &mut self.rooms,
            Use::Joins => &mut self.joins,
            Use::Renames => &mut self.renames,
            Use::Contacts => &mut self.contacts,
            Use::Bytes => &mut self.bytes,
            Use::Newcomers => &mut self.newcomers,
            Use::SignIns => &mut self.sign_ins,
        }
    }
}

impl Charge {
    /// The command is stored.
    pub fn keep(mut self) {
        self.lines.clear();
    }

    /// The command has added nothing but its bytes, because it was refused.
    pub fn keep_bytes(mut self) {
        self.lines.retain(|line| line.of != Use::Bytes);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if !self.lines.is_empty() && !planted::is(Bug::KeepsCharges) {
            rare::reached(Rare::ChargeGivenBack);
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

    use socketio_server::Peer;

    use super::*;

    const ADA: UserId = UserId(1);
    const NOTHING: Spending =
        Spending { rooms: 0, joins: 0, renames: 0, contacts: 0, bytes: 0, newcomers: 0, sign_ins: 0 };
    const ROOM: Spending = Spending { rooms: 1, ..NOTHING };
    const RENAME: Spending = Spending { renames: 1, ..NOTHING };

    fn at(address: &str) -> Peer {
        let address: IpAddr = address.parse().unwrap();
        Peer { network: Some(address.into()), rated: true }
    }

    fn guest(address: &str, user: UserId) -> Payer {
        Payer { peer: at(address), person: Some((user, Trust::Guest)) }
    }

    fn member(address: &str, user: UserId) -> Payer {
        Payer { peer: at(address), person: Some((user, Trust::Member)) }
    }

    /// A clock that stands still.
    fn start() -> Instant {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        *START
    }

    fn quotas() -> Quotas {
        Quotas::new(QuotaBounds::DEFAULT, Widening::DEFAULT, start, Arc::default())
    }

    /// How many are stored of a hundred that somebody sends at once.
    fn stored(quotas: &Quotas, address: &str, user: UserId, spending: Spending, now: Instant) -> usize {
        stored_by(quotas, guest(address, user), spending, now)
    }

    fn stored_by(quotas: &Quotas, payer: Payer, spending: Spending, now: Instant) -> usize {
        let charges = (0..100).map(|_| quotas.charge_at(payer, spending, now));
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
    fn the_people_of_one_network_begin_two_hundred_conversations_a_day() {
        let (quotas, now) = (quotas(), start());
        let contact = Spending { contacts: 1, ..NOTHING };
        let met: usize = (10..60).map(|user| stored(&quotas, "192.0.2.1", UserId(user), contact, now)).sum();
        assert_eq!(met, 200);
        assert_eq!(stored(&quotas, "192.0.2.1", ADA, contact, now), 0);
        assert_eq!(stored(&quotas, "192.0.2.2", ADA, contact, now), 10);
    }

    #[test]
    fn the_people_of_one_network_join_two_thousand_rooms_a_day() {
        let (quotas, now) = (quotas(), start());
        let hundred = Spending { joins: 100, ..NOTHING };
        let joined: usize =
            (10..40).map(|user| stored(&quotas, "192.0.2.1", UserId(user), hundred, now)).sum();
        assert_eq!(joined, 20);
        assert_eq!(stored(&quotas, "192.0.2.1", ADA, hundred, now), 0);
        assert_eq!(stored(&quotas, "192.0.2.2", ADA, hundred, now), 2);
    }

    #[test]
    fn what_was_charged_for_a_command_that_is_not_stored_is_given_back() {
        let (quotas, now) = (quotas(), start());
        for _ in 0..100 {
            let charge = quotas.charge_at(guest("192.0.2.1", ADA), ROOM, now).expect("the quota is free");
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
    fn members_may_do_more_than_guests_each_and_at_one_network() {
        let (quotas, now) = (quotas(), start());
        let contact = Spending { contacts: 1, ..NOTHING };
        assert_eq!(stored_by(&quotas, guest("192.0.2.1", UserId(2)), contact, now), 10);
        assert_eq!(stored_by(&quotas, member("192.0.2.1", UserId(3)), contact, now), 60);
        let many = Spending { contacts: 11, ..NOTHING };
        assert_eq!(stored_by(&quotas, guest("192.0.2.1", UserId(4)), many, now), 0);
        let rooms = |user| stored_by(&quotas, member("192.0.2.1", UserId(user)), ROOM, now);
        assert_eq!((10..15).map(rooms).sum::<usize>(), 100);
        assert_eq!((15..50).map(rooms).sum::<usize>(), 400, "500 a day for all members there");
        assert_eq!(stored(&quotas, "192.0.2.1", ADA, ROOM, now), 20, "guests have their own");
    }

    #[test]
    fn bytes_are_charged_to_a_person_and_to_a_network_and_those_of_a_refusal_too() {
        let (quotas, now) = (quotas(), start());
        let bytes = Spending { bytes: 1_000_000, ..NOTHING };
        let refused = quotas.charge_at(guest("192.0.2.1", ADA), Spending { rooms: 1, ..bytes }, now);
        refused.unwrap().unwrap().keep_bytes();
        assert_eq!(stored(&quotas, "192.0.2.1", ADA, bytes, now), 19);
        assert_eq!(stored(&quotas, "192.0.2.1", ADA, ROOM, now), 20);
        let page = Payer { peer: at("192.0.2.1"), person: None };
        let pages = (0..4).map(|_| stored_by(&quotas, page, bytes, now));
        assert_eq!(pages.sum::<usize>(), 180, "of what the network has left");
        assert_eq!(stored_by(&quotas, member("192.0.2.1", UserId(2)), bytes, now), 100);
        assert_eq!(stored(&quotas, "192.0.2.1", UserId(3), bytes, now), 0);
    }

    #[test]
    fn thirty_people_come_to_a_network_at_once_and_then_one_a_minute() {
        let (quotas, now) = (quotas(), start());
        let newcomer = Spending { newcomers: 1, ..NOTHING };
        let at_home = |address| Payer { peer: at(address), person: None };
        assert_eq!(stored_by(&quotas, at_home("192.0.2.1"), newcomer, now), 30);
        assert_eq!(stored_by(&quotas, at_home("192.0.2.2"), newcomer, now), 30);
        let minutes = |count| now + Duration::from_mins(count);
        assert_eq!(stored_by(&quotas, at_home("192.0.2.1"), newcomer, minutes(1)), 1);
        assert_eq!(stored_by(&quotas, at_home("192.0.2.1"), newcomer, minutes(11)), 10);
        assert_eq!(stored_by(&quotas, at_home("192.0.2.1"), newcomer, minutes(1_000)), 30);
    }

    #[test]
    fn half_of_a_quota_for_ever_is_never_refused() {
        let (quotas, now) = (quotas(), start());
        for hour in 0..1_000 {
            let now = now + Duration::from_mins(144) * hour;
            let charge = quotas.charge_at(guest("192.0.2.1", ADA), ROOM, now);
            charge.expect("half of the quota").expect("it counts").keep();
        }
    }

    #[test]
    fn peers_without_rates_and_quotas_of_zero_are_not_charged() {
        let now = start();
        let local = Peer { rated: false, ..at("127.0.0.1") };
        let local = Payer { peer: local, person: Some((ADA, Trust::Guest)) };
        assert!(quotas().charge(local, ROOM).unwrap().is_none());
        let off = Quotas::new(QuotaBounds::OFF, Widening::DEFAULT, start, Arc::default());
        assert!(off.charge_at(guest("192.0.2.1", ADA), ROOM, now).unwrap().is_none());
    }
}
