//! Facts about a request that are not in its headers: the peer's address, and whether TLS ends here; and what its
//! target says.
//!
//! Whatever accepts the connection puts [`PeerAddress`] and [`OverTls`] into the extensions of the request. Nothing is
//! judged here.

use std::net::{IpAddr, SocketAddr};

use engineio::Query;
use http::uri::{Authority, Scheme};
use http::{Extensions, Request, Uri, Version, header};

use super::origin::host_and_port;
use super::own;

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
pub(crate) fn scheme_of<B>(request: &Request<B>) -> own::Scheme {
    if request.extensions().get::<OverTls>().is_some() {
        own::Scheme::Tls
    } else if request.uri().scheme() == Some(&Scheme::HTTPS) {
        own::Scheme::Https
    } else {
        own::Scheme::Plain
    }
}

/// Whether a request names its host as HTTP/1 demands: exactly once in HTTP/1.1, never twice, and not another one than
/// an absolute target does.
pub(crate) fn names_one_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => request.version() != Version::HTTP_11,
        (Some(host), None) => host.to_str().is_ok_and(|host| agrees(request.uri(), host)),
        (Some(_), Some(_)) => false,
    }
}

/// Whether a target and a `Host` name the same host. A target without a host allows every host, and none.
fn agrees(target: &Uri, host: &str) -> bool {
    let named = |authority: &str| {
        let (host, port) = host_and_port(authority.strip_suffix(':').unwrap_or(authority)).ok()?;
        let usual = if target.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
        Some((host, port.unwrap_or(usual)))
    };
    match target.authority() {
        Some(authority) => named(authority.as_str()).is_some_and(|in_target| named(host) == Some(in_target)),
        None => host.is_empty() || (!host.contains('@') && host.parse::<Authority>().is_ok()),
    }
}

/// Whether a request is for the WebSocket transport.
pub(crate) fn names_websocket(uri: &Uri) -> bool {
    let mut pairs = Query::pairs(uri.query().unwrap_or_default());
    pairs.any(|(name, value)| name == "transport" && value == "websocket")
}
