//! Tests that decisions ask the log only for what was named by [`Log::prefetch`] before: a backend may fetch that alone.

use std::collections::HashSet;

use crate::conformance::commands_of_lives;
use crate::conformance::town::{ADA_THERE, Town};
use crate::device::Device;
use crate::entry::{Entry, UnixMillis};
use crate::epochs::Epochs;
use crate::ids::{CommandNumber, Epoch, Position, RoomId, Seq};
use crate::log::{AppendError, Log, Lookup, Placed, ReadError, Record, RoomNumbers, Standing};
use crate::memory::{MemoryDisk, MemoryLog};
use crate::pointer::ReadPointer;
use crate::signing::SigningKeys;
use crate::spent::Counted;

/// A log that remembers what was named, and whatever was asked for without.
struct Naming {
    log: MemoryLog,
    rooms: HashSet<RoomId>,
    messages: HashSet<(RoomId, Seq)>,
    unnamed: Vec<(RoomId, Option<Seq>)>,
    asked: usize,
}

impl Log for Naming {
    fn head(&self) -> Position {
        self.log.head()
    }
    fn epochs(&self) -> &Epochs {
        self.log.epochs()
    }
    fn signing_keys(&self) -> &SigningKeys {
        self.log.signing_keys()
    }
    fn rooms(&mut self) -> Result<Vec<(RoomId, RoomNumbers)>, ReadError> {
        self.log.rooms()
    }
    fn room(&mut self, room: RoomId) -> Result<RoomNumbers, ReadError> {
        self.asked += 1;
        if !self.rooms.contains(&room) {
            self.unnamed.push((room, None));
        }
        self.log.room(room)
    }
    fn last_at(&mut self) -> Result<UnixMillis, ReadError> {
        self.log.last_at()
    }
    fn find(&mut self, lookups: &[Lookup<'_>]) -> Result<Vec<Option<Placed>>, ReadError> {
        self.log.find(lookups)
    }
    fn find_by_device(&mut self, asked: &[(Device, CommandNumber)]) -> Result<Vec<Counted>, ReadError> {
        self.log.find_by_device(asked)
    }
    fn prefetch(&mut self, rooms: &[RoomId], messages: &[(RoomId, Seq)]) -> Result<(), ReadError> {
        self.rooms = rooms.iter().copied().collect();
        self.messages = messages.iter().copied().collect();
        Ok(())
    }
    fn message(&mut self, room: RoomId, seq: Seq) -> Result<Option<Standing>, ReadError> {
        self.asked += 1;
        if !self.messages.contains(&(room, seq)) {
            self.unnamed.push((room, Some(seq)));
        }
        self.log.message(room, seq)
    }
    fn directory(&mut self) -> Result<Vec<Entry>, ReadError> {
        self.log.directory()
    }
    fn pointers(&mut self) -> Result<Vec<ReadPointer>, ReadError> {
        self.log.pointers()
    }
    fn append(&mut self, batch: &[Record]) -> Result<(), AppendError> {
        self.log.append(batch)
    }
}

/// Alone and all in one batch.
#[test]
fn decisions_ask_for_nothing_that_was_not_named_before() {
    for is_alone in [true, false] {
        let log = Naming {
            log: MemoryLog::open(&MemoryDisk::default(), Epoch(1)),
            rooms: HashSet::new(),
            messages: HashSet::new(),
            unnamed: Vec::new(),
            asked: 0,
        };
        let mut town = Town::with_names(log);
        let drafts: Vec<_> =
            commands_of_lives().into_iter().map(|command| town.draft(ADA_THERE, command)).collect();
        for batch in drafts.chunks(if is_alone { 1 } else { drafts.len() }) {
            town.takes(batch);
        }
        assert_eq!(town.log.unnamed, []);
        assert!(town.log.asked > 0);
    }
}
