//! Health of the log, for the part that decides whether the server is ready.
//!
//! One atomic, written by the appender and read by anybody: since when a batch has been waiting to become durable, because
//! its commit hangs or is rolled back again and again. The reader decides how long is too long.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A view of the appender's well-being. Clones share it.
#[derive(Clone, Debug)]
pub struct Health {
    born: Instant,
    /// 0 when nothing waits; otherwise microseconds since `born`, times two, plus 2, plus 1 if a try has failed.
    state: Arc<AtomicU64>,
}

/// What the appender is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthState {
    /// Nothing waits for the log.
    Ready,
    /// A batch has been on its way to the disk since then. Normal for milliseconds, a stalled disk after seconds.
    Committing {
        /// When the batch was taken.
        since: Instant,
    },
    /// The log has refused a batch since then, and it is being tried again.
    Failing {
        /// When the batch was taken.
        since: Instant,
    },
}

impl Health {
    pub(crate) fn new(now: Instant) -> Self {
        Self { born: now, state: Arc::new(AtomicU64::new(0)) }
    }

    /// What the appender is doing.
    pub fn state(&self) -> HealthState {
        let state = self.state.load(Ordering::Acquire);
        let Some(rest) = state.checked_sub(2) else { return HealthState::Ready };
        let since = self.born + Duration::from_micros(rest / 2);
        if rest % 2 == 0 { HealthState::Committing { since } } else { HealthState::Failing { since } }
    }

    /// For how long the oldest batch has been waiting to become durable.
    pub fn waiting(&self, now: Instant) -> Duration {
        match self.state() {
            HealthState::Ready => Duration::ZERO,
            HealthState::Committing { since } | HealthState::Failing { since } => {
                now.saturating_duration_since(since)
            }
        }
    }

    pub(crate) fn ready(&self) {
        self.state.store(0, Ordering::Release);
    }

    pub(crate) fn committing(&self, since: Instant) {
        self.state.store(self.encode(since), Ordering::Release);
    }

    pub(crate) fn failing(&self, since: Instant) {
        self.state.store(self.encode(since) + 1, Ordering::Release);
    }

    fn encode(&self, since: Instant) -> u64 {
        let micros = since.saturating_duration_since(self.born).as_micros();
        u64::try_from(micros).unwrap_or(u64::MAX / 4).min(u64::MAX / 4) * 2 + 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_what_was_last_told() {
        let born = Instant::now();
        let health = Health::new(born);
        assert_eq!(health.state(), HealthState::Ready);
        let since = born + Duration::from_millis(1500);
        health.committing(since);
        assert_eq!(health.state(), HealthState::Committing { since });
        health.failing(since);
        assert_eq!(health.state(), HealthState::Failing { since });
        assert_eq!(health.waiting(since + Duration::from_secs(3)), Duration::from_secs(3));
        health.ready();
        assert_eq!(health.waiting(since), Duration::ZERO);
    }
}
