//! [`LogNumber`] and [`FeedEpoch`]: which history an offset belongs to.

use std::fmt;

/// The number of a log; a feed in memory has the default, 0. Offsets of another log mean nothing here.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct LogNumber(u64);

/// The number of an epoch: every start of a server begins a new one, so that positions that a crash or a restored backup
/// has taken back are not mistaken for those that came after.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FeedEpoch(u64);

impl LogNumber {
    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl FeedEpoch {
    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl From<u64> for LogNumber {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl From<u64> for FeedEpoch {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Debug for LogNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for FeedEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
