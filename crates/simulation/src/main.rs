//! Runs seeds and reports which of them broke a rule: `simulation --seeds N --from S [--planted | --story]`.
//!
//! Its output is for people. `--record` keeps the same figures for `cargo xtask proof`, which makes a page of them.

#![expect(clippy::print_stdout, reason = "what a command prints is its result")]

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulation::{Bug, RareCounts, Run, Telling, bugs, run};

const USAGE: &str = "\
usage: simulation [--seeds N] [--from S] [--jobs J] [--record FILE] [--planted [--bug NAME] | --story]

  --seeds N    how many seeds to run (100)
  --from S     the first of them (1)
  --jobs J     how many at once (one per core)
  --record F   append the result to a file, an object of JSON per line
  --planted    plant each known bug in turn and count the seeds that it takes to find it, N at most
  --bug NAME   only the bugs that have this in their name
  --keep F     look for each bug in more seeds, and write the one with the shortest story to a file, as
               `tests/planted_seeds.txt` has them
  --story      tell everything that happens in one seed";

/// So many seeds reach every rare state, or the run fails.
const RARE_SEEDS: u64 = 400;

/// With `--keep`, each planted bug is looked for in this many seeds at least.
const KEPT_SEEDS: u64 = 12;

/// How many seeds a planted bug may take to be found, without `--seeds`.
const PLANTED_SEEDS: u64 = 1_000;

#[derive(Clone)]
struct Options {
    seeds: Option<u64>,
    from: u64,
    jobs: usize,
    record: Option<PathBuf>,
    bug: String,
    keep: Option<PathBuf>,
    task: Task,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    Seeds,
    Planted,
    Story,
}

fn main() -> ExitCode {
    let Some(options) = parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let failed = match options.task {
        Task::Seeds => run_seeds(&options),
        Task::Planted => find_bugs(&options),
        Task::Story => tell(options.from),
    };
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn parse(mut args: impl Iterator<Item = String>) -> Option<Options> {
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let mut options = Options {
        seeds: None,
        from: 1,
        jobs,
        record: None,
        bug: String::new(),
        keep: None,
        task: Task::Seeds,
    };
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--seeds" => options.seeds = Some(args.next()?.parse().ok()?),
            "--from" => options.from = args.next()?.parse().ok()?,
            "--jobs" => options.jobs = args.next()?.parse().ok()?,
            "--record" => options.record = Some(args.next()?.into()),
            "--bug" => options.bug = args.next()?,
            "--keep" => options.keep = Some(args.next()?.into()),
            "--planted" => options.task = Task::Planted,
            "--story" => options.task = Task::Story,
            _ => return None,
        }
    }
    Some(options)
}

/// The sums over all runs.
#[derive(Default)]
struct Sum {
    failed: u64,
    messages: u64,
    connections: u64,
    recovered: u64,
    crashes: u64,
    restarts: u64,
    restores: u64,
    upgrades: u64,
    link_faults: u64,
    given_up: u64,
    commands: u64,
    resumed: u64,
    refilled: u64,
    of_several: u64,
    sieges: u64,
    moves: u64,
    overtaken: u64,
    virtual_time: Duration,
    rare: RareCounts,
}

fn run_seeds(options: &Options) -> u64 {
    let begin = Instant::now();
    let seeds = options.seeds.unwrap_or(100);
    let next = AtomicU64::new(options.from);
    let end = options.from.saturating_add(seeds);
    let sum = Mutex::new(Sum::default());
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let outcome = run(seed, None, Telling::Verdict);
                    add(&mut sum.lock().expect("nobody panics with the sum"), &outcome);
                    tell_progress(seed + 1 - options.from, seeds, begin);
                }
            });
        }
    });
    let sum = sum.into_inner().expect("nobody panics with the sum");
    println!(
        "{} messages, {} connections ({} recovered, {} upgraded), {} kills, {} restarts, {} restored backups, {} link faults, \
         {} messages given up by their clients, {:.1} hours of virtual time in {:.1} s",
        sum.messages,
        sum.connections,
        sum.recovered,
        sum.upgrades,
        sum.crashes,
        sum.restarts,
        sum.restores,
        sum.link_faults,
        sum.given_up,
        sum.virtual_time.as_secs_f64() / 3_600.0,
        begin.elapsed().as_secs_f64(),
    );
    println!(
        "of /v1: {} commands answered, {} connections resumed, {} entries asked for",
        sum.commands, sum.resumed, sum.refilled,
    );
    println!(
        "of two nodes: {} seeds, {} connections that changed nodes, {} batches decided anew",
        sum.of_several, sum.moves, sum.overtaken,
    );
    println!("of limits: {} seeds", sum.sieges);
    let never = tell_rare(&sum.rare, seeds);
    println!("{} passed, {} failed", seeds - sum.failed, sum.failed);
    options.record(&json!({
        "section": "simulation", "first seed": options.from, "seeds": seeds, "passed": seeds - sum.failed,
        "failed": sum.failed, "virtual hours": (sum.virtual_time.as_secs_f64() / 360.0).round() / 10.0,
        "messages": sum.messages, "connections": sum.connections, "of these recovered": sum.recovered,
        "upgrades to WebSocket": sum.upgrades, "kills": sum.crashes, "restarts in order": sum.restarts,
        "restored backups": sum.restores, "faults of the network": sum.link_faults,
        "messages given up by their clients": sum.given_up, "commands of /v1": sum.commands,
        "seeds with two nodes": sum.of_several, "seeds with limits": sum.sieges, "connections that changed nodes": sum.moves,
        "batches decided anew": sum.overtaken, "connections of /v1 resumed": sum.resumed, "entries of /v1 asked for": sum.refilled, "jobs": options.jobs,
        "took, s": begin.elapsed().as_secs_f64().round(),
    }));
    sum.failed + never
}

