//! Checks that a sign-in that has ended never counts again, and that nobody else is told of it.

use std::collections::HashSet;

use super::views::Watch;
use super::{Court, Invariant};
use crate::record::people::Sight;
use crate::record::{Generation, Stored, What};

impl Court<'_> {
    /// What has ended does not begin again, and no connection is left of it when the faults are over.
    pub(super) fn check_sign_ins(&mut self) {
        for truth in &self.record.generations {
            let mut ended: HashSet<(u64, &str)> = HashSet::new();
            for (entry, position) in truth.log.iter().zip(1_u64..) {
                if let What::SignedIn { user, id, .. } = &entry.what
                    && ended.contains(&(*user, id.as_str()))
                {
                    let detail = format!("sign-in {id} of {user:016x} begins again at {position}");
                    self.object(Invariant::EndedStaysEnded, detail);
                }
                ended.extend(
                    ends(entry).into_iter().flat_map(|(user, ids)| ids.into_iter().map(move |id| (user, id))),
                );
            }
        }
        let last = Generation(self.record.generations.len().saturating_sub(1));
        for (index, person) in self.record.people.iter().enumerate() {
            let (Some(user), Some(id)) = (person.user, &person.sign_in) else { continue };
            if self.has_ended(last, user, id, u128::MAX) {
                let detail = format!("person {index} is still connected by the sign-in {id}");
                self.object(Invariant::EndedStaysEnded, detail);
            }
        }
    }

    /// Whether the end of a sign-in was acked before a moment, and stands in the log.
    fn has_ended(&self, generation: Generation, user: u64, id: &str, before: u128) -> bool {
        let Some(truth) = self.record.generations.get(generation.0) else { return false };
        let acked = self.record.sign_outs.iter().filter(|(of, ..)| *of == generation);
        acked.into_iter().any(|(_, position, acked)| {
            let entry = truth.at(*position);
            let micros = entry.map_or(0, |entry| entry.micros).max(*acked);
            micros < before && entry.and_then(ends).is_some_and(|(who, ids)| who == user && ids.contains(&id))
        })
    }

    /// What somebody is told of their own sign-in.
    pub(super) fn check_sign_in(&mut self, watch: &Watch, sight: &Sight) {
        match sight {
            Sight::SignedIn { epoch, id } => self.check_welcome_of(watch, *epoch, id),
            Sight::SignedOut { id } => self.check_sign_out(watch, id),
            _ => {}
        }
    }

    fn check_welcome_of(&mut self, watch: &Watch, epoch: u64, id: &str) {
        let Some(generation) = self.generation(epoch) else { return };
        if self.has_ended(generation, watch.user, id, watch.began) {
            let detail = format!("person {} is welcomed with the sign-in {id}, which has ended", watch.index);
            self.object(Invariant::EndedStaysEnded, detail);
        }
    }

    /// Nobody is told that their sign-in has ended if it has not.
    fn check_sign_out(&mut self, watch: &Watch, id: &str) {
        let mut entries = self.record.generations.iter().flat_map(|truth| &truth.log);
        let is_so =
            entries.any(|entry| ends(entry).is_some_and(|(who, ids)| who == watch.user && ids.contains(&id)));
        if !is_so {
            let detail = format!("person {} is told that the sign-in {id} has ended", watch.index);
            self.object(Invariant::EndedStaysEnded, detail);
        }
    }

    /// An entry about sign-ins is for its person alone.
    pub(super) fn check_of_sign_ins(&mut self, watch: &mut Watch, epoch: u64, position: u64) {
        self.advance(watch, position, watch.cursor < Some(position));
        let generation = self.generation(epoch);
        let truth = generation.and_then(|generation| self.record.generations.get(generation.0));
        let Some(entry) = truth.and_then(|truth| truth.at(position)) else { return };
        let is_own = match &entry.what {
            What::SignedIn { user, .. } | What::SignedOut { user, .. } => *user == watch.user,
            _ => false,
        };
        if !is_own {
            let detail = format!("person {} was told of sign-ins by {entry:?} at {position}", watch.index);
            self.object(Invariant::EndedStaysEnded, detail);
        }
    }
}

/// Whose sign-ins an entry ends, and which.
fn ends(entry: &Stored) -> Option<(u64, Vec<&str>)> {
    match &entry.what {
        What::SignedIn { user, ended: Some(ended), .. } => Some((*user, vec![ended])),
        What::SignedOut { user, ids } => Some((*user, ids.iter().map(String::as_str).collect())),
        _ => None,
    }
}
