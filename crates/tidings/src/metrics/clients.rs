//! The rows about connections and what comes in.

use chat::Refusal;
use socketio_server::{DoorCount, OccupancyCount, RefusalKind, WorkerCount};
use tally::Counted as _;

use super::Metric;
use super::table::{counter, each_worker, gauge, node};
use crate::names::{CommandName, READ, RequestName, TYPING, TYPING_STOPPED};
use crate::profile::wire::CHAT_MESSAGE;
use crate::stats::{Count, NodeStats};

pub(super) const ROWS: &[Metric] = &[
    gauge(
        "tidings_connections",
        &["worker", "transport", "state"],
        "connections",
        "Open connections; `joined` have joined a namespace",
        |from, out| {
            each_worker(from, |worker, stats| {
                let Some(census) = stats.census else { return };
                out.put(&[worker, "polling".into(), "unjoined".into()], census.polling_unjoined);
                out.put(&[worker, "polling".into(), "joined".into()], census.polling_joined);
                out.put(&[worker, "websocket".into(), "unjoined".into()], census.websocket_unjoined);
                out.put(&[worker, "websocket".into(), "joined".into()], census.websocket_joined);
            });
        },
    ),
    gauge(
        "tidings_worker_answers",
        &["worker"],
        "0 or 1",
        "Whether a worker has answered within a second",
        |from, out| {
            each_worker(from, |worker, stats| out.put(&[worker], u64::from(stats.census.is_some())));
        },
    ),
    counter(
        "tidings_connections_shown_out_total",
        &["reason"],
        "connections",
        "Connections that were closed because others needed what they took",
        |from, out| {
            let counts = &node(from).server.occupancy.counts;
            for what in OccupancyCount::ALL {
                out.put(&[shown_out(*what).into()], counts[*what]);
            }
        },
    ),
    gauge("tidings_people_online", &[], "people", "People who are connected to `/v1`", |from, out| {
        out.value(node(from).online);
    }),
    counter(
        "tidings_connections_opened_total",
        &["worker", "transport"],
        "connections",
        "Connections that were opened",
        |from, out| {
            each_worker(from, |worker, stats| {
                out.put(&[worker, "polling".into()], stats.counts[WorkerCount::OpenedPolling]);
                out.put(&[worker, "websocket".into()], stats.counts[WorkerCount::OpenedWebSocket]);
            });
        },
    ),
    counter(
        "tidings_connections_upgraded_total",
        &["worker"],
        "connections",
        "Connections that went from polling to WebSocket",
        |from, out| {
            each_worker(from, |worker, stats| out.put(&[worker], stats.counts[WorkerCount::Upgraded]));
        },
    ),
    counter(
        "tidings_connections_closed_total",
        &["worker", "reason"],
        "connections",
        "Connections that have ended",
        |from, out| {
            each_worker(from, |worker, stats| {
                for (reason, what) in ENDS {
                    out.put(&[worker, reason.into()], stats.counts[what]);
                }
            });
        },
    ),
    counter(
        "tidings_handshakes_refused_total",
        &["reason"],
        "requests",
        "Handshakes and requests that were refused",
        |from, out| {
            let NodeStats { server, refused, .. } = node(from);
            for what in DoorCount::ALL {
                if let Some(reason) = door(*what) {
                    out.put(&[reason.into()], server.door[*what]);
                }
            }
            for (kind, count) in refused {
                out.put(&[refusal(*kind).into()], *count);
            }
        },
    ),
    counter(
        "tidings_sockets_joined_total",
        &["worker", "recovered"],
        "sockets",
        "Sockets that joined a namespace; recovered ones had been there before",
        |from, out| {
            each_worker(from, |worker, stats| {
                let recovered = stats.counts[WorkerCount::Recovered];
                out.put(&[worker, "yes".into()], recovered);
                out.put(&[worker, "no".into()], stats.counts[WorkerCount::Joined].saturating_sub(recovered));
            });
        },
    ),
    counter(
        "tidings_packets_total",
        &["worker", "kind"],
        "packets",
        "Packets from clients; `other` are CONNECT, DISCONNECT, acks, attachments, pings and pongs",
        |from, out| {
            each_worker(from, |worker, stats| {
                out.put(&[worker, "event".into()], stats.counts[WorkerCount::Events]);
                out.put(&[worker, "other".into()], stats.counts[WorkerCount::OtherPackets]);
            });
        },
    ),
    counter(
        "tidings_events_total",
        &["kind"],
        "events",
        "Events from clients; `other` are those that the server does not know",
        |from, out| {
            let edge = &node(from).edge;
            for name in CommandName::ALL {
                out.put(&[name.as_str().into()], edge.commands[name]);
            }
            for name in RequestName::ALL {
                out.put(&[name.as_str().into()], edge.requests[name]);
            }
            out.put(&[CHAT_MESSAGE.into()], edge.counts[Count::ChatMessages]);
            out.put(&[TYPING.into()], edge.counts[Count::Typing]);
            out.put(&[TYPING_STOPPED.into()], edge.counts[Count::TypingStopped]);
            out.put(&[READ.into()], edge.counts[Count::Reads]);
            out.put(&["other".into()], from.snapshot.workers(WorkerCount::EventsUnhandled));
        },
    ),
    counter(
        "tidings_refusals_total",
        &["code"],
        "events",
        "Commands and requests that were refused, by the code that the client gets",
        |from, out| {
            let NodeStats { log, edge, .. } = node(from);
            for refusal in Refusal::ALL {
                let both = CODES_OF_BOTH.iter().find(|(code, _)| *code == refusal);
                let at_the_edge = both.map_or(0, |(_, count)| edge.counts[*count]);
                out.put(&[refusal.code().into()], log.refusals[refusal] + at_the_edge);
            }
            for (code, count) in EDGE_CODES {
                out.put(&[code.into()], edge.counts[count]);
            }
        },
    ),
    counter(
        "tidings_misfits_total",
        &[],
        "events",
        "Events whose arguments did not fit their handler",
        |from, out| out.value(node(from).misfits),
    ),
];