/// Tells how often each rare state was reached. Returns how many never were, if there were enough seeds.
fn tell_rare(rare: &RareCounts, seeds: u64) -> u64 {
    println!("rare states, and how often they were reached:");
    for (state, count) in rare {
        println!("  {state:<24}{count:>9}");
    }
    let never: Vec<_> = rare.iter().filter(|(_, count)| **count == 0).map(|(state, _)| state).collect();
    if never.is_empty() || seeds < RARE_SEEDS {
        return 0;
    }
    println!("never reached: {never:?}");
    never.len() as u64
}

impl Options {
    fn record(&self, result: &Value) {
        let Some(path) = &self.record else { return };
        let kept = OpenOptions::new().create(true).append(true).open(path);
        if let Err(error) = kept.and_then(|mut file| writeln!(file, "{result}")) {
            eprintln!("{}: {error}", path.display());
        }
    }

    fn keep_seeds(&self, bugs: &[Bug], found: &[Option<u64>]) {
        let Some(path) = &self.keep else { return };
        let lines = bugs.iter().zip(found).filter_map(|(bug, seed)| Some(format!("{bug:?} {}\n", (*seed)?)));
        if let Err(error) = std::fs::write(path, lines.collect::<String>()) {
            eprintln!("{}: {error}", path.display());
        }
    }
}

/// Reports progress now and then.
fn tell_progress(done: u64, seeds: u64, begin: Instant) {
    const EVERY: u64 = 5_000;
    if done.is_multiple_of(EVERY) && done < seeds {
        eprintln!("{done} of {seeds} seeds in {:.0} s", begin.elapsed().as_secs_f64());
    }
}

fn add(sum: &mut Sum, outcome: &Run) {
    let counts = outcome.counts;
    sum.messages += outcome.messages as u64;
    sum.connections += counts.connections;
    sum.recovered += counts.recovered;
    sum.crashes += counts.crashes;
    sum.restarts += counts.restarts;
    sum.restores += counts.restores;
    sum.upgrades += counts.upgrades;
    sum.link_faults += counts.link_faults;
    sum.given_up += counts.given_up;
    sum.commands += counts.commands;
    sum.resumed += counts.resumed;
    sum.refilled += counts.refilled;
    sum.of_several += u64::from(outcome.is_of_several);
    sum.sieges += u64::from(outcome.is_siege);
    sum.moves += counts.moves;
    sum.overtaken += counts.overtaken;
    sum.virtual_time += outcome.lasted;
    for (state, count) in &outcome.rare {
        *sum.rare.entry(state.clone()).or_default() += count;
    }
    if !outcome.violations.is_empty() {
        sum.failed += 1;
        println!("seed {} broke a promise; replay: cargo xtask sim --story --from {0}", outcome.seed);
        for violation in &outcome.violations {
            println!("  {violation}");
        }
    }
}

/// Plants each bug in turn; returns how many were not found.
fn find_bugs(options: &Options) -> u64 {
    let seeds = options.seeds.unwrap_or(PLANTED_SEEDS);
    let is_wanted = |bug: &Bug| format!("{bug:?}").contains(&options.bug);
    let bugs: Vec<Bug> = bugs().into_iter().filter(is_wanted).collect();
    let next = AtomicU64::new(0);
    let found = Mutex::new(vec![None; bugs.len()]);
    // A planted bug may make the server panic; that is a find like any other.
    std::panic::set_hook(Box::new(|_| {}));
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let index = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap_or(usize::MAX);
                    let Some(bug) = bugs.get(index) else { return };
                    let seed = find(*bug, options, seeds);
                    found.lock().expect("nobody panics with the seeds")[index] = seed;
                }
            });
        }
    });
    let found = found.into_inner().expect("nobody panics with the seeds");
    options.keep_seeds(&bugs, &found);
    let missed = found.iter().filter(|seed| seed.is_none()).count() as u64;
    println!("{} passed, {missed} failed", bugs.len() as u64 - missed);
    missed
}

/// The first seed that finds the bug. With `--keep`, the one with the shortest story among some.
fn find(bug: Bug, options: &Options, seeds: u64) -> Option<u64> {
    let from = options.from;
    let mut found: Option<Run> = None;
    for seed in from..from.saturating_add(seeds) {
        let is_enough = options.keep.is_none() || seed >= from.saturating_add(KEPT_SEEDS);
        if found.is_some() && is_enough {
            break;
        }
        let outcome = run(seed, Some(bug), Telling::Verdict);
        let Some(violation) = outcome.violations.first() else { continue };
        if found.is_none() {
            println!("{bug:?}: found by seed {seed}: {violation}");
            let tried = seed - from + 1;
            options.record(&json!({ "section": "planted", "bug": format!("{bug:?}"), "tried": tried,
                "violation": violation.to_string() }));
        }
        if found.as_ref().is_none_or(|found| outcome.lines < found.lines) {
            found = Some(outcome);
        }
    }
    if found.is_none() {
        println!("{bug:?}: NOT found in {seeds} seeds");
    }
    found.map(|found| found.seed)
}

fn tell(seed: u64) -> u64 {
    let outcome = run(seed, None, Telling::Story);
    println!("{}", outcome.story.unwrap_or_default());
    for violation in &outcome.violations {
        println!("{violation}");
    }
    let failed = u64::from(!outcome.violations.is_empty());
    println!("hash {:016x}\n{} passed, {failed} failed", outcome.hash, 1 - failed);
    failed
}
