//! Finds the client of a request behind proxies.
//!
//! `X-Forwarded-For`, `-Proto` and `-Host` are believed only as far as trusted proxies wrote them: the client is the
//! rightmost address that is not a trusted proxy, and scheme and host are read at the same depth. What a client forges
//! is further left and is never read. The standard `Forwarded` header is ignored, because a proxy that sends one kind
//! often passes the other through unchecked.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use http::{HeaderMap, HeaderValue, header};
use ipnet::IpNet;
use thiserror::Error;

use super::own::{Own, Scheme};
use crate::pacing::Pacing;
use crate::planted::edge::{self, EdgeBug};

const X_FORWARDED_FOR: &str = "x-forwarded-for";
const X_FORWARDED_PROTO: &str = "x-forwarded-proto";
const X_FORWARDED_HOST: &str = "x-forwarded-host";

/// The standard header, as people write it. It is not believed from anybody.
pub(crate) const FORWARDED: &str = "Forwarded";

/// The proxies whose headers are believed. Default: none.
///
/// ```
/// use socketio_server::TrustedProxies;
///
/// let proxies: TrustedProxies = "127.0.0.1, 10.0.0.0/8, fd00::/8".parse()?;
/// assert!(proxies.contains("10.1.2.3".parse().unwrap()));
/// assert!(!proxies.contains("192.0.2.1".parse().unwrap()));
/// # Ok::<(), socketio_server::TrustedProxiesError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrustedProxies {
    nets: Vec<IpNet>,
}

/// Why a text does not name proxies.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is neither an address nor a network such as 10.0.0.0/8")]
pub struct TrustedProxiesError {
    text: String,
}

impl TrustedProxies {
    /// Whether an address is one of the proxies.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.nets.iter().any(|net| net.contains(&address.to_canonical()))
    }

    /// Finds the client behind `direct`, the peer of the connection.
    pub(crate) fn client(&self, direct: Client, headers: &HeaderMap) -> Client {
        let mut client = direct;
        let mut depth = 0;
        let mut hops = members(headers, X_FORWARDED_FOR);
        let is_proxy =
            |depth, address| self.contains(address) || depth == 0 && edge::is(EdgeBug::TrustsThePeer);
        while client.address.is_some_and(|address| is_proxy(depth, address)) {
            depth += 1;
            let hop = if edge::is(EdgeBug::ReadsProxiesFromTheLeft) {
                members(headers, X_FORWARDED_FOR).collect::<Vec<_>>().into_iter().rev().nth(depth - 1)
            } else {
                hops.next()
            };
            let Some(address) = hop.and_then(hop_address) else {
                client.naming = Naming::Missing;
                break;
            };
            client.address = Some(address);
        }
        if depth > 0 {
            let scheme = at_depth(headers, X_FORWARDED_PROTO, depth).and_then(forwarded_scheme);
            client.scheme = scheme.unwrap_or(match client.scheme {
                Scheme::Plain => Scheme::Plain,
                // The proxy wrote the host, and may have left out the port.
                Scheme::Https | Scheme::Tls => Scheme::Https,
            });
            let host = at_depth(headers, X_FORWARDED_HOST, depth);
            client.host = host.map(str::to_owned).or(client.host);
        }
        client
    }
}

/// A network of IPv4 addresses that are written as those of IPv6, as what they are: addresses are compared like that.
fn canonical(net: IpNet) -> IpNet {
    const MAPPED_BITS: u8 = 96;
    let prefix = net.prefix_len().checked_sub(MAPPED_BITS);
    match (net.addr().to_canonical(), prefix) {
        (address @ IpAddr::V4(_), Some(prefix)) if net.addr().is_ipv6() => {
            IpNet::new(address, prefix).unwrap_or(net)
        }
        _ => net,
    }
}

impl FromStr for TrustedProxies {
    type Err = TrustedProxiesError;

    /// Parses addresses and networks, separated by commas.
    fn from_str(text: &str) -> Result<Self, TrustedProxiesError> {
        let parse = |part: &str| {
            let part = part.trim();
            let address = part.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
            address
                .or_else(|_| part.parse().map(canonical))
                .map_err(|_| TrustedProxiesError { text: part.to_owned() })
        };
        Ok(Self { nets: text.split(',').map(parse).collect::<Result<_, _>>()? })
    }
}

