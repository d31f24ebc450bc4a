//! The rows about the program, its limits and its machine.

use super::Metric;
use super::table::{counter, gauge, node};
use crate::limits::{self, Seen};

pub(super) const ROWS: &[Metric] = &[
    gauge("tidings_build_info", &["version"], "1", "The version of the program", |_, out| {
        out.put(&[env!("CARGO_PKG_VERSION").into()], 1);
    }),
    gauge("tidings_ready", &[], "0 or 1", "Whether the server takes connections", |from, out| {
        out.value(u64::from(node(from).is_ready));
    }),
    counter(
        "tidings_limit_hits_total",
        &["limit"],
        "times",
        "How often a limit was reached; what happens then is in limits.md",
        |from, out| {
            for limit in limits::ALL {
                if let Seen::Hits(hits) = limit.seen {
                    out.put(&[limit.name.into()], hits(from.snapshot));
                }
            }
        },
    ),
    gauge(
        "tidings_budget_used",
        &["limit"],
        "as in limits.md",
        "How much of a limit of the whole server is used",
        |from, out| {
            for limit in limits::ALL {
                if let Seen::Budget(used) = limit.seen {
                    out.put(&[limit.name.into()], used(from.snapshot));
                }
            }
        },
    ),
    gauge("tidings_budget_bound", &["limit"], "as in limits.md", "How much of it there is", |from, out| {
        for limit in limits::ALL {
            if let (Seen::Budget(_), Some(bound)) = (limit.seen, limit.count(from.bounds)) {
                out.put(&[limit.name.into()], bound);
            }
        }
    }),
    gauge(
        "tidings_disk_free_bytes",
        &[],
        "bytes",
        "What is free for the server on the file system of its data",
        |from, out| out.known(from.snapshot.disk.free_bytes),
    ),
    gauge("tidings_disk_size_bytes", &[], "bytes", "The size of this file system", |from, out| {
        out.known(from.snapshot.disk.size_bytes);
    }),
    gauge("tidings_database_bytes", &[], "bytes", "The size of the database", |from, out| {
        out.known(from.snapshot.disk.database_bytes);
    }),
    gauge("tidings_write_ahead_log_bytes", &[], "bytes", "The size of its write-ahead log", |from, out| {
        out.known(from.snapshot.disk.wal_bytes);
    }),
    gauge(
        "tidings_damaged_rows",
        &[],
        "rows",
        "Rows of the log that were found damaged since the start",
        |from, out| out.value(from.snapshot.disk.damaged_rows),
    ),
    gauge(
        "tidings_certificate_expiry_timestamp_seconds",
        &[],
        "seconds since 1970",
        "When the certificate in use expires; left out without TLS",
        |from, out| out.known(from.snapshot.certificate_expires),
    ),
    counter("tidings_log_lines_total", &["level"], "lines", "Lines of the program's log", |from, out| {
        LEVELS
            .into_iter()
            .zip(from.snapshot.lines.written)
            .for_each(|(level, count)| out.put(&[level.into()], count));
    }),
    counter(
        "tidings_log_lines_left_out_total",
        &["level"],
        "lines",
        "Lines that were counted instead, because there were many of one kind",
        |from, out| {
            LEVELS
                .into_iter()
                .zip(from.snapshot.lines.left_out)
                .for_each(|(level, count)| out.put(&[level.into()], count));
        },
    ),
    gauge("process_resident_memory_bytes", &[], "bytes", "Memory of the process", |from, out| {
        out.known(from.snapshot.process.resident_bytes);
    }),
    gauge(
        "process_open_fds",
        &[],
        "descriptors",
        "Open file descriptors; each connection takes one",
        |from, out| out.known(from.snapshot.process.descriptors),
    ),
    gauge("process_max_fds", &[], "descriptors", "File descriptors that may be open", |from, out| {
        out.known(from.snapshot.process.descriptors_max);
    }),
    counter("process_cpu_seconds_total", &[], "seconds", "Processor time that was used", |from, out| {
        out.known(from.snapshot.process.cpu);
    }),
    gauge(
        "process_start_time_seconds",
        &[],
        "seconds since 1970",
        "When the process started",
        |from, out| out.known(from.snapshot.process.started),
    ),
];

const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];
