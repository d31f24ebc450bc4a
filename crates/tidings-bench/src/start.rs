//! `tidings-bench start`: how long Tidings takes from its start to the line that says where it listens.
//!
//! Each of the starts comes after a kill, so that what a crash leaves to be done is part of it. The history is written by
//! clients, and checked, before the first of them.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::fleet::New;
use super::histogram::Histogram;
use super::host::Host;
use super::options::Start;
use super::report::Report;
use super::{Failure, Fleet, progress, target};

const SENDERS: usize = 8;
/// Messages that each of them has under way.
const WRITTEN_AT_ONCE: usize = 256;
const TURN_MAX: Duration = Duration::from_millis(10);

pub(crate) fn measure(options: &Start, report: &mut Report) -> Result<(), Failure> {
    let folder = tempfile::Builder::new().prefix("tidings-bench-").tempdir()?;
    let running = Running::start(folder.path())?;
    let mut fleet = Fleet::new(&Host::at(&running.url, &[])?, New::Yes, options.text_bytes, SENDERS)?;
    if options.messages > 0 {
        write_history(&mut fleet, options.messages)?;
    }
    report.blame(fleet.judge()?);
    fleet.cut();
    drop(running);
    let mut times = Histogram::default();
    for run in 0..options.runs {
        let start = Instant::now();
        drop(Running::start(folder.path())?);
        times.record(start.elapsed());
        progress::tell("starting", u64::from(run), u64::from(options.runs));
    }
    report.latencies("start", &times);
    Ok(())
}

fn write_history(fleet: &mut Fleet, messages: usize) -> Result<(), Failure> {
    fleet.join(SENDERS, 0)?;
    let mut left = messages;
    while left > 0 {
        for sender in 0..SENDERS {
            let is_idle = fleet.clients.get(sender).is_some_and(|client| client.unacked.is_empty());
            if is_idle && left > 0 {
                let count = left.min(WRITTEN_AT_ONCE);
                fleet.send(u32::try_from(sender).unwrap_or(u32::MAX), count)?;
                left -= count;
            }
        }
        fleet.turn(TURN_MAX)?;
        fleet.ledger.complete.clear();
        fleet.answered.clear();
        progress::tell("writing the history", (messages - left) as u64, messages as u64);
    }
    Ok(())
}

/// A server that says where it is; it is killed when this is dropped.
struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start(folder: &Path) -> Result<Self, Failure> {
        let mut command = target::tidings()?;
        command.args(["serve", "--listen", "127.0.0.1:0", "--data", "data"]).current_dir(folder);
        let child = target::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
        let mut running = Self { child, url: String::new() };
        let output = running.child.stdout.take().map(BufReader::new);
        let mut lines = output.into_iter().flat_map(BufReader::lines);
        let url = lines.find_map(|line| line.ok().as_deref().and_then(target::url_in));
        running.url =
            url.ok_or_else(|| Failure::Server("it has ended without saying where it listens".into()))?;
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
