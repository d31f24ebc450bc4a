//! [`Stats`]: what a server counts, as plain numbers: for a monitor, in whatever format it likes.
//!
//! Each worker counts for itself, in relaxed atomics that nobody else writes; what it has at a moment it counts when it is
//! asked. No number and no name comes from a peer, so a peer can make numbers large, but cannot make up new ones.

use tally::{Counters, Distribution, Histogram, LATENCIES};

tally::counted! {
    /// What a worker counts.
    pub enum WorkerCount {
        /// Sessions that began by polling.
        OpenedPolling,
        /// Sessions that began as a WebSocket.
        OpenedWebSocket,
        /// Sessions that went from polling to WebSocket.
        Upgraded,
        /// Sessions whose client disconnected, or was lost.
        ClosedByTransport,
        /// Sessions that were closed because they broke the transport's rules, took nothing for too long, or had too much
        /// waiting for them.
        ClosedByError,
        /// Sessions whose client did not answer a ping in time.
        ClosedByTimeout,
        /// Sessions that were told to reconnect.
        ClosedByShutdown,
        /// Sessions whose client sent something malformed.
        ClosedByParse,
        /// Sessions that the server closed for another reason.
        ClosedByServer,
        /// Sockets that joined a namespace.
        Joined,
        /// Of these, the sockets that were recovered.
        Recovered,
        /// Events from clients.
        Events,
        /// Events that no handler is for.
        EventsUnhandled,
        /// Packets of other kinds from clients: CONNECT, DISCONNECT, acks, attachments, pings and pongs.
        OtherPackets,
        /// Entries of feeds that were written to a socket.
        Deliveries,
        /// Growths of a feed that were delivered: batches that came together are one.
        Growths,
        /// Times that a socket fell behind its feed.
        FellBehind,
        /// Times that the ring lapped the worker, so that all sockets fell behind.
        Lapped,
        /// Pages for sockets that are behind, out of the ring.
        PagesFromRing,
        /// Pages for sockets that are behind, out of the history.
        PagesFromHistory,
        /// Turns in which a connection had more packets than `turn_packets_max`.
        LimitTurnPackets,
        /// Times that a connection was read later because of the rate of events.
        LimitEvents,
        /// Times that a connection was read later because of the rate of events of its address.
        LimitEventsPerAddress,
        /// Clients that were refused because as many of their address had joined as may.
        LimitConnectionsPerAddress,
        /// The last two, of clients for whom the application has vouched.
        LimitVouchedPerAddress,
        /// Connections that were closed because of the rate of control frames.
        LimitControlFrames,
        /// Connections that were closed because of `outbound_bytes_max`.
        LimitOutboundBytes,
        /// Connections that were closed because of `output_bytes_max`.
        LimitOutputBytes,
        /// Connections that were closed because they joined too many namespaces.
        LimitNamespaces,
        /// Connections that were closed because of a packet with too many bytes of attachments.
        LimitAttachmentBytes,
        /// Messages that were too long for a client that had not joined.
        LimitUnjoinedInputBytes,
        /// Clients that had missed too much to be recovered.
        LimitRecovery,
        /// Times that a socket had to wait for its next page of the past.
        LimitReplay,
    }
}

tally::counted! {
    /// Handshakes that were refused before there was a session, or had to wait.
    pub enum DoorCount {
        /// The server was not ready.
        NotReady,
        /// The application refused it.
        NotAdmitted,
        /// Too many came from its address.
        TooMany,
        /// Not refused, but answered later: many came from its address.
        Delayed,
        /// A handshake of an encrypted connection waited, or its connection was closed: many came from its address.
        LaterHandshakes,
        /// Not a refusal: a request was answered later, because its connection brings too many.
        LaterRequests,
        /// As many of its address as may be were there that had not joined.
        AddressFull,
    }
}

