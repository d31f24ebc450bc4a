//! The appender over a log in memory. Its appends wait for the test, so the test decides what is in a batch.

mod full;
mod people;
mod writers;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::*;
use crate::applier::{Applier, Applying};
use crate::conformance::{ADA, ADAS, BOB, draft, numbered, receipt, skip};
use crate::device::Device;
use crate::entry::Entry;
use crate::health::HealthState;
use crate::ids::{CommandNumber, Epoch, RoomId, Seq};
use crate::log::{LogReader, RollbackCause, RoomNumbers};
use crate::memory::{Fault, MemoryDisk, MemoryLog};
use crate::outcome::{Outcome, Refusal};
use crate::queue::RefusedWhy;
use crate::watched::{Watch, Watched};

/// Announces each append and waits until it may go on. Without the other ends it just goes on.
struct Gate {
    entered: SyncSender<usize>,
    go_on: Receiver<()>,
}

impl Watch for Gate {
    fn appends(&mut self, records: usize) {
        if self.entered.send(records).is_ok() {
            self.go_on.recv().ok();
        }
    }
}

/// An appender, and the other ends of all that it calls. A test may end while it works: then nobody listens.
struct Desk {
    appender: Appender<u32>,
    directory: DirectoryHandle,
    disk: MemoryDisk,
    entered: Receiver<usize>,
    go_on: SyncSender<()>,
    committed: Receiver<Committed<u32>>,
    room: Receiver<()>,
    fatal: Receiver<Fatal>,
    /// How many seconds its clock is ahead.
    ahead: Arc<AtomicU64>,
    /// What it has told of its commits.
    written: Receiver<usize>,
    /// Whether it is told that the disk has too little space.
    is_low: Arc<AtomicBool>,
}

const NO_BOUNDS: QueueBounds =
    QueueBounds { soft_drafts: 9999, soft_bytes: 1 << 30, hard_drafts: 9999, hard_bytes: 1 << 30 };

impl Desk {
    fn new(disk: &MemoryDisk, limits: Limits, bounds: QueueBounds) -> Self {
        let (entered_tx, entered) = sync_channel(10_000);
        let (go_on, go_on_rx) = sync_channel(10_000);
        let (committed_tx, committed) = sync_channel(10_000);
        let (room_tx, room) = sync_channel(10_000);
        let (fatal_tx, fatal) = sync_channel(1);
        let (written_tx, written) = sync_channel(10_000);
        let is_low = Arc::new(AtomicBool::new(false));
        let low = Arc::clone(&is_low);
        let gate = Gate { entered: entered_tx, go_on: go_on_rx };
        let mut log = Watched { log: MemoryLog::open(disk, Epoch(1)), watch: gate };
        let directory = DirectoryHandle::load(&mut log).unwrap();
        let ahead = Arc::new(AtomicU64::new(0));
        let seconds = Arc::clone(&ahead);
        let ports = Ports {
            on_room: Box::new(move || room_tx.send(()).unwrap_or_default()),
            on_written: Box::new(move |bytes| {
                written_tx.send(bytes).unwrap_or_default();
                low.load(Ordering::Relaxed).then_some(ReadOnly::LowSpace)
            }),
            on_fatal: Box::new(move |fatal| drop(fatal_tx.send(fatal))),
            clock: Box::new(move || Instant::now() + Duration::from_secs(seconds.load(Ordering::Relaxed))),
        };
        let delivery = move |batch: Committed<u32>| drop(committed_tx.send(batch));
        let applier = Applier::new(disk.reader(), log.head(), directory.clone());
        let delivery = Applying::new(applier, delivery);
        let appender = Appender::start(log, &directory, delivery, limits, bounds, ports).unwrap();
        let disk = disk.clone();
        Self { appender, directory, disk, entered, go_on, committed, room, fatal, ahead, written, is_low }
    }

    fn open() -> Self {
        Self::new(&MemoryDisk::default(), Limits::default(), NO_BOUNDS)
    }

