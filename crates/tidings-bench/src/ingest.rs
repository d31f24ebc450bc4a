//! `tidings-bench ingest`: many write, each after the acknowledgement of their last message.

use std::time::{Duration, Instant};

use super::options::Ingest;
use super::report::{Report, Span};
use super::target::Target;
use super::{Failure, Fleet, progress};

const TURN_MAX: Duration = Duration::from_millis(10);

pub(crate) fn measure(options: &Ingest, target: &Target, report: &mut Report) -> Result<(), Failure> {
    let mut fleet = Fleet::new(&target.host, target.is_new(), options.text_bytes, options.senders)?;
    fleet.join(options.senders, fleet.ledger.head())?;
    for sender in 0..u32::try_from(options.senders).unwrap_or(u32::MAX) {
        fleet.send(sender, 1)?;
    }
    let time = Duration::from_secs(options.seconds);
    write_for(&mut fleet, "warming up", time / 5)?;
    fleet.ledger.measure_from_here();
    fleet.ack_latency = super::histogram::Histogram::default();
    let (before, span) = (fleet.acked, Span::begin(target.tree)?);
    write_for(&mut fleet, "measuring", time)?;
    report.rates("stored", fleet.acked - before, &span.end()?);
    report.latencies("ack", &fleet.ack_latency);
    report.latencies("delivery", &fleet.ledger.latency);
    report.blame(fleet.judge()?);
    Ok(())
}

fn write_for(fleet: &mut Fleet, what: &str, time: Duration) -> Result<(), Failure> {
    let start = Instant::now();
    while start.elapsed() < time {
        fleet.turn(TURN_MAX)?;
        fleet.ledger.complete.clear();
        for sender in std::mem::take(&mut fleet.answered) {
            fleet.send(sender, 1)?;
        }
        progress::tell(what, start.elapsed().as_secs(), time.as_secs());
    }
    Ok(())
}
