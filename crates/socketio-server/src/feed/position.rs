//! [`FeedPosition`]: a place in a feed.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// A place in a feed: the number of an entry, or the place right after it. The first entry has the number 1, so everything
/// comes after the default, 0.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FeedPosition(u64);

impl FeedPosition {
    /// Before the first entry.
    pub const START: Self = Self(0);

    /// The position with a number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// How many entries come after `earlier` up to this one; 0 if `earlier` is later.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The position before this one; the start has none before it.
    pub(crate) const fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// This position and all that follow it.
    pub(crate) fn onward(self) -> impl Iterator<Item = Self> {
        (self.0..).map(Self)
    }
}

impl From<u64> for FeedPosition {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Debug for FeedPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for FeedPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Add<u64> for FeedPosition {
    type Output = Self;

    fn add(self, entries: u64) -> Self {
        Self(self.0 + entries)
    }
}

impl AddAssign<u64> for FeedPosition {
    fn add_assign(&mut self, entries: u64) {
        self.0 += entries;
    }
}

impl Sub<u64> for FeedPosition {
    type Output = Self;

    fn sub(self, entries: u64) -> Self {
        Self(self.0 - entries)
    }
}
