//! `cargo xtask proof`: writes docs/proof.md from long runs.
//!
//! It runs the simulation, the long forms of tests/proof against the release binary (with all planted bugs of the disk),
//! and the planted bugs of the app.
//! The page contains only what the programs recorded while they ran. If one of them fails, the page stays as it was,
//! and the output has the seed that repeats the run.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::root::workspace_root;

const USAGE: &str = "\
usage: cargo xtask proof [--sim-seeds N] [--sim-jobs J]

  --sim-seeds N   how many seeds of the simulation (100000)
  --sim-jobs J    how many of them at once (one per core)";

/// How many seeds of the simulation to run.
struct Options {
    seeds: u64,
    jobs: Option<u64>,
}

/// Runs the command.
pub(crate) fn run(args: impl Iterator<Item = String>) -> ExitCode {
    let Some(options) = parse(args) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    end(&try_run(&workspace_root(), &options))
}

fn parse(mut args: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options { seeds: 100_000, jobs: None };
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--sim-seeds" => options.seeds = args.next()?.parse().ok()?,
            "--sim-jobs" => options.jobs = Some(args.next()?.parse().ok()?),
            _ => return None,
        }
    }
    Some(options)
}

fn try_run(root: &Path, options: &Options) -> Result<(), String> {
    let binary = build(root)?;
    let example = build_example(root)?;
    install_packages(root)?;
    let tests = root.join("tests");
    let results = root.join("target/proof-results.jsonl");
    let told = |err: std::io::Error| format!("{}: {err}", results.display());
    fs::create_dir_all(root.join("target")).map_err(told)?;
    fs::write(&results, "").map_err(told)?;
    let prove = |arguments: &[&OsStr]| {
        let mut node = Command::new("node");
        node.args(arguments)
            .current_dir(&tests)
            .env("PROOF", "long")
            .env("PROOF_RESULTS", &results)
            .env("TIDINGS_BIN", &binary)
            .env("KITCHEN_SINK_BIN", &example);
        must_succeed(&mut node)
    };
    prove(&["traps/table.mjs".as_ref()])?;
    // One after the other: their measurements must not depend on each other.
    let how = ["--test", "--test-concurrency=1"];
    let mut arguments: Vec<&OsStr> = how.iter().map(OsStr::new).collect();
    let files = crate::test::files(&tests.join("proof"));
    arguments.extend(files.iter().map(|file| file.as_os_str()));
    prove(&arguments)?;
    prove(&["--test".as_ref(), "browser/walk.test.mjs".as_ref()])?;
    simulate(root, &results, options)?;
    let mut planted = Command::new(crate::test::NPM);
    planted.args(["run", "--silent", "planted"]).current_dir(root.join("web")).env("TIDINGS_BIN", &binary);
    must_succeed(&mut planted)?;
    let page = root.join("docs/proof.md");
    prove(&["proof/support/page.mjs".as_ref(), results.as_os_str(), page.as_os_str()])
}

/// Each planted bug, then the seeds. The program records its own results.
fn simulate(root: &Path, results: &Path, options: &Options) -> Result<(), String> {
    let seeds = options.seeds.to_string();
    let jobs = options.jobs.map(|jobs| jobs.to_string());
    for task in [&["--planted"] as &[&str], &["--seeds", &seeds, "--from", "1"]] {
        let mut simulation = cargo(root);
        simulation
            .args(["run", "--quiet", "--release", "--locked", "--package", "simulation", "--"])
            .args(task)
            .arg("--record")
            .arg(results);
        if let Some(jobs) = &jobs {
            simulation.args(["--jobs", jobs]);
        }
        must_succeed(&mut simulation)?;
    }
    Ok(())
}

/// The release binary.
pub(crate) fn build(root: &Path) -> Result<PathBuf, String> {
    build_package(root, "tidings")
}

/// The release binary of a package.
pub(crate) fn build_package(root: &Path, package: &str) -> Result<PathBuf, String> {
    let mut cargo = cargo(root);
    cargo.args(["build", "--release", "--locked", "--package", package]);
    must_succeed(&mut cargo)?;
    Ok(release(root).join(format!("{package}{}", std::env::consts::EXE_SUFFIX)))
}

/// The example server, with every feature but chat.
fn build_example(root: &Path) -> Result<PathBuf, String> {
    let mut cargo = cargo(root);
    cargo.args([
        "build",
        "--release",
        "--locked",
        "--package",
        "socketio-server",
        "--example",
        "kitchen_sink",
    ]);
    must_succeed(&mut cargo)?;
    Ok(release(root).join("examples").join(format!("kitchen_sink{}", std::env::consts::EXE_SUFFIX)))
}

fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root);
    cargo
}

fn release(root: &Path) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    root.join(target).join("release")
}

/// The packages of the clients, and of the Node server that they are compared with.
pub(crate) fn install_packages(root: &Path) -> Result<(), String> {
    for folder in ["tests", "tests/traps/node"] {
        let folder = root.join(folder);
        if folder.join("node_modules").exists() {
            continue;
        }
        let mut npm = Command::new(crate::test::NPM);
        npm.args(["ci", "--no-audit", "--no-fund"]).current_dir(folder);
        must_succeed(&mut npm)?;
    }
    Ok(())
}

/// Runs a command whose output goes to the terminal.
pub(crate) fn must_succeed(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{} ended with {status}", command.get_program().to_string_lossy())),
        Err(err) => Err(format!("{} did not run: {err}", command.get_program().to_string_lossy())),
    }
}

/// The exit code for an outcome; prints the error if there is one.
pub(crate) fn end(outcome: &Result<(), String>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
