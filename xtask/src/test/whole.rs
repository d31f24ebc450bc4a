//! The whole run: everything that CI runs.
//!
//! The tests of the app run beside the builds; fuzzing and a sample of mutants beside the end-to-end and browser tests: of
//! these, each mostly waits. The proofs of durability kill, stop and starve their servers; nothing runs beside them.

use std::path::Path;
use std::process::{Command, ExitCode, Output};
use std::time::Instant;

use super::binary::{self, Programs};
use super::count::{self, Count, Counting};
use super::planted;
use super::select::FOLDERS;
use super::setup::{self, Need, Tools};
use super::step::{self, Beside, Skipped, Step, Steps, Tool};
use super::{cargo, npm};

/// The library crates, which other programs can depend on.
const PUBLISHED: [&str; 5] = ["planted", "tally-counters", "engineio", "socketio", "socketio-server"];

/// The folder of the proofs, the last step.
const PROOF: &str = "proof";

/// Runs all steps.
pub(super) fn run(root: &Path) -> ExitCode {
    let begin = Instant::now();
    let tools = match setup::prepare(root, &Need::ALL) {
        Ok(tools) => tools,
        Err(message) => return super::not_ready(&message),
    };
    let mut steps = Steps::default();
    let web = test_web(root);
    check_source(root, &tools, &mut steps);
    test_crates(root, &mut steps);
    let release = binary::release(root, &mut steps);
    let packages = binary::debian_packages(root, &tools, &mut steps);
    steps.wait(web);
    let mut programs = Programs::of(root, release);
    programs.packages = Some(packages);
    let beside = fuzz_and_mutate(root);
    for folder in FOLDERS.into_iter().filter(|folder| *folder != PROOF) {
        test_folder(root, folder, &programs, &tools, &mut steps);
    }
    steps.wait(beside);
    test_folder(root, PROOF, &programs, &tools, &mut steps);
    steps.finish(begin.elapsed(), Skipped::Failed)
}

fn check_source(root: &Path, tools: &Tools, steps: &mut Steps) {
    steps.run("format", Counting::Once, cargo(root, &["fmt", "--all", "--check"]));
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    steps.run("lints", Counting::Once, cargo(root, &clippy));
    // Advisories change without any change of ours. A package that is built on other systems only may have to be downloaded,
    // because its licence is read.
    let mut deny = cargo(root, &["deny", "--locked", "check", "bans", "licenses", "sources"]);
    deny.env("PATH", &tools.path);
    steps.run("dependencies", Counting::Once, deny);
    let begin = Instant::now();
    let findings = crate::tidy::check(root);
    for finding in &findings.faults {
        println!("{finding}");
    }
    let count = Count { passed: findings.passed, failed: findings.faults.len(), skipped: 0 };
    let failures = findings.faults.iter().map(ToString::to_string).collect();
    steps.note(Step { name: "tidy", count, took: begin.elapsed(), failures, timed: Vec::new() });
}

fn test_crates(root: &Path, steps: &mut Steps) {
    // Test binaries run one after the other, even after a failure; documentation examples are included.
    let arguments = ["test", "--workspace", "--locked", "--no-fail-fast"];
    steps.run("crates", Counting::Cargo, cargo(root, &arguments));
    steps.run("fixtures", Counting::Once, binary::debug_build(root));
    steps.note(planted::step(root));
    let mut docs = cargo(root, &["doc", "--workspace", "--no-deps", "--locked"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    steps.run("documentation", Counting::Once, docs);
    let mut package = vec!["package", "--locked", "--no-verify", "--allow-dirty"];
    package.extend(PUBLISHED.iter().flat_map(|name| ["--package", name]));
    steps.run("packages", Counting::Once, cargo(root, &package));
}

fn test_web(root: &Path) -> Beside {
    let web = root.join("web");
    let check = npm(&web, &["run", "--silent", "check"]);
    let test = npm(&web, &["test", "--silent"]);
    Beside::tools(vec![
        Tool { name: "web types", counting: Counting::Once, command: check },
        Tool { name: "web", counting: Counting::Vitest, command: test },
    ])
}

fn test_folder(root: &Path, folder: &'static str, programs: &Programs, tools: &Tools, steps: &mut Steps) {
    let mut node = programs.node(root, folder, tools);
    node.args(setup::test_files(&root.join("tests").join(folder)));
    steps.run(binary::name_of(folder), Counting::Node, node);
}

/// Seconds for each target: enough to see that it works and finds nothing at once.
const FUZZ_SECONDS: u64 = 5;

fn fuzz_and_mutate(root: &Path) -> Beside {
    let root = root.to_path_buf();
    Beside::start(move || {
        let command = step::in_idle_time(&crate::fuzz::build(&root));
        let build = step::run_quietly(Tool { name: "fuzz build", counting: Counting::Once, command });
        let fuzzing = fuzz_targets(&root);
        vec![build, fuzzing, mutants(&root)]
    })
}

/// A few changes of the code, chosen by the date.
fn mutants(root: &Path) -> (Step, String) {
    let mut sample = Command::new(std::env::current_exe().unwrap_or_else(|_| "xtask".into()));
    sample.args(["mutants", "--sample"]).current_dir(root);
    step::run_quietly(Tool {
        name: "mutants",
        counting: Counting::Once,
        command: step::in_idle_time(&sample),
    })
}

fn fuzz_targets(root: &Path) -> (Step, String) {
    let begin = Instant::now();
    let (mut count, mut failures, mut output) = (Count::default(), Vec::new(), String::new());
    for name in crate::fuzz::targets(root) {
        // What it says matters only when it has found something.
        let mut command = step::in_idle_time(&crate::fuzz::command(root, &name, FUZZ_SECONDS));
        let (passed, said) = match command.output() {
            Ok(Output { status, stderr, .. }) => {
                (status.success(), String::from_utf8_lossy(&stderr).into_owned())
            }
            Err(err) => (false, err.to_string()),
        };
        count.add(Count { passed: passed.into(), failed: (!passed).into(), skipped: 0 });
        if !passed {
            output.push_str(&said);
            failures.push(name);
            let end = count::failures(Counting::Once, &said, step::FAILURE_LINES_MAX);
            failures.extend(end.into_iter().map(str::to_owned));
        }
    }
    // A folder without targets must not count as a success.
    count.failed += usize::from(count.passed == 0);
    (Step { name: "fuzzing", count, took: begin.elapsed(), failures, timed: Vec::new() }, output)
}
