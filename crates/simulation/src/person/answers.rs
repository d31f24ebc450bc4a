//! How a client of `/v1` handles the answers to its commands and requests.

use serde_json::Value;
use tokio::time::Instant;

use super::store::Room;
use super::stream::Place;
use super::{Awaited, Person};
use crate::record::LOBBY;
use crate::record::people::{By, Row, Sight, Told};

impl Person {
    /// Handles an answer. `None` means that a correct server never sends it.
    pub(super) fn answered(&mut self, id: u64, told: &Value) -> Option<()> {
        // The page took too long, and was requested again.
        let Some((awaited, _)) = self.connection.awaited.remove(&id) else { return Some(()) };
        let is_ok = told["ok"].as_bool()?;
        match awaited {
            Awaited::Command { index, n, round, asked } => {
                self.command_answered(index, n, round, asked, told)
            }
            Awaited::Changes { room, asked } => self.changes(room, asked, told),
            Awaited::Looked { room, asked } if is_ok => {
                let entries = told["entries"].as_array()?;
                self.complain_if_out(room, entries.last().and_then(|entry| entry["rev"].as_u64()));
                entries.iter().try_for_each(|entry| {
                    self.record(entry["event"].as_str()?, entry, By::Answer { asked }).map(drop)
                })
            }
            Awaited::History { room, asked } if is_ok => self.rows(room, asked, told),
            Awaited::Read { room, seq } => {
                if is_ok {
                    self.see(Sight::HasRead { room, seq });
                    self.has_read(room, seq);
                }
                Some(())
            }
            Awaited::Who => self.hear_who(told),
            Awaited::Link if is_ok => {
                self.world.links.borrow_mut().push(told["code"].as_str()?.to_owned());
                Some(())
            }
            Awaited::Invite if is_ok => {
                self.world.invites.borrow_mut().push(told["code"].as_str()?.to_owned());
                Some(())
            }
            Awaited::Invite
            | Awaited::Link
            | Awaited::Looked { .. }
            | Awaited::History { .. }
            | Awaited::Idle => Some(()),
        }
    }

    fn command_answered(
        &mut self,
        index: usize,
        n: u64,
        round: u64,
        asked: u128,
        told: &Value,
    ) -> Option<()> {
        let epoch = self.connection.epoch?;
        let told = match (told["ok"].as_bool()?, told["code"].as_str()) {
            (true, None) if told["skipped"] == true => Told::Skipped,
            (true, None) if told["cursor"].is_string() => {
                let Place { position, .. } = Place::of(&told["cursor"])?;
                if told["room"].is_null() {
                    let generation = self.world.record.borrow().epochs.get(&epoch).copied()?;
                    let micros = self.world.micros();
                    self.world.record.borrow_mut().sign_outs.push((generation, position, micros));
                }
                // What concerns one person alone has no numbers.
                let (room, rev) = (told["room"].as_u64().unwrap_or(0), told["rev"].as_u64().unwrap_or(0));
                self.see(Sight::Own { epoch, position, room, rev });
                // The answer to a repeat may be older than the welcome, which knows better.
                if position > self.connection.started {
                    self.own(n, told)?;
                }
                self.store.view.reached = self.store.view.reached.max(position);
                Told::Stored { position, room, rev }
            }
            (true, None) => Told::Already,
            (false, Some("expected")) => {
                let expected = told["expected"].as_u64()?;
                return self.expected(n, round, expected);
            }
            (false, Some("busy")) => {
                self.connection.next_to_send = self.connection.next_to_send.min(n);
                self.connection.rests_until = Some(Instant::now() + std::time::Duration::from_secs(1));
                return Some(());
            }
            (false, Some("storage_full")) => {
                self.connection.next_to_send = self.connection.next_to_send.min(n);
                self.connection.rests_until = Some(Instant::now() + std::time::Duration::from_secs(1));
                let generation = self.world.record.borrow().epochs.get(&epoch).copied()?;
                let mut record = self.world.record.borrow_mut();
                let answers = &mut record.people.get_mut(self.index)?.commands.get_mut(index)?.answers;
                answers.push((generation, Told::Full { asked }));
                return Some(());
            }
            (false, Some("invalid" | "no_device") | None) | (true, Some(_)) => return None,
            (false, Some(code)) => Told::Refused(code.to_owned()),
        };
        self.note(format_args!("is told of {n}: {told:?}"));
        self.store.outbox.retain(|queued| queued.n != n);
        let mut record = self.world.record.borrow_mut();
        let generation = record.epochs.get(&epoch).copied()?;
        record.counts.commands += 1;
        record.people.get_mut(self.index)?.commands.get_mut(index)?.answers.push((generation, told));
        Some(())
    }

