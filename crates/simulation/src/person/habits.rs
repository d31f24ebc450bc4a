//! What people of `/v1` do without a cause, allowed or not. It includes every command and every request.

use std::time::Duration;

use serde_json::{Value, json};
use tidings::v1::names;
use tokio::time::Instant;

use super::store::Queued;
use super::{Awaited, Person};
use crate::record::LOBBY;
use crate::record::people::{Command, Typed};

/// A person with this many unanswered commands waits before acting again.
const UNANSWERED_MAX: usize = 20;

/// How many rooms people create in one world.
const ROOMS_MAX: u64 = 6;

/// So long does somebody who leaves, or is sent away, look at the room over and over.
const CLINGS_FOR: Duration = Duration::from_secs(4);

impl Person {
    /// Acts once, and chooses when to act next.
    pub(super) fn live_on(&mut self) {
        let now = Instant::now();
        self.hear_farewells(now);
        self.part(now);
        if self.acts_at > now {
            return;
        }
        self.acts_at = now + self.random.around(self.world.rates.typing_pause);
        if self.random.chance(self.world.rates.crashes_client) {
            return self.crash();
        }
        if !self.store.old.is_empty() || self.store.outbox.len() >= UNANSWERED_MAX {
            return;
        }
        let count = if self.random.chance(self.world.rates.bursts) { 10 } else { 1 };
        (0..count).for_each(|_| self.do_something());
    }

    fn do_something(&mut self) {
        if self.is_welcome() && !std::mem::replace(&mut self.store.has_asked_link, true) {
            self.ask("link", &json!({}), Awaited::Link, None);
        }
        if !self.store.has_name && self.random.chance(500) {
            let name = format!("p{}x{}", self.index, self.counter);
            self.counter += 1;
            return self.queue("name", json!({ "name": name }), None, false);
        }
        match self.random.index(109) {
            0..42 => {
                let room = if self.random.chance(400) { LOBBY } else { self.some_room() };
                if self.is_welcome() && self.random.chance(300) {
                    // Some say it in a room that they are not in.
                    let room = if self.random.chance(100) { self.any_room() } else { room };
                    self.type_in(room);
                }
                self.say(room);
            }
            42..47 => self.furnish(),
            47..55 => self.rewrite(),
            55..60 => self.create(),
            60..69 => self.meet("add"),
            69..79 => self.meet("remove"),
            79..82 => {
                let room = self.some_room();
                self.queue("leave", json!({ "room": room }), None, false);
                self.clings = Some((room, Instant::now() + CLINGS_FOR));
            }
            82..85 => self.join(),
            85..91 => self.take_back(),
            91..96 => self.read(),
            96..102 => self.look(),
            102..107 => self.sign_out(),
            _ => {
                let text = if self.random.chance(500) { String::new() } else { "x".repeat(17 << 10) };
                self.queue("say", json!({ "room": LOBBY, "text": text }), None, false);
            }
        }
    }

    pub(super) fn say(&mut self, room: u64) {
        let length = if self.random.chance(50) { self.random.index(6_000) } else { 0 };
        let text = format!("u{}-{} {}", self.index, self.counter, "y".repeat(length));
        self.counter += 1;
        self.queue("say", json!({ "room": room, "text": text }), Some(text), room == LOBBY);
    }

    fn queue(&mut self, event: &'static str, fields: Value, text: Option<String>, is_proper: bool) {
        let n = self.store.number();
        let brief: String = fields.to_string().chars().take(60).collect();
        self.note(format_args!("wants {n}: {event} {brief}"));
        if event == "sign out" {
            self.world.signing_out.borrow_mut().extend(self.store.user);
        }
        let device = self.store.device.clone();
        let command = Command { device, n, text, is_proper, answers: Vec::new() };
        let mut record = self.world.record.borrow_mut();
        let Some(person) = record.people.get_mut(self.index) else { return };
        let index = person.commands.len();
        person.commands.push(command);
        drop(record);
        self.store.outbox.push_back(Queued { n, index, event, fields, is_skip: false });
    }