const ENDS: [(&str, WorkerCount); 6] = [
    ("client", WorkerCount::ClosedByTransport),
    ("broken", WorkerCount::ClosedByError),
    ("ping timeout", WorkerCount::ClosedByTimeout),
    ("reconnect", WorkerCount::ClosedByShutdown),
    ("malformed", WorkerCount::ClosedByParse),
    ("server", WorkerCount::ClosedByServer),
];

/// Codes that only the edge gives.
const EDGE_CODES: [(&str, Count); 5] = [
    ("no_device", Count::RefusedNoDevice),
    ("busy", Count::RefusedBusy),
    ("bad_token", Count::RefusedBadToken),
    ("bad_link", Count::RefusedBadLink),
    ("signed_out", Count::RefusedSignedOut),
];

/// What the edge counts under a code that the log gives too.
const CODES_OF_BOTH: [(Refusal, Count); 6] = [
    (Refusal::Invalid, Count::RefusedInvalid),
    (Refusal::NotFound, Count::RefusedNotFound),
    (Refusal::Forbidden, Count::RefusedForbidden),
    (Refusal::BadCode, Count::RefusedBadCode),
    (Refusal::Damaged, Count::RefusedDamaged),
    (Refusal::TooLarge, Count::LimitTextBytes),
];

/// Why a handshake was refused, if it was.
fn door(what: DoorCount) -> Option<&'static str> {
    match what {
        DoorCount::NotReady => Some("not ready"),
        DoorCount::NotAdmitted => Some("not admitted"),
        DoorCount::TooMany => Some("too many"),
        DoorCount::AddressFull => Some("address full"),
        DoorCount::Delayed | DoorCount::LaterHandshakes | DoorCount::LaterRequests => None,
    }
}

fn refusal(kind: RefusalKind) -> &'static str {
    match kind {
        RefusalKind::Origin => "origin",
        RefusalKind::NoUpgrade => "no upgrade",
        RefusalKind::Protocol => "protocol",
        RefusalKind::HeadTooLarge => "head too large",
        RefusalKind::BodyTooLarge => "body too large",
        RefusalKind::Malformed => "malformed",
        RefusalKind::Host => "host",
        RefusalKind::Full => "full",
        _ => "other",
    }
}

fn shown_out(why: OccupancyCount) -> &'static str {
    match why {
        OccupancyCount::LimitConnections => "connections",
        OccupancyCount::LimitUnjoinedPercent => "unjoined",
        OccupancyCount::LimitInputBytes => "input",
        OccupancyCount::LimitConnectionsPerAddress => "unjoined of an address",
        OccupancyCount::LimitInputBytesPerAddress => "input of an address",
    }
}
