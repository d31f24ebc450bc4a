//! [`Tallies`]: what a node counts while it works. [`Snapshot`]: what a monitor gets, as plain numbers.
//!
//! To count something new takes a variant of [`Count`], one call of [`Tallies::count`] where it happens, and a row of
//! `metrics::table` or of `limits::ALL` that shows it. Counters are spread over threads and cost a few nanoseconds. None
//! has a name that a peer can choose.

use std::time::Duration;

use socketio_server::{DoorCount, OccupancyCount, RefusalKind};
use tally::{Counted, Counters, Counts, Distribution, Histogram, LATENCIES};

use crate::names::{CommandName, RequestName};
use crate::reading::pool::PoolStats;

tally::counted! {
    /// What a node counts, besides commands and requests by name.
    pub enum Count {
        /// Messages of namespace `/`.
        ChatMessages,
        /// Notices that somebody types.
        Typing,
        /// Notices that somebody has stopped.
        TypingStopped,
        /// Read pointers that were moved.
        Reads,
        /// Events that were answered `invalid`.
        RefusedInvalid,
        /// Durable commands of connections that have not named a device.
        RefusedNoDevice,
        /// Requests for what is not there, or not for the one who asks.
        RefusedNotFound,
        /// Requests for what the one who asks may not do.
        RefusedForbidden,
        /// Codes that lead nowhere.
        RefusedBadCode,
        /// Requests for something damaged.
        RefusedDamaged,
        /// Requests and commands that were answered `busy`.
        RefusedBusy,
        /// Connections that showed a token of another server.
        RefusedBadToken,
        /// Connections that showed the token of a sign-in that has ended.
        RefusedSignedOut,
        /// Connections that showed a link that leads nowhere.
        RefusedBadLink,
        /// A text of namespace `/` was too large.
        LimitTextBytes,
        /// More people were named for a direct conversation than are read.
        LimitDirectMembers,
        /// A connection has told faster than the rate that somebody types.
        LimitTyping,
        /// A connection has moved read pointers faster than the rate.
        LimitReads,
        /// A guest has sent durable commands faster than the rate.
        LimitCommandsPerGuest,
        /// A member has sent durable commands faster than the rate.
        LimitCommandsPerMember,
        /// The guests of an address have sent durable commands faster than the rate.
        LimitCommandsPerAddress,
        /// A guest has been in touch with too many new people.
        LimitContactsPerGuest,
        /// A member has been in touch with too many new people.
        LimitContactsPerMember,
        /// The people of a network have been in touch with too many new people.
        LimitContactsPerAddress,
        /// The members of a network have reached what they may do together, in whichever way.
        LimitMembersPerAddress,
        /// A guest has stored too many bytes.
        LimitBytesStoredPerGuest,
        /// A member has stored too many bytes.
        LimitBytesStoredPerMember,
        /// A network has stored too many bytes.
        LimitBytesStoredPerAddress,
        /// Too many new people came from a network.
        LimitNewcomersPerAddress,
        /// A person had too many connections.
        LimitConnectionsPerPerson,
        /// A connection had too many open requests.
        LimitRequestsPerConnection,
        /// A page of history was cut.
        LimitHistoryBytes,
        /// Somebody has read more of the past than the rate.
        LimitReadBytesPerPerson,
        /// A network has read more of the past than the rate.
        LimitReadBytesPerAddress,
        /// A client had missed too many entries that it may see.
        LimitResumeEntries,
        /// A client had missed too many entries, whoever may see them.
        LimitResumeDistance,
        /// Somebody has created too many rooms.
        LimitRoomsPerPerson,
        /// A network has created too many rooms.
        LimitRoomsPerAddress,
        /// Somebody has joined too many rooms in a short time.
        LimitJoinsPerPerson,
        /// The people of a network have.
        LimitJoinsPerAddress,
        /// Somebody has changed their name too often.
        LimitRenames,
        /// Somebody has followed too many links of their own.
        LimitSignIns,
        /// Somebody has tried too many codes that lead nowhere.
        LimitBadCodesPerPerson,
        /// A network has tried too many codes that lead nowhere.
        LimitBadCodesPerAddress,
    }
}

impl Counted for CommandName {
    const ALL: &'static [Self] = &Self::ALL;

    fn index(self) -> usize {
        self as usize
    }
}

impl Counted for RequestName {
    const ALL: &'static [Self] = &Self::ALL;

    fn index(self) -> usize {
        self as usize
    }
}

/// What a node writes while it works.
#[derive(Debug)]
pub struct Tallies {
    counts: Counters<Count>,
    /// Durable commands from clients.
    pub commands: Counters<CommandName>,
    /// Requests from clients.
    pub requests: Counters<RequestName>,
    /// How long requests wait until somebody begins with them.
    pub request_waits: Histogram,
}

