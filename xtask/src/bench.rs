//! `cargo xtask bench`: compares our server with its peers and a bare-kernel floor, and writes `docs/performance.md`.
//!
//! It builds all contestants, then runs every workload against one after the other, again and again, so that other load
//! on the machine falls on all of them alike. `tidings-bench` measures and judges. The page is never written by hand.

#![expect(clippy::print_stdout, reason = "this command's product is the report on its standard output")]

mod contestant;
mod instructions;
mod page;
mod plan;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use serde::Deserialize;

use self::contestant::{Contestant, Contract, Server};
use self::plan::{PLANS, Plan, Row};
use crate::machine;

/// The error of a contestant that cannot run a row.
const ABSENT: &str = "does not take part";

const USAGE: &str = "\
usage: cargo xtask bench [options]

  --runs N          runs of each workload against each contestant (5)
  --seconds N       how long a run of the timed workloads measures (5); at ten messages a second not under 6
  --only WORDS      only rows whose name contains this, or `peers` or `costs` for all rows of one kind; may be given several
                    times
  --server-cpu N    core of the server (0)
  --client-cpu N    core of the client (1)
  --out FILE        where the page goes (docs/performance.md)
  --instructions    only count what the small benchmarks of the crates execute, under valgrind, and print it";

pub(crate) struct Options {
    runs: usize,
    seconds: u64,
    only: Vec<String>,
    server_cpu: usize,
    client_cpu: usize,
    out: PathBuf,
    instructions: bool,
}

/// What `tidings-bench` prints.
#[derive(Debug, Deserialize)]
struct Outcome {
    verdict: String,
    measures: BTreeMap<String, f64>,
    faults: BTreeMap<String, u64>,
}

/// All outcomes of one contestant in one row. A run without an outcome has an error.
type Outcomes = Vec<Result<Outcome, String>>;

/// Outcomes in the order of the plans, then of the rows, then of the contestants.
struct Results(Vec<Vec<(&'static Row, Vec<Outcomes>)>>);

pub(crate) fn run(args: impl Iterator<Item = String>) -> ExitCode {
    let options = match parse(args) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("{message}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let result = if options.instructions { instructions::count(&root()) } else { measure(&options) };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("bench: {message}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let out = PathBuf::from("docs/performance.md");
    let mut options = Options {
        runs: 5,
        seconds: 5,
        only: Vec::new(),
        server_cpu: 0,
        client_cpu: 1,
        out,
        instructions: false,
    };
    while let Some(name) = args.next() {
        if matches!(name.as_str(), "--help" | "-h") {
            return Ok(None);
        }
        if name == "--instructions" {
            options.instructions = true;
            continue;
        }
        let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
        let number = || value.parse().map_err(|_| format!("{name} needs a number, not {value}"));
        match name.as_str() {
            "--runs" => options.runs = number()?,
            "--seconds" => options.seconds = number()? as u64,
            "--only" => options.only.push(value),
            "--server-cpu" => options.server_cpu = number()?,
            "--client-cpu" => options.client_cpu = number()?,
            "--out" => options.out = value.into(),
            _ => return Err(format!("{name} is not an option")),
        }
    }
    Ok(Some(options))
}

fn measure(options: &Options) -> Result<(), String> {
    let root = root();
    let wanted = |plan: &'static Plan| plan.rows.iter().filter(|row| options.wants(plan, row));
    for plan in PLANS.iter().filter(|plan| wanted(plan).next().is_some()) {
        for contestant in plan.contestants {
            println!("building {}", contestant.name);
            contestant.build(&root)?;
        }
    }
    // The commit that was built, whatever is committed meanwhile.
    let revision = machine::revision();
    let empty = |plan: &Plan| plan.contestants.iter().map(|_| Vec::new()).collect();
    let nothing = |plan: &'static Plan| wanted(plan).map(|row| (row, empty(plan))).collect();
    let mut results = Results(PLANS.iter().map(nothing).collect());
    for turn in 1..=options.runs {
        for (plan, rows) in PLANS.iter().zip(&mut results.0) {
            run_rows(&root, plan, rows, options, turn);
        }
        // Written after each turn, so that an interrupted run leaves its results so far.
        let page = page::write(&results, options, turn, &revision);
        std::fs::write(root.join(&options.out), page).map_err(|err| err.to_string())?;
    }
    Ok(())
}

/// One turn of all contestants in all rows.
fn run_rows(
    root: &Path,
    plan: &Plan,
    rows: &mut [(&'static Row, Vec<Outcomes>)],
    options: &Options,
    turn: usize,
) {
    for (row, outcomes) in rows {
        for (contestant, outcomes) in plan.contestants.iter().zip(outcomes) {
            let outcome = run_one(root, row, contestant, options);
            let short = in_short(row, &outcome);
            println!("{turn}/{} {}: {}: {short}", options.runs, row.name, contestant.name);
            outcomes.push(outcome);
        }
    }
}

fn run_one(root: &Path, row: &Row, contestant: &Contestant, options: &Options) -> Result<Outcome, String> {
    let mut command = Command::new(root.join("target/release/tidings-bench"));
    command.args(row.arguments).args(contestant.arguments).arg("--json");
    if let Some(seconds) = row.seconds(options.seconds) {
        command.args(["--seconds", &seconds.to_string()]);
    }
    if row.contract != Contract::Start {
        command.args(["--pin-server", &options.server_cpu.to_string()]);
        command.args(["--pin-client", &options.client_cpu.to_string()]);
    }
    match contestant.server(root, row.contract) {
        Some(Server::Own) => {}
        Some(Server::Command(server)) => drop(command.arg("--server").arg(server)),
        None => return Err(ABSENT.into()),
    }
    let output = command.stderr(Stdio::piped()).output().map_err(|err| err.to_string())?;
    // A run that failed its judgement still reports its measures.
    serde_json::from_slice(&output.stdout).map_err(|_| {
        let words = String::from_utf8_lossy(&output.stderr);
        words.lines().last().unwrap_or("it has said nothing").trim_start_matches("tidings-bench: ").to_owned()
    })
}

fn in_short(row: &Row, outcome: &Result<Outcome, String>) -> String {
    match outcome {
        Ok(outcome) => {
            let value = outcome.measures.get(row.measure).copied().unwrap_or(f64::NAN);
            format!("{} {} ({})", page::number(value), row.measure.replace('_', " "), outcome.verdict)
        }
        Err(error) => error.clone(),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or_else(|| Path::new(".")).to_path_buf()
}

impl Options {
    fn wants(&self, plan: &Plan, row: &Row) -> bool {
        let is_named = |word: &String| plan.name == word || row.name.contains(word.as_str());
        self.only.is_empty() || self.only.iter().any(is_named)
    }
}
