//! External programs that this command runs: cargo, npm, mocha, pip, wstest.
//!
//! Each runs in a process group of its own, with a deadline, and its children end with it. (The client suites start
//! programs that never end by themselves.)

use std::fmt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Why a part of the run failed, in a sentence.
#[derive(Debug)]
pub(super) struct Failure(String);

impl Failure {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// For `map_err`: adds what was being done.
pub(super) fn while_doing<E: fmt::Display>(what: impl fmt::Display) -> impl FnOnce(E) -> Failure {
    move |err| Failure(format!("{what}: {err}"))
}

/// Runs to the end, or kills the whole group at the deadline. The standard output is discarded: the results are in
/// report files, and the programs are chatty.
pub(super) fn finish(command: &mut Command, deadline: Duration) -> Result<ExitStatus, Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(while_doing(format_args!("cannot start {name}")))?;
    let group = Group::of(&child);
    let (done, end) = mpsc::sync_channel(1);
    std::thread::spawn(move || done.send(child.wait()));
    let status = end.recv_timeout(deadline);
    group.kill();
    match status {
        Ok(status) => status.map_err(while_doing(format_args!("waiting for {name}"))),
        Err(_) => Err(Failure(format!("{name} did not end within {} s", deadline.as_secs()))),
    }
}

/// Like [`finish`], but a failure is an error.
pub(super) fn succeed(command: &mut Command, deadline: Duration) -> Result<(), Failure> {
    let status = finish(command, deadline)?;
    if status.success() {
        return Ok(());
    }
    let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
    Err(Failure(format!("{} {}: {status}", command.get_program().to_string_lossy(), args.join(" "))))
}

/// A process group, led by a child.
#[derive(Clone, Copy, Debug)]
struct Group(u32);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id())
    }

    /// Kills the rest of the group. The standard library cannot signal a group; the shell can.
    fn kill(self) {
        let group = format!("-{}", self.0);
        let kill = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        // This usually fails, because nobody is left.
        drop(kill);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_does_not_end_is_killed_at_the_deadline() {
        let failure =
            finish(Command::new("sleep").arg("600"), Duration::from_millis(20)).expect_err("it sleeps on");
        assert_eq!(failure.to_string(), "sleep did not end within 0 s");
    }

    #[test]
    fn a_program_that_fails_is_named_with_its_arguments() {
        let failure =
            succeed(Command::new("false").arg("ada"), Duration::from_mins(1)).expect_err("false fails");
        assert_eq!(failure.to_string(), "false ada: exit status: 1");
    }
}
