//! The directory of now, for everybody on this node who asks.
//!
//! A mutex around a clone: whoever looks holds it for a few lines. It is brought up to date after a batch is durable
//! and before it is delivered, so what somebody learns from an entry is never ahead of what they find here.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Directory;
use crate::ids::RoomId;
use crate::log::{Log, ReadError, RoomNumbers};

/// Shows the directory of now. Clones show the same.
#[derive(Clone)]
pub struct DirectoryHandle(Arc<Mutex<Shown>>);

struct Shown {
    directory: Directory,
    numbers: HashMap<RoomId, RoomNumbers>,
}

impl DirectoryHandle {
    /// Of what stands in the log. To be handed to the appender that gets the log.
    pub fn load(log: &mut (impl Log + ?Sized)) -> Result<Self, ReadError> {
        let directory = Directory::load(log)?;
        let mut numbers = HashMap::new();
        let ids = directory.0.rooms.keys().copied().chain([RoomId::HOUSE]);
        for id in ids {
            numbers.insert(id, log.room(id)?);
        }
        Ok(Self(Arc::new(Mutex::new(Shown { directory, numbers }))))
    }

    /// The directory of now.
    pub fn now(&self) -> Directory {
        self.lock().directory.clone()
    }

    /// The last numbers of a room.
    pub fn numbers(&self, room: RoomId) -> RoomNumbers {
        self.lock().numbers.get(&room).copied().unwrap_or_default()
    }

    /// The directory of now, and the last numbers of those rooms at the very same moment.
    pub fn now_with_numbers(
        &self,
        rooms: impl FnOnce(&Directory) -> Vec<RoomId>,
    ) -> (Directory, Vec<(RoomId, RoomNumbers)>) {
        let shown = self.lock();
        let rooms = rooms(&shown.directory);
        let numbers = |id| (id, shown.numbers.get(&id).copied().unwrap_or_default());
        (shown.directory.clone(), rooms.into_iter().map(numbers).collect())
    }

    /// A batch is durable.
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
    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for DirectoryHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryHandle").finish_non_exhaustive()
    }
}
