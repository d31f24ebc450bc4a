//! [`Neighbour`]: keeps to half of each limit, all the time.
//!
//! Half of a rate is half of its burst at once, and then a rest until twice the time is over that the rate would need.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use socketio_server::Rate;
use tidings::v1::names;
use tokio::time::Instant;

use super::{Habit, Visitor};
use crate::browser::End;
use crate::random::Random;
use crate::record::LOBBY;
use crate::record::siege::{Asked, Visit};
use crate::siege::Siege;
use crate::world::World;

/// Bytes that an answer to one of their requests is counted as: one message, which may be large.
const ANSWER_BYTES: u32 = 7_000;

/// Bytes that a command is counted as.
const COMMAND_BYTES: u32 = 400;

/// What has a rate of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Deed {
    Command,
    Request,
    Read,
    Typing,
}

/// What a neighbour has left.
pub(super) struct Neighbour {
    rates: BTreeMap<Deed, Rate>,
    /// When half of the rate allows more.
    rested: BTreeMap<Deed, Instant>,
    rooms: u32,
    contacts: u32,
    renames: u32,
    bytes: u32,
    /// Answers to commands that are on their way, of which the last may be repeated.
    last: Option<(&'static str, Value)>,
    stops_at: Option<Instant>,
    leaves_at: Instant,
}

impl Neighbour {
    pub(super) fn new(siege: &Siege, number: usize, world: &Rc<World>) -> Self {
        let terms = siege.terms(world.rates.delays());
        let answers = |bytes: u32| (bytes / ANSWER_BYTES).max(1);
        let requests = Rate {
            per_second: answers(siege.reading.per_second).min(20),
            burst: answers(siege.reading.burst).min(8),
        };
        let rates = BTreeMap::from([
            (Deed::Command, siege.commands),
            (Deed::Request, requests),
            (Deed::Read, siege.notices.reads),
            (Deed::Typing, siege.notices.typing),
        ]);
        let bytes = siege.bytes() / 2;
        let half = |quota: tidings::quotas::Quota| quota.burst / 2;
        Self {
            rates,
            rested: BTreeMap::new(),
            rooms: half(terms.rooms),
            contacts: half(terms.contacts),
            renames: half(terms.renames),
            bytes,
            last: None,
            stops_at: None,
            leaves_at: Instant::now() + Duration::from_secs(3 + number as u64),
        }
    }

    /// Between two connections.
    pub(super) fn pause(random: &mut Random) -> Duration {
        Duration::from_secs(2) + random.millis(0, 2_000)
    }

    /// How many of these half of the rate allows now.
    fn half(&self, deed: Deed) -> u32 {
        let is_rested = self.rested.get(&deed).is_none_or(|at| *at <= Instant::now());
        if is_rested { self.rates.get(&deed).map_or(0, |rate| (rate.burst / 2).max(1)) } else { 0 }
    }

    fn rests_after(&mut self, deed: Deed, count: u32) {
        let time = self.rates.get(&deed).map_or(Duration::ZERO, |rate| rate.time_of(u64::from(count)) * 2);
        self.rested.insert(deed, Instant::now() + time);
    }
}

/// Takes one of what is left.
fn spend(left: &mut u32, amount: u32) -> bool {
    let rest = left.checked_sub(amount);
    *left = rest.unwrap_or(*left);
    rest.is_some()
}

impl Visitor {
    fn neighbour(&mut self) -> Option<&mut Neighbour> {
        match &mut self.habit {
            Habit::Polite(neighbour) => Some(neighbour),
            Habit::Hostile(_) => None,
        }
    }

    /// Acts once. Leaves now and then, when everything is answered.
    pub(super) fn live_politely(&mut self) -> Option<End> {
        let now = Instant::now();
        let (is_idle, random) = (self.awaited.is_empty(), self.random.fork());
        let neighbour = self.neighbour()?;
        if neighbour.stops_at.take_if(|at| *at <= now).is_some() {
            self.tell_typing(Asked::TypingStopped, names::TYPING_STOPPED);
            return None;
        }
        if is_idle && neighbour.stops_at.is_none() && neighbour.leaves_at <= now {
            neighbour.leaves_at = now + Duration::from_secs(5);
            neighbour.last = None;
            return Some(self.leave());
        }
        let mut random = random;
        if !random.chance(400) {
            return None;
        }
        match random.index(4) {
            0 => self.command_politely(&mut random),
            1 if self.requests_open() == 0 => self.look(),
            2 => self.read_politely(&mut random),
            _ => self.type_politely(&mut random),
        }
        None
    }

