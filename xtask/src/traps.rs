//! `cargo xtask traps`: the same clients against a Node server in the tutorial's manner and against ours.
//!
//! Prints a table of what became of each trap. The Node server is our own, on the official packages from npm; what it
//! does wrong is what the tutorial's way of writing a chat does wrong. Fails only when ours falls into a trap.

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::proof;
use crate::test::workspace_root;

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
