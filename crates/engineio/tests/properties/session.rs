//! Any order of calls on one session, checked by rules that always hold.
//!
//! The checker keeps its own account of requests, transport and pings, from the answers alone. After every step it runs
//! the timers as a driver would, so that the rules about time can be strict.

use std::time::{Duration, Instant};

use engineio::{Config, PacketKind, Probe, Received, Refusal, Session, TextPacket, Tick, TransportKind};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::codec::kinds;

#[derive(Clone, Debug)]
enum Step {
    BeginPoll,
    EndPoll,
    BeginPost,
    EndPost,
    Attach,
    Probe(PacketKind, &'static str),
    AbortUpgrade,
    Packet(PacketKind),
    Binary,
    /// Time passes.
    Wait(Duration),
    /// Time passes until the next timer.
    WaitForTimer,
    Close,
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::BeginPoll),
        3 => Just(Step::EndPoll),
        2 => Just(Step::BeginPost),
        2 => Just(Step::EndPost),
        3 => Just(Step::Attach),
        3 => Just(Step::Probe(PacketKind::Ping, "probe")),
        2 => Just(Step::Probe(PacketKind::Upgrade, "")),
        1 => (kinds(), select(vec!["", "probe", "x"])).prop_map(|(kind, data)| Step::Probe(kind, data)),
        1 => Just(Step::AbortUpgrade),
        1 => kinds().prop_map(Step::Packet),
        4 => select(vec![PacketKind::Pong, PacketKind::Message, PacketKind::Noop]).prop_map(Step::Packet),
        2 => Just(Step::Binary),
        4 => (0_u64..400).prop_map(|ms| Step::Wait(Duration::from_millis(ms))),
        4 => Just(Step::WaitForTimer),
        1 => Just(Step::Close),
    ]
}

fn configs() -> impl Strategy<Value = Config> {
    let duration = || (1_u64..500).prop_map(Duration::from_millis);
    (duration(), duration(), duration(), duration()).prop_map(
        |(ping_interval, ping_timeout, upgrade_timeout, poll_release_delay)| Config {
            ping_interval,
            ping_timeout,
            upgrade_timeout,
            poll_release_delay,
            max_payload: 1_000,
        },
    )
}

fn transports() -> impl Strategy<Value = TransportKind> {
    select(vec![TransportKind::Polling, TransportKind::WebSocket])
}

/// Steps of a client that stays within the rules but never answers a ping.
fn silent_steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Attach),
        1 => Just(Step::Probe(PacketKind::Ping, "probe")),
        1 => Just(Step::Probe(PacketKind::Upgrade, "")),
        1 => Just(Step::AbortUpgrade),
        3 => select(vec![PacketKind::Message, PacketKind::Noop, PacketKind::Open]).prop_map(Step::Packet),
        3 => Just(Step::Binary),
        4 => (0_u64..400).prop_map(|ms| Step::Wait(Duration::from_millis(ms))),
    ]
}

/// What the answers so far amount to.
struct Watcher {
    session: Session,
    config: Config,
    now: Instant,
    transport: TransportKind,
    polls: u32,
    posts: u32,
    closed: bool,
    /// When the ping was sent that still has no pong.
    unanswered_ping: Option<Instant>,
    /// When the session opened or the last awaited pong came.
    rested_at: Instant,
}

