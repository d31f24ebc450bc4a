//! A log in memory: for the simulation, for tests, and to say what a log is without a database.
//!
//! [`MemoryDisk`] is what survives; a [`MemoryLog`] is one opening of it. The disk can be told to fail, in each of
//! the ways that the contract of [`Log`] knows. Promises what the contract promises, but for the durability.

mod devices;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::device::Device;
use crate::entry::{Author, Entry, Kind, UnixMillis};
use crate::epochs::{EpochStart, Epochs};
use crate::hash::ContentHash;
use crate::ids::{CommandNumber, Epoch, Lineage, Position, Rev, RoomId, Seq, UserId};
use crate::key::ClientKey;
use crate::log::{
    AppendError, Budget, CaughtUp, Log, LogReader, Lookup, Messages, Page, Placed, ReadError, Record,
    RollbackCause, RoomNumbers, Standing, Unread, Writers,
};
use crate::outcome::Receipt;
use crate::planted::{self, Bug};
use crate::pointer::ReadPointer;
use crate::signing::{SigningKey, SigningKeys};
use crate::spent::Counted;
use devices::Devices;

/// What the openings of a log in memory share. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk(Arc<Mutex<Contents>>);

/// How an append goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The transaction is rolled back.
    RollBack(RollbackCause),
    /// The commit takes place, but its caller is told that this is unknown.
    UnknownStored,
    /// The commit does not take place, and its caller is told that this is unknown.
    UnknownLost,
}

#[derive(Clone, Debug, Default)]
struct Contents {
    entries: Vec<Entry>,
    by_lineage: HashMap<(Lineage, ClientKey), Placed>,
    by_content: HashMap<(ClientKey, ContentHash), Placed>,
    by_device: Devices,
    rooms: HashMap<RoomId, RoomIndex>,
    /// With the commit that moved it.
    pointers: HashMap<(UserId, RoomId), (Seq, u64)>,
    epochs: Vec<EpochStart>,
    faults: VecDeque<Fault>,
    commits: u64,
}

#[derive(Clone, Debug, Default)]
struct RoomIndex {
    numbers: RoomNumbers,
    /// The positions of its messages, in order.
    messages: Vec<(Seq, Position)>,
    /// The positions of all its entries, in order.
    all: Vec<Position>,
}

impl MemoryDisk {
    /// Makes the next append that has no fault yet fail in this way.
    pub fn inject(&self, fault: Fault) {
        self.lock().faults.push_back(fault);
    }

    /// A reader of what is on it, open or not.
    pub fn reader(&self) -> MemoryReader {
        MemoryReader(self.clone())
    }

    /// How many batches were committed.
    pub fn commits(&self) -> u64 {
        self.lock().commits
    }

