//! The workloads, and the ratios that we want to reach.

use super::contestant::{
    BUN, CONTESTANTS, Contestant, Contract, FLOOR, FORMS, NODE, OVER_TLS, SOCKETIOXIDE, WITH_METRICS,
};

/// Rows, and who takes part in all of them.
pub(super) struct Plan {
    pub(super) name: &'static str,
    pub(super) contestants: &'static [Contestant],
    pub(super) rows: &'static [Row],
}

/// Ours beside others.
pub(super) const PEERS: usize = 0;

/// Ours beside ours, with what can be switched on.
pub(super) const COSTS: usize = 1;

/// All that is measured, in this order.
pub(super) const PLANS: [Plan; 2] = [
    Plan { name: "peers", contestants: &CONTESTANTS, rows: &PEER_ROWS },
    Plan { name: "costs", contestants: &FORMS, rows: &COST_ROWS },
];

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
    /// The ratio that we want to reach, with the contestant; in `COST_ROWS`, what that form should keep of the rate that the
    /// server has by default, or may take beyond what it takes by default.
    ///
    /// Beside the floor it is the same in every row that measures work or time. The floor keeps nothing of a connection
    /// but its descriptor, so what a connection costs while it is idle has no bar.
    pub(super) bars: &'static [(usize, f64)],
}

