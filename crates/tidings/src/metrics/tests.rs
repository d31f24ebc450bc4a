//! The table against its page, the text against its format, and the limits against what is counted.

use std::collections::{BTreeMap, BTreeSet};

use chat::{AppenderCount, AppenderStats, LimitHit};
use socketio_server::{
    Census, DoorCount, FeedStats, OccupancyCount, OccupancyStats, RefusalKind, Stats, WorkerCount,
    WorkerStats,
};
use tally::{Counted, Counters, Counts, Histogram, LATENCIES, SIZES};

use super::*;
use crate::limits::{self, Seen};
use crate::reading::fair::Crowd;
use crate::reading::pool::PoolStats;
use crate::stats::{Count, DiskStats, LineStats, NodeStats, ProcessStats, Tallies};

/// A server of two workers that has done nothing yet.
fn snapshot() -> Snapshot {
    let worker = || WorkerStats {
        counts: Counts::default(),
        delivery: Histogram::new(LATENCIES).distribution(),
        census: Some(Census::default()),
    };
    let feed = |namespace: &str| FeedStats {
        namespace: namespace.into(),
        head: 7,
        ring_entries: 5,
        ring_bytes: 900,
    };
    let log = AppenderStats {
        counts: Counts::default(),
        refusals: Counts::default(),
        limits: Counts::default(),
        batches: Histogram::new(SIZES).distribution(),
        commits: Histogram::new(LATENCIES).distribution(),
        queue_drafts: 0,
        queue_bytes: 0,
    };
    let node = NodeStats {
        server: Stats {
            workers: vec![worker(), worker()],
            door: Counts::default(),
            occupancy: OccupancyStats::default(),
            output_bytes: 0,
            feeds: vec![feed("/"), feed("/v1")],
        },
        refused: RefusalKind::ALL.iter().map(|kind| (*kind, 0)).collect(),
        misfits: 0,
        connections: 0,
        is_ready: true,
        log,
        read_only: None,
        commit_waits: Duration::ZERO,
        pool: PoolStats::default(),
        edge: Tallies::default().counts(),
        online: 0,
    };
    let process = ProcessStats {
        resident_bytes: Some(1),
        descriptors: Some(2),
        descriptors_max: Some(3),
        cpu: Some(Duration::from_millis(1_500)),
        started: Some(Duration::from_secs(5)),
    };
    let (disk, lines) = (DiskStats::default(), LineStats::default());
    Snapshot { node, process, disk, lines, certificate_expires: Some(Duration::from_secs(7)) }
}

fn one<C: Counted>(what: C) -> Counts<C> {
    let counters = Counters::new();
    counters.add(what, 1);
    counters.counts()
}

/// The values by series, as a monitor reads them. Panics if the text is not in the format.
fn read(text: &str) -> BTreeMap<String, String> {
    let mut series = BTreeMap::new();
    let mut described = String::new();
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            described = help.split(' ').next().unwrap().to_owned();
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            assert!(kind.starts_with(&format!("{described} ")), "{line}");
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
            assert!(name.starts_with(&described), "{line} after {described}");
            assert!(value.parse::<f64>().is_ok(), "{line}");
            assert_eq!(series.insert(name.to_owned(), value.to_owned()), None, "{name} comes twice");
        }
    }
    series
}

fn text_of(snapshot: &Snapshot) -> String {
    text(snapshot, &Bounds::default())
}

#[test]
fn the_page_has_the_table() {
    let page = include_str!("../../../../docs/metrics.md");
    let table = table();
    for line in table.lines() {
        assert!(page.contains(line), "docs/metrics.md lacks: {line}\nThe table is:\n{table}");
    }
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| `tidings_") || line.starts_with("| `process_"))
        .count();
    assert_eq!(rows, all().count(), "docs/metrics.md has rows that the table lacks");
}

#[test]
fn every_metric_is_named_after_what_it_is() {
    let mut names = BTreeSet::new();
    for Metric { name, kind, labels, unit, meaning, .. } in all() {
        assert!(names.insert(name), "{name} is there twice");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
        let is_of_unit = |of: &str| name.trim_end_matches("_total").ends_with(&format!("_{of}"));
        for of in ["seconds", "bytes"] {
            assert_eq!(is_of_unit(of), unit.starts_with(of), "{name}: {unit}");
        }
        assert!(labels.iter().all(|label| *label != "le"), "{name}");
        assert!(!meaning.ends_with('.') && !meaning.contains(['\\', '\n', '|']), "{name}");
    }
}

#[test]
fn each_series_comes_once_and_under_its_description() {
    let series = read(&text_of(&snapshot()));
    assert_eq!(series["tidings_connections{worker=\"1\",transport=\"websocket\",state=\"joined\"}"], "0");
    assert_eq!(series["tidings_ring_bytes{namespace=\"/v1\"}"], "900");
    assert_eq!(series["process_cpu_seconds_total"], "1.5");
    assert_eq!(series["tidings_budget_used{limit=\"ring-bytes\"}"], "900");
}

