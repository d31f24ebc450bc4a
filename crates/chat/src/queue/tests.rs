//! Every bound of the queue, at its last draft and its last byte.

use proptest::prelude::*;

use super::*;
use crate::conformance::draft;

const NO_BATCH: BatchBounds = BatchBounds { drafts: 9999, bytes: 1 << 30 };
const NO_BOUNDS: QueueBounds =
    QueueBounds { soft_drafts: 9999, soft_bytes: 1 << 30, hard_drafts: 9999, hard_bytes: 1 << 30 };

fn hi() -> Draft {
    draft(None, None, "hi")
}

/// How the queue admits drafts of the same weight: `+`, `f` if it is full by it, `-` if it refuses.
fn admitted(queue: &Queue<u8>, drafts: u8) -> String {
    let admit = |ticket| match queue.push(hi(), ticket) {
        Admission::Accepted => '+',
        Admission::AcceptedButFull => 'f',
        Admission::Refused { ticket: returned, why } => {
            assert_eq!((returned, why), (ticket, RefusedWhy::Overloaded));
            '-'
        }
    };
    (0..drafts).map(admit).collect()
}

fn take(queue: &Queue<u8>) -> (Vec<u8>, Wake) {
    let Taken::Batch { drafts, wake } = queue.take() else { panic!("there is a batch") };
    (drafts.into_iter().map(|pending| pending.ticket).collect(), wake)
}

#[test]
fn a_queue_is_full_and_refuses_at_its_bounds_in_drafts_and_in_bytes() {
    let bytes = memory::<u8>(&hi());
    for bounds in [
        QueueBounds { soft_drafts: 3, hard_drafts: 5, ..NO_BOUNDS },
        QueueBounds { soft_bytes: 3 * bytes, hard_bytes: 5 * bytes, ..NO_BOUNDS },
    ] {
        assert_eq!(admitted(&Queue::new(bounds, NO_BATCH), 7), "++fff--", "{bounds:?}");
    }
    let bounds = QueueBounds { soft_bytes: 3 * bytes + 1, hard_bytes: 5 * bytes - 1, ..NO_BOUNDS };
    assert_eq!(admitted(&Queue::new(bounds, NO_BATCH), 7), "+++f---");
}

#[test]
fn a_full_batch_is_announced_without_asking() {
    let bytes = memory::<u8>(&hi());
    for batch in [BatchBounds { drafts: 3, ..NO_BATCH }, BatchBounds { bytes: 3 * bytes, ..NO_BATCH }] {
        let queue = Queue::new(NO_BOUNDS, batch);
        admitted(&queue, 2);
        assert!(!queue.lock().announced, "{batch:?}");
        admitted(&queue, 1);
        assert!(queue.lock().announced, "{batch:?}");
    }
}

#[test]
fn an_empty_queue_has_nothing_to_announce() {
    let queue = Queue::new(NO_BOUNDS, NO_BATCH);
    queue.announce();
    assert!(!queue.lock().announced);
    admitted(&queue, 1);
    queue.announce();
    assert!(queue.lock().announced);
}

#[test]
fn a_batch_ends_at_its_bounds_and_the_rest_stays_announced() {
    let bytes = hi().weight();
    for (batch, sizes) in [
        (BatchBounds { drafts: 2, ..NO_BATCH }, &[2, 2, 1][..]),
        (BatchBounds { bytes: 2 * bytes, ..NO_BATCH }, &[2, 2, 1]),
        (BatchBounds { bytes: 2 * bytes - 1, ..NO_BATCH }, &[1; 5]),
        // One draft is taken even if it alone is too heavy.
        (BatchBounds { bytes: 1, ..NO_BATCH }, &[1; 5]),
        (NO_BATCH, &[5]),
    ] {
        let queue = Queue::new(NO_BOUNDS, batch);
        admitted(&queue, 5);
        queue.announce();
        let mut tickets = Vec::new();
        for size in sizes {
            let (taken, _) = take(&queue);
            assert_eq!(taken.len(), *size, "{batch:?}");
            tickets.extend(taken);
        }
        assert_eq!(tickets, [0, 1, 2, 3, 4]);
        assert!(!queue.lock().announced);
        assert_eq!(queue.lock().bytes, 0);
    }
}

