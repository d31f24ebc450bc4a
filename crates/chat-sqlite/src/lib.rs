//! The log of the chat on SQLite: the embedded default.
//!
//! [`SqliteLog::open`] takes a data folder for itself alone and is the writer; [`SqliteLog::reader`] gives readers.
//! An append is one transaction with one flush (`synchronous=FULL` on a write-ahead log), durable when it returns.
//! Nothing of SQLite shows above the two traits of [`chat`]; there is no SQL anywhere else.
#![deny(missing_docs)]

mod append;
mod backup;
mod checkpoint;
mod checksum;
mod device;
mod error;
mod fingerprint;
mod folder;
mod import;
mod kind;
mod log;
mod lookup;
mod number;
mod pages;
mod reader;
mod rows;
mod schema;
mod signing;
mod verify;

pub use crate::backup::{BackupError, Copied, RestoreError, backup, restore};
pub use crate::error::OpenError;
pub use crate::import::{ImportError, Imported};
pub use crate::log::{Meta, SqliteLog};
pub use crate::reader::SqliteReader;
pub use crate::signing::rotate_signing_key;
pub use crate::verify::{Fault, Report, verify};