    fn submit(&self, drafts: &[(u32, Draft)]) {
        for (ticket, draft) in drafts {
            assert_eq!(self.appender.submit(draft.clone(), *ticket), Admission::Accepted);
        }
    }

    /// Has `drafts` decided in one batch: they come in while another batch is on its way.
    fn in_one_batch(&self, drafts: &[(u32, Draft)]) -> Committed<u32> {
        self.submit(&[(0, draft(None, None, "before"))]);
        self.entered.recv().unwrap();
        self.submit(drafts);
        self.go_on.send(()).unwrap();
        self.committed.recv().unwrap();
        self.let_one_go();
        self.committed.recv().unwrap()
    }

    fn let_one_go(&self) {
        self.entered.recv().unwrap();
        self.go_on.send(()).unwrap();
    }

    /// From here on nothing waits for the test.
    fn let_all_go(&self) {
        for _ in 0..1000 {
            self.go_on.send(()).unwrap();
        }
    }

    fn stored(&self) -> Vec<Entry> {
        crate::conformance::read_all(&MemoryLog::open(&self.disk, Epoch(2)).reader())
    }
}

fn stored(position: u64) -> Outcome {
    Outcome::Stored(receipt(position))
}

fn repeated(position: u64) -> Outcome {
    Outcome::Repeated(receipt(position))
}

#[test]
fn while_one_batch_is_on_its_way_the_next_one_gathers() {
    let desk = Desk::open();
    let drafts: Vec<_> = (1..=300).map(|n| (n, draft(Some(ADA), None, "hi"))).collect();
    let committed = desk.in_one_batch(&drafts);
    assert_eq!(committed.entries.len(), 300);
    assert_eq!(desk.disk.commits(), 2);
    let expected: Vec<_> = (1..=300).map(|n| (n, stored(u64::from(n) + 1))).collect();
    assert_eq!(committed.outcomes, expected);
}

#[test]
fn a_batch_is_bounded_in_drafts_and_in_bytes() {
    let desk = Desk::open();
    let drafts: Vec<_> = (0..600).map(|n| (n, draft(None, None, "hi"))).collect();
    assert_eq!(desk.in_one_batch(&drafts).entries.len(), 512);
    desk.let_all_go();
    assert_eq!(desk.committed.recv().unwrap().entries.len(), 88);

    let desk = Desk::open();
    let page = "x".repeat(16 * 1024);
    let drafts: Vec<_> = (0..100).map(|n| (n, draft(None, None, &page))).collect();
    assert_eq!(desk.in_one_batch(&drafts).entries.len(), 63);
}

#[test]
fn a_retry_in_the_same_batch_gets_the_place_of_its_original() {
    let desk = Desk::open();
    let hi = draft(Some(ADA), Some("k-0"), "hi");
    let committed = desk.in_one_batch(&[(1, hi.clone()), (2, draft(Some(ADA), Some("k-1"), "ho")), (3, hi)]);
    assert_eq!(committed.outcomes, [(1, stored(2)), (2, stored(3)), (3, repeated(2))]);
    assert_eq!(committed.entries.len(), 2);
}

#[test]
fn another_text_under_a_known_key_is_a_conflict() {
    let desk = Desk::open();
    let committed = desk.in_one_batch(&[
        (1, draft(Some(ADA), Some("undefined-0"), "hi")),
        (2, draft(Some(ADA), Some("undefined-0"), "ho")),
    ]);
    assert_eq!(committed.outcomes, [(1, stored(2)), (2, Outcome::Refused(Refusal::Conflict))]);
    assert_eq!(Refusal::Conflict.code(), "conflict");
}

