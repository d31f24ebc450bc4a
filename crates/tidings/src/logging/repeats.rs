//! [`Repeats`]: lets so many lines of one kind through in a second, and counts the others.
//!
//! A kind is a place in the code that writes lines. Their number is fixed, so what a peer does fills neither the log nor
//! the memory. What was left out is told when its second is over, by whoever calls [`Repeats::left_out`]. Time is an
//! argument.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tidings::stats::LineStats;
use tracing::callsite::Identifier;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// The lines that tell what was left out. They are never left out themselves.
pub(super) const TARGET: &str = "tidings::left_out";

/// The time in which lines are counted.
const PERIOD: Duration = Duration::from_secs(1);

/// Lets lines through.
#[derive(Debug)]
pub(super) struct Repeats {
    per_second: usize,
    kinds: Mutex<HashMap<Identifier, Lines>>,
    written: [AtomicU64; 5],
    left_out: [AtomicU64; 5],
}

/// The lines of one kind in this second.
#[derive(Debug)]
struct Lines {
    metadata: &'static Metadata<'static>,
    since: Instant,
    count: usize,
    left_out: u64,
}

/// Lines of one kind that were left out.
#[derive(Debug)]
pub(super) struct LeftOut {
    pub(super) metadata: &'static Metadata<'static>,
    pub(super) count: u64,
}

impl Repeats {
    pub(super) fn new(per_second: usize) -> Self {
        Self {
            per_second,
            kinds: Mutex::default(),
            written: Default::default(),
            left_out: Default::default(),
        }
    }

    /// Whether a line is written.
    fn admit(&self, metadata: &'static Metadata<'static>, now: Instant) -> bool {
        let is_admitted = metadata.target() == TARGET || self.admit_kind(metadata, now);
        let counters = if is_admitted { &self.written } else { &self.left_out };
        if let Some(counter) = counters.get(place(*metadata.level())) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        is_admitted
    }

    fn admit_kind(&self, metadata: &'static Metadata<'static>, now: Instant) -> bool {
        let mut kinds = self.kinds();
        let fresh = || Lines { metadata, since: now, count: 0, left_out: 0 };
        let lines = kinds.entry(metadata.callsite()).or_insert_with(fresh);
        if now.saturating_duration_since(lines.since) >= PERIOD {
            lines.since = now;
            lines.count = 0;
        }
        lines.count += 1;
        let is_admitted = lines.count <= self.per_second;
        lines.left_out += u64::from(!is_admitted);
        is_admitted
    }

    /// What was left out and is not told yet, of the kinds whose second is over.
    pub(super) fn left_out(&self, now: Instant) -> Vec<LeftOut> {
        let mut kinds = self.kinds();
        let over = kinds
            .values_mut()
            .filter(|lines| lines.left_out > 0 && now.saturating_duration_since(lines.since) >= PERIOD);
        over.map(|lines| LeftOut { metadata: lines.metadata, count: std::mem::take(&mut lines.left_out) })
            .collect()
    }

    /// How many lines were written, and how many were not.
    pub(super) fn stats(&self) -> LineStats {
        let counts =
            |counters: &[AtomicU64; 5]| counters.each_ref().map(|count| count.load(Ordering::Relaxed));
        LineStats { written: counts(&self.written), left_out: counts(&self.left_out) }
    }

    fn kinds(&self) -> MutexGuard<'_, HashMap<Identifier, Lines>> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Layer<S> for &'static Repeats {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        self.admit(event.metadata(), Instant::now())
    }
}

/// The place of a level in [`LineStats`].
fn place(level: Level) -> usize {
    [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE]
        .iter()
        .position(|other| *other == level)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::registry;

    use super::*;

    fn repeats() -> &'static Repeats {
        Box::leak(Box::new(Repeats::new(10)))
    }

    #[test]
    fn ten_lines_of_a_kind_are_written_in_a_second_and_the_others_counted() {
        let repeats = repeats();
        tracing::subscriber::with_default(registry().with(repeats), || {
            for _ in 0..1_000 {
                tracing::warn!("a flood");
            }
            tracing::warn!("another kind");
            tracing::info!("and one of another level");
        });
        let stats = repeats.stats();
        assert_eq!((stats.written, stats.left_out), ([0, 11, 1, 0, 0], [0, 990, 0, 0, 0]));
        let later = Instant::now() + PERIOD;
        assert_eq!(repeats.left_out(later).iter().map(|left| left.count).collect::<Vec<_>>(), [990]);
        assert_eq!(repeats.left_out(later).len(), 0, "it is told once");
    }

    #[test]
    fn each_second_begins_anew_and_is_not_told_before_it_is_over() {
        let repeats = repeats();
        let metadata = metadata_of(repeats);
        let start = Instant::now() + PERIOD;
        let written = |at| (0..100).filter(|_| repeats.admit(metadata, at)).count();
        assert_eq!(written(start), 10);
        assert_eq!(repeats.left_out(start + PERIOD / 2).len(), 0);
        assert_eq!(written(start + PERIOD), 10);
        assert_eq!(written(start + PERIOD * 3 / 2), 0);
        assert_eq!(repeats.left_out(start + 2 * PERIOD)[0].count, 280);
    }

    #[test]
    fn lines_that_tell_of_others_are_never_left_out() {
        let repeats = repeats();
        tracing::subscriber::with_default(registry().with(repeats), || {
            for _ in 0..100 {
                tracing::warn!(target: TARGET, "some were left out");
            }
        });
        assert_eq!(repeats.stats().written[1], 100);
    }

    /// Of some kind of line.
    fn metadata_of(repeats: &'static Repeats) -> &'static Metadata<'static> {
        tracing::subscriber::with_default(registry().with(repeats), || tracing::warn!("a line"));
        repeats.kinds().values().next().unwrap().metadata
    }
}
