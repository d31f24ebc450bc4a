//! [`Lives`]: what the log has done to people, names and messages, so that what happens for the second time is noticed.

use std::collections::{HashMap, HashSet};

use chat::{Entry, Kind};

use crate::rare::{Rare, reached};

/// What has happened up to the newest entry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lives {
    /// How often each person was removed from each room, and how they went the last time.
    departures: HashMap<(u64, u64), (u64, Departure)>,
    /// The last owner of each name.
    names: HashMap<String, u64>,
    edited: HashSet<(u64, u64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Departure {
    Left,
    Removed,
}

impl Lives {
    /// Counts what `entry` does again.
    pub(crate) fn note(&mut self, entry: &Entry) {
        let room = entry.room.0;
        match &entry.kind {
            Kind::Removed { user } => {
                let (removals, last) =
                    self.departures.entry((room, user.0)).or_insert((0, Departure::Removed));
                (*removals, *last) = (*removals + 1, Departure::Removed);
                if *removals > 1 {
                    reached(Rare::RemovedAgain);
                }
            }
            Kind::Left { user } => {
                self.departures.entry((room, user.0)).or_insert((0, Departure::Left)).1 = Departure::Left;
            }
            Kind::Joined { user } => match self.departures.get(&(room, user.0)) {
                Some((_, Departure::Removed)) => reached(Rare::AddedAfterRemoval),
                Some((_, Departure::Left)) => reached(Rare::JoinedAfterLeaving),
                None => {}
            },
            Kind::Named { user, name, .. } => {
                if self.names.insert(name.to_string(), user.0).is_some_and(|before| before != user.0) {
                    reached(Rare::NameTakenOver);
                }
            }
            Kind::Edited { seq, .. } => {
                if !self.edited.insert((room, seq.0)) {
                    reached(Rare::EditedAgain);
                }
            }
            Kind::Deleted { seq } => {
                if self.edited.contains(&(room, seq.0)) {
                    reached(Rare::DeletedAfterEdit);
                }
            }
            Kind::Message { .. }
            | Kind::RoomCreated { .. }
            | Kind::RoomRenamed { .. }
            | Kind::TopicSet { .. }
            | Kind::Owner { .. }
            | Kind::SignedIn { .. }
            | Kind::SignedOut { .. }
            | Kind::Unknown { .. }
            | Kind::Damaged { .. } => {}
        }
    }
}
