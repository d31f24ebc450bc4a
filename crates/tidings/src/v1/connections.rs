//! [`Connections`]: how many connections each person has. One more than they may have is refused.
//!
//! A connection counts for as long as it lasts, whether or not it is joined to `/v1`: [`Places`] are kept with it. Otherwise a
//! client could leave `/v1` and be counted nowhere.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat::{Trust, UserId};

/// Connections that one person may have: some devices, with some windows each, and what is left of connections that
/// broke and have not been noticed yet.
pub const CONNECTIONS_MAX: usize = 20;

/// The connections of all people; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Connections(Arc<Mutex<HashMap<UserId, usize>>>);

/// The people of whom one connection is. It is at most two: the member who was vouched for, and the newest one.
#[derive(Debug, Default)]
pub struct Places(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    /// The address of the connection does not count it, so this place is kept to the end.
    member: Option<Arc<OpenConnection>>,
    newest: Option<Arc<OpenConnection>>,
}

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

    /// People who have some.
    pub fn people(&self) -> usize {
        self.open().len()
    }

    fn open(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    /// The connection is one of `user` from now on, if they have fewer than `connections_max`, or if it is one already.
    pub fn take(
        &self,
        all: &Connections,
        user: UserId,
        trust: Trust,
        connections_max: usize,
    ) -> Option<Arc<OpenConnection>> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = [&held.member, &held.newest].into_iter().flatten().find(|open| open.user == user);
        let open = match known {
            Some(open) => Arc::clone(open),
            None => Arc::new(all.begin(user, connections_max)?),
        };
        if trust == Trust::Member {
            held.member.get_or_insert_with(|| Arc::clone(&open));
        }
        held.newest = Some(Arc::clone(&open));
        Some(open)
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

    #[test]
    fn a_connection_counts_once_for_its_person_until_it_ends_however_often_it_joins() {
        let (all, ada) = (Connections::default(), UserId(1));
        let join = |places: &Places| places.take(&all, ada, Trust::Guest, 2).is_some();
        let (first, second, third) = (Places::default(), Places::default(), Places::default());
        assert!((0..5).all(|_| join(&first)) && join(&second));
        assert!(!join(&third), "the sessions of the others have left, and their connections have not");
        drop(first);
        assert!(join(&third));
        drop((second, third));
        assert_eq!(all.open().len(), 0);
    }

    #[test]
    fn a_connection_that_joins_as_somebody_else_still_counts_for_the_member_and_no_other() {
        let (all, member) = (Connections::default(), UserId(1));
        let places = Places::default();
        let join = |user, trust| places.take(&all, UserId(user), trust, 1).is_some();
        assert!(join(1, Trust::Member));
        assert!((2..100).all(|guest| join(guest, Trust::Guest)));
        assert_eq!(all.open().len(), 2);
        assert!(all.begin(member, 1).is_none());
        assert!(join(100, Trust::Member) && all.begin(member, 1).is_none());
    }
}
