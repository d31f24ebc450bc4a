//! How a client of `/v1` handles events: the welcome, entries of the log, and events that are not stored.

use serde_json::Value;
use socketio_server::Offset;
use tidings::v1::names;

use super::store::Need;
use super::{Awaited, Person};
use crate::rare::{Rare, reached};
use crate::record::LOBBY;
use crate::record::people::{By, Listed, Shown, Sight};

/// The place that a cursor names.
pub(super) struct Place {
    pub(super) epoch: u64,
    pub(super) position: u64,
}

impl Place {
    pub(super) fn of(cursor: &Value) -> Option<Self> {
        let Offset { epoch, position, .. } = crate::seal::opened(cursor.as_str()?)?;
        Some(Self { epoch, position })
    }
}

/// The user id of a person.
pub(super) fn user(person: &Value) -> Option<u64> {
    u64::from_str_radix(person["user"].as_str()?, 16).ok()
}

impl Person {
    /// Handles an event. `None` means that a correct server never sends it.
    pub(super) fn hear(&mut self, event: &str, told: &Value) -> Option<()> {
        match event {
            names::WELCOME => self.welcomed(told),
            names::READ => {
                self.pass(told)?;
                self.hear_read(told)
            }
            names::TYPING | names::TYPING_STOPPED => {
                self.pass(told)?;
                self.hear_typing(event, told)
            }
            names::SIGNED_IN | names::SIGNED_OUT => {
                self.connection.epoch?;
                let Place { epoch, position } = Place::of(&told["cursor"])?;
                self.see(Sight::OfSignIns { epoch, position });
                self.store.view.cursor = Some(told["cursor"].as_str()?.to_owned());
                self.store.view.reached = self.store.view.reached.max(position);
                Some(())
            }
            names::PRESENCE => {
                self.pass(told)?;
                self.hear_presence(told)
            }
            event => {
                self.connection.epoch?;
                self.show(event, told, By::Event)?;
                self.store.view.cursor = Some(told["cursor"].as_str()?.to_owned());
                Some(())
            }
        }
    }

    /// Handles an event that is not an entry: its cursor says how far the stream is.
    fn pass(&mut self, told: &Value) -> Option<()> {
        self.connection.epoch?;
        let Place { epoch, position } = Place::of(&told["cursor"])?;
        self.see(Sight::Cursor { epoch, position });
        self.store.view.cursor = Some(told["cursor"].as_str()?.to_owned());
        self.store.view.reached = self.store.view.reached.max(position);
        Some(())
    }

    fn welcomed(&mut self, told: &Value) -> Option<()> {
        let Place { epoch, position } = Place::of(&told["cursor"])?;
        let (resumed, reset) = (told["resumed"].as_bool()?, told["reset"].as_bool()?);
        let who = user(&told["user"])?;
        if self.store.user.is_some_and(|known| known != who) || (resumed && self.store.view.cursor.is_none())
        {
            return None;
        }
        self.note(format_args!("is welcomed at {position}, resumed: {resumed}, reset: {reset}"));
        self.store.user = Some(who);
        self.store.has_name = told["user"]["name"].is_string();
        self.signed_in(epoch, who, told)?;
        if let Some(token) = told["token"].as_str() {
            self.store.token = Some(token.to_owned());
            if self.store.link.take().is_some() {
                reached(Rare::FollowedLink);
            }
            self.world.tokens.borrow_mut().push(token.to_owned());
        }
        {
            let mut record = self.world.record.borrow_mut();
            record.people.get_mut(self.index)?.user = Some(who);
            record.counts.resumed += u64::from(resumed);
        }
        if self.is_elsewhere(who) {
            reached(Rare::TwoDevices);
        }
        if reset {
            reached(Rare::Reset);
            self.store.start_over(&mut self.random);
            self.see_welcome(epoch, position, (resumed, reset), told)?;
            // The device belongs to the connection, so a new device needs a new connection.
            self.crash();
            return Some(());
        }
        let listed = self.see_welcome(epoch, position, (resumed, reset), told)?;
        if !resumed {
            self.begin(told, &listed)?;
            self.connection.started = position;
            self.store.view.cursor = Some(told["cursor"].as_str()?.to_owned());
        }
        self.store.view.reached = self.store.view.reached.max(position);
        self.connection.epoch = Some(epoch);
        self.connection.next_to_send = 0;
        self.world.people.borrow_mut().insert(who);
        Some(())
    }

