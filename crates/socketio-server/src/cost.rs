//! What things take of the memory: as much as the allocator gives for them, not as much as was asked for.

use std::mem::size_of;
use std::sync::atomic::AtomicUsize;

/// A block of so many bytes. Allocators hand out whole sixteens, and keep a word for themselves.
pub(crate) const fn block(bytes: usize) -> usize {
    const LEAST: usize = 32;
    if bytes == 0 {
        return 0;
    }
    let whole = (bytes + size_of::<usize>()).next_multiple_of(16);
    if whole < LEAST { LEAST } else { whole }
}

/// What an `Arc` has beside its value.
pub(crate) const ARC_COUNTS: usize = 2 * size_of::<AtomicUsize>();

/// What shared bytes have beside themselves: where they are, how many, and a count.
pub(crate) const SHARED_BYTES: usize = block(3 * size_of::<usize>());
