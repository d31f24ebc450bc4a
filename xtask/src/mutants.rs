//! `cargo xtask mutants`: changes the code in many small ways, one at a time, and demands that a test notices each.
//!
//! cargo-mutants makes the changes and runs the tests of the changed crate, and the simulation for what they have not
//! noticed. A change that nothing notices is a missing test, or has its reason in `xtask/mutants-reviewed.txt`. All changes take hours, so each part is dealt into shards: a run
//! measures some of them and adds them to the ledger, from which docs/mutants.md is written. A sample writes nothing.

#![expect(clippy::print_stdout, reason = "what a command prints is its result")]

mod ledger;
mod options;
mod outcomes;
mod page;
mod parts;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use self::ledger::{Ledger, Shard};
use self::options::{Options, What};
use self::outcomes::Outcomes;
use self::parts::{EXCLUDED, EXCLUDED_CHANGES, Part, SAMPLE_CHANGES, Tests};
use crate::root::workspace_root;
use crate::test::cargo_command;

const VERSION: &str = "27.1.0";

/// The page that the command writes.
const PAGE: &str = "docs/mutants.md";

/// The changes that may live, each with its reason.
const REVIEWED: &str = "xtask/mutants-reviewed.txt";

/// What was measured.
const LEDGER: &str = "xtask/mutants-ledger.json";

/// How many changes are tried at once. Each builds everything in a copy of its own first.
const JOBS: &str = "2";

/// The same for a sample, which has too few changes to build everything twice.
const SAMPLE_JOBS: &str = "1";

/// The least time after which a test that hangs has noticed the change. Tests beside others take longer than alone.
const TIMEOUT_SECONDS_MIN: &str = "30";

/// The test of the simulation in which people do whatever they can.
const WORLDS: &str = "every_promise_holds_in_some_hundred_hostile_worlds";

/// How long it may take with a change: some times as long as without.
const WORLDS_SECONDS_MAX: &str = "300";

/// Runs the command.
pub(crate) fn run(args: impl Iterator<Item = String>) -> ExitCode {
    let Some(options) = Options::parse(args) else {
        eprintln!("{}", options::USAGE);
        return ExitCode::from(2);
    };
    match run_options(&workspace_root(), &options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(err) => {
            eprintln!("{err}");
            ExitCode::FAILURE
        }
    }
}

/// Whether enough was noticed everywhere.
fn run_options(root: &Path, options: &Options) -> Result<bool, String> {
    let reviewed = reviewed(&read(root, REVIEWED)?)?;
    let mut ledger = Ledger::parse(&read(root, LEDGER)?)?;
    let path = match options.what {
        What::Page => None,
        What::Shards(_) | What::Again | What::Sample(_) => {
            Some(cargo_command(root, "cargo-mutants", VERSION)?)
        }
    };
    let mutants = path.map(|path| Mutants { root, path });
    let mut is_good = true;
    for part in options.parts() {
        let Some(mutants) = &mutants else { continue };
        match options.what {
            What::Page => {}
            What::Shards(count) => {
                let changes = mutants.count(part)?;
                for index in ledger.next_shards(part, count) {
                    let shard = format!("{index}/{}", part.shards);
                    println!("{}: shard {shard} of {changes} changes", part.name);
                    let outcomes = mutants.measure_shard(part, &shard, JOBS)?;
                    ledger.add(Shard::new(part, index, &today(), changes, outcomes));
                    write(root, LEDGER, &ledger.text())?;
                }
            }
            What::Again => {
                for shard in ledger.shards_with_lives(part) {
                    shard.update(&mutants.measure_again(part, &shard.lived)?);
                }
                write(root, LEDGER, &ledger.text())?;
            }
            What::Sample(seed) => is_good &= mutants.sample(part, ledger.changes(part), seed, &reviewed)?,
        }
    }
    if !matches!(options.what, What::Sample(_)) {
        write(root, PAGE, &page::text(&ledger, &reviewed))?;
        for part in options.parts() {
            is_good &= page::say(&ledger, part, &reviewed);
        }
    }
    Ok(is_good)
}

