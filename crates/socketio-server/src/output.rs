//! [`Output`]: what waits for clients that read slowly, of all connections together.
//!
//! Each connection has a bound of its own, but there may be any number of them. When too much waits, the connections that
//! hold most are closed.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Memory is freed until so much of the bound is used.
const RELIEVED: (usize, usize) = (15, 16);

/// The sum, and its bound.
#[derive(Debug)]
pub(crate) struct Output {
    held: AtomicUsize,
    bytes_max: usize,
    /// The workers have been told that it is too much, and none has begun to close connections.
    is_told: AtomicBool,
}

impl Output {
    /// With a bound; 0 is none.
    pub(crate) fn new(bytes_max: usize) -> Self {
        let bytes_max = if bytes_max == 0 { usize::MAX } else { bytes_max };
        Self { held: AtomicUsize::new(0), bytes_max, is_told: AtomicBool::new(false) }
    }

    /// Bytes that wait.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.held() > self.bytes_max
    }

    pub(crate) fn is_relieved(&self) -> bool {
        self.held() <= self.bytes_max / RELIEVED.1 * RELIEVED.0
    }

    /// Whether the workers must be told now that it is too much.
    pub(crate) fn has_to_tell(&self) -> bool {
        self.is_over() && !self.is_told.swap(true, Ordering::Relaxed)
    }

    /// Somebody looks at it again.
    pub(crate) fn begin(&self) {
        self.is_told.store(false, Ordering::Relaxed);
    }

    /// Somebody who held so many bytes holds so many now.
    pub(crate) fn change(&self, from: usize, to: usize) {
        if to > from {
            self.held.fetch_add(to - from, Ordering::Relaxed);
        } else if to < from {
            self.held.fetch_sub(from - to, Ordering::Relaxed);
        }
    }
}
