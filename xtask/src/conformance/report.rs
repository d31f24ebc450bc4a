//! The table at the end, and the verdict.
//!
//! A suite passes with exactly its known numbers, and with a control that passes fewer. A requested part that could not
//! run counts as failed, with all of its tests.

use std::fmt;

use super::autobahn::{self, Cases};
use super::command::Failure;
use super::mocha::Tally;
use super::suite::Suite;

/// The head of the page, above its table.
const PAGE_HEAD: &str = "\
# Conformance

The official test suites against fixture servers on `socketio-server` (`crates/conformance`). This page is written by

```
cargo xtask conformance --suites CHECKOUT --autobahn --record docs/conformance.md
```

CHECKOUT is a checkout of the public repository `socketio/socket.io`. Autobahn is sections 1 to 7 and 10 of the test
suite of that name (PyPI, Python 2.7). The column \"with no server\" counts the tests that pass even without one: only the
others say anything about a server.

| suite | tests | passed | failed | with no server | |
|---|---|---|---|---|---|
";

/// All requested parts.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) rows: Vec<Row>,
    pub(super) notes: Vec<String>,
}

/// The result of one suite.
#[derive(Debug)]
pub(super) struct Row {
    name: &'static str,
    expected: u32,
    passed: u32,
    failed: u32,
    /// How many tests pass without a server.
    control: Option<u32>,
    /// Remarks: how many tests were skipped, and which failed.
    remark: String,
    details: Vec<String>,
}

impl Row {
    pub(super) fn of_suite(suite: &Suite, outcome: Result<Tally, Failure>) -> Self {
        let mut row = Self::new(suite.name, suite.passes);
        match outcome {
            Err(failure) => row.not_run(&failure),
            Ok(tally) => {
                row.passed = tally.passes;
                row.failed = tally.failures.max(suite.passes.saturating_sub(tally.passes));
                row.details = tally.failed;
                if tally.pending > 0 {
                    row.remark = format!("{} skipped", tally.pending);
                }
                if tally.passes > suite.passes || tally.pending != suite.pending {
                    row.fail(format!(
                        "the suite has changed: {} passed and {} skipped are known",
                        suite.passes, suite.pending
                    ));
                }
            }
        }
        row
    }

    pub(super) fn of_autobahn(outcome: Result<Cases, Failure>) -> Self {
        let mut row = Self::new(autobahn::NAME, autobahn::CASES);
        match outcome {
            Err(failure) => row.not_run(&failure),
            Ok(cases) => {
                row.passed = cases.passed();
                let missing = autobahn::CASES.saturating_sub(cases.passed());
                row.failed = missing.max(u32::try_from(cases.failed.len()).unwrap_or(u32::MAX));
                row.remark = format!(
                    "{} ok, {} non-strict, {} informational",
                    cases.ok, cases.non_strict, cases.informational
                );
                row.details = cases.failed;
            }
        }
        row
    }

    /// Adds the control run. If it passes in full, the suite proves nothing.
    pub(super) fn set_control(&mut self, control: Option<Result<Tally, Failure>>) {
        match control {
            None => {}
            Some(Ok(tally)) if tally.passes < self.expected => self.control = Some(tally.passes),
            Some(Ok(tally)) => self.fail(format!("{} tests pass with no server", tally.passes)),
            Some(Err(failure)) => self.fail(format!("control: {failure}")),
        }
    }

    fn new(name: &'static str, expected: u32) -> Self {
        Self {
            name,
            expected,
            passed: 0,
            failed: 0,
            control: None,
            remark: String::new(),
            details: Vec::new(),
        }
    }

    fn not_run(&mut self, failure: &Failure) {
        self.failed = self.expected;
        "not run".clone_into(&mut self.remark);
        self.details.push(failure.to_string());
    }

    fn fail(&mut self, detail: String) {
        self.failed = self.failed.max(1);
        self.details.push(detail);
    }
}

impl Report {
    pub(super) fn passed(&self) -> u32 {
        self.rows.iter().map(|row| row.passed).sum()
    }

    pub(super) fn failed(&self) -> u32 {
        self.rows.iter().map(|row| row.failed).sum()
    }
}

impl Report {
    /// The result as a page for `docs/`.
    pub(super) fn page(&self) -> String {
        let mut page = String::from(PAGE_HEAD);
        for row in &self.rows {
            let control = row.control.map_or_else(|| "never ends".to_owned(), |passes| passes.to_string());
            let control = if row.name == autobahn::NAME { "–".to_owned() } else { control };
            let cells =
                [row.name, &row.expected.to_string(), &row.passed.to_string(), &row.failed.to_string()];
            page.extend(cells.map(|cell| format!("| {cell} ")));
            page.extend([format!("| {control} | {} |\n", row.remark)]);
        }
        page.extend([format!("\n{} passed, {} failed.\n", self.passed(), self.failed())]);
        page
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in self.rows.iter().filter(|row| !row.details.is_empty()) {
            writeln!(f, "\n{}", row.name)?;
            for detail in &row.details {
                writeln!(f, "  {detail}")?;
            }
        }
        writeln!(
            f,
            "\n{:<16} {:>8} {:>6} {:>6} {:>9} {:>14}",
            "suite", "expected", "passed", "failed", "no server", "discriminating"
        )?;
        for row in &self.rows {
            let control = row.control.map_or_else(|| "-".to_owned(), |passes| passes.to_string());
            let rest =
                row.control.map_or_else(|| "-".to_owned(), |passes| (row.expected - passes).to_string());
            let line = format!(
                "{:<16} {:>8} {:>6} {:>6} {control:>9} {rest:>14}  {}",
                row.name, row.expected, row.passed, row.failed, row.remark
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        for note in &self.notes {
            writeln!(f, "{note}")?;
        }
        write!(f, "{} passed, {} failed", self.passed(), self.failed())
    }
}

#[cfg(test)]
mod tests {
    use super::super::suite::SUITES;
    use super::*;

    const SUITE: &Suite = &SUITES[0];

    fn tally(passes: u32, failures: u32) -> Tally {
        Tally { passes, pending: 0, failures, failed: Vec::new() }
    }

    #[test]
    fn the_known_number_passes() {
        let mut row = Row::of_suite(SUITE, Ok(tally(25, 0)));
        row.set_control(Some(Ok(tally(2, 23))));
        assert_eq!((row.passed, row.failed, row.control), (25, 0, Some(2)));
    }

    #[test]
    fn a_test_that_has_gone_missing_is_a_failure() {
        assert_eq!(Row::of_suite(SUITE, Ok(tally(24, 0))).failed, 1);
    }

    #[test]
    fn a_suite_that_has_grown_is_a_failure() {
        assert_eq!(Row::of_suite(SUITE, Ok(tally(26, 0))).failed, 1);
    }

    #[test]
    fn a_suite_that_could_not_run_fails_in_full() {
        let report =
            Report { rows: vec![Row::of_suite(SUITE, Err(Failure::new("no npm")))], notes: Vec::new() };
        assert!(report.to_string().ends_with("\n0 passed, 25 failed"), "{report}");
    }

    #[test]
    fn a_control_that_passes_in_full_is_a_failure() {
        let mut row = Row::of_suite(SUITE, Ok(tally(25, 0)));
        row.set_control(Some(Ok(tally(25, 0))));
        assert_eq!(row.failed, 1);
    }
}
