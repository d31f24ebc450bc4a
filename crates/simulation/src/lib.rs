//! A seeded simulation of the whole message path: the server's own workers, feed, wire, appender and recovery, over a
//! hostile log, network and clock, with people who behave as the official client does in namespace `/`, and as the
//! protocol asks in `/v1`. The [checker] judges what they were told and saw.
//!
//! A run takes minutes of virtual and milliseconds of real time. The same seed is the same run, to the last byte.
#![deny(missing_docs)]

mod browser;
pub mod checker;
mod client;
mod clock;
mod exchange;
mod frames;
mod hostile_log;
mod ledger;
mod link;
mod meanwhile;
mod node;
mod page;
mod person;
mod planted;
mod poller;
mod publisher;
mod random;
mod rates;
pub mod record;
mod run;
mod upgrade;
mod world;

pub use crate::planted::{Bug, Planted, bugs};
pub use crate::run::{Run, Telling, run};
