//! How far a session has come on its way from polling to a WebSocket.
//!
//! Owns the one deadline of that way. Only the session moves it on; what the client must send for that is
//! decided there. After the switch there is no upgrade any more.

use std::time::Instant;

/// The WebSocket that probes, as far as the session cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upgrade {
    /// There is none.
    None,
    /// It is open and has not sent its probe.
    Opened { deadline: Instant },
    /// Its probe was answered. From `release_due` on, which is `None` once it has passed, polls are released at
    /// once until it sends the upgrade packet.
    Probed { deadline: Instant, release_due: Option<Instant> },
}

impl Upgrade {
    /// One deadline for the whole upgrade: the probe does not extend it.
    pub(super) fn deadline(self) -> Option<Instant> {
        match self {
            Self::None => None,
            Self::Opened { deadline } | Self::Probed { deadline, .. } => Some(deadline),
        }
    }

    /// When there is something to do: the release of the polls, or the deadline.
    pub(super) fn due(self) -> Option<Instant> {
        match self {
            Self::Probed { deadline, release_due: Some(release_due) } => Some(deadline.min(release_due)),
            Self::Opened { deadline } | Self::Probed { deadline, release_due: None } => Some(deadline),
            Self::None => None,
        }
    }

    /// Answers a probe; a repeated one puts nothing off.
    pub(super) fn probe(&mut self, release_at: Instant) {
        match *self {
            Self::Opened { deadline } => *self = Self::Probed { deadline, release_due: Some(release_at) },
            Self::None | Self::Probed { .. } => {}
        }
    }

    /// Whether the release of the polls begins now.
    pub(super) fn begins_release(&mut self, now: Instant) -> bool {
        match self {
            Self::Probed { release_due, .. } => release_due.take_if(|due| *due <= now).is_some(),
            Self::None | Self::Opened { .. } => false,
        }
    }
}
