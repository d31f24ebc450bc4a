//! Tests that decisions ask the log only for what was named by [`Log::prefetch`](crate::Log::prefetch) before: a backend may
//! fetch that alone.

use std::collections::HashSet;

use crate::conformance::commands_of_lives;
use crate::conformance::town::{ADA_THERE, Town};
use crate::ids::{Epoch, RoomId, Seq};
use crate::memory::{MemoryDisk, MemoryLog};
use crate::watched::{Watch, Watched};

/// What was named, and whatever was asked for without.
#[derive(Default)]
struct Names {
    rooms: HashSet<RoomId>,
    messages: HashSet<(RoomId, Seq)>,
    unnamed: Vec<(RoomId, Option<Seq>)>,
    asked: usize,
}

impl Watch for Names {
    fn names(&mut self, rooms: &[RoomId], messages: &[(RoomId, Seq)]) {
        self.rooms = rooms.iter().copied().collect();
        self.messages = messages.iter().copied().collect();
    }

    fn looks_up(&mut self, room: RoomId, seq: Option<Seq>) {
        self.asked += 1;
        let is_named = match seq {
            Some(seq) => self.messages.contains(&(room, seq)),
            None => self.rooms.contains(&room),
        };
        if !is_named {
            self.unnamed.push((room, seq));
        }
    }
}

/// Alone and all in one batch.
#[test]
fn decisions_ask_for_nothing_that_was_not_named_before() {
    for is_alone in [true, false] {
        let log = MemoryLog::open(&MemoryDisk::default(), Epoch(1));
        let mut town = Town::with_names(Watched { log, watch: Names::default() });
        let drafts: Vec<_> =
            commands_of_lives().into_iter().map(|command| town.draft(ADA_THERE, command)).collect();
        for batch in drafts.chunks(if is_alone { 1 } else { drafts.len() }) {
            town.takes(batch);
        }
        assert_eq!(town.log.watch.unnamed, []);
        assert!(town.log.watch.asked > 0);
    }
}
