//! The short form of the proof: some hundred worlds, the same world twice, and every planted bug. The long form is
//! `cargo xtask sim`.
//!
//! A planted bug is first looked for in a short world that is known to find it ([`SEEDS_OF_BUGS`]), so that the short form
//! is short. `cargo xtask sim --planted` and `cargo xtask proof` look for it in all worlds from the first one on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use simulation::{Run, Telling, bugs, run};
use tidings::v1::names::{CommandName, RequestName};

/// Worlds in the short form; their number is the seed. It is built without optimization, and takes minutes.
const SEEDS: u64 = 200;

/// How many worlds a planted bug may take to be found.
const PLANTED_SEEDS: u64 = 1_000;

/// A short world that finds each planted bug; the others are tried if it does not find it any more. Written anew by
/// `cargo xtask sim --planted --keep crates/simulation/tests/planted_seeds.txt`.
const SEEDS_OF_BUGS: &str = include_str!("planted_seeds.txt");

/// Runs `work` for 0, 1, … on all cores, until one of the calls returns `None`.
fn on_all_cores<T: Send>(count: u64, work: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let (next, results) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        return;
                    }
                    let result = work(index);
                    results.lock().unwrap_or_else(PoisonError::into_inner).push(result);
                }
            });
        }
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn every_promise_holds_in_some_hundred_hostile_worlds() {
    let runs = on_all_cores(SEEDS, |index| run(index + 1, None, Telling::Verdict));
    for Run { seed, violations, .. } in &runs {
        assert!(violations.is_empty(), "cargo xtask sim --story --from {seed}: {violations:#?}");
    }
    let sent: BTreeSet<_> = runs.iter().flat_map(|run| &run.events).copied().collect();
    let commands = CommandName::ALL.into_iter().map(CommandName::as_str);
    for event in commands.chain(RequestName::ALL.into_iter().map(RequestName::as_str)) {
        assert!(
            sent.contains(event),
            "nobody sends {event:?}: add it to crates/simulation/src/person/habits.rs"
        );
    }
    let mut rare: BTreeMap<&str, u64> = BTreeMap::new();
    for (state, count) in runs.iter().flat_map(|run| &run.rare) {
        *rare.entry(state).or_default() += count;
    }
    let never: Vec<_> = rare.iter().filter(|(_, count)| **count == 0).collect();
    assert!(never.is_empty(), "never reached: {never:?}");
    let counts = |count: fn(&Run) -> u64| runs.iter().map(count).sum::<u64>();
    // A simulation in which nothing happens proves nothing.
    assert!(counts(|run| run.counts.crashes) > SEEDS / 2);
    assert!(counts(|run| run.counts.restores) > SEEDS / 20);
    assert!(counts(|run| run.counts.restarts) > SEEDS / 20);
    assert!(counts(|run| run.counts.recovered) > SEEDS * 4);
    assert!(counts(|run| run.counts.upgrades) > SEEDS);
    assert!(counts(|run| run.messages as u64) > SEEDS * 40);
    assert!(counts(|run| run.counts.commands) > SEEDS * 20);
    assert!(counts(|run| run.counts.resumed) > SEEDS);
    assert!(counts(|run| run.counts.refilled) > SEEDS * 20);
}

#[test]
fn the_same_seed_is_the_same_run_to_the_last_event() {
    let hashes = |seed| {
        let (first, second) = (run(seed, None, Telling::Story), run(seed, None, Telling::Story));
        assert_eq!(first.story, second.story, "seed {seed}");
        assert_eq!(first.hash, second.hash, "seed {seed}");
        first.hash
    };
    let mut hashes: Vec<u64> = on_all_cores(20, |index| hashes(index + 1));
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 20, "seeds differ from each other");
}

#[test]
fn every_planted_bug_is_found() {
    let bugs = bugs();
    let missed = on_all_cores(bugs.len() as u64, |index| {
        let bug = bugs[usize::try_from(index).expect("an index of a short list")];
        let finds = |seed| !run(seed, Some(bug), Telling::Verdict).violations.is_empty();
        let name = format!("{bug:?} ");
        let known = SEEDS_OF_BUGS.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok());
        (!known.into_iter().chain(1..=PLANTED_SEEDS).any(finds)).then_some(bug)
    });
    let missed: Vec<_> = missed.into_iter().flatten().collect();
    assert!(missed.is_empty(), "not found in {PLANTED_SEEDS} worlds: {missed:?}");
}