impl Default for Tallies {
    fn default() -> Self {
        Self {
            counts: Counters::spread(),
            commands: Counters::spread(),
            requests: Counters::spread(),
            request_waits: Histogram::new(LATENCIES),
        }
    }
}

impl Tallies {
    /// Something has happened.
    pub fn count(&self, what: Count) {
        self.counts.add(what, 1);
    }

    /// What was counted so far.
    pub fn counts(&self) -> TallyCounts {
        TallyCounts {
            counts: self.counts.counts(),
            commands: self.commands.counts(),
            requests: self.requests.counts(),
            request_waits: self.request_waits.distribution(),
        }
    }
}

/// What [`Tallies`] were at one moment.
#[derive(Clone, Debug)]
pub struct TallyCounts {
    /// See [`Count`].
    pub counts: Counts<Count>,
    /// Durable commands by name.
    pub commands: Counts<CommandName>,
    /// Requests by name.
    pub requests: Counts<RequestName>,
    /// How long requests waited, in microseconds.
    pub request_waits: Distribution,
}

/// What a node has counted, and what it has now.
#[derive(Clone, Debug)]
pub struct NodeStats {
    /// The endpoint.
    pub server: socketio_server::Stats,
    /// Requests of HTTP that the endpoint has refused.
    pub refused: Vec<(RefusalKind, u64)>,
    /// Events that did not fit their handlers.
    pub misfits: u64,
    /// Connections that are open or opening.
    pub connections: u64,
    /// Whether handshakes are accepted.
    pub is_ready: bool,
    /// The appender.
    pub log: chat::AppenderStats,
    /// Why nothing can be stored, if so.
    pub read_only: Option<chat::ReadOnly>,
    /// For how long a batch has waited to become durable.
    pub commit_waits: Duration,
    /// What waits for the log to be read.
    pub pool: PoolStats,
    /// The edge.
    pub edge: TallyCounts,
    /// People who are connected to `/v1`.
    pub online: u64,
}

/// What the process has, as far as the system says so.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessStats {
    /// Memory that is resident.
    pub resident_bytes: Option<u64>,
    /// File descriptors that are open.
    pub descriptors: Option<u64>,
    /// File descriptors that may be open.
    pub descriptors_max: Option<u64>,
    /// Processor time that was used.
    pub cpu: Option<Duration>,
    /// When the process started, since 1970.
    pub started: Option<Duration>,
}

/// What the data folder has, as far as the system says so.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskStats {
    /// What is free for the server on its file system.
    pub free_bytes: Option<u64>,
    /// The size of the file system.
    pub size_bytes: Option<u64>,
    /// The size of the database.
    pub database_bytes: Option<u64>,
    /// The size of its write-ahead log.
    pub wal_bytes: Option<u64>,
    /// Rows that were found damaged since the start.
    pub damaged_rows: u64,
}

/// What the log of the program has, by level: error, warn, info, debug, trace.
#[derive(Clone, Copy, Debug, Default)]
pub struct LineStats {
    /// Lines that were written.
    pub written: [u64; 5],
    /// Lines that were left out, because there were too many of one kind.
    pub left_out: [u64; 5],
}

/// Everything that a monitor is told.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The node.
    pub node: NodeStats,
    /// The process.
    pub process: ProcessStats,
    /// The data folder.
    pub disk: DiskStats,
    /// The log.
    pub lines: LineStats,
    /// When the certificate in use expires, since 1970; `None` without TLS, and before there is one.
    pub certificate_expires: Option<Duration>,
}

impl Snapshot {
    /// What the edge has counted.
    pub fn edge(&self, what: Count) -> u64 {
        self.node.edge.counts[what]
    }

    /// The bytes of the larger of the two rings.
    pub fn largest_ring(&self) -> u64 {
        self.node.server.feeds.iter().map(|feed| feed.ring_bytes).max().unwrap_or(0)
    }

    /// Connections that were told to leave.
    pub fn left(&self, why: OccupancyCount) -> u64 {
        self.node.server.occupancy.counts[why]
    }

    /// Handshakes that were refused, or answered later.
    pub fn door(&self, what: DoorCount) -> u64 {
        self.node.server.door[what]
    }

    /// Requests of HTTP that were refused.
    pub fn refused(&self, kind: RefusalKind) -> u64 {
        self.node.refused.iter().filter(|(other, _)| *other == kind).map(|(_, count)| count).sum()
    }

    /// The sum of what all workers have counted.
    pub fn workers(&self, what: socketio_server::WorkerCount) -> u64 {
        self.node.server.workers.iter().map(|worker| worker.counts[what]).sum()
    }
}
