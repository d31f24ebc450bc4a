//! `tidings-bench fanout`: some clients write, and everybody receives it.
//!
//! A message is under way until everybody has it, and then its sender writes the next one. So one in flight leaves the
//! server nothing to join, and many show what it makes of a backlog. With a rate, messages come whether or not the last one
//! has arrived.

use std::time::{Duration, Instant};

use super::options::Fanout;
use super::report::{Report, Span};
use super::target::Target;
use super::writers::Writers;
use super::{Failure, Fleet, progress};

const TURN_MAX: Duration = Duration::from_millis(10);
/// As many in flight as make a server work in large batches.
const FULL: usize = 512;

pub(crate) fn measure(options: &Fanout, target: &Target, report: &mut Report) -> Result<(), Failure> {
    let mut fleet = Fleet::new(&target.host, target.is_new(), options.text_bytes, options.clients)?;
    fleet.join(options.clients, fleet.ledger.head())?;
    if options.polling > 0 {
        fleet.join_pollers(options.polling)?;
    }
    let mut pace = match options.load {
        Some(percent) => {
            let rate = capacity(&mut fleet, options)? * u64::from(percent) / 100;
            #[expect(clippy::cast_precision_loss, reason = "messages of a second are far below 2^52")]
            report.set("messages_per_second", rate as f64);
            Pace::rate(options, u32::try_from(rate).unwrap_or(u32::MAX))
        }
        None => Pace::new(options),
    };
    pace.begin(&mut fleet)?;
    write_for(&mut fleet, &mut pace, "warming up", Duration::from_secs(options.seconds) / 5)?;
    fleet.measure_from_here();
    let before = fleet.ledger.deliveries;
    let span = Span::begin(target.tree)?;
    write_for(&mut fleet, &mut pace, "measuring", Duration::from_secs(options.seconds))?;
    let cost = span.end()?;
    report.rates("deliveries", fleet.ledger.deliveries - before, &cost);
    report.latencies("delivery", &fleet.ledger.latency);
    report.latencies("ack", &fleet.ack_latency);
    if let Some(polled) = fleet.polled() {
        report.latencies("polled", &polled.latency);
    }
    let latency = &fleet.ledger.latency;
    let [median, slow] = [500, 990].map(|share| latency.quantile(share).as_secs_f64());
    report.set("delivery_p99_to_p50", slow / median.max(f64::EPSILON));
    report.blame(fleet.judge()?);
    Ok(())
}

/// How many messages a second the server brings to everybody when it never has to wait for one.
fn capacity(fleet: &mut Fleet, options: &Fanout) -> Result<u64, Failure> {
    let mut pace = Pace::in_flight(options, FULL);
    pace.begin(fleet)?;
    let (before, start) = (fleet.ledger.deliveries, Instant::now());
    write_for(fleet, &mut pace, "finding the limit", Duration::from_secs(options.seconds))?;
    let messages = (fleet.ledger.deliveries - before) / options.clients.max(1) as u64;
    let rate = u128::from(messages) * 1_000 / start.elapsed().as_millis().max(1);
    fleet.until("the last message", |fleet| {
        fleet
            .clients
            .iter()
            .all(|client| client.unacked.is_empty() && client.view.last() >= fleet.ledger.head())
    })?;
    fleet.ledger.complete.clear();
    fleet.answered.clear();
    fleet.ack_latency = super::histogram::Histogram::default();
    Ok(u64::try_from(rate).unwrap_or(u64::MAX))
}

fn write_for(fleet: &mut Fleet, pace: &mut Pace, what: &str, time: Duration) -> Result<(), Failure> {
    let start = Instant::now();
    while start.elapsed() < time {
        fleet.turn(pace.wait().min(TURN_MAX))?;
        pace.write(fleet)?;
        let (done, all) = (start.elapsed().as_millis(), time.as_millis());
        progress::tell(what, u64::try_from(done).unwrap_or(0), u64::try_from(all).unwrap_or(0));
    }
    Ok(())
}

/// When the senders write.
enum Pace {
    InFlight { senders: u32, messages: usize, credits: Vec<usize> },
    Rate(Writers),
}

impl Pace {
    fn new(options: &Fanout) -> Self {
        match options.rate {
            Some(rate) => Self::rate(options, rate),
            None => Self::in_flight(options, options.in_flight),
        }
    }

    fn rate(options: &Fanout, rate: u32) -> Self {
        Self::Rate(Writers::new(options.senders.min(options.clients).max(1), rate))
    }

    fn in_flight(options: &Fanout, messages: usize) -> Self {
        let senders = options.senders.min(options.clients).min(messages).max(1);
        Self::InFlight { senders: u32::try_from(senders).unwrap_or(1), messages, credits: vec![0; senders] }
    }

    fn begin(&mut self, fleet: &mut Fleet) -> Result<(), Failure> {
        match self {
            Self::InFlight { senders, messages, .. } => {
                let each = *messages / *senders as usize;
                (0..*senders).try_for_each(|sender| fleet.send(sender, each))
            }
            Self::Rate(writers) => {
                writers.begin();
                Ok(())
            }
        }
    }

    fn wait(&self) -> Duration {
        match self {
            Self::InFlight { .. } => TURN_MAX,
            Self::Rate(writers) => writers.wait(),
        }
    }

    fn write(&mut self, fleet: &mut Fleet) -> Result<(), Failure> {
        match self {
            Self::InFlight { credits, .. } => {
                for sender in fleet.ledger.complete.drain(..) {
                    if let Some(credit) = credits.get_mut(sender as usize) {
                        *credit += 1;
                    }
                }
                for (sender, credit) in (0..).zip(credits) {
                    if *credit > 0 {
                        fleet.send(sender, std::mem::take(credit))?;
                    }
                }
                Ok(())
            }
            Self::Rate(writers) => writers.write(fleet),
        }
    }
}
