//! Refuses requests for names that the server does not answer to, before anything else looks at them.
//!
//! Both our own accept loop, for what it passes to the fallback, and the endpoint ask here, so the rule holds for every
//! route and transport, and beside an axum router for the endpoint.

use std::net::IpAddr;
use std::time::Instant;

use http::{HeaderMap, Request, header};

use crate::door::service::SocketIoService;
use crate::http::facts::scheme_of;
use crate::http::forwarded::{self, Client, Naming};
use crate::http::host::HostPolicy;
use crate::http::own::addressed_host;
use crate::ignored;
use crate::refusal::host_refused;

impl SocketIoService {
    /// What is answered to a request for a name that is not one of the server's. A proxy may have changed the name, and a
    /// page can claim to be a proxy, so both names have to be right.
    pub(super) fn refuse_host<B>(&self, peer: Option<IpAddr>, request: &Request<B>) -> Option<String> {
        let host = self.foreign_host(peer, request)?;
        let text = host_refused(&host, &self.shared.config);
        self.shared.reach.refusals.note_host(&host, &text, Instant::now());
        Some(text)
    }

    /// Tells once of a peer that says for whom it asks and is not trusted to. To be called for a host that is not refused: a site
    /// whose name leads here can send anything from the browsers of its visitors.
    pub(super) fn note_forwarder(&self, peer: Option<IpAddr>, headers: &HeaderMap) {
        let (Some(peer), Some(header)) = (peer, forwarded::present(headers)) else { return };
        let peer = peer.to_canonical();
        let config = &self.shared.config;
        if !config.trusted_proxies.contains(peer) && self.shared.reach.ignored.note(peer) {
            tracing::warn!("{}", ignored::told(header, peer, config));
        }
    }

    /// Tells once of a trusted proxy that names nobody, when somebody comes through it to stay: not of the checks by which a
    /// proxy finds out whether the server is there.
    pub(super) fn note_unnamed(&self, client: &Client) {
        let Some(proxy) = client.address.filter(|_| client.naming == Naming::Missing) else { return };
        if self.shared.reach.ignored.note_nameless(proxy) {
            tracing::warn!("{}", ignored::told_nameless(proxy));
        }
    }

    /// The name in a request that is not one of the server's.
    pub(super) fn foreign_host<B>(&self, peer: Option<IpAddr>, request: &Request<B>) -> Option<String> {
        let config = &self.shared.config;
        let headers = request.headers();
        if config.hosts == HostPolicy::Any {
            return None;
        }
        let Some(host) = addressed_host(request.uri(), headers) else {
            // Only HTTP/1.0 lets a request name none; no browser speaks that.
            return headers.contains_key(header::HOST).then(String::new);
        };
        let address = peer.map(|address| address.to_canonical());
        let (scheme, host_named) = (scheme_of(request), Some(host.clone()));
        let direct = Client { address, scheme, host: host_named, naming: Naming::Known };
        let forwarded = config.trusted_proxies.client(direct, headers).host;
        [Some(host), forwarded].into_iter().flatten().find(|host| !config.hosts.allows(host))
    }
}
