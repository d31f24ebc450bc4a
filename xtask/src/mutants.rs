//! `cargo xtask mutants`: changes the code in many small ways, one at a time, and demands that a test notices each.
//!
//! cargo-mutants makes the changes and runs the tests of the changed crate. A change that no test notices is a missing
//! test, or has its reason in `xtask/mutants-reviewed.txt`. The command writes docs/mutants.md; parts that were not run
//! keep their rows. A sample is a shard of all changes that is chosen by the date, and writes nothing.

#![expect(clippy::print_stdout, reason = "what a command prints is its result")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use crate::root::workspace_root;
use crate::test::cargo_command;

const USAGE: &str = "\
usage: cargo xtask mutants [--sample N [--seed S]] [PART ...]

  Changes the code of the named parts, or of all, in small ways, one at a time, and demands that a test fails.
  --sample N   only one in N changes, chosen by the date; writes no page
  --seed S     the sample of another day, as its run printed it";

const VERSION: &str = "27.1.0";

/// The page that the command writes.
const PAGE: &str = "docs/mutants.md";

/// The changes that may live, each with its reason.
const REVIEWED: &str = "xtask/mutants-reviewed.txt";

/// So many of a hundred changes may be in the reviewed list.
const REVIEWED_PERCENT_MAX: usize = 3;

/// Code of tests, which no test tests.
const EXCLUDED: [&str; 5] = [
    "crates/chat/src/conformance.rs",
    "crates/chat/src/conformance/**/*.rs",
    "crates/chat/src/planted.rs",
    "crates/socketio-server/src/planted.rs",
    "crates/tidings/src/planted.rs",
];

/// Code that is measured by the tests of its own crate.
struct Part {
    name: &'static str,
    package: &'static str,
    /// All of the crate, if there are none.
    files: &'static [&'static str],
    /// So many of a hundred changes have to be noticed.
    percent_min: usize,
}

const PARTS: &[Part] = &[
    Part { name: "engineio", package: "engineio", files: &[], percent_min: 95 },
    Part { name: "socketio", package: "socketio", files: &[], percent_min: 95 },
    Part { name: "chat", package: "chat", files: &[], percent_min: 95 },
    Part { name: "chat-sqlite", package: "chat-sqlite", files: &[], percent_min: 90 },
    Part {
        name: "feed",
        package: "socketio-server",
        files: &["crates/socketio-server/src/feed.rs", "crates/socketio-server/src/feed/**/*.rs"],
        percent_min: 95,
    },
    Part {
        name: "recovery",
        package: "socketio-server",
        files: &[
            "crates/socketio-server/src/worker/recovery.rs",
            "crates/socketio-server/src/worker/connecting.rs",
            "crates/socketio-server/src/worker/connect.rs",
            "crates/socketio-server/src/worker/ahead.rs",
        ],
        percent_min: 95,
    },
    Part {
        name: "worker",
        package: "socketio-server",
        files: &["crates/socketio-server/src/worker.rs", "crates/socketio-server/src/worker/**/*.rs"],
        percent_min: 90,
    },
    Part {
        name: "http",
        package: "socketio-server",
        files: &["crates/socketio-server/src/http/**/*.rs", "crates/socketio-server/src/door/**/*.rs"],
        percent_min: 90,
    },
    Part {
        name: "v1",
        package: "tidings",
        files: &["crates/tidings/src/v1/**/*.rs", "crates/tidings/src/profile/**/*.rs"],
        percent_min: 90,
    },
];

#[derive(Default)]
struct Options {
    sample: Option<u64>,
    seed: Option<u64>,
    parts: Vec<String>,
}