impl Row {
    /// The ratio that we want to reach against a contestant.
    pub(super) fn bar(&self, contestant: usize) -> Option<f64> {
        self.bars.iter().find(|(index, _)| *index == contestant).map(|(_, bar)| *bar)
    }

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

/// What we want to reach beside the floor, wherever it takes part.
const FLOOR_RATIO: f64 = 0.95;

const DELIVERIES: &str = "deliveries_per_server_cpu_second";

const PEER_ROWS: [Row; 18] = [
    Row {
        name: "1,000 clients, 1 message in flight",
        contract: Contract::Chat,
        arguments: &["fanout", "--clients", "1000", "--in-flight", "1"],
        lasts: Lasts::Asked,
        measure: DELIVERIES,
        better: Better::More,
        bars: &[(SOCKETIOXIDE, 1.7), (FLOOR, FLOOR_RATIO), (BUN, 1.5)],
    },
    Row {
        name: "1,000 clients, 32 in flight",
        contract: Contract::Chat,
        arguments: &["fanout", "--clients", "1000", "--in-flight", "32"],
        lasts: Lasts::Asked,
        measure: DELIVERIES,
        better: Better::More,
        bars: &[(SOCKETIOXIDE, 3.0), (FLOOR, FLOOR_RATIO), (NODE, 30.0)],
    },
    Row {
        name: "1,000 clients, 512 in flight",
        contract: Contract::Chat,
        arguments: &["fanout", "--clients", "1000", "--in-flight", "512"],
        lasts: Lasts::Asked,
        measure: DELIVERIES,
        better: Better::More,
        bars: &[(SOCKETIOXIDE, 9.0), (FLOOR, FLOOR_RATIO), (NODE, 150.0)],
    },
    Row {
        name: "1,000 clients, 70 % of the own maximum: p99 of the latency, in medians",
        contract: Contract::Chat,
        arguments: &["fanout", "--clients", "1000", "--load", "70"],
        lasts: Lasts::Asked,
        measure: "delivery_p99_to_p50",
        better: Better::Less,
        bars: &[(FLOOR, FLOOR_RATIO)],
    },
    Row {
        name: "100 clients, 1 message in flight",
        contract: Contract::Chat,
        arguments: &["fanout", "--clients", "100", "--in-flight", "1"],
        lasts: Lasts::Asked,
        measure: DELIVERIES,
        better: Better::More,
        bars: &[(FLOOR, FLOOR_RATIO)],
    },
    Row {
        name: "15,000 clients, 1 message in flight",
        contract: Contract::Chat,
        arguments: &["fanout", "--clients", "15000", "--in-flight", "1"],
        lasts: Lasts::Asked,
        measure: DELIVERIES,
        better: Better::More,
        bars: &[(FLOOR, FLOOR_RATIO)],
    },
    Row {
        name: "10,000 clients, 10 messages/s",
        contract: Contract::Chat,
        arguments: &["fanout", "--clients", "10000", "--rate", "10"],
        lasts: Lasts::AtLeast(LOW_RATE_SECONDS),
        measure: DELIVERIES,
        better: Better::More,
        bars: &[(SOCKETIOXIDE, 1.4), (FLOOR, FLOOR_RATIO)],
    },
    Row {
        name: "10,000 clients in 1,000 rooms of 10, 2,000 messages/s",
        contract: Contract::Rooms,
        arguments: &["rooms", "--clients", "10000", "--rooms", "1000", "--rate", "2000"],
        lasts: Lasts::Asked,
        measure: DELIVERIES,
        better: Better::More,
        bars: &[(SOCKETIOXIDE, 1.4), (FLOOR, FLOOR_RATIO)],
    },
    Row {
        name: "1,000 clients, 10 messages/s: median latency",
        contract: Contract::Chat,
        arguments: &["fanout", "--clients", "1000", "--rate", "10"],
        lasts: Lasts::AtLeast(LOW_RATE_SECONDS),
        measure: "delivery_p50_ms",
        better: Better::Less,
        bars: &[(FLOOR, FLOOR_RATIO)],
    },
    Row {
        name: "the same beside 1,000 clients that poll",
        contract: Contract::Chat,
        arguments: &["fanout", "--clients", "1000", "--rate", "10", "--polling", "1000"],
        lasts: Lasts::AtLeast(LOW_RATE_SECONDS),
        measure: "delivery_p50_ms",
        better: Better::Less,
        bars: &[],
    },
    Row {
        name: "user memory per idle connection, 10,000 of them",
        contract: Contract::Chat,
        arguments: &["idle", "--clients", "10000", "--seconds", "3"],
        lasts: Lasts::UntilDone,
        measure: "memory_per_connection_bytes",
        better: Better::Less,
        bars: &[(SOCKETIOXIDE, 10.0), (NODE, 5.0)],
    },
    Row {
        name: "share of a core that 10,000 idle connections use",
        contract: Contract::Chat,
        arguments: &["idle", "--clients", "10000", "--seconds", "30"],
        lasts: Lasts::UntilDone,
        measure: "server_cpu_share",
        better: Better::Less,
        bars: &[],
    },
    Row {
        name: "connections made",
        contract: Contract::Chat,
        arguments: &["connect", "--clients", "1000", "--rate", "8000"],
        lasts: Lasts::Asked,
        measure: "connections_per_server_cpu_second",
        better: Better::More,
        bars: &[(SOCKETIOXIDE, 2.0), (FLOOR, FLOOR_RATIO), (NODE, 8.0)],
    },
    Row {
        name: "replay of 500 messages to each of 1,000",
        contract: Contract::Chat,
        arguments: &["replay", "--clients", "1000", "--messages", "500"],
        lasts: Lasts::UntilDone,
        measure: "replayed_per_server_cpu_second",
        better: Better::More,
        bars: &[(SOCKETIOXIDE, 5.0), (FLOOR, FLOOR_RATIO), (NODE, 20.0)],
    },
    Row {
        name: "durable ingest, 50 senders",
        contract: Contract::Chat,
        arguments: &["ingest", "--senders", "50"],
        lasts: Lasts::Asked,
        measure: "stored_per_server_cpu_second",
        better: Better::More,
        bars: &[(FLOOR, FLOOR_RATIO), (NODE, 20.0)],
    },
    Row {
        // Two messages a second are the most that the slowest contestant can deliver to 10,000 clients.
        name: "storm of 10,000 while 50 write 2 messages/s, seconds until all have caught up",
        contract: Contract::Chat,
        arguments: &["storm", "--clients", "10000", "--senders", "50", "--rate", "2"],
        lasts: Lasts::UntilDone,
        measure: "all_caught_up_seconds",
        better: Better::Less,
        bars: &[(FLOOR, FLOOR_RATIO)],
    },
    Row {
        name: "milliseconds to start with an empty log",
        contract: Contract::Start,
        arguments: &["start", "--runs", "5"],
        lasts: Lasts::UntilDone,
        measure: "start_p50_ms",
        better: Better::Less,
        bars: &[],
    },
    Row {
        name: "milliseconds to start with 1,000,000 messages",
        contract: Contract::Start,
        arguments: &["start", "--runs", "5", "--messages", "1000000"],
        lasts: Lasts::UntilDone,
        measure: "start_p50_ms",
        better: Better::Less,
        bars: &[],
    },
];

/// The metrics and all that they count may take so much of the work.
const METRICS_RATIO: f64 = 0.99;

/// Bytes that an idle connection may take beyond a plain one.
const TLS_IDLE_BYTES: f64 = 6_000.0;

const COST_ROWS: [Row; 4] = [
    Row {
        name: "1,000 clients, 1 message in flight",
        contract: Contract::Chat,
        arguments: &["fanout", "--clients", "1000", "--in-flight", "1"],
        lasts: Lasts::Asked,
        measure: DELIVERIES,
        better: Better::More,
        bars: &[(WITH_METRICS, METRICS_RATIO)],
    },
    Row {
        name: "1,000 clients, 32 in flight",
        contract: Contract::Chat,
        arguments: &["fanout", "--clients", "1000", "--in-flight", "32"],
        lasts: Lasts::Asked,
        measure: DELIVERIES,
        better: Better::More,
        bars: &[(WITH_METRICS, METRICS_RATIO)],
    },
    Row {
        name: "user memory per idle connection, 10,000 of them",
        contract: Contract::Chat,
        arguments: &["idle", "--clients", "10000", "--seconds", "3"],
        lasts: Lasts::UntilDone,
        measure: "memory_per_connection_bytes",
        better: Better::Less,
        bars: &[(OVER_TLS, TLS_IDLE_BYTES)],
    },
    Row {
        // Clients make the same handshakes on one core.
        name: "connections made",
        contract: Contract::Chat,
        arguments: &["connect", "--clients", "1000", "--rate", "1000"],
        lasts: Lasts::Asked,
        measure: "connections_per_server_cpu_second",
        better: Better::More,
        bars: &[],
    },
];
