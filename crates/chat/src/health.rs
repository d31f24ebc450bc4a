//! Health of the log, for the part that decides whom the server serves.
//!
//! Two atomics. One says since when a batch has been waiting to become durable, because its commit hangs or is rolled back
//! again and again; the reader decides how long is too long. The other says whether the log is read-only: then nothing is
//! appended, and what would need a record is answered [`Outcome::StorageFull`](crate::Outcome::StorageFull). The appender
//! makes it read-only when the log refuses a batch, and anybody who watches the disk may do so before. Only the appender
//! ends that, when the log has taken a write.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A view of the appender's well-being. Clones share it.
#[derive(Clone, Debug)]
pub struct Health {
    born: Instant,
    /// 0 when nothing waits; otherwise microseconds since `born`, times two, plus 2, plus 1 if a try has failed.
    state: Arc<AtomicU64>,
    /// 0, or the reason plus 1.
    read_only: Arc<AtomicU8>,
}

crate::named! {
    /// Why nothing is appended.
    pub enum ReadOnly {
        /// There is little space left on the disk. What is left is for the log itself.
        LowSpace = "low_space",
        /// The disk was full when something was to be appended.
        Full = "disk_full",
        /// The disk takes no writes.
        Disk = "read_only_disk",
        /// Writing has not worked for a while, for another reason.
        Failing = "write_errors",
    }
    /// What an operator is told.
    pub const fn code;
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
        Self { born: now, state: Arc::default(), read_only: Arc::default() }
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

    /// Why nothing is appended; `None` if the log takes writes.
    pub fn read_only(&self) -> Option<ReadOnly> {
        let known = self.read_only.load(Ordering::Acquire).checked_sub(1)?;
        ReadOnly::ALL.get(usize::from(known)).copied()
    }

    /// From now on nothing is appended. Keeps the first reason.
    pub fn make_read_only(&self, why: ReadOnly) {
        let index = ReadOnly::ALL.iter().position(|known| *known == why).unwrap_or_default();
        let reason = u8::try_from(index + 1).unwrap_or(u8::MAX);
        // It is the same which of two comes first.
        let _ = self.read_only.compare_exchange(0, reason, Ordering::AcqRel, Ordering::Acquire);
    }

    /// The log has taken a write.
    pub(crate) fn make_writable(&self) {
        self.read_only.store(0, Ordering::Release);
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

    #[test]
    fn the_first_reason_stays_until_the_log_takes_writes() {
        let health = Health::new(Instant::now());
        assert_eq!(health.read_only(), None);
        for why in ReadOnly::ALL {
            health.make_read_only(why);
            health.make_read_only(ReadOnly::LowSpace);
            assert_eq!(health.read_only(), Some(why));
            health.make_writable();
            assert_eq!(health.read_only(), None);
        }
    }
}