#[test]
fn two_people_who_typed_before_they_were_connected_are_both_stored() {
    let desk = Desk::open();
    let committed = desk.in_one_batch(&[
        (1, draft(Some(ADA), Some("undefined-0"), "hi")),
        (2, draft(Some(BOB), Some("undefined-0"), "hi")),
        (3, draft(None, Some("undefined-0"), "hi")),
        (4, draft(None, Some("undefined-0"), "hi")),
    ]);
    assert_eq!(committed.outcomes, [(1, stored(2)), (2, stored(3)), (3, stored(4)), (4, stored(5))]);
}

#[test]
fn a_client_without_a_lineage_is_known_by_key_and_content() {
    let desk = Desk::open();
    let committed = desk.in_one_batch(&[
        (1, draft(None, Some("k-0"), "hi")),
        (2, draft(None, Some("k-0"), "hi")),
        (3, draft(None, Some("k-0"), "ho")),
        (4, draft(Some(BOB), Some("k-0"), "hi")),
    ]);
    assert_eq!(committed.outcomes, [(1, stored(2)), (2, repeated(2)), (3, stored(3)), (4, repeated(2))]);
}

#[test]
fn nobody_can_swallow_the_text_of_another_by_taking_the_key_first() {
    let desk = Desk::open();
    let committed = desk.in_one_batch(&[
        (1, draft(Some(BOB), Some("adas-socket-0"), "squatted")),
        (2, draft(Some(ADA), Some("adas-socket-0"), "hi")),
        (3, draft(Some(ADA), Some("adas-socket-0"), "hi")),
    ]);
    assert_eq!(committed.outcomes, [(1, stored(2)), (2, stored(3)), (3, repeated(3))]);
}

#[test]
fn without_a_key_every_send_is_new() {
    let desk = Desk::open();
    let hi = draft(Some(ADA), None, "hi");
    let committed = desk.in_one_batch(&[(1, hi.clone()), (2, hi)]);
    assert_eq!(committed.outcomes, [(1, stored(2)), (2, stored(3))]);
}

#[test]
fn a_retry_gets_its_original_result_even_if_it_would_be_refused_today() {
    let storage = MemoryDisk::default();
    let long = draft(Some(ADA), Some("k-0"), "a long story");
    Desk::new(&storage, Limits::default(), NO_BOUNDS).in_one_batch(&[(1, long.clone())]);

    let desk = Desk::new(&storage, Limits { text_bytes_max: 10, ..Limits::DEFAULT }, NO_BOUNDS);
    let another = draft(Some(ADA), Some("k-1"), "another long story");
    let committed =
        desk.in_one_batch(&[(1, long), (2, another), (3, draft(Some(ADA), Some("k-2"), "short"))]);
    assert_eq!(
        committed.outcomes,
        [(1, repeated(2)), (2, Outcome::Refused(Refusal::TooLarge)), (3, stored(4))]
    );
}

#[test]
fn a_batch_that_adds_nothing_is_answered_without_a_commit() {
    let desk = Desk::open();
    let hi = draft(Some(ADA), Some("k-0"), "hi");
    desk.submit(&[(1, hi.clone())]);
    desk.let_one_go();
    desk.committed.recv().unwrap();
    desk.submit(&[(2, hi)]);
    let committed = desk.committed.recv().unwrap();
    assert_eq!((committed.entries, committed.outcomes), (vec![], vec![(2, repeated(1))]));
    assert_eq!(desk.disk.commits(), 1);
}

/// A temporary refusal is no result: it uses up no number, and what was sent behind it has to wait for it.
#[test]
fn the_number_of_a_rejected_draft_is_expected_next() {
    let bounds = QueueBounds { hard_drafts: 1, ..NO_BOUNDS };
    let desk = Desk::new(&MemoryDisk::default(), Limits::default(), bounds);
    assert!(matches!(desk.appender.submit(numbered(ADAS, 1, "one"), 1), Admission::Accepted));
    desk.entered.recv().unwrap();
    assert!(matches!(desk.appender.submit(numbered(ADAS, 2, "two"), 2), Admission::Accepted));
    let turned_away = desk.appender.submit(numbered(ADAS, 3, "three"), 3);
    assert_eq!(turned_away, Admission::Refused { ticket: 3, why: RefusedWhy::Overloaded });
    desk.go_on.send(()).unwrap();
    assert_eq!(desk.committed.recv().unwrap().outcomes, [(1, stored(1))]);
    desk.let_one_go();
    assert_eq!(desk.committed.recv().unwrap().outcomes, [(2, stored(2))]);
    assert!(matches!(desk.appender.submit(numbered(ADAS, 4, "four"), 4), Admission::Accepted));
    let expected = Outcome::Expected { n: CommandNumber(3) };
    assert_eq!(desk.committed.recv().unwrap().outcomes, [(4, expected)]);
}

