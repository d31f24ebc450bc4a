//! How far the upgrade of a session from polling to WebSocket has come.
//!
//! Owns the one deadline of the upgrade. Only the session advances it, and decides what the client must send for that.
//! After the switch there is no upgrade any more.

use std::time::Instant;

/// The state of the WebSocket that is being probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upgrade {
    /// No WebSocket is being probed.
    None,
    /// The WebSocket is open and has not sent its probe.
    Opened { deadline: Instant },
    /// The probe was answered. From `release_due` on (`None` once that has passed), polls are released at once, until
    /// the client sends the upgrade packet.
    Probed { deadline: Instant, release_due: Option<Instant> },
}

impl Upgrade {
    /// The deadline of the whole upgrade: the probe does not extend it.
    pub(super) fn deadline(self) -> Option<Instant> {
        match self {
            Self::None => None,
            Self::Opened { deadline } | Self::Probed { deadline, .. } => Some(deadline),
        }
    }

    /// When something is due: the release of the polls, or the deadline.
    pub(super) fn due(self) -> Option<Instant> {
        match self {
            Self::Probed { deadline, release_due: Some(release_due) } => Some(deadline.min(release_due)),
            Self::Opened { deadline } | Self::Probed { deadline, release_due: None } => Some(deadline),
            Self::None => None,
        }
    }

    /// Answers a probe; a repeated one postpones nothing.
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