impl FromIterator<Self> for TrustedProxies {
    /// Joins the values of several options.
    fn from_iter<I: IntoIterator<Item = Self>>(several: I) -> Self {
        Self { nets: several.into_iter().flat_map(|proxies| proxies.nets).collect() }
    }
}

/// The client of a request, and the address that it used for the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Client {
    /// `None` if nobody knows where the connection comes from.
    pub(crate) address: Option<IpAddr>,
    pub(crate) scheme: Scheme,
    /// `None` if the request names no host, or several.
    pub(crate) host: Option<String>,
    pub(crate) naming: Naming,
}

/// Whether the address of a client is its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// It is, as far as anybody knows.
    Known,
    /// It is the address of a trusted proxy that named nobody behind it.
    Missing,
}

impl Client {
    /// The server as this client knows it.
    pub(crate) fn own(&self) -> Option<Own> {
        Own::new(self.scheme, self.host.as_deref()?)
    }

    /// Whether rates apply to this client. They do if a trusted proxy does not say who it is: it may be anybody, wherever the
    /// proxy is.
    pub(crate) fn is_rated(&self, pacing: Pacing) -> bool {
        self.naming == Naming::Missing || pacing.applies_to(self.address)
    }
}

/// A header by which a peer says for whom it asks, as people write it.
pub(crate) fn present(headers: &HeaderMap) -> Option<&'static str> {
    [
        (X_FORWARDED_FOR, "X-Forwarded-For"),
        (X_FORWARDED_PROTO, "X-Forwarded-Proto"),
        (X_FORWARDED_HOST, "X-Forwarded-Host"),
        (header::FORWARDED.as_str(), FORWARDED),
    ]
    .into_iter()
    .find_map(|(name, shown)| headers.contains_key(name).then_some(shown))
}

/// The host that an untrusted peer forwarded, to report that it was ignored.
pub(crate) fn ignored_host(headers: &HeaderMap) -> Option<&str> {
    at_depth(headers, X_FORWARDED_HOST, 1)
}

/// The members of a list header, the last one first: the proxy next to us wrote it.
fn members<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let lines = headers.get_all(name).iter().rev();
    // A line that is not text counts as one meaningless member.
    lines.flat_map(|line: &HeaderValue| line.to_str().unwrap_or("?").rsplit(',').map(str::trim))
}

/// The member that the proxy at `depth` wrote (1 is next to us), or the leftmost one if there are fewer: most proxies
/// replace these headers, only some append to them.
fn at_depth<'a>(headers: &'a HeaderMap, name: &str, depth: usize) -> Option<&'a str> {
    members(headers, name).take(depth).last().filter(|member| !member.is_empty())
}

