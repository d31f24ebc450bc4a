//! Runs one tool after the other, shows its output, and keeps the score.
//!
//! A tool passes only if its exit code says so. If it counts tests, it must have run at least one and skipped none.

use std::io::{BufRead, BufReader, Read, Write as _};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::count::{self, Count, Counting};

/// Lines about its failures that a step has at the end of the log.
pub(super) const FAILURE_LINES_MAX: usize = 80;

struct Step {
    name: &'static str,
    count: Count,
    took: Duration,
    failures: Vec<String>,
}

/// The steps so far.
#[derive(Default)]
pub(super) struct Steps {
    done: Vec<Step>,
}

impl Steps {
    /// Runs a tool to its end.
    pub(super) fn run(&mut self, name: &'static str, counting: Counting, command: Command) {
        println!("\n── {name}");
        let begin = Instant::now();
        let (count, output) = match capture(command) {
            Ok((success, output)) => {
                let output = count::plain(&output);
                (judge(counting, success, &output), output)
            }
            Err(err) => {
                let failed = format!("{name} could not be run: {err}");
                println!("{failed}");
                (Count { failed: 1, ..Count::default() }, failed)
            }
        };
        let failures = match count {
            Count { failed: 0, skipped: 0, .. } => Vec::new(),
            _ => count::failures(counting, &output, FAILURE_LINES_MAX),
        };
        self.note(name, count, begin.elapsed(), failures.into_iter().map(str::to_owned).collect());
    }

    /// Records the result of a step that is not a tool, with the lines about its failures.
    pub(super) fn note(&mut self, name: &'static str, count: Count, took: Duration, failures: Vec<String>) {
        println!("{}", line(name, count, took));
        self.done.push(Step { name, count, took, failures });
    }

    /// Repeats the failures, then prints the summary. It fails if anything failed or was skipped.
    pub(super) fn finish(self, took: Duration) -> ExitCode {
        for Step { name, failures, .. } in self.done.iter().filter(|step| !step.failures.is_empty()) {
            println!("\n── failed: {name}\n{}", failures.join("\n"));
        }
        let mut total = Count::default();
        println!();
        for Step { name, count, took, .. } in &self.done {
            println!("{}", line(name, *count, *took));
            total.add(*count);
        }
        println!("all of it took {:.0} s", took.as_secs_f64());
        if total.skipped > 0 {
            println!("{} were skipped, which counts as failed", total.skipped);
        }
        let failed = total.failed + total.skipped;
        println!("{} passed, {failed} failed", total.passed);
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn line(name: &str, count: Count, took: Duration) -> String {
    let Count { passed, failed, skipped } = count;
    format!(
        "{name:<14} {passed:>5} passed {failed:>4} failed {skipped:>4} skipped {:>8.1} s",
        took.as_secs_f64()
    )
}

fn judge(counting: Counting, success: bool, output: &str) -> Count {
    if counting == Counting::Once {
        return Count { passed: usize::from(success), failed: usize::from(!success), skipped: 0 };
    }
    let mut count = count::read(counting, output);
    let unexplained = !success && count.failed == 0;
    if unexplained || count.passed + count.failed == 0 {
        // The tool broke before or beside its tests.
        count.failed += 1;
    }
    count
}

/// Runs a command. Prints its output line by line, and returns it.
fn capture(mut command: Command) -> std::io::Result<(bool, String)> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let stderr = child.stderr.take().map(|pipe| thread::spawn(move || pass_on(pipe)));
    let mut output = child.stdout.take().map(pass_on).unwrap_or_default();
    if let Some(Ok(errors)) = stderr.map(thread::JoinHandle::join) {
        output.push_str(&errors);
    }
    Ok((child.wait()?.success(), output))
}

fn pass_on(pipe: impl Read) -> String {
    let mut reader = BufReader::new(pipe);
    let mut kept = String::new();
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&line);
        // The caller may have closed the output; the tests continue anyway.
        let _ = std::io::stdout().write_all(text.as_bytes());
        kept.push_str(&text);
        line.clear();
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_counts_nothing_has_failed() {
        assert_eq!(judge(Counting::Node, true, "").failed, 1);
        assert_eq!(judge(Counting::Node, false, "ℹ pass 3").failed, 1);
        assert_eq!(judge(Counting::Node, false, "ℹ pass 3\nℹ fail 2").failed, 2);
        assert_eq!(judge(Counting::Node, true, "ℹ pass 3").failed, 0);
        assert_eq!(judge(Counting::Once, false, "ℹ pass 3"), Count { passed: 0, failed: 1, skipped: 0 });
    }
}
