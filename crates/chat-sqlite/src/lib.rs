//! The log of the chat on SQLite, the embedded default.
//!
//! [`SqliteLog::open`] owns a data folder and is the writer; [`SqliteLog::reader`] returns readers. An append is one
//! transaction with one flush (`synchronous=FULL` on a write-ahead log), and durable when it returns. Only this crate
//! contains SQL; users see the two traits of [`chat`].
#![deny(missing_docs)]

mod append;
mod around;
mod backup;
mod broken_wal;
mod checkpoint;
mod checksum;
mod damage;
mod device;
mod environment;
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
mod repair;
mod rooms;
mod rotate;
mod rows;
mod runs;
mod salvage;
mod schema;
mod signing;
mod spare;
mod structure;
mod verify;
mod wal;

pub use crate::backup::{BackupError, Copied, RestoreError, backup, restore};
pub use crate::error::OpenError;
pub use crate::folder::DATABASE;
pub use crate::import::{ImportError, Imported, check_import};
pub use crate::log::{Meta, SqliteLog};
pub use crate::reader::SqliteReader;
pub use crate::repair::{RepairError, Repaired, repair};
pub use crate::rotate::{RevokeError, revoke_signing_keys, rotate_signing_key};
pub use crate::verify::{Fault, Report, verify};
