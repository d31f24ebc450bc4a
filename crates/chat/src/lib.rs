//! The chat domain: what a message is, the contract of the log that keeps it, and the two owners of the
//! message's path: the [`Appender`], which decides and commits, and the [`Applier`], which passes committed
//! entries on in order and without a hole.
//!
//! Nothing here knows a wire format, SQL or HTTP, reads a clock or draws a random number: those are arguments.
//! A backend implements [`Log`] and [`LogReader`] and runs the suite in `conformance` (a feature) as its own tests.
#![deny(missing_docs)]

mod appender;
mod applier;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod decide;
mod delivery;
mod device;
mod entry;
mod epochs;
mod health;
mod ids;
mod key;
mod log;
mod memory;
#[doc(hidden)]
pub mod planted;
mod queue;
#[cfg(feature = "simulation")]
mod stepper;
mod text;

pub use crate::appender::{Appender, Closed, Fatal, Ports, StartError};
pub use crate::applier::{Applier, Applying};
pub use crate::decide::{Decided, Limits, decide};
pub use crate::delivery::{Committed, Delivery, Outcome, Refusal};
pub use crate::device::{Answered, Counted, Device, DeviceId, Spent, SpentOn};
pub use crate::entry::{Author, Command, Draft, Entry, Identity, Kind, UnixMillis};
pub use crate::epochs::{EpochStart, Epochs};
pub use crate::health::{Health, HealthState};
pub use crate::ids::{CommandNumber, Epoch, Lineage, LogId, Position, Rev, RoomId, Seq, UserId};
pub use crate::key::{ClientKey, KeyError};
pub use crate::log::{
    AppendError, Budget, Log, LogReader, Lookup, Placed, ReadError, Record, RollbackCause, RoomNumbers,
};
pub use crate::memory::{Fault, MemoryDisk, MemoryLog, MemoryReader};
pub use crate::queue::{Admission, QueueBounds, RefusedWhy};
#[cfg(feature = "simulation")]
pub use crate::stepper::{Step, Stepper};
pub use crate::text::{ContentHash, Text, TextError};
