//! The server's pings and the client's pongs.
//!
//! The ping follows the last pong after the ping interval. The client has the ping timeout to answer. While the server
//! waits for a pong, one other packet restarts the timeout, so that a client whose pong waits behind a slow upload does
//! not count as dead. It is only one packet, so that a client that never answers is still closed.

use std::time::{Duration, Instant};

use crate::config::Config;
use crate::timer::after;

#[derive(Clone, Copy, Debug)]
pub(super) enum Heartbeat {
    /// The server sends the next ping at this time.
    Resting { ping_due: Instant },
    /// The server waits for a pong. `grace` is the time that one other packet would add.
    Awaiting { pong_due: Instant, grace: Option<Duration> },
}

impl Heartbeat {
    pub(super) fn rest(config: &Config, now: Instant) -> Self {
        Self::Resting { ping_due: after(now, config.ping_interval) }
    }

    /// The server sends a ping. A ping that is late by less than a tenth of the timeout counts as sent when it was due,
    /// so that the coarse timers of a driver do not add up. After a later ping, the client gets the whole timeout.
    pub(super) fn await_pong(ping_due: Instant, config: &Config, now: Instant) -> Self {
        let lateness = now.saturating_duration_since(ping_due);
        let sent = if lateness <= config.ping_timeout / 10 { ping_due } else { now };
        Self::Awaiting { pong_due: after(sent, config.ping_timeout), grace: Some(config.ping_timeout) }
    }

    /// When the ping or the pong is due.
    pub(super) fn due(self) -> Instant {
        match self {
            Self::Resting { ping_due } => ping_due,
            Self::Awaiting { pong_due, .. } => pong_due,
        }
    }

    /// An unexpected pong changes nothing; otherwise a client could postpone every ping.
    pub(super) fn on_pong(&mut self, config: &Config, now: Instant) {
        match self {
            Self::Awaiting { .. } => *self = Self::rest(config, now),
            Self::Resting { .. } => {}
        }
    }

    pub(super) fn on_other_packet(&mut self, now: Instant) {
        match self {
            Self::Awaiting { pong_due, grace } => {
                if let Some(grace) = grace.take() {
                    *pong_due = after(now, grace);
                }
            }
            Self::Resting { .. } => {}
        }
    }
}
