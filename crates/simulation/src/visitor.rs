//! [`Visitor`]: a client of `/v1` to whom limits apply, in a world with a [siege](crate::siege).
//!
//! It keeps a record of what it sends and when that is answered. What it does, its [`Habit`] decides. It stores nothing but
//! its token, and starts from the present each time.

mod flooder;
mod neighbour;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use tidings::v1::names;
use tokio::time::Instant;

use self::flooder::Flooder;
use self::neighbour::Neighbour;
use crate::browser::{Browser, End, Tab, Way};
use crate::random::Random;
use crate::record::LOBBY;
use crate::record::people::Typed;
use crate::record::siege::{self, Ask, Asked, Ended, Manner, Visit};
use crate::siege::Siege;
use crate::world::{Phase, World};

/// The namespace, which every packet names.
const NAMESPACE: &str = "/v1,";

/// What a visitor does.
enum Habit {
    Polite(Neighbour),
    Hostile(Flooder),
}

pub(crate) struct Visitor {
    world: Rc<World>,
    /// The index in the record.
    index: usize,
    address: IpAddr,
    random: Random,
    habit: Habit,
    /// The first CONNECT without it makes somebody new.
    token: Option<String>,
    user: Option<u64>,
    is_welcome: bool,
    /// The next command of this connection, which has a device of its own.
    n: u64,
    next_ack: u64,
    /// The asks of this connection that have no answer.
    awaited: BTreeMap<u64, usize>,
    /// Packets of this connection.
    packets: u64,
    /// The last message of the lobby.
    seq: u64,
    counter: u64,
    is_leaving: bool,
    outbox: Vec<String>,
}

impl Visitor {
    /// All visitors of a siege, polite ones first.
    pub(crate) fn all(world: &Rc<World>, siege: &Siege) -> Vec<Self> {
        let polite = (0..siege.neighbours).map(|number| {
            let habit = Habit::Polite(Neighbour::new(siege, number, world));
            Self::new(world, Siege::home(number), habit)
        });
        let hostile = (0..siege.flooders)
            .map(|number| Self::new(world, siege.den(number), Habit::Hostile(Flooder::default())));
        polite.chain(hostile).collect()
    }

    fn new(world: &Rc<World>, address: IpAddr, habit: Habit) -> Self {
        let manner = match &habit {
            Habit::Polite(_) => Manner::Polite,
            Habit::Hostile(_) => Manner::Hostile,
        };
        let mut record = world.record.borrow_mut();
        let visitors = record.siege.as_mut().map(|siege| &mut siege.visitors);
        let index = visitors.map_or(0, |visitors| {
            visitors.push(siege::Visitor { manner, address, visits: Vec::new() });
            visitors.len() - 1
        });
        drop(record);
        Self {
            world: Rc::clone(world),
            index,
            address,
            random: world.fork(),
            habit,
            token: None,
            user: None,
            is_welcome: false,
            n: 1,
            next_ack: 0,
            awaited: BTreeMap::new(),
            packets: 0,
            seq: 0,
            counter: 0,
            is_leaving: false,
            outbox: Vec::new(),
        }
    }

    /// Runs as long as there is a siege.
    pub(crate) async fn run(mut self) {
        let mut browser = Browser::from(&self.world, Some(self.address));
        tokio::time::sleep(self.random.millis(0, 2_000)).await;
        while self.world.phase.get() == Phase::Hostile {
            browser.open();
            if matches!(self.habit, Habit::Polite(_)) {
                (browser.way, browser.reads_slowly) = (Way::WebSocket, false);
            }
            browser.live(&mut self).await;
            let pause = match &self.habit {
                Habit::Polite(_) => Neighbour::pause(&mut self.random),
                Habit::Hostile(_) => self.random.millis(0, 500),
            };
            tokio::time::sleep(pause).await;
        }
    }

    fn note(&self, what: std::fmt::Arguments<'_>) {
        self.world.note(format_args!("visitor {}: {what}", self.index));
    }

    /// Changes the record of this connection.
    fn visit<T>(&self, change: impl FnOnce(&mut Visit) -> T) -> Option<T> {
        let mut record = self.world.record.borrow_mut();
        let visitor = record.siege.as_mut()?.visitors.get_mut(self.index)?;
        visitor.visits.last_mut().map(change)
    }

