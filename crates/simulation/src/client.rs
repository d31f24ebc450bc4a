//! [`Client`]: a person with a browser who uses the tutorial's page: types, reloads, reads slowly.

use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use crate::browser::{Browser, End, Tab};
use crate::page::{Library, Manner, Page};
use crate::random::Random;
use crate::record::Nature;
use crate::world::{Phase, World};

/// A person with this many unanswered messages waits before typing more.
const UNANSWERED_MAX: usize = 20;

/// One person, whose pages follow each other.
pub(crate) struct Client {
    world: Rc<World>,
    number: usize,
    random: Random,
    types_at: Instant,
    reloads_at: Option<Instant>,
    said_last_words: bool,
}

/// One of these pages.
struct Open<'a> {
    person: &'a mut Client,
    page: Page,
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
            said_last_words: false,
        }
    }

    /// Runs for ever.
    pub(crate) async fn run(mut self) {
        let mut browser = Browser::new(&self.world);
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
            let page = Page::open(&self.world, manner, library);
            browser.open();
            self.types_at = Instant::now() + self.random.around(self.world.rates.typing_pause);
            let reload_every = self.world.rates.reload_every;
            self.reloads_at = reload_every.map(|every| Instant::now() + self.random.around(every));
            let mut open = Open { person: &mut self, page };
            browser.live(&mut open).await;
            open.page.close();
        }
    }

    fn next_act(&self) -> Instant {
        // The phase may change at any time; a check every second is soon enough.
        let look = Instant::now() + Duration::from_secs(1);
        let reload = self.reloads_at.unwrap_or(look);
        match self.world.phase.get() {
            Phase::Hostile => self.types_at.min(reload).min(look),
            Phase::Quiet | Phase::LastWords => look,
        }
    }

    /// Does something that nothing from outside has caused.
    fn act(&mut self, page: &mut Page) -> Option<End> {
        let now = Instant::now();
        match self.world.phase.get() {
            Phase::Hostile => {
                if self.reloads_at.is_some_and(|at| at <= now) {
                    return Some(End::Reload);
                }
                if self.types_at <= now {
                    self.types_at = now + self.random.around(self.world.rates.typing_pause);
                    let count = if self.random.chance(self.world.rates.bursts) { 30 } else { 1 };
                    // Nobody keeps typing without an answer for ever.
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

    fn stand(&self, page: &Page) {
        if let Some(standing) = self.world.standings.borrow_mut().get_mut(self.number) {
            standing.joined = page.is_joined();
            standing.last = page.server_offset;
            standing.bare = page.is_bare();
            standing.unanswered = page.unanswered();
            standing.said_last_words = self.said_last_words;
        }
    }
}

impl Tab for Open<'_> {
    fn name(&self) -> String {
        format!("{:?}", self.page.id)
    }

    fn opens(&mut self) {}

    fn connect_packet(&mut self) -> String {
        self.page.connect_packet()
    }

    fn take(&mut self, packet: &str) -> Result<(), String> {
        self.page.take(packet)
    }

    fn outbox(&mut self) -> &mut Vec<String> {
        &mut self.page.outbox
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.page.next_timeout()
    }

    fn time_out(&mut self, now: Instant) {
        self.page.time_out(now);
    }

    fn disconnected(&mut self) {
        self.page.disconnected();
    }

    fn next_act(&self) -> Instant {
        self.person.next_act()
    }

    fn act(&mut self) -> Option<End> {
        self.person.act(&mut self.page)
    }

    fn stand(&self) {
        self.person.stand(&self.page);
    }

    /// What is sent once keeps its order at one node alone.
    fn roams(&self) -> bool {
        self.page.manner() == Manner::Retries
    }
}
