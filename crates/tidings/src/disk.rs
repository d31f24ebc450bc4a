//! [`DiskSpace`] on a disk, and the [`Watermark`] below which nothing more is stored on it.
//!
//! A log needs space to go on: to copy what is in its write-ahead log into the database, and to rewrite what people delete.
//! So the server stops storing before the disk is full. Pure; who looks at a disk gives it as [`Looks`].

use std::fmt;
use std::sync::Arc;

use chat::{NO_SPACE, ReadOnly};

/// A look at the disk of the log; `None` if the system does not say.
pub type Look = Arc<dyn Fn() -> Option<DiskSpace> + Send + Sync>;

/// The ways to look at the disk of the log.
#[derive(Clone)]
pub struct Looks {
    /// What was found last: a value at hand, which waits for nothing.
    pub known: Look,
    /// Asks the system, which may take its time, and makes known what it says.
    pub fresh: Look,
}

/// How much there is on a disk, and how much of it is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    /// Bytes that this process may still write.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
    /// Whether it is mounted for writing.
    pub access: Access,
}

/// What may be done on a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading and writing.
    ReadWrite,
    /// Reading alone.
    ReadOnly,
}

/// How much of a disk has to stay free: a share of it, within bounds. 0 percent: nothing has to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermark {
    /// The share, in percent.
    pub percent: u32,
    /// No less than so many MiB, but on a small disk no more than a quarter of it.
    pub mebibytes_min: u32,
    /// No more than so many MiB.
    pub mebibytes_max: u32,
}

impl fmt::Debug for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Looks").field("known", &(self.known)()).finish_non_exhaustive()
    }
}

impl Watermark {
    /// That of a server that is not told otherwise.
    pub const DEFAULT: Self = Self { percent: 5, mebibytes_min: 256, mebibytes_max: 4_096 };
    /// Nothing has to stay free.
    pub const OFF: Self = Self { percent: 0, mebibytes_min: 0, mebibytes_max: 0 };

    /// Storing ends when less than this is free.
    pub fn bytes(self, total: u64) -> u64 {
        if self.percent == 0 {
            return 0;
        }
        let share = u128::from(total) * u128::from(self.percent) / 100;
        let share = u64::try_from(share).unwrap_or(u64::MAX);
        share.max(mebibytes(self.mebibytes_min).min(total / 4)).min(mebibytes(self.mebibytes_max))
    }

    /// Storing begins again when as much as this is free: an eighth more, so that it does not end again at once. Without a
    /// watermark it is a little, because a disk with no more than a page left is full again at the next message.
    pub fn bytes_again(self, total: u64) -> u64 {
        let bytes = self.bytes(total);
        bytes + (bytes / 8).max(AGAIN_MIN.min(total / 8))
    }
}

/// Looks at the disk when so much was written that it may have come near the watermark. A look by time alone is too late for a
/// server that writes fast.
pub struct Gauge {
    fresh: Look,
    watermark: Watermark,
    /// Bytes that may have been written since the last look.
    written: u64,
    /// It is looked again after so many.
    due: u64,
}

impl Gauge {
    /// Nothing is known of the disk yet.
    pub fn new(fresh: Look, watermark: Watermark) -> Self {
        Self { fresh, watermark, written: 0, due: 0 }
    }

    /// The log has committed so many bytes, or has found [`NO_SPACE`] for some. Says whether there is too little left for more.
    pub fn wrote(&mut self, bytes: usize) -> Option<ReadOnly> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let pages = bytes.saturating_mul(PAGES_PER_BYTE).saturating_add(PAGES_PER_COMMIT);
        self.written = self.written.saturating_add(pages);
        if self.written < self.due && bytes != NO_SPACE as u64 {
            return None;
        }
        self.written = 0;
        let Some(DiskSpace { free, total, .. }) = (self.fresh)() else {
            self.due = UNKNOWN_DUE;
            return None;
        };
        let left = free.checked_sub(self.watermark.bytes(total));
        self.due = left.unwrap_or(0) / LOOKS_ON_THE_WAY;
        left.is_none().then_some(ReadOnly::LowSpace)
    }
}

impl fmt::Debug for Gauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gauge")
            .field("written", &self.written)
            .field("due", &self.due)
            .finish_non_exhaustive()
    }
}

/// A row changes pages of its table and of the indexes, which go to the write-ahead log and from there to the database.
const PAGES_PER_BYTE: u64 = 16;
const PAGES_PER_COMMIT: u64 = 64 << 10;

