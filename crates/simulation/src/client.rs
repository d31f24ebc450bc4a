//! [`Client`]: a person and a browser: types, reloads, reads slowly, and comes back as the official client does.

use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use crate::frames::FromServer;
use crate::page::{Library, Manner, Page};
use crate::random::Random;
use crate::record::Nature;
use crate::upgrade::{Moved, Wire};
use crate::world::{Phase, World};

/// Ping interval and time-out together: after so long without a ping, a client takes the connection for dead.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(45);

/// How long a connection may take to open.
pub(crate) const OPENING_MAX: Duration = Duration::from_secs(20);

/// So many messages without an answer make a person wait.
const UNANSWERED_MAX: usize = 20;

const BACKOFF_MIN: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// One after the other, the pages of one person.
pub(crate) struct Client {
    pub(crate) world: Rc<World>,
    number: usize,
    pub(crate) random: Random,
    types_at: Instant,
    reloads_at: Option<Instant>,
    reads_slowly: bool,
    pub(crate) way: Way,
    attempts: u32,
    said_last_words: bool,
}

/// The transports of a page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    WebSocket,
    Polling,
    /// It begins by polling and goes on by WebSocket.
    Upgrading,
}

/// Why a connection is over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Lost,
    Reload,
}

impl Client {
    pub(crate) fn new(world: &Rc<World>) -> Self {
        let random = world.fork();
        let mut standings = world.standings.borrow_mut();
        let number = standings.len();
        standings.push(crate::world::Standing::default());
        Self {
            world: Rc::clone(world),
            number,
            random,
            types_at: Instant::now(),
            reloads_at: None,
            reads_slowly: false,
            way: Way::WebSocket,
            attempts: 0,
            said_last_words: false,
        }
    }

    /// Never ends.
    pub(crate) async fn run(mut self) {
        loop {
            let is_pipelined = self.random.chance(self.world.rates.pipelines);
            let manner = if is_pipelined { Manner::Pipelined } else { Manner::Retries };
            let is_bare = self.random.chance(self.world.rates.bare);
            let library = if is_bare {
                let name = format!("{:016x}", self.random.next());
                Library::Bare { name, has_lineage: self.random.chance(500) }
            } else {
                Library::Official
            };
            let mut page = Page::open(&self.world, manner, library);
            self.reads_slowly = self.random.chance(self.world.rates.reads_slowly);
            self.way = self.choose_way();
            self.types_at = Instant::now() + self.random.around(self.world.rates.typing_pause);
            let reload_every = self.world.rates.reload_every;
            self.reloads_at = reload_every.map(|every| Instant::now() + self.random.around(every));
            self.live(&mut page).await;
            page.close();
        }
    }

    fn choose_way(&mut self) -> Way {
        let polls = self.random.chance(self.world.rates.polls);
        match (polls, self.random.chance(self.world.rates.upgrades)) {
            (false, _) => Way::WebSocket,
            (true, false) => Way::Polling,
            (true, true) => Way::Upgrading,
        }
    }

    /// One page, until it is reloaded.
    async fn live(&mut self, page: &mut Page) {
        loop {
            let end = match self.way {
                Way::Polling | Way::Upgrading => self.talk_by_polling(page).await,
                Way::WebSocket => match self.world.connect().await {
                    Some(stream) => self.talk(page, Wire::new(stream), Instant::now() + OPENING_MAX).await,
                    None => End::Lost,
                },
            };
            page.disconnected();
            self.stand(page);
            if end == End::Reload {
                return;
            }
            let doubled = BACKOFF_MIN * 2_u32.pow(self.attempts.min(8));
            self.attempts += 1;
            let around = doubled.min(BACKOFF_MAX);
            let until = Instant::now() + around / 2 + self.random.around(around / 2);
            while Instant::now() < until {
                if self.act(page) == Some(End::Reload) {
                    return;
                }
                tokio::time::sleep_until(self.next_act().min(until)).await;
            }
        }
    }

    /// One connection, or what is left of one that began by polling.
    pub(crate) async fn talk(&mut self, page: &mut Page, mut wire: Wire, mut dead_at: Instant) -> End {
        let mut rests_until = Instant::now();
        loop {
            let mut wakes_at = self.next_act().min(dead_at);
            wakes_at = page.next_timeout().map_or(wakes_at, |timeout| timeout.min(wakes_at));
            let is_resting = rests_until > Instant::now();
            if is_resting {
                wakes_at = wakes_at.min(rests_until);
            }
            tokio::select! {
                biased;
                moved = wire.progress(!is_resting) => match moved {
                    None => return End::Lost,
                    Some(Moved::Read) => rests_until = self.rest(),
                    Some(Moved::Written) => {}
                },
                () = tokio::time::sleep_until(wakes_at) => {}
            }
            while let Some(message) = wire.frames.pop() {
                match self.hear(page, message) {
                    Heard::Alive => dead_at = Instant::now() + SILENCE_MAX,
                    Heard::Nothing => {}
                    Heard::End => return End::Lost,
                }
            }
            let now = Instant::now();
            if now >= dead_at {
                return End::Lost;
            }
            page.time_out(now);
            if let Some(end) = self.act(page) {
                return end;
            }
            for packet in page.outbox.drain(..) {
                wire.say(&packet, &mut self.random);
            }
            self.stand(page);
        }
    }

