//! The wall clock of this machine.

use std::time::{SystemTime, UNIX_EPOCH};

use chat::UnixMillis;

/// The wall clock, for people to read: nothing is ordered by it.
pub(super) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// The same in seconds since 1970.
pub(super) fn seconds() -> i64 {
    i64::try_from(now().0 / 1_000).unwrap_or(i64::MAX)
}
