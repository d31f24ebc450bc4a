//! [`Config`]: all settings of the server. Each says what happens at its bound.

use std::borrow::Cow;
use std::time::Duration;

use engineio::TransportKind;
use socketio::Limits;

use crate::handshake::HandshakeKept;
use crate::http::forwarded::TrustedProxies;
use crate::http::host::HostPolicy;
use crate::http::policy::OriginPolicy;
use crate::occupancy::{Bounds, StrangerBounds};
use crate::pacing::Pacing;

/// Settings of a server. The defaults are those of the JavaScript implementation, where it has one.
#[derive(Clone, Debug)]
pub struct Config {
    /// Path of the endpoint: a request belongs to it if its path starts with this. Default `/socket.io/`.
    pub path: String,
    /// Transports that clients may use. Default: both.
    pub transports: Vec<TransportKind>,
    /// Heartbeat, upgrade timeout and `maxPayload`.
    pub engine: engineio::Config,
    /// Bounds of the Socket.IO layer for each connection. A connection that exceeds one is closed.
    pub limits: Limits,
    /// How fast one connection may send, and what happens beyond that.
    pub pacing: Pacing,
    /// A connection that has joined no namespace after this time is closed. Default 45 s.
    pub connect_timeout: Duration,
    /// A connection whose packet still lacks an attachment after this time is closed. Default 45 s.
    pub attachment_timeout: Duration,
    /// The origins whose pages may connect. Default: the same origin only.
    pub origins: OriginPolicy,
    /// What an operator can do about a refused origin, for the log and the body of the answer. `{origin}` is replaced
    /// by the origin.
    pub origin_remedy: Cow<'static, str>,
    /// The names that the server answers to; a request for another one gets 421. Default: all. A server that gives
    /// strangers something lists its names, so that no site can use it from the browsers of its visitors.
    pub hosts: HostPolicy,
    /// What an operator can do about a refused name, for the log and the body of the answer. `{host}` is replaced by
    /// the name.
    pub host_remedy: Cow<'static, str>,
    /// What an operator can do when `X-Forwarded-Host` was ignored because its sender is not trusted, for the same
    /// places. `{peer}` is replaced by the address of the sender.
    pub proxy_remedy: Cow<'static, str>,
    /// Proxies whose `X-Forwarded-…` headers are believed. Default: none.
    pub trusted_proxies: TrustedProxies,
    /// How long the headers of a handshake are kept.
    pub handshake_kept: HandshakeKept,
    /// Number of worker threads. Default: one per core.
    pub workers: usize,
    /// Bytes of acks and events that may wait for one connection; beyond that it is closed. Default 2 MiB.
    pub outbound_bytes_max: usize,
    /// Bytes of acks and events that may wait for all connections together. One half is for what waits in sessions: beyond it,
    /// the connections that hold most are closed. The other is for answers to polls that clients do not read: beyond it, the
    /// connections of those answers are closed. 0 switches this limit off. Default 16 MiB.
    pub output_bytes_max: usize,
    /// A connection that accepts no data for this long, although some waits, is closed. Default 20 s.
    pub stall_timeout: Duration,
    /// Events that may wait for the handlers of one socket; beyond that its connection is not read. Default 64.
    pub inbox_max: usize,
    /// Open acks of one socket; one more is refused. Default 256.
    pub pending_acks_max: usize,
    /// Rooms that one socket may be in; beyond that, joining is refused. Default 1,000. Rooms that it enters by entries
    /// of a feed do not count: the application bounds those.
    pub rooms_max: usize,
    /// Packets in one answer to a poll, for a client that is not known to accept any number. The rest goes out with the
    /// next poll, which is answered at once. Default 16, the limit of python-engineio; at least 12, because an event
    /// and its attachments are always in one answer.
    pub poll_packets_max: usize,
    /// The head of a request must be complete this long after its first byte; a new connection must send a byte within
    /// it. Default 10 s.
    pub head_timeout: Duration,
    /// An idle HTTP connection is closed after this time. Default 75 s: load balancers keep theirs for 60 s, and the
    /// server must not close first.
    pub idle_timeout: Duration,
    /// Open connections. Beyond that, the oldest one that has joined no namespace is closed, and if all have, a new one
    /// is answered with 503. Never more than the process has file descriptors for: see
    /// [`raise_descriptor_limit`](crate::raise_descriptor_limit). Default 100,000.
    pub connections_max: usize,
    /// File descriptors that the program may need later for something else, such as another listener. Default 0.
    pub descriptors_reserved: usize,
    /// So many of 100 connections may be without a namespace that they have joined. Beyond that, those are closed that
    /// have not joined for a second, the oldest first. From 100 on there is no such limit. Default 10.
    pub unjoined_percent_max: usize,
    /// Requests for these paths are answered even if there is no room for another connection, so that whoever watches
    /// the server learns that it lives. Default: none.
    pub reserved_paths: Vec<Cow<'static, str>>,
    /// Bytes of an unfinished message, POST or packet that a connection may hold before it has joined a namespace.
    /// Beyond that it is closed with 1009, or its POST is answered with 413; after it has joined, `engine.max_payload`
    /// applies. 0 switches this limit off. Default 16 KiB.
    pub unjoined_input_bytes_max: usize,
    /// Bytes of unfinished input of all connections together, as much as the allocator gives for it. Beyond that, the
    /// connections that hold most are closed, with 1009. Connections that have not joined share three quarters of it. 0
    /// switches this limit off. Default 64 MiB.
    pub input_bytes_max: usize,
    /// What clients of one address may take together for whom the application does not vouch. Default: no bounds.
    pub strangers: StrangerBounds,
}

