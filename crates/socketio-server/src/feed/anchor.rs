//! [`Anchor`]: the application's own number of an entry.

use std::fmt;

/// A number by which an application names an entry of its feed, such as the number of a message. Anchors grow with the
/// position.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Anchor(u64);

impl Anchor {
    /// The highest of all.
    pub(super) const MAX: Self = Self(u64::MAX);

    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl From<u64> for Anchor {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Debug for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
