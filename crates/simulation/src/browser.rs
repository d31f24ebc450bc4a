//! [`Browser`]: a program on a bad network that reconnects to the server as the official client does.
//!
//! It knows transports, heartbeats and the pauses between attempts. Its [`Tab`] decides what to send and reads what
//! arrives.

use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use crate::frames::FromServer;
use crate::node_number::NodeNumber;
use crate::random::Random;
use crate::upgrade::{Moved, Wire};
use crate::world::{Phase, World};

/// Ping interval plus ping timeout: after this long without a ping, a client takes the connection for dead.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(45);

/// How long a connection may take to open.
pub(crate) const OPENING_MAX: Duration = Duration::from_secs(20);

const BACKOFF_MIN: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// What runs in a browser. It does no I/O: it puts what it sends into an outbox.
pub(crate) trait Tab {
    /// A name for the story of the run.
    fn name(&self) -> String;

    /// Called before a connection is opened.
    fn opens(&mut self);

    /// The packet that joins the namespace.
    fn connect_packet(&mut self) -> String;

    /// Receives a packet of Socket.IO. The error is a packet that a correct server never sends.
    fn take(&mut self, packet: &str) -> Result<(), String>;

    /// Engine.IO messages that wait to be sent.
    fn outbox(&mut self) -> &mut Vec<String>;

    /// The earliest time at which an answer is overdue.
    fn next_timeout(&self) -> Option<Instant>;

    /// Gives up requests whose answer is overdue at `now`.
    fn time_out(&mut self, now: Instant);

    /// The connection is gone.
    fn disconnected(&mut self);

    /// The latest time for the next call of [`act`](Self::act).
    fn next_act(&self) -> Instant;

    /// Does something that nothing from outside has caused.
    fn act(&mut self) -> Option<End>;

    /// Tells the world how far it has come: see [`Standing`](crate::world::Standing).
    fn stand(&self);

    /// Whether the server may close its connection although nothing is wrong.
    fn may_be_cut_off(&self) -> bool {
        false
    }

    /// Whether it may change nodes when it comes back.
    fn roams(&self) -> bool;
}

/// The network side of a person.
pub(crate) struct Browser {
    pub(crate) world: Rc<World>,
    pub(crate) random: Random,
    pub(crate) reads_slowly: bool,
    pub(crate) way: Way,
    /// The node that it speaks with.
    pub(crate) at: NodeNumber,
    /// Where it is; `None` if the server does not know.
    pub(crate) address: Option<IpAddr>,
    attempts: u32,
}

/// The transports of a page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    WebSocket,
    Polling,
    /// Begins by polling, then upgrades to WebSocket.
    Upgrading,
}

/// Why a connection is over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Lost,
    Reload,
}

pub(crate) enum Heard {
    Nothing,
    /// The server is alive.
    Alive,
    End,
}

impl Browser {
    /// One to which no limits apply, if there are any.
    pub(crate) fn new(world: &Rc<World>) -> Self {
        Self::from(world, world.rates.siege.is_some().then_some(IpAddr::V4(Ipv4Addr::LOCALHOST)))
    }

    pub(crate) fn from(world: &Rc<World>, address: Option<IpAddr>) -> Self {
        let random = world.fork();
        Self {
            world: Rc::clone(world),
            random,
            reads_slowly: false,
            way: Way::WebSocket,
            at: NodeNumber::FIRST,
            address,
            attempts: 0,
        }
    }

    /// Draws the transport and the reading speed of the next connection.
    pub(crate) fn open(&mut self) {
        let rates = &self.world.rates;
        self.reads_slowly = self.random.chance(rates.reads_slowly);
        let (polls, upgrades) = (self.random.chance(rates.polls), self.random.chance(rates.upgrades));
        self.way = match (polls, upgrades) {
            (false, _) => Way::WebSocket,
            (true, false) => Way::Polling,
            (true, true) => Way::Upgrading,
        };
        self.at = self.world.choose_node(&mut self.random);
    }

