//! `tidings-bench replay`: everybody asks for the whole history at once.

use super::options::Replay;
use super::report::{Report, Span};
use super::target::Target;
use super::{Failure, Fleet};

/// Messages of the history that are written at once.
const WRITTEN_AT_ONCE: usize = 50;

pub(crate) fn measure(options: &Replay, target: &Target, report: &mut Report) -> Result<(), Failure> {
    let mut fleet = Fleet::new(&target.host, target.is_new(), options.text_bytes, options.clients)?;
    let base = fleet.ledger.head();
    fleet.join(1, base)?;
    let mut left = options.messages;
    while left > 0 {
        let count = left.min(WRITTEN_AT_ONCE);
        fleet.send(0, count)?;
        fleet.until("writing the history", |fleet| {
            fleet.clients.iter().all(|client| client.unacked.is_empty())
        })?;
        left -= count;
    }
    fleet.until("the history", |fleet| {
        fleet.ledger.head() >= base + options.messages as u64
            && fleet.clients.iter().all(|client| client.view.last() >= fleet.ledger.head())
    })?;
    fleet.cut();
    let before = fleet.ledger.deliveries;
    let span = Span::begin(target.tree)?;
    fleet.join(options.clients, base)?;
    fleet.until("the replay", |fleet| {
        fleet.clients.iter().all(|client| client.view.last() >= fleet.ledger.head())
    })?;
    report.rates("replayed", fleet.ledger.deliveries - before, &span.end()?);
    report.blame(fleet.judge()?);
    Ok(())
}
