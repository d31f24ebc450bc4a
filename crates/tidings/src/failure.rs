//! [`Failure`]: why a command of this program has failed, in words for its operator.
//!
//! All commands share it, so that a new one brings a line here and nothing else.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use chat::Fatal;
use chat_sqlite::{BackupError, ImportError, OpenError, RestoreError};
use socketio_server::BuildError;

use crate::plural::counted;

/// Why a command has failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("cannot listen on {address}: {error}")]
    Listen { address: SocketAddr, error: std::io::Error },
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error(transparent)]
    Restore(#[from] RestoreError),
    #[error("{} is damaged: {}", .file.display(), counted(*.faults, "fault"))]
    Unsound { file: PathBuf, faults: u64 },
    #[error(transparent)]
    Read(#[from] chat::ReadError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("the client bundle is broken: {0}")]
    Bundle(#[from] socketio_server::BundleError),
    #[error("cannot start: {0}")]
    Start(#[from] std::io::Error),
    #[error(transparent)]
    Appender(#[from] chat::StartError),
    #[error("{0}; the next start continues from what is on disk")]
    Fatal(Fatal),
    #[error("the appender has stopped")]
    Stopped,
    #[error(
        "the disk has not finished a commit within {} s, so it is unknown whether it took place; the next start \
         continues from what is on disk",
        .after.as_secs()
    )]
    Undrained { after: Duration },
}