#[test]
fn a_result_without_an_entry_is_committed_before_it_is_told() {
    let desk = Desk::open();
    desk.disk.inject(Fault::RollBack(RollbackCause::Io));
    desk.let_all_go();
    desk.submit(&[(1, skip(ADAS, 1))]);
    let committed = desk.committed.recv().unwrap();
    assert_eq!((committed.entries, committed.outcomes), (vec![], vec![(1, Outcome::Skipped)]));
    assert_eq!(desk.disk.commits(), 1);
}

#[test]
fn a_batch_that_was_rolled_back_is_tried_again_before_anything_else() {
    let desk = Desk::open();
    for _ in 0..3 {
        desk.disk.inject(Fault::RollBack(RollbackCause::Io));
    }
    desk.submit(&[(1, draft(Some(ADA), Some("k-0"), "hi"))]);
    desk.let_one_go();
    desk.submit(&[(2, draft(Some(ADA), Some("k-1"), "ho"))]);
    desk.let_one_go();
    desk.let_one_go();
    assert_eq!(desk.entered.recv().unwrap(), 1);
    assert!(desk.committed.try_recv().is_err(), "nothing is answered meanwhile");
    assert!(matches!(desk.appender.health().state(), HealthState::Failing { .. }));
    desk.go_on.send(()).unwrap();
    assert_eq!(desk.committed.recv().unwrap().outcomes, [(1, stored(1))]);
    desk.let_all_go();
    assert_eq!(desk.committed.recv().unwrap().outcomes, [(2, stored(2))]);
    assert_eq!(desk.appender.close(), Closed::Drained);
    assert_eq!(desk.appender.health().state(), HealthState::Ready);
}

#[test]
fn a_commit_that_hangs_is_visible_from_outside() {
    let desk = Desk::open();
    assert_eq!(desk.appender.health().state(), HealthState::Ready);
    desk.submit(&[(1, draft(None, None, "hi"))]);
    desk.entered.recv().unwrap();
    assert!(matches!(desk.appender.health().state(), HealthState::Committing { .. }));
    desk.go_on.send(()).unwrap();
    desk.committed.recv().unwrap();
    assert_eq!(desk.appender.health().state(), HealthState::Ready);
}

/// What the appender does when a commit has failed, wherever that left the log.
fn after_an_unknown_outcome(fault: Fault) -> usize {
    let desk = Desk::open();
    desk.disk.inject(fault);
    desk.submit(&[(1, draft(Some(ADA), Some("k-0"), "hi"))]);
    desk.let_one_go();
    assert!(matches!(desk.fatal.recv().unwrap(), Fatal::OutcomeUnknown { .. }));
    let ho = draft(Some(ADA), Some("k-1"), "ho");
    assert_eq!(desk.appender.submit(ho, 2), Admission::Refused { ticket: 2, why: RefusedWhy::Closed });
    assert!(matches!(desk.appender.health().state(), HealthState::Failing { .. }));
    assert_eq!(desk.appender.close(), Closed::Stopped);
    assert!(desk.committed.try_recv().is_err(), "nobody is answered");
    desk.stored().len()
}

#[test]
fn an_unknown_outcome_is_never_answered() {
    assert_eq!(after_an_unknown_outcome(Fault::UnknownStored), 1);
    assert_eq!(after_an_unknown_outcome(Fault::UnknownLost), 0);
}