    /// A message; what a right server never sends is noted and ends the connection.
    pub(crate) fn hear(&mut self, page: &mut Page, message: FromServer) -> Heard {
        self.understand(page, message).unwrap_or_else(|complaint| {
            self.world.note(format_args!("{complaint}"));
            self.world.record.borrow_mut().complaints.push(complaint);
            Heard::End
        })
    }

    fn understand(&mut self, page: &mut Page, message: FromServer) -> Result<Heard, String> {
        let text = match message {
            FromServer::Text(text) => text,
            FromServer::Close => return Ok(Heard::End),
            FromServer::Broken(what) => return Err(format!("{:?} got {what}", page.id)),
        };
        match text.split_at_checked(1) {
            Some(("0", _)) => {
                self.attempts = 0;
                page.outbox.push(page.connect_packet());
                Ok(Heard::Alive)
            }
            Some(("1", _)) => Ok(Heard::End),
            Some(("6", "")) => Ok(Heard::Nothing),
            Some(("2", _)) => {
                page.outbox.push("3".into());
                Ok(Heard::Alive)
            }
            Some(("4", packet)) => page.take(packet).map(|()| Heard::Nothing),
            _ => Err(format!("{:?} got the message {text:?}", page.id)),
        }
    }

    /// Slow readers look away now and then.
    fn rest(&mut self) -> Instant {
        let rests = self.reads_slowly && self.world.phase.get() == Phase::Hostile && self.random.chance(200);
        let longest = if self.random.chance(100) { 30_000 } else { 3_000 };
        let time = if rests { self.random.millis(10, longest) } else { Duration::ZERO };
        Instant::now() + time
    }

    pub(crate) fn next_act(&self) -> Instant {
        // The phase may change at any time; a look every second is soon enough.
        let look = Instant::now() + Duration::from_secs(1);
        let reload = self.reloads_at.unwrap_or(look);
        match self.world.phase.get() {
            Phase::Hostile => self.types_at.min(reload).min(look),
            Phase::Quiet | Phase::LastWords => look,
        }
    }

    /// What a person does of its own accord.
    pub(crate) fn act(&mut self, page: &mut Page) -> Option<End> {
        let now = Instant::now();
        match self.world.phase.get() {
            Phase::Hostile => {
                if self.reloads_at.is_some_and(|at| at <= now) {
                    return Some(End::Reload);
                }
                if self.types_at <= now {
                    self.types_at = now + self.random.around(self.world.rates.typing_pause);
                    let count = if self.random.chance(self.world.rates.bursts) { 30 } else { 1 };
                    // Nobody talks on for ever into the void.
                    if page.unanswered() < UNANSWERED_MAX {
                        (0..count).for_each(|_| self.type_message(page));
                    }
                }
            }
            Phase::Quiet => {}
            Phase::LastWords => {
                if !std::mem::replace(&mut self.said_last_words, true) {
                    let key = page.make_key();
                    page.say(format!("{}-last-{}", page.id.0, page.number()), Some(key), Nature::Proper);
                }
            }
        }
        None
    }

    fn type_message(&mut self, page: &mut Page) {
        let rates = &self.world.rates;
        let (number, id) = (page.number(), page.id.0);
        let length = if self.random.chance(100) { self.random.index(6_000) } else { 0 };
        let unique = format!("{id}-{number} {}", "x".repeat(length));
        if self.random.chance(rates.sends_nonsense) {
            let key = page.make_key();
            let (text, key) = match self.random.index(3) {
                0 => ("x".repeat(17 << 10) + &unique, key),
                1 => (String::new(), key),
                _ => (unique, "k".repeat(300)),
            };
            return page.say(text, Some(key), Nature::Nonsense);
        }
        if self.random.chance(rates.reuses_keys)
            && let Some(key) = page.last_key()
        {
            page.make_key();
            return page.say(unique, Some(key), Nature::ReusesKey);
        }
        let others = self.world.keys_of_others(page.id);
        if !others.is_empty() && self.random.chance(rates.squats) {
            let key = others[self.random.index(others.len())].clone();
            page.make_key();
            return page.say(unique, Some(key), Nature::ReusesKey);
        }
        let text = if self.random.chance(rates.says_hi) { "hi".into() } else { unique };
        let key = page.make_key();
        let has_key = page.manner() == Manner::Retries || self.random.chance(500);
        page.say(text, has_key.then_some(key), Nature::Proper);
    }

    pub(crate) fn stand(&self, page: &Page) {
        if let Some(standing) = self.world.standings.borrow_mut().get_mut(self.number) {
            standing.joined = page.is_joined();
            standing.last = page.server_offset;
            standing.bare = page.is_bare();
            standing.unanswered = page.unanswered();
            standing.said_last_words = self.said_last_words;
        }
    }
}

pub(crate) enum Heard {
    Nothing,
    /// A sign of life.
    Alive,
    End,
}
