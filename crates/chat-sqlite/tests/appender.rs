//! The appender over files: order, repeats and group commit, also across openings.

#![expect(clippy::unwrap_used, reason = "in a test, an error is a failure")]

use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use chat::conformance::{ADA, BOB, draft, read_all, receipt};
use chat::{
    Admission, Appender, Applier, Applying, Closed, Committed, DirectoryHandle, Draft, Entry, Limits, Log,
    LogReader, Outcome, Ports, Position, QueueBounds, Refusal, Seq,
};
use chat_sqlite::{SqliteLog, SqliteReader};
use tempfile::TempDir;

/// A log that is served, with everything that was delivered.
struct Served {
    appender: Appender<usize>,
    reader: SqliteReader,
    committed: Receiver<Committed<usize>>,
}

impl Served {
    fn open(folder: &Path) -> Self {
        let mut log = SqliteLog::open(folder).unwrap();
        let directory = DirectoryHandle::load(&mut log).unwrap();
        let reader = log.reader();
        let (committed_tx, committed) = sync_channel(100_000);
        let delivery = move |batch| committed_tx.send(batch).unwrap_or_default();
        let delivery = Applying::new(Applier::new(reader.clone(), log.head(), directory.clone()), delivery);
        let ports = Ports {
            on_room: Box::new(|| ()),
            on_written: Box::new(|_| None),
            on_fatal: Box::new(|fatal| panic!("{fatal}")),
            clock: Box::new(Instant::now),
        };
        let appender =
            Appender::start(log, &directory, delivery, Limits::default(), QueueBounds::default(), ports)
                .unwrap();
        Self { appender, reader, committed }
    }

    /// Submits `drafts`, with their index as the ticket, and returns the outcomes, the entries, and in how many
    /// batches they came.
    fn close_after(self, drafts: &[Draft]) -> (Vec<Outcome>, Vec<Entry>, usize) {
        for (ticket, draft) in drafts.iter().enumerate() {
            assert!(!matches!(self.appender.submit(draft.clone(), ticket), Admission::Refused { .. }));
        }
        assert_eq!(self.appender.close(), Closed::Drained);
        let batches: Vec<_> = self.committed.try_iter().collect();
        let (mut outcomes, mut entries) = (Vec::new(), Vec::new());
        let count = batches.len();
        for batch in batches {
            entries.extend(batch.entries);
            outcomes.extend(batch.outcomes);
        }
        assert!(outcomes.iter().enumerate().all(|(index, (ticket, _))| index == *ticket));
        assert!(read_all(&self.reader).ends_with(&entries), "what is delivered is what is stored");
        (outcomes.into_iter().map(|(_, outcome)| outcome).collect(), entries, count)
    }
}

fn stored(position: u64) -> Outcome {
    Outcome::Stored(receipt(position))
}

fn repeated(position: u64) -> Outcome {
    Outcome::Repeated(receipt(position))
}

#[test]
fn a_burst_is_stored_in_order_and_in_few_commits() {
    let temp = TempDir::new().unwrap();
    let drafts: Vec<_> =
        (0..5000).map(|n| draft(Some(ADA), Some(&format!("Qx7-{n}")), &format!("message {n}"))).collect();
    let (outcomes, entries, batches) = Served::open(temp.path()).close_after(&drafts);
    assert_eq!(outcomes, (1..=5000).map(stored).collect::<Vec<_>>());
    assert_eq!(entries.len(), 5000);
    assert!((10..500).contains(&batches), "5000 messages in {batches} batches");
}

#[test]
fn everything_that_was_sent_is_recognised_after_a_restart() {
    let temp = TempDir::new().unwrap();
    let drafts: Vec<_> = (0..1200)
        .map(|n| draft([None, Some(ADA), Some(BOB)][n % 3], Some(&format!("sender{}-{n}", n % 7)), "hi"))
        .collect();
    Served::open(temp.path()).close_after(&drafts);
    let (outcomes, entries, _) = Served::open(temp.path()).close_after(&drafts);
    assert_eq!(outcomes, (1..=1200).map(repeated).collect::<Vec<_>>());
    assert_eq!(entries, []);
}

#[test]
fn a_conflict_is_one_for_ever() {
    let temp = TempDir::new().unwrap();
    Served::open(temp.path()).close_after(&[draft(Some(ADA), Some("undefined-0"), "hi")]);
    let (outcomes, ..) = Served::open(temp.path()).close_after(&[
        draft(Some(ADA), Some("undefined-0"), "ho"),
        draft(Some(BOB), Some("undefined-0"), "hi"),
        draft(Some(ADA), Some("undefined-0"), "hi"),
    ]);
    assert_eq!(outcomes, [Outcome::Refused(Refusal::Conflict), stored(2), repeated(1)]);
}

#[test]
fn a_draft_that_is_answered_can_be_read_by_anybody() {
    let temp = TempDir::new().unwrap();
    let served = Served::open(temp.path());
    for n in 1..=50 {
        served.appender.submit(draft(None, None, "hi"), n);
        let committed = served.committed.recv().unwrap();
        assert_eq!(committed.outcomes, [(n, stored(n as u64))]);
        assert_eq!(served.reader.head(), Position(n as u64));
        assert_eq!(served.reader.locate(chat::RoomId::LOBBY, Seq(n as u64)), Ok(Position(n as u64)));
    }
}
