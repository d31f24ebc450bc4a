//! `tidings bench fanout`: some clients write, and everybody receives it.
//!
//! A message is under way until everybody has it, and then its sender writes the next one. So one in flight leaves the
//! server nothing to join, and many show what it makes of a backlog. With a rate, messages come whether or not the last one
//! has arrived.

use std::time::{Duration, Instant};

use super::options::Fanout;
use super::report::{Report, Span};
use super::target::Target;
use super::{Failure, Fleet, progress};

const TURN_MAX: Duration = Duration::from_millis(10);

pub(crate) fn measure(options: &Fanout, target: &Target, report: &mut Report) -> Result<(), Failure> {
    let mut fleet = Fleet::new(target.address, target.is_new(), options.text_bytes, options.clients)?;
    fleet.join(options.clients, fleet.ledger.head())?;
    let mut pace = Pace::new(options);
    pace.begin(&mut fleet)?;
    write_for(&mut fleet, &mut pace, "warming up", Duration::from_secs(options.seconds) / 5)?;
    fleet.ledger.measure_from_here();
    let before = fleet.ledger.deliveries;
    let span = Span::begin(target.tree)?;
    write_for(&mut fleet, &mut pace, "measuring", Duration::from_secs(options.seconds))?;
    let cost = span.end()?;
    report.rates("deliveries", fleet.ledger.deliveries - before, &cost);
    report.latencies("delivery", &fleet.ledger.latency);
    report.latencies("ack", &fleet.ack_latency);
    report.blame(fleet.judge()?);
    Ok(())
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

/// Who writes when.
enum Pace {
    InFlight { senders: u32, messages: usize, credits: Vec<usize> },
    Rate { interval: Duration, next: Instant, senders: u32, turn: u32 },
}

impl Pace {
    fn new(options: &Fanout) -> Self {
        let senders = options.senders.min(options.clients).max(1);
        if let Some(rate) = options.rate {
            Self::Rate {
                interval: Duration::from_secs(1) / rate.max(1),
                next: Instant::now(),
                senders: u32::try_from(senders).unwrap_or(1),
                turn: 0,
            }
        } else {
            let senders = senders.min(options.in_flight).max(1);
            Self::InFlight {
                senders: u32::try_from(senders).unwrap_or(1),
                messages: options.in_flight,
                credits: vec![0; senders],
            }
        }
    }

    fn begin(&mut self, fleet: &mut Fleet) -> Result<(), Failure> {
        match self {
            Self::InFlight { senders, messages, .. } => {
                let each = *messages / *senders as usize;
                (0..*senders).try_for_each(|sender| fleet.send(sender, each))
            }
            Self::Rate { next, .. } => {
                *next = Instant::now();
                Ok(())
            }
        }
    }

    fn wait(&self) -> Duration {
        match self {
            Self::InFlight { .. } => TURN_MAX,
            Self::Rate { next, .. } => next.saturating_duration_since(Instant::now()),
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
            }
            Self::Rate { interval, next, senders, turn } => {
                fleet.ledger.complete.clear();
                if Instant::now() >= *next {
                    fleet.send(*turn % *senders, 1)?;
                    *turn = turn.wrapping_add(1);
                    *next += *interval;
                }
            }
        }
        Ok(())
    }
}