    /// Queues the same command again, for a new device.
    pub(super) fn queue_again(&mut self, queued: &Queued) {
        let text = queued.fields["text"].as_str().map(str::to_owned);
        let is_proper = text.as_ref().is_some_and(|text| text.starts_with('u'));
        self.queue(queued.event, queued.fields.clone(), text.filter(|_| is_proper), is_proper);
    }

    /// A room that they are in.
    fn some_room(&mut self) -> u64 {
        let rooms = self.store.view.rooms.iter();
        let joined: Vec<u64> = rooms.filter(|(_, room)| room.is_joined).map(|(id, _)| *id).collect();
        if joined.is_empty() { LOBBY } else { self.random.pick(&joined) }
    }

    /// A room that may exist.
    fn any_room(&mut self) -> u64 {
        self.random.within(LOBBY, LOBBY + ROOMS_MAX + 1)
    }

    fn create(&mut self) {
        if self.world.rooms.get() >= ROOMS_MAX {
            return;
        }
        self.world.rooms.set(self.world.rooms.get() + 1);
        let kind = if self.random.chance(800) { "private" } else { "public" };
        let name = format!("room {}", self.world.rooms.get());
        self.queue("create", json!({ "kind": kind, "name": name }), None, false);
    }

    /// Joins a room, perhaps with an invite.
    fn join(&mut self) {
        let invites = self.world.invites.borrow().clone();
        let fields = if !invites.is_empty() && self.random.chance(400) {
            json!({ "invite": invites[self.random.index(invites.len())] })
        } else {
            json!({ "room": self.any_room() })
        };
        self.queue("join", fields, None, false);
    }

    /// Renames a room, sets its topic, begins a conversation, or takes another name. Now and then somebody tries to own the chat.
    fn furnish(&mut self) {
        let room = self.some_room();
        let words = format!("w{}-{}", self.index, self.counter);
        self.counter += 1;
        match self.random.index(13) {
            0..4 => self.queue("rename", json!({ "room": room, "name": words }), None, false),
            4..7 => self.queue("set topic", json!({ "room": room, "topic": words }), None, false),
            7..9 => {
                let Some(me) = self.store.user else { return };
                let mut others: Vec<u64> = self.world.people.borrow().iter().copied().collect();
                others.retain(|user| *user != me);
                if !others.is_empty() {
                    let with = format!("{:016x}", self.random.pick(&others));
                    self.queue("direct", json!({ "with": [with] }), None, false);
                }
            }
            9 => self.queue("claim", json!({ "code": words }), None, false),
            // A name that others want as well, and that somebody gives up for another one.
            _ => {
                let name = self.random.pick(&["ada", "bob"]);
                self.queue("name", json!({ "name": name }), None, false);
            }
        }
    }

    /// Adds or removes somebody.
    fn meet(&mut self, event: &'static str) {
        let rooms = self.store.view.rooms.iter();
        let mine: Vec<u64> =
            rooms.filter(|(_, room)| room.is_host && room.is_joined).map(|(id, _)| *id).collect();
        // Some try it where somebody else is the host.
        let is_elsewhere = mine.is_empty() || self.random.chance(100);
        let room = if is_elsewhere { self.some_room() } else { self.random.pick(&mine) };
        let mut people: Vec<u64> = self.world.people.borrow().iter().copied().collect();
        if self.random.chance(800) {
            // Mostly somebody whom it makes sense for.
            let others = self.store.view.rooms.get(&room).map(|room| room.others.clone()).unwrap_or_default();
            let me = self.store.user;
            people.retain(|user| (event == "remove") == others.contains(user) && Some(*user) != me);
        }
        if people.is_empty() {
            return;
        }
        let user = self.random.pick(&people);
        let is_own = !is_elsewhere && self.store.user != Some(user);
        if event == "remove" && is_own && self.random.chance(900) {
            return self.announce_farewell(user, room);
        }
        let user = format!("{user:016x}");
        self.queue(event, json!({ "room": room, "user": user }), None, false);
    }

    /// Announces a removal, so that the person can look at the room until then.
    pub(super) fn announce_farewell(&mut self, user: u64, room: u64) {
        if self.parts.is_none() {
            self.world.farewells.borrow_mut().push((user, room));
            self.parts = Some((user, room, Instant::now() + self.random.millis(1_000, 2_500)));
        }
    }