impl Watcher {
    fn open(kind: TransportKind, config: Config) -> Self {
        let now = Instant::now();
        Self {
            session: Session::open(kind, &config, now),
            config,
            now,
            transport: kind,
            polls: 0,
            posts: 0,
            closed: false,
            unanswered_ping: None,
            rested_at: now,
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::BeginPoll => {
                let begun = self.session.begin_poll();
                self.check_begun(begun, self.polls);
                self.polls += u32::from(begun.is_ok());
            }
            Step::BeginPost => {
                let begun = self.session.begin_post();
                self.check_begun(begun, self.posts);
                self.posts += u32::from(begun.is_ok());
            }
            Step::EndPoll => {
                self.session.end_poll();
                self.polls = 0;
            }
            Step::EndPost => {
                self.session.end_post();
                self.posts = 0;
            }
            Step::Attach => self.attach(),
            Step::Probe(kind, data) => self.probe(TextPacket { kind, data }),
            Step::AbortUpgrade => {
                self.session.abort_upgrade();
                assert!(!self.session.is_upgrading());
            }
            Step::Packet(kind) => self.packet(kind),
            Step::Binary => self.session.on_binary(self.now),
            Step::Wait(time) => self.now += time,
            Step::WaitForTimer => {
                if !self.closed {
                    self.now = self.now.max(self.session.deadline());
                }
            }
            Step::Close => {
                self.session.close();
                self.closed = true;
            }
        }
        self.check_state();
        self.run_timers();
        self.check_state();
    }

    fn check_begun(&mut self, begun: Result<(), Refusal>, in_flight: u32) {
        let expected = match (self.closed, self.transport, in_flight) {
            (true, _, _) => Err(Refusal::Closed),
            (false, TransportKind::WebSocket, _) => Err(Refusal::WrongTransport),
            (false, TransportKind::Polling, 0) => Ok(()),
            (false, TransportKind::Polling, _) => Err(Refusal::Overlap),
        };
        assert_eq!(begun, expected);
        self.closed |= begun == Err(Refusal::Overlap);
    }

    fn attach(&mut self) {
        let was_upgrading = self.session.is_upgrading();
        let expected = match (self.closed, self.transport, was_upgrading) {
            (true, _, _) => Err(Refusal::Closed),
            (false, TransportKind::Polling, false) => Ok(()),
            (false, TransportKind::Polling, true) | (false, TransportKind::WebSocket, _) => {
                Err(Refusal::WrongTransport)
            }
        };
        assert_eq!(self.session.begin_upgrade(&self.config, self.now), expected);
        assert_eq!(self.session.is_upgrading(), was_upgrading || expected.is_ok());
    }

    fn probe(&mut self, packet: TextPacket<'_>) {
        let was_upgrading = self.session.is_upgrading();
        let before = self.session.deadline();
        match self.session.on_probe(packet, &self.config, self.now) {
            Probe::Answer => {
                assert!(was_upgrading && self.session.is_upgrading());
                assert_eq!(packet, TextPacket { kind: PacketKind::Ping, data: "probe" });
                assert!(self.session.deadline() <= before, "a probe wins no time");
            }
            Probe::Switch => {
                assert!(was_upgrading && !self.session.is_upgrading());
                assert_eq!(packet.kind, PacketKind::Upgrade);
                self.transport = TransportKind::WebSocket;
            }
            Probe::Reject => assert!(!self.session.is_upgrading()),
        }
    }

    fn packet(&mut self, kind: PacketKind) {
        let received = self.session.on_packet(TextPacket { kind, data: "data" }, &self.config, self.now);
        if self.closed {
            assert_eq!(received, Received::Nothing);
            return;
        }
        match received {
            Received::Message(data) => assert_eq!((kind, data), (PacketKind::Message, "data")),
            Received::Close(_) => {
                assert!(matches!(kind, PacketKind::Close | PacketKind::Ping));
                self.closed = true;
            }
            Received::Nothing => {
                if kind == PacketKind::Pong && self.unanswered_ping.take().is_some() {
                    self.rested_at = self.now;
                }
            }
        }
    }

