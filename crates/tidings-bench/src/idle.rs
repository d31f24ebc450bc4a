//! `tidings-bench idle`: what a connection costs that is there and says nothing.

use std::time::{Duration, Instant};

use super::options::Idle;
use super::process;
use super::report::{Report, Span};
use super::target::Target;
use super::{Failure, Fleet, progress};

/// What is left over from connecting may settle for so long.
const SETTLE: Duration = Duration::from_secs(2);
const TURN_MAX: Duration = Duration::from_millis(100);

#[expect(clippy::cast_precision_loss, reason = "bytes of a machine are far below 2^52")]
pub(crate) fn measure(options: &Idle, target: &Target, report: &mut Report) -> Result<(), Failure> {
    let tree = target.tree.ok_or(Failure::NoProcess)?;
    let mut fleet = Fleet::new(&target.host, target.is_new(), 0, options.clients)?;
    let before = tree.usage()?.memory_bytes;
    let kernel_before = process::kernel_bytes();
    fleet.join(options.clients, fleet.ledger.head())?;
    rest(&mut fleet, "settling", SETTLE)?;
    let clients = options.clients.max(1) as f64;
    let after = tree.usage()?.memory_bytes;
    report.set("server_memory_empty_bytes", before as f64);
    report.set("memory_per_connection_bytes", after.saturating_sub(before) as f64 / clients);
    if let (Some(before), Some(after)) = (kernel_before, process::kernel_bytes()) {
        // Both ends are on this machine, unless the server is not.
        let both = after.saturating_sub(before) as f64 / clients;
        report.set("kernel_memory_per_connection_both_ends_bytes", both);
    }
    let span = Span::begin(target.tree)?;
    rest(&mut fleet, "idle", Duration::from_secs(options.seconds))?;
    report.rates("idle_connections", options.clients as u64, &span.end()?);
    let idle = tree.usage()?.memory_bytes;
    report.set("memory_per_connection_at_the_end_bytes", idle.saturating_sub(before) as f64 / clients);
    report.latencies("join", &fleet.join_latency);
    report.blame(fleet.judge()?);
    Ok(())
}

fn rest(fleet: &mut Fleet, what: &str, time: Duration) -> Result<(), Failure> {
    let start = Instant::now();
    while start.elapsed() < time {
        fleet.turn(TURN_MAX)?;
        progress::tell(what, start.elapsed().as_secs(), time.as_secs());
    }
    Ok(())
}