tally::counted! {
    /// Connections that were told to leave because others needed what they take.
    pub enum OccupancyCount {
        /// There were as many connections as there may be.
        LimitConnections,
        /// There were too many that had not joined.
        LimitUnjoinedPercent,
        /// Too much unfinished input was held.
        LimitInputBytes,
        /// There were too many of one address that had not joined.
        LimitConnectionsPerAddress,
        /// Too much unfinished input was held by one address.
        LimitInputBytesPerAddress,
    }
}

/// What one worker writes while it works.
#[derive(Debug)]
pub(crate) struct WorkerTallies {
    counts: Counters<WorkerCount>,
    /// From the publication of an entry until all attached sockets have been written.
    pub(crate) delivery: Histogram,
}

impl Default for WorkerTallies {
    fn default() -> Self {
        Self { counts: Counters::new(), delivery: Histogram::new(LATENCIES) }
    }
}

impl WorkerTallies {
    pub(crate) fn count(&self, what: WorkerCount) {
        self.counts.add(what, 1);
    }

    pub(crate) fn add(&self, what: WorkerCount, count: u64) {
        self.counts.add(what, count);
    }

    pub(crate) fn stats(&self, census: Option<Census>) -> WorkerStats {
        WorkerStats { counts: self.counts.counts(), delivery: self.delivery.distribution(), census }
    }
}

/// What a server has counted, from [`Io::stats`](crate::Io::stats).
#[derive(Clone, Debug)]
pub struct Stats {
    /// The workers, by number.
    pub workers: Vec<WorkerStats>,
    /// Handshakes that were refused, or answered later. Those whose request was refused are counted by
    /// [`RefusalKind`](crate::RefusalKind): see [`Io::refused`](crate::Io::refused).
    pub door: tally::Counts<DoorCount>,
    /// What connections take before they have joined, and what their unfinished input takes.
    pub occupancy: OccupancyStats,
    /// Bytes of acks and events that wait for all connections together.
    pub output_bytes: u64,
    /// The feeds, in the order of their namespaces.
    pub feeds: Vec<FeedStats>,
}

/// What connections take.
#[derive(Clone, Debug, Default)]
pub struct OccupancyStats {
    /// Connections that were told to leave.
    pub counts: tally::Counts<OccupancyCount>,
    /// File descriptors of connections.
    pub descriptors: u64,
    /// Bytes of unfinished input.
    pub held_bytes: u64,
    /// Addresses of clients for whom the application does not vouch.
    pub strange_addresses: u64,
}

/// What one worker has counted.
#[derive(Clone, Debug)]
pub struct WorkerStats {
    /// What only grows.
    pub counts: tally::Counts<WorkerCount>,
    /// From the publication of entries until a worker has written them to all its attached sockets, in microseconds.
    pub delivery: Distribution,
    /// What it has now; `None` if it did not answer within a second, because it is stuck or has stopped.
    pub census: Option<Census>,
}

/// What one worker has at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Polling sessions that have joined no namespace.
    pub polling_unjoined: u64,
    /// Polling sessions that have joined one.
    pub polling_joined: u64,
    /// Sessions over a WebSocket that have joined no namespace.
    pub websocket_unjoined: u64,
    /// Sessions over a WebSocket that have joined one.
    pub websocket_joined: u64,
    /// Sockets in namespaces; a session may have several.
    pub sockets: u64,
    /// Sockets that are behind their feed.
    pub behind: u64,
    /// Of these, the sockets that wait for a page of the history.
    pub reading: u64,
    /// Sessions that are not read for a while, by a rate or by the application.
    pub paused: u64,
    /// Bytes in the outbound queues of all sessions.
    pub outbound_bytes: u64,
}

/// What a feed has at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedStats {
    /// The namespace that it belongs to.
    pub namespace: Box<str>,
    /// The position of its newest entry.
    pub head: u64,
    /// Entries in the ring.
    pub ring_entries: u64,
    /// Bytes in the ring.
    pub ring_bytes: u64,
}
