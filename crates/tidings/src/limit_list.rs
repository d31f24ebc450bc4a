//! `tidings limits`: prints the table of limits, and what its values mean.

use std::io::Write as _;

use tidings::limits::{Bounds, LEGEND, table};

pub(crate) fn run() {
    // Nobody reads it if standard output is closed.
    let _ = write!(std::io::stdout(), "{}\n{LEGEND}", table(&Bounds::default()));
}
