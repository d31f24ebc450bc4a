//! Arithmetic on deadlines that cannot overflow.
//!
//! A configuration may say "never" by a huge duration. Such a duration is cut to [`FAR`], which is never reached
//! either, and leaves room for additions.

use std::time::{Duration, Instant};

/// Thirty years.
pub(crate) const FAR: Duration = Duration::from_secs(946_080_000);

pub(crate) fn after(now: Instant, delay: Duration) -> Instant {
    now + delay.min(FAR)
}