    fn send(&mut self, packet: String) {
        self.packets += 1;
        self.outbox.push(packet);
    }

    /// Sends something that is answered.
    fn ask(&mut self, what: Asked, event: &str, fields: &Value) {
        let id = self.next_ack;
        self.next_ack += 1;
        let ask = Ask { what, sent: self.world.micros(), packets_before: self.packets, answer: None };
        let place = self.visit(|visit| {
            visit.asks.push(ask);
            visit.asks.len() - 1
        });
        self.awaited.extend(place.map(|place| (id, place)));
        self.note(format_args!("asks {id}: {what:?}"));
        self.send(format!("42{NAMESPACE}{id}{}", json!([event, fields])));
    }

    /// Sends a command with the next number. Returns its fields, to send it again.
    fn command(&mut self, what: Asked, event: &str, mut fields: Value) -> Value {
        if let Some(fields) = fields.as_object_mut() {
            fields.insert("n".into(), json!(self.n));
        }
        self.n += 1;
        self.ask(what, event, &fields);
        fields
    }

    fn say(&mut self) -> Value {
        self.counter += 1;
        let text = format!("v{}-{}", self.index, self.counter);
        self.command(Asked::Say, "say", json!({ "room": LOBBY, "text": text }))
    }

    fn move_pointer(&mut self, seq: u64) {
        self.world.record.borrow_mut().reads.extend(self.user.map(|user| (user, LOBBY, seq)));
        self.ask(Asked::Read(seq), "read", &json!({ "room": LOBBY, "seq": seq }));
    }

    fn answered(&mut self, id: u64, told: &Value) -> Option<()> {
        let place = self.awaited.remove(&id)?;
        let code = match (told["ok"].as_bool()?, told["code"].as_str()) {
            (true, _) => None,
            (false, code) => Some(code?.to_owned()),
        };
        self.note(format_args!("is told of {id}: {code:?}"));
        let is_done = code.is_none();
        let answer = (self.world.micros(), code);
        let what = self.visit(|visit| visit.asks.get(place).map(|ask| ask.what)).flatten();
        if what == Some(Asked::Name) && is_done {
            self.is_named();
        }
        self.visit(|visit| visit.asks.get_mut(place).map(|ask| ask.answer = Some(answer))).flatten()
    }

    fn hear(&mut self, event: &str, told: &Value) -> Option<()> {
        let is_lobby = told["room"].as_u64() == Some(LOBBY);
        match event {
            names::WELCOME => self.welcomed(told)?,
            names::MESSAGE if is_lobby => self.seq = self.seq.max(told["seq"].as_u64()?),
            names::TYPING | names::TYPING_STOPPED if is_lobby => {
                let who = u64::from_str_radix(told["who"]["user"].as_str()?, 16).ok()?;
                let heard = (self.world.micros(), who, event == names::TYPING_STOPPED);
                self.visit(|visit| visit.typists.push(heard))?;
            }
            _ => {}
        }
        Some(())
    }

    fn welcomed(&mut self, told: &Value) -> Option<()> {
        let user = u64::from_str_radix(told["user"]["user"].as_str()?, 16).ok()?;
        if let Some(token) = told["token"].as_str() {
            self.token = Some(token.to_owned());
        }
        let lobby = told["rooms"].as_array()?.iter().find(|room| room["room"] == LOBBY)?;
        let (seq, read) = (lobby["seq"].as_u64()?, lobby["read"].as_u64()?);
        (self.user, self.is_welcome, self.seq) = (Some(user), true, seq);
        self.note(format_args!("is welcome"));
        self.visit(|visit| (visit.user, visit.read) = (Some(user), read))?;
        if !told["user"]["name"].is_string() {
            self.name("a");
        }
        Some(())
    }

    /// Takes a name. Only those who have one can do much, and only they can be found.
    fn name(&mut self, sort: &str) -> Value {
        self.counter += 1;
        let name = format!("{sort}{}x{}", self.index, self.counter);
        self.command(Asked::Name, "name", json!({ "name": name }))
    }

