//! [`ParkedSockets`]: rooms and data of sockets that left a feed without history, for their return.
//!
//! A feed over a log does not need it: the membership gives the rooms. Bounded in number and time.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use socketio::SocketId;

use super::FeedPosition;
use crate::room::Room;
use crate::socket_data::SocketData;

/// The most sockets that are kept; beyond that, the one that left first is forgotten. A socket that returned no longer
/// counts, however often it comes and goes.
const PARKED_MAX: usize = 10_000;

/// What a socket had when it left.
#[derive(Debug, Default)]
pub(crate) struct Parked {
    /// Its rooms, each with the position at which it joined.
    pub(crate) rooms: Vec<(Room, FeedPosition)>,
    pub(crate) data: SocketData,
}

#[derive(Debug)]
pub(crate) struct ParkedSockets {
    sockets: HashMap<SocketId, ParkedSocket>,
    /// The same sockets in the order in which they left.
    order: BTreeMap<u64, SocketId>,
    last: u64,
    kept: Duration,
}

#[derive(Debug)]
struct ParkedSocket {
    serial: u64,
    since: Instant,
    parked: Parked,
}

impl ParkedSockets {
    pub(crate) fn new(kept: Duration) -> Self {
        Self { sockets: HashMap::new(), order: BTreeMap::new(), last: 0, kept }
    }

    pub(crate) fn park(&mut self, id: SocketId, parked: Parked, now: Instant) {
        self.remove(&id);
        while let Some(oldest) = self.order.first_key_value().map(|(_, id)| *id) {
            let is_fresh = self.sockets.get(&oldest).is_some_and(|socket| self.is_fresh(socket, now));
            if is_fresh && self.sockets.len() < PARKED_MAX {
                break;
            }
            self.remove(&oldest);
        }
        self.last += 1;
        self.order.insert(self.last, id);
        self.sockets.insert(id, ParkedSocket { serial: self.last, since: now, parked });
    }

    pub(crate) fn take(&mut self, id: &SocketId, now: Instant) -> Option<Parked> {
        let socket = self.remove(id)?;
        self.is_fresh(&socket, now).then_some(socket.parked)
    }

    /// Compares the two lists of sockets.
    #[cfg(any(test, feature = "simulation"))]
    pub(crate) fn audit(&self) -> usize {
        assert_eq!(self.order.len(), self.sockets.len(), "parked sockets");
        assert!(self.sockets.len() <= PARKED_MAX, "{} parked sockets", self.sockets.len());
        for (serial, id) in &self.order {
            assert_eq!(self.sockets.get(id).map(|socket| socket.serial), Some(*serial), "the order of {id}");
        }
        self.sockets.len()
    }

    fn is_fresh(&self, socket: &ParkedSocket, now: Instant) -> bool {
        now.saturating_duration_since(socket.since) < self.kept
    }

    fn remove(&mut self, id: &SocketId) -> Option<ParkedSocket> {
        let socket = self.sockets.remove(id)?;
        self.order.remove(&socket.serial);
        Some(socket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> SocketId {
        let mut bytes = [0; 15];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        SocketId::from_bytes(bytes)
    }

    #[test]
    fn a_socket_that_comes_and_goes_pushes_out_no_other() {
        let (mut parked, now) = (ParkedSockets::new(Duration::from_mins(2)), Instant::now());
        parked.park(id(1), Parked::default(), now);
        for _ in 0..2 * PARKED_MAX {
            parked.park(id(2), Parked::default(), now);
            assert!(parked.take(&id(2), now).is_some());
        }
        parked.park(id(2), Parked::default(), now);
        parked.park(id(2), Parked::default(), now);
        assert_eq!((parked.sockets.len(), parked.order.len()), (2, 2));
        assert!(parked.take(&id(1), now).is_some());
    }

    #[test]
    fn at_the_bound_the_socket_that_left_first_is_forgotten() {
        let (mut parked, now) = (ParkedSockets::new(Duration::from_mins(2)), Instant::now());
        for number in 0..=PARKED_MAX as u64 {
            parked.park(id(number), Parked::default(), now);
        }
        assert_eq!((parked.sockets.len(), parked.order.len()), (PARKED_MAX, PARKED_MAX));
        assert!(parked.take(&id(0), now).is_none());
        assert!(parked.take(&id(1), now).is_some());
    }

    #[test]
    fn a_parked_socket_is_kept_for_its_time() {
        let (mut parked, now) = (ParkedSockets::new(Duration::from_mins(2)), Instant::now());
        parked.park(id(1), Parked::default(), now);
        parked.park(id(2), Parked::default(), now);
        assert!(parked.take(&id(1), now + Duration::from_secs(119)).is_some());
        assert!(parked.take(&id(2), now + Duration::from_mins(2)).is_none());
    }
}
