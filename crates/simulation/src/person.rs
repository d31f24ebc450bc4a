//! [`Person`]: a client of `/v1` that does everything right.
//!
//! It keeps its outbox and its cursor through crashes, sends without waiting, and asks for what it missed when a
//! welcome says so. It never asks for entries that a stream has left out by mistake: the checker must find those.

mod answers;
mod company;
mod habits;
mod store;
mod stream;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::browser::{Browser, End, Tab};
use crate::random::Random;
use crate::rare::{Rare, reached};
use crate::record::LOBBY;
use crate::record::people::{self, Sight};
use crate::world::{Phase, Standing, Stay, World};
use company::Company;
use store::Store;

/// The namespace, which every packet names.
const NAMESPACE: &str = "/v1,";

/// How many requests may be open. The server allows a few more.
const REQUESTS_MAX: usize = 8;

/// What the answer to an ack id is for.
enum Awaited {
    /// The command with this index in the record. `round` tells the rounds of sending apart.
    Command {
        index: usize,
        n: u64,
        round: u64,
        asked: u128,
    },
    Changes {
        room: u64,
        asked: u128,
    },
    /// Changes that nobody needs.
    Looked {
        room: u64,
        asked: u128,
    },
    History {
        room: u64,
        asked: u128,
    },
    Read {
        room: u64,
        seq: u64,
    },
    /// The code of an invite.
    Invite,
    /// The code of a link.
    Link,
    /// Who is online.
    Who,
    /// A request whose answer is not used.
    Idle,
}

/// The state of one connection. A crash ends it.
#[derive(Default)]
struct Connection {
    /// The epoch of the server, from the welcome.
    epoch: Option<u64>,
    awaited: BTreeMap<u64, (Awaited, Option<Instant>)>,
    /// The number of the next command to send.
    next_to_send: u64,
    /// The position at which the stream starts, from a welcome that did not resume.
    started: u64,
    round: u64,
    /// The sign-in, from the welcome.
    sign_in: Option<String>,
    /// Whether the first command is sent last, the first time.
    jumps: bool,
    /// It is shown the token of another server, which must not be accepted.
    is_foreign: bool,
    /// Nothing is sent before this time: the server is overloaded, or something went wrong.
    rests_until: Option<Instant>,
}

pub(crate) struct Person {
    world: Rc<World>,
    /// The index in [`World::standings`].
    place: usize,
    /// The index in the record's people.
    index: usize,
    random: Random,
    store: Store,
    connection: Connection,
    company: Company,
    next_ack: u64,
    counter: u64,
    /// From now on it does nothing, whatever it was doing.
    has_crashed: bool,
    acts_at: Instant,
    /// A room that they will be removed from. They keep looking at it until then.
    clings: Option<(u64, Instant)>,
    /// Whom they will remove from which room, and when.
    parts: Option<(u64, u64, Instant)>,
    said_last_words: bool,
    stay: Stay,
    outbox: Vec<String>,
    /// Another device has ended its sign-in.
    is_signed_out: bool,
}

impl Person {
    pub(crate) fn new(world: &Rc<World>) -> Self {
        let mut random = world.fork();
        let mut standings = world.standings.borrow_mut();
        let place = standings.len();
        standings.push(crate::world::Standing::default());
        let mut record = world.record.borrow_mut();
        let index = record.people.len();
        record.people.push(people::Person::default());
        drop(record);
        let store = Store::new(&mut random);
        let stay = if random.chance(200) { Stay::Goes } else { Stay::Stays };
        Self {
            world: Rc::clone(world),
            place,
            index,
            random,
            store,
            connection: Connection::default(),
            company: Company::default(),
            next_ack: 0,
            counter: 0,
            has_crashed: false,
            acts_at: Instant::now(),
            clings: None,
            parts: None,
            said_last_words: false,
            stay,
            outbox: Vec::new(),
            is_signed_out: false,
        }
    }