    fn signed_in(&mut self, epoch: u64, who: u64, told: &Value) -> Option<()> {
        let id = told["sign_in"].as_str()?.to_owned();
        self.see(Sight::SignedIn { epoch, id: id.clone() });
        self.world.sign_ins.borrow_mut().insert((who, id.clone()));
        self.connection.sign_in = Some(id.clone());
        self.world.record.borrow_mut().people.get_mut(self.index)?.sign_in = Some(id.clone());
        self.store.sign_in = Some(id);
        Some(())
    }

    fn see_welcome(
        &mut self,
        epoch: u64,
        position: u64,
        (resumed, reset): (bool, bool),
        told: &Value,
    ) -> Option<Vec<Listed>> {
        let rooms: Option<Vec<Listed>> = told["rooms"]
            .as_array()?
            .iter()
            .map(|room| {
                let (id, rev, read) = (room["room"].as_u64()?, room["rev"].as_u64()?, room["read"].as_u64()?);
                Some(Listed { room: id, rev, read })
            })
            .collect();
        let rooms = rooms?;
        self.see(Sight::Welcomed { epoch, position, resumed, reset, rooms: rooms.clone() });
        if let Some(lobby) = rooms.iter().find(|listed| listed.room == LOBBY) {
            self.has_read(LOBBY, lobby.read);
        }
        Some(rooms)
    }

    /// The stream starts from now: asks for what is missing of each room.
    fn begin(&mut self, told: &Value, listed: &[Listed]) -> Option<()> {
        self.store
            .view
            .rooms
            .retain(|id, room| !room.is_joined || listed.iter().any(|listed| listed.room == *id));
        self.store.view.needs.retain(|id, _| listed.iter().any(|listed| listed.room == *id));
        for (place, Listed { room: id, rev, .. }) in listed.iter().enumerate() {
            let view = &told["rooms"][place];
            let known = self.store.view.rooms.get(id).filter(|room| room.is_joined);
            let after = match (self.store.view.needs.get(id), known) {
                (Some(need), _) => Some(need.after),
                (None, Some(known)) => Some(known.rev),
                (None, None) => {
                    let wants_all = !self.store.old.is_empty() || self.random.chance(500);
                    let after = (!wants_all).then_some(*rev);
                    self.see(Sight::Begins { room: *id, after });
                    wants_all.then_some(0)
                }
            };
            if let Some(after) = after.filter(|after| after < rev) {
                self.store.view.needs.insert(*id, Need { after, through: *rev });
            }
            let room = self.store.view.rooms.entry(*id).or_default();
            room.is_joined = true;
            room.changed = room.changed.max(*rev);
            room.is_closed = view["kind"] != "public";
            room.is_host = user_is(&view["host"], self.store.user);
            if !self.store.view.needs.contains_key(id) {
                room.know_up_to(*rev);
            }
            room.seq = view["seq"].as_u64()?;
        }
        Some(())
    }

    /// Records that an entry was shown.
    pub(super) fn record(&mut self, event: &str, told: &Value, by: By) -> Option<u64> {
        let Place { epoch, position } = Place::of(&told["cursor"])?;
        let (id, rev) = (told["room"].as_u64()?, told["rev"].as_u64()?);
        let text = told["text"].as_str().filter(|_| told["deleted"] != true).map(str::to_owned);
        self.note(format_args!("sees {event} {id}/{rev} at {position} by {by:?}"));
        self.see(Sight::Entry(Shown { by, epoch, position, room: id, rev, event: event.to_owned(), text }));
        Some(position)
    }

