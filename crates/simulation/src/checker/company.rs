//! Checks what is told and not stored: who types, who is online, and how far somebody has read.

use std::collections::HashMap;

use super::members::Members;
use super::views::Watch;
use super::{Court, Invariant};
use crate::record::people::Sight;

impl<'a> Court<'a> {
    /// Only the other members of a room are told that somebody types, and only if somebody does who is a member.
    pub(super) fn check_typing(&mut self, watch: &Watch, sight: &Sight, members: &[Members<'a>]) {
        let Sight::Typing { micros, epoch, position, room, who, event } = sight else { return };
        let Some(members) = self.generation(*epoch).and_then(|generation| members.get(generation.0)) else {
            return;
        };
        let index = watch.index;
        if *who == watch.user {
            let detail = format!("person {index} was told of its own {event} in {room}");
            self.object(Invariant::MembersOnly, detail);
        }
        // A welcome may be ahead of its cursor.
        let is_listed = watch.listed.contains_key(room);
        if !members.hears(watch.user, *room, *position, is_listed) {
            let detail = format!("person {index} was told of {event} in {room} at {position}");
            self.object(Invariant::MembersOnly, detail);
        }
        let sent = self.record.typed.iter();
        let mut sent =
            sent.filter(|sent| (sent.user, sent.room, sent.event) == (*who, *room, event.as_str()));
        let is_theirs =
            sent.any(|sent| sent.micros <= *micros && members.is_there_after(*who, *room, sent.micros));
        if !is_theirs {
            let detail =
                format!("person {index} was told of {event} in {room} by {who:016x}, who was not there");
            self.object(Invariant::MembersOnly, detail);
        }
    }

    /// Only the devices of a person are told how far the person has read. A pointer begins where the person joins.
    pub(super) fn check_read(&mut self, watch: &Watch, (room, seq): (u64, u64), members: &[Members<'a>]) {
        let mut asked = self.record.reads.iter().filter(|read| (read.0, read.1) == (watch.user, room));
        let members = members.get(watch.generation.0);
        let truth = self.record.generations.get(watch.generation.0);
        let joined = members.into_iter().flat_map(|members| members.joined(watch.user, room));
        let begins =
            |position| truth.and_then(|truth| truth.at(position)).is_some_and(|entry| entry.seq == seq);
        let is_own = asked.clone().any(|read| read.2 >= seq)
            || asked.next().is_some() && joined.into_iter().any(begins);
        if !is_own {
            let detail =
                format!("person {} was told of a pointer of somebody else: {room}/{seq}", watch.index);
            self.object(Invariant::MembersOnly, detail);
        }
    }

    /// After the faults, everybody knows who is online, and all devices of a person know how far they have read.
    pub(super) fn check_beliefs(&mut self) {
        let Some(connected) = &self.record.connected else { return };
        let mut reads: HashMap<u64, u64> = HashMap::new();
        for (index, person) in self.record.people.iter().enumerate().filter(|(_, person)| !person.is_gone) {
            let Some(user) = person.user else { continue };
            let beliefs = &person.beliefs;
            let is_right = beliefs.online.as_ref() == Some(connected)
                && beliefs.count.is_none_or(|count| count == connected.len() as u64);
            if !is_right {
                let detail = format!("person {index} believes {beliefs:?}, but {connected:?} are online");
                self.object(Invariant::PresenceAgrees, detail);
            }
            let read = *reads.entry(user).or_insert(beliefs.read);
            if read != beliefs.read {
                let detail =
                    format!("person {index} has read up to {}, on another device {read}", beliefs.read);
                self.object(Invariant::PointersAgree, detail);
            }
        }
    }
}
