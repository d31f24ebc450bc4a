//! The parts of the Tidings server between the wire and the log, without a socket, a disk or a clock of their own.
//!
//! The program beside it puts them together with all of these; the simulation puts them together without.

pub mod delivery;
pub mod history;
#[doc(hidden)]
pub mod planted;
pub mod profile;
pub mod readiness;
pub mod ticket;
pub mod v1;
