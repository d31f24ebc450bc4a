//! What a feed says that it takes of the memory, beside what the allocator has given out: this test counts all blocks of
//! its process, so it is alone in its binary.

use std::alloc::System;

use socketio_server::{Feed, FeedConfig, FeedEntry, Frame, MemberChange, Selection};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What an allocator takes for a block beside the bytes that were asked for: its own word, and whole sixteens.
const BESIDE_A_BLOCK: usize = 16;

/// So much may the account be wrong, in percent.
const TOLERANCE: usize = 6;

/// Bytes that the process holds now beyond those at the start of `region`.
fn held(region: &Region<'_, System>) -> usize {
    let change = region.change();
    let blocks = change.allocations - change.deallocations;
    change.bytes_allocated - change.bytes_deallocated + blocks * BESIDE_A_BLOCK
}

/// Numbers from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn entry(&mut self) -> FeedEntry {
        let length = [2, 64, 64, 300, 3_000][usize::try_from(self.below(5)).expect("small")];
        let text = "x".repeat(usize::try_from(self.below(length)).expect("small"));
        let room = format!("r:{}", self.below(1_000_000));
        let audience = match self.below(4) {
            0 => Selection::everyone(),
            1 => Selection::room(room).except(format!("u:{}", self.below(100))),
            2 => Selection::room(room).to("another"),
            _ => Selection::room(room),
        };
        let entry = FeedEntry::new(audience, Frame::text(&format!(r#"2["said","{text}"]"#)));
        match self.below(12) {
            0 => FeedEntry::silent(),
            1 => entry.with_changes([MemberChange::enter("u:ada", "r:7")]),
            2 => entry.with_anchor(1),
            _ => entry,
        }
    }
}

/// Publishes and scrubs as `seed` says, and compares the account with the allocator's from time to time.
fn check(seed: u64, batch_max: u64, ring_bytes_max: usize) {
    let mut random = Random(seed);
    let region = Region::new(ALLOCATOR);
    let feed = Feed::new(FeedConfig { ring_bytes_max, ..FeedConfig::in_memory() });
    let empty = held(&region);
    let mut next = 1;
    for round in 1..=600 {
        let count = 1 + random.below(batch_max);
        let entries = (0..count).map(|_| random.entry()).collect();
        feed.publish(next, entries, Vec::new());
        next += count;
        if random.below(10) == 0 {
            feed.replace(1 + random.below(next - 1), random.entry());
        }
        if round % 100 == 0 {
            let (account, really) = (feed.memory(), held(&region) - empty);
            let difference = account.abs_diff(really) * 100 / really;
            assert!(
                difference <= TOLERANCE,
                "seed {seed}, batches of {batch_max}: {account} instead of {really}"
            );
            assert!(account <= ring_bytes_max, "{account} bytes in a ring of {ring_bytes_max}");
        }
    }
}

#[test]
fn the_account_of_a_feed_is_that_of_the_allocator() {
    for seed in 1..=2 {
        for batch_max in [1, 3, 100] {
            check(seed, batch_max, 64 << 20);
            check(seed, batch_max, 1 << 20);
        }
    }
}