    /// Handles an entry, from an event or from an answer.
    pub(super) fn show(&mut self, event: &str, told: &Value, by: By) -> Option<()> {
        let position = self.record(event, told, by)?;
        let (id, rev) = (told["room"].as_u64()?, told["rev"].as_u64()?);
        if event == names::MESSAGE
            && let (Some(device), Some(n)) = (told["device"].as_str(), told["n"].as_u64())
        {
            self.store.find(device, n);
        }
        let is_me = self.store.user.is_some() && user(&told["who"]) == self.store.user;
        // A page describes the past; only events say who is a member now.
        if by != By::Event {
            self.store.view.rooms.entry(id).or_default().know(rev);
            return Some(());
        }
        self.store.view.reached = self.store.view.reached.max(position);
        match event {
            names::ROOM_CREATED => {
                let members = told["members"].as_array();
                let is_in = members.map_or(user_is(&told["host"], self.store.user), |members| {
                    members.iter().any(|member| user(member) == self.store.user)
                });
                let room = self.store.view.rooms.entry(id).or_default();
                room.is_closed = told["kind"] != "public";
                room.is_host = user_is(&told["host"], self.store.user);
                if is_in {
                    room.enter(rev);
                }
            }
            names::JOINED if is_me => {
                // The entries that were missing before are for those who stayed.
                self.store.view.needs.retain(|room, need| *room != id || rev <= need.through);
                let room = self.store.view.rooms.entry(id).or_default();
                room.enter(rev);
                room.is_about(&told["about"]);
            }
            names::LEFT | names::REMOVED if is_me => {
                if event == names::REMOVED && self.asks_about(id) {
                    reached(Rare::RemovedWhileAsking);
                }
                self.leave(id, rev);
            }
            names::JOINED => {
                let who = user(&told["who"])?;
                self.store.view.rooms.entry(id).or_default().others.insert(who);
            }
            names::LEFT | names::REMOVED => {
                let who = user(&told["who"])?;
                self.store.view.rooms.entry(id).or_default().others.remove(&who);
            }
            names::NAMED if is_me => self.store.has_name = true,
            _ => {}
        }
        let room = self.store.view.rooms.entry(id).or_default();
        if room.is_joined || id <= LOBBY {
            room.know(rev);
            room.is_joined |= id == LOBBY;
            room.seq = room.seq.max(told["seq"].as_u64().unwrap_or(0));
        }
        Some(())
    }

    /// Whether another device of the same person is welcome.
    fn is_elsewhere(&self, who: u64) -> bool {
        let standings = self.world.standings.borrow();
        let mut others = standings.iter().enumerate().filter(|(place, _)| *place != self.place);
        others.any(|(_, standing)| standing.joined && standing.user == Some(who))
    }

    /// Whether a request about what is in a room is open.
    fn asks_about(&self, id: u64) -> bool {
        self.connection.awaited.values().any(|(awaited, _)| match awaited {
            Awaited::Changes { room, .. } | Awaited::Looked { room, .. } | Awaited::History { room, .. } => {
                *room == id
            }
            Awaited::Command { .. }
            | Awaited::Read { .. }
            | Awaited::Invite
            | Awaited::Link
            | Awaited::Who
            | Awaited::Idle => false,
        })
    }

    pub(super) fn leave(&mut self, id: u64, rev: u64) {
        let room = self.store.view.rooms.entry(id).or_default();
        if rev > room.changed {
            room.is_joined = false;
            room.is_host = false;
            room.changed = rev;
            self.store.view.needs.remove(&id);
        }
    }
}

fn user_is(told: &Value, user: Option<u64>) -> bool {
    let told = told.as_str().and_then(|told| u64::from_str_radix(told, 16).ok());
    told.is_some() && told == user
}
