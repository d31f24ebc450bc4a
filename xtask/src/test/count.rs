//! Reads from a tool's output how many tests it ran.
//!
//! Output without a summary counts as no tests, and the step then fails.

/// The counts of a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) skipped: usize,
}

impl Count {
    pub(super) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// The format of the tool's summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counting {
    /// The step is one check: its exit code is the result.
    Once,
    /// `test result: ok. 3 passed; 0 failed; 0 ignored; …`, once per target.
    Cargo,
    /// `      Tests  1 failed | 30 passed | 2 skipped (33)`.
    Vitest,
    /// `ℹ pass 3`, `ℹ fail 0`, `ℹ cancelled 0`, `ℹ skipped 0`, `ℹ todo 0`, at the end.
    Node,
}

/// The counts in a tool's output.
pub(super) fn read(counting: Counting, output: &str) -> Count {
    let mut count = Count::default();
    for line in output.lines() {
        match counting {
            Counting::Once => {}
            Counting::Cargo => count.add(cargo_line(line)),
            Counting::Vitest => count.add(vitest_line(line)),
            Counting::Node => count.add(node_line(line)),
        }
    }
    count
}

fn cargo_line(line: &str) -> Count {
    let Some(summary) = line.strip_prefix("test result: ") else { return Count::default() };
    let summary = summary.split_once(". ").map_or(summary, |(_, numbers)| numbers);
    number_word_pairs(summary.split(';'))
}

fn vitest_line(line: &str) -> Count {
    let Some(summary) = line.trim_start().strip_prefix("Tests ") else { return Count::default() };
    number_word_pairs(summary.split('|'))
}

fn number_word_pairs<'a>(parts: impl Iterator<Item = &'a str>) -> Count {
    let mut count = Count::default();
    for part in parts {
        let mut words = part.split_whitespace();
        let (Some(Ok(number)), Some(word)) = (words.next().map(str::parse::<usize>), words.next()) else {
            continue;
        };
        match word {
            "passed" => count.passed += number,
            "failed" => count.failed += number,
            "ignored" | "skipped" | "todo" => count.skipped += number,
            _ => {}
        }
    }
    count
}

fn node_line(line: &str) -> Count {
    let mut words = line.split(' ');
    let (Some("ℹ"), Some(word), Some(Ok(number)), None) =
        (words.next(), words.next(), words.next().map(str::parse::<usize>), words.next())
    else {
        return Count::default();
    };
    match word {
        "pass" => Count { passed: number, ..Count::default() },
        "fail" | "cancelled" => Count { failed: number, ..Count::default() },
        "skipped" | "todo" => Count { skipped: number, ..Count::default() },
        _ => Count::default(),
    }
}

/// What a tool says about its failures, at most `lines_max` lines: for readers who see only the end of a long log.
pub(super) fn failures(counting: Counting, output: &str, lines_max: usize) -> Vec<&str> {
    let mut lines: Vec<&str> = output.lines().collect();
    let starts = |from: &'static str| move |line: &&str| line.trim_start().starts_with(from);
    let mut told: Vec<&str> = match counting {
        Counting::Node => {
            lines.iter().copied().skip_while(|line| !starts("✖ failing tests:")(line)).collect()
        }
        Counting::Vitest => lines.iter().copied().skip_while(|line| !line.contains("Failed Tests")).collect(),
        // Each target reports its own, between these two lines.
        Counting::Cargo => lines
            .split(starts("test result: "))
            .flat_map(|target| target.iter().copied().skip_while(|line| *line != "failures:"))
            .collect(),
        Counting::Once => Vec::new(),
    };
    if told.is_empty() {
        told = lines.split_off(lines.len().saturating_sub(lines_max));
    }
    told.truncate(lines_max);
    told
}

/// The text without the escape sequences for colours.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once(|end: char| end.is_ascii_alphabetic()).map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(counting: Counting, output: &str, (passed, failed, skipped): (usize, usize, usize)) {
        assert_eq!(read(counting, output), Count { passed, failed, skipped });
    }

    #[test]
    fn the_summaries_of_all_targets_are_added() {
        let output = "running 4 tests\ntest a ... ok\n\
                      test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s\n\
                      test result: FAILED. 5 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n";
        check(Counting::Cargo, output, (8, 2, 1));
    }

    #[test]
    fn coloured_summaries_are_read() {
        let line = "\u{1b}[2m      Tests \u{1b}[22m \u{1b}[31m1 failed\u{1b}[39m | \u{1b}[32m30 passed\u{1b}[39m (31)";
        check(Counting::Vitest, &plain(line), (30, 1, 0));
        check(
            Counting::Vitest,
            " Test Files  2 passed (2)\n      Tests  31 passed | 2 skipped (33)",
            (31, 0, 2),
        );
    }

    #[test]
    fn cancelled_tests_have_failed() {
        let output = "ℹ tests 8\nℹ suites 2\nℹ pass 4\nℹ fail 1\nℹ cancelled 1\nℹ skipped 1\nℹ todo 1\n";
        check(Counting::Node, output, (4, 2, 2));
    }

    #[test]
    fn the_failures_are_found_in_what_a_tool_says() {
        let cargo = "test a ... ok\ntest b ... FAILED\n\nfailures:\n\n---- b stdout ----\nboom\n\n\
                     test result: FAILED. 1 passed; 1 failed;\nrunning 1 test\ntest c ... ok\n\
                     test result: ok. 1 passed; 0 failed;\n";
        assert_eq!(failures(Counting::Cargo, cargo, 9), ["failures:", "", "---- b stdout ----", "boom", ""]);
        let node = "▶ a\n  ✖ b (3ms)\nℹ fail 1\n\n✖ failing tests:\n\ntest at a.mjs:1\n✖ b (3ms)\n  boom\n";
        let told = ["✖ failing tests:", "", "test at a.mjs:1", "✖ b (3ms)", "  boom"];
        assert_eq!(failures(Counting::Node, node, 9), told);
        assert_eq!(failures(Counting::Node, node, 3), told[..3]);
        assert_eq!(
            failures(Counting::Vitest, " ✓ a\n⎯ Failed Tests 1 ⎯\nboom", 9),
            ["⎯ Failed Tests 1 ⎯", "boom"]
        );
        // Of a tool that reports none, the end is shown.
        assert_eq!(failures(Counting::Node, "a\nb\nSegmentation fault", 2), ["b", "Segmentation fault"]);
        assert_eq!(failures(Counting::Once, "a\nerror: b", 1), ["error: b"]);
    }

    #[test]
    fn output_without_a_summary_counts_nothing() {
        check(Counting::Node, "ℹ pass many\nℹ pass 3 or so\npass 3", (0, 0, 0));
        check(Counting::Cargo, "3 passed; 0 failed", (0, 0, 0));
        check(Counting::Once, "ℹ pass 3", (0, 0, 0));
    }
}