    /// Runs one tab until it is reloaded.
    pub(crate) async fn live(&mut self, tab: &mut impl Tab) {
        loop {
            if tab.roams() {
                self.at = self.world.roam(self.at, &mut self.random);
            }
            tab.opens();
            let end = match self.way {
                Way::Polling | Way::Upgrading => self.talk_by_polling(tab).await,
                Way::WebSocket => match self.world.connect(self.at, self.address).await {
                    Some(stream) => self.talk(tab, Wire::new(stream), Instant::now() + OPENING_MAX).await,
                    None => End::Lost,
                },
            };
            tab.disconnected();
            tab.stand();
            if end == End::Reload {
                return;
            }
            let doubled = BACKOFF_MIN * 2_u32.pow(self.attempts.min(8));
            self.attempts += 1;
            let around = doubled.min(BACKOFF_MAX);
            let until = Instant::now() + around / 2 + self.random.around(around / 2);
            while Instant::now() < until {
                if tab.act() == Some(End::Reload) {
                    return;
                }
                tokio::time::sleep_until(tab.next_act().min(until)).await;
            }
        }
    }

    /// Runs one WebSocket connection, or the rest of one that began by polling.
    pub(crate) async fn talk(&mut self, tab: &mut impl Tab, mut wire: Wire, mut dead_at: Instant) -> End {
        let mut rests_until = Instant::now();
        loop {
            let mut wakes_at = tab.next_act().min(dead_at);
            wakes_at = tab.next_timeout().map_or(wakes_at, |timeout| timeout.min(wakes_at));
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
                match self.hear(tab, message) {
                    Heard::Alive => dead_at = Instant::now() + SILENCE_MAX,
                    Heard::Nothing => {}
                    Heard::End => return End::Lost,
                }
            }
            let now = Instant::now();
            if now >= dead_at {
                return End::Lost;
            }
            tab.time_out(now);
            if let Some(end) = tab.act() {
                return end;
            }
            for packet in std::mem::take(tab.outbox()) {
                wire.say(&packet, &mut self.random);
            }
            tab.stand();
        }
    }

    /// Handles a message. A message that a correct server never sends is noted and ends the connection.
    pub(crate) fn hear(&mut self, tab: &mut impl Tab, message: FromServer) -> Heard {
        self.understand(tab, message).unwrap_or_else(|complaint| {
            self.world.note(format_args!("{complaint}"));
            self.world.record.borrow_mut().complaints.push(complaint);
            Heard::End
        })
    }

    fn understand(&mut self, tab: &mut impl Tab, message: FromServer) -> Result<Heard, String> {
        let text = match message {
            FromServer::Text(text) => text,
            FromServer::Close => return Ok(Heard::End),
            FromServer::Broken(what) => return Err(format!("{} got {what}", tab.name())),
        };
        match text.split_at_checked(1) {
            Some(("0", _)) => {
                self.attempts = 0;
                let packet = tab.connect_packet();
                // An impatient client: only one of the two CONNECTs counts.
                if self.random.chance(self.world.rates.connects_twice) {
                    tab.outbox().push(packet.clone());
                }
                tab.outbox().push(packet);
                Ok(Heard::Alive)
            }
            Some(("1", _)) => Ok(Heard::End),
            Some(("6", "")) => Ok(Heard::Nothing),
            // python-engineio echoes the data of a ping. Other clients leave it out, and the server never sends them
            // any.
            Some(("2", data)) => {
                tab.outbox().push(format!("3{data}"));
                Ok(Heard::Alive)
            }
            Some(("4", packet)) => tab.take(packet).map(|()| Heard::Nothing),
            _ => Err(format!("{} got the message {text:?}", tab.name())),
        }
    }

    /// Slow readers pause now and then.
    fn rest(&mut self) -> Instant {
        let rests = self.reads_slowly && self.world.phase.get() == Phase::Hostile && self.random.chance(200);
        let longest = if self.random.chance(100) { 30_000 } else { 3_000 };
        let time = if rests { self.random.millis(10, longest) } else { Duration::ZERO };
        Instant::now() + time
    }
}
