//! The audit of a worker: counts again what the parts count as they go, and compares both.
//!
//! Only for tests and the simulation, where it runs after the turns of every worker. What it finds is a fault of ours: it
//! panics. Counts that come from the sessions alone are zero when the sessions are gone, so the same comparison shows
//! that nothing is left of them.

use std::collections::{BTreeMap, HashMap, HashSet};

use socketio::{Connection, SocketId};

use super::Worker;
use super::local_namespace::{Joined, LocalNamespace};
use super::namespaces::Namespaces;
use super::session::Session;
use super::sessions::Sessions;
use crate::feed::FeedPosition;
use crate::room::Room;

/// So many things are counted in a turn, on the average: an audit of more is followed by turns without one.
const THINGS_PER_TURN: usize = 4;

/// When the next audit is due.
#[derive(Debug, Default)]
pub(super) struct AuditClock {
    turns_left: usize,
}

impl Worker {
    /// Audits the worker, unless it has much and was audited a moment ago.
    pub(super) fn audit_in_time(&mut self) {
        match self.audits.turns_left.checked_sub(1) {
            Some(left) => self.audits.turns_left = left,
            None => self.audits.turns_left = self.audit() / THINGS_PER_TURN,
        }
    }

    /// Compares all that is counted with a fresh count. Returns how many things that were.
    pub(super) fn audit(&self) -> usize {
        let mut things = self.sessions.audit();
        things += audit_namespaces(&self.namespaces, &self.sessions, self.shared.config.pending_acks_max);
        things += self.tombstones.audit();
        let (own, all) = (self.sessions.len(), self.shared.reach.connections());
        let is_alone = self.shared.reach.mailboxes.len() == 1;
        assert!(own == all || (own < all && !is_alone), "{own} sessions here, {all} connections in all");
        self.audit_who_waits();
        things
    }

    /// No connection has more packets handled in a turn than it may.
    pub(super) fn audit_packets(&self, handled: usize) {
        let packets_max = self.shared.config.pacing.turn_packets();
        assert!(handled <= packets_max, "{handled} packets of one connection in a turn");
    }

    /// Whoever waits for a feed is found when it grows.
    fn audit_who_waits(&self) {
        let listed: HashSet<_> = self.waiting.iter().cloned().collect();
        for (key, session) in self.sessions.iter() {
            for namespace in session.newcomers.who_wait() {
                assert!(
                    listed.contains(&(key, namespace.clone())),
                    "{key:?} waits for {namespace:?} unnoticed"
                );
            }
        }
    }
}

/// What the sockets of the sessions say about one namespace.
#[derive(Default)]
struct Recount<'a> {
    members: BTreeMap<u32, u32>,
    ids: HashMap<SocketId, Vec<u32>>,
    rooms: HashMap<&'a Room, BTreeMap<u32, FeedPosition>>,
}

fn audit_namespaces(namespaces: &Namespaces, sessions: &Sessions, acks_max: usize) -> usize {
    let mut recounts: BTreeMap<u32, Recount<'_>> = BTreeMap::new();
    let mut things = 0;
    for (key, session) in sessions.iter() {
        for (_, name, joined) in session.connection().into_iter().flat_map(Connection::slots) {
            let local =
                namespaces.get(joined.namespace as usize).expect("a socket is in a namespace that is there");
            assert_eq!(local.name, *name, "a socket has the index of its namespace");
            assert!(joined.acks.len() <= acks_max, "{} pending acks", joined.acks.len());
            assert!(
                joined.cursor.seen(local.applied) <= local.applied,
                "a socket has seen what is still to come"
            );
            let recount = recounts.entry(joined.namespace).or_default();
            recount.add(key.slot, joined);
            things += 1 + joined.rooms.len();
        }
    }
    for (index, local) in namespaces.iter() {
        let index = u32::try_from(index).expect("fewer than 2^32 namespaces");
        recounts.remove(&index).unwrap_or_default().compare(local);
        if let Some(feed) = local.feed() {
            things += feed.ring().audit() + feed.parked().audit();
        }
    }
    things
}

impl<'a> Recount<'a> {
    fn add(&mut self, slot: u32, joined: &'a Joined) {
        assert_eq!(self.members.insert(slot, joined.member), None, "a session joins a namespace once");
        self.ids.entry(joined.id).or_default().push(slot);
        for (room, after) in joined.rooms.iter() {
            let before = self.rooms.entry(room).or_default().insert(slot, after);
            assert_eq!(before, None, "a socket is in {room:?} twice");
        }
    }

    fn compare(self, local: &LocalNamespace) {
        let name = &local.name;
        assert_eq!(local.members.len(), self.members.len(), "members of {name:?}");
        for (slot, member) in &self.members {
            assert_eq!(local.members.get(*member as usize), Some(slot), "the place of a member of {name:?}");
        }
        assert_eq!(local.ids().len(), self.ids.len(), "ids in {name:?}");
        for (id, slot) in local.ids() {
            assert!(
                self.ids.get(id).is_some_and(|slots| slots.contains(slot)),
                "{id} in {name:?} is somebody else"
            );
        }
        assert_eq!(local.rooms().len(), self.rooms.len(), "rooms of {name:?}");
        for (room, members) in local.rooms() {
            let listed: BTreeMap<u32, FeedPosition> =
                members.iter().map(|member| (member.slot, member.after)).collect();
            assert_eq!(listed.len(), members.len(), "{room:?} in {name:?} has somebody twice");
            assert_eq!(Some(&listed), self.rooms.get(room), "{room:?} in {name:?}");
        }
        if let Some(feed) = local.feed() {
            assert!(local.applied <= feed.head(), "{name:?} is ahead of its feed");
        }
    }
}

impl Sessions {
    /// Compares the lists of sessions with the sessions.
    fn audit(&self) -> usize {
        let (mut touched, mut paused) = (0, 0);
        for (key, session) in self.iter() {
            session.audit();
            if session.touched {
                assert_eq!(count(self.touched(), &key), 1, "{key:?} is written once");
                touched += 1;
            }
            if session.is_paused() {
                assert_eq!(count(self.paused(), &key), 1, "{key:?} is paused once");
                paused += 1;
            }
            assert!(self.wakes_for(session), "{key:?} has a deadline that nobody watches");
            if let Some(index) = self.known_as_clear(key.slot) {
                assert!(session.attached_socket(index).is_some(), "{key:?} was changed unnoticed");
            }
        }
        assert_eq!(self.paused().len(), paused, "only paused sessions are in the list");
        // A session that has ended since may still be in this one.
        let live = self.touched().iter().filter(|key| self.get(**key).is_some()).count();
        assert_eq!(live, touched, "only touched sessions are in the list");
        self.len()
    }
}

impl Session {
    fn audit(&self) {
        self.outbound.audit();
        if !self.touched {
            assert_eq!(self.counted_output, self.outbound.held(), "what waits for a slow client is counted");
        }
        if let Some(post) = &self.post {
            assert!(post.is_queued || self.is_paused(), "a POST is held back for nothing");
        }
    }
}

fn count<T: PartialEq>(all: &[T], one: &T) -> usize {
    all.iter().filter(|other| *other == one).count()
}
