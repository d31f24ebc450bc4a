//! [`Random`]: the only source of randomness in a run. The same seed gives the same numbers.

use std::cell::RefCell;
use std::time::Duration;

thread_local! {
    static SECRETS: RefCell<Random> = const { RefCell::new(Random(0)) };
}

/// Seeds the secrets of this thread: see [`fill`].
pub(crate) fn seed_secrets(random: Random) {
    SECRETS.set(random);
}

/// Secrets for the server, such as ids and keys.
pub(crate) fn fill(bytes: &mut [u8]) {
    SECRETS.with_borrow_mut(|random| {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&random.next().to_le_bytes()[..chunk.len()]);
        }
    });
}

/// A small generator (splitmix64) whose whole state is one number.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another generator. Each part of the world has its own, so that it does not change what the others draw.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.next())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in `low..high`; `low` if that range is empty.
    pub(crate) fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % high.saturating_sub(low).max(1)
    }

    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.within(0, length as u64)).unwrap_or(0)
    }

    /// True in `per_mille` of a thousand cases.
    pub(crate) fn chance(&mut self, per_mille: u64) -> bool {
        self.within(0, 1_000) < per_mille
    }

    pub(crate) fn millis(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(self.within(low, high))
    }

    /// A duration that is `mean` on average, and sometimes much shorter or longer.
    pub(crate) fn around(&mut self, mean: Duration) -> Duration {
        let millis = u64::try_from(mean.as_millis()).unwrap_or(u64::MAX / 4);
        self.millis(1, millis * 2 + 2)
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.index(of.len())]
    }
}