    fn requests_open(&self) -> usize {
        let is_open = |visit: &mut Visit| {
            let open = visit.asks.iter().filter(|ask| ask.answer.is_none());
            open.filter(|ask| ask.what == Asked::Request).count()
        };
        self.visit(is_open).unwrap_or(0)
    }

    fn look(&mut self) {
        let Some(neighbour) = self.neighbour() else { return };
        if neighbour.half(Deed::Request) == 0 {
            return;
        }
        neighbour.rests_after(Deed::Request, 1);
        let fields = json!({ "room": LOBBY, "limit": 1 });
        self.ask(Asked::Request, "history", &fields);
    }

    /// Sends as many commands as half of the rate allows, but what has a quota alone.
    fn command_politely(&mut self, random: &mut Random) {
        let Some(neighbour) = self.neighbour() else { return };
        let most = neighbour.half(Deed::Command);
        if most == 0 || !self.is_quiet() {
            return;
        }
        let count = if random.chance(500) { most } else { 1 };
        let Some(neighbour) = self.neighbour() else { return };
        neighbour.rests_after(Deed::Command, count);
        let last = neighbour.last.take();
        if let Some((event, fields)) = last.clone().filter(|_| random.chance(700)) {
            // As after a connection that broke. The answer is the same, and it costs nothing but time.
            self.ask(Asked::Repeat, event, &fields);
            if let Some(neighbour) = self.neighbour() {
                neighbour.last = Some((event, fields));
                neighbour.rests_after(Deed::Command, 1);
            }
            return;
        }
        if let Some(last) = self.with_quota(random) {
            if let Some(neighbour) = self.neighbour() {
                neighbour.last = Some(last);
                neighbour.rests_after(Deed::Command, 1);
            }
            return;
        }
        for _ in 0..count {
            let is_within = self.neighbour().is_some_and(|own| spend(&mut own.bytes, COMMAND_BYTES));
            if is_within {
                self.say();
            }
        }
    }

    /// Whether no command is on its way: several at once would count as several, even repeats.
    fn is_quiet(&self) -> bool {
        let is_open =
            |visit: &mut Visit| visit.asks.iter().any(|ask| ask.what.is_command() && ask.answer.is_none());
        self.visit(is_open) == Some(false)
    }

    /// A command that uses up a quota, of which half is never exceeded.
    fn with_quota(&mut self, random: &mut Random) -> Option<(&'static str, Value)> {
        let others: Vec<u64> = {
            let all = self.world.neighbours.borrow();
            all.iter().copied().filter(|user| Some(*user) != self.user).collect()
        };
        self.counter += 1;
        let (index, counter) = (self.index, self.counter);
        let neighbour = self.neighbour()?;
        if !spend(&mut neighbour.bytes, COMMAND_BYTES) {
            return None;
        }
        match random.index(4) {
            0 if spend(&mut neighbour.rooms, 1) => {
                let fields = json!({ "kind": "private", "name": format!("home {index}-{counter}") });
                Some(("create", self.command(Asked::Create, "create", fields)))
            }
            1 if !others.is_empty() && spend(&mut neighbour.contacts, 1) => {
                let with = random.pick(&others);
                let fields = json!({ "with": [format!("{with:016x}")] });
                Some(("direct", self.command(Asked::Direct(with), "direct", fields)))
            }
            2 if spend(&mut neighbour.renames, 1) => Some(("name", self.name("n"))),
            _ => None,
        }
    }

    /// Moves the read pointer: once, or, as somebody who scrolls fast, more often than the rate allows. Then the last one counts.
    fn read_politely(&mut self, random: &mut Random) {
        let seq = self.seq;
        let Some(neighbour) = self.neighbour() else { return };
        let burst = neighbour.rates.get(&Deed::Read).map_or(0, |rate| rate.burst);
        if neighbour.half(Deed::Read) == 0 || seq == 0 {
            return;
        }
        let count = if random.chance(300) { burst + 3 } else { 1 };
        neighbour.rests_after(Deed::Read, count);
        for back in (0..u64::from(count)).rev() {
            self.move_pointer(seq.saturating_sub(back).max(1));
        }
    }

    fn type_politely(&mut self, random: &mut Random) {
        let stops_at = Instant::now() + random.millis(20, 600);
        let Some(neighbour) = self.neighbour() else { return };
        if neighbour.half(Deed::Typing) == 0 || neighbour.stops_at.is_some() {
            return;
        }
        neighbour.rests_after(Deed::Typing, 1);
        neighbour.stops_at = Some(stops_at);
        self.tell_typing(Asked::Typing, names::TYPING);
    }
}
