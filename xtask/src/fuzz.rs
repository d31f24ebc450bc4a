//! `cargo xtask fuzz`: runs every target of fuzz/ for some seconds.
//!
//! libFuzzer comes with the crate `libfuzzer-sys`, and a stable compiler can instrument, so neither a nightly toolchain
//! nor cargo-fuzz is needed. cargo-fuzz works with the same folder and can do more: sanitizers, minimising, coverage.

#![expect(clippy::print_stdout, reason = "what a command prints is its result")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::root::workspace_root;

const USAGE: &str = "\
usage: cargo xtask fuzz [--seconds N] [TARGET ...]

  Runs the named targets of fuzz/, or all of them, each for N seconds (60 if not said). What they find is in target/fuzz:
  the corpus of each target is kept there, and an input that fails is named and kept as well.";

/// The compiler flags of cargo-fuzz, without its sanitizer.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Ccodegen-units=1 \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares";

/// The most time that any input of this size may take.
const INPUT_SECONDS_MAX: u64 = 25;

pub(crate) fn run(mut args: impl Iterator<Item = String>) -> ExitCode {
    let (mut seconds, mut names) = (60, Vec::new());
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--seconds" => match args.next().and_then(|number| number.parse().ok()) {
                Some(number) => seconds = number,
                None => return misused(),
            },
            name if name.starts_with('-') => return misused(),
            name => names.push(name.to_owned()),
        }
    }
    let root = workspace_root();
    let known = targets(&root);
    if names.is_empty() {
        names.clone_from(&known);
    }
    if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
        eprintln!("there is no target {unknown}; there are {}", known.join(", "));
        return ExitCode::from(2);
    }
    if !build(&root).status().is_ok_and(|status| status.success()) {
        return ExitCode::FAILURE;
    }
    let failed: Vec<_> = names
        .iter()
        .filter(|name| !command(&root, name, seconds).status().is_ok_and(|status| status.success()))
        .map(String::as_str)
        .collect();
    if failed.is_empty() {
        println!("{} targets found nothing in {seconds} s each", names.len());
        ExitCode::SUCCESS
    } else {
        println!("failed: {}", failed.join(", "));
        ExitCode::FAILURE
    }
}

/// The names of all targets.
pub(crate) fn targets(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root.join("fuzz/fuzz_targets")).into_iter().flatten().flatten();
    let stems = entries.filter_map(|entry| entry.path().file_stem()?.to_str().map(str::to_owned));
    let mut names: Vec<String> = stems.collect();
    names.sort();
    names
}

/// Builds all targets.
pub(crate) fn build(root: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--release", "--locked", "--manifest-path", "fuzz/Cargo.toml"])
        // With an explicit target, build scripts and macros are built without the flags.
        .args(["--target", &host(), "--target-dir"])
        .arg(folder(root))
        .current_dir(root)
        .env("RUSTFLAGS", FLAGS)
        .env("TIDINGS_WEB", "skip");
    cargo
}

/// Runs one built target.
pub(crate) fn command(root: &Path, name: &str, seconds: u64) -> Command {
    let (folder, seeds) = (folder(root), root.join("fuzz/seeds").join(name));
    let corpus = folder.join("corpus").join(name);
    // The target cannot run without it, and says so itself.
    let _ = fs::create_dir_all(&corpus);
    let mut command = Command::new(folder.join(host()).join("release").join(name));
    command
        .args([format!("-max_total_time={seconds}"), format!("-timeout={INPUT_SECONDS_MAX}")])
        .arg(format!("-artifact_prefix={}/{name}-", folder.display()))
        .args(["-rss_limit_mb=1024", "-verbosity=1", "-print_final_stats=1"])
        .args([corpus, seeds])
        .current_dir(&folder);
    command
}

fn folder(root: &Path) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    root.join(target).join("fuzz")
}

/// The target triple of this machine, from the compiler.
fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&output).into_owned();
    text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default().to_owned()
}

fn misused() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}
