//! Writes docs/hardening.md.

use std::fmt::Write as _;

use super::{Finding, MEMORY_BYTES, Noticed, RATIO_MAX, Run};
use crate::machine;

/// The page of a run.
pub(super) fn text(run: &Run) -> String {
    let mut page = format!(
        "# Hardening

Written by `cargo xtask hardening` on {} (commit {}, {}).

One server in {} MiB of memory, with rate limits for this machine too (`--limit-loopback`), is attacked in each way in turn:
30 sockets from one address send as fast as the server takes it, or hold what they can; `crowd` is `requests` from eight
addresses, with 30 sockets each. At the same time, 500 polite clients
at 250 other addresses receive 20 messages a second in the lobby, and 10 ask for the history four times a second each. The
attackers share a core with the polite clients and give way to them; the server has the other core. *Times* are the slowest of a hundred (p99)
beside the median of the quiet runs: acks {}, history {}. More than {RATIO_MAX} times, a message that is lost, doubled or out
of order, a connection that breaks, or a server that is killed fails the command.

| attack | sent | received | connections | closed by the server | acks | history | memory of the server, at most |
|---|---|---|---|---|---|---|---|
",
        machine::today(),
        machine::revision(),
        machine::description(),
        MEMORY_BYTES >> 20,
        milliseconds(run.quiet.ack_p99_ms),
        milliseconds(run.quiet.history_p99_ms),
    );
    for finding in &run.findings {
        page.push_str(&row(finding, &run.quiet));
    }
    page.push_str("\n`tidings-bench hostile --help` says what each attack does. [limits.md](limits.md) has the limits.\n");
    page
}

fn row(finding: &Finding, quiet: &Noticed) -> String {
    let Finding { kind, sent, noticed, memory_bytes } = finding;
    let mut row = format!(
        "| `{kind}` | {} packets, {} | {} | {} | {} |",
        count(sent.packets),
        megabytes(sent.bytes_out),
        megabytes(sent.bytes_in),
        count(sent.connections),
        count(sent.closed_by_server),
    );
    let told = match noticed {
        Ok(noticed) => format!(
            " {:.1} times | {:.1} times |",
            noticed.ack_p99_ms / quiet.ack_p99_ms,
            noticed.history_p99_ms / quiet.history_p99_ms
        ),
        Err(why) => format!(" **{why}** | |"),
    };
    row.push_str(&told);
    // Writing to a string cannot fail.
    let _ = writeln!(row, " {} MiB |", memory_bytes >> 20);
    row
}

fn milliseconds(value: f64) -> String {
    format!("{value:.1} ms")
}

fn megabytes(bytes: f64) -> String {
    format!("{:.1} MB", bytes / 1e6)
}

fn count(value: f64) -> String {
    format!("{value:.0}")
}

#[cfg(test)]
mod tests {
    use super::super::Sent;
    use super::*;

    #[test]
    fn a_row_compares_with_the_quiet_run_or_says_what_broke() {
        let quiet = Noticed { ack_p99_ms: 2.0, history_p99_ms: 4.0 };
        let sent =
            Sent { packets: 1e6, bytes_out: 2.5e6, bytes_in: 0.0, connections: 30.0, closed_by_server: 1.0 };
        let noticed = Ok(Noticed { ack_p99_ms: 3.0, history_p99_ms: 4.0 });
        let mut finding = Finding { kind: "pings", sent, noticed, memory_bytes: 50 << 20 };
        assert_eq!(
            row(&finding, &quiet),
            "| `pings` | 1000000 packets, 2.5 MB | 0.0 MB | 30 | 1 | 1.5 times | 1.0 times | 50 MiB |\n"
        );
        finding.noticed = Err("a connection broke".into());
        assert!(row(&finding, &quiet).ends_with("| **a connection broke** | | 50 MiB |\n"));
    }
}
