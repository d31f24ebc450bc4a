//! `tidings-bench polite`: people who behave, and what they notice of an attack that runs at the same time.
//!
//! Many listen in the lobby, some write, and a few ask for the history. A message that is lost, doubled or out of order, and
//! a connection that breaks, fail the run.

mod reader;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use self::reader::Asked;
use super::histogram::Histogram;
use super::options::Polite;
use super::report::{Report, Span};
use super::target::Target;
use super::writers::Writers;
use super::{Failure, Fleet, progress};

const TURN_MAX: Duration = Duration::from_millis(10);
/// The first of the addresses that connections come from, 127.1.0.0/16.
const SOURCES: Ipv4Addr = Ipv4Addr::new(127, 1, 0, 1);

pub(crate) fn measure(options: &Polite, target: &Target, report: &mut Report) -> Result<(), Failure> {
    let (sources, address) = (sources(options.sources), target.host.plain_address()?);
    let mut fleet = Fleet::new(&target.host, target.is_new(), options.text_bytes, options.clients)?;
    fleet.sources.clone_from(&sources);
    fleet.join(options.clients, fleet.ledger.head())?;
    let is_over = AtomicBool::new(false);
    let asked = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..options.readers)
            .map(|number| {
                let source = sources.get(number as usize % sources.len().max(1)).copied();
                let is_over = &is_over;
                scope.spawn(move || reader::ask(address, source, is_over))
            })
            .collect();
        let written = write(&mut fleet, options, target, report);
        is_over.store(true, Ordering::Relaxed);
        let mut histogram = Histogram::default();
        for reader in readers {
            let Asked { latency } = reader.join().map_err(|_| Failure::Late { what: "a reader" })??;
            histogram.add(&latency);
        }
        written.map(|()| histogram)
    })?;
    report.latencies("history", &asked);
    report.latencies("ack", &fleet.ack_latency);
    report.latencies("delivery", &fleet.ledger.latency);
    report.blame(fleet.judge()?);
    Ok(())
}

fn write(fleet: &mut Fleet, options: &Polite, target: &Target, report: &mut Report) -> Result<(), Failure> {
    let mut writers = Writers::new(options.senders.min(options.clients), options.rate);
    let (start, time) = (Instant::now(), Duration::from_secs(options.seconds));
    let span = Span::begin(target.tree)?;
    writers.begin();
    while start.elapsed() < time {
        fleet.turn(writers.wait().min(TURN_MAX))?;
        writers.write(fleet)?;
        progress::tell("measuring", start.elapsed().as_secs(), time.as_secs());
    }
    report.rates("deliveries", fleet.ledger.deliveries, &span.end()?);
    Ok(())
}

fn sources(count: u32) -> Vec<IpAddr> {
    let first = SOURCES.to_bits();
    (0..count.min(65_000)).map(|number| Ipv4Addr::from_bits(first + number).into()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_come_from_addresses_of_this_machine() {
        assert_eq!(sources(0), [] as [IpAddr; 0]);
        assert_eq!(sources(300).last(), Some(&IpAddr::from([127, 1, 1, 44])));
        assert!(sources(u32::MAX).iter().all(IpAddr::is_loopback));
    }
}
