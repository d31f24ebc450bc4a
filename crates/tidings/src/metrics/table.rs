//! The parts of the table, and what makes its rows.

use socketio_server::WorkerStats;

use super::{Kind, Label, Metric, Samples, Source};
use crate::stats::NodeStats;

type Read = fn(&Source<'_>, &mut Samples<'_>);

/// A row: its name, the names of its labels, its unit, its meaning, and where its values are.
pub(super) const fn counter(
    name: &'static str,
    labels: &'static [&'static str],
    unit: &'static str,
    meaning: &'static str,
    read: Read,
) -> Metric {
    Metric { name, kind: Kind::Counter, labels, unit, meaning, read }
}

/// A row: its name, the names of its labels, its unit, its meaning, and where its values are.
pub(super) const fn gauge(
    name: &'static str,
    labels: &'static [&'static str],
    unit: &'static str,
    meaning: &'static str,
    read: Read,
) -> Metric {
    Metric { name, kind: Kind::Gauge, labels, unit, meaning, read }
}

/// A row: its name, the names of its labels, its unit, its meaning, and where its values are.
pub(super) const fn histogram(
    name: &'static str,
    labels: &'static [&'static str],
    unit: &'static str,
    meaning: &'static str,
    read: Read,
) -> Metric {
    Metric { name, kind: Kind::Histogram, labels, unit, meaning, read }
}

pub(super) fn node<'a>(from: &Source<'a>) -> &'a NodeStats {
    &from.snapshot.node
}

/// Puts something for each worker.
pub(super) fn each_worker(from: &Source<'_>, mut put: impl FnMut(Label, &WorkerStats)) {
    for (worker, stats) in node(from).server.workers.iter().enumerate() {
        put(worker.into(), stats);
    }
}
