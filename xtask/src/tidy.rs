//! The house style as checks, so that no reviewer has to look for them.
//!
//! Each check is one passed test, or one failed test for each fault, with file and line. It looks only at files that
//! git knows or would add. Whatever compilers and linters find already is not repeated here.

#![expect(clippy::print_stdout, reason = "what a command prints is its result")]

mod crates;
mod cycles;
mod modules;
mod names;
mod paths;
mod rust;
mod scripts;
mod text;

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

/// The results of all checks.
pub(crate) struct Findings {
    /// Checks without a fault.
    pub(crate) passed: usize,
    pub(crate) faults: Vec<Fault>,
}

/// A fault, with its place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    path: String,
    /// Counted from 1; 0 means the whole file.
    line: usize,
    what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// A text file of the repository.
struct Source {
    /// Relative to the root, with slashes.
    path: String,
    text: String,
}

impl Source {
    fn fault(&self, line: usize, what: impl Into<String>) -> Fault {
        Fault { path: self.path.clone(), line, what: what.into() }
    }

    fn has_extension(&self, wanted: &[&str]) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, extension)| wanted.contains(&extension))
    }
}

/// A rule about one file.
type FileCheck = fn(&Source) -> Vec<Fault>;
/// A rule about the repository as a whole.
type TreeCheck = fn(&Path, &[Source]) -> Vec<Fault>;

const FILE_CHECKS: [FileCheck; 13] = [
    text::is_short,
    text::leaves_nothing_to_do,
    text::names_no_machine,
    text::locks_no_address,
    rust::opens_with_documentation,
    rust::has_short_functions,
    rust::expects_instead_of_allowing,
    rust::is_pure_where_it_must_be,
    names::leave_the_prelude_alone,
    names::are_words_of_the_field,
    names::plant_by_one_macro,
    names::build_nodes_in_one_place,
    names::document_in_more_than_a_word,
];
const TREE_CHECKS: [TreeCheck; 9] = [
    text::lock_files_are_there,
    text::nothing_generated_is_there,
    text::decisions_are_numbered,
    crates::depend_in_one_direction,
    crates::keep_out_of_the_pure_ones,
    crates::are_named_in_the_architecture,
    modules::import_one_way,
    cycles::are_known,
    scripts::import_one_way,
];

/// Runs `cargo xtask tidy`.
pub(crate) fn run() -> ExitCode {
    let findings = check(&crate::root::workspace_root());
    for fault in &findings.faults {
        println!("{fault}");
    }
    println!("{} passed, {} failed", findings.passed, findings.faults.len());
    if findings.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs every check.
pub(crate) fn check(root: &Path) -> Findings {
    let sources = match read_sources(root) {
        Ok(sources) => sources,
        Err(what) => {
            return Findings { passed: 0, faults: vec![Fault { path: ".".into(), line: 0, what }] };
        }
    };
    let by_file = FILE_CHECKS.iter().map(|check| sources.iter().flat_map(check).collect());
    let by_tree = TREE_CHECKS.iter().map(|check| check(root, &sources));
    let mut findings = Findings { passed: 0, faults: Vec::new() };
    for faults in by_file.chain(by_tree) {
        let faults: Vec<Fault> = faults;
        findings.passed += usize::from(faults.is_empty());
        findings.faults.extend(faults);
    }
    findings
}

fn read_sources(root: &Path) -> Result<Vec<Source>, String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(root)
        .output()
        .map_err(|err| format!("git did not run: {err}"))?;
    if !output.status.success() {
        return Err(format!("git ls-files: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let list = String::from_utf8_lossy(&output.stdout).into_owned();
    // Images are not text, and a deleted file may still be in the index.
    let read =
        |path: &str| Some(Source { path: path.into(), text: fs::read_to_string(root.join(path)).ok()? });
    let sources: Vec<Source> = list.split('\0').filter(|path| !path.is_empty()).filter_map(read).collect();
    if sources.is_empty() { Err("git knows no files here".into()) } else { Ok(sources) }
}