/// It is looked again when a quarter of the way to the watermark may be gone.
const LOOKS_ON_THE_WAY: u64 = 4;

/// A disk of which the system does not tell is asked again after so many bytes.
const UNKNOWN_DUE: u64 = 64 << 20;

/// The least difference between the space at which storing ends and begins again.
const AGAIN_MIN: u64 = 1 << 20;

fn mebibytes(count: u32) -> u64 {
    u64::from(count) << 20
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;

    #[test]
    fn a_watermark_is_a_share_of_the_disk_within_its_bounds() {
        for (total, bytes) in [
            (16 * MIB, 4 * MIB),
            (GIB, 256 * MIB),
            (5 * GIB, 256 * MIB),
            (20 * GIB, GIB),
            (2_000 * GIB, 4 * GIB),
            (u64::MAX, 4 * GIB),
            (0, 0),
        ] {
            assert_eq!(Watermark::DEFAULT.bytes(total), bytes, "{total}");
        }
        let half = Watermark { percent: 50, mebibytes_min: 1, mebibytes_max: u32::MAX };
        assert_eq!(half.bytes(16 * MIB), 8 * MIB);
        assert_eq!(Watermark::OFF.bytes(GIB), 0);
    }

    /// A disk on which so much is free; it counts the looks at it.
    fn disk(free: &Arc<AtomicU64>, looks: &Arc<AtomicU64>) -> Look {
        let (free, looks) = (Arc::clone(free), Arc::clone(looks));
        Arc::new(move || {
            looks.fetch_add(1, Ordering::Relaxed);
            let free = free.load(Ordering::Relaxed);
            Some(DiskSpace { free, total: 100 * GIB, access: Access::ReadWrite })
        })
    }

    const WATERMARK: Watermark = Watermark { percent: 1, mebibytes_min: 1_024, mebibytes_max: 1_024 };

    #[test]
    fn a_server_that_writes_fast_stops_at_the_watermark_and_looks_seldom_before() {
        let (free, looks) = (Arc::new(AtomicU64::new(50 * GIB)), Arc::default());
        let mut gauge = Gauge::new(disk(&free, &looks), WATERMARK);
        let batch = MIB;
        let mut stopped = None;
        // All that a row changes is written once into the write-ahead log and once into the database.
        for _ in 0..50 * GIB / (8 * batch) {
            free.fetch_sub(8 * batch, Ordering::Relaxed);
            stopped = gauge.wrote(usize::try_from(batch).unwrap());
            if stopped.is_some() {
                break;
            }
        }
        assert_eq!(stopped, Some(ReadOnly::LowSpace));
        let passed = GIB - free.load(Ordering::Relaxed);
        assert!(passed <= 8 * batch, "it stored {passed} bytes beyond the watermark");
        assert!(looks.load(Ordering::Relaxed) < 100, "{looks:?} looks");
    }

    #[test]
    fn a_log_without_space_is_looked_at_at_once() {
        let (free, looks) = (Arc::new(AtomicU64::new(50 * GIB)), Arc::default());
        let mut gauge = Gauge::new(disk(&free, &looks), WATERMARK);
        let count = || looks.load(Ordering::Relaxed);
        assert_eq!([gauge.wrote(100), gauge.wrote(100)], [None, None]);
        assert_eq!(count(), 1, "once at the first commit");
        free.store(0, Ordering::Relaxed);
        assert_eq!((gauge.wrote(100), count()), (None, 1));
        assert_eq!((gauge.wrote(NO_SPACE), count()), (Some(ReadOnly::LowSpace), 2));
    }

    #[test]
    fn a_disk_of_which_nothing_is_known_is_asked_now_and_then() {
        let looks = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&looks);
        let look: Look = Arc::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            None
        });
        let mut gauge = Gauge::new(look, WATERMARK);
        assert!((0..100).all(|_| gauge.wrote(1 << 20).is_none()));
        let looks = looks.load(Ordering::Relaxed);
        assert!((20..=30).contains(&looks), "{looks}");
    }

    #[test]
    fn storing_begins_again_above_where_it_ended() {
        for total in [16 * MIB, GIB, 100 * GIB] {
            for watermark in [Watermark::DEFAULT, Watermark::OFF] {
                let (ends, begins) = (watermark.bytes(total), watermark.bytes_again(total));
                assert!(ends + MIB <= begins && begins <= total / 2, "{ends} {begins} of {total}");
            }
        }
    }
}
