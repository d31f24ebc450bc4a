//! [`Tombstones`]: what the clients of closed polling sessions are told by the next answers to their polls. Bounded in number,
//! size and time.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::http::cache_buster::RequestMark;

/// How long a closed polling session is remembered, so that its next poll learns that it has ended.
pub(super) const TOMBSTONE_TIME: Duration = Duration::from_secs(30);

/// How many closed polling sessions are remembered; beyond that, none is added.
const TOMBSTONES_MAX: usize = 4_096;

/// How many bytes wait for the client of a closed session, such as the reason for the disconnect; more are dropped.
pub(super) const TOMBSTONE_BYTES_MAX: usize = 4 << 10;

/// What the next polls of the client of a closed session are answered.
pub(super) struct LastAnswers {
    /// One for each poll.
    pub(super) payloads: VecDeque<String>,
    /// The mark of the poll before.
    pub(super) mark: Option<RequestMark>,
}

/// A closed polling session.
struct Tombstone {
    until: Instant,
    last_answers: LastAnswers,
}

/// By the secret of the session.
#[derive(Default)]
pub(super) struct Tombstones(HashMap<[u8; 16], Tombstone>);

impl Tombstones {
    pub(super) fn add(&mut self, secret: [u8; 16], last_answers: LastAnswers, until: Instant) {
        if self.0.len() < TOMBSTONES_MAX {
            self.0.insert(secret, Tombstone { until, last_answers });
        }
    }

    /// The answer to the next poll of a closed session, if there is one.
    pub(super) fn answer(
        &mut self,
        secret: [u8; 16],
        mark: Option<RequestMark>,
        now: Instant,
    ) -> Option<String> {
        let mut tombstone = self.0.remove(&secret).filter(|tombstone| tombstone.until > now)?;
        let last = &mut tombstone.last_answers;
        // A client that did not get an answer must not get what comes after it.
        if mark.is_some() && last.mark == mark {
            return None;
        }
        let payload = last.payloads.pop_front()?;
        if !last.payloads.is_empty() {
            last.mark = mark;
            self.0.insert(secret, tombstone);
        }
        Some(payload)
    }

    /// Compares what is kept with its bounds. Returns how many sessions that are.
    #[cfg(any(test, feature = "simulation"))]
    pub(super) fn audit(&self) -> usize {
        assert!(self.0.len() <= TOMBSTONES_MAX, "{} tombstones", self.0.len());
        for Tombstone { last_answers, .. } in self.0.values() {
            assert!(!last_answers.payloads.is_empty(), "a tombstone has something to say");
        }
        self.0.len()
    }

    /// Forgets those whose time is over, if there are many.
    pub(super) fn expire(&mut self, now: Instant) {
        if self.0.len() > TOMBSTONES_MAX / 2 {
            self.0.retain(|_, tombstone| tombstone.until > now);
        }
    }
}
