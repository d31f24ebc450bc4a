//! [`Connections`]: how many connections each person has. One more than they may have is refused.
//!
//! Knows nothing of connections: whoever has one holds an [`OpenConnection`] as long as it lasts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat::UserId;

/// Connections that one person may have: some devices, with some windows each, and what is left of connections that
/// broke and have not been noticed yet.
pub const CONNECTIONS_MAX: usize = 20;

/// The connections of all people; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Connections(Arc<Mutex<HashMap<UserId, usize>>>);

/// One connection of a person; dropping it makes room for another.
#[derive(Debug)]
pub struct OpenConnection {
    all: Connections,
    user: UserId,
}

impl Connections {
    /// A connection of a person begins, if they have fewer than `connections_max`.
    pub fn begin(&self, user: UserId, connections_max: usize) -> Option<OpenConnection> {
        let mut open = self.open();
        let count = open.entry(user).or_default();
        if *count >= connections_max {
            return None;
        }
        *count += 1;
        Some(OpenConnection { all: self.clone(), user })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        let mut open = self.all.open();
        if let Some(count) = open.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_so_many_connections_and_nothing_is_kept_of_those_who_have_none() {
        let all = Connections::default();
        let begin =
            |user| -> Vec<_> { (0..30).filter_map(|_| all.begin(UserId(user), CONNECTIONS_MAX)).collect() };
        let (mut ada, bob) = (begin(1), begin(2));
        assert_eq!((ada.len(), bob.len()), (20, 20));
        drop(ada.pop());
        assert_eq!(begin(1).len(), 1);
        drop((ada, bob));
        assert_eq!(all.open().len(), 0);
        assert_eq!(begin(1).len(), 20);
    }
}
