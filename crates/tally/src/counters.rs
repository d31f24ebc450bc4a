//! [`Counters`]: numbers that only grow, one for each variant of an enum. [`Counts`]: what they were at one moment.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{AddAssign, Index};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Shares of counters that several threads write.
const SHARES: usize = 8;

/// Counters in one line. Two lines of 64 bytes, because processors fetch them in pairs.
const LINE: usize = 16;

/// Variants of which each has a counter. [`counted!`](crate::counted) makes such an enum.
pub trait Counted: Copy + fmt::Debug + 'static {
    /// All of them, in order.
    const ALL: &'static [Self];

    /// The place in [`ALL`](Self::ALL).
    fn index(self) -> usize;
}

/// Makes an enum whose variants are counted.
#[macro_export]
macro_rules! counted {
    (
        $(#[$about:meta])*
        $visible:vis enum $kinds:ident { $($(#[$meaning:meta])* $kind:ident),+ $(,)? }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $visible enum $kinds { $($(#[$meaning])* $kind),+ }

        impl $crate::Counted for $kinds {
            const ALL: &'static [Self] = &[$(Self::$kind),+];

            fn index(self) -> usize {
                self as usize
            }
        }
    };
}

#[repr(align(128))]
#[derive(Default)]
struct Line([AtomicU64; LINE]);

/// One counter for each variant of `C`.
pub struct Counters<C> {
    lines: Box<[Line]>,
    shares: usize,
    kinds: PhantomData<fn(C)>,
}

impl<C: Counted> Counters<C> {
    /// Counters that one thread writes. Others may too, but then they wait for each other's cache lines.
    pub fn new() -> Self {
        Self::with(1)
    }

    /// Counters that several threads write, each its own share.
    pub fn spread() -> Self {
        Self::with(SHARES)
    }

    fn with(shares: usize) -> Self {
        let lines = C::ALL.len().div_ceil(LINE) * shares;
        Self { lines: (0..lines).map(|_| Line::default()).collect(), shares, kinds: PhantomData }
    }

    /// Adds to a counter.
    pub fn add(&self, kind: C, count: u64) {
        let share = if self.shares == 1 { 0 } else { share_of_thread() };
        if let Some(counter) = self.counter(share, kind.index()) {
            counter.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// What they are now. Counters that are written meanwhile may be a little ahead of others.
    pub fn counts(&self) -> Counts<C> {
        let count = |index| {
            let shares = (0..self.shares).filter_map(|share| self.counter(share, index));
            shares.map(|counter| counter.load(Ordering::Relaxed)).sum()
        };
        Counts { counts: (0..C::ALL.len()).map(count).collect(), kinds: PhantomData }
    }

    fn counter(&self, share: usize, index: usize) -> Option<&AtomicU64> {
        let lines = self.lines.len() / self.shares;
        self.lines.get(share * lines + index / LINE)?.0.get(index % LINE)
    }
}

/// The share of this thread; threads take turns.
fn share_of_thread() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SHARE: usize = THREADS.fetch_add(1, Ordering::Relaxed) % SHARES;
    }
    SHARE.with(|share| *share)
}

impl<C: Counted> Default for Counters<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Counted> fmt::Debug for Counters<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.counts().fmt(f)
    }
}

/// What [`Counters`] were at one moment.
#[derive(Clone, PartialEq, Eq)]
pub struct Counts<C> {
    counts: Vec<u64>,
    kinds: PhantomData<fn(C)>,
}

impl<C: Counted> Default for Counts<C> {
    fn default() -> Self {
        Self { counts: vec![0; C::ALL.len()], kinds: PhantomData }
    }
}

impl<C: Counted> Index<C> for Counts<C> {
    type Output = u64;

    fn index(&self, kind: C) -> &u64 {
        &self.counts[kind.index()]
    }
}

impl<C: Counted> AddAssign<&Self> for Counts<C> {
    fn add_assign(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }
}

impl<C: Counted> fmt::Debug for Counts<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(C::ALL.iter().map(|kind| (kind, self[*kind]))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    counted! {
        /// More than fit into one line.
        enum Letter { A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R }
    }

    #[test]
    fn every_variant_has_a_counter_of_its_own_in_every_share() {
        let counters = Counters::spread();
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    for (times, letter) in (1..).zip(Letter::ALL) {
                        counters.add(*letter, times);
                    }
                });
            }
        });
        let counts = counters.counts();
        for (times, letter) in (1..).zip(Letter::ALL) {
            assert_eq!(counts[*letter], 20 * times, "{letter:?}");
        }
    }

    #[test]
    fn counts_of_several_workers_add_up() {
        let (one, other) = (Counters::new(), Counters::new());
        one.add(Letter::A, 1);
        other.add(Letter::A, 2);
        other.add(Letter::R, 3);
        let mut sum = one.counts();
        sum += &other.counts();
        assert_eq!((sum[Letter::A], sum[Letter::B], sum[Letter::R]), (3, 0, 3));
    }
}
