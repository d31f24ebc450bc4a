//! [`Disk`]: the space on the disk of the data folder.
//!
//! The system is asked twice a second, away from everything that must not wait: a disk in a network may take its time to
//! answer. In between, the last answer counts.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::{StatVfsMountFlags, statvfs};
use tidings::disk::{Access, DiskSpace, Look};

const INTERVAL: Duration = Duration::from_millis(500);

/// The disk that a folder is on.
pub(super) struct Disk {
    folder: PathBuf,
    known: Arc<Mutex<Option<DiskSpace>>>,
}

impl Disk {
    /// Looks once.
    pub(super) fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), known: Arc::new(Mutex::new(space(folder))) }
    }

    /// What was found last.
    pub(super) fn look(&self) -> Look {
        let known = Arc::clone(&self.known);
        Arc::new(move || *known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Goes on looking. Never ends.
    pub(super) async fn watch(&self) {
        let mut interval = tokio::time::interval(INTERVAL);
        loop {
            interval.tick().await;
            let folder = self.folder.clone();
            let found = tokio::task::spawn_blocking(move || space(&folder)).await;
            *self.known.lock().unwrap_or_else(PoisonError::into_inner) = found.ok().flatten();
        }
    }
}

/// `None` if the system does not say.
fn space(folder: &Path) -> Option<DiskSpace> {
    let found =
        statvfs(folder).inspect_err(|error| tracing::debug!(%error, "the disk does not tell its space"));
    let found = found.ok()?;
    let is_read_only = found.f_flag.contains(StatVfsMountFlags::RDONLY);
    Some(DiskSpace {
        free: found.f_bavail.saturating_mul(found.f_frsize),
        total: found.f_blocks.saturating_mul(found.f_frsize),
        access: if is_read_only { Access::ReadOnly } else { Access::ReadWrite },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_on_a_disk_and_what_is_absent_on_none() {
        let folder = tempfile::tempdir().unwrap();
        let space = Disk::of(folder.path()).look()().unwrap();
        assert!(space.free <= space.total && space.total > 0, "{space:?}");
        assert_eq!(space.access, Access::ReadWrite);
        assert_eq!(Disk::of(&folder.path().join("absent")).look()(), None);
    }
}
