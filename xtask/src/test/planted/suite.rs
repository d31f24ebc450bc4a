//! The suites that can notice a bug: test binaries, and files of `tests/e2e`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::Notice;
use super::trial::{Verdict, run};
use crate::test::binary::{Programs, debug_build};
use crate::test::built::{TestBinary, test_binaries};

/// One test takes less, or hangs.
const TEST_PATIENCE: Duration = Duration::from_mins(1);

/// All tests of a suite take less, or one hangs.
const SUITE_PATIENCE: Duration = Duration::from_mins(5);

/// The files that test what the program adds to the edge.
const FILES: [&str; 3] = ["http.test.mjs", "bundle.test.mjs", "readiness.test.mjs"];

/// Tests that run together.
pub(super) struct Suite {
    pub(super) name: String,
    package: &'static str,
    kind: Kind,
}

enum Kind {
    Binary(TestBinary),
    File { folder: PathBuf, name: &'static str, server: PathBuf },
}

/// All of them, in the order in which they are asked.
pub(super) struct Suites(Vec<Suite>);

/// Builds what the tests of the workspace are built of anyway.
pub(super) fn build(root: &Path) -> Result<Suites, String> {
    let mut suites = Vec::new();
    for binary in test_binaries(root, &["--workspace", "--lib", "--bins", "--test", "it"])? {
        for package in ["socketio-server", "tidings"] {
            if binary.folder == root.join("crates").join(package) {
                let name = match binary.integration.as_deref() {
                    Some(test) => test.to_owned(),
                    None => format!("{package}-{}", binary.kind),
                };
                suites.push(Suite { name, package, kind: Kind::Binary(binary) });
                break;
            }
        }
    }
    suites.sort_by(|a, b| b.name.cmp(&a.name));
    let server = debug_server(root)?;
    suites.extend(FILES.into_iter().map(|name| {
        let kind = Kind::File { folder: root.join("tests"), name, server: server.clone() };
        Suite { name: format!("e2e/{name}"), package: "tidings", kind }
    }));
    Ok(Suites(suites))
}

/// The debug build of the server, which has the features of the test binaries.
fn debug_server(root: &Path) -> Result<PathBuf, String> {
    match debug_build(root).status() {
        Ok(status) if status.success() => Ok(Programs::debug(root).tidings),
        Ok(_) => Err("The server cannot be built.".into()),
        Err(err) => Err(format!("cargo did not run: {err}")),
    }
}

impl Suites {
    pub(super) fn of(&self, package: &str) -> impl Iterator<Item = &Suite> {
        self.0.iter().filter(move |suite| suite.package == package)
    }

    /// Whether a test fails with a bug.
    pub(super) fn notices(&self, notice: &Notice, bug: &str) -> bool {
        let suite = self.0.iter().find(|suite| suite.name == notice.suite);
        suite.is_some_and(|suite| {
            let mut command = suite.command(&[&notice.test]);
            command.env("PLANTED_BUG", bug);
            matches!(run(command, TEST_PATIENCE), Verdict::Failed(_))
        })
    }

    /// Runs tests without any bug. Returns what failed, and what was not run because there is no such test.
    pub(super) fn fail_without_bug(&self, notices: &[Notice]) -> Vec<String> {
        let mut failures = Vec::new();
        for suite in &self.0 {
            let mut tests: Vec<&str> = notices
                .iter()
                .filter(|notice| notice.suite == suite.name)
                .map(|notice| notice.test.as_str())
                .collect();
            tests.sort_unstable();
            tests.dedup();
            if tests.is_empty() {
                continue;
            }
            match run(suite.command(&tests), SUITE_PATIENCE) {
                Verdict::Passed(count) if count >= tests.len() => {}
                Verdict::Passed(count) => {
                    failures.push(format!("{}: {count} of {} tests are there", suite.name, tests.len()));
                }
                Verdict::Failed(test) => failures.push(format!("{} {test} fails without a bug", suite.name)),
                Verdict::Hung => failures.push(format!("{} hangs without a bug", suite.name)),
            }
        }
        failures
    }
}

impl Suite {
    /// The first test of all that fails with a bug.
    pub(super) fn first_failure(&self, bug: &str) -> Option<String> {
        let mut command = self.command(&[]);
        command.env("PLANTED_BUG", bug);
        match run(command, SUITE_PATIENCE) {
            Verdict::Failed(test) => Some(test),
            Verdict::Passed(_) | Verdict::Hung => None,
        }
    }

    /// Runs tests with exactly these names, or all.
    fn command(&self, tests: &[&str]) -> Command {
        match &self.kind {
            Kind::Binary(binary) => {
                let mut command = Command::new(&binary.executable);
                command.current_dir(&binary.folder).env("CARGO_MANIFEST_DIR", &binary.folder);
                // What a planted bug breaks is not kept.
                command.env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "true");
                if !tests.is_empty() {
                    command.arg("--exact").args(tests);
                }
                command
            }
            Kind::File { folder, name, server } => {
                let mut command = Command::new("node");
                command.args(["--test", "--test-reporter=spec", "--test-timeout=60000"]);
                command.args(tests.iter().map(|test| format!("--test-name-pattern={}", escaped(test))));
                command.arg(format!("e2e/{name}")).current_dir(folder).env("TIDINGS_BIN", server);
                command
            }
        }
    }
}

/// A pattern that matches exactly this text at the end of a name.
fn escaped(text: &str) -> String {
    let mut pattern = String::new();
    for char in text.chars() {
        if !char.is_alphanumeric() && !char.is_whitespace() {
            pattern.push('\\');
        }
        pattern.push(char);
    }
    pattern + "$"
}