pub(crate) fn run(args: impl Iterator<Item = String>) -> ExitCode {
    let Some(options) = parse(args) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match measure(&workspace_root(), &options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(err) => {
            eprintln!("{err}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut args: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options::default();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--sample" => options.sample = Some(args.next()?.parse().ok().filter(|of| *of > 0)?),
            "--seed" => options.seed = Some(args.next()?.parse().ok()?),
            name if PARTS.iter().any(|part| part.name == name) => options.parts.push(arg),
            _ => return None,
        }
    }
    Some(options)
}

/// Whether enough was noticed everywhere.
fn measure(root: &Path, options: &Options) -> Result<bool, String> {
    let path = cargo_command(root, "cargo-mutants", VERSION)?;
    let shard = options.sample.map(|of| {
        let seed = options.seed.unwrap_or_else(day);
        println!("one in {of} changes, seed {seed}");
        format!("{}/{of}", seed % of)
    });
    let told = |err: std::io::Error| format!("{REVIEWED}: {err}");
    let reviewed = reviewed(&fs::read_to_string(root.join(REVIEWED)).map_err(told)?)?;
    let mut rows = Vec::new();
    let mut is_good = true;
    for part in PARTS.iter().filter(|part| options.parts.is_empty() || is_named(options, part)) {
        let mut cargo = Command::new("cargo");
        let output = root.join("target/mutants").join(part.name);
        fs::create_dir_all(&output).map_err(|err| format!("{}: {err}", output.display()))?;
        cargo
            .args(["mutants", "--colors", "never", "--no-times", "--package", part.package])
            .args(["--minimum-test-timeout", "60", "--sharding", "round-robin", "--output"])
            .arg(&output)
            .args(part.files.iter().flat_map(|file| ["--file", file]))
            .args(EXCLUDED.iter().flat_map(|file| ["--exclude", file]))
            .args(shard.iter().flat_map(|shard| ["--shard", shard]))
            .args(["--", "--locked"])
            .current_dir(root)
            .env("PATH", &path)
            // The dependencies are built once for all parts.
            .env("CARGO_TARGET_DIR", root.join("target/mutants/build"))
            .env("TIDINGS_WEB", "skip");
        // It exits with an error if a change lives; the outcomes say which.
        cargo.status().map_err(|err| format!("cargo mutants: {err}"))?;
        let counts = counts(&output.join("mutants.out/outcomes.json"), &reviewed)?;
        is_good &= counts.say(part);
        rows.push((part.name, counts.row(part)));
    }
    if shard.is_none() {
        let page = root.join(PAGE);
        let text = page_with(&fs::read_to_string(&page).unwrap_or_default(), &rows);
        fs::write(&page, text).map_err(|err| format!("{PAGE}: {err}"))?;
    }
    Ok(is_good)
}

fn is_named(options: &Options, part: &Part) -> bool {
    options.parts.iter().any(|name| name == part.name)
}

/// Days since 1970.
fn day() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs() / 86_400)
}

/// Each line is a change as cargo-mutants names it, without its place, and after ` -- ` the reason why it may live.
fn reviewed(list: &str) -> Result<BTreeSet<String>, String> {
    let lines = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| match line.split_once(" -- ") {
            Some((change, reason)) if !reason.trim().is_empty() => Ok(change.to_owned()),
            _ => Err(format!("{REVIEWED}: no reason in {line:?}")),
        })
        .collect()
}

/// What became of the changes of one part.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    noticed: usize,
    /// Does not compile.
    impossible: usize,
    reviewed: usize,
    lived: Vec<String>,
}

#[derive(Deserialize)]
struct Outcomes {
    outcomes: Vec<Outcome>,
}

#[derive(Deserialize)]
struct Outcome {
    scenario: Scenario,
    summary: String,
}

#[derive(Deserialize)]
enum Scenario {
    Baseline,
    Mutant { name: String },
}

fn counts(file: &Path, reviewed: &BTreeSet<String>) -> Result<Counts, String> {
    let text = fs::read_to_string(file).map_err(|err| format!("{}: {err}", file.display()))?;
    let Outcomes { outcomes } =
        serde_json::from_str(&text).map_err(|err| format!("{}: {err}", file.display()))?;
    count(outcomes, reviewed)
}

fn count(outcomes: Vec<Outcome>, reviewed: &BTreeSet<String>) -> Result<Counts, String> {
    let mut counts = Counts::default();
    for Outcome { scenario, summary } in outcomes {
        let Scenario::Mutant { name } = scenario else {
            if summary != "Success" {
                return Err(format!("the tests of the unchanged code: {summary}"));
            }
            continue;
        };
        match summary.as_str() {
            // A change by which a test hangs is noticed.
            "CaughtMutant" | "Timeout" => counts.noticed += 1,
            "Unviable" => counts.impossible += 1,
            _ if reviewed.contains(&without_place(&name)) => counts.reviewed += 1,
            _ => counts.lived.push(name),
        }
    }
    Ok(counts)
}

/// `crates/chat/src/ids.rs:29:5: replace …` without the line and the column, which move.
fn without_place(name: &str) -> String {
    let Some((place, change)) = name.split_once(": ") else { return name.to_owned() };
    let file = place.split(':').next().unwrap_or(place);
    format!("{file}: {change}")
}

impl Counts {
    fn all(&self) -> usize {
        self.noticed + self.reviewed + self.lived.len()
    }

