//! `cargo xtask planted`: plants each bug of the HTTP edge, one at a time, and demands that a test notices it.
//!
//! The bugs are in the test binaries and in the debug build of the server, where the environment variable `PLANTED_BUG`
//! switches one on. A test that hangs has not noticed anything. For each bug, the test that noticed it last runs first
//! (`xtask/planted-noticed.txt`); all others run only if it does not fail. The last line is `N passed, M failed`.

mod suite;
mod trial;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use self::suite::{Suite, Suites};
use super::count::Count;
use super::step::Step;
use crate::root::workspace_root;

const USAGE: &str = "\
usage: cargo xtask planted [--keep] [NAME ...]

  Plants the bugs of HTTP, WebSocket and pages whose names contain a NAME, or all, one at a time. A test has to fail.
  --keep   writes the tests that noticed them to xtask/planted-noticed.txt";

/// Where the bugs are, with the package whose tests must notice them.
const SOURCES: [(&str, &str); 2] = [
    ("socketio-server", "crates/socketio-server/src/planted/edge.rs"),
    ("tidings", "crates/tidings/src/planted/edge.rs"),
];

/// Which test noticed each bug: its name, the suite of the test, the test.
const NOTICED: &str = "xtask/planted-noticed.txt";

/// How many bugs are planted at once: most tests that notice one wait.
const AT_ONCE: usize = 8;

/// A planted bug.
struct Bug {
    package: &'static str,
    name: String,
}

/// A test, and the suite that it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Notice {
    suite: String,
    test: String,
}

/// The score.
struct Score {
    passed: usize,
    failures: Vec<String>,
}

/// Runs the command.
pub(crate) fn run(args: impl Iterator<Item = String>) -> ExitCode {
    let (options, names): (Vec<String>, Vec<String>) = args.partition(|arg| arg.starts_with('-'));
    if options.iter().any(|option| option != "--keep") {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    match measure(&workspace_root(), &names, !options.is_empty()) {
        Ok(Score { passed, failures }) => {
            for failure in &failures {
                println!("{failure}");
            }
            println!("{passed} passed, {} failed", failures.len());
            if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// All bugs, as a step of the whole run.
pub(super) fn step(root: &Path) -> Step {
    println!("\n── planted bugs");
    let begin = Instant::now();
    let Score { passed, failures } =
        measure(root, &[], false).unwrap_or_else(|message| Score { passed: 0, failures: vec![message] });
    let count = Count { passed, failed: failures.len(), skipped: 0 };
    Step { name: "planted bugs", count, took: begin.elapsed(), failures, timed: Vec::new() }
}

/// Plants the bugs whose names contain one of `names`, or all.
fn measure(root: &Path, names: &[String], keeps: bool) -> Result<Score, String> {
    let mut bugs = bugs(root)?;
    bugs.retain(|bug| names.is_empty() || names.iter().any(|name| bug.name.contains(name.as_str())));
    if bugs.is_empty() {
        return Err("no bug has this in its name".into());
    }
    let suites = suite::build(root)?;
    let mut noticed = read_noticed(root)?;
    let known: Vec<Notice> = bugs.iter().filter_map(|bug| noticed.get(&bug.name)).cloned().collect();
    let mut score = Score { passed: 0, failures: suites.fail_without_bug(&known) };
    score.passed += usize::from(score.failures.is_empty());
    let next = AtomicUsize::new(0);
    let found: Mutex<Vec<(usize, Option<Notice>)>> = Mutex::default();
    let noticed_before = &noticed;
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((at, bug)) = take(&bugs, &next) {
                    let notice = find(&suites, bug, noticed_before.get(&bug.name));
                    tell(bug, notice.as_ref());
                    found.lock().expect("nobody panics with it").push((at, notice));
                }
            });
        }
    });
    for (at, notice) in found.into_inner().expect("nobody panics with it") {
        let Bug { name, .. } = &bugs[at];
        match notice {
            Some(notice) => {
                score.passed += 1;
                noticed.insert(name.clone(), notice);
            }
            None => score.failures.push(format!("{name} was not noticed")),
        }
    }
    if keeps {
        write_noticed(root, &noticed)?;
    }
    Ok(score)
}

fn take<'a>(bugs: &'a [Bug], next: &AtomicUsize) -> Option<(usize, &'a Bug)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    bugs.get(at).map(|bug| (at, bug))
}

/// The test that notices a bug; the one that did before is asked first.
fn find(suites: &Suites, bug: &Bug, before: Option<&Notice>) -> Option<Notice> {
    if let Some(notice) = before.filter(|notice| suites.notices(notice, &bug.name)) {
        return Some(notice.clone());
    }
    suites.of(bug.package).find_map(|suite: &Suite| {
        let test = suite.first_failure(&bug.name)?;
        Some(Notice { suite: suite.name.clone(), test })
    })
}

fn tell(bug: &Bug, notice: Option<&Notice>) {
    match notice {
        Some(Notice { suite, test }) => println!("{}: {suite} {test}", bug.name),
        None => println!("{}: NOT NOTICED", bug.name),
    }
}

/// The bugs that the sources name, one in a line.
fn bugs(root: &Path) -> Result<Vec<Bug>, String> {
    let mut bugs: Vec<Bug> = Vec::new();
    for (package, path) in SOURCES {
        let text = fs::read_to_string(root.join(path)).map_err(|err| format!("{path}: {err}"))?;
        for name in names_in(&text) {
            if bugs.iter().any(|bug| bug.name == name) {
                return Err(format!("two bugs have the name {name}"));
            }
            bugs.push(Bug { package, name: name.to_owned() });
        }
    }
    Ok(bugs)
}

fn names_in(text: &str) -> impl Iterator<Item = &str> {
    let names = text.lines().filter_map(|line| line.strip_prefix("        ")?.strip_suffix(','));
    names.filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn read_noticed(root: &Path) -> Result<BTreeMap<String, Notice>, String> {
    let text = fs::read_to_string(root.join(NOTICED)).map_err(|err| format!("{NOTICED}: {err}"))?;
    let notice = |line: &str| {
        let mut words = line.splitn(3, ' ').map(str::to_owned);
        Some((words.next()?, Notice { suite: words.next()?, test: words.next()? }))
    };
    Ok(text.lines().filter_map(notice).collect())
}

fn write_noticed(root: &Path, noticed: &BTreeMap<String, Notice>) -> Result<(), String> {
    let all: Vec<String> = bugs(root)?.into_iter().map(|bug| bug.name).collect();
    let mut text = String::new();
    for (bug, Notice { suite, test }) in noticed.iter().filter(|(bug, _)| all.contains(bug)) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{bug} {suite} {test}");
    }
    fs::write(root.join(NOTICED), text).map_err(|err| format!("{NOTICED}: {err}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_bugs_are_read_from_their_source() {
        let text = "//! x,\n    pub enum B {\n        // Bodies.\n        /// It forgets.\n        Forgets,\n        Takes2,\n    }";
        assert_eq!(names_in(text).collect::<Vec<_>>(), ["Forgets", "Takes2"]);
    }

    #[test]
    fn every_bug_of_the_edge_has_a_test_that_noticed_it() {
        let root = workspace_root();
        let noticed = read_noticed(&root).unwrap();
        let bugs: Vec<String> = bugs(&root).unwrap().into_iter().map(|bug| bug.name).collect();
        assert!(bugs.len() >= 20);
        assert_eq!(noticed.into_keys().collect::<Vec<_>>(), {
            let mut sorted = bugs;
            sorted.sort();
            sorted
        });
    }
}
