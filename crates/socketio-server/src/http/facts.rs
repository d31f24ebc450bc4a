//! What a request tells without its headers: where it comes from, whether TLS ends here, what its query says.
//!
//! Whoever has accepted the connection puts [`PeerAddress`] and [`OverTls`] into the extensions of the request. Judges
//! nothing.

use std::net::{IpAddr, SocketAddr};

use engineio::Query;
use http::{Extensions, Request, Uri, Version, header};

use super::own::Scheme;

/// Address of the peer, put into the extensions of a request by whoever accepted the connection.
///
/// Our own listeners do that, and axum's `ConnectInfo<SocketAddr>` counts as well (with the feature `axum`). Without an
/// address a handshake has none, and no proxy is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub SocketAddr);

/// Says that the connection of a request is encrypted and that this process ends the TLS; put into the extensions of the
/// request by whoever accepted the connection.
///
/// [`Handshake::secure`](crate::Handshake::secure) is true then, and pages without TLS are foreign. Over HTTP/2 the request itself says so.
///
/// ```
/// use axum::{Extension, Router};
/// use socketio_server::OverTls;
///
/// # fn example(router: Router) -> (Router, Router) {
/// let encrypted = router.clone().layer(Extension(OverTls));
/// # (router, encrypted) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverTls;

/// Where a request comes from, if that has been told.
pub(crate) fn peer_of(extensions: &Extensions) -> Option<IpAddr> {
    let told = extensions.get::<PeerAddress>().map(|PeerAddress(address)| *address);
    #[cfg(feature = "axum")]
    let told = told.or_else(|| {
        let info = extensions.get::<axum::extract::ConnectInfo<SocketAddr>>();
        info.map(|axum::extract::ConnectInfo(address)| *address)
    });
    told.map(|address| address.ip())
}

/// What is known of the scheme before any proxy is asked.
pub(crate) fn scheme_of<B>(request: &Request<B>) -> Scheme {
    if request.extensions().get::<OverTls>().is_some() {
        Scheme::Tls
    } else if request.uri().scheme() == Some(&http::uri::Scheme::HTTPS) {
        Scheme::Https
    } else {
        Scheme::Plain
    }
}

/// Whether a request names its host as HTTP asks for: once in HTTP/1.1, and never twice.
pub(crate) fn names_one_host<B>(request: &Request<B>) -> bool {
    match request.headers().get_all(header::HOST).iter().count() {
        0 => request.version() != Version::HTTP_11,
        1 => true,
        _ => false,
    }
}

/// Whether a request is about the transport WebSocket.
pub(crate) fn names_websocket(uri: &Uri) -> bool {
    let mut pairs = Query::pairs(uri.query().unwrap_or_default());
    pairs.any(|(name, value)| name == "transport" && value == "websocket")
}
