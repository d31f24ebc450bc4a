//! [`HostileLog`]: the log in memory, on a disk that fails in every way that the contract of a log allows.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use chat::{
    AppendError, Budget, CaughtUp, CommandNumber, ContentHash, Counted, Device, Entry, Epochs, Fault, Kind,
    Log, LogReader as _, Lookup, MemoryDisk, MemoryLog, MemoryReader, Placed, Position, ReadError,
    ReadPointer, Record, RollbackCause, RoomId, RoomNumbers, Seq, SigningKeys, Standing, Writers,
};
use tidings::disk::DiskSpace;
use tidings::node::Feeds;
use tokio::time::Instant;

use crate::full::{Spell, Want};
use crate::ledger::Ledger;
use crate::meanwhile;
use crate::news::News;
use crate::node_number::NodeNumber;
use crate::planted::{self, Planted};
use crate::publisher::publish_early;
use crate::random::Random;
use crate::rare::{Rare, reached};
use crate::rates::Rates;
use crate::record::{LOBBY, Stored, What};

/// A log with this planted bug knows the keys of this many entries only.
const KEYS_KEPT: u64 = 3;

/// The disk of one world, with the probabilities of its faults. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct HostileDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    memory: MemoryDisk,
    ledger: Ledger,
    start: Instant,
    /// What remains after a power cut: everything that was appended, unless a bug is planted.
    durable: u64,
    rolls_back: u64,
    unknown: u64,
    lookups_fail: u64,
    later_kinds: u64,
    full: Vec<Spell>,
    stalls: u64,
    pages_fail: u64,
    latency: Duration,
    page_delay: Duration,
    random: Random,
    news: News,
    overtaken: u64,
}

impl HostileDisk {
    pub(crate) fn new(memory: MemoryDisk, rates: &Rates, random: Random) -> Self {
        let everything = Budget { entries: usize::MAX, bytes: usize::MAX };
        let entries = memory.reader().read(Position::ZERO, Position::MAX, everything).unwrap_or_default();
        Self(Arc::new(Mutex::new(State {
            memory,
            ledger: Ledger::of(&entries),
            start: Instant::now(),
            durable: rates.old_messages,
            rolls_back: rates.rolls_back,
            unknown: rates.unknown,
            lookups_fail: rates.lookups_fail,
            later_kinds: rates.later_kinds,
            full: rates.full.clone(),
            stalls: rates.disk_stalls,
            pages_fail: rates.history_fails,
            latency: rates.disk_latency,
            page_delay: rates.history_delay,
            random,
            news: News::new(&rates.nodes),
            overtaken: 0,
        })))
    }

    /// From now on the disk works.
    pub(crate) fn heal(&self) {
        let mut state = self.lock();
        (state.rolls_back, state.unknown, state.lookups_fail, state.later_kinds) = (0, 0, 0, 0);
        (state.stalls, state.pages_fail) = (0, 0);
        state.full.clear();
        state.news.heal();
        (state.latency, state.page_delay) = (Duration::from_millis(1), Duration::from_millis(1));
    }

    /// What a look at the disk finds.
    pub(crate) fn space(&self) -> DiskSpace {
        Want::space(self.lock().wants())
    }

    /// How long the disk needs for one batch.
    pub(crate) fn busy(&self) -> Duration {
        let mut state = self.lock();
        let (stalls, latency) = (state.stalls, state.latency);
        if state.random.chance(stalls) {
            return state.random.millis(3_000, 15_000);
        }
        state.random.around(latency)
    }

    /// How long the disk needs for one page.
    pub(crate) fn page_delay(&self) -> Duration {
        let mut state = self.lock();
        let page_delay = state.page_delay;
        state.random.around(page_delay)
    }

    /// Whether reading a page fails.
    pub(crate) fn refuses_page(&self) -> bool {
        let mut state = self.lock();
        let pages_fail = state.pages_fail;
        state.random.chance(pages_fail)
    }

    pub(crate) fn memory(&self) -> MemoryDisk {
        self.lock().memory.clone()
    }

    pub(crate) fn reader(&self) -> MemoryReader {
        self.lock().memory.reader()
    }

    /// What the log has taken.
    pub(crate) fn ledger(&self) -> Ledger {
        self.lock().ledger.clone()
    }

    /// The `seq` of the last message in the lobby that is not deleted.
    pub(crate) fn last_in_lobby(&self) -> u64 {
        let state = self.lock();
        let is_read =
            |entry: &&Stored| entry.room == LOBBY && entry.what == What::Message && !entry.is_deleted();
        state.ledger.entries().iter().rev().find(is_read).map_or(0, |entry| entry.seq)
    }

    /// The position of the last entry that this person gets.
    pub(crate) fn last_visible(&self, user: u64) -> u64 {
        let state = self.lock();
        let mut rooms = BTreeSet::from([0, LOBBY]);
        let mut last = 0;
        for (entry, position) in state.ledger.entries().iter().zip(1..) {
            let is_about_me = match &entry.what {
                What::Opened { is_public, members } => {
                    if members.contains(&user) {
                        rooms.insert(entry.room);
                    }
                    *is_public
                }
                What::Joined(who) if *who == user => rooms.insert(entry.room),
                What::Left(who) if *who == user => {
                    rooms.remove(&entry.room);
                    true
                }
                What::SignedIn { user: who, .. } | What::SignedOut { user: who, .. } => *who == user,
                What::Message | What::Changed { .. } | What::Joined(_) | What::Left(_) | What::Other => false,
            };
            if is_about_me || rooms.contains(&entry.room) {
                last = position;
            }
        }
        last
    }

