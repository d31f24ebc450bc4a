//! The workloads, and the ratios that we want to reach.

use super::contestant::{CONTESTANTS, Contract};

/// One row of the result.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) contract: Contract,
    /// The arguments of `tidings-bench`.
    pub(super) arguments: &'static [&'static str],
    pub(super) lasts: Lasts,
    /// The measure that is compared.
    pub(super) measure: &'static str,
    pub(super) better: Better,
    /// The ratio that we want to reach against each contestant, the first of which is ourselves.
    pub(super) bars: [Option<f64>; CONTESTANTS.len()],
}

impl Row {
    /// How many seconds a run measures if `asked` were requested; `None` if it ends by itself.
    pub(super) fn seconds(&self, asked: u64) -> Option<u64> {
        match self.lasts {
            Lasts::UntilDone => None,
            Lasts::Asked => Some(asked),
            Lasts::AtLeast(least) => Some(asked.max(least)),
        }
    }
}

/// How long a run measures.
#[derive(Clone, Copy)]
pub(super) enum Lasts {
    /// Until its work is done, or as long as its arguments say.
    UntilDone,
    /// As long as `--seconds` says.
    Asked,
    /// As long as `--seconds` says, but at least this long: at a low rate a short run has few messages.
    AtLeast(u64),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Better {
    More,
    Less,
}

/// The least time at ten messages a second.
const LOW_RATE_SECONDS: u64 = 6;

const DELIVERIES: &str = "deliveries_per_server_cpu_second";

pub(super) const PLAN: [Row; 18] = [
    Row {
        name: "1,000 clients, 1 message in flight",
        contract: Contract::Chat,
        arguments: &["fanout", "--clients", "1000", "--in-flight", "1"],
        lasts: Lasts::Asked,
        measure: DELIVERIES,
        better: Better::More,
        bars: [None, Some(1.5), Some(0.85), Some(6.0), None],
    },
    Row {
        name: "1,000 clients, 32 in flight",
        contract: Contract::Chat,
        arguments: &["fanout", "--clients", "1000", "--in-flight", "32"],
        lasts: Lasts::Asked,
        measure: DELIVERIES,
        better: Better::More,
        bars: [None, Some(3.0), Some(0.7), Some(30.0), None],
    },
    Row {
        name: "1,000 clients, 512 in flight",
        contract: Contract::Chat,
        arguments: &["fanout", "--clients", "1000", "--in-flight", "512"],
        lasts: Lasts::Asked,
        measure: DELIVERIES,
        better: Better::More,
        bars: [None, Some(9.0), Some(0.6), Some(150.0), None],
    },
    Row {
        name: "1,000 clients, 70 % of the own maximum: p99 of the latency, in medians",
        contract: Contract::Chat,
        arguments: &["fanout", "--clients", "1000", "--load", "70"],
        lasts: Lasts::Asked,
        measure: "delivery_p99_to_p50",
        better: Better::Less,
        bars: [None; CONTESTANTS.len()],
    },
    Row {
        name: "100 clients, 1 message in flight",
        contract: Contract::Chat,
        arguments: &["fanout", "--clients", "100", "--in-flight", "1"],
        lasts: Lasts::Asked,
        measure: DELIVERIES,
        better: Better::More,
        bars: [None; CONTESTANTS.len()],
    },
    Row {
        name: "15,000 clients, 1 message in flight",
        contract: Contract::Chat,
        arguments: &["fanout", "--clients", "15000", "--in-flight", "1"],
        lasts: Lasts::Asked,
        measure: DELIVERIES,
        better: Better::More,
        bars: [None; CONTESTANTS.len()],
    },
    Row {
        name: "10,000 clients, 10 messages/s",
        contract: Contract::Chat,
        arguments: &["fanout", "--clients", "10000", "--rate", "10"],
        lasts: Lasts::AtLeast(LOW_RATE_SECONDS),
        measure: DELIVERIES,
        better: Better::More,
        bars: [None, Some(1.4), Some(0.85), None, None],
    },
    Row {
        name: "10,000 clients in 1,000 rooms of 10, 2,000 messages/s",
        contract: Contract::Rooms,
        arguments: &["rooms", "--clients", "10000", "--rooms", "1000", "--rate", "2000"],
        lasts: Lasts::Asked,
        measure: DELIVERIES,
        better: Better::More,
        bars: [None, Some(1.4), None, Some(5.0), None],
    },
    Row {
        name: "1,000 clients, 10 messages/s: median latency",
        contract: Contract::Chat,
        arguments: &["fanout", "--clients", "1000", "--rate", "10"],
        lasts: Lasts::AtLeast(LOW_RATE_SECONDS),
        measure: "delivery_p50_ms",
        better: Better::Less,
        bars: [None; CONTESTANTS.len()],
    },
    Row {
        name: "the same beside 1,000 clients that poll",
        contract: Contract::Chat,
        arguments: &["fanout", "--clients", "1000", "--rate", "10", "--polling", "1000"],
        lasts: Lasts::AtLeast(LOW_RATE_SECONDS),
        measure: "delivery_p50_ms",
        better: Better::Less,
        bars: [None; CONTESTANTS.len()],
    },
    Row {
        name: "user memory per idle connection, 10,000 of them",
        contract: Contract::Chat,
        arguments: &["idle", "--clients", "10000", "--seconds", "3"],
        lasts: Lasts::UntilDone,
        measure: "memory_per_connection_bytes",
        better: Better::Less,
        bars: [None, Some(10.0), None, Some(5.0), None],
    },
    Row {
        name: "share of a core that 10,000 idle connections use",
        contract: Contract::Chat,
        arguments: &["idle", "--clients", "10000", "--seconds", "30"],
        lasts: Lasts::UntilDone,
        measure: "server_cpu_share",
        better: Better::Less,
        bars: [None; CONTESTANTS.len()],
    },
    Row {
        name: "connections made",
        contract: Contract::Chat,
        arguments: &["connect", "--clients", "1000", "--rate", "8000"],
        lasts: Lasts::Asked,
        measure: "connections_per_server_cpu_second",
        better: Better::More,
        bars: [None, Some(2.0), None, Some(8.0), None],
    },
    Row {
        name: "replay of 500 messages to each of 1,000",
        contract: Contract::Chat,
        arguments: &["replay", "--clients", "1000", "--messages", "500"],
        lasts: Lasts::UntilDone,
        measure: "replayed_per_server_cpu_second",
        better: Better::More,
        bars: [None, Some(5.0), None, Some(20.0), None],
    },
    Row {
        name: "durable ingest, 50 senders",
        contract: Contract::Chat,
        arguments: &["ingest", "--senders", "50"],
        lasts: Lasts::Asked,
        measure: "stored_per_server_cpu_second",
        better: Better::More,
        bars: [None, None, Some(0.7), Some(20.0), None],
    },
    Row {
        // Two messages a second are the most that the slowest contestant can deliver to 10,000 clients.
        name: "storm of 10,000 while 50 write 2 messages/s, seconds until all have caught up",
        contract: Contract::Chat,
        arguments: &["storm", "--clients", "10000", "--senders", "50", "--rate", "2"],
        lasts: Lasts::UntilDone,
        measure: "all_caught_up_seconds",
        better: Better::Less,
        bars: [None, Some(3.0), None, None, None],
    },
    Row {
        name: "milliseconds to start with an empty log",
        contract: Contract::Start,
        arguments: &["start", "--runs", "5"],
        lasts: Lasts::UntilDone,
        measure: "start_p50_ms",
        better: Better::Less,
        bars: [None; CONTESTANTS.len()],
    },
    Row {
        name: "milliseconds to start with 1,000,000 messages",
        contract: Contract::Start,
        arguments: &["start", "--runs", "5", "--messages", "1000000"],
        lasts: Lasts::UntilDone,
        measure: "start_p50_ms",
        better: Better::Less,
        bars: [None; CONTESTANTS.len()],
    },
];
