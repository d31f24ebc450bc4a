//! Runs a suite until its first failure, its end, or the end of patience.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How many lines may wait to be read; a suite with more of them waits.
const LINES_MAX: usize = 256;

/// The end of a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// So many tests passed, and none failed.
    Passed(usize),
    /// This test failed.
    Failed(String),
    /// It did not come to an end.
    Hung,
}

/// What a line of the output says of one test.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Passed,
    Failed(&'a str),
    Other,
}

/// Runs a command. The first failure ends it.
pub(super) fn run(mut command: Command, patience: Duration) -> Verdict {
    let begin = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let Ok(mut child) = child else { return Verdict::Hung };
    let Some(output) = child.stdout.take() else { return Verdict::Hung };
    let (said, lines) = mpsc::sync_channel(LINES_MAX);
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if said.send(line).is_err() {
                break;
            }
        }
    });
    let mut passed = 0;
    let verdict = loop {
        match lines.recv_timeout(patience.saturating_sub(begin.elapsed())) {
            Ok(line) => match read(&line) {
                Line::Passed => passed += 1,
                Line::Failed(test) => break Verdict::Failed(test.to_owned()),
                Line::Other => {}
            },
            Err(RecvTimeoutError::Timeout) => break Verdict::Hung,
            Err(RecvTimeoutError::Disconnected) => break Verdict::Passed(passed),
        }
    };
    if !matches!(verdict, Verdict::Passed(_)) {
        // It may have ended by itself.
        let _ = child.kill();
    }
    let ended = child.wait();
    drop(lines);
    if matches!(verdict, Verdict::Passed(_)) {
        let _ = reader.join();
        if !ended.is_ok_and(|status| status.success()) {
            return Verdict::Failed("(the whole suite)".into());
        }
    }
    verdict
}

/// Reads a line of Rust's harness, or of Node's.
fn read(line: &str) -> Line<'_> {
    if let Some((test, result)) = line.strip_prefix("test ").and_then(|line| line.rsplit_once(" ... ")) {
        return match result {
            "ok" => Line::Passed,
            "FAILED" => Line::Failed(test),
            _ => Line::Other,
        };
    }
    let line = line.trim_start();
    let is_test = line.ends_with("ms)");
    match line.split_once(' ') {
        Some(("✔", _)) if is_test => Line::Passed,
        Some(("✖", rest)) if is_test => Line::Failed(rest.rsplit_once(" (").map_or(rest, |(test, _)| test)),
        _ => Line::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_whether_a_test_failed() {
        assert_eq!(read("test polling::two ... ok"), Line::Passed);
        assert_eq!(read("test polling::two ... FAILED"), Line::Failed("polling::two"));
        assert_eq!(read("test result: FAILED. 1 passed; 1 failed"), Line::Other);
        assert_eq!(read("  ✖ that is no page (says so) (12.3ms)"), Line::Failed("that is no page (says so)"));
        assert_eq!(read("✔ the health (1.5ms)"), Line::Passed);
        assert_eq!(read("ℹ fail 1"), Line::Other);
    }

    #[test]
    fn a_hang_is_no_failure() {
        let mut sleep = Command::new("sleep");
        sleep.arg("60");
        assert_eq!(run(sleep, Duration::from_millis(50)), Verdict::Hung);
        assert_eq!(
            run(Command::new("false"), Duration::from_secs(9)),
            Verdict::Failed("(the whole suite)".into())
        );
    }
}