fn read(root: &Path, file: &str) -> Result<String, String> {
    fs::read_to_string(root.join(file)).map_err(|err| format!("{file}: {err}"))
}

fn write(root: &Path, file: &str, text: &str) -> Result<(), String> {
    fs::write(root.join(file), text).map_err(|err| format!("{file}: {err}"))
}

/// The day as `git` and people write it.
fn today() -> String {
    let output = Command::new("date").args(["-u", "+%F"]).output().map(|output| output.stdout);
    String::from_utf8_lossy(&output.unwrap_or_default()).trim().to_owned()
}

/// Runs cargo-mutants.
struct Mutants<'a> {
    root: &'a Path,
    /// Where cargo finds it.
    path: OsString,
}

impl Mutants<'_> {
    /// The command for some files of a part.
    fn command(&self, part: &Part, files: &[&str]) -> Command {
        let mut cargo = Command::new("cargo");
        cargo
            .args(["mutants", "--colors", "never", "--package", part.package])
            .args(files.iter().flat_map(|file| ["--file", file]))
            .args(EXCLUDED.iter().chain(part.without).flat_map(|file| ["--exclude", file]))
            .args(["--exclude-re", EXCLUDED_CHANGES])
            .current_dir(self.root)
            .env("PATH", &self.path)
            // Each copy of the sources has a target folder of its own: cargo could not tell the copies apart in a common one.
            .env_remove("CARGO_TARGET_DIR")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("RUST_BACKTRACE", "0")
            .env("TIDINGS_WEB", "skip");
        cargo
    }

    /// How many changes of a part there are.
    fn count(&self, part: &Part) -> Result<usize, String> {
        let output = self
            .command(part, part.files)
            .arg("--list")
            .output()
            .map_err(|err| format!("cargo mutants: {err}"))?;
        match String::from_utf8_lossy(&output.stdout).lines().count() {
            0 => Err(format!("cargo mutants knows no change of {}", part.name)),
            changes => Ok(changes),
        }
    }

    /// Tries some changes in files of a part.
    fn measure(&self, part: &Part, tests: Tests, files: &[&str], which: &[&str]) -> Result<Outcomes, String> {
        let output = self.root.join("target/mutants").join(part.name);
        fs::create_dir_all(&output).map_err(|err| format!("{}: {err}", output.display()))?;
        let mut cargo = self.command(part, files);
        cargo
            .args(["--minimum-test-timeout", TIMEOUT_SECONDS_MIN, "--no-times"])
            .arg("--output")
            .arg(&output)
            .args(which);
        match tests {
            Tests::Crate if has_nextest() => drop(cargo.args(["--test-tool", "nextest", "--", "--locked"])),
            Tests::Crate | Tests::CrateAndExamples => drop(cargo.args(["--", "--locked"])),
            Tests::Simulation => {
                cargo
                    .args(["--test-package", "simulation", "--profile", "release"])
                    // It would ask the changed crate for the test of the simulation.
                    .args(["--baseline", "skip", "--timeout", WORLDS_SECONDS_MAX])
                    .args(["--", "--locked", "--test", "simulation", WORLDS])
                    .env("CARGO_PROFILE_RELEASE_LTO", "off");
            }
        }
        // It exits with an error if a change lives; the outcomes say which.
        cargo.status().map_err(|err| format!("cargo mutants: {err}"))?;
        Outcomes::read(&output.join("mutants.out/outcomes.json"))
    }

    fn measure_shard(&self, part: &Part, shard: &str, jobs: &str) -> Result<Outcomes, String> {
        let which = ["--sharding", "round-robin", "--shard", shard, "--jobs", jobs];
        let mut outcomes = self.measure(part, part.tests, part.files, &which)?;
        self.simulate(part, &mut outcomes)?;
        Ok(outcomes)
    }

    /// Asks the simulation about what still lives.
    fn simulate(&self, part: &Part, outcomes: &mut Outcomes) -> Result<(), String> {
        if part.is_simulated && !outcomes.lived.is_empty() {
            self.check_simulation()?;
            outcomes.update(&self.measure_named(part, Tests::Simulation, &outcomes.lived)?);
        }
        Ok(())
    }

    /// A simulation that fails by itself would notice every change.
    fn check_simulation(&self) -> Result<(), String> {
        let mut cargo = Command::new("cargo");
        cargo.args(["test", "--quiet", "--release", "--locked", "--package", "simulation"]);
        cargo.args(["--test", "simulation", WORLDS]).current_dir(self.root).env("TIDINGS_WEB", "skip");
        match cargo.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("the simulation of the unchanged code: {status}")),
            Err(err) => Err(format!("cargo test: {err}")),
        }
    }

    /// Tries changes that lived before.
    fn measure_again(&self, part: &Part, names: &[String]) -> Result<Outcomes, String> {
        let mut outcomes = self.measure_named(part, part.tests, names)?;
        self.simulate(part, &mut outcomes)?;
        Ok(outcomes)
    }

    /// Tries the named changes. Expressions do not keep cargo-mutants from changing the fields of values, so the files are
    /// named, too.
    fn measure_named(&self, part: &Part, tests: Tests, names: &[String]) -> Result<Outcomes, String> {
        let expressions: BTreeSet<String> = names.iter().map(|name| outcomes::expression_of(name)).collect();
        let files: BTreeSet<&str> = names.iter().filter_map(|name| Some(name.split_once(": ")?.0)).collect();
        let which = expressions.iter().flat_map(|expression| ["--re", expression]);
        let which: Vec<&str> = which.chain(["--jobs", JOBS]).collect();
        self.measure(part, tests, &files.into_iter().collect::<Vec<_>>(), &which)
    }

    /// Tries a few changes of a part; whether all were noticed or are reviewed.
    fn sample(
        &self,
        part: &Part,
        changes: usize,
        seed: u64,
        reviewed: &BTreeSet<String>,
    ) -> Result<bool, String> {
        let of = u64::try_from(changes / SAMPLE_CHANGES).map_or(1, |of| of.max(1));
        let outcomes = self.measure_shard(part, &format!("{}/{of}", seed % of), SAMPLE_JOBS)?;
        let lived: Vec<&String> = outcomes.lived.iter().filter(|name| !reviewed.contains(*name)).collect();
        for name in &lived {
            println!("lives: {name}");
        }
        if lived.is_empty() {
            println!(
                "{}: {} changes of the sample were noticed, seed {seed}",
                part.name,
                outcomes.noticed.len()
            );
        } else {
            println!(
                "{}: no test notices {} of the changes; add one, or give the reason in {REVIEWED}.\n\
                 This repeats the sample: cargo xtask mutants --sample --seed {seed} {}",
                part.name,
                lived.len(),
                part.name
            );
        }
        Ok(lived.is_empty())
    }
}

