//! A seeded simulation of the whole message path.
//!
//! It runs the server's own workers, feeds, encoders, appender and recovery over a hostile log, network and clock.
//! Simulated people use namespace `/` as the official client does, and `/v1` as the protocol asks. The [checker] judges
//! what they were told and saw. In some worlds nothing fails but people: limits are small, flooders keep to none of them, and
//! their neighbours must not notice.
//!
//! A run takes minutes of virtual time and milliseconds of real time. The same seed gives the same run, to the last
//! byte.
#![deny(missing_docs)]

mod browser;
pub mod checker;
mod client;
mod clock;
mod exchange;
mod frames;
mod full;
mod hostile_log;
mod ledger;
mod link;
mod lives;
mod meanwhile;
mod news;
mod node;
mod node_number;
mod page;
mod person;
mod planted;
mod poller;
mod publisher;
mod random;
mod rare;
mod rates;
pub mod record;
mod run;
mod seal;
mod siege;
mod upgrade;
mod visitor;
mod world;

pub use crate::planted::{Bug, Planted, bugs};
pub use crate::rare::RareCounts;
pub use crate::run::{Run, Telling, run};
