//! The server's pings and the client's pongs.
//!
//! A ping follows a pong by the ping interval, and a pong has the ping timeout to arrive. While one is awaited,
//! one other packet starts the timeout anew, so that a client whose pong waits behind a slow upload is not
//! taken for dead; it is only one, so that a client which never answers is closed all the same.

use std::time::{Duration, Instant};

use crate::config::Config;
use crate::timer::after;

#[derive(Clone, Copy, Debug)]
pub(super) enum Heartbeat {
    /// The next ping is due.
    Resting { ping_due: Instant },
    /// A ping is out. `grace` is what another packet would add, once.
    Awaiting { pong_due: Instant, grace: Option<Duration> },
}

impl Heartbeat {
    pub(super) fn rest(config: &Config, now: Instant) -> Self {
        Self::Resting { ping_due: after(now, config.ping_interval) }
    }

    /// A ping goes out. One that is late by less than a tenth of the timeout counts as sent when it was due, so that
    /// the coarse timers of a driver do not add up; a later one grants the whole timeout.
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

    /// A pong nobody asked for changes nothing; otherwise a client could put off every ping.
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
