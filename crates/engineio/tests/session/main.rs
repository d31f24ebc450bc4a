//! Scenarios of one session, as calls with made-up times.
//!
//! The times are small and easy to read: a ping every 300 ms, 200 ms for the pong, 100 ms for an upgrade, 40 ms until a
//! poll is released for it.

mod heartbeat;
mod messages;
mod requests;
mod upgrade;

use std::time::{Duration, Instant};

use engineio::{
    CloseReason, Config, PacketKind, Probe, Received, Refusal, Session, TextPacket, Tick, TransportKind,
};

use TransportKind::{Polling, WebSocket};

/// A session and the story's own clock, in milliseconds since the session opened.
struct Story {
    config: Config,
    start: Instant,
    session: Session,
}

impl Story {
    fn of(kind: TransportKind) -> Self {
        let config = Config {
            ping_interval: Duration::from_millis(300),
            ping_timeout: Duration::from_millis(200),
            upgrade_timeout: Duration::from_millis(100),
            poll_release_delay: Duration::from_millis(40),
            max_payload: 1_000,
        };
        let start = Instant::now();
        Self { session: Session::open(kind, &config, start), config, start }
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    #[track_caller]
    fn packet<'a>(&mut self, ms: u64, packet: &'a str) -> Received<'a> {
        let packet = TextPacket::decode(packet).expect("the story's packets are well-formed");
        let now = self.at(ms);
        self.session.on_packet(packet, &self.config, now)
    }

    #[track_caller]
    fn probe(&mut self, ms: u64, packet: &str) -> Probe {
        let packet = TextPacket::decode(packet).expect("the story's packets are well-formed");
        let now = self.at(ms);
        self.session.on_probe(packet, &self.config, now)
    }

    fn attach(&mut self, ms: u64) -> Result<(), Refusal> {
        let now = self.at(ms);
        self.session.begin_upgrade(&self.config, now)
    }

    fn tick(&mut self, ms: u64) -> Tick {
        let now = self.at(ms);
        self.session.on_deadline(&self.config, now)
    }

    #[track_caller]
    fn check_deadline(&self, ms: u64) {
        assert_eq!(self.session.deadline() - self.start, Duration::from_millis(ms));
    }
}