#[test]
fn closing_stores_and_answers_what_was_accepted() {
    let desk = Desk::open();
    let drafts: Vec<_> = (0..1000).map(|n| (n, draft(None, None, "hi"))).collect();
    desk.submit(&drafts);
    desk.let_all_go();
    assert_eq!(desk.appender.close(), Closed::Drained);
    assert_eq!(desk.stored().len(), 1000);
    let answered: Vec<_> =
        desk.committed.try_iter().flat_map(|batch| batch.outcomes).map(|(n, _)| n).collect();
    assert_eq!(answered, (0..1000).collect::<Vec<_>>());
    let late = desk.appender.submit(draft(None, None, "late"), 7);
    assert_eq!(late, Admission::Refused { ticket: 7, why: RefusedWhy::Closed });
    assert!(desk.fatal.try_recv().is_err());
    assert_eq!(desk.appender.close(), Closed::Stopped);
}

#[test]
fn closing_gives_a_log_up_that_does_not_take_anything() {
    let desk = Desk::open();
    for _ in 0..10_000 {
        desk.disk.inject(Fault::RollBack(RollbackCause::Io));
    }
    desk.let_all_go();
    desk.submit(&[(1, draft(None, None, "hi"))]);
    desk.entered.recv().unwrap();
    desk.submit(&[(2, draft(None, None, "ho"))]);
    assert_eq!(desk.appender.close(), Closed::Abandoned { drafts: 2 });
    assert!(desk.committed.try_recv().is_err());
    assert!(desk.fatal.try_recv().is_err());
    assert_eq!(desk.stored().len(), 0);
}

#[test]
fn a_full_queue_asks_for_a_pause_then_refuses_then_announces_room() {
    let bounds = QueueBounds { soft_drafts: 4, hard_drafts: 6, ..NO_BOUNDS };
    let desk = Desk::new(&MemoryDisk::default(), Limits::default(), bounds);
    let hi = || draft(None, None, "hi");
    desk.submit(&[(0, hi())]);
    desk.entered.recv().unwrap();
    let admissions: Vec<_> = (1..8).map(|ticket| desk.appender.submit(hi(), ticket)).collect();
    let refused = |ticket| Admission::Refused { ticket, why: RefusedWhy::Overloaded };
    let (accepted, full) = (|| Admission::Accepted, || Admission::AcceptedButFull);
    assert_eq!(admissions, [accepted(), accepted(), accepted(), full(), full(), full(), refused(7)]);
    assert!(desk.room.try_recv().is_err());
    desk.let_all_go();
    desk.room.recv().unwrap();
    assert_eq!(desk.appender.close(), Closed::Drained);
    assert!(desk.room.try_recv().is_err(), "room is announced once");
    assert_eq!(desk.stored().len(), 7);
}

#[test]
fn drafts_that_are_announced_together_share_a_batch() {
    let desk = Desk::open();
    for ticket in 0..3 {
        let admission = desk.appender.submit_quietly(draft(None, None, "hi"), ticket);
        assert_eq!(admission, Admission::Accepted);
    }
    desk.appender.announce();
    assert_eq!(desk.entered.recv().unwrap(), 3);
    desk.let_all_go();
    assert_eq!(desk.committed.recv().unwrap().outcomes.len(), 3);
}

#[test]
fn a_full_batch_does_not_wait_for_its_announcement() {
    let desk = Desk::open();
    desk.submit(&[(0, draft(None, None, "before"))]);
    desk.entered.recv().unwrap();
    for ticket in 0..=512 {
        desk.appender.submit_quietly(draft(None, None, "hi"), ticket);
    }
    desk.let_all_go();
    assert_eq!(desk.entered.recv().unwrap(), 512);
    assert_eq!(desk.entered.recv().unwrap(), 1, "what came with it was announced with it");
}

