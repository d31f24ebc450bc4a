//! [`ParkedSockets`]: rooms and data of sockets that left a feed without history, for those that come back.
//!
//! A feed over a log does not need it: there rooms come from the membership. Bounded in number and time.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use socketio::SocketId;

use crate::room::Room;
use crate::socket::SocketData;

/// Sockets kept at most; beyond that the one that left first is forgotten.
const PARKED_MAX: usize = 10_000;

/// What a socket had when it left.
#[derive(Debug, Default)]
pub(crate) struct Parked {
    /// Its rooms, each with the position it was joined at.
    pub(crate) rooms: Vec<(Room, u64)>,
    pub(crate) data: SocketData,
}

#[derive(Debug)]
pub(crate) struct ParkedSockets {
    sockets: HashMap<SocketId, (Instant, Parked)>,
    order: VecDeque<(Instant, SocketId)>,
    kept: Duration,
}

impl ParkedSockets {
    pub(crate) fn new(kept: Duration) -> Self {
        Self { sockets: HashMap::new(), order: VecDeque::new(), kept }
    }

    pub(crate) fn park(&mut self, id: SocketId, parked: Parked, now: Instant) {
        while let Some((since, oldest)) = self.order.front().copied() {
            let expired = now.saturating_duration_since(since) >= self.kept;
            if !expired && self.order.len() < PARKED_MAX {
                break;
            }
            self.order.pop_front();
            if self.sockets.get(&oldest).is_some_and(|(at, _)| *at == since) {
                self.sockets.remove(&oldest);
            }
        }
        self.order.push_back((now, id));
        self.sockets.insert(id, (now, parked));
    }

    pub(crate) fn take(&mut self, id: &SocketId, now: Instant) -> Option<Parked> {
        let (since, parked) = self.sockets.remove(id)?;
        (now.saturating_duration_since(since) < self.kept).then_some(parked)
    }
}