    /// Asks for the timers until there is nothing more to do, which must be soon.
    fn run_timers(&mut self) {
        for _ in 0..5 {
            let was_due = self.session.deadline() <= self.now;
            let tick = self.session.on_deadline(&self.config, self.now);
            assert_eq!(was_due, tick != Tick::Nothing, "the deadline tells when there is something to do");
            match tick {
                Tick::Nothing => return,
                Tick::SendPing => {
                    assert!(!self.closed && !self.session.is_upgrading());
                    assert_eq!(self.unanswered_ping, None, "one ping at a time");
                    assert!(self.now >= self.rested_at + self.config.ping_interval, "not before its time");
                    self.unanswered_ping = Some(self.now);
                }
                Tick::AbortUpgrade => {
                    assert!(!self.closed && !self.session.is_upgrading());
                    assert_eq!(self.transport, TransportKind::Polling);
                }
                Tick::ReleasePoll => {
                    assert!(!self.closed && self.session.is_upgrading());
                    assert!(self.session.releases_polls());
                }
                Tick::Close(_) => {
                    assert!(!self.closed);
                    let sent = self.unanswered_ping.expect("only a ping can be left unanswered");
                    // The ping may have counted from a little before it was sent.
                    let timeout = self.config.ping_timeout;
                    assert!(self.now + timeout / 10 >= sent + timeout, "not before its time");
                    self.closed = true;
                }
            }
        }
        panic!("the timers never come to rest");
    }

    fn check_state(&self) {
        let session = &self.session;
        assert_eq!(session.is_closed(), self.closed);
        assert_eq!(session.transport(), self.transport);
        assert!(self.polls <= 1 && self.posts <= 1);
        assert_eq!(session.has_poll(), self.polls == 1);
        if session.releases_polls() {
            assert!(session.is_upgrading());
        }
        if session.is_upgrading() {
            assert_eq!(session.transport(), TransportKind::Polling);
            assert!(!self.closed);
        }
        let config = &self.config;
        if !self.closed && !session.is_upgrading() && self.unanswered_ping.is_none() {
            let due = self.rested_at + config.ping_interval;
            assert_eq!(session.deadline(), due, "nothing but an awaited pong moves the next ping");
        }
        let longest = config.ping_interval.max(config.ping_timeout).max(config.upgrade_timeout);
        assert!(
            self.closed || session.deadline() <= self.now + longest,
            "no timer is further than the longest"
        );
    }
}

proptest! {
    #[test]
    fn no_order_of_calls_bends_the_rules(
        kind in transports(), config in configs(), steps in vec(steps(), 0..80),
    ) {
        let mut watcher = Watcher::open(kind, config);
        for step in &steps {
            watcher.step(step);
        }
    }

    #[test]
    fn a_client_that_never_answers_a_ping_is_closed_in_time(
        kind in transports(), config in configs(), steps in vec(silent_steps(), 0..80),
    ) {
        let mut watcher = Watcher::open(kind, config.clone());
        let start = watcher.now;
        let last = start + config.ping_interval + config.upgrade_timeout + 2 * config.ping_timeout;
        for step in &steps {
            // Time moves from timer to timer, as it does for a driver, so that no tick is late.
            match *step {
                Step::Wait(time) => {
                    let until = watcher.now + time;
                    while !watcher.closed && watcher.session.deadline() < until {
                        watcher.step(&Step::WaitForTimer);
                    }
                    watcher.step(&Step::Wait(until - watcher.now));
                }
                _ => watcher.step(step),
            }
            prop_assert!(watcher.closed || watcher.now <= last);
        }
        while !watcher.closed {
            watcher.step(&Step::WaitForTimer);
            prop_assert!(watcher.now <= last);
        }
    }

    #[test]
    fn a_client_that_answers_every_ping_is_never_closed(config in configs(), rounds in 1_u32..20) {
        let mut watcher = Watcher::open(TransportKind::WebSocket, config);
        for _ in 0..rounds {
            watcher.step(&Step::WaitForTimer);
            prop_assert!(watcher.unanswered_ping.is_some());
            watcher.step(&Step::Packet(PacketKind::Pong));
            prop_assert!(!watcher.closed && watcher.unanswered_ping.is_none());
        }
    }

    #[test]
    fn a_closed_session_stays_closed(
        kind in transports(), config in configs(), before in vec(steps(), 0..20), after in vec(steps(), 0..20),
    ) {
        let mut watcher = Watcher::open(kind, config);
        before.iter().chain([&Step::Close]).chain(&after).for_each(|step| watcher.step(step));
        prop_assert!(watcher.session.is_closed());
    }
}
