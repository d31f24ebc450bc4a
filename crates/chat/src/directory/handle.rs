//! [`DirectoryHandle`]: the current directory, for all of this node.
//!
//! It is a mutex around a clone, held for a few lines. It is updated after a batch is durable and before it is
//! delivered, so an entry never reveals more than the directory that its recipient finds here.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use imbl::OrdMap;

use super::Directory;
use crate::ids::RoomId;
use crate::log::{Log, ReadError, RoomNumbers};

/// Shows the current directory. Clones show the same one.
#[derive(Clone)]
pub struct DirectoryHandle(Arc<Mutex<Snapshot>>);

/// The directory and the last numbers of all rooms, at one and the same moment.
///
/// Whatever is asked and told for one purpose is asked and told of one snapshot: who takes a second one for the same
/// answer may find somebody let in whom the first one did not know. Costs two references.
#[derive(Clone, Debug)]
pub struct Snapshot {
    directory: Directory,
    numbers: OrdMap<RoomId, RoomNumbers>,
}

impl Snapshot {
    /// The last numbers of a room.
    pub fn numbers(&self, room: RoomId) -> RoomNumbers {
        self.numbers.get(&room).copied().unwrap_or_default()
    }
}

impl Deref for Snapshot {
    type Target = Directory;

    fn deref(&self) -> &Directory {
        &self.directory
    }
}

impl DirectoryHandle {
    /// Loads the directory from the log. Give it to the appender that gets the log, and to its applier.
    pub fn load(log: &mut (impl Log + ?Sized)) -> Result<Self, ReadError> {
        let directory = Directory::load(log)?;
        let numbers = log.rooms()?.into_iter().collect();
        Ok(Self(Arc::new(Mutex::new(Snapshot { directory, numbers }))))
    }

    /// How everything is now.
    pub fn now(&self) -> Snapshot {
        self.lock().clone()
    }

    /// The applier has gone on to this moment.
    pub(crate) fn show(
        &self,
        directory: &Directory,
        numbers: impl IntoIterator<Item = (RoomId, RoomNumbers)>,
    ) {
        let mut shown = self.lock();
        shown.directory = directory.clone();
        shown.numbers.extend(numbers);
    }

    /// A panic while the lock was held left nothing half done: each line of it stands for itself.
    fn lock(&self) -> MutexGuard<'_, Snapshot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for DirectoryHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryHandle").finish_non_exhaustive()
    }
}
