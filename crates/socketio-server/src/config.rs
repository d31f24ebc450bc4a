//! [`Config`]: all settings of the server. Each says what happens at its bound.

use std::borrow::Cow;
use std::time::Duration;

use engineio::TransportKind;
use socketio::Limits;

use crate::handshake::HandshakeKept;
use crate::http::forwarded::TrustedProxies;
use crate::http::host::HostPolicy;
use crate::http::policy::OriginPolicy;
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
    /// Open connections; beyond that the answer to a handshake is 503. Default 100,000.
    pub connections_max: usize,
}

const ORIGIN_REMEDY: &str = "If it is a page of this server behind a proxy, let the proxy pass the browser's Host header \
    on. To allow a page of another site, name {origin} in Config::origins; a CORS layer does not do that.";

const HOST_REMEDY: &str = "If it is yours, add {host} to Config::hosts.";

const PROXY_REMEDY: &str = "If it is your proxy, name {peer} in Config::trusted_proxies.";

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
            stall_timeout: Duration::from_secs(20),
            inbox_max: 64,
            pending_acks_max: 256,
            rooms_max: 1_000,
            poll_packets_max: 16,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            connections_max: 100_000,
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
