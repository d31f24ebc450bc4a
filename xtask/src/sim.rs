//! `cargo xtask sim`: the simulation in its long form, built with optimisation, with any number of seeds.
//!
//! It only builds and runs the program; for its arguments and output see `crates/simulation`. The last line is `N
//! passed, M failed`.

use std::process::{Command, ExitCode};

/// Runs the program with the arguments of the command.
pub(crate) fn run(args: impl Iterator<Item = String>) -> ExitCode {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(["run", "--quiet", "--release", "--locked", "--package", "simulation", "--"])
        .args(args)
        .current_dir(crate::root::workspace_root());
    match command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(status) => ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        Err(error) => {
            eprintln!("cargo did not run: {error}");
            ExitCode::FAILURE
        }
    }
}
