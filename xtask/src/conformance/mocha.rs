//! Runs mocha and reads its JSON report.
//!
//! The exit code is ignored: a complete report says more, and a missing report is a failure.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::Deserialize;

use super::command::{Failure, finish, while_doing};

/// The result of a run.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) passes: u32,
    pub(super) pending: u32,
    pub(super) failures: u32,
    /// The titles of failed tests, with the first line of each message.
    pub(super) failed: Vec<String>,
}

/// Runs a mocha command that writes its report to `report`.
pub(super) fn run(mut mocha: Command, report: &Path, deadline: Duration) -> Result<Tally, Failure> {
    drop(std::fs::remove_file(report));
    let mut output = OsString::from("output=");
    output.push(report);
    mocha.args(["--exit", "--reporter", "json", "--reporter-option"]).arg(output);
    // The diagnostics are in the report; the error output is only noise.
    finish(mocha.stderr(Stdio::null()), deadline)?;
    let text = std::fs::read_to_string(report).map_err(while_doing("mocha left no report"))?;
    parse(&text)
}

fn parse(text: &str) -> Result<Tally, Failure> {
    let report: JsonReport = serde_json::from_str(text).map_err(while_doing("the report of mocha"))?;
    let failed = report.failures.iter().map(|test| {
        let message = test.err.message.lines().next().unwrap_or_default();
        format!("{}: {message}", test.full_title)
    });
    Ok(Tally {
        passes: report.stats.passes,
        pending: report.stats.pending,
        failures: report.stats.failures,
        failed: failed.collect(),
    })
}

#[derive(Deserialize)]
struct JsonReport {
    stats: Stats,
    failures: Vec<FailedTest>,
}

#[derive(Deserialize)]
struct Stats {
    passes: u32,
    pending: u32,
    failures: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FailedTest {
    full_title: String,
    #[serde(default)]
    err: Thrown,
}

/// The thrown value; only an `Error` has a message.
#[derive(Default, Deserialize)]
struct Thrown {
    #[serde(default)]
    message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_with_the_titles_of_what_failed() {
        let tally = parse(
            r#"{"stats":{"suites":1,"tests":3,"passes":1,"pending":1,"failures":1},
                "failures":[{"fullTitle":"chat greets ada","err":{"message":"expected 1\nto be 2"}}]}"#,
        )
        .expect("a report of mocha");
        assert_eq!((tally.passes, tally.pending, tally.failures), (1, 1, 1));
        assert_eq!(tally.failed, ["chat greets ada: expected 1"]);
    }

    #[test]
    fn a_thrown_value_without_a_message_is_read_too() {
        let tally = parse(
            r#"{"stats":{"passes":0,"pending":0,"failures":1},"failures":[{"fullTitle":"bob","err":{}}]}"#,
        )
        .expect("a report of mocha");
        assert_eq!(tally.failed, ["bob: "]);
    }
}
