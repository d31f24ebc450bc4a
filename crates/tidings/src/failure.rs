//! [`Failure`]: why a command of this program has failed, in words for its operator.
//!
//! All commands share it, so that a new one brings a line here and nothing else.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use chat::{Fatal, ReadError};
use chat_sqlite::{BackupError, ImportError, OpenError, RepairError, RestoreError, RevokeError};
use socketio_server::BuildError;

use crate::plural::counted;
use crate::tls::CertificateError;

/// The first port that everybody may listen on.
const FREE_PORTS_FROM: u16 = 1_024;

/// What is missing for a low port.
fn rights(address: SocketAddr, error: &std::io::Error) -> &'static str {
    let is_forbidden = error.kind() == std::io::ErrorKind::PermissionDenied;
    if is_forbidden && address.port() < FREE_PORTS_FROM {
        " (ports below 1024 need root or CAP_NET_BIND_SERVICE: see TLS in docs/running.md)"
    } else {
        ""
    }
}

/// Why a command has failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("cannot listen on {address}: {error}{}; choose another address with --listen or TIDINGS_LISTEN", rights(*.address, .error))]
    Listen { address: SocketAddr, error: std::io::Error },
    #[error(
        "cannot listen on {address}: {error}{}; choose another address with --redirect or TIDINGS_REDIRECT",
        rights(*.address, .error)
    )]
    Redirect { address: SocketAddr, error: std::io::Error },
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error(
        "cannot listen on {address} for metrics: {error}; choose another address with --metrics or TIDINGS_METRICS"
    )]
    Metrics { address: SocketAddr, error: std::io::Error },
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("{0}; name the data folder with --data or TIDINGS_DATA")]
    NoChat(OpenError),
    #[error("the data folder {} is a file; to check a backup, leave out --data", .file.display())]
    FileAsFolder { file: PathBuf },
    #[error(
        "{what}; run `tidings verify` for all faults and `tidings repair` to mend them, or put the last backup into a new \
         folder with `tidings restore`"
    )]
    Damaged { what: String },
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error(transparent)]
    Restore(#[from] RestoreError),
    #[error(transparent)]
    Repair(RepairError),
    #[error(transparent)]
    Revoke(RevokeError),
    #[error(
        "still damaged: {}{}; put back what a backup has with `tidings repair --from BACKUP`, \
         or have the rest say that it was damaged with --give-up",
        counted(*.rows, "row"),
        .first.map_or(String::new(), |first| format!(", the first at position {first}"))
    )]
    Unrepaired { rows: u64, first: Option<u64> },
    #[error("{} is damaged: {}", .file.display(), counted(*.faults, "fault"))]
    Unsound { file: PathBuf, faults: u64 },
    #[error(transparent)]
    Read(#[from] ReadError),
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

impl From<RepairError> for Failure {
    fn from(err: RepairError) -> Self {
        match err {
            RepairError::Chat(cause) => Self::Open(cause),
            other => Self::Repair(other),
        }
    }
}

impl From<RevokeError> for Failure {
    fn from(err: RevokeError) -> Self {
        match err {
            RevokeError::Chat(cause) => Self::Open(cause),
            RevokeError::Read(cause) => Self::Read(cause),
            lost @ RevokeError::OwnerLost => Self::Revoke(lost),
        }
    }
}

impl Failure {
    /// How the process ends: with 2 if an option is wrong, as for options that cannot be read at all.
    pub(crate) fn exit_code(&self) -> ExitCode {
        if matches!(self, Self::Certificate(_)) { ExitCode::from(2) } else { ExitCode::FAILURE }
    }

    /// With the words that its operator needs if it is about the chat in `folder`: where that is, and what to do.
    pub(crate) fn about(self, folder: &Path) -> Self {
        match self {
            Self::Open(cause) | Self::Backup(BackupError::Source(cause)) => Self::of_chat(cause, folder),
            Self::Read(cause @ ReadError::Corrupt { .. }) => {
                Self::Damaged { what: format!("the chat in {} is damaged: {cause}", folder.display()) }
            }
            other => other,
        }
    }

    fn of_chat(cause: OpenError, folder: &Path) -> Self {
        let full = || std::path::absolute(folder).unwrap_or_else(|_| folder.into());
        match cause {
            OpenError::Absent { .. } => Self::NoChat(OpenError::Absent { path: full() }),
            OpenError::Missing { .. } => Self::NoChat(OpenError::Missing { folder: full() }),
            OpenError::Damaged { .. } => Self::Damaged { what: cause.to_string() },
            other => Self::Open(other),
        }
    }
}
