//! A client that polls: one request waits for packets, another one carries what the client sends.

use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::browser::{Browser, End, Heard, OPENING_MAX, SILENCE_MAX, Tab, Way};
use crate::exchange::{Exchange, Library};
use crate::frames::FromServer;
use crate::upgrade::Upgrade;
use crate::world::Phase;

/// The most packets that python-engineio accepts in one payload.
const PACKETS_MAX: usize = 16;

/// The separator of the packets in a payload.
const SEPARATOR: char = '\u{1e}';

/// A request that has no answer yet.
type Answering = Pin<Box<dyn Future<Output = Option<String>>>>;
type Pending = Option<Answering>;

impl Browser {
    fn begin(&mut self, exchange: Exchange) -> Answering {
        let random = self.random.fork();
        Box::pin(exchange.carry_out(Rc::clone(&self.world), (self.at, self.address), random))
    }

    /// When the client tries to upgrade: at once, as the official client does, or later.
    fn plan_upgrade(&mut self, sid: &str) -> Upgrade {
        if self.way != Way::Upgrading {
            return Upgrade::None;
        }
        let after = if self.random.chance(500) { Duration::ZERO } else { self.random.millis(0, 10_000) };
        let (world, at, sid) = (Rc::clone(&self.world), self.at, sid.to_owned());
        Upgrade::Opening(Box::pin(async move {
            tokio::time::sleep(after).await;
            world.connect_to(at, sid).await
        }))
    }

    /// Whether a client accepts this many packets in one payload. A correct server never sends more.
    fn takes(&self, library: Library, payload: &str) -> bool {
        let packets = payload.split(SEPARATOR).count();
        let takes = library == Library::Official || packets <= PACKETS_MAX;
        if !takes {
            self.world
                .record
                .borrow_mut()
                .complaints
                .push(format!("a client gets {packets} packets in one answer"));
        }
        takes
    }

    /// The running server, once the faults are over and it lets its clients stay. From then on, only the client ends a
    /// session.
    fn calm_life(&self) -> Option<u64> {
        let is_calm = self.world.phase.get() != Phase::Hostile && self.world.is_ready(self.at);
        self.world.life(self.at).filter(|_| is_calm)
    }

    /// Handles all packets of one answer.
    fn hear_all(&mut self, tab: &mut impl Tab, payload: &str) -> Heard {
        let mut heard = Heard::Nothing;
        for packet in payload.split(SEPARATOR) {
            match self.hear(tab, FromServer::Text(packet.to_owned())) {
                Heard::Alive => heard = Heard::Alive,
                Heard::Nothing => {}
                Heard::End => return Heard::End,
            }
        }
        heard
    }

    /// Handles a failed request. No request may fail in a session that began after the faults, unless the server has
    /// stopped or has sent its clients away, which it does when the log was slow until the end of the faults, or unless
    /// another device has signed this one out.
    fn lost(&mut self, tab: &impl Tab, life: Option<u64>) -> End {
        let is_wrong = !tab.may_be_cut_off() && self.world.is_ready(self.at);
        if is_wrong && life.is_some() && life == self.world.life(self.at) {
            let complaint = format!("{}: a request failed although nothing was wrong", tab.name());
            self.world.note(format_args!("{complaint}"));
            self.world.record.borrow_mut().complaints.push(complaint);
        }
        End::Lost
    }

    /// Runs one session by polling, and by WebSocket if the client upgrades.
    pub(crate) async fn talk_by_polling(&mut self, tab: &mut impl Tab) -> End {
        let random = self.random.fork();
        let opening = Exchange::Handshake.carry_out(Rc::clone(&self.world), (self.at, self.address), random);
        let Ok(Some(opened)) = tokio::time::timeout(OPENING_MAX, opening).await else { return End::Lost };
        let told: Option<Value> = opened.get(1..).and_then(|json| serde_json::from_str(json).ok());
        let sid = told.as_ref().and_then(|told| told["sid"].as_str()).unwrap_or_default().to_owned();
        self.world.record.borrow_mut().counts.connections += 1;
        self.hear(tab, FromServer::Text(opened));
        let life = self.calm_life();
        let library = self.random.pick(&[Library::Official, Library::Python, Library::PythonOnWindows]);
        let mut dead_at = Instant::now() + SILENCE_MAX;
        let (mut poll, mut post): (Pending, Pending) = (None, None);
        let mut upgrade = self.plan_upgrade(&sid);
        let mut masks = self.random.fork();
        loop {
            if poll.is_none()
                && post.is_none()
                && let Some(mut wire) = upgrade.take()
            {
                wire.say("5", &mut self.random);
                self.world.record.borrow_mut().counts.upgrades += 1;
                self.world.note(format_args!("{} goes on by WebSocket", tab.name()));
                return self.talk(tab, wire, dead_at).await;
            }
            if poll.is_none() && !upgrade.pauses() {
                poll = Some(self.begin(Exchange::Poll { sid: sid.clone(), library }));
            }
            if post.is_none() && !tab.outbox().is_empty() && !upgrade.pauses() {
                let body = std::mem::take(tab.outbox()).join(&SEPARATOR.to_string());
                post = Some(self.begin(Exchange::Post { sid: sid.clone(), library, body }));
            }
            let wakes_at = tab.next_act().min(dead_at);
            let wakes_at = tab.next_timeout().map_or(wakes_at, |timeout| timeout.min(wakes_at));
            tokio::select! {
                biased;
                answer = answer_to(&mut poll) => {
                    let Some(payload) = answer.filter(|payload| self.takes(library, payload)) else {
                        return self.lost(tab, life);
                    };
                    match self.hear_all(tab, &payload) {
                        Heard::Alive => dead_at = Instant::now() + SILENCE_MAX,
                        Heard::Nothing => {}
                        Heard::End => return End::Lost,
                    }
                }
                answer = answer_to(&mut post) => {
                    if answer.is_none() {
                        return self.lost(tab, life);
                    }
                }
                went = upgrade.progress(&mut masks) => {
                    if let Err(complaint) = went {
                        let complaint = format!("{}: {complaint}", tab.name());
                        self.world.record.borrow_mut().complaints.push(complaint);
                        return End::Lost;
                    }
                }
                () = tokio::time::sleep_until(wakes_at) => {}
            }
            let now = Instant::now();
            if now >= dead_at {
                return End::Lost;
            }
            tab.time_out(now);
            if let Some(end) = tab.act() {
                return end;
            }
            tab.stand();
        }
    }
}

/// Resolves with the answer and forgets the request. Never resolves if there is no request.
async fn answer_to(pending: &mut Pending) -> Option<String> {
    let Some(request) = pending else { return std::future::pending().await };
    let answer = request.await;
    *pending = None;
    answer
}
