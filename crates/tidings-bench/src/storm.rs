//! `tidings-bench storm`: everybody is cut at once and comes back, while others go on writing.
//!
//! The storm is over when everybody is there again and has every message that was written before the last one was back.

use std::time::{Duration, Instant};

use super::options::Storm;
use super::report::{Report, Span};
use super::target::Target;
use super::writers::Writers;
use super::{Failure, Fleet, progress};

/// How long people write before the storm, so that there is something to go on from.
const CALM: Duration = Duration::from_secs(2);
/// Connections that come back at once.
const RETURNING_MAX: usize = 128;
const TURN_MAX: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) fn measure(options: &Storm, target: &Target, report: &mut Report) -> Result<(), Failure> {
    let all = options.clients + options.senders;
    let mut fleet = Fleet::new(&target.host, target.is_new(), options.text_bytes, all)?;
    fleet.join(all, fleet.ledger.head())?;
    let mut writers = Writers::new(options.senders, options.rate);
    let calm = Instant::now();
    while calm.elapsed() < CALM {
        fleet.turn(TURN_MAX)?;
        writers.write(&mut fleet)?;
    }
    fleet.ledger.measure_from_here();
    fleet.join_latency = super::histogram::Histogram::default();
    let before = fleet.ledger.deliveries;
    let (start, span) = (Instant::now(), Span::begin(target.tree)?);
    for client in fleet.clients.iter_mut().skip(options.senders) {
        client.hang_up()?;
        fleet.joined -= 1;
    }
    let mut next = options.senders;
    while fleet.joined < all {
        while next < all && next - fleet.joined < RETURNING_MAX {
            fleet.come_back(next)?;
            next += 1;
        }
        fleet.turn(TURN_MAX)?;
        writers.write(&mut fleet)?;
        progress::tell("back", fleet.joined as u64, all as u64);
        within_patience(start)?;
    }
    report.set("all_back_seconds", start.elapsed().as_secs_f64());
    let head = fleet.ledger.head();
    while fleet.clients.iter().any(|client| client.view.last() < head) {
        fleet.turn(TURN_MAX)?;
        writers.write(&mut fleet)?;
        within_patience(start)?;
    }
    report.set("all_caught_up_seconds", start.elapsed().as_secs_f64());
    report.rates("deliveries", fleet.ledger.deliveries - before, &span.end()?);
    report.latencies("join", &fleet.join_latency);
    report.latencies("delivery", &fleet.ledger.latency);
    report.blame(fleet.judge()?);
    Ok(())
}

fn within_patience(start: Instant) -> Result<(), Failure> {
    if start.elapsed() > PATIENCE { Err(Failure::Late { what: "coming back" }) } else { Ok(()) }
}