    /// The ack is the sender's copy of the entry.
    fn own(&mut self, n: u64, told: &Value) -> Option<()> {
        let Some(id) = told["room"].as_u64() else { return Some(()) };
        let rev = told["rev"].as_u64()?;
        let queued = self.store.outbox.iter().find(|queued| queued.n == n).cloned();
        let Some(queued) = queued else { return Some(()) };
        let room = self.store.view.rooms.entry(id).or_default();
        // A command that was cancelled too late has only one visible effect: it was carried out.
        match queued.event {
            "say" => room.own.push(told["seq"].as_u64()?),
            "create" => {
                room.is_host = true;
                room.is_closed = queued.fields["kind"] != "public";
                room.enter(rev);
            }
            "direct" => {
                room.is_closed = true;
                room.enter(rev);
            }
            // A repeat does not describe the room, whose kind is then known already.
            "join" => {
                room.enter(rev);
                room.is_about(&told["about"]);
            }
            "leave" => self.leave(id, rev),
            "name" => self.store.has_name = true,
            "add" | "remove" => {
                let whom = queued.fields["user"].as_str().and_then(|id| u64::from_str_radix(id, 16).ok())?;
                if queued.event == "remove" {
                    room.others.remove(&whom);
                } else {
                    room.others.insert(whom);
                    if room.is_host && self.random.chance(300) {
                        self.announce_farewell(whom, id);
                    }
                }
            }
            _ => {}
        }
        let room = self.store.view.rooms.entry(id).or_default();
        if room.is_joined {
            room.know(rev);
            room.seq = room.seq.max(told["seq"].as_u64().unwrap_or(0));
        }
        Some(())
    }

    /// The server misses an earlier command: sends everything again from there.
    fn expected(&mut self, n: u64, round: u64, expected: u64) -> Option<()> {
        self.note(format_args!("is expected to send {expected} before {n}"));
        let Some(first) = self.store.outbox.front().map(|queued| queued.n) else { return Some(()) };
        if expected > n || self.store.outbox.iter().all(|queued| queued.n != n) {
            return (expected <= n).then_some(());
        }
        if expected < first {
            // Answered commands are gone from the log.
            let epoch = self.connection.epoch?;
            self.see(Sight::Mistrusts { epoch });
            self.store.start_over(&mut self.random);
            self.crash();
        } else if round == self.connection.round {
            self.connection.round += 1;
            self.connection.next_to_send = self.connection.next_to_send.min(expected);
        }
        Some(())
    }

    /// Handles the entries that were missed.
    fn changes(&mut self, room: u64, asked: u128, told: &Value) -> Option<()> {
        if told["ok"] != true {
            match told["code"].as_str()? {
                // They were removed meanwhile, and an event says so.
                "not_found" => drop(self.store.view.needs.remove(&room)),
                "busy" => {
                    self.connection.rests_until = Some(Instant::now() + std::time::Duration::from_secs(1));
                }
                _ => return None,
            }
            return Some(());
        }
        let entries = told["entries"].as_array()?;
        self.complain_if_out(room, entries.last().and_then(|entry| entry["rev"].as_u64()));
        for entry in entries {
            self.show(entry["event"].as_str()?, entry, By::Answer { asked })?;
        }
        self.world.record.borrow_mut().counts.refilled += entries.len() as u64;
        let more = told["more"].as_bool()?;
        let Some(need) = self.store.view.needs.get_mut(&room) else { return Some(()) };
        need.after = entries.last().and_then(|entry| entry["rev"].as_u64()).unwrap_or(need.after);
        self.store.view.rooms.entry(room).or_default().know_up_to(need.after);
        if need.after >= need.through || !more {
            self.store.view.needs.remove(&room);
        }
        Some(())
    }

    /// A client that knows that it was removed gets nothing more of a private room, not even what was read before.
    /// An answer goes up to `rev` of the room.
    fn complain_if_out(&self, room: u64, rev: Option<u64>) {
        let is_over =
            |known: &Room| known.is_closed && !known.is_joined && rev.is_some_and(|rev| rev < known.changed);
        // The answer to a command is no cursor: another node may not have heard of the entry, and answer as before it.
        let is_alone = self.world.rates.nodes.count == 1;
        if is_alone && self.store.view.rooms.get(&room).is_some_and(is_over) {
            self.complain("was shown what is in a room after it was told that it is out");
        }
    }

    fn rows(&mut self, room: u64, asked: u128, told: &Value) -> Option<()> {
        let epoch = self.connection.epoch?;
        self.complain_if_out(room, told["rev"].as_u64());
        let mut before = None;
        for row in told["messages"].as_array()? {
            let (seq, rev) = (row["seq"].as_u64()?, row["rev"].as_u64()?);
            if before.replace(seq).is_some_and(|before| before + 1 != seq) {
                return None;
            }
            let text = row["text"].as_str().filter(|_| row["deleted"] != true).map(str::to_owned);
            self.see(Sight::Row(Row { asked, epoch, room, seq, rev, text }));
        }
        Some(())
    }

    /// Finds out which commands of the previous device the log has; returns whether that is done. Then it sends again
    /// those that the log surely does not have.
    pub(super) fn sort(&mut self) -> bool {
        if self.store.old.is_empty() {
            return true;
        }
        if !self.store.view.needs.is_empty() {
            return false;
        }
        for queued in std::mem::take(&mut self.store.old) {
            let is_said_to_all = queued.event == "say" && queued.fields["room"] == LOBBY;
            if !self.store.found.contains(&queued.n) && is_said_to_all && !queued.is_skip {
                self.queue_again(&queued);
            }
        }
        self.store.found.clear();
        self.connection.next_to_send = 0;
        true
    }
}