const ORIGIN_REMEDY: &str = "If it is a page of this server behind a proxy, let the proxy pass the browser's Host header \
    on. To allow a page of another site, name {origin} in Config::origins; a CORS layer does not do that.";

const HOST_REMEDY: &str = "If it is yours, add {host} to Config::hosts.";

const PROXY_REMEDY: &str = "If it is your proxy, name {peer} in Config::trusted_proxies.";

impl Config {
    /// The default of [`connections_max`](Self::connections_max).
    pub const CONNECTIONS_MAX: usize = 100_000;
    /// The default of [`unjoined_percent_max`](Self::unjoined_percent_max).
    pub const UNJOINED_PERCENT_MAX: usize = 10;
    /// The default of [`unjoined_input_bytes_max`](Self::unjoined_input_bytes_max).
    pub const UNJOINED_INPUT_BYTES_MAX: usize = 16 << 10;
    /// The default of [`input_bytes_max`](Self::input_bytes_max).
    pub const INPUT_BYTES_MAX: usize = 64 << 20;

    /// What connections may take before they have joined, but no more of them than the process has descriptors for.
    pub(crate) fn bounds(&self, workers: usize) -> Bounds {
        let here = Bounds::connections_here(workers, self.descriptors_reserved).unwrap_or(usize::MAX);
        let bytes = if self.input_bytes_max == 0 { usize::MAX } else { self.input_bytes_max };
        Bounds::new(self.connections_max.min(here), self.unjoined_percent_max, bytes)
    }

    /// Bytes of one message of a connection that has not joined.
    pub(crate) fn unjoined_payload_max(&self) -> usize {
        match self.unjoined_input_bytes_max {
            0 => self.engine.max_payload,
            bytes => bytes.min(self.engine.max_payload),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            path: "/socket.io/".into(),
            transports: vec![TransportKind::Polling, TransportKind::WebSocket],
            engine: engineio::Config::default(),
            limits: Limits::default(),
            pacing: Pacing::default(),
            connect_timeout: Duration::from_secs(45),
            attachment_timeout: Duration::from_secs(45),
            origins: OriginPolicy::SameOrigin,
            origin_remedy: ORIGIN_REMEDY.into(),
            hosts: HostPolicy::Any,
            host_remedy: HOST_REMEDY.into(),
            proxy_remedy: PROXY_REMEDY.into(),
            trusted_proxies: TrustedProxies::default(),
            handshake_kept: HandshakeKept::default(),
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            outbound_bytes_max: 2 << 20,
            output_bytes_max: 16 << 20,
            stall_timeout: Duration::from_secs(20),
            inbox_max: 64,
            pending_acks_max: 256,
            rooms_max: 1_000,
            poll_packets_max: 16,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            connections_max: Self::CONNECTIONS_MAX,
            descriptors_reserved: 0,
            unjoined_percent_max: Self::UNJOINED_PERCENT_MAX,
            reserved_paths: Vec::new(),
            unjoined_input_bytes_max: Self::UNJOINED_INPUT_BYTES_MAX,
            input_bytes_max: Self::INPUT_BYTES_MAX,
            strangers: StrangerBounds::OFF,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_outlives_that_of_a_balancer_and_a_head_does_not() {
        let Config { idle_timeout, head_timeout, .. } = Config::default();
        assert_eq!((idle_timeout.as_secs(), head_timeout.as_secs()), (75, 10));
    }
}
