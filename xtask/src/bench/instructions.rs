//! Counts the instructions of the crates' small benchmarks, a figure that no other process on the machine changes.
//!
//! Each runs twice under callgrind, once with one round and once with many. The difference is the cost of the rounds
//! alone, without the start. Prints a table. Needs valgrind (the Debian package of that name).

use std::path::{Path, PathBuf};
use std::process::Command;

/// How many rounds the second run has more than the first.
const ROUNDS: u64 = 20;

struct Suite {
    package: &'static str,
    bench: &'static str,
    features: &'static [&'static str],
    /// The cases, with the number of items in one round.
    cases: &'static [(&'static str, u64)],
}

const SUITES: [Suite; 3] = [
    Suite {
        package: "socketio",
        bench: "packets",
        features: &[],
        cases: &[("decode_an_event", 1), ("encode_an_event", 1), ("encode_an_ack", 1)],
    },
    Suite {
        package: "socketio-server",
        bench: "fan_out",
        features: &["--features", "simulation"],
        cases: &[
            ("deliver_a_batch/1", 100),
            ("deliver_a_batch/16", 1_600),
            ("deliver_a_batch/256", 25_600),
            ("take_events", 64),
        ],
    },
    Suite {
        package: "chat-sqlite",
        bench: "append",
        features: &[],
        cases: &[("append_a_batch/1", 1), ("append_a_batch/32", 32), ("append_a_batch/512", 512)],
    },
];

pub(super) fn count(root: &Path) -> Result<(), String> {
    println!("| benchmark | instructions per item |\n|---|---|");
    for suite in &SUITES {
        let program = build(root, suite)?;
        for (case, items) in suite.cases {
            let once = executed(&program, suite.bench, case, 1)?;
            let often = executed(&program, suite.bench, case, 1 + ROUNDS)?;
            let each = often.saturating_sub(once) / (ROUNDS * items);
            println!("| {}: {} | {each} |", suite.package, case.replace('_', " "));
        }
    }
    Ok(())
}

/// Builds the program of the benchmark, and returns its path.
fn build(root: &Path, suite: &Suite) -> Result<PathBuf, String> {
    let mut command = Command::new("cargo");
    command.args(["bench", "--no-run", "--package", suite.package, "--bench", suite.bench]);
    let output = command.args(suite.features).current_dir(root).output().map_err(|err| err.to_string())?;
    let words = String::from_utf8_lossy(&output.stderr);
    // The last line has the path: `Executable benches/append.rs (target/release/deps/append-0123)`.
    let path = words.lines().rev().find_map(|line| line.rsplit_once('(')?.1.strip_suffix(')'));
    match path {
        Some(path) if output.status.success() => Ok(root.join(path)),
        _ => Err(format!("{command:?}: {words}")),
    }
}

fn executed(program: &Path, bench: &str, case: &str, rounds: u64) -> Result<u64, String> {
    let (name, argument) = case.split_once('/').unwrap_or((case, ""));
    let name =
        if argument.is_empty() { format!("{bench}::{name}") } else { format!("{bench}::{name}::{argument}") };
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    command.args(["--bench", "--exact", &name, "--sample-count", "1", "--sample-size", &rounds.to_string()]);
    let output = command.output().map_err(|err| format!("valgrind: {err}"))?;
    let words = String::from_utf8_lossy(&output.stderr);
    let collected = words.lines().find_map(|line| line.split_once("Collected : "));
    collected
        .and_then(|(_, number)| number.trim().parse().ok())
        .ok_or_else(|| format!("{command:?}: {words}"))
}
