//! [`SocketData`]: the values that the application keeps with a socket.
//!
//! It is independent of the socket: middleware fills it before the socket exists, and a feed may keep it after the
//! socket has left.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The values that the application keeps with a socket, one for each type. Clones share them.
#[derive(Clone, Default)]
pub struct SocketData(Arc<Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>>);

impl SocketData {
    /// Stores a value, and replaces an older one of its type.
    pub fn insert<T: Send + Sync + 'static>(&self, value: T) {
        self.map().insert(TypeId::of::<T>(), Arc::new(value));
    }

    /// The value of a type.
    pub fn find<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.map().get(&TypeId::of::<T>()).and_then(|value| Arc::clone(value).downcast().ok())
    }

    /// The value of a type, which is stored first if there is none.
    pub fn get_or_default<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let mut map = self.map();
        let value = map.entry(TypeId::of::<T>()).or_insert_with(|| Arc::<T>::default());
        Arc::clone(value).downcast().expect("a value is stored under its type")
    }

    /// Removes the value of a type, and returns it.
    pub fn remove<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.map().remove(&TypeId::of::<T>()).and_then(|value| value.downcast().ok())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.map().is_empty()
    }

    fn map(&self) -> MutexGuard<'_, HashMap<TypeId, Arc<dyn Any + Send + Sync>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SocketData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SocketData({} values)", self.map().len())
    }
}
