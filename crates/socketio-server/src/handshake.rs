//! [`Handshake`]: the HTTP request that opened a connection. It is kept for middleware, then dropped.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue};

use crate::occupancy::Resident;
use crate::peer::{Network, Peer};

/// Headers, query and addresses of the request that opened the connection.
#[derive(Clone, Debug)]
pub struct Handshake {
    /// The request's headers.
    pub headers: HeaderMap,
    /// The decoded query parameters, in order.
    pub query: Vec<(String, String)>,
    /// The request target as it was sent.
    pub url: String,
    /// The address of the client; behind a trusted proxy, the address that the proxy saw.
    pub address: Option<IpAddr>,
    /// Whether the page has another origin than the server.
    pub cross_origin: bool,
    /// Whether the client speaks TLS, to the server or to a trusted proxy.
    pub secure: bool,
    /// Whether rate limits apply to the client: to all but those on loopback, unless
    /// [`Pacing::loopback`](crate::Pacing::loopback) is set. A client without an address counts as remote.
    pub rated: bool,
}

impl Handshake {
    /// Of a connection in memory.
    #[cfg(any(test, feature = "simulation"))]
    pub(crate) fn without_request(rated: bool) -> Self {
        Self {
            headers: HeaderMap::new(),
            query: Vec::new(),
            url: String::new(),
            address: None,
            cross_origin: false,
            secure: false,
            rated,
        }
    }

    pub(crate) fn peer(&self) -> Peer {
        Peer { network: self.address.map(Network::from), rated: self.rated }
    }

    /// The first value of a query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// About how much memory it takes.
    pub(crate) fn held_bytes(&self) -> usize {
        /// An entry of the map of headers, with its place in the index.
        const HEADER_BYTES: usize = 128;
        let query: usize = self.query.iter().map(|(name, value)| name.capacity() + value.capacity()).sum();
        let query = query + self.query.capacity() * size_of::<(String, String)>();
        let values: usize = self.headers.values().map(HeaderValue::len).sum();
        let headers = values + self.headers.capacity() * HEADER_BYTES;
        size_of::<Self>() + self.url.capacity() + query + headers
    }
}

/// A client that is let in.
#[derive(Debug)]
pub(crate) struct Entrant {
    pub(crate) handshake: Handshake,
    /// As long as it counts for its address.
    pub(crate) resident: Option<Resident>,
}

/// When the handshake is dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HandshakeKept {
    /// When the first namespace is joined, so that an idle connection keeps no headers. Middleware of a namespace that
    /// is joined later sees a handshake without headers.
    #[default]
    UntilJoined,
    /// When the connection closes.
    Session,
}
