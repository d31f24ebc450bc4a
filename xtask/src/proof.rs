//! `cargo xtask proof`: the long forms of tests/proof against the release binary, and docs/proof.md from the results.
//!
//! The page is only ever written from what the tests have noted while they ran. When one of them fails the page stays
//! as it was, and the seed that repeats the run stands in the output.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::test::workspace_root;

/// Runs the command.
pub(crate) fn run() -> ExitCode {
    end(&try_run(&workspace_root()))
}

fn try_run(root: &Path) -> Result<(), String> {
    let binary = build(root)?;
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
            .env("TIDINGS_BIN", &binary);
        must_succeed(&mut node)
    };
    prove(&["traps/table.mjs".as_ref()])?;
    // One after the other: what they measure must not depend on each other. Node 20 may spin for ever while it closes
    // the handles of connections that were reset, so it is told to leave without.
    let options = ["--test", "--test-force-exit", "--test-concurrency=1"];
    let mut arguments: Vec<&OsStr> = options.iter().map(OsStr::new).collect();
    let files = crate::test::files(&tests.join("proof"));
    arguments.extend(files.iter().map(|file| file.as_os_str()));
    prove(&arguments)?;
    let page = root.join("docs/proof.md");
    prove(&["proof/support/page.mjs".as_ref(), results.as_os_str(), page.as_os_str()])
}

/// The release binary.
pub(crate) fn build(root: &Path) -> Result<PathBuf, String> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--release", "--locked", "--package", "tidings"]).current_dir(root);
    must_succeed(&mut cargo)?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(root.join(target).join("release").join(format!("tidings{}", std::env::consts::EXE_SUFFIX)))
}

/// The packages of the clients, and of the Node server that they are shown against.
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

/// The exit code for an outcome, which is told if it is bad.
pub(crate) fn end(outcome: &Result<(), String>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