    /// Removes somebody, and at once sends messages that they must not get. Some are added again, and some of these
    /// removed again.
    fn part(&mut self, now: Instant) {
        let Some((user, room, _)) = self.parts.filter(|(_, _, at)| *at <= now) else { return };
        self.parts = None;
        if self.store.old.is_empty() {
            let user = format!("{user:016x}");
            let fields = json!({ "room": room, "user": user });
            self.queue("remove", fields.clone(), None, false);
            (0..3).for_each(|_| self.say(room));
            if self.random.chance(400) {
                self.queue("add", fields.clone(), None, false);
                self.say(room);
                if self.random.chance(500) {
                    self.queue("remove", fields, None, false);
                    self.say(room);
                }
            }
        }
    }

    fn hear_farewells(&mut self, now: Instant) {
        let Some(me) = self.store.user else { return };
        let mut farewells = self.world.farewells.borrow_mut();
        if let Some(place) = farewells.iter().position(|(user, _)| *user == me) {
            let (_, room) = farewells.remove(place);
            self.clings = Some((room, now + CLINGS_FOR));
        }
    }

    /// Requests a room again and again, until it is no longer visible.
    pub(super) fn cling(&mut self) {
        let Some((room, until)) = self.clings else { return };
        if until <= Instant::now() {
            self.clings = None;
        } else if self.connection.awaited.len() < super::REQUESTS_MAX {
            let asked = self.world.micros();
            let limit = self.random.pick(&[50, 5]);
            if self.random.chance(500) {
                let fields = json!({ "room": room, "limit": limit });
                self.ask("history", &fields, Awaited::History { room, asked }, None);
            } else {
                let after = self.store.view.rooms.get(&room).map_or(0, |room| room.rev.saturating_sub(3));
                let fields = json!({ "room": room, "after": after });
                self.ask("changes", &fields, Awaited::Looked { room, asked }, None);
            }
        }
    }

    /// Edits or deletes an own message; some try it with another's.
    fn rewrite(&mut self) {
        let room = if self.random.chance(300) { LOBBY } else { self.some_room() };
        let Some(known) = self.store.view.rooms.get(&room) else { return };
        let (own, last) = (known.own.clone(), known.seq);
        let seq = if last > 0 && self.random.chance(100) {
            self.random.within(1, last + 1)
        } else if own.is_empty() {
            return;
        } else {
            self.random.pick(&own)
        };
        if self.random.chance(500) {
            let text = format!("e{}-{}", self.index, self.counter);
            self.counter += 1;
            self.queue("edit", json!({ "room": room, "seq": seq, "text": text }), None, false);
        } else {
            self.queue("delete", json!({ "room": room, "seq": seq }), None, false);
        }
    }

    /// Cancels the last command, which may have been sent.
    fn take_back(&mut self) {
        let Some(queued) = self.store.outbox.back_mut().filter(|queued| !queued.is_skip) else { return };
        (queued.event, queued.fields, queued.is_skip) = ("skip", json!({}), true);
        let (n, index) = (queued.n, queued.index);
        if let Some(person) = self.world.record.borrow_mut().people.get_mut(self.index)
            && let Some(command) = person.commands.get_mut(index)
        {
            command.is_proper = false;
        }
        self.connection.next_to_send = self.connection.next_to_send.min(n);
        self.note(format_args!("takes {n} back"));
    }

    /// Ends a sign-in of the person, or all but the own one. Nobody ends the own one: a person with one sign-in would be lost.
    pub(super) fn sign_out(&mut self) {
        let (Some(me), Some(own)) = (self.store.user, self.store.sign_in.clone()) else { return };
        let there = self.others_there();
        let others: Vec<String> = if there.is_empty() || self.random.chance(300) {
            let sign_ins = self.world.sign_ins.borrow();
            let all = sign_ins.iter().filter(|(user, id)| *user == me && *id != own);
            all.map(|(_, id)| id.clone()).collect()
        } else {
            there
        };
        if others.is_empty() {
            // So that there is one some day.
            if self.is_welcome() && self.connection.awaited.len() < super::REQUESTS_MAX {
                self.ask("link", &json!({}), Awaited::Link, None);
            }
            return;
        }
        let fields = if self.random.chance(300) {
            json!({ "keep": own })
        } else {
            json!({ "sign_in": others[self.random.index(others.len())] })
        };
        self.queue("sign out", fields, None, false);
    }

