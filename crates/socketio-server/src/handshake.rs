//! [`Handshake`]: the HTTP request that opened a connection, for middleware, then dropped.

use std::net::IpAddr;

use http::HeaderMap;

/// Headers, query and address of the request that opened the connection.
#[derive(Clone, Debug)]
pub struct Handshake {
    /// The request's headers.
    pub headers: HeaderMap,
    /// The query of the request's URL, decoded, in order.
    pub query: Vec<(String, String)>,
    /// The request's target as it was sent.
    pub url: String,
    /// Address of the client; behind a trusted proxy the address that the proxy saw.
    pub address: Option<IpAddr>,
    /// True if the page that opened it has another origin than the server.
    pub cross_origin: bool,
    /// True if the client speaks TLS, to us or to a trusted proxy.
    pub secure: bool,
}

impl Handshake {
    /// The first value of a query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// When the handshake is let go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HandshakeKept {
    /// With the first namespace that is joined: an idle connection keeps no headers. Middleware of a namespace joined
    /// later on the same connection sees a handshake without headers.
    #[default]
    UntilJoined,
    /// As long as the connection.
    Session,
}
