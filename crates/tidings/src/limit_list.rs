//! `tidings limits`: prints the table of limits.

use std::io::Write as _;

use tidings::limits::{Bounds, table};

pub(crate) fn run() {
    // Nobody reads it if standard output is closed.
    let _ = write!(std::io::stdout(), "{}", table(&Bounds::default()));
}