#[test]
fn drafts_that_were_never_announced_are_stored_at_the_end() {
    let desk = Desk::open();
    desk.let_all_go();
    desk.appender.submit_quietly(draft(None, None, "hi"), 1);
    assert_eq!(desk.appender.close(), Closed::Drained);
    assert_eq!(desk.stored().len(), 1);
}

#[test]
fn a_queue_is_bounded_in_bytes_as_well() {
    let bounds = QueueBounds { soft_bytes: 20_000, hard_bytes: 40_000, ..NO_BOUNDS };
    let desk = Desk::new(&MemoryDisk::default(), Limits::default(), bounds);
    let page = || draft(None, None, &"x".repeat(9_000));
    desk.submit(&[(0, page())]);
    desk.entered.recv().unwrap();
    let admissions: Vec<_> = (1..=5).map(|ticket| desk.appender.submit(page(), ticket)).collect();
    let refused = Admission::Refused { ticket: 5, why: RefusedWhy::Overloaded };
    let (accepted, full) = (|| Admission::Accepted, || Admission::AcceptedButFull);
    assert_eq!(admissions, [accepted(), accepted(), full(), full(), refused]);
    desk.let_all_go();
    desk.room.recv().unwrap();
}

#[test]
fn many_submit_at_once_and_each_keeps_its_order() {
    let desk = Desk::open();
    desk.let_all_go();
    std::thread::scope(|scope| {
        for sender in 0..4_u32 {
            let desk = &desk.appender;
            scope.spawn(move || {
                for n in 0..500 {
                    desk.submit(draft(None, None, "hi"), sender * 1000 + n);
                }
            });
        }
    });
    assert_eq!(desk.appender.close(), Closed::Drained);
    let outcomes: Vec<_> = desk.committed.try_iter().flat_map(|batch| batch.outcomes).collect();
    assert_eq!(outcomes.len(), 2000);
    for sender in 0..4 {
        let own: Vec<_> = outcomes.iter().filter(|(ticket, _)| ticket / 1000 == sender).collect();
        assert!(own.is_sorted_by_key(|(ticket, _)| ticket));
    }
    let positions: Vec<_> = outcomes.iter().map(|(_, outcome)| *outcome).collect();
    assert_eq!(positions, (1..=2000).map(stored).collect::<Vec<_>>());
}

#[test]
fn a_delivery_that_panics_is_fatal() {
    let fatal = std::sync::Arc::new(Mutex::new(None));
    let told = std::sync::Arc::clone(&fatal);
    let ports = Ports {
        on_room: Box::new(|| ()),
        on_written: Box::new(|_| None),
        on_fatal: Box::new(move |fatal| *told.lock().unwrap() = Some(fatal)),
        clock: Box::new(Instant::now),
    };
    let mut log = MemoryLog::open(&MemoryDisk::default(), Epoch(1));
    let directory = DirectoryHandle::load(&mut log).unwrap();
    let delivery = |_: Committed<u32>| panic!("on purpose");
    let appender = Appender::start(log, &directory, delivery, Limits::default(), NO_BOUNDS, ports).unwrap();
    appender.submit(draft(None, None, "hi"), 1);
    assert_eq!(appender.close(), Closed::Stopped);
    assert_eq!(*fatal.lock().unwrap(), Some(Fatal::Panicked));
    let late = appender.submit(draft(None, None, "late"), 7);
    assert_eq!(late, Admission::Refused { ticket: 7, why: RefusedWhy::Closed });
}

#[test]
fn a_reader_finds_what_was_delivered() {
    let storage = MemoryDisk::default();
    let reader = MemoryLog::open(&storage, Epoch(9)).reader();
    let desk = Desk::new(&storage, Limits::default(), NO_BOUNDS);
    desk.let_all_go();
    for ticket in 0..50 {
        desk.submit(&[(ticket, draft(None, None, "hi"))]);
        let committed = desk.committed.recv().unwrap();
        let last = committed.entries.last().unwrap().position;
        assert!(reader.head() >= last);
    }
}