    /// Ends the sign-in of another device that is connected, if there is one.
    pub(super) fn sign_out_one_there(&mut self) {
        let there = self.others_there();
        if !there.is_empty() {
            let fields = json!({ "sign_in": there[self.random.index(there.len())] });
            self.queue("sign out", fields, None, false);
        }
    }

    /// Sign-ins of the person by which other devices are connected.
    fn others_there(&self) -> Vec<String> {
        let record = self.world.record.borrow();
        let own = self.store.user.zip(self.store.sign_in.as_ref());
        let devices = record.people.iter().filter_map(|person| person.user.zip(person.sign_in.as_ref()));
        let others = devices.filter(|(user, id)| own.is_some_and(|(me, own)| *user == me && *id != own));
        others.map(|(_, id)| id.clone()).collect()
    }

    fn read(&mut self) {
        let id = self.some_room();
        let seq = self.store.view.rooms.get(&id).map_or(0, |room| room.seq);
        if !self.is_welcome() || seq == 0 {
            return;
        }
        // Some devices are behind the others.
        let seq = if self.random.chance(400) { self.random.within(1, seq + 1) } else { seq };
        let fields = json!({ "room": id, "seq": seq });
        self.world.record.borrow_mut().reads.extend(self.store.user.map(|user| (user, id, seq)));
        self.ask("read", &fields, Awaited::Read { room: id, seq }, None);
    }

    /// Requests something, perhaps of a room that they may not see.
    fn look(&mut self) {
        if !self.is_welcome() || self.connection.awaited.len() >= super::REQUESTS_MAX {
            return;
        }
        let room = if self.random.chance(500) { self.any_room() } else { self.some_room() };
        let asked = self.world.micros();
        let seq = self.store.view.rooms.get(&room).map_or(1, |room| room.seq.max(1));
        let limit = self.random.pick(&[50, 5, 1]);
        match self.random.index(8) {
            0..2 => {
                let fields = json!({ "room": room, "limit": limit });
                self.ask("history", &fields, Awaited::History { room, asked }, None);
            }
            2 => {
                let way = self.random.pick(&["before", "after", "around"]);
                let fields = json!({ "room": room, "limit": limit, way: self.random.within(1, seq + 2) });
                self.ask("history", &fields, Awaited::History { room, asked }, None);
            }
            3 => {
                let after = self.random.within(0, seq + 1);
                let fields = json!({ "room": room, "limit": limit, "after": after });
                self.ask("changes", &fields, Awaited::Looked { room, asked }, None);
            }
            4 => self.ask("unread", &json!({ "rooms": [LOBBY, room] }), Awaited::Idle, None),
            5 => self.type_in(room),
            6 => self.ask("invite", &json!({ "room": room }), Awaited::Invite, None),
            _ => self.look_around(room),
        }
    }

    /// Says that they type, or have stopped.
    fn type_in(&mut self, room: u64) {
        let event = if self.random.chance(600) { names::TYPING } else { names::TYPING_STOPPED };
        let (Some(user), micros) = (self.store.user, self.world.micros()) else { return };
        self.world.record.borrow_mut().typed.push(Typed { user, room, event, micros });
        self.ask(event, &json!({ "room": room }), Awaited::Idle, None);
    }

    /// Requests lists and codes. They contain no entries, so the checker judges only that they are answered.
    fn look_around(&mut self, room: u64) {
        let invites = self.world.invites.borrow().clone();
        if self.random.chance(300) {
            return self.ask("link", &json!({}), Awaited::Link, None);
        }
        let (request, fields) = match self.random.index(5) {
            0 => ("rooms", json!({ "limit": 1 })),
            1 => ("members", json!({ "room": room })),
            2 => ("who", json!({})),
            3 => ("sign ins", json!({})),
            _ => ("code", json!({ "code": invites.first().map_or("0000-0000-0000-0000", String::as_str) })),
        };
        self.ask(request, &fields, Awaited::Idle, None);
    }
}
