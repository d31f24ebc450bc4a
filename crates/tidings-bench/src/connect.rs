//! `tidings-bench connect`: clients connect, join and are cut, again and again.

use std::time::{Duration, Instant};

use super::options::Connect;
use super::report::{Report, Span};
use super::target::Target;
use super::{Failure, Fleet};

pub(crate) fn measure(options: &Connect, target: &Target, report: &mut Report) -> Result<(), Failure> {
    let mut fleet = Fleet::new(&target.host, target.is_new(), 0, options.clients)?;
    let head = fleet.ledger.head();
    // The first ones pay for what the server makes once.
    fleet.join(options.clients, head)?;
    fleet.cut();
    let time = Duration::from_secs(options.seconds);
    let (start, span) = (Instant::now(), Span::begin(target.tree)?);
    let mut connections = 0;
    let round = options.rate.map(|rate| per_round(options.clients, rate));
    while start.elapsed() < time {
        let due = Instant::now() + round.unwrap_or_default();
        fleet.join(options.clients, head)?;
        connections += options.clients as u64;
        fleet.cut();
        while Instant::now() < due {
            fleet.turn(due.saturating_duration_since(Instant::now()))?;
        }
    }
    report.rates("connections", connections, &span.end()?);
    report.latencies("join", &fleet.join_latency);
    report.blame(fleet.judge()?);
    Ok(())
}

/// How long a round of connections takes at a rate.
fn per_round(clients: usize, rate: u32) -> Duration {
    Duration::from_secs(1) * u32::try_from(clients).unwrap_or(u32::MAX) / rate.max(1)
}
