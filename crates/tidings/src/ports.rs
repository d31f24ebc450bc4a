//! [`Ports`]: where time and chance come from. The program takes those of the machine, the simulation its own.

use std::time::Instant;

use chat::UnixMillis;

/// Where time and chance come from.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// The wall clock, for people to read.
    pub now: fn() -> UnixMillis,
    /// What intervals are measured by.
    pub clock: fn() -> Instant,
    /// Fills bytes with what nobody can guess.
    pub random: fn(&mut [u8]),
}
