//! [`Config`]: every number of the server, with its bound and what happens at it.

use std::borrow::Cow;
use std::time::Duration;

use engineio::TransportKind;
use socketio::Limits;

use crate::handshake::HandshakeKept;
use crate::http::forwarded::TrustedProxies;
use crate::http::policy::OriginPolicy;

/// Settings of a server. The defaults are those of the JavaScript implementation where it has one.
#[derive(Clone, Debug)]
pub struct Config {
    /// Path of the endpoint; a request is ours if it starts with it. `/socket.io/`.
    pub path: String,
    /// Transports that may be used; both.
    pub transports: Vec<TransportKind>,
    /// Heartbeat, upgrade time-out and `maxPayload`.
    pub engine: engineio::Config,
    /// Bounds of the Socket.IO layer per connection; what breaks one closes the connection.
    pub limits: Limits,
    /// A connection that has joined no namespace by then is closed. 45 s.
    pub connect_timeout: Duration,
    /// A connection that has begun a packet and owes its next binary attachment by then is closed. 45 s.
    pub attachment_timeout: Duration,
    /// Pages of which origins may connect. The same origin only.
    pub origins: OriginPolicy,
    /// What an operator can do about a refused origin, for the log and for the body of the answer. `{origin}` in it
    /// becomes the origin.
    pub origin_remedy: Cow<'static, str>,
    /// What an operator can do when `X-Forwarded-Host` was ignored because its sender is not trusted, for the same places.
    /// `{peer}` in it becomes the address of the sender.
    pub proxy_remedy: Cow<'static, str>,
    /// Proxies whose `X-Forwarded-…` headers are believed. None.
    pub trusted_proxies: TrustedProxies,
    /// How long headers are kept.
    pub handshake_kept: HandshakeKept,
    /// Worker threads. One per core.
    pub workers: usize,
    /// Bytes of acks and emits that may wait for one connection; beyond that it is closed. 2 MiB.
    pub outbound_bytes_max: usize,
    /// A connection that takes none of what waits for it for so long is closed. 20 s.
    pub stall_timeout: Duration,
    /// Events that may wait for the handlers of one socket; beyond that its connection is not read. 64.
    pub inbox_max: usize,
    /// Acks that may be awaited from one socket; one more is refused. 256.
    pub pending_acks_max: usize,
    /// Rooms that one socket may be in; to join one more is refused. 1,000. Those that the entries of a feed let it into
    /// come on top: whoever makes the entries bounds them.
    pub rooms_max: usize,
    /// Packets in one answer to a poll of a client that is not known to take any number; what is left goes out with the
    /// next poll, which is answered at once. 16, the limit of python-engineio, and never fewer than 12: an event and its
    /// attachments stand in one answer.
    pub poll_packets_max: usize,
    /// A request's head has to be complete so long after its first byte; a new connection has to say something by then. 10 s.
    pub head_timeout: Duration,
    /// A connection that waits for its next HTTP request is closed then. 75 s: balancers keep theirs for 60 s, and the one
    /// that closes first must not be the server.
    pub idle_timeout: Duration,
    /// Connections at once; beyond that handshakes are answered 503. 100,000.
    pub connections_max: usize,
}

const ORIGIN_REMEDY: &str = "If it is a page of this server behind a proxy, let the proxy pass the browser's Host header \
    on. To allow a page of another site, name {origin} in Config::origins; a CORS layer does not do that.";

const PROXY_REMEDY: &str = "If it is your proxy, name {peer} in Config::trusted_proxies.";

impl Default for Config {
    fn default() -> Self {
        Self {
            path: "/socket.io/".into(),
            transports: vec![TransportKind::Polling, TransportKind::WebSocket],
            engine: engineio::Config::default(),
            limits: Limits::default(),
            connect_timeout: Duration::from_secs(45),
            attachment_timeout: Duration::from_secs(45),
            origins: OriginPolicy::SameOrigin,
            origin_remedy: ORIGIN_REMEDY.into(),
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
