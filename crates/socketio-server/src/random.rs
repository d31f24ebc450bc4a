//! Random bytes: from the operating system or, in a simulation, from the seed of a thread.

use std::cell::RefCell;

#[cfg(feature = "simulation")]
pub use self::seeded::seed;

/// Bytes from the operating system. If that fails, the server cannot work.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[cfg(feature = "simulation")]
    if seeded::fill(&mut bytes) {
        return bytes;
    }
    POOL.with_borrow_mut(|pool| pool.take(&mut bytes));
    bytes
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; POOL_BYTES], used: POOL_BYTES }) };
}

/// Enough for about ten connections: each id of its own would need three system calls per connection.
const POOL_BYTES: usize = 512;

/// A stock of random bytes. Each is used once and wiped.
struct Pool {
    bytes: [u8; POOL_BYTES],
    used: usize,
}

impl Pool {
    fn take(&mut self, wanted: &mut [u8]) {
        if POOL_BYTES - self.used < wanted.len() {
            getrandom::fill(&mut self.bytes).expect("the operating system provides randomness");
            self.used = 0;
        }
        match self.bytes.get_mut(self.used..self.used + wanted.len()) {
            Some(fresh) => {
                wanted.copy_from_slice(fresh);
                fresh.fill(0);
                self.used += wanted.len();
            }
            // More than the pool ever holds.
            None => getrandom::fill(wanted).expect("the operating system provides randomness"),
        }
    }
}

/// Bytes that a seed determines.
#[cfg(feature = "simulation")]
mod seeded {
    use std::cell::Cell;

    thread_local! {
        static RANDOM: Cell<Option<u64>> = const { Cell::new(None) };
    }

    /// Lets this thread draw its ids from `seed` instead of the operating system.
    pub fn seed(seed: u64) {
        RANDOM.set(Some(seed));
    }

    /// Fills `bytes` if this thread has a seed.
    pub(super) fn fill(bytes: &mut [u8]) -> bool {
        let Some(mut state) = RANDOM.get() else { return false };
        for chunk in bytes.chunks_mut(8) {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^= mixed >> 31;
            chunk.copy_from_slice(mixed.to_le_bytes().get(..chunk.len()).unwrap_or_default());
        }
        RANDOM.set(Some(state));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_bytes_are_never_given_twice() {
        let mut seen = std::collections::HashSet::new();
        for _ in 0..3 * POOL_BYTES / 16 {
            assert!(seen.insert(random::<16>()));
        }
        assert_ne!(random::<1024>(), random::<1024>());
    }
}
