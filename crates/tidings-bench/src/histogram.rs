//! [`Histogram`]: durations in buckets of 1.6 % width, so that recording costs a few nanoseconds and no memory.

use std::time::Duration;

/// Buckets of each power of two.
const SUB_BITS: u32 = 6;
const SUBS: u64 = 1 << SUB_BITS;
const BUCKETS: usize = (64 - SUB_BITS as usize + 1) << SUB_BITS;

pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0, max: 0 }
    }
}

impl Histogram {
    pub(crate) fn record(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get_mut(bucket(nanos)) {
            *count += 1;
        }
        self.total += 1;
        self.max = self.max.max(nanos);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
        self.max = self.max.max(other.max);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.total == 0
    }

    pub(crate) fn max(&self) -> Duration {
        Duration::from_nanos(self.max)
    }

    /// The duration that a share of all, in thousandths, does not exceed: the upper end of its bucket.
    pub(crate) fn quantile(&self, per_mille: u64) -> Duration {
        let rank = (u128::from(self.total) * u128::from(per_mille)).div_ceil(1_000);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += u128::from(*count);
            if seen >= rank && seen > 0 {
                return Duration::from_nanos(upper_end(bucket).min(self.max));
            }
        }
        self.max()
    }
}

/// Below `SUBS` each value has its own bucket; above, each power of two is cut into `SUBS`.
fn bucket(nanos: u64) -> usize {
    let Some(shift) = nanos.max(1).ilog2().checked_sub(SUB_BITS) else {
        return usize::try_from(nanos).unwrap_or(usize::MAX);
    };
    let sub = (nanos >> shift) - SUBS;
    usize::try_from(u64::from(shift + 1) * SUBS + sub).unwrap_or(usize::MAX)
}

fn upper_end(bucket: usize) -> u64 {
    let (power, sub) = (bucket as u64 / SUBS, bucket as u64 % SUBS);
    match power.checked_sub(1) {
        None => sub,
        Some(shift) => (((u128::from(SUBS + sub + 1)) << shift) - 1).try_into().unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_lies_in_its_bucket_and_buckets_follow_each_other() {
        let mut values: Vec<u64> =
            (0..63).flat_map(|power| [1 << power, (1 << power) + 1, 3 << (power / 2)]).collect();
        values.extend([0, u64::MAX]);
        for value in values {
            let end = upper_end(bucket(value));
            assert!(end >= value && end - value <= value / SUBS, "{value} in a bucket up to {end}");
            assert!(end == u64::MAX || bucket(end + 1) == bucket(value) + 1, "{value}");
        }
    }

    #[test]
    fn quantiles_are_near_and_the_maximum_is_exact() {
        let mut histogram = Histogram::default();
        (1..=10_000).for_each(|micros| histogram.record(Duration::from_micros(micros)));
        assert_eq!(histogram.max(), Duration::from_millis(10));
        for (per_mille, expected) in [(500, 5_000), (990, 9_900), (999, 9_990)] {
            let found = u64::try_from(histogram.quantile(per_mille).as_micros()).unwrap();
            assert!(found.abs_diff(expected) <= expected / 60, "{per_mille}: {found}");
        }
    }
}