    /// Runs for ever, or until it goes home.
    pub(crate) async fn run(mut self) {
        let mut browser = Browser::new(&self.world);
        // Some are the second device of an existing person.
        tokio::time::sleep(self.random.millis(0, 4_000)).await;
        let tokens = self.world.tokens.borrow().clone();
        if !tokens.is_empty() && self.random.chance(300) {
            self.store.token = Some(tokens[self.random.index(tokens.len())].clone());
        } else if self.random.chance(400) {
            self.wait_for_link().await;
        }
        loop {
            browser.open();
            browser.live(&mut self).await;
            self.has_crashed = false;
            if std::mem::take(&mut self.is_signed_out) {
                tokio::time::sleep(self.random.millis(300, 1_500)).await;
            }
            if self.is_going() {
                return self.go_home();
            }
            if self.random.chance(400) {
                self.note(format_args!("forgets what it has seen"));
                self.store.forget();
                self.see(Sight::Forgets);
            }
        }
    }

    /// Some are one more device of somebody, by a link.
    async fn wait_for_link(&mut self) {
        for _ in 0..20 {
            self.store.link = self.world.links.borrow_mut().pop();
            if self.store.link.is_some() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    fn is_going(&self) -> bool {
        self.stay == Stay::Goes && self.world.phase.get() != Phase::Hostile
    }

    fn go_home(self) {
        self.note(format_args!("goes home"));
        if let Some(standing) = self.world.standings.borrow_mut().get_mut(self.place) {
            *standing = Standing { stay: Stay::Goes, ..*standing };
        }
        if let Some(person) = self.world.record.borrow_mut().people.get_mut(self.index) {
            person.is_gone = true;
        }
    }

    fn note(&self, what: std::fmt::Arguments<'_>) {
        self.world.note(format_args!("person {}: {what}", self.index));
    }

    fn complain(&self, what: &str) {
        let complaint = format!("person {} {what}", self.index);
        self.world.note(format_args!("{complaint}"));
        self.world.record.borrow_mut().complaints.push(complaint);
    }

    fn see(&self, sight: Sight) {
        if let Some(person) = self.world.record.borrow_mut().people.get_mut(self.index) {
            person.sights.push(sight);
        }
    }

    fn is_welcome(&self) -> bool {
        self.connection.epoch.is_some()
    }

    /// Another device has ended the sign-in. It tries again as long as there are faults, and then it goes.
    fn signed_out(&mut self) {
        self.note(format_args!("is told that its sign-in has ended"));
        if let Some(id) = self.store.sign_in.clone() {
            self.see(Sight::SignedOut { id });
        }
        reached(Rare::SignedOut);
        (self.stay, self.is_signed_out) = (Stay::Goes, true);
        self.crash();
    }

    /// Stops in the middle of everything.
    fn crash(&mut self) {
        self.note(format_args!("crashes"));
        self.has_crashed = true;
    }

    fn ask(&mut self, event: &'static str, fields: &Value, awaited: Awaited, timeout: Option<Duration>) {
        self.world.record.borrow_mut().events.insert(event);
        let id = self.next_ack;
        self.next_ack += 1;
        self.connection.awaited.insert(id, (awaited, timeout.map(|timeout| Instant::now() + timeout)));
        self.outbox.push(format!("42{NAMESPACE}{id}{}", json!([event, fields])));
    }

    /// The `auth` that another server gave to somebody, perhaps with a user id that is also in use here.
    fn foreign_auth(&mut self) -> Value {
        let people: Vec<u64> = self.world.people.borrow().iter().copied().collect();
        let user = if people.is_empty() { 1 } else { self.random.pick(&people) };
        let signer = tidings::v1::identity::Signer::new(&[8; 32], []);
        let token = signer.old_token(chat::UserId(user));
        let cursor = format!("1.{:x}.{:x}", self.random.next() >> 20, self.random.within(1, 900));
        json!({ "v": 1, "device": self.store.device, "token": token, "cursor": cursor })
    }

    fn ack_timeout(&self) -> Duration {
        match self.world.phase.get() {
            Phase::Hostile => self.world.rates.ack_timeout,
            Phase::Quiet | Phase::LastWords => Duration::from_secs(10),
        }
    }

    /// Sends everything that waits.
    fn flush(&mut self) {
        if !self.is_welcome() || self.has_crashed {
            return;
        }
        if self.connection.rests_until.is_some_and(|until| until > Instant::now()) {
            return;
        }
        self.greet();
        self.fill();
        self.cling();
        if !self.sort() {
            return;
        }
        let (timeout, asked) = (self.ack_timeout(), self.world.micros());
        let mut due: Vec<_> = self
            .store
            .outbox
            .iter()
            .filter(|command| command.n >= self.connection.next_to_send)
            .cloned()
            .collect();
        if std::mem::take(&mut self.connection.jumps) && !due.is_empty() {
            due.rotate_left(1);
        }
        for command in due {
            self.connection.next_to_send = self.connection.next_to_send.max(command.n + 1);
            let mut fields = command.fields.clone();
            if let Some(fields) = fields.as_object_mut() {
                fields.insert("n".into(), json!(command.n));
            }
            let awaited =
                Awaited::Command { index: command.index, n: command.n, round: self.connection.round, asked };
            self.ask(command.event, &fields, awaited, Some(timeout));
        }
    }

    /// Asks for missing entries.
    fn fill(&mut self) {
        let timeout = self.ack_timeout();
        let asked = self.world.micros();
        let is_open =
            |awaited: &Awaited, of: u64| matches!(awaited, Awaited::Changes { room, .. } if *room == of);
        let needs: Vec<(u64, u64)> =
            self.store.view.needs.iter().map(|(room, need)| (*room, need.after)).collect();
        for (room, after) in needs {
            let awaited = &self.connection.awaited;
            if awaited.len() >= REQUESTS_MAX || awaited.values().any(|(awaited, _)| is_open(awaited, room)) {
                continue;
            }
            let limit = self.random.pick(&[100, 100, 7, 1]);
            let fields = json!({ "room": room, "after": after, "limit": limit });
            self.ask("changes", &fields, Awaited::Changes { room, asked }, Some(timeout));
        }
    }
}

impl Tab for Person {
    fn name(&self) -> String {
        format!("person {}", self.index)
    }

    fn opens(&mut self) {
        let micros = self.world.micros();
        let first = self.store.outbox.front().map_or(0, |command| command.n);
        let jumps = self.world.phase.get() == Phase::Hostile && self.random.chance(self.world.rates.jumps);
        self.connection = Connection { next_to_send: first, jumps, ..Connection::default() };
        if let Some(person) = self.world.record.borrow_mut().people.get_mut(self.index) {
            person.sign_in = None;
        }
        self.outbox.clear();
        self.company = Company::default();
        self.see(Sight::Connects { micros });
        self.connection.is_foreign =
            self.world.phase.get() == Phase::Hostile && self.random.chance(self.world.rates.foreign);
    }

    fn connect_packet(&mut self) -> String {
        if self.connection.is_foreign {
            return format!("40{NAMESPACE}{}", self.foreign_auth());
        }
        let mut auth = json!({ "v": 1, "device": self.store.device, "label": "A simulated app" });
        if let Some(auth) = auth.as_object_mut() {
            auth.extend(self.store.token.as_ref().map(|token| ("token".into(), json!(token))));
            auth.extend(self.store.link.as_ref().map(|link| ("link".into(), json!(link))));
            auth.extend(self.store.view.cursor.as_ref().map(|cursor| ("cursor".into(), json!(cursor))));
        }
        format!("40{NAMESPACE}{auth}")
    }

    fn take(&mut self, packet: &str) -> Result<(), String> {
        if self.has_crashed {
            return Ok(());
        }
        let broken = || format!("person {} got the packet {packet:?}", self.index);
        let (kind, rest) = packet.split_at_checked(1).ok_or_else(broken)?;
        let rest = rest.strip_prefix(NAMESPACE).ok_or_else(broken)?;
        let start = rest.find(['[', '{']).ok_or_else(broken)?;
        let (id, data) = rest.split_at(start);
        let data: Value = serde_json::from_str(data).map_err(|_| broken())?;
        let understood = match (kind, id) {
            ("0" | "2", "") if self.connection.is_foreign => {
                self.complain("is believed to be somebody by the token of another server");
                self.crash();
                Some(())
            }
            // It returns under its own identity.
            ("4", "") if self.connection.is_foreign && data["data"]["code"] == "bad_token" => {
                self.crash();
                Some(())
            }
            ("4", "") if data["data"]["code"] == "signed_out" => {
                self.signed_out();
                Some(())
            }
            // It was used before the answer got lost, or the server was restarted, or it cannot store anything.
            ("4", "") if self.store.link.is_some() => {
                self.store.link = None;
                self.crash();
                Some(())
            }
            ("0", "") => Some(()),
            ("2", "") => data[0].as_str().and_then(|event| self.hear(event, &data[1])),
            ("3", id) => id.parse().ok().and_then(|id| self.answered(id, &data[0])),
            _ => None,
        };
        understood.ok_or_else(|| format!("person {} got the packet {packet:?}", self.index))?;
        let rates = &self.world.rates;
        if self.world.phase.get() == Phase::Hostile && self.random.chance(rates.crashes_client) {
            self.crash();
        }
        self.flush();
        Ok(())
    }

    fn outbox(&mut self) -> &mut Vec<String> {
        &mut self.outbox
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.connection.awaited.values().filter_map(|(_, until)| *until).min()
    }

    /// Sends everything again that was not answered, and the commands after it.
    fn time_out(&mut self, now: Instant) {
        let is_due = |until: &Option<Instant>| until.is_some_and(|until| until <= now);
        let due: Vec<u64> = self
            .connection
            .awaited
            .iter()
            .filter(|(_, (_, until))| is_due(until))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            if let Some((Awaited::Command { n, .. }, until)) = self.connection.awaited.get_mut(&id) {
                // The answer may still come.
                *until = None;
                self.connection.next_to_send = self.connection.next_to_send.min(*n);
            } else {
                self.connection.awaited.remove(&id);
            }
        }
        self.flush();
    }

    fn disconnected(&mut self) {
        if let Some(person) = self.world.record.borrow_mut().people.get_mut(self.index) {
            person.sign_in = None;
        }
        self.connection = Connection::default();
        self.outbox.clear();
    }

    fn next_act(&self) -> Instant {
        let look = Instant::now() + Duration::from_secs(1);
        if self.has_crashed {
            return Instant::now();
        }
        match self.world.phase.get() {
            Phase::Hostile => self.acts_at.min(look),
            Phase::Quiet | Phase::LastWords => look,
        }
    }

    fn act(&mut self) -> Option<End> {
        if self.has_crashed {
            return Some(End::Reload);
        }
        match self.world.phase.get() {
            Phase::Hostile => self.live_on(),
            Phase::Quiet | Phase::LastWords if self.stay == Stay::Goes => return Some(End::Reload),
            Phase::Quiet => {}
            Phase::LastWords => {
                if self.store.old.is_empty() && !std::mem::replace(&mut self.said_last_words, true) {
                    // Nobody moves or crashes any more, so a connection that should be closed would stay.
                    if self.random.chance(500) {
                        self.sign_out_one_there();
                    }
                    self.say(LOBBY);
                }
            }
        }
        self.flush();
        self.has_crashed.then_some(End::Reload)
    }

    fn stand(&self) {
        if let Some(standing) = self.world.standings.borrow_mut().get_mut(self.place) {
            let store = &self.store;
            standing.joined = self.is_welcome();
            standing.user = store.user;
            standing.last = store.view.reached;
            standing.unanswered = store.outbox.len() + store.old.len() + store.view.needs.len();
            standing.said_last_words = self.said_last_words;
        }
    }

    fn may_be_cut_off(&self) -> bool {
        self.store.user.is_some_and(|user| self.world.signing_out.borrow().contains(&user))
    }

    fn roams(&self) -> bool {
        true
    }
}
