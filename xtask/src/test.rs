//! `cargo xtask test`: every check of the project in one command, including its setup, or the tests that a filter selects.
//!
//! A step that cannot run counts as failed: nothing is skipped silently. After a failure the other steps still run, so
//! that one run shows all failures; a step whose prerequisites are missing is not tried, and counts as failed. The last
//! line is `N passed, M failed`, summed from the tools' own counts.

#![expect(clippy::print_stdout, reason = "what a command prints is its result")]

mod binary;
mod built;
mod count;
mod options;
mod planted;
mod select;
mod setup;
mod slow;
mod some;
mod step;
mod whole;

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

use self::options::{Asked, Options, USAGE};
pub(crate) use self::planted::run as plant;
pub(crate) use self::setup::NPM;
pub(crate) use self::setup::test_files as files;
use crate::root::workspace_root;

/// Runs the command.
pub(crate) fn run(args: impl Iterator<Item = String>) -> ExitCode {
    match Options::parse(args) {
        Asked::Whole => whole::run(&workspace_root()),
        Asked::Some(options) => some::run(&workspace_root(), &options),
        Asked::Help => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        Asked::Nonsense => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Installs a command of cargo that tests do not need, and returns a search path with it.
pub(crate) fn cargo_command(root: &Path, name: &str, version: &str) -> Result<OsString, String> {
    setup::install_cargo_commands(&setup::tools_folder(root), &[(name, version)])
}

fn not_ready(message: &str) -> ExitCode {
    eprintln!("\nThe tests cannot begin.\n{message}\n");
    println!("0 passed, 1 failed");
    ExitCode::FAILURE
}

fn cargo(root: &Path, arguments: &[&str]) -> Command {
    // Cargo passes its own path to the programs that it runs.
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root);
    command
}

fn npm(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(setup::NPM);
    command.args(arguments).current_dir(folder);
    command
}
