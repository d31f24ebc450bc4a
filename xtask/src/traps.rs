//! `cargo xtask traps`: runs the same clients against a Node server in the tutorial's style and against ours.
//!
//! Prints a table of the traps and what happened. The Node server is our own, with the official packages from npm; it
//! makes the mistakes that the tutorial's style leads to. Fails only if our server falls into a trap.

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::proof;
use crate::root::workspace_root;

/// Runs the command.
pub(crate) fn run() -> ExitCode {
    proof::end(&try_run(&workspace_root()))
}

fn try_run(root: &Path) -> Result<(), String> {
    let binary = proof::build(root)?;
    proof::install_packages(root)?;
    let mut table = Command::new("node");
    table.arg("traps/table.mjs").current_dir(root.join("tests")).env("TIDINGS_BIN", binary);
    proof::must_succeed(&mut table)
}
