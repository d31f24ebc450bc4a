//! How far a run has got, on standard error, in one line that is written over.

use std::cell::Cell;
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_millis(200);

thread_local! {
    static LAST: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Says `done` of `all`, not too often, and only to people.
pub(crate) fn tell(what: &str, done: u64, all: u64) {
    let is_due = LAST.get().is_none_or(|last| last.elapsed() >= INTERVAL);
    let mut err = std::io::stderr();
    if is_due && err.is_terminal() {
        LAST.set(Some(Instant::now()));
        // Nobody reads it, then.
        let _ = write!(err, "\r\x1b[K{what}: {done} of {all}");
    }
}

/// Wipes the line.
pub(crate) fn clear() {
    let mut err = std::io::stderr();
    if err.is_terminal() {
        let _ = write!(err, "\r\x1b[K");
    }
}
