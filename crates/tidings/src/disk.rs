//! [`DiskSpace`] on a disk, and the [`Watermark`] below which nothing more is stored on it.
//!
//! A log needs space to go on: to copy what is in its write-ahead log into the database, and to rewrite what people delete.
//! So the server stops storing before the disk is full. Pure; who looks at a disk gives it as a [`Look`].

use std::sync::Arc;

/// What is known of the disk of the log now: a value at hand, which waits for nothing.
pub type Look = Arc<dyn Fn() -> Option<DiskSpace> + Send + Sync>;

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

/// The least difference between the space at which storing ends and begins again.
const AGAIN_MIN: u64 = 1 << 20;

fn mebibytes(count: u32) -> u64 {
    u64::from(count) << 20
}

#[cfg(test)]
mod tests {
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