    /// Another disk with the same on it: a backup, for as long as this one goes on.
    pub fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.lock().clone())))
    }

    /// Takes back everything after `head`, as restoring an older copy does. Must not be done under an open log.
    /// What was rewritten stays so, and pointers stay where they are.
    pub fn truncate(&self, head: Position) {
        let mut contents = self.lock();
        contents.entries.retain(|entry| entry.position <= head);
        contents.by_lineage.retain(|_, placed| placed.receipt.position <= head);
        contents.by_content.retain(|_, placed| placed.receipt.position <= head);
        contents.by_device.take_back(head);
        let mut rooms: HashMap<RoomId, RoomIndex> = HashMap::new();
        for entry in &contents.entries {
            rooms.entry(entry.room).or_default().take(entry);
        }
        contents.rooms = rooms;
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RoomIndex {
    fn take(&mut self, entry: &Entry) {
        self.numbers = RoomNumbers { seq: entry.seq, rev: entry.rev };
        if entry.kind.is_message() {
            self.messages.push((entry.seq, entry.position));
        }
        self.all.push(entry.position);
    }
}

impl Contents {
    fn entry(&self, position: Position) -> Option<&Entry> {
        self.entries.get(index(position)?)
    }

    fn entry_mut(&mut self, position: Position) -> Option<&mut Entry> {
        self.entries.get_mut(index(position)?)
    }

    /// The messages of a room above `after`, in order.
    fn messages(&self, room: RoomId, after: Seq) -> impl DoubleEndedIterator<Item = &Entry> {
        let messages = self.rooms.get(&room).map_or(&[][..], |room| &room.messages);
        let from = messages.partition_point(|(seq, _)| *seq <= after);
        messages[from..].iter().filter_map(|(_, position)| self.entry(*position))
    }

    fn head(&self) -> Position {
        self.entries.last().map_or(Position::ZERO, |entry| entry.position)
    }

    fn pointers_since(&self, commit: u64) -> Vec<ReadPointer> {
        let moved = self.pointers.iter().filter(|(_, (_, at))| *at > commit);
        moved.map(|((user, room), (seq, _))| ReadPointer { user: *user, room: *room, seq: *seq }).collect()
    }

    fn seen(&self) -> Seen {
        Seen { head: self.head(), commits: self.commits }
    }

    fn epochs(&self) -> Epochs {
        let mut past = self.epochs.clone();
        let never_opened = EpochStart { epoch: Epoch(0), start: Position::ZERO };
        let current = past.pop().unwrap_or(never_opened);
        Epochs::new(past, current)
    }

    fn store(&mut self, batch: &[Record]) {
        for record in batch {
            match record {
                Record::Entry { entry, key, content } => self.store_entry(entry, key.as_ref(), *content),
                Record::Spent(spent) => self.by_device.spend(spent, self.head()),
                Record::Rewrite(entry) => {
                    let stored = self.entry_mut(entry.position).expect("only what is stored is rewritten");
                    stored.kind = entry.kind.clone();
                }
                Record::Read(ReadPointer { user, room, seq }) => {
                    let commit = self.commits + 1;
                    let (known, at) = self.pointers.entry((*user, *room)).or_default();
                    (*known, *at) = ((*known).max(*seq), commit);
                }
            }
        }
        self.commits += 1;
    }

    fn store_entry(&mut self, entry: &Entry, key: Option<&ClientKey>, content: ContentHash) {
        assert_eq!(entry.position, self.head().next(), "the caller numbers without a gap");
        let receipt = Receipt::of(entry);
        let placed = Placed { receipt, content };
        if let Some(key) = key {
            if let Some(Author::Lineage(lineage)) = entry.author {
                self.by_lineage.insert((lineage, key.clone()), placed);
            }
            self.by_content.entry((key.clone(), content)).or_insert(placed);
        }
        self.rooms.entry(entry.room).or_default().take(entry);
        self.entries.push(entry.clone());
        if let Some(Author::Device { device, n }) = entry.author {
            self.by_device.store(device, n, receipt, content);
        }
    }
}

/// The writer of a log in memory.
#[derive(Debug)]
pub struct MemoryLog {
    disk: MemoryDisk,
    epochs: Epochs,
    keys: SigningKeys,
    writers: Writers,
    seen: Seen,
}

/// How far a writer knows the log.
#[derive(Clone, Copy, Debug)]
struct Seen {
    head: Position,
    commits: u64,
}

impl MemoryLog {
    /// Opens what is on `disk` and begins `epoch`, which should be one that it never had.
    pub fn open(disk: &MemoryDisk, epoch: Epoch) -> Self {
        let mut contents = disk.lock();
        if planted::is(Bug::ForgetsRunsAtStart) {
            contents.by_device.forget_runs();
        }
        let current = EpochStart { epoch, start: contents.head() };
        contents.epochs.push(current);
        Self::of(disk, &contents, Writers::One)
    }

    /// The same for the first of several writers.
    pub fn open_shared(disk: &MemoryDisk, epoch: Epoch) -> Self {
        Self { writers: Writers::Several, ..Self::open(disk, epoch) }
    }

    /// Another writer of what was opened by [`open_shared`](Self::open_shared), in the epoch that lasts.
    pub fn join(disk: &MemoryDisk) -> Self {
        Self::of(disk, &disk.lock(), Writers::Several)
    }

    fn of(disk: &MemoryDisk, contents: &Contents, writers: Writers) -> Self {
        // Nothing in a log in memory is a secret.
        let keys = SigningKeys { current: SigningKey([7; 32]), retired: Vec::new(), revoked: None };
        Self { disk: disk.clone(), epochs: contents.epochs(), keys, writers, seen: contents.seen() }
    }

    /// A reader of the same log.
    pub fn reader(&self) -> MemoryReader {
        MemoryReader(self.disk.clone())
    }
}

impl Log for MemoryLog {
    fn writers(&self) -> Writers {
        self.writers
    }

    fn catch_up(&mut self) -> Result<CaughtUp, ReadError> {
        let contents = self.disk.lock();
        let pointers = contents.pointers_since(self.seen.commits);
        self.seen = contents.seen();
        Ok(CaughtUp { head: self.seen.head, pointers })
    }

    fn head(&self) -> Position {
        self.seen.head
    }

    fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    fn signing_keys(&self) -> &SigningKeys {
        &self.keys
    }

    fn room(&mut self, room: RoomId) -> Result<RoomNumbers, ReadError> {
        Ok(self.disk.lock().rooms.get(&room).map(|room| room.numbers).unwrap_or_default())
    }

    fn rooms(&mut self) -> Result<Vec<(RoomId, RoomNumbers)>, ReadError> {
        Ok(self.disk.lock().rooms.iter().map(|(id, room)| (*id, room.numbers)).collect())
    }

    fn last_at(&mut self) -> Result<UnixMillis, ReadError> {
        Ok(self.disk.lock().entries.last().map(|entry| entry.at).unwrap_or_default())
    }

    fn find(&mut self, lookups: &[Lookup<'_>]) -> Result<Vec<Option<Placed>>, ReadError> {
        let contents = self.disk.lock();
        let find = |lookup: &Lookup<'_>| match *lookup {
            Lookup::InLineage { lineage, key } => contents.by_lineage.get(&(lineage, key.clone())).copied(),
            Lookup::ByContent { key, content } => contents.by_content.get(&(key.clone(), content)).copied(),
        };
        Ok(lookups.iter().map(find).collect())
    }

    fn find_by_device(&mut self, asked: &[(Device, CommandNumber)]) -> Result<Vec<Counted>, ReadError> {
        let contents = self.disk.lock();
        Ok(asked.iter().map(|(device, n)| contents.by_device.find(*device, *n)).collect())
    }

    fn message(&mut self, room: RoomId, seq: Seq) -> Result<Option<Standing>, ReadError> {
        let contents = self.disk.lock();
        let Some(message) = contents.messages(room, Seq(seq.0.saturating_sub(1))).next() else {
            return Ok(None);
        };
        let is_edit = |entry: &&Entry| {
            entry.room == room && matches!(&entry.kind, Kind::Edited { seq: of, text: Some(_) } if *of == seq)
        };
        let edit = contents.entries.iter().rev().find(is_edit).cloned();
        Ok((message.seq == seq).then(|| Standing { message: message.clone(), edit }))
    }

    fn directory(&mut self) -> Result<Vec<Entry>, ReadError> {
        let contents = self.disk.lock();
        Ok(contents.entries.iter().filter(|entry| entry.kind.is_of_directory()).cloned().collect())
    }

    fn pointers(&mut self) -> Result<Vec<ReadPointer>, ReadError> {
        Ok(self.disk.lock().pointers_since(0))
    }

    fn append(&mut self, batch: &[Record]) -> Result<(), AppendError> {
        let mut contents = self.disk.lock();
        let fault = contents.faults.pop_front();
        let is_alone = self.writers == Writers::One;
        if !is_alone && contents.commits != self.seen.commits {
            return Err(AppendError::Overtaken);
        }
        if !is_alone && batch.is_empty() {
            return Ok(());
        }
        match fault {
            None => {
                contents.store(batch);
                self.seen = contents.seen();
                Ok(())
            }
            Some(Fault::RollBack(cause)) => {
                Err(AppendError::RolledBack { cause, detail: "the test asked for it".into() })
            }
            Some(Fault::UnknownStored) => {
                contents.store(batch);
                Err(AppendError::Unknown { detail: "the test asked for it".into() })
            }
            Some(Fault::UnknownLost) => Err(AppendError::Unknown { detail: "the test asked for it".into() }),
        }
    }

    fn probe(&mut self) -> Result<(), AppendError> {
        match self.disk.lock().faults.pop_front() {
            Some(Fault::RollBack(cause)) => {
                Err(AppendError::RolledBack { cause, detail: "the test asked for it".into() })
            }
            Some(Fault::UnknownStored | Fault::UnknownLost) => {
                Err(AppendError::Unknown { detail: "the test asked for it".into() })
            }
            None => Ok(()),
        }
    }
}

/// A reader of a log in memory. Clones read the same.
#[derive(Clone, Debug)]
pub struct MemoryReader(MemoryDisk);

impl LogReader for MemoryReader {
    fn head(&self) -> Position {
        self.0.lock().head()
    }

    fn epochs(&self) -> Result<Epochs, ReadError> {
        Ok(self.0.lock().epochs())
    }

    fn read(&self, after: Position, through: Position, budget: Budget) -> Result<Vec<Entry>, ReadError> {
        let contents = self.0.lock();
        let skipped = usize::try_from(after.0).unwrap_or(usize::MAX);
        let entries = contents.entries.iter().skip(skipped).take_while(|entry| entry.position <= through);
        Ok(budget.take(entries))
    }

    fn locate(&self, room: RoomId, seq: Seq) -> Result<Position, ReadError> {
        let contents = self.0.lock();
        let Some(room) = contents.rooms.get(&room) else { return Ok(Position::ZERO) };
        let seen = room.messages.partition_point(|(number, _)| *number <= seq);
        Ok(seen
            .checked_sub(1)
            .and_then(|last| room.messages.get(last))
            .map_or(Position::ZERO, |found| found.1))
    }

    fn messages(&self, room: RoomId, page: Page, after: Seq, limit: usize) -> Result<Messages, ReadError> {
        let contents = self.0.lock();
        let all: Vec<_> = contents.messages(room, after).collect();
        let below = |seq: Seq| all.partition_point(|entry| entry.seq < seq);
        let (first, last) = match page {
            Page::Newest => (all.len().saturating_sub(limit), all.len()),
            Page::Before(seq) => (below(seq).saturating_sub(limit), below(seq)),
            Page::After(seq) => {
                let first = all.partition_point(|entry| entry.seq <= seq);
                (first, (first + limit).min(all.len()))
            }
            Page::Around(seq) => {
                let (before, from) = Page::halves(limit);
                (below(seq).saturating_sub(before), (below(seq) + from).min(all.len()))
            }
        };
        let entries = all[first..last].iter().copied().cloned().collect();
        Ok(Messages { entries, is_first: first == 0, is_last: last == all.len() })
    }

    fn changes(&self, room: RoomId, after: Rev, budget: Budget) -> Result<Vec<Entry>, ReadError> {
        let contents = self.0.lock();
        let all = contents.rooms.get(&room).map_or(&[][..], |room| &room.all);
        let entries = all.iter().filter_map(|position| contents.entry(*position));
        let skipped = usize::try_from(after.0).unwrap_or(usize::MAX);
        Ok(budget.take(entries.skip(skipped)))
    }

    fn versions(&self, room: RoomId, seq: Seq) -> Result<Vec<Entry>, ReadError> {
        let contents = self.0.lock();
        let all = contents.rooms.get(&room).map_or(&[][..], |room| &room.all);
        let entries = all.iter().filter_map(|position| contents.entry(*position));
        let is_version = |entry: &&Entry| match &entry.kind {
            Kind::Message { .. } => entry.seq == seq,
            Kind::Edited { seq: of, .. } => *of == seq,
            _ => false,
        };
        Ok(entries.filter(is_version).cloned().collect())
    }

    fn unread(&self, room: RoomId, after: Seq, reader: UserId, max: u32) -> Result<Unread, ReadError> {
        let contents = self.0.lock();
        let mut messages = contents.messages(room, after);
        let mut unread = Unread { through: after, ..Unread::default() };
        for message in messages.by_ref().take(Unread::LOOKS_MAX) {
            unread.look_at(message, reader);
            if unread.count >= max {
                break;
            }
        }
        unread.is_capped = messages.next().is_some();
        Ok(unread)
    }
}

fn index(position: Position) -> Option<usize> {
    usize::try_from(position.0).ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{
        Bench, SharedBench, agrees_with_the_list, agrees_with_the_model, history, people_live,
    };

    #[derive(Default)]
    struct InMemory {
        disk: MemoryDisk,
        openings: u64,
    }

    impl Bench for InMemory {
        type Log = MemoryLog;
        type Reader = MemoryReader;

        fn open(&mut self) -> (MemoryLog, MemoryReader) {
            self.openings += 1;
            let log = MemoryLog::open(&self.disk, Epoch(self.openings));
            let reader = log.reader();
            (log, reader)
        }
    }

    crate::log_conformance!(InMemory::default());

    /// The same disk, opened for several. Its readers are shared, and must read what the reader inside reads.
    #[derive(Default)]
    struct Shared(InMemory);

    impl Bench for Shared {
        type Log = MemoryLog;
        type Reader = Arc<MemoryReader>;

        fn open(&mut self) -> (MemoryLog, Arc<MemoryReader>) {
            self.0.openings += 1;
            let log = MemoryLog::open_shared(&self.0.disk, Epoch(self.0.openings));
            let reader = Arc::new(log.reader());
            (log, reader)
        }
    }

    impl SharedBench for Shared {
        fn join(&mut self) -> (MemoryLog, Arc<MemoryReader>) {
            let log = MemoryLog::join(&self.0.disk);
            let reader = Arc::new(log.reader());
            (log, reader)
        }
    }

    mod shared {
        crate::log_conformance!(super::Shared::default());
        crate::shared_log_conformance!(super::Shared::default());
    }

    proptest::proptest! {
        #[test]
        fn any_history_agrees_with_the_model(numbers in proptest::collection::vec(proptest::num::u32::ANY, 0..200)) {
            agrees_with_the_model(&mut InMemory::default(), &history(&numbers));
        }

        #[test]
        fn any_life_leaves_what_it_should(numbers in proptest::collection::vec(proptest::num::u32::ANY, 0..200)) {
            people_live(&mut InMemory::default(), &numbers);
        }
    }

    #[test]
    fn a_chat_in_memory_is_what_the_naive_list_says() {
        let never_reached = agrees_with_the_list(InMemory::default, 0..48);
        assert!(never_reached.is_empty(), "never reached: {never_reached:#?}");
    }

    /// Other histories each day. The message of a failure has the seed.
    #[test]
    fn a_chat_in_memory_is_what_the_naive_list_says_today_too() {
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let today = since.as_secs() / 86_400 * 100;
        agrees_with_the_list(InMemory::default, today..today + 4);
    }

    #[test]
    fn a_log_that_was_taken_back_does_not_admit_what_it_lost() {
        let mut bench = InMemory::default();
        let (mut log, _) = bench.open();
        crate::conformance::append_messages(&mut log, 9);
        let before = log.epochs().current().epoch;
        bench.disk.truncate(Position(4));
        let (mut log, _) = bench.open();
        crate::conformance::append_messages(&mut log, 9);
        assert!(log.epochs().admit(before, Position(4), log.head()));
        assert!(!log.epochs().admit(before, Position(5), log.head()));
    }
}
