//! The state of one Engine.IO session: transport, heartbeat, open requests and upgrade.
//!
//! It has no socket, no queue and no timer: the driver reports what happened and when, and carries out the answers. At
//! most one poll and one POST are open, there is one heartbeat for both transports, and a closed session returns
//! nothing more. It knows neither its id nor whether its sockets can be written.
//!
//! ```text
//!             begin_poll, end_poll                      on_packet ──► Message
//!  GET ─────► begin_post, end_post ◄── POST             on_binary     Close
//!                     │
//!                  Polling ── begin_upgrade ──► Opened ── 2probe ──► Probed ── 5 ──► WebSocket
//!                     ▲                           │                    │
//!                     └── abort_upgrade, timeout ─┴────────────────────┘
//!
//!  deadline ──► on_deadline ──► SendPing ──(3)──► SendPing …  or  Close(PingTimeout)
//! ```

mod heartbeat;
mod outcome;
mod upgrade;

use std::time::Instant;

use self::heartbeat::Heartbeat;
pub use self::outcome::{Probe, Received, Refusal, Tick};
use self::upgrade::Upgrade;
use crate::close_reason::CloseReason;
use crate::config::Config;
use crate::packet::{PacketKind, TextPacket};
use crate::timer::{FAR, after};
use crate::transport::TransportKind;

/// The data of the ping by which a client probes a WebSocket.
const PROBE: &str = "probe";

/// The state of one engine session.
///
/// ```
/// use std::time::Instant;
///
/// use engineio::{CloseReason, Config, Received, Session, TextPacket, Tick, TransportKind};
///
/// let config = Config::default();
/// let start = Instant::now(); // The driver has the clock; tests make up their own times.
/// let mut session = Session::open(TransportKind::WebSocket, &config, start);
///
/// let hello = TextPacket::decode("4hello")?;
/// assert_eq!(session.on_packet(hello, &config, start), Received::Message("hello"));
///
/// let due = session.deadline();
/// assert_eq!(due, start + config.ping_interval);
/// assert_eq!(session.on_deadline(&config, due), Tick::SendPing);
/// assert_eq!(session.on_deadline(&config, due), Tick::Nothing);
///
/// let too_late = session.deadline();
/// assert_eq!(session.on_deadline(&config, too_late), Tick::Close(CloseReason::PingTimeout));
/// assert!(session.is_closed());
/// # Ok::<(), engineio::DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Session {
    transport: TransportKind,
    heartbeat: Heartbeat,
    upgrade: Upgrade,
    poll: InFlight,
    post: InFlight,
    life: Life,
}

// A server keeps one per connection, so its size is part of the contract.
const _: () = assert!(size_of::<Session>() <= 96);

/// Whether a request in one direction is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InFlight {
    None,
    One,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Open,
    Closed,
}

impl Session {
    /// Opens a session. Its first ping is due after the ping interval.
    pub fn open(kind: TransportKind, config: &Config, now: Instant) -> Self {
        Self {
            transport: kind,
            heartbeat: Heartbeat::rest(config, now),
            upgrade: Upgrade::None,
            poll: InFlight::None,
            post: InFlight::None,
            life: Life::Open,
        }
    }

    /// The transport that carries messages to the client: polling until the last packet of an upgrade.
    pub const fn transport(&self) -> TransportKind {
        self.transport
    }

    /// Whether a WebSocket is being probed.
    pub fn is_upgrading(&self) -> bool {
        self.upgrade != Upgrade::None
    }

    /// Whether a poll must be answered at once, with packet `6` if there is nothing else. This holds from
    /// [`Tick::ReleasePoll`] on: the probe was answered, and the client completes the upgrade only after its last poll
    /// has returned.
    pub fn releases_polls(&self) -> bool {
        match self.upgrade {
            Upgrade::Probed { release_due, .. } => release_due.is_none(),
            Upgrade::None | Upgrade::Opened { .. } => false,
        }
    }

    /// Whether the session has ended. The driver can forget it once it has written the last answers.
    pub fn is_closed(&self) -> bool {
        self.life == Life::Closed
    }

    /// A GET has arrived. The driver must call [`Session::end_poll`] once the request is answered or gone.
    pub fn begin_poll(&mut self) -> Result<(), Refusal> {
        self.check_polling()?;
        if self.poll == InFlight::One {
            self.close();
            return Err(Refusal::Overlap);
        }
        self.poll = InFlight::One;
        Ok(())
    }

    /// The GET is answered or gone. Harmless if there is none.
    pub fn end_poll(&mut self) {
        self.poll = InFlight::None;
    }

    /// Whether a GET waits for an answer. Only the driver ends it, not an upgrade or the end of the session.
    pub fn has_poll(&self) -> bool {
        self.poll == InFlight::One
    }

    /// A POST has arrived. The driver must call [`Session::end_post`] once the request is answered or gone.
    pub fn begin_post(&mut self) -> Result<(), Refusal> {
        self.check_polling()?;
        if self.post == InFlight::One {
            self.close();
            return Err(Refusal::Overlap);
        }
        self.post = InFlight::One;
        Ok(())
    }

    /// The POST is answered or gone. Harmless if there is none.
    pub fn end_post(&mut self) {
        self.post = InFlight::None;
    }

    /// A WebSocket has opened for this session. Until [`Probe::Switch`], its packets go to [`Session::on_probe`]; if it
    /// closes, call [`Session::abort_upgrade`].
    pub fn begin_upgrade(&mut self, config: &Config, now: Instant) -> Result<(), Refusal> {
        self.check_polling()?;
        match self.upgrade {
            Upgrade::None => {
                self.upgrade = Upgrade::Opened { deadline: after(now, config.upgrade_timeout) };
                Ok(())
            }
            Upgrade::Opened { .. } | Upgrade::Probed { .. } => Err(Refusal::WrongTransport),
        }
    }

