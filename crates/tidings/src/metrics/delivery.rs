//! The rows about the log and what goes out.

use chat::{AppenderCount, ReadOnly};
use socketio_server::{FeedStats, WorkerCount};

use super::table::{counter, each_worker, gauge, histogram, node};
use super::{Label, Metric, Source};
use crate::v1::frames::NAMESPACE;

pub(super) const ROWS: &[Metric] = &[
    counter(
        "tidings_drafts_total",
        &["outcome"],
        "drafts",
        "What became of messages, commands and read pointers",
        |from, out| {
            for (outcome, what) in OUTCOMES {
                out.put(&[outcome.into()], node(from).log.counts[what]);
            }
        },
    ),
    histogram(
        "tidings_batch_drafts",
        &[],
        "drafts",
        "Drafts in one batch, which is one transaction and one flush",
        |from, out| out.histogram(&[], &node(from).log.batches),
    ),
    histogram(
        "tidings_commit_seconds",
        &[],
        "seconds",
        "From the moment at which a batch is taken until it is on disk",
        |from, out| out.histogram(&[], &node(from).log.commits),
    ),
    gauge(
        "tidings_commit_wait_seconds",
        &[],
        "seconds",
        "For how long the present batch has been on its way to the disk; 0 if there is none",
        |from, out| out.value(node(from).commit_waits),
    ),
    gauge(
        "tidings_read_only",
        &["reason"],
        "0 or 1",
        "Whether nothing can be stored, and why",
        |from, out| {
            for reason in ReadOnly::ALL {
                out.put(&[reason.code().into()], u64::from(node(from).read_only == Some(reason)));
            }
        },
    ),
    counter(
        "tidings_commit_retries_total",
        &["cause"],
        "batches",
        "Tries of a batch that have to be repeated",
        |from, out| {
            out.put(&["rolled back".into()], node(from).log.counts[AppenderCount::RolledBack]);
            out.put(&["overtaken".into()], node(from).log.counts[AppenderCount::Overtaken]);
        },
    ),
    counter(
        "tidings_deliveries_total",
        &["worker"],
        "entries",
        "Entries that were written to a socket: each entry counts once for each socket",
        |from, out| {
            each_worker(from, |worker, stats| out.put(&[worker], stats.counts[WorkerCount::Deliveries]));
        },
    ),
    counter(
        "tidings_delivery_batches_total",
        &["worker"],
        "batches",
        "Batches that a worker has written to its sockets; batches that waited together are one",
        |from, out| {
            each_worker(from, |worker, stats| out.put(&[worker], stats.counts[WorkerCount::Growths]));
        },
    ),
    histogram(
        "tidings_delivery_seconds",
        &["worker"],
        "seconds",
        "From the moment at which a batch is on disk until a worker has written it to all its sockets that keep up",
        |from, out| {
            each_worker(from, |worker, stats| out.histogram(&[worker], &stats.delivery));
        },
    ),
    gauge(
        "tidings_sockets",
        &["worker", "state"],
        "sockets",
        "Sockets in namespaces: `attached` ones have got everything, the others read pages of the past from memory (`behind`) or from the disk (`reading`)",
        |from, out| {
            each_worker(from, |worker, stats| {
                let Some(census) = stats.census else { return };
                out.put(&[worker, "attached".into()], census.sockets - census.behind);
                out.put(&[worker, "behind".into()], census.behind - census.reading);
                out.put(&[worker, "reading".into()], census.reading);
            });
        },
    ),
    counter(
        "tidings_sockets_fell_behind_total",
        &["worker"],
        "sockets",
        "Times that a socket could not take a write",
        |from, out| {
            each_worker(from, |worker, stats| out.put(&[worker], stats.counts[WorkerCount::FellBehind]));
        },
    ),
    counter(
        "tidings_worker_lapped_total",
        &["worker"],
        "times",
        "Times that a worker was so slow that all its sockets fell behind",
        |from, out| {
            each_worker(from, |worker, stats| out.put(&[worker], stats.counts[WorkerCount::Lapped]));
        },
    ),
    counter(
        "tidings_replay_pages_total",
        &["worker", "source"],
        "pages",
        "Pages of the past for sockets that are behind",
        |from, out| {
            each_worker(from, |worker, stats| {
                out.put(&[worker, "memory".into()], stats.counts[WorkerCount::PagesFromRing]);
                out.put(&[worker, "disk".into()], stats.counts[WorkerCount::PagesFromHistory]);
            });
        },
    ),
    counter(
        "tidings_replay_pauses_total",
        &["worker"],
        "times",
        "Times that a socket had to wait for its next page, because its person or address has read so much",
        |from, out| {
            each_worker(from, |worker, stats| out.put(&[worker], stats.counts[WorkerCount::LimitReplay]));
        },
    ),
    gauge(
        "tidings_outbound_queue_bytes",
        &["worker"],
        "bytes",
        "What waits for slow clients",
        |from, out| {
            each_worker(from, |worker, stats| {
                if let Some(census) = stats.census {
                    out.put(&[worker], census.outbound_bytes);
                }
            });
        },
    ),
    gauge(
        "tidings_connections_paused",
        &["worker"],
        "connections",
        "Connections that are not read for a while",
        |from, out| {
            each_worker(from, |worker, stats| {
                if let Some(census) = stats.census {
                    out.put(&[worker], census.paused);
                }
            });
        },
    ),
    gauge(
        "tidings_ring_entries",
        &["namespace"],
        "entries",
        "Entries in memory for sockets that are behind",
        |from, out| {
            each_feed(from, |namespace, feed| out.put(&[namespace], feed.ring_entries));
        },
    ),
    gauge("tidings_ring_bytes", &["namespace"], "bytes", "What these take", |from, out| {
        each_feed(from, |namespace, feed| out.put(&[namespace], feed.ring_bytes));
    }),
    gauge("tidings_log_entries", &[], "entries", "Entries in the log", |from, out| {
        out.known(node(from).server.feeds.first().map(|feed| feed.head));
    }),
    histogram(
        "tidings_request_wait_seconds",
        &[],
        "seconds",
        "How long requests waited until a thread began with them",
        |from, out| out.histogram(&[], &node(from).edge.request_waits),
    ),
    gauge(
        "tidings_reads_waiting",
        &["kind"],
        "requests",
        "What waits for the log to be read: requests, and pages for sockets that are behind",
        |from, out| {
            out.put(&["request".into()], node(from).pool.requests);
            out.put(&["page".into()], node(from).pool.pages);
        },
    ),
];

const OUTCOMES: [(&str, AppenderCount); 8] = [
    ("stored", AppenderCount::Stored),
    ("repeated", AppenderCount::Repeated),
    ("already", AppenderCount::Already),
    ("refused", AppenderCount::Refused),
    ("skipped", AppenderCount::Skipped),
    ("expected", AppenderCount::Expected),
    ("storage full", AppenderCount::StorageFull),
    ("read", AppenderCount::Read),
];

fn each_feed(from: &Source<'_>, mut put: impl FnMut(Label, &FeedStats)) {
    for feed in &node(from).server.feeds {
        let namespace = if &*feed.namespace == "/" { "/" } else { NAMESPACE };
        put(namespace.into(), feed);
    }
}
