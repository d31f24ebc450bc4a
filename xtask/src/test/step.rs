//! Runs tools, shows their output, and keeps the score.
//!
//! A tool passes only if its exit code says so. If it counts tests, it must have run at least one and skipped none.
//! Tools that leave the processor idle have others beside them, whose output is shown when they are waited for.

use std::io::{BufRead, BufReader, Read, Write as _};
use std::process::{Command, ExitCode, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::count::{self, Count, Counting};
use super::slow::{self, Line, Timed};

/// Lines about its failures that a step has at the end of the log.
pub(super) const FAILURE_LINES_MAX: usize = 80;

/// How many of the slowest tests are named.
const SLOW_MAX: usize = 10;

/// The result of a step.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) count: Count,
    pub(super) took: Duration,
    pub(super) failures: Vec<String>,
    pub(super) timed: Vec<Timed>,
}

/// Whether output is printed as it comes, or kept until the end of the step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Show {
    AsItComes,
    AtTheEnd,
}

/// What it means that a tool has skipped tests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Skipped {
    Failed,
    /// They are those that were not asked for.
    Expected,
}

/// A tool and the format of its summary.
pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) counting: Counting,
    pub(super) command: Command,
}

/// Steps that run beside others, one after the other.
pub(super) struct Beside(JoinHandle<Vec<(Step, String)>>);

/// The steps so far.
#[derive(Default)]
pub(super) struct Steps {
    done: Vec<Step>,
}

impl Steps {
    /// Runs a tool to its end.
    pub(super) fn run(&mut self, name: &'static str, counting: Counting, command: Command) {
        println!("\n── {name}");
        let (step, _) = run(Tool { name, counting, command }, Show::AsItComes);
        self.note(step);
    }

    /// Records the result of a step.
    pub(super) fn note(&mut self, step: Step) {
        println!("{}", line(step.name, step.count, step.took));
        self.done.push(step);
    }

    /// Waits for the steps that ran beside others.
    pub(super) fn wait(&mut self, Beside(steps): Beside) {
        for (step, output) in steps.join().expect("a step does not panic") {
            println!("\n── {}\n{output}", step.name);
            self.note(step);
        }
    }

    /// Repeats the failures, names the slowest tests, and prints the summary. It fails if anything has failed.
    pub(super) fn finish(self, took: Duration, skipped: Skipped) -> ExitCode {
        let is_told = |step: &&Step| step.count.failed > 0 || skipped == Skipped::Failed;
        for Step { name, failures, .. } in
            self.done.iter().filter(is_told).filter(|step| !step.failures.is_empty())
        {
            println!("\n── failed: {name}\n{}", failures.join("\n"));
        }
        let mut timed: Vec<&Timed> = self.done.iter().flat_map(|step| &step.timed).collect();
        timed.sort_by_key(|timed| std::cmp::Reverse(timed.took));
        println!("\nthe slowest tests:");
        for Timed { took, test } in timed.into_iter().take(SLOW_MAX) {
            println!("{:>8.1} s  {test}", took.as_secs_f64());
        }
        let mut total = Count::default();
        println!();
        for Step { name, count, took, .. } in &self.done {
            println!("{}", line(name, *count, *took));
            total.add(*count);
        }
        println!("all of it took {:.0} s", took.as_secs_f64());
        let mut failed = total.failed;
        if total.skipped > 0 && skipped == Skipped::Failed {
            println!("{} were skipped, which counts as failed", total.skipped);
            failed += total.skipped;
        }
        println!("{} passed, {failed} failed", total.passed);
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

impl Beside {
    /// Starts tools, one after the other.
    pub(super) fn tools(tools: Vec<Tool>) -> Self {
        Self::start(move || tools.into_iter().map(run_quietly).collect())
    }

    /// Starts steps, each with its output.
    pub(super) fn start(steps: impl FnOnce() -> Vec<(Step, String)> + Send + 'static) -> Self {
        Self(thread::spawn(steps))
    }
}

/// The command, to be run only when the processor has nothing else to do.
pub(super) fn in_idle_time(command: &Command) -> Command {
    let mut idle = Command::new(if cfg!(unix) { "nice".as_ref() } else { command.get_program() });
    if cfg!(unix) {
        idle.args(["-n", "19"]).arg(command.get_program());
    }
    idle.args(command.get_args());
    idle.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        idle.current_dir(folder);
    }
    idle
}

fn line(name: &str, count: Count, took: Duration) -> String {
    let Count { passed, failed, skipped } = count;
    format!(
        "{name:<14} {passed:>5} passed {failed:>4} failed {skipped:>4} skipped {:>8.1} s",
        took.as_secs_f64()
    )
}

/// Runs a tool to its end, and prints nothing.
pub(super) fn run_quietly(tool: Tool) -> (Step, String) {
    run(tool, Show::AtTheEnd)
}

/// Runs a tool to its end; returns the output too.
fn run(tool: Tool, show: Show) -> (Step, String) {
    let Tool { name, counting, command } = tool;
    let begin = Instant::now();
    let (count, output, timed) = match capture(command, show) {
        Ok((success, lines, errors)) => {
            let mut all: Vec<&Line> = lines.iter().chain(&errors).collect();
            let output: String = all.iter().flat_map(|(_, line)| [line.as_str(), "\n"]).collect();
            // Cargo prints the name of a test binary among the errors.
            all.sort_by_key(|(at, _)| *at);
            let timed = slow::read(counting, &all, threads());
            (judge(counting, success, &output), output, timed)
        }
        Err(err) => {
            let failed = format!("{name} could not be run: {err}");
            if show == Show::AsItComes {
                println!("{failed}");
            }
            (Count { failed: 1, ..Count::default() }, failed, Vec::new())
        }
    };
    let failures = match count {
        Count { failed: 0, skipped: 0, .. } => Vec::new(),
        _ => count::failures(counting, &output, FAILURE_LINES_MAX),
    };
    let failures = failures.into_iter().map(str::to_owned).collect();
    (Step { name, count, took: begin.elapsed(), failures, timed }, output)
}

/// How many tests Rust's test harness runs at once.
fn threads() -> usize {
    let wanted = std::env::var("RUST_TEST_THREADS").ok().and_then(|threads| threads.parse().ok());
    wanted.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from))
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

/// Runs a command; returns whether it succeeded, and the lines of its output and of its errors.
fn capture(mut command: Command, show: Show) -> std::io::Result<(bool, Vec<Line>, Vec<Line>)> {
    let begin = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let stderr = child.stderr.take().map(|pipe| thread::spawn(move || pass_on(pipe, begin, show)));
    let output = child.stdout.take().map(|pipe| pass_on(pipe, begin, show)).unwrap_or_default();
    let errors = stderr.and_then(|errors| errors.join().ok()).unwrap_or_default();
    Ok((child.wait()?.success(), output, errors))
}

fn pass_on(pipe: impl Read, begin: Instant, show: Show) -> Vec<Line> {
    let mut reader = BufReader::new(pipe);
    let mut kept = Vec::new();
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&line);
        if show == Show::AsItComes {
            // The caller may have closed the output; the tests continue anyway.
            let _ = std::io::stdout().write_all(text.as_bytes());
        }
        kept.push((begin.elapsed(), count::plain(text.trim_end_matches(['\n', '\r']))));
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
