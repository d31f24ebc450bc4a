//! [`Environment`]: the clocks and the randomness of a node. The program uses those of the machine, the simulation its own.

use std::time::Instant;

use chat::UnixMillis;

/// The clocks and the randomness of a node.
#[derive(Clone, Copy, Debug)]
pub struct Environment {
    /// The wall clock, for people to read.
    pub now: fn() -> UnixMillis,
    /// The clock that intervals are measured by.
    pub clock: fn() -> Instant,
    /// Fills bytes with randomness that nobody can guess.
    pub random: fn(&mut [u8]),
}