/// An address, perhaps with a port, as some proxies write it.
fn hop_address(member: &str) -> Option<IpAddr> {
    let bare = member.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(member);
    let address = bare.parse().or_else(|_| member.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

/// Some proxies name the scheme of the WebSocket.
fn forwarded_scheme(member: &str) -> Option<Scheme> {
    match member.to_ascii_lowercase().as_str() {
        "http" | "ws" => Some(Scheme::Plain),
        "https" | "wss" => Some(Scheme::Https),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    /// The client behind `peer`, which has asked `inner:3000`, with 10.0.0.0/8 and `::1` trusted.
    fn client(peer: &str, scheme: Scheme, fields: &[(&'static str, &str)]) -> Client {
        let proxies: TrustedProxies = "10.0.0.0/8,::1".parse().unwrap();
        let address: IpAddr = peer.parse().unwrap();
        let direct = Client {
            address: Some(address.to_canonical()),
            scheme,
            host: Some("inner:3000".into()),
            naming: Naming::Known,
        };
        proxies.client(direct, &headers(fields))
    }

    /// A plain connection of `peer`, and the client and the URL that are behind it.
    fn check(peer: &str, fields: &[(&'static str, &str)], address: &str, url: &str) {
        check_over(Scheme::Plain, peer, fields, address, url);
    }

    fn check_over(scheme: Scheme, peer: &str, fields: &[(&'static str, &str)], address: &str, url: &str) {
        let client = client(peer, scheme, fields);
        let scheme = match client.scheme {
            Scheme::Plain => "http",
            Scheme::Https => "https",
            Scheme::Tls => "tls",
        };
        let host = client.host.unwrap();
        assert_eq!(
            (client.address.unwrap().to_string(), format!("{scheme}://{host}")),
            (address.to_owned(), url.to_owned())
        );
    }

    #[test]
    fn a_stranger_is_not_believed() {
        let forged = [
            ("x-forwarded-for", "10.0.0.9"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "chat.example"),
        ];
        check("192.0.2.1", &forged, "192.0.2.1", "http://inner:3000");
    }

    #[test]
    fn a_trusted_proxy_names_the_client_the_scheme_and_the_host() {
        let fields = [
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "chat.example"),
        ];
        check("10.0.0.1", &fields, "192.0.2.1", "https://chat.example");
        check("::ffff:10.0.0.1", &fields, "192.0.2.1", "https://chat.example");
        check("::1", &fields, "192.0.2.1", "https://chat.example");
        check("10.0.0.1", &[], "10.0.0.1", "http://inner:3000");
    }

    #[test]
    fn the_client_is_the_rightmost_address_that_is_no_proxy() {
        check(
            "10.0.0.1",
            &[("x-forwarded-for", "10.6.6.6, 192.0.2.1, 10.0.0.2")],
            "192.0.2.1",
            "http://inner:3000",
        );
        let lines = [("x-forwarded-for", "192.0.2.66, 192.0.2.1"), ("x-forwarded-for", "10.0.0.2")];
        check("10.0.0.1", &lines, "192.0.2.1", "http://inner:3000");
        check("10.0.0.1", &[("x-forwarded-for", "10.0.0.3, 10.0.0.2")], "10.0.0.3", "http://inner:3000");
    }

    #[test]
    fn an_address_that_is_none_ends_the_search() {
        check(
            "10.0.0.1",
            &[("x-forwarded-for", "192.0.2.1, unknown, 10.0.0.2")],
            "10.0.0.2",
            "http://inner:3000",
        );
        check("10.0.0.1", &[("x-forwarded-for", "")], "10.0.0.1", "http://inner:3000");
    }

    /// Rates apply to somebody who may be anybody, even if the proxy is on this machine.
    #[test]
    fn a_client_that_no_trusted_proxy_names_is_rated() {
        let is_rated = |peer, hops: Option<&str>| {
            let fields = hops.map(|hops| ("x-forwarded-for", hops));
            client(peer, Scheme::Plain, fields.as_slice()).is_rated(Pacing::default())
        };
        assert!(is_rated("::1", None));
        assert!(is_rated("::1", Some("")));
        assert!(is_rated("::1", Some("unknown")));
        assert!(is_rated("::1", Some("::1")), "fewer members than proxies");
        assert!(is_rated("::1", Some("192.0.2.1")));
        assert!(!is_rated("::1", Some("127.0.0.3")), "the proxy says that it is on this machine");
        assert!(!is_rated("127.0.0.3", Some("192.0.2.1")), "it came without a trusted proxy");
    }

    /// Two proxies of which the inner one replaces the header, and one proxy that asks for itself.
    #[test]
    fn of_fewer_addresses_than_proxies_the_leftmost_counts_and_names_nobody() {
        for (hops, address) in [("10.0.0.2", "10.0.0.2"), ("10.0.0.3, 10.0.0.2", "10.0.0.3"), ("::1", "::1")]
        {
            let client = client("10.0.0.1", Scheme::Plain, &[("x-forwarded-for", hops)]);
            assert_eq!((client.address, client.naming), (address.parse().ok(), Naming::Missing), "{hops}");
        }
        let client = client("10.0.0.1", Scheme::Plain, &[("x-forwarded-for", "192.0.2.1")]);
        assert_eq!(client.naming, Naming::Known);
    }

    #[test]
    fn ports_and_brackets_of_addresses_are_understood() {
        for (member, address) in [
            ("192.0.2.1:5555", "192.0.2.1"),
            ("[2001:db8::1]:5555", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            check("10.0.0.1", &[("x-forwarded-for", member)], address, "http://inner:3000");
        }
    }

    #[test]
    fn what_the_client_forges_stands_left_of_what_the_proxies_write() {
        let fields = [
            ("x-forwarded-for", "10.1.1.1, 192.0.2.1, 10.0.0.2"),
            ("x-forwarded-proto", "http, https, http"),
            ("x-forwarded-host", "evil.example, chat.example, inner"),
        ];
        check("10.0.0.1", &fields, "192.0.2.1", "https://chat.example");
    }

    /// A proxy adds to the line of the client, or writes one below it.
    #[test]
    fn a_list_may_go_on_in_the_next_line() {
        let lists = [
            ("x-forwarded-for", ["192.0.2.66", "192.0.2.1", "10.0.0.2"]),
            ("x-forwarded-proto", ["http", "https", "http"]),
            ("x-forwarded-host", ["evil.example", "chat.example", "inner"]),
        ];
        for cuts in 0..4 {
            let separator = |cut: u8| if cuts & cut == 0 { ", " } else { "\n" };
            let written = lists.map(|(name, [forged, client, proxy])| {
                (name, [forged, separator(1), client, separator(2), proxy].concat())
            });
            let lines = written.iter().flat_map(|(name, list)| list.lines().map(|line| (*name, line)));
            check("10.0.0.1", &lines.collect::<Vec<_>>(), "192.0.2.1", "https://chat.example");
        }
    }

    #[test]
    fn the_scheme_of_a_websocket_counts_as_that_of_its_page() {
        check("10.0.0.1", &[("x-forwarded-proto", "wss")], "10.0.0.1", "https://inner:3000");
        check("10.0.0.1", &[("x-forwarded-proto", "gopher")], "10.0.0.1", "http://inner:3000");
    }

    #[test]
    fn tls_to_the_proxy_is_tls_unless_the_proxy_knows_better() {
        let proto = [("x-forwarded-proto", "http")];
        check_over(Scheme::Tls, "10.0.0.1", &proto, "10.0.0.1", "http://inner:3000");
        check_over(Scheme::Tls, "10.0.0.1", &[], "10.0.0.1", "https://inner:3000");
        check_over(Scheme::Tls, "192.0.2.1", &proto, "192.0.2.1", "tls://inner:3000");
    }

    #[test]
    fn a_client_from_nowhere_is_no_proxy() {
        let direct = Client { address: None, scheme: Scheme::Plain, host: None, naming: Naming::Known };
        let fields = headers(&[("x-forwarded-for", "192.0.2.1"), ("x-forwarded-proto", "https")]);
        let proxies: TrustedProxies = "0.0.0.0/0".parse().unwrap();
        assert_eq!(proxies.client(direct.clone(), &fields), direct);
    }

    #[test]
    fn a_network_of_mapped_addresses_is_one_of_ipv4() {
        let trusts = |proxies: &str, address: &str| {
            proxies.parse::<TrustedProxies>().unwrap().contains(address.parse().unwrap())
        };
        for (proxies, trusted, stranger) in [
            ("::ffff:127.0.0.0/104", "127.0.0.1", "128.0.0.1"),
            ("::ffff:127.0.0.0/104", "::ffff:127.1.2.3", "::1"),
            ("::ffff:10.1.2.3/128", "10.1.2.3", "10.1.2.4"),
            ("::ffff:0:0/96", "192.0.2.1", "2001:db8::1"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "11.0.0.1"),
            ("fd00::/8", "fd00::1", "10.0.0.1"),
        ] {
            assert!(trusts(proxies, trusted), "{proxies} {trusted}");
            assert!(!trusts(proxies, stranger), "{proxies} {stranger}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_read_is_named_in_the_error() {
        let error = "10.0.0.0/8, proxy.example".parse::<TrustedProxies>().unwrap_err();
        assert_eq!(
            error.to_string(),
            r#""proxy.example" is neither an address nor a network such as 10.0.0.0/8"#
        );
        assert!("".parse::<TrustedProxies>().is_err());
    }

    proptest! {
        #[test]
        fn forwarded_headers_never_panic(
            hops in "[ -~]{0,60}",
            proto in "[ -~]{0,20}",
            host in "[ -~]{0,20}",
        ) {
            let fields = [("x-forwarded-for", &*hops), ("x-forwarded-proto", &proto), ("x-forwarded-host", &host)];
            client("10.0.0.1", Scheme::Plain, &fields).own();
        }
    }
}
