//! [`Report`]: what a run has found, for people and for programs; and [`Span`], the costs of a stretch of time.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::histogram::Histogram;
use super::ledger::Faults;
use super::process::{self, Tree, Usage};

/// A client busier than this has measured itself.
const CLIENT_SHARE_MAX: f64 = 0.9;
/// Processor time is counted in ticks of 10 ms: over a shorter stretch it says nothing.
const TELLING: Duration = Duration::from_millis(100);

/// What a run has found. Every name ends with its unit.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    workload: &'static str,
    verdict: Verdict,
    measures: BTreeMap<String, f64>,
    faults: Faults,
}

/// Whether the figures may be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Good,
    /// The client had no time to spare: the server may be faster than this.
    Void,
    /// The server has broken the contract.
    Failed,
    /// There was nothing to judge.
    Open,
}

impl Report {
    pub(crate) fn new(workload: &'static str) -> Self {
        let faults = Faults::default();
        Self { workload, verdict: Verdict::Good, measures: BTreeMap::new(), faults }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.verdict
    }

    pub(crate) fn set(&mut self, name: &str, value: f64) {
        self.measures.insert(name.to_owned(), value);
    }

    pub(crate) fn blame(&mut self, faults: Faults) {
        self.faults = faults;
        if faults.sum() > 0 {
            self.verdict = Verdict::Failed;
        }
    }

    /// Says that the run judges nothing.
    pub(crate) fn leave_open(&mut self) {
        self.verdict = Verdict::Open;
    }

    /// Quantiles in milliseconds.
    pub(crate) fn latencies(&mut self, name: &str, histogram: &Histogram) {
        if histogram.is_empty() {
            return;
        }
        for (label, per_mille) in [("p50", 500), ("p90", 900), ("p99", 990), ("p999", 999)] {
            self.set(&format!("{name}_{label}_ms"), histogram.quantile(per_mille).as_secs_f64() * 1e3);
        }
        self.set(&format!("{name}_max_ms"), histogram.max().as_secs_f64() * 1e3);
    }

    /// How many of something were done in a stretch, by wall time and by the server's processor time.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub(crate) fn rates(&mut self, what: &str, count: u64, cost: &Cost) {
        self.set(what, count as f64);
        self.set(&format!("{what}_per_second"), count as f64 / cost.wall.as_secs_f64());
        self.set("seconds", cost.wall.as_secs_f64());
        self.set("client_cpu_share", cost.client_share());
        if let Some(cpu) = cost.server_cpu {
            self.set(&format!("{what}_per_server_cpu_second"), count as f64 / cpu.as_secs_f64().max(0.01));
            self.set("server_cpu_share", cpu.as_secs_f64() / cost.wall.as_secs_f64());
        }
        let is_telling = cost.wall >= TELLING;
        if is_telling && cost.client_share() > CLIENT_SHARE_MAX && self.verdict == Verdict::Good {
            self.verdict = Verdict::Void;
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Good => "nothing lost, doubled or out of order",
            Verdict::Void => "void: the client was too busy",
            Verdict::Failed => "FAILED",
            Verdict::Open => "what the others noticed is for another workload to measure",
        };
        writeln!(f, "{}: {verdict}", self.workload)?;
        for (name, value) in &self.measures {
            let decimals = if value.abs() >= 1_000.0 { 0 } else { 3 };
            writeln!(f, "  {value:>16.decimals$}  {}", name.replace('_', " "))?;
        }
        if self.verdict == Verdict::Failed {
            writeln!(f, "  {:?}", self.faults)?;
        }
        Ok(())
    }
}

/// The beginning of a stretch of time.
pub(crate) struct Span {
    start: Instant,
    server: Option<(Tree, Usage)>,
    client_cpu: Duration,
}

/// What the stretch has cost.
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    pub(crate) server_cpu: Option<Duration>,
    client_cpu: Duration,
}

impl Span {
    pub(crate) fn begin(server: Option<Tree>) -> io::Result<Self> {
        let server = match server {
            Some(tree) => Some((tree, tree.usage()?)),
            None => None,
        };
        Ok(Self { server, client_cpu: process::own_cpu()?, start: Instant::now() })
    }

    pub(crate) fn end(&self) -> io::Result<Cost> {
        let wall = self.start.elapsed();
        let server_cpu = match self.server {
            Some((tree, before)) => Some(tree.usage()?.cpu.saturating_sub(before.cpu)),
            None => None,
        };
        let client_cpu = process::own_cpu()?.saturating_sub(self.client_cpu);
        Ok(Cost { wall, server_cpu, client_cpu })
    }
}

impl Cost {
    fn client_share(&self) -> f64 {
        self.client_cpu.as_secs_f64() / self.wall.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(client_millis: u64) -> Cost {
        let client_cpu = Duration::from_millis(client_millis);
        Cost { wall: Duration::from_secs(1), server_cpu: Some(Duration::from_millis(500)), client_cpu }
    }

    #[test]
    fn a_run_whose_client_had_no_time_to_spare_is_void() {
        for (client_millis, verdict) in [(100, Verdict::Good), (899, Verdict::Good), (901, Verdict::Void)] {
            let mut report = Report::new("fanout");
            report.rates("deliveries", 1_000, &cost(client_millis));
            assert_eq!(report.verdict(), verdict, "{client_millis}");
        }
    }

    #[test]
    fn a_fault_counts_more_than_a_busy_client() {
        let mut report = Report::new("fanout");
        report.rates("deliveries", 1_000, &cost(950));
        report.blame(Faults { lost: 1, ..Faults::default() });
        assert_eq!(report.verdict(), Verdict::Failed);
        assert!(report.to_string().starts_with("fanout: FAILED"), "{report}");
    }

    #[test]
    fn costs_are_those_of_the_servers_processor() {
        let mut report = Report::new("fanout");
        report.rates("deliveries", 1_000, &cost(100));
        assert_eq!(report.measures.get("deliveries_per_server_cpu_second"), Some(&2_000.0));
    }
}