    /// Of those that could be noticed.
    fn percent(&self) -> usize {
        (100 * self.noticed).checked_div(self.all() - self.reviewed).unwrap_or(100)
    }

    /// Prints the result, and whether it is good enough.
    fn say(&self, part: &Part) -> bool {
        for name in &self.lived {
            println!("lives: {name}");
        }
        let (name, percent, needed) = (part.name, self.percent(), part.percent_min);
        println!(
            "{name}: {} of {} changes noticed, {percent} % ({needed} are needed)",
            self.noticed,
            self.all()
        );
        let is_short = self.reviewed * 100 <= REVIEWED_PERCENT_MAX * self.all().max(100);
        if !is_short {
            println!("{name}: more than {REVIEWED_PERCENT_MAX} % are in the reviewed list");
        }
        percent >= needed && is_short
    }

    fn row(&self, part: &Part) -> String {
        let mut row = format!("| {} ", part.name);
        for number in [self.all(), self.noticed, self.reviewed, self.lived.len(), self.impossible] {
            write!(row, "| {number} ").expect("a string takes everything");
        }
        write!(row, "| {} % | {} % |", self.percent(), part.percent_min).expect("a string takes everything");
        row
    }
}

/// The page with new rows; parts that were not run keep theirs.
fn page_with(old: &str, rows: &[(&str, String)]) -> String {
    let mut page = String::from(
        "# Mutants\n\n\
         Written by `cargo xtask mutants`. It changes the code in many small ways, one at a time, and runs the tests of the\n\
         changed crate: end-to-end tests, browser tests, the simulation and the proof are not asked. A change that no test\n\
         notices shows what the tests do not check. *Reviewed* changes are in `xtask/mutants-reviewed.txt`, each with the\n\
         reason why nobody could notice it; *impossible* ones do not compile.\n\n\
         | part | changes | noticed | reviewed | live | impossible | noticed of those that can be | needed |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for part in PARTS {
        let begins = format!("| {} |", part.name);
        let new = rows.iter().find(|(name, _)| *name == part.name).map(|(_, row)| row.as_str());
        let row = new.or_else(|| old.lines().find(|line| line.starts_with(&begins)));
        let missing = format!("| {} | not measured yet | | | | | | {} % |", part.name, part.percent_min);
        page.push_str(row.unwrap_or(&missing));
        page.push('\n');
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(name: &str, summary: &str) -> Outcome {
        Outcome { scenario: Scenario::Mutant { name: name.into() }, summary: summary.into() }
    }

    #[test]
    fn a_change_is_known_by_what_it_is_and_not_by_its_place() {
        let reviewed = reviewed("# why\n\na.rs: replace f -> bool with true -- f only saves time\n").unwrap();
        let outcomes = vec![
            outcome("a.rs:1:2: replace f -> bool with true", "MissedMutant"),
            outcome("a.rs:7:2: replace f -> bool with false", "MissedMutant"),
            outcome("b.rs:1:1: replace g -> u8 with 0", "Timeout"),
            outcome("b.rs:1:1: replace g -> u8 with 1", "CaughtMutant"),
            outcome("b.rs:1:1: replace g -> T with Default", "Unviable"),
        ];
        let counts = count(outcomes, &reviewed).unwrap();
        let lived = vec!["a.rs:7:2: replace f -> bool with false".to_owned()];
        assert_eq!(counts, Counts { noticed: 2, impossible: 1, reviewed: 1, lived });
        assert_eq!((counts.all(), counts.percent()), (4, 66));
    }

    #[test]
    fn every_reviewed_change_has_a_reason() {
        assert!(reviewed("a.rs: replace f -> bool with true").is_err());
        assert!(reviewed("a.rs: replace f -> bool with true -- ").is_err());
    }

    #[test]
    fn tests_that_fail_by_themselves_measure_nothing() {
        let baseline = Outcome { scenario: Scenario::Baseline, summary: "Failure".into() };
        assert!(count(vec![baseline], &BTreeSet::new()).is_err());
    }

    #[test]
    fn parts_that_were_not_run_keep_their_rows() {
        let counts = Counts { noticed: 9, lived: vec!["x".into()], ..Counts::default() };
        let page = page_with("", &[("chat", counts.row(&PARTS[2]))]);
        assert!(page.contains("\n| chat | 10 | 9 | 0 | 1 | 0 | 90 % | 95 % |\n"), "{page}");
        assert!(page.contains("| socketio | not measured yet |"));
        assert_eq!(page_with(&page, &[]), page);
    }
}
