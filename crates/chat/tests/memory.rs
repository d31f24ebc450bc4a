//! What the queue says that waiting drafts take, beside what the allocator has given out: this test counts all blocks of
//! its process, so it is alone in its binary.

use std::alloc::System;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use chat::{
    Admission, Appender, ClientKey, Closed, Command, Committed, DirectoryHandle, Draft, Epoch, Identity,
    Limits, MemoryDisk, MemoryLog, Ports, QueueBounds, RoomId, Text, UnixMillis, UserId,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What an allocator takes for a block beside the bytes that were asked for: its own word, and whole sixteens.
const BESIDE_A_BLOCK: usize = 16;

/// Bytes that the process holds now beyond those at the start of `region`.
fn held(region: &Region<'_, System>) -> usize {
    let change = region.change();
    let blocks = change.allocations - change.deallocations;
    change.bytes_allocated - change.bytes_deallocated + blocks * BESIDE_A_BLOCK
}

fn draft(number: usize, length: usize) -> Draft {
    let text = match number % 3 {
        // What is shown is not what was sent, so both are kept.
        0 => Text::parse(&format!("x{}", "\0".repeat(length / 3))).expect("it shows something"),
        _ => Text::from_stored(&"x".repeat(length)),
    };
    let command = match number % 7 {
        6 => Command::Direct { with: (0..20).map(UserId).collect() },
        _ => Command::Say { room: RoomId::LOBBY, text },
    };
    let key = number.is_multiple_of(2).then(|| ClientKey::from_stored(&format!("xUz3kQ-{number}")));
    Draft { identity: Identity::Lineage { lineage: None, key }, command, at: UnixMillis(0), over_quota: None }
}

/// Lets drafts of this length wait until the queue refuses one.
fn check(length: usize) {
    let bounds = QueueBounds { hard_bytes: 4 << 20, ..QueueBounds::default() };
    let mut log = MemoryLog::open(&MemoryDisk::default(), Epoch(1));
    let directory = DirectoryHandle::load(&mut log).expect("an empty log");
    let (begun_tx, begun) = sync_channel(1);
    let (go_on, gate) = sync_channel::<()>(0);
    // The appender's thread waits here, so that nobody takes what comes next.
    let delivery = move |_: Committed<usize>| {
        let _ = begun_tx.try_send(());
        let _ = gate.recv();
    };
    let ports = Ports {
        on_room: Box::new(|| ()),
        on_written: Box::new(|_| None),
        on_fatal: Box::new(|fatal| panic!("{fatal}")),
        clock: Box::new(Instant::now),
    };
    let appender = Appender::start(log, &directory, delivery, Limits::default(), bounds, ports)
        .expect("a thread can be started");
    assert!(matches!(appender.submit(draft(1, 1), 0), Admission::Accepted));
    begun.recv().expect("the appender delivers");
    let region = Region::new(ALLOCATOR);
    let mut number = 0;
    while !matches!(appender.submit_quietly(draft(number, length), number), Admission::Refused { .. }) {
        number += 1;
    }
    let (account, really) = (appender.waiting_bytes(), held(&region));
    assert!(account <= bounds.hard_bytes, "{account} bytes of {}", bounds.hard_bytes);
    assert!(account > bounds.hard_bytes / 20 * 19, "it is full with {account}");
    assert!(really <= account + account / 20, "{number} drafts of {length}: {account} are really {really}");
    assert!(account <= really * 2, "{number} drafts of {length}: {account} are really {really}");
    drop(go_on);
    assert_eq!(appender.close(), Closed::Drained);
    assert_eq!(appender.waiting_bytes(), 0);
}

#[test]
fn the_account_of_the_queue_covers_what_the_allocator_gave() {
    for length in [1, 64, 1_000, 16_000] {
        check(length);
    }
}