#[test]
fn paused_senders_are_woken_once_when_half_of_the_queue_is_empty() {
    let bytes = memory::<u8>(&hi());
    for bounds in
        [QueueBounds { soft_drafts: 4, ..NO_BOUNDS }, QueueBounds { soft_bytes: 4 * bytes, ..NO_BOUNDS }]
    {
        let queue = Queue::new(bounds, BatchBounds { drafts: 1, ..NO_BATCH });
        assert_eq!(admitted(&queue, 4), "+++f");
        let wakes = [(); 4].map(|()| take(&queue).1);
        assert_eq!(wakes, [Wake::Nobody, Wake::PausedSenders, Wake::Nobody, Wake::Nobody], "{bounds:?}");
    }
}

#[test]
fn nobody_is_woken_who_was_not_paused() {
    let queue = Queue::new(NO_BOUNDS, NO_BATCH);
    admitted(&queue, 1);
    queue.announce();
    assert_eq!(take(&queue), (vec![0], Wake::Nobody));
}

#[test]
fn news_come_before_drafts_and_are_told_once() {
    let queue = Queue::<u8>::new(NO_BOUNDS, NO_BATCH);
    assert!(!queue.take_news());
    queue.tell_news();
    assert!(queue.take_news() && !queue.take_news());
    admitted(&queue, 1);
    queue.announce();
    queue.tell_news();
    assert!(matches!(queue.take(), Taken::News));
    assert_eq!(take(&queue).0, [0]);
}

#[test]
fn a_closed_queue_gives_what_is_in_it_and_takes_no_more() {
    let queue = Queue::new(NO_BOUNDS, NO_BATCH);
    admitted(&queue, 2);
    assert!(!queue.closed_within(Duration::ZERO));
    queue.close();
    assert!(queue.closed_within(Duration::from_hours(1)));
    assert_eq!(queue.push(hi(), 7), Admission::Refused { ticket: 7, why: RefusedWhy::Closed });
    assert_eq!(take(&queue).0, [0, 1]);
    assert!(matches!(queue.take(), Taken::Closed));
}

#[test]
fn an_abandoned_queue_drops_what_is_in_it() {
    let queue = Queue::new(NO_BOUNDS, NO_BATCH);
    admitted(&queue, 3);
    queue.announce();
    assert_eq!(queue.abandon(), 3);
    let Waiting { bytes, announced, .. } = *queue.lock();
    assert_eq!((bytes, announced), (0, false));
    assert!(queue.closed_within(Duration::ZERO));
    assert!(matches!(queue.take(), Taken::Closed));
}

#[test]
fn the_default_bounds_are_eight_batches_and_one_more_read_of_every_socket() {
    let QueueBounds { soft_drafts, soft_bytes, hard_drafts, hard_bytes } = QueueBounds::default();
    assert_eq!((soft_drafts, soft_bytes), (4096, 8 * 1024 * 1024));
    assert_eq!((hard_drafts, hard_bytes), (4096 + 65_536, 72 * 1024 * 1024));
}

const SMALL: QueueBounds =
    QueueBounds { soft_drafts: 8, soft_bytes: 4_000, hard_drafts: 12, hard_bytes: 6_000 };
const SMALL_BATCH: BatchBounds = BatchBounds { drafts: 3, bytes: 1_500 };

proptest! {
    /// Whoever else comes in between: a sender that nobody wakes is not read for ever.
    #[test]
    fn who_was_asked_to_pause_is_woken_when_the_queue_has_drained_and_at_no_other_time(
        moves in prop::collection::vec(prop::option::weighted(0.6, 1..1_200_usize), 1..120),
    ) {
        let queue = Queue::new(SMALL, SMALL_BATCH);
        let mut is_owed = false;
        let ends = [None; 12];
        for next in moves.into_iter().chain(ends) {
            if let Some(length) = next {
                let admission = queue.push(draft(None, None, &"x".repeat(length)), ());
                is_owed |= admission == Admission::AcceptedButFull;
                continue;
            }
            queue.announce();
            let mut waiting = queue.lock();
            if waiting.drafts.is_empty() {
                continue;
            }
            let Taken::Batch { wake, .. } = queue.take_from(&mut waiting) else {
                return Err(TestCaseError::fail("what waits is a batch"));
            };
            let is_drained = waiting.drafts.len() <= SMALL.soft_drafts / 2
                && waiting.recount() <= SMALL.soft_bytes / 2;
            let expected =
                if is_owed && is_drained { Wake::PausedSenders } else { Wake::Nobody };
            prop_assert_eq!(wake, expected);
            is_owed &= !is_drained;
        }
        prop_assert!(!is_owed, "the queue is empty");
    }
}
