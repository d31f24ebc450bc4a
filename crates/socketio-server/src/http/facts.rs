//! Facts about a request that are not in its headers: the peer's address, and whether TLS ends here; and what its
//! target says.
//!
//! Whatever accepts the connection puts [`PeerAddress`] and [`OverTls`] into the extensions of the request. Nothing is
//! judged here.

use std::net::{IpAddr, SocketAddr};

use engineio::Query;
use http::{Extensions, Request, Uri, Version, header};

use super::own::Scheme;

/// The address of the peer. Whatever accepts the connection puts it into the extensions of a request.
///
/// Our own listeners do that, and axum's `ConnectInfo<SocketAddr>` counts as well (with the feature `axum`). Without
/// it, a handshake has no address, and no proxy is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub SocketAddr);

/// Says that the connection is encrypted and that TLS ends in this process. Whatever accepts the connection puts it
/// into the extensions of a request.
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

/// The address of the peer, if it is known.
pub(crate) fn peer_of(extensions: &Extensions) -> Option<IpAddr> {
    let told = extensions.get::<PeerAddress>().map(|PeerAddress(address)| *address);
    #[cfg(feature = "axum")]
    let told = told.or_else(|| {
        let info = extensions.get::<axum::extract::ConnectInfo<SocketAddr>>();
        info.map(|axum::extract::ConnectInfo(address)| *address)
    });
    told.map(|address| address.ip())
}

/// What is known about the scheme before any proxy header is read.
pub(crate) fn scheme_of<B>(request: &Request<B>) -> Scheme {
    if request.extensions().get::<OverTls>().is_some() {
        Scheme::Tls
    } else if request.uri().scheme() == Some(&http::uri::Scheme::HTTPS) {
        Scheme::Https
    } else {
        Scheme::Plain
    }
}

/// Whether a request names its host as HTTP demands: exactly once in HTTP/1.1, and never twice.
pub(crate) fn names_one_host<B>(request: &Request<B>) -> bool {
    match request.headers().get_all(header::HOST).iter().count() {
        0 => request.version() != Version::HTTP_11,
        1 => true,
        _ => false,
    }
}

/// Whether a request is for the WebSocket transport.
pub(crate) fn names_websocket(uri: &Uri) -> bool {
    let mut pairs = Query::pairs(uri.query().unwrap_or_default());
    pairs.any(|(name, value)| name == "transport" && value == "websocket")
}
