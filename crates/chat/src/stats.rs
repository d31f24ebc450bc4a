//! [`AppenderStats`]: what the appender counts, as plain numbers for a monitor.
//!
//! The appender's thread alone writes the counters; anybody may read them. No number has a name that somebody else could
//! choose.

use tally::{Counted, Counters, Counts, Distribution, Histogram, LATENCIES, SIZES};

use crate::outcome::{Outcome, Refusal};

tally::counted! {
    /// What the appender counts.
    pub enum AppenderCount {
        /// Drafts that were stored.
        Stored,
        /// Drafts that were stored before.
        Repeated,
        /// Commands that had nothing to change.
        Already,
        /// Drafts that were refused; by code in [`AppenderStats::refusals`].
        Refused,
        /// Commands that were cancelled.
        Skipped,
        /// Commands that came before their turn.
        Expected,
        /// Drafts that were not stored because the log is read-only.
        StorageFull,
        /// Read pointers.
        Read,
        /// Tries of a batch that the log has rolled back, or that could not be decided.
        RolledBack,
        /// Tries of a batch before which somebody else had appended.
        Overtaken,
    }
}

tally::counted! {
    /// The bounds for which a command is refused with [`Refusal::Limit`].
    pub enum LimitHit {
        /// One person is in too many rooms: `Limits::rooms_joined_max`.
        RoomsJoined,
        /// Too many people for a direct conversation: `Limits::direct_members_max`.
        DirectMembers,
        /// A private room has too many members: `Limits::private_members_max`.
        PrivateMembers,
        /// There are too many rooms: `Limits::rooms_max`.
        Rooms,
        /// There are as many rooms as guests may fill: `Limits::rooms_for_guests_percent`.
        RoomsForGuests,
        /// A person has too many sign-ins, so the oldest ends: `Limits::sign_ins_max`. The command is not refused.
        SignIns,
    }
}

impl Counted for Refusal {
    const ALL: &'static [Self] = &Self::ALL;

    fn index(self) -> usize {
        self as usize
    }
}

/// What the appender writes while it works.
#[derive(Debug)]
pub(crate) struct Tallies {
    pub(crate) counts: Counters<AppenderCount>,
    pub(crate) limits: Counters<LimitHit>,
    refusals: Counters<Refusal>,
    batches: Histogram,
    pub(crate) commits: Histogram,
}

impl Default for Tallies {
    fn default() -> Self {
        let (counts, limits, refusals) = Default::default();
        Self { counts, limits, refusals, batches: Histogram::new(SIZES), commits: Histogram::new(LATENCIES) }
    }
}

impl Tallies {
    /// Counts the outcomes of a batch.
    pub(crate) fn add(&self, outcomes: &[Outcome]) {
        self.batches.record(outcomes.len() as u64);
        for outcome in outcomes {
            self.counts.add(
                match outcome {
                    Outcome::Stored(_) => AppenderCount::Stored,
                    Outcome::Repeated(_) => AppenderCount::Repeated,
                    Outcome::Already { .. } => AppenderCount::Already,
                    Outcome::Refused(refusal) => {
                        self.refusals.add(*refusal, 1);
                        AppenderCount::Refused
                    }
                    Outcome::Skipped => AppenderCount::Skipped,
                    Outcome::Expected { .. } => AppenderCount::Expected,
                    Outcome::StorageFull => AppenderCount::StorageFull,
                    Outcome::Read { .. } => AppenderCount::Read,
                },
                1,
            );
        }
    }

    pub(crate) fn stats(&self, (queue_drafts, queue_bytes): (usize, usize)) -> AppenderStats {
        AppenderStats {
            counts: self.counts.counts(),
            refusals: self.refusals.counts(),
            limits: self.limits.counts(),
            batches: self.batches.distribution(),
            commits: self.commits.distribution(),
            queue_drafts,
            queue_bytes,
        }
    }
}

/// What the appender has counted, and what waits for it.
#[derive(Clone, Debug)]
pub struct AppenderStats {
    /// What only grows.
    pub counts: Counts<AppenderCount>,
    /// Drafts that were refused, by reason.
    pub refusals: Counts<Refusal>,
    /// Commands that were refused because of a bound.
    pub limits: Counts<LimitHit>,
    /// Drafts in a batch.
    pub batches: Distribution,
    /// From the moment at which a batch is taken until it is durable, in microseconds.
    pub commits: Distribution,
    /// Drafts that wait.
    pub queue_drafts: usize,
    /// Bytes of these drafts.
    pub queue_bytes: usize,
}
