//! The chat domain: what a message is, the contract of the log that keeps it, and the two owners of the
//! message's path: the [`Appender`], which decides and commits, and the [`Applier`], which passes committed
//! entries on in order and without a hole.
//!
//! Nothing here knows a wire format, SQL or HTTP, reads a clock or draws a random number: those are arguments.
//! A backend implements [`Log`] and [`LogReader`] and runs the suite in `conformance` (a feature) as its own tests.
#![deny(missing_docs)]

mod appender;
mod applier;
mod command;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod content;
#[cfg(test)]
mod debug_output;
mod decide;
mod delivery;
mod device;
mod directory;
mod entry;
mod epochs;
mod hash;
mod health;
mod ids;
mod key;
mod log;
mod memory;
mod name;
mod named;
mod outcome;
#[doc(hidden)]
pub mod planted;
mod pointer;
mod queue;
#[doc(hidden)]
pub mod rare;
mod room;
mod run;
mod sign_in;
mod signed_in;
mod signing;
mod spent;
mod stats;
mod text;
mod trust;
#[cfg(test)]
mod watched;

pub use crate::appender::{Appender, Closed, Fatal, NO_SPACE, Ports, StartError};
#[cfg(feature = "simulation")]
pub use crate::appender::{Step, Stepper};
pub use crate::applier::{Applier, Applying, Piece};
pub use crate::command::{Command, Draft, Identity, JoinBy, SignOutOf};
pub use crate::decide::{Decided, Limits, Storage, decide};
pub use crate::delivery::{Committed, Delivery};
pub use crate::device::{Device, DeviceId};
pub use crate::directory::{Directory, DirectoryHandle, Snapshot};
pub use crate::entry::{Author, Body, Entry, Group, Kind, UnixMillis};
pub use crate::epochs::{EpochStart, Epochs};
pub use crate::hash::{ContentHash, ContentTag};
pub use crate::health::{Health, HealthState, ReadOnly};
pub use crate::ids::{
    CommandNumber, Epoch, InviteGeneration, Lineage, LogId, Position, Rev, RoomId, Seq, UserId,
};
pub use crate::key::{ClientKey, KeyError};
pub use crate::log::{
    AppendError, Budget, CaughtUp, Log, LogReader, Lookup, Messages, Page, Placed, ReadError, Record,
    RollbackCause, RoomNumbers, Standing, Unread, Writers,
};
pub use crate::memory::{Fault, MemoryDisk, MemoryLog, MemoryReader};
pub use crate::name::{NameError, Nickname, RoomName, Skeleton, Topic, TopicError};
pub use crate::outcome::{Outcome, Receipt, Refusal};
pub use crate::pointer::ReadPointer;
pub use crate::queue::{Admission, QueueBounds, RefusedWhy};
pub use crate::room::{Membership, Room, RoomKind, Visibility};
pub use crate::run::{Kept, Run};
pub use crate::sign_in::{SignInId, SignInLabel, SignInMethod, TokenHash};
pub use crate::signed_in::SignIn;
pub use crate::signing::{SigningKey, SigningKeys};
pub use crate::spent::{Answered, Counted, KeptContent, Spent, SpentOn};
pub use crate::stats::{AppenderCount, AppenderStats, LimitHit};
pub use crate::text::{Text, TextError};
pub use crate::trust::{ByTrust, Trust};
