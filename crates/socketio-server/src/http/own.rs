//! [`Own`]: the server as a request has addressed it, and which pages are its own.
//!
//! A proxy may have ended TLS and left the port out of `Host`, and most proxies do not say so. So the host must always
//! be equal, the scheme only where it is known to be https, and the ports only where both sides name one.
//!
//! The price: a page at `http://H` passes for one at `https://H`, and if `Host` names no port, so does a page at
//! another port of the same host. Cookies do not distinguish these either. A page of another host never passes.

use std::fmt;

use http::{HeaderMap, Uri, header};

use super::origin::{self, Origin};
use crate::planted::edge::{self, EdgeBug};

/// What is known about the scheme that a client used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Scheme {
    /// Plain, as far as we see. TLS may have ended at a proxy.
    Plain,
    /// TLS ended at a trusted proxy, or the request itself names the scheme.
    Https,
    /// TLS ends in this process: we read what the browser wrote.
    Tls,
}

impl Scheme {
    pub(crate) fn is_secure(self) -> bool {
        match self {
            Self::Plain => false,
            Self::Https | Self::Tls => true,
        }
    }
}

/// The server as a request has addressed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Own {
    scheme: Scheme,
    host: String,
    /// As written: a missing port stays missing.
    port: Option<u16>,
}

impl Own {
    /// From a scheme and a `Host` header; `None` if that is not one host.
    pub(crate) fn new(scheme: Scheme, host: &str) -> Option<Self> {
        // RFC 3986 (3.2.3) allows an empty port.
        let (host, port) = origin::host_and_port(host.strip_suffix(':').unwrap_or(host)).ok()?;
        Some(Self { scheme, host, port })
    }

    /// The same host, reached in another way.
    pub(crate) fn over(self, scheme: Scheme) -> Self {
        Self { scheme, ..self }
    }

    /// Whether a page of this origin was served by this server.
    pub(crate) fn serves(&self, page: &Origin) -> bool {
        let (scheme, port) = match self.scheme {
            Scheme::Plain => (matches!(page.scheme.as_str(), "http" | "https"), self.port),
            Scheme::Https => (page.scheme == "https", self.port),
            Scheme::Tls => (page.scheme == "https", Some(self.port.unwrap_or(443))),
        };
        let port = port.filter(|_| !edge::is(EdgeBug::IgnoresPorts));
        scheme && self.host == page.host && (port.is_none() || port == page.effective_port())
    }
}

impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

/// The host that a request names: in its target (always in HTTP/2), else in its one `Host` header.
pub(crate) fn addressed_host(target: &Uri, headers: &HeaderMap) -> Option<String> {
    if let Some(authority) = target.authority() {
        return Some(authority.as_str().to_owned());
    }
    let mut values = headers.get_all(header::HOST).iter();
    let host = values.next()?.to_str().ok()?;
    values.next().is_none().then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pages that a server serves, of those named, when a request comes to `host` by `scheme`.
    fn check(scheme: Scheme, host: &str, own: &[&str], foreign: &[&str]) {
        let addressed = Own::new(scheme, host).unwrap();
        let all = own.iter().chain(foreign);
        let taken: Vec<_> = all.filter(|page| addressed.serves(&page.parse().unwrap())).collect();
        assert_eq!(taken, own.iter().collect::<Vec<_>>(), "{scheme:?} {host}");
    }

    #[test]
    fn on_a_plain_connection_the_host_counts_and_a_port_that_is_named() {
        // As a browser writes it that speaks to us directly, and as haproxy and `$http_host` pass it on.
        check(
            Scheme::Plain,
            "chat.example:3000",
            &["http://chat.example:3000", "https://chat.example:3000", "HTTP://Chat.Example:3000"],
            &[
                "http://chat.example",
                "https://chat.example",
                "http://chat.example:3001",
                "http://evil.example:3000",
                "http://sub.chat.example:3000",
                "http://chat.example.evil.example:3000",
            ],
        );
        // nginx's `$host` has lost the port; a browser leaves out a default port.
        check(
            Scheme::Plain,
            "chat.example",
            &[
                "http://chat.example",
                "https://chat.example",
                "http://chat.example:4120",
                "https://chat.example:4122",
            ],
            &["http://evil.example", "http://chat.example.org", "http://example"],
        );
        check(Scheme::Plain, "chat.example:", &["https://chat.example:4122"], &["http://evil.example"]);
        // A default port that is written counts, on either side, and belongs to its scheme.
        check(
            Scheme::Plain,
            "chat.example:80",
            &["http://chat.example", "http://chat.example:80"],
            &["https://chat.example", "http://chat.example:443"],
        );
        check(
            Scheme::Plain,
            "chat.example:443",
            &["https://chat.example", "https://chat.example:443"],
            &["http://chat.example", "https://chat.example:8443"],
        );
    }

    #[test]
    fn a_dot_at_the_end_of_a_host_does_not_count_on_either_side() {
        let own = ["https://chat.example.:3000", "https://chat.example:3000"];
        for host in ["chat.example:3000", "chat.example.:3000"] {
            check(Scheme::Plain, host, &own, &["https://evil.example.:3000"]);
        }
        // nginx's `$host` has lost the dot as well as the port.
        check(Scheme::Plain, "chat.example", &["https://chat.example.", "http://chat.example.:4120"], &[]);
    }

    #[test]
    fn only_web_pages_are_our_own() {
        check(
            Scheme::Plain,
            "localhost",
            &["http://localhost"],
            &["capacitor://localhost", "ionic://localhost", "chrome-extension://localhost"],
        );
    }

    #[test]
    fn behind_tls_a_page_without_it_is_foreign() {
        check(
            Scheme::Https,
            "chat.example",
            &["https://chat.example", "https://chat.example:4122"],
            &["http://chat.example", "http://chat.example:443"],
        );
        check(
            Scheme::Https,
            "chat.example:4122",
            &["https://chat.example:4122"],
            &["https://chat.example", "http://chat.example:4122"],
        );
    }

    #[test]
    fn where_tls_ends_here_a_missing_port_is_the_default_one() {
        check(
            Scheme::Tls,
            "chat.example",
            &["https://chat.example", "https://chat.example:443"],
            &["https://chat.example:4122", "http://chat.example"],
        );
    }

    #[test]
    fn an_address_is_a_host_in_any_spelling() {
        check(Scheme::Plain, "[0:0::1]:3000", &["http://[::1]:3000"], &["http://[::2]:3000", "http://[::1]"]);
        check(Scheme::Plain, "127.0.0.1:3000", &["https://127.0.0.1:3000"], &["http://localhost:3000"]);
    }

    #[test]
    fn what_is_no_host_has_no_pages() {
        for bad in
            ["", "a b", "user@chat.example", "chat.example::", ":", "chat.example:http", "chat.example/x"]
        {
            assert_eq!(Own::new(Scheme::Plain, bad), None, "{bad}");
        }
    }

    #[test]
    fn the_target_names_the_host_before_the_header_does() {
        let mut headers = HeaderMap::new();
        headers.insert("host", "header.example".parse().unwrap());
        let host = |target: &str, headers: &HeaderMap| addressed_host(&target.parse().unwrap(), headers);
        assert_eq!(host("/socket.io/", &headers).as_deref(), Some("header.example"));
        assert_eq!(host("http://target.example/socket.io/", &headers).as_deref(), Some("target.example"));
        assert_eq!(host("https://target.example:1/", &HeaderMap::new()).as_deref(), Some("target.example:1"));
        headers.append("host", "other.example".parse().unwrap());
        assert_eq!(host("/socket.io/", &headers), None, "two hosts are no host");
    }
}
