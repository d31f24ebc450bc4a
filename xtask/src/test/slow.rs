//! How long the tests of a step took, from what their tools print and when.
//!
//! Node and Vitest print the time of a test. Rust's test harness does not, but starts its tests in the order of their
//! names, a new one whenever one of its threads is free: when a test began follows from when the others ended.

use std::time::Duration;

use super::count::Counting;

/// A line of output, without colours, and when it came after the start of the tool.
pub(super) type Line = (Duration, String);

/// A test and how long it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Timed {
    pub(super) took: Duration,
    pub(super) test: String,
}

/// The tests of a tool's output with their times.
pub(super) fn read(counting: Counting, lines: &[&Line], threads: usize) -> Vec<Timed> {
    match counting {
        Counting::Once => Vec::new(),
        Counting::Cargo => cargo(lines, threads),
        Counting::Vitest => vitest(lines),
        Counting::Node => node(lines),
    }
}

fn cargo(lines: &[&Line], threads: usize) -> Vec<Timed> {
    let mut timed = Vec::new();
    let (mut begin, mut target) = (Duration::ZERO, "");
    let mut ended: Vec<(Duration, &str)> = Vec::new();
    for (at, line) in lines {
        if let Some(running) = line.trim_start().strip_prefix("Running ") {
            target = name_of_binary(running);
        } else if line.starts_with("running ") {
            begin = *at;
            ended.clear();
        } else if line.starts_with("test result: ") {
            let mut names: Vec<&str> = ended.iter().map(|(_, name)| *name).collect();
            names.sort_unstable();
            for (at, name) in &ended {
                let place = names.binary_search(name).unwrap_or_default();
                let free = place.checked_sub(threads.max(1)).and_then(|before| ended.get(before));
                let took = at.saturating_sub(free.map_or(begin, |(at, _)| *at));
                timed.push(Timed { took, test: format!("{target} {name}").trim().to_owned() });
            }
            ended.clear();
        } else if let Some((name, _)) = line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... ")) {
            ended.push((*at, name));
        }
    }
    timed
}

/// `chat` of `unittests src/lib.rs (target/debug/deps/chat-bdee3cb8c8efdc5e)`.
fn name_of_binary(running: &str) -> &str {
    let path = running.rsplit(" (").next().unwrap_or(running).trim_end_matches(')');
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    file.rsplit_once('-').map_or(file, |(name, _)| name)
}

/// Vitest tells the time of the slow ones alone, below their file.
fn vitest(lines: &[&Line]) -> Vec<Timed> {
    let mut timed = Vec::new();
    let mut file = "";
    for (_, line) in lines {
        let Some(rest) = line.trim_start().strip_prefix(['✓', '×']) else { continue };
        let rest = rest.trim();
        let Some((name, took)) = rest.rsplit_once(' ') else { continue };
        if let Some((path, _)) = name.split_once(" (") {
            file = path;
        } else if let Some(took) = took.strip_suffix("ms").and_then(|took| took.parse().ok()) {
            timed.push(Timed {
                took: Duration::from_millis(took),
                test: format!("{file} {}", name.trim_end()),
            });
        }
    }
    timed
}

/// `▶ suite` begins a suite, which ends with a line like that of a test.
fn node(lines: &[&Line]) -> Vec<Timed> {
    let mut timed = Vec::new();
    let mut suites: Vec<&str> = Vec::new();
    for (_, line) in lines {
        let line = line.trim_start();
        // The failures are repeated at the end.
        if line.starts_with("✖ failing tests:") {
            break;
        }
        if let Some(suite) = line.strip_prefix("▶ ") {
            suites.push(suite);
            continue;
        }
        let Some(rest) = line.strip_prefix("✔ ").or_else(|| line.strip_prefix("✖ ")) else { continue };
        let Some((name, took)) = rest.rsplit_once(" (") else { continue };
        let Some(took) = took.split_once("ms)").and_then(|(took, _)| took.parse::<f64>().ok()) else {
            continue;
        };
        if suites.last() == Some(&name) {
            suites.pop();
        } else {
            let test = [suites.as_slice(), &[name]].concat().join(" › ");
            timed.push(Timed { took: Duration::from_secs_f64(took.max(0.0) / 1_000.0), test });
        }
    }
    timed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(counting: Counting, lines: &[(u64, &str)], expected: &[(u64, &str)]) {
        let lines: Vec<Line> =
            lines.iter().map(|(at, line)| (Duration::from_millis(*at), (*line).to_owned())).collect();
        let timed = read(counting, &lines.iter().collect::<Vec<_>>(), 2);
        let timed: Vec<_> = timed.iter().map(|timed| (timed.took.as_millis(), timed.test.as_str())).collect();
        let expected: Vec<_> = expected.iter().map(|(took, test)| (u128::from(*took), *test)).collect();
        assert_eq!(timed, expected);
    }

    #[test]
    fn a_rust_test_began_when_a_thread_was_free() {
        let lines = [
            (0, "     Running tests/it/main.rs (target/debug/deps/it-1)"),
            (10, "running 4 tests"),
            (110, "test b ... ok"),
            (130, "test c ... ok"),
            (310, "test a ... FAILED"),
            (330, "test d ... ok"),
            (330, "test result: FAILED. 3 passed; 1 failed"),
            (330, "running 1 test"),
            (340, "test src/lib.rs - Frame (line 3) ... ok"),
            (350, "test result: ok. 1 passed"),
        ];
        let expected = [
            (100, "it b"),
            (20, "it c"),
            (300, "it a"),
            (200, "it d"),
            (10, "it src/lib.rs - Frame (line 3)"),
        ];
        check(Counting::Cargo, &lines, &expected);
    }

    #[test]
    fn a_suite_is_no_test() {
        let lines = [
            (0, "▶ a room"),
            (0, "  ▶ that is private"),
            (0, "    ✔ is hidden (12.5ms)"),
            (0, "  ✔ that is private (13ms)"),
            (0, "  ✖ is shown (1500.25ms)"),
            (0, "✖ a room (1600ms)"),
            (0, "✔ alone (7.1ms)"),
            (0, "✖ failing tests:"),
            (0, "✖ is shown (1500.25ms)"),
        ];
        let expected =
            [(12, "a room › that is private › is hidden"), (1_500, "a room › is shown"), (7, "alone")];
        check(Counting::Node, &lines, &expected);
    }

    #[test]
    fn a_slow_test_of_the_app_is_told_below_its_file() {
        let lines = [
            (0, " ✓ tests/core/steps.test.ts (2 tests) 770ms"),
            (0, "   ✓ a death after any step loses nothing: one tab  407ms"),
            (0, " ✓ tests/core/wire.test.ts (30 tests) 12ms"),
        ];
        let expected = [(407, "tests/core/steps.test.ts a death after any step loses nothing: one tab")];
        check(Counting::Vitest, &lines, &expected);
    }
}
