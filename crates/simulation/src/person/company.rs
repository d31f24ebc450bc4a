//! What a client of `/v1` believes of what is told and not stored: who is online, and how far its person has read.
//!
//! As the protocol asks, it requests `who` after each welcome, and applies to the answer the events that arrived while it
//! waited, and later ones.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::stream::{Place, user};
use super::{Awaited, Person};
use crate::rare::{Rare, reached};
use crate::record::LOBBY;
use crate::record::people::{Beliefs, Sight};

/// The beliefs of one connection.
#[derive(Debug, Default)]
pub(super) struct Company {
    /// Who is online; `None` until `who` is answered.
    online: Option<BTreeSet<u64>>,
    /// How many are, as the last event said.
    count: Option<u64>,
    /// Events that arrived before the answer.
    early: Vec<Notice>,
    reads: BTreeMap<u64, u64>,
}

#[derive(Debug)]
struct Notice {
    online: Vec<u64>,
    offline: Vec<u64>,
}

impl Company {
    fn apply(&mut self, notice: Notice) {
        match &mut self.online {
            Some(online) => {
                online.extend(notice.online);
                online.retain(|user| !notice.offline.contains(user));
            }
            None => self.early.push(notice),
        }
    }
}

impl Person {
    /// Asks who is online, if that is not known.
    pub(super) fn greet(&mut self) {
        let is_asked = |(awaited, _): &(Awaited, _)| matches!(awaited, Awaited::Who);
        if self.company.online.is_none() && !self.connection.awaited.values().any(is_asked) {
            let timeout = self.ack_timeout();
            self.ask("who", &serde_json::json!({}), Awaited::Who, Some(timeout));
        }
    }

    pub(super) fn hear_who(&mut self, told: &Value) -> Option<()> {
        if told["ok"] != true {
            let pause = std::time::Duration::from_secs(1);
            self.connection.rests_until = Some(tokio::time::Instant::now() + pause);
            return (told["code"] == "busy").then_some(());
        }
        let online: Option<BTreeSet<u64>> = told["online"].as_array()?.iter().map(user).collect();
        let company = &mut self.company;
        company.online = Some(online?);
        for notice in std::mem::take(&mut company.early) {
            company.apply(notice);
        }
        self.believe();
        Some(())
    }

    pub(super) fn hear_presence(&mut self, told: &Value) -> Option<()> {
        let online: Option<Vec<u64>> = told["online"].as_array()?.iter().map(user).collect();
        let id = |told: &Value| u64::from_str_radix(told.as_str()?, 16).ok();
        let offline: Option<Vec<u64>> = told["offline"].as_array()?.iter().map(id).collect();
        self.company.apply(Notice { online: online?, offline: offline? });
        self.company.count = Some(told["count"].as_u64()?);
        self.believe();
        Some(())
    }

    /// Somebody types, or has stopped.
    pub(super) fn hear_typing(&mut self, event: &str, told: &Value) -> Option<()> {
        let Place { epoch, position } = Place::of(&told["cursor"])?;
        let (room, who, micros) = (told["room"].as_u64()?, user(&told["who"])?, self.world.micros());
        self.see(Sight::Typing { micros, epoch, position, room, who, event: event.to_owned() });
        Some(())
    }

    /// Another device of the person has read.
    pub(super) fn hear_read(&mut self, told: &Value) -> Option<()> {
        reached(Rare::ReadElsewhere);
        let (room, seq) = (told["room"].as_u64()?, told["seq"].as_u64()?);
        self.see(Sight::Read { room, seq });
        self.has_read(room, seq);
        Some(())
    }

    /// The person has read a room so far.
    pub(super) fn has_read(&mut self, room: u64, seq: u64) {
        let read = self.company.reads.entry(room).or_default();
        *read = (*read).max(seq);
        self.believe();
    }

    /// Puts what it believes now into the record.
    fn believe(&self) {
        let Company { online, count, reads, .. } = &self.company;
        let read = reads.get(&LOBBY).copied().unwrap_or(0);
        let beliefs = Beliefs { online: online.clone(), count: *count, read };
        if let Some(person) = self.world.record.borrow_mut().people.get_mut(self.index) {
            person.beliefs = beliefs;
        }
    }
}
