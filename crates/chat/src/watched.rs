//! [`Watched`]: a log in memory that tells a test what is asked of it.

use crate::device::Device;
use crate::entry::{Entry, UnixMillis};
use crate::epochs::Epochs;
use crate::ids::{CommandNumber, Position, RoomId, Seq};
use crate::log::{AppendError, Log, Lookup, Placed, ReadError, Record, RoomNumbers, Standing};
use crate::memory::MemoryLog;
use crate::pointer::ReadPointer;
use crate::signing::SigningKeys;
use crate::spent::Counted;

/// What a test does when the log is asked something.
pub(crate) trait Watch: Send {
    /// The coming batch names what it will look up.
    fn names(&mut self, _rooms: &[RoomId], _messages: &[(RoomId, Seq)]) {}
    /// The numbers of a room are looked up, or a message of it.
    fn looks_up(&mut self, _room: RoomId, _seq: Option<Seq>) {}
    /// So many records are about to be appended.
    fn appends(&mut self, _records: usize) {}
}

/// The log, and who watches it.
pub(crate) struct Watched<W> {
    pub(crate) log: MemoryLog,
    pub(crate) watch: W,
}

impl<W: Watch> Log for Watched<W> {
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
        self.watch.looks_up(room, None);
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
        self.watch.names(rooms, messages);
        self.log.prefetch(rooms, messages)
    }
    fn message(&mut self, room: RoomId, seq: Seq) -> Result<Option<Standing>, ReadError> {
        self.watch.looks_up(room, Some(seq));
        self.log.message(room, seq)
    }
    fn directory(&mut self) -> Result<Vec<Entry>, ReadError> {
        self.log.directory()
    }
    fn pointers(&mut self) -> Result<Vec<ReadPointer>, ReadError> {
        self.log.pointers()
    }
    fn append(&mut self, batch: &[Record]) -> Result<(), AppendError> {
        self.watch.appends(batch.len());
        self.log.append(batch)
    }
    fn probe(&mut self) -> Result<(), AppendError> {
        self.log.probe()
    }
}
