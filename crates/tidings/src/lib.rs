//! The parts of the Tidings server between the wire and the log, without a socket, a disk or a clock of their own.
//!
//! The program supplies these; the simulation replaces them.

pub mod allowance;
pub mod command_pace;
mod debts;
pub mod delivery;
pub mod disk;
pub mod environment;
pub mod limits;
pub mod memory;
pub mod metrics;
pub mod names;
pub mod node;
pub mod payer;
#[doc(hidden)]
pub mod planted;
pub mod profile;
pub mod quotas;
#[doc(hidden)]
pub mod rare;
pub mod readiness;
pub mod reading;
pub mod similar;
pub mod stamp;
pub mod stats;
pub mod ticket;
pub mod v1;
