//! [`Disk`]: the space on the disk of the data folder.
//!
//! The system is asked twice a second, away from everything that must not wait: a disk in a network may take its time to
//! answer. The appender asks it in between, when it has written much. Otherwise the last answer counts.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::{StatVfsMountFlags, statvfs};
use tidings::disk::{Access, DiskSpace, Look, Looks};

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

    /// What was found last, and how to ask.
    pub(super) fn looks(&self) -> Looks {
        let (known, folder, found) = (Arc::clone(&self.known), self.folder.clone(), Arc::clone(&self.known));
        let known: Look = Arc::new(move || *known.lock().unwrap_or_else(PoisonError::into_inner));
        let fresh: Look = Arc::new(move || {
            let space = space(&folder);
            *found.lock().unwrap_or_else(PoisonError::into_inner) = space;
            space
        });
        Looks { known, fresh }
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
        let disk = Disk::of(folder.path());
        let space = (disk.looks().known)().unwrap();
        assert!(space.free <= space.total && space.total > 0, "{space:?}");
        assert_eq!(space.access, Access::ReadWrite);
        let absent = folder.path().join("absent");
        let Looks { known, fresh } = Disk::of(&absent).looks();
        assert_eq!(known(), None);
        std::fs::create_dir(absent).unwrap();
        assert_eq!(known(), None, "nobody has asked");
        let space = fresh().unwrap();
        assert_eq!(known(), Some(space));
    }
}
