//! [`Rooms`]: who is where, and how much has been said there.

use std::collections::HashMap;

use crate::{Peer, push_frame};

#[derive(Default)]
struct Room {
    members: Vec<usize>,
    said: u64,
}

#[derive(Default)]
pub(crate) struct Rooms {
    rooms: HashMap<String, Room>,
    /// Those who have something to hear in this turn.
    touched: Vec<usize>,
}

impl Rooms {
    pub(crate) fn enter(&mut self, peers: &mut [Option<Peer>], index: usize, ack: &str, room: String) {
        self.rooms.entry(room).or_default().members.push(index);
        self.hear(peers, index, &acknowledgement(ack));
    }

    pub(crate) fn say(
        &mut self,
        peers: &mut [Option<Peer>],
        index: usize,
        ack: &str,
        room: &str,
        text: &str,
    ) {
        let Some(room) = self.rooms.get_mut(room) else { return };
        room.said += 1;
        let mut frame = Vec::new();
        push_frame(&mut frame, &format!("42[\"room message\",\"{text}\",{}]", room.said));
        for member in room.members.clone() {
            self.hear(peers, member, &frame);
        }
        self.hear(peers, index, &acknowledgement(ack));
    }

    pub(crate) fn leave(&mut self, index: usize) {
        self.rooms.values_mut().for_each(|room| room.members.retain(|member| *member != index));
    }

    fn hear(&mut self, peers: &mut [Option<Peer>], index: usize, frame: &[u8]) {
        let Some(peer) = peers.get_mut(index).and_then(Option::as_mut) else { return };
        if peer.heard.is_empty() {
            self.touched.push(index);
        }
        peer.heard.extend_from_slice(frame);
    }

    /// One write for each who has something to hear.
    pub(crate) fn tell(&mut self, peers: &mut [Option<Peer>]) {
        for index in self.touched.drain(..) {
            if let Some(peer) = peers.get_mut(index).and_then(Option::as_mut) {
                let heard = std::mem::take(&mut peer.heard);
                // A broken connection is found by its next event.
                let _ = peer.write(&heard);
            }
        }
    }
}

fn acknowledgement(ack: &str) -> Vec<u8> {
    let mut frame = Vec::new();
    push_frame(&mut frame, &format!("43{ack}[]"));
    frame
}
