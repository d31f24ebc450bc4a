//! Rules about any text file, and about which files must exist.

use std::path::Path;

use super::{Fault, Source};

const LINES_MAX: usize = 600;
const CODE: [&str; 7] = ["rs", "ts", "mjs", "py", "css", "html", "sh"];
const LOCK_FILES: [&str; 6] = [
    "Cargo.lock",
    "web/package-lock.json",
    "tests/package-lock.json",
    "bench/floor/Cargo.lock",
    "bench/peers/socketioxide/Cargo.lock",
    "bench/peers/node/package-lock.json",
];

// The words are put together here, so that this file does not break its own rule.
const UNDONE: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];
const MACHINE_PATHS: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/fa", "rm/")];

pub(super) fn is_short(source: &Source) -> Vec<Fault> {
    let lines = source.text.lines().count();
    if !source.has_extension(&CODE) || lines <= LINES_MAX {
        return Vec::new();
    }
    vec![source.fault(0, format!("{lines} lines, of at most {LINES_MAX}: what are the nouns in it?"))]
}

pub(super) fn leaves_nothing_to_do(source: &Source) -> Vec<Fault> {
    lines_with(source, &UNDONE, "something is left to do: do it, or open an issue")
}

pub(super) fn names_no_machine(source: &Source) -> Vec<Fault> {
    lines_with(source, &MACHINE_PATHS, "a path of one machine")
}

pub(super) fn locks_no_address(source: &Source) -> Vec<Fault> {
    if !source.path.ends_with("package-lock.json") {
        return Vec::new();
    }
    let address = "\"resolved\": \"http";
    lines_with(source, &[address], "a download address: npm's omit-lockfile-registry-resolved leaves it out")
}

fn lines_with(source: &Source, words: &[&str], what: &str) -> Vec<Fault> {
    let found = |line: &str| words.iter().any(|word| line.contains(word));
    source
        .text
        .lines()
        .zip(1..)
        .filter(|(line, _)| found(line))
        .map(|(_, number)| source.fault(number, what))
        .collect()
}

pub(super) fn lock_files_are_there(_: &Path, sources: &[Source]) -> Vec<Fault> {
    let missing = |path: &&&str| !sources.iter().any(|source| source.path == ***path);
    let fault = |path: &&str| Fault { path: (*path).into(), line: 0, what: "has to be committed".into() };
    LOCK_FILES.iter().filter(missing).map(fault).collect()
}

pub(super) fn nothing_generated_is_there(_: &Path, sources: &[Source]) -> Vec<Fault> {
    let generated = |source: &&Source| {
        source.path.split('/').any(|part| matches!(part, "node_modules" | "dist" | "target" | ".venv"))
            || (source.path.contains("socket.io") && source.has_extension(&["js", "map"]))
    };
    sources
        .iter()
        .filter(generated)
        .map(|source| source.fault(0, "is made by a tool, or somebody else's"))
        .collect()
}

pub(super) fn decisions_are_numbered(_: &Path, sources: &[Source]) -> Vec<Fault> {
    let mut decisions: Vec<&Source> =
        sources.iter().filter(|source| source.path.starts_with("docs/adr/")).collect();
    decisions.sort_by_key(|source| &source.path);
    let mut faults = Vec::new();
    for (source, number) in decisions.iter().zip(1..) {
        if !source.path.starts_with(&format!("docs/adr/{number:04}-")) || !source.has_extension(&["md"]) {
            faults
                .push(source.fault(0, format!("is the decision number {number}: docs/adr/{number:04}-….md")));
        }
        if !source.text.starts_with("# ") {
            faults.push(source.fault(1, "a decision opens with its title"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.into(), text: text.into() }
    }

    #[test]
    fn a_todo_is_found_with_its_line() {
        let fault = leaves_nothing_to_do(&source("a.rs", &format!("fine\n// {} this\n", UNDONE[0])));
        assert_eq!(fault.iter().map(|fault| fault.line).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn only_code_has_to_be_short() {
        let text = "line\n".repeat(LINES_MAX + 1);
        assert_eq!(is_short(&source("a.rs", &text)).len(), 1);
        assert_eq!(is_short(&source("a.md", &text)).len(), 0);
        assert_eq!(is_short(&source("a.rs", &"line\n".repeat(LINES_MAX))).len(), 0);
    }

    #[test]
    fn a_gap_between_decisions_is_found() {
        let sources = [source("docs/adr/0001-a.md", "# A"), source("docs/adr/0003-c.md", "# C")];
        assert_eq!(decisions_are_numbered(Path::new(""), &sources).len(), 1);
        assert_eq!(decisions_are_numbered(Path::new(""), &sources[..1]).len(), 0);
    }

    #[test]
    fn missing_lock_files_and_foreign_bundles_are_found() {
        let missing = lock_files_are_there(Path::new(""), &[source("Cargo.lock", "")]);
        assert_eq!(missing.len(), LOCK_FILES.len() - 1);
        let sources =
            [source("tests/socket.io.min.js", ""), source("web/dist/a.css", ""), source("web/a.css", "")];
        assert_eq!(nothing_generated_is_there(Path::new(""), &sources).len(), 2);
    }
}