    fn is_named(&self) {
        let Some(user) = self.user.filter(|_| matches!(self.habit, Habit::Polite(_))) else { return };
        let mut neighbours = self.world.neighbours.borrow_mut();
        if !neighbours.contains(&user) {
            neighbours.push(user);
        }
    }

    /// Says that they type in the lobby, or have stopped.
    fn tell_typing(&mut self, what: Asked, event: &'static str) {
        let typed = Typed { user: self.user.unwrap_or(0), room: LOBBY, event, micros: self.world.micros() };
        self.world.record.borrow_mut().typed.push(typed);
        self.ask(what, event, &json!({ "room": LOBBY }));
    }

    fn leave(&mut self) -> End {
        self.is_leaving = true;
        End::Reload
    }
}

impl Tab for Visitor {
    fn name(&self) -> String {
        format!("visitor {}", self.index)
    }

    fn opens(&mut self) {
        let visit = Visit { opened: self.world.micros(), ..Visit::default() };
        if let Some(siege) = &mut self.world.record.borrow_mut().siege
            && let Some(visitor) = siege.visitors.get_mut(self.index)
        {
            visitor.visits.push(visit);
        }
        (self.is_welcome, self.is_leaving, self.n, self.packets) = (false, false, 1, 0);
        self.outbox.clear();
        self.awaited.clear();
        if let Habit::Hostile(flooder) = &mut self.habit {
            *flooder = Flooder::of(&mut self.random);
            if flooder.is_somebody_new() {
                self.token = None;
            }
        }
    }

    fn connect_packet(&mut self) -> String {
        let device = format!("{:016x}{:016x}", self.random.next(), self.random.next());
        let mut auth = json!({ "v": 1, "device": device });
        if let Some(auth) = auth.as_object_mut() {
            auth.extend(self.token.as_ref().map(|token| ("token".into(), json!(token))));
        }
        self.packets += 1;
        format!("40{NAMESPACE}{auth}")
    }

    fn take(&mut self, packet: &str) -> Result<(), String> {
        let broken = || format!("visitor {} got the packet {packet:?}", self.index);
        let (kind, rest) = packet.split_at_checked(1).ok_or_else(broken)?;
        let rest = rest.strip_prefix(NAMESPACE).ok_or_else(broken)?;
        let start = rest.find(['[', '{']).ok_or_else(broken)?;
        let (id, data) = rest.split_at(start);
        let data: Value = serde_json::from_str(data).map_err(|_| broken())?;
        let understood = match kind {
            "0" => Some(()),
            "2" => data[0].as_str().and_then(|event| self.hear(event, &data[1])),
            "3" => id.parse().ok().and_then(|id| self.answered(id, &data[0])),
            "4" => data["data"]["code"].as_str().and_then(|code| {
                self.note(format_args!("is not let in: {code}"));
                self.is_leaving = true;
                self.visit(|visit| visit.refused = Some(code.to_owned()))
            }),
            _ => None,
        };
        understood.ok_or_else(|| format!("visitor {} got the packet {packet:?}", self.index))
    }

    fn outbox(&mut self) -> &mut Vec<String> {
        &mut self.outbox
    }

    fn next_timeout(&self) -> Option<Instant> {
        None
    }

    fn time_out(&mut self, _: Instant) {}

    fn disconnected(&mut self) {
        let by = if self.is_leaving { Ended::Own } else { Ended::Server };
        let now = self.world.micros();
        self.visit(|visit| visit.ended = Some((now, by)));
        self.note(format_args!("is disconnected: {by:?}"));
        self.is_welcome = false;
    }

    fn next_act(&self) -> Instant {
        Instant::now() + Duration::from_millis(100)
    }

    fn act(&mut self) -> Option<End> {
        if self.is_leaving || self.world.phase.get() != Phase::Hostile {
            return Some(self.leave());
        }
        if !self.is_welcome {
            return None;
        }
        match &self.habit {
            Habit::Polite(_) => self.live_politely(),
            Habit::Hostile(_) => self.flood(),
        }
    }

    fn stand(&self) {}

    fn roams(&self) -> bool {
        false
    }
}