    /// A packet has arrived on the probing WebSocket.
    ///
    /// A repeated probe is answered again, and the upgrade packet is accepted without a probe: the Node implementation
    /// does both, and neither can lose or swap a packet.
    pub fn on_probe(&mut self, packet: TextPacket<'_>, config: &Config, now: Instant) -> Probe {
        if !self.is_upgrading() {
            return Probe::Reject;
        }
        match (packet.kind, packet.data) {
            (PacketKind::Ping, PROBE) => {
                self.upgrade.probe(after(now, config.poll_release_delay));
                Probe::Answer
            }
            (PacketKind::Upgrade, _) => {
                self.upgrade = Upgrade::None;
                self.transport = TransportKind::WebSocket;
                self.heartbeat.on_other_packet(now);
                Probe::Switch
            }
            (
                PacketKind::Open
                | PacketKind::Close
                | PacketKind::Ping
                | PacketKind::Pong
                | PacketKind::Message
                | PacketKind::Noop,
                _,
            ) => {
                self.upgrade = Upgrade::None;
                Probe::Reject
            }
        }
    }

    /// The probing WebSocket is gone; the session continues by polling. Harmless if there is none, so a driver need not
    /// know whether it closed the WebSocket itself.
    pub fn abort_upgrade(&mut self) {
        self.upgrade = Upgrade::None;
    }

    /// A packet has arrived on the current transport. The packets of a POST that began before the end of an upgrade
    /// count too.
    pub fn on_packet<'a>(&mut self, packet: TextPacket<'a>, config: &Config, now: Instant) -> Received<'a> {
        if self.is_closed() {
            return Received::Nothing;
        }
        match packet.kind {
            PacketKind::Message => {
                self.heartbeat.on_other_packet(now);
                Received::Message(packet.data)
            }
            PacketKind::Pong => {
                self.heartbeat.on_pong(config, now);
                Received::Nothing
            }
            PacketKind::Open | PacketKind::Upgrade | PacketKind::Noop => {
                self.heartbeat.on_other_packet(now);
                Received::Nothing
            }
            PacketKind::Close => {
                self.close();
                Received::Close(CloseReason::TransportClose)
            }
            // In revision 4, the server pings.
            PacketKind::Ping => {
                self.close();
                Received::Close(CloseReason::TransportError)
            }
        }
    }

    /// Whether a ping of ours has no answer yet.
    pub fn awaits_pong(&self) -> bool {
        matches!(self.heartbeat, Heartbeat::Awaiting { .. })
    }

    /// A binary message has arrived on the current transport. It shows that the client is alive, and means nothing else
    /// here.
    pub fn on_binary(&mut self, now: Instant) {
        if !self.is_closed() {
            self.heartbeat.on_other_packet(now);
        }
    }

    /// When to call [`Session::on_deadline`] next. Every call that takes the time may change it.
    ///
    /// A closed session has no timers; its deadline is decades away.
    pub fn deadline(&self) -> Instant {
        let heartbeat_due = self.heartbeat.due();
        match (self.life, self.upgrade.due(), self.heartbeat) {
            (Life::Closed, _, _) => after(heartbeat_due, FAR),
            (Life::Open, None, _) => heartbeat_due,
            // The ping waits for the end of the upgrade: see `on_deadline`.
            (Life::Open, Some(upgrade_due), Heartbeat::Resting { .. }) => upgrade_due,
            (Life::Open, Some(upgrade_due), Heartbeat::Awaiting { .. }) => upgrade_due.min(heartbeat_due),
        }
    }

    /// Runs the timers that are due at `now`. Several may be due: call it again until it returns [`Tick::Nothing`].
    ///
    /// An early call is harmless. A late call delays what is due, but skips nothing.
    pub fn on_deadline(&mut self, config: &Config, now: Instant) -> Tick {
        if self.is_closed() {
            return Tick::Nothing;
        }
        if self.upgrade.deadline().is_some_and(|due| due <= now) {
            self.abort_upgrade();
            return Tick::AbortUpgrade;
        }
        if self.upgrade.begins_release(now) {
            return Tick::ReleasePoll;
        }
        match self.heartbeat {
            // A client that upgrades holds back what it sends by polling, including its pongs. So the ping waits; the
            // upgrade has a deadline of its own.
            Heartbeat::Resting { ping_due } if ping_due <= now && !self.is_upgrading() => {
                self.heartbeat = Heartbeat::await_pong(ping_due, config, now);
                Tick::SendPing
            }
            Heartbeat::Awaiting { pong_due, .. } if pong_due <= now => {
                self.close();
                Tick::Close(CloseReason::PingTimeout)
            }
            Heartbeat::Resting { .. } | Heartbeat::Awaiting { .. } => Tick::Nothing,
        }
    }

    /// Marks the session as closed, for a reason of the driver or of the layers above. The driver closes a probing
    /// WebSocket itself.
    pub fn close(&mut self) {
        self.life = Life::Closed;
        self.upgrade = Upgrade::None;
    }

    fn check_polling(&self) -> Result<(), Refusal> {
        match (self.life, self.transport) {
            (Life::Closed, _) => Err(Refusal::Closed),
            (Life::Open, TransportKind::WebSocket) => Err(Refusal::WrongTransport),
            (Life::Open, TransportKind::Polling) => Ok(()),
        }
    }
}