#[test]
fn a_histogram_adds_up_and_times_are_in_seconds() {
    let mut snapshot = snapshot();
    let commits = Histogram::new(LATENCIES);
    for micros in [50, 2_000, 20_000_000] {
        commits.record(micros);
    }
    snapshot.node.log.commits = commits.distribution();
    let series = read(&text_of(&snapshot));
    let bucket = |le: &str| &*series[&format!("tidings_commit_seconds_bucket{{le=\"{le}\"}}")];
    assert_eq!(["0.0001", "0.001", "0.0025", "10", "+Inf"].map(bucket), ["1", "1", "2", "2", "3"]);
    let value = |name: &str| &*series[&format!("tidings_commit_seconds_{name}")];
    assert_eq!((value("count"), value("sum")), ("3", "20.00205"));
}

#[test]
fn a_worker_that_does_not_answer_has_counters_and_nothing_else() {
    let mut snapshot = snapshot();
    snapshot.node.server.workers[1].census = None;
    let series = read(&text_of(&snapshot));
    assert_eq!(series["tidings_worker_answers{worker=\"1\"}"], "0");
    assert!(series.contains_key("tidings_deliveries_total{worker=\"1\"}"));
    assert!(!series.keys().any(|name| name.starts_with("tidings_connections{worker=\"1\"")));
}

/// Everything that could be counted as a limit, each in a server in which nothing else has happened.
fn reached() -> Vec<(String, Snapshot)> {
    let mut all = Vec::new();
    let mut with = |name: String, change: &dyn Fn(&mut Snapshot)| {
        let mut snapshot = snapshot();
        change(&mut snapshot);
        all.push((name, snapshot));
    };
    for what in WorkerCount::ALL {
        with(format!("{what:?}"), &|seen| seen.node.server.workers[1].counts = one(*what));
    }
    for what in DoorCount::ALL {
        with(format!("Limit{what:?}"), &|seen| seen.node.server.door = one(*what));
    }
    for what in LimitHit::ALL {
        with(format!("Limit{what:?}"), &|seen| seen.node.log.limits = one(*what));
    }
    for what in OccupancyCount::ALL.iter().filter(|what| **what != OccupancyCount::LimitInputBytes) {
        with(format!("{what:?}"), &|seen| seen.node.server.occupancy.counts = one(*what));
    }
    with("LimitInput".into(), &|seen| seen.node.server.occupancy.held_bytes = 1);
    with("LimitFull".into(), &|seen| seen.node.refused.push((RefusalKind::Full, 1)));
    with("LimitDisk".into(), &|seen| seen.node.log.counts = one(AppenderCount::StorageFull));
    for what in Crowd::ALL {
        with(format!("Limit{what:?}"), &|seen| seen.node.pool.refused = one(*what));
    }
    for what in Count::ALL {
        with(format!("{what:?}"), &|seen| {
            let tallies = Tallies::default();
            tallies.count(*what);
            seen.node.edge = tallies.counts();
        });
    }
    with("LimitLogLines".into(), &|seen| seen.lines.left_out[1] = 1);
    with("LimitRing".into(), &|seen| seen.node.server.feeds[1].ring_bytes += 1);
    with("LimitQueueDrafts".into(), &|seen| seen.node.log.queue_drafts = 1);
    with("LimitQueueBytes".into(), &|seen| seen.node.log.queue_bytes = 1);
    all
}

#[test]
fn each_limit_has_a_counter_or_a_budget_of_its_own() {
    let value = |limit: &limits::Limit, snapshot: &Snapshot| match limit.seen {
        Seen::Hits(value) | Seen::Budget(value) => value(snapshot),
    };
    let (quiet, reached) = (snapshot(), reached());
    let mut unseen: BTreeSet<_> = limits::ALL.iter().map(|limit| limit.name).collect();
    // Others wait because of these, without a limit of their own; and the server was not ready, or asked the application.
    let no_limits = ["LimitReplay", "LimitNotReady", "LimitNotAdmitted"];
    for (what, snapshot) in &reached {
        let moved: Vec<_> =
            limits::ALL.iter().filter(|limit| value(limit, snapshot) != value(limit, &quiet)).collect();
        let is_limit = what.starts_with("Limit") && !no_limits.contains(&&**what);
        assert_eq!(moved.len(), usize::from(is_limit), "{what} is seen in {moved:?}");
        unseen.retain(|name| moved.iter().all(|limit| limit.name != *name));
    }
    assert_eq!(unseen, BTreeSet::new(), "nothing that happens is seen in these");
    let series = read(&text_of(&quiet));
    for limit in limits::ALL {
        let name = match limit.seen {
            Seen::Hits(_) => "tidings_limit_hits_total",
            Seen::Budget(_) => "tidings_budget_bound",
        };
        assert!(series.contains_key(&format!("{name}{{limit=\"{}\"}}", limit.name)), "{limit:?}");
    }
}
