//! Checks what visitors did and were told against the limits as they are documented: see [`Terms`].
//!
//! A rate of so many a second, and so many at once, allows in any time the burst and what the rate brings in that time; one
//! more is done before the connection waits. It is checked what each person, address and connection got, not how the server
//! counts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use socketio_server::Rate;
use tidings::quotas::Quota;

use super::{Court, Invariant};
use crate::record::siege::{Ask, Asked, Ended, Manner, Siege, Terms, Visit, Visitor};

/// A command that is refused because a quota is used up costs as much as so many.
const OVER_QUOTA_COST: u64 = 10;

/// Times are counted in whole microseconds, so a rate may bring this part more.
const ROUNDING: u64 = 1_000;

/// How long a visit lasts at least before it is told that somebody types.
const SETTLED: u128 = 1_000_000;

impl Court<'_> {
    pub(super) fn check_limits(&mut self) {
        for leftover in &self.record.leftovers {
            self.object(Invariant::BudgetsReturn, format!("all have gone, and there are {leftover}"));
        }
        let Some(siege) = &self.record.siege else { return };
        for (index, visitor) in siege.visitors.iter().enumerate() {
            match visitor.manner {
                Manner::Polite => {
                    self.check_neighbour(siege, index, visitor);
                    self.check_own_pointer(index, visitor);
                }
                Manner::Hostile => self.check_connections(siege, index, visitor),
            }
        }
        self.check_rates(siege);
        self.check_quotas(siege);
        self.check_typists(siege);
    }

    /// Who keeps to half of each limit is never refused, never waits and is never cut off.
    fn check_neighbour(&mut self, siege: &Siege, index: usize, visitor: &Visitor) {
        for visit in &visitor.visits {
            let end = visit.ended.map_or(siege.over, |(at, _)| at).min(siege.over);
            if let Some(code) = &visit.refused {
                self.object(Invariant::HalfIsFree, format!("visitor {index} was not let in: {code}"));
            }
            let is_cut = visit.ended.is_some_and(|(at, by)| by == Ended::Server && at < siege.over);
            if is_cut {
                self.object(Invariant::HalfIsFree, format!("visitor {index} was cut off at {end}"));
            }
            for ask in &visit.asks {
                let Ask { what, sent, answer, .. } = ask;
                let due = sent + patience(siege.terms, *what).as_micros();
                let detail = match answer {
                    Some((_, Some(code))) => format!("was refused: {code}"),
                    Some((at, None)) if *at > due => format!("waited for {} ms", (at - sent) / 1_000),
                    None if due < end => "got no answer".into(),
                    Some(_) | None => continue,
                };
                let detail = format!("visitor {index} asked {what:?} at {sent} and {detail}");
                self.object(Invariant::HalfIsFree, detail);
            }
        }
    }

    /// A read pointer that was answered is known to all connections that come later.
    fn check_own_pointer(&mut self, index: usize, visitor: &Visitor) {
        let mut read = 0;
        for visit in visitor.visits.iter().filter(|visit| visit.user.is_some()) {
            if visit.read < read {
                let detail = format!("visitor {index} has read {read}, and is told {}", visit.read);
                self.object(Invariant::PointersAgree, detail);
            }
            for ask in &visit.asks {
                match (ask.what, &ask.answer) {
                    (Asked::Read(seq), Some((_, None))) => read = read.max(seq),
                    // What is on its way may still be overtaken.
                    (Asked::Read(_), None) => return,
                    _ => {}
                }
            }
        }
    }

    /// On each connection, packets beyond the rate are handled later, and too many control frames end it.
    fn check_connections(&mut self, siege: &Siege, index: usize, visitor: &Visitor) {
        let Terms { events, control_frames, way, .. } = siege.terms;
        for visit in &visitor.visits {
            for ask in &visit.asks {
                let Some((at, _)) = ask.answer else { continue };
                if ask.packets_before > allowed(events, at - visit.opened) {
                    let detail = format!(
                        "visitor {index} got {} packets and {:?} through within {} ms",
                        ask.packets_before,
                        ask.what,
                        (at - visit.opened) / 1_000
                    );
                    self.object(Invariant::ExcessWaits, detail);
                }
            }
            let Some((at, count)) = visit.control_frames else { continue };
            // Who polls sends them when an earlier POST is answered, and is told of the end by another answer.
            let until = at + way.as_micros() * 3;
            let is_too_many = count > allowed(control_frames, until - visit.opened) + 1;
            let end = visit.ended.map_or(u128::MAX, |(end, _)| end);
            if is_too_many && end.min(siege.over) > until {
                let detail = format!("visitor {index} has sent {count} control frames and is still there");
                self.object(Invariant::ExcessWaits, detail);
            }
        }
    }

    /// Nobody gets more commands through than the rates allow, on however many connections, and nobody at one address.
    fn check_rates(&mut self, siege: &Siege) {
        let Terms { commands, commands_network, .. } = siege.terms;
        let of_person = |_: &Visitor, visit: &Visit| visit.user;
        for (user, all) in gather(siege, of_person) {
            self.check_rate(&format!("user {user:x}"), commands, &all);
        }
        let of_address = |visitor: &Visitor, _: &Visit| Some(visitor.address);
        for (address, all) in gather(siege, of_address) {
            self.check_rate(&address.to_string(), commands_network, &all);
        }
    }

    fn check_rate(&mut self, who: &str, rate: Rate, visits: &[&Visit]) {
        let begin = visits.iter().map(|visit| visit.opened).min().unwrap_or(0);
        let asks = visits.iter().flat_map(|visit| &visit.asks).filter(|ask| ask.what.is_command());
        let mut answers: Vec<(u128, u64)> = asks.filter_map(cost).collect();
        answers.sort_unstable();
        let mut sum = 0;
        for (at, cost) in answers {
            sum += cost;
            let open = visits.iter().filter(|visit| visit.opened <= at).count() as u64;
            // On each connection one is done before it waits.
            if sum > allowed(rate, at - begin) + open * OVER_QUOTA_COST {
                let within = (at - begin) / 1_000;
                let detail = format!("{who} got commands worth {sum} through within {within} ms");
                return self.object(Invariant::ExcessWaits, detail);
            }
        }
    }

    /// Nobody gets more than their quotas, and no guests of one address more than theirs together.
    fn check_quotas(&mut self, siege: &Siege) {
        let Terms { rooms, rooms_network, contacts, contacts_network, renames, .. } = siege.terms;
        for (user, visits) in gather(siege, |_: &Visitor, visit: &Visit| visit.user) {
            let (time, got) = (time_of(siege, &visits), Got::by(&visits));
            // The first name is free.
            let names = ("names", got.names, within(renames, time) + 1);
            let all = [
                ("rooms", got.rooms, within(rooms, time)),
                ("people", got.met, within(contacts, time)),
                names,
            ];
            self.check_quota(&format!("user {user:x}"), all);
        }
        for (address, visits) in gather(siege, |visitor: &Visitor, _: &Visit| Some(visitor.address)) {
            let (time, got) = (time_of(siege, &visits), Got::by(&visits));
            let all = [
                ("rooms", got.rooms, within(rooms_network, time)),
                ("people", got.met, within(contacts_network, time)),
            ];
            self.check_quota(&address.to_string(), all);
        }
    }

    fn check_quota<const N: usize>(&mut self, who: &str, all: [(&str, u64, u64); N]) {
        for (what, count, most) in all {
            if count > most {
                let detail = format!("{who} got {count} {what}, of at most {most}");
                self.object(Invariant::ExcessWaits, detail);
            }
        }
    }

    /// Who is told that somebody types is told that they have stopped.
    fn check_typists(&mut self, siege: &Siege) {
        let polite = || siege.visitors.iter().filter(|visitor| visitor.manner == Manner::Polite);
        let way = siege.terms.way.as_micros();
        for visit in polite().flat_map(|visitor| &visitor.visits) {
            let Some(user) = visit.user else { continue };
            let mut began = None;
            for ask in &visit.asks {
                match ask.what {
                    Asked::Typing => began = Some(ask.sent),
                    Asked::TypingStopped => {
                        let Some(began) = began.take() else { continue };
                        let others = polite().flat_map(|visitor| &visitor.visits);
                        for other in others.filter(|other| {
                            let end = other.ended.map_or(siege.over, |(at, _)| at).min(siege.over);
                            other.user != Some(user) && other.opened + SETTLED < began && ask.sent + way < end
                        }) {
                            self.check_stopped(other, user, (began, ask.sent), way);
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    fn check_stopped(&mut self, other: &Visit, user: u64, (began, stopped): (u128, u128), way: u128) {
        let heard = |stops: bool, from: u128| {
            let until = from + way;
            other.typists.iter().any(|(at, who, has_stopped)| {
                *who == user && *has_stopped == stops && (from..=until).contains(at)
            })
        };
        if heard(false, began) && !heard(true, stopped) {
            let detail = format!("user {user:x} stopped typing at {stopped}, and nobody says so");
            self.object(Invariant::HalfIsFree, detail);
        }
    }
}

/// What was carried out of what has a quota.
struct Got {
    rooms: u64,
    names: u64,
    /// Conversations of two people that each of them began.
    met: u64,
}

impl Got {
    fn by(visits: &[&Visit]) -> Self {
        let asks = visits.iter().flat_map(|visit| visit.asks.iter().map(|ask| (visit.user, ask)));
        let done = asks.filter(|(_, ask)| matches!(ask.answer, Some((_, None))));
        let done: Vec<_> = done.map(|(user, ask)| (user, ask.what)).collect();
        let count = |wanted| done.iter().filter(|(_, what)| *what == wanted).count() as u64;
        let with = |what| if let Asked::Direct(with) = what { Some(with) } else { None };
        let met: BTreeSet<_> = done.iter().filter_map(|(user, what)| Some((*user, with(*what)?))).collect();
        Self { rooms: count(Asked::Create), names: count(Asked::Name), met: met.len() as u64 }
    }
}

/// From the first of some visits until all was over.
fn time_of(siege: &Siege, visits: &[&Visit]) -> u128 {
    let begin = visits.iter().map(|visit| visit.opened).min().unwrap_or(0);
    siege.over.saturating_sub(begin)
}

/// How long an answer may take for somebody who keeps to the limits.
fn patience(terms: Terms, what: Asked) -> Duration {
    match what {
        Asked::Request => terms.request,
        Asked::Read(_) => terms.read,
        Asked::Typing | Asked::TypingStopped => terms.way,
        Asked::Say | Asked::Create | Asked::Direct(_) | Asked::Name | Asked::Repeat => terms.command,
    }
}

/// When a command was answered, and what it costs.
fn cost(ask: &Ask) -> Option<(u128, u64)> {
    let (at, code) = ask.answer.as_ref()?;
    Some((*at, if code.as_deref() == Some("quota") { OVER_QUOTA_COST } else { 1 }))
}

/// So many a rate allows within some microseconds.
fn allowed(rate: Rate, micros: u128) -> u64 {
    let brought = micros * u128::from(rate.per_second) / 1_000_000;
    let brought = u64::try_from(brought).unwrap_or(u64::MAX);
    u64::from(rate.burst) + brought + brought / ROUNDING + 1
}

/// So much is there of a quota within some microseconds.
fn within(quota: Quota, micros: u128) -> u64 {
    let brought = micros * u128::from(quota.count) / quota.period.as_micros().max(1);
    u64::from(quota.burst) + u64::try_from(brought).unwrap_or(u64::MAX)
}

/// The visits of each person, or of each address.
fn gather<K: Ord>(siege: &Siege, whose: impl Fn(&Visitor, &Visit) -> Option<K>) -> BTreeMap<K, Vec<&Visit>> {
    let mut all: BTreeMap<K, Vec<&Visit>> = BTreeMap::new();
    for visitor in &siege.visitors {
        for visit in &visitor.visits {
            if let Some(key) = whose(visitor, visit) {
                all.entry(key).or_default().push(visit);
            }
        }
    }
    all
}