/// nextest runs each test alone and stops at the first failure, but knows no examples.
fn has_nextest() -> bool {
    let mut nextest = Command::new("cargo");
    nextest.args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    nextest.status().is_ok_and(|status| status.success())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reviewed_change_has_a_reason() {
        assert!(reviewed("a.rs: replace f -> bool with true").is_err());
        assert!(reviewed("a.rs: replace f -> bool with true -- ").is_err());
        assert_eq!(reviewed("# why\n\na.rs: replace f -- it only saves time\n").unwrap().len(), 1);
    }

    #[test]
    fn a_sample_is_taken_only_where_every_change_is_known() {
        let root = workspace_root();
        let ledger = Ledger::parse(&read(&root, LEDGER).unwrap()).unwrap();
        let reviewed = reviewed(&read(&root, REVIEWED).unwrap()).unwrap();
        for part in parts::sampled() {
            let counts = ledger.counts(part, &reviewed);
            assert_eq!((counts.lives.len(), ledger.is_whole(part)), (0, true), "{}", part.name);
        }
    }

    #[test]
    fn the_page_is_written_from_the_ledger() {
        let root = workspace_root();
        let ledger = Ledger::parse(&read(&root, LEDGER).unwrap()).unwrap();
        let reviewed = reviewed(&read(&root, REVIEWED).unwrap()).unwrap();
        let page = read(&root, PAGE).unwrap();
        assert_eq!(page, page::text(&ledger, &reviewed), "cargo xtask mutants --page writes it");
    }
}