    /// Restores an older copy.
    pub(crate) fn restore(&self, memory: MemoryDisk, ledger: Ledger) {
        let mut state = self.lock();
        state.memory = memory;
        state.durable = ledger.entries().len() as u64;
        state.ledger = ledger;
    }

    /// How many batches were decided anew, because another node had appended.
    pub(crate) fn overtaken(&self) -> u64 {
        self.lock().overtaken
    }

    /// A node has passed on everything up to a position: when all have, it is known.
    pub(crate) fn passed_on(&self, node: NodeNumber, position: u64) {
        let mut state = self.lock();
        state.news.passed_on(node, Some(position));
        state.spread();
    }

    /// A node runs no more.
    pub(crate) fn ended(&self, node: NodeNumber) {
        let mut state = self.lock();
        state.news.passed_on(node, None);
        state.spread();
    }

    /// Waits until a node hears that another one has appended, or looks by itself.
    pub(crate) async fn news(&self, node: NodeNumber) {
        loop {
            let (at, changed) = self.lock().news.next(node);
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(at) => break,
                () = changed.notified() => {}
            }
        }
        self.lock().news.heard(node);
    }

    /// Discards what was never flushed.
    pub(crate) fn cut_power(&self) {
        let mut state = self.lock();
        if planted::is(Planted::FlushesLater) {
            let durable = state.durable;
            state.memory.truncate(Position(durable));
            state.ledger.truncate(durable);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What the disk lacks now.
    fn wants(&self) -> Option<Want> {
        Spell::at(&self.full, self.start.elapsed())
    }

    /// Why it takes no writes now.
    fn refuses(&self) -> Option<RollbackCause> {
        self.wants().and_then(Want::refuses)
    }

    /// Now and then a later version has run before this one does, and has left something that this one does not know.
    fn run_later_version(&mut self) {
        if self.random.chance(self.later_kinds) {
            let epoch = chat::Epoch(self.random.next() >> 16);
            let log = MemoryLog::open(&self.memory, epoch);
            self.write_later_kind(log);
        }
    }

    /// Now and then a node of a later version stores the like beside those that run.
    fn hear_of_later_version(&mut self, node: NodeNumber) {
        if self.random.chance(self.later_kinds) {
            let log = MemoryLog::join(&self.memory);
            if self.write_later_kind(log) {
                self.news.tell_others(node);
            }
        }
    }

    /// In any room that has an entry.
    fn write_later_kind(&mut self, mut log: MemoryLog) -> bool {
        let mut rooms = log.rooms().unwrap_or_default();
        rooms.sort_by_key(|(room, _)| *room);
        if rooms.is_empty() {
            return false;
        }
        let (room, RoomNumbers { seq, rev }) = self.random.pick(&rooms);
        let at = log.last_at().unwrap_or_default();
        let (position, kind) = (log.head().next(), Kind::Unknown { code: u32::MAX });
        let entry = Entry { position, room, seq, rev: rev.next(), at, author: None, kind };
        let batch = [Record::Entry { entry, key: None, content: ContentHash::of_raw(b"unknown") }];
        log.append(&batch).expect("nobody else writes, and no fault is due");
        let micros = self.start.elapsed().as_micros();
        self.ledger.note(&batch, micros);
        true
    }

    /// What all nodes have passed on is known from now on. With one node, what is stored is known.
    fn spread(&mut self) {
        if let Some(through) = self.news.passed_on_by_all() {
            let micros = self.start.elapsed().as_micros();
            self.ledger.spread(through, micros);
        }
    }
}

/// One opening of the log.
pub(crate) struct HostileLog {
    disk: HostileDisk,
    node: NodeNumber,
    inner: MemoryLog,
    /// For the planted bug that shows entries too early.
    feeds: Arc<OnceLock<Feeds>>,
}

impl HostileLog {
    /// Opens the log for the first node that runs, and begins an epoch.
    pub(crate) fn open(disk: &HostileDisk, epoch: u64, node: NodeNumber) -> Self {
        disk.lock().run_later_version();
        let is_alone = disk.lock().news.is_of_one();
        let open = if is_alone { MemoryLog::open } else { MemoryLog::open_shared };
        Self::of(disk, node, open(&disk.memory(), chat::Epoch(epoch)))
    }

    /// Opens the log for a node beside another one that runs.
    pub(crate) fn join(disk: &HostileDisk, node: NodeNumber) -> Self {
        Self::of(disk, node, MemoryLog::join(&disk.memory()))
    }

    fn of(disk: &HostileDisk, node: NodeNumber, inner: MemoryLog) -> Self {
        disk.passed_on(node, inner.head().0);
        Self { disk: disk.clone(), node, inner, feeds: Arc::default() }
    }

    pub(crate) fn node(&self) -> NodeNumber {
        self.node
    }

    pub(crate) fn disk(&self) -> &HostileDisk {
        &self.disk
    }

    pub(crate) fn reader(&self) -> MemoryReader {
        self.inner.reader()
    }

    /// Tells the log where the feeds of its node are, once they exist.
    pub(crate) fn feeds(&self) -> Arc<OnceLock<Feeds>> {
        Arc::clone(&self.feeds)
    }

    fn lookup(&self) -> Result<(), ReadError> {
        let mut state = self.disk.lock();
        let per_mille = state.lookups_fail;
        if state.random.chance(per_mille) {
            return Err(ReadError::Unavailable { detail: "the simulation says so".into() });
        }
        Ok(())
    }

    fn known(&self, placed: Option<Placed>) -> Option<Placed> {
        let is_old = |placed: &Placed| placed.receipt.position.0 + KEYS_KEPT < self.inner.head().0;
        placed.filter(|placed| !(planted::is(Planted::ForgetsOldKeys) && is_old(placed)))
    }
}

impl Log for HostileLog {
    fn writers(&self) -> Writers {
        self.inner.writers()
    }

    fn catch_up(&mut self) -> Result<CaughtUp, ReadError> {
        self.lookup()?;
        self.inner.catch_up()
    }

    fn head(&self) -> Position {
        self.inner.head()
    }

    fn epochs(&self) -> &Epochs {
        self.inner.epochs()
    }

    fn signing_keys(&self) -> &SigningKeys {
        self.inner.signing_keys()
    }

    fn rooms(&mut self) -> Result<Vec<(RoomId, RoomNumbers)>, ReadError> {
        self.inner.rooms()
    }

    fn room(&mut self, room: RoomId) -> Result<RoomNumbers, ReadError> {
        self.inner.room(room)
    }

    fn last_at(&mut self) -> Result<chat::UnixMillis, ReadError> {
        self.inner.last_at()
    }

    fn find(&mut self, lookups: &[Lookup<'_>]) -> Result<Vec<Option<Placed>>, ReadError> {
        self.lookup()?;
        let found = self.inner.find(lookups)?;
        Ok(found.into_iter().map(|placed| self.known(placed)).collect())
    }

    fn find_by_device(&mut self, asked: &[(Device, CommandNumber)]) -> Result<Vec<Counted>, ReadError> {
        self.lookup()?;
        self.inner.find_by_device(asked)
    }

    fn message(&mut self, room: RoomId, seq: Seq) -> Result<Option<Standing>, ReadError> {
        self.lookup()?;
        self.inner.message(room, seq)
    }

    fn directory(&mut self) -> Result<Vec<Entry>, ReadError> {
        self.inner.directory()
    }

    fn pointers(&mut self) -> Result<Vec<ReadPointer>, ReadError> {
        self.inner.pointers()
    }

    fn append(&mut self, batch: &[Record]) -> Result<(), AppendError> {
        let other = self.disk.lock().news.overtakes(self.node);
        if let Some(other) = other {
            meanwhile::overtake(other);
        }
        if batch.is_empty() {
            return self.inner.append(batch).inspect_err(|_| self.disk.lock().overtaken += 1);
        }
        let mut state = self.disk.lock();
        if self.inner.writers() == Writers::Several {
            state.hear_of_later_version(self.node);
        }
        let (rolls_back, unknown) = (state.rolls_back, state.unknown);
        if let Some(cause) = state.refuses() {
            reached(Rare::Full);
            state.memory.inject(Fault::RollBack(cause));
        } else if state.random.chance(unknown) {
            let is_stored = state.random.chance(500);
            reached(if is_stored { Rare::UnknownStored } else { Rare::UnknownLost });
            state.memory.inject(if is_stored { Fault::UnknownStored } else { Fault::UnknownLost });
        } else if state.random.chance(rolls_back) {
            reached(Rare::RolledBack);
            state.memory.inject(Fault::RollBack(RollbackCause::Io));
        }
        if planted::is(Planted::BroadcastsBeforeCommit)
            && let Some(feeds) = self.feeds.get()
        {
            publish_early(feeds, batch);
        }
        if !planted::is(Planted::FlushesLater) || state.random.chance(300) {
            state.durable = self.inner.head().0;
        }
        let commits = state.memory.commits();
        let result = self.inner.append(batch);
        // Also when the caller is told that the outcome is unknown.
        if state.memory.commits() > commits {
            let micros = state.start.elapsed().as_micros();
            state.ledger.note(batch, micros);
            state.news.tell_others(self.node);
        }
        if result == Err(AppendError::Overtaken) {
            state.overtaken += 1;
            reached(Rare::Overtaken);
        }
        drop(state);
        meanwhile::others_answer(self.node);
        result
    }

    fn probe(&mut self) -> Result<(), AppendError> {
        if let Some(cause) = self.disk.lock().refuses() {
            return Err(AppendError::RolledBack { cause, detail: "the simulation says so".into() });
        }
        reached(Rare::WritableAgain);
        self.inner.probe()
    }
}
