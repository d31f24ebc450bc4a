//! The lines that the server prints when it has started: its addresses, the cost of the start, the owner's link.
//!
//! Programs wait for the first line and read the addresses from it, so its form must not change.

use std::fmt;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use socketio_server::{HostPattern, TrustedProxies};

use super::machine::resident_bytes;
use crate::assets::WITHOUT_WEB;
use tidings::v1::code::Code;

/// A start that has succeeded.
pub(super) struct FirstRun<'a> {
    pub(super) addresses: &'a [SocketAddr],
    pub(super) scheme: Scheme,
    /// The name in the certificate.
    pub(super) name: Option<String>,
    /// The name that people open, if a proxy with TLS is in front. See [`behind_proxy`].
    pub(super) public_name: Option<String>,
    /// Where http is redirected.
    pub(super) redirect: Option<SocketAddr>,
    pub(super) took: Duration,
    /// None if nothing is kept.
    pub(super) data: Option<&'a Path>,
    /// None if there is an owner.
    pub(super) setup: Option<&'a Code>,
    /// What is served in place of the app, which would take the code out of the link.
    pub(super) pages: Option<&'a Path>,
    /// The address of this machine in its network, for a listener on all addresses of that kind. See [`in_network`].
    pub(super) in_network: fn(IpAddr) -> Option<IpAddr>,
    /// Where monitors find the metrics.
    pub(super) metrics: Option<SocketAddr>,
}

/// What the listeners speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

impl FirstRun<'_> {
    /// Says it on standard output.
    pub(super) fn announce(&self) {
        let mut out = std::io::stdout();
        // A server whose output nobody reads serves all the same.
        let _ = out.write_all(self.to_string().as_bytes());
        let _ = out.flush();
    }
}

impl fmt::Display for FirstRun<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urls: Vec<String> =
            self.addresses.iter().map(|address| format!("{}://{address}", self.scheme)).collect();
        writeln!(f, "tidings is ready on {}", urls.join(" "))?;
        write!(f, "ready in {} ms", self.took.as_millis().max(1))?;
        if let Some(bytes) = resident_bytes() {
            write!(f, ", {} MB of memory", bytes.div_ceil(1_000_000))?;
        }
        match self.data {
            Some(folder) => writeln!(f, ", data in {}", folder.display())?,
            None => writeln!(f, ", data in a temporary folder, deleted at the end")?,
        }
        if let Some(address) = self.redirect {
            writeln!(f, "http on {address} is redirected to https")?;
        }
        if let Some(address) = self.metrics {
            writeln!(f, "metrics on http://{address}/metrics")?;
        }
        if WITHOUT_WEB {
            writeln!(f, "THIS BINARY HAS NO WEB APP: it was built with TIDINGS_WEB=skip")?;
        }
        if let (Some(code), Some(_)) = (self.setup, self.pages) {
            writeln!(
                f,
                "code to become the owner: {code} (the app, which takes it, is not served with --pages)"
            )?;
        } else if let (Some(code), Some(address)) = (self.setup, self.addresses.first()) {
            writeln!(f, "open to become the owner: {}/#setup={code}", self.reachable(*address))?;
            // A browser is somebody else at each address, so the owner has to choose one now.
            if self.name.is_none()
                && let Some(ip) = (self.in_network)(address.ip())
            {
                let address = format!("{}://{}", self.scheme, SocketAddr::new(ip, address.port()));
                writeln!(f, "or, to use the chat in your network: {address}/#setup={code}")?;
            }
            if let (Scheme::Http, Some(name)) = (self.scheme, &self.public_name) {
                writeln!(f, "or, behind a proxy with TLS: https://{name}/#setup={code}")?;
            }
        }
        Ok(())
    }
}

impl FirstRun<'_> {
    /// An address that a browser can open: by the name in the certificate, or on this machine.
    fn reachable(&self, address: SocketAddr) -> String {
        match (&self.name, address.port()) {
            (Some(name), 443) => format!("{}://{name}", self.scheme),
            (Some(name), port) => format!("{}://{name}:{port}", self.scheme),
            (None, port) if address.ip().is_unspecified() => format!("{}://localhost:{port}", self.scheme),
            (None, _) => format!("{}://{address}", self.scheme),
        }
    }
}

/// The only name of a server that has a proxy in front, if it is no pattern.
pub(super) fn behind_proxy(hosts: &[HostPattern], proxies: &[TrustedProxies]) -> Option<String> {
    let [host] = hosts else { return None };
    let name = host.to_string();
    (!proxies.is_empty() && !name.contains('*')).then_some(name)
}

/// The address that other machines reach this one by, if a listener has all addresses: where packets to them come from.
pub(super) fn in_network(listener: IpAddr) -> Option<IpAddr> {
    // Addresses for documentation. To connect a datagram socket sends nothing: it only looks up the route.
    let (v4, v6) = (Ipv4Addr::new(192, 0, 2, 1), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
    let toward = |any: IpAddr, elsewhere: IpAddr| {
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect((elsewhere, 9))?;
        socket.local_addr().map(|address| address.ip())
    };
    let v4 = || toward(Ipv4Addr::UNSPECIFIED.into(), v4.into());
    let found = match listener {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => v4(),
        // It takes connections to addresses of both kinds.
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => {
            v4().or_else(|_| toward(Ipv6Addr::UNSPECIFIED.into(), v6.into()))
        }
        IpAddr::V4(_) | IpAddr::V6(_) => return None,
    };
    found.ok().filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(setup: Option<&Code>, pages: Option<&Path>) -> Vec<String> {
        let addresses = ["0.0.0.0:3000".parse().unwrap(), "127.0.0.1:80".parse().unwrap()];
        let took = Duration::from_micros(300);
        let in_network = |_| Some([192, 168, 1, 7].into());
        let data = Some(Path::new("data"));
        let (scheme, name, redirect) = (Scheme::Http, None, None);
        let run = FirstRun {
            addresses: &addresses,
            scheme,
            name,
            public_name: Some("chat.example".to_owned()),
            redirect,
            took,
            data,
            setup,
            pages,
            in_network,
            metrics: None,
        };
        run.to_string().lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_first_line_names_every_address() {
        let lines = lines(None, None);
        assert_eq!(lines[0], "tidings is ready on http://0.0.0.0:3000 http://127.0.0.1:80");
        assert!(
            lines[1].starts_with("ready in 1 ms") && lines[1].ends_with(", data in data"),
            "{}",
            lines[1]
        );
        assert_eq!(lines.len(), if WITHOUT_WEB { 3 } else { 2 });
    }

    #[test]
    fn without_an_owner_a_link_makes_one() {
        let code = Code::from_bytes([0; 10]);
        let lines = lines(Some(&code), None);
        let expected = [
            "open to become the owner: http://localhost:3000/#setup=0000-0000-0000-0000",
            "or, to use the chat in your network: http://192.168.1.7:3000/#setup=0000-0000-0000-0000",
            "or, behind a proxy with TLS: https://chat.example/#setup=0000-0000-0000-0000",
        ];
        assert_eq!(lines[lines.len() - expected.len()..], expected);
    }

    #[test]
    fn a_server_with_one_name_and_a_proxy_is_opened_by_that_name() {
        let proxies = ["127.0.0.1".parse().unwrap()];
        let check = |hosts: &[&str], proxies: &[TrustedProxies], expected: Option<&str>| {
            let hosts: Vec<HostPattern> = hosts.iter().map(|host| host.parse().unwrap()).collect();
            assert_eq!(behind_proxy(&hosts, proxies).as_deref(), expected, "{hosts:?}");
        };
        check(&["chat.example"], &proxies, Some("chat.example"));
        check(&["chat.example"], &[], None);
        check(&["*.chat.example"], &proxies, None);
        check(&["*"], &proxies, None);
        check(&["chat.example", "talk.example"], &proxies, None);
        check(&[], &proxies, None);
    }

    #[test]
    fn over_tls_the_link_has_the_name_in_the_certificate() {
        let code = Code::from_bytes([0; 10]);
        let check = |address: &str, name: Option<&str>, expected: &str| {
            let addresses = [address.parse().unwrap()];
            let text = FirstRun {
                addresses: &addresses,
                scheme: Scheme::Https,
                name: name.map(str::to_owned),
                public_name: Some("chat.example".to_owned()),
                redirect: Some("0.0.0.0:80".parse().unwrap()),
                took: Duration::ZERO,
                data: None,
                setup: Some(&code),
                pages: None,
                in_network: |_| None,
                metrics: None,
            }
            .to_string();
            assert!(text.starts_with(&format!("tidings is ready on https://{address}\n")), "{text}");
            assert!(text.contains("\nhttp on 0.0.0.0:80 is redirected to https\n"), "{text}");
            let link = format!("\nopen to become the owner: {expected}/#setup=0000-0000-0000-0000\n");
            assert!(text.ends_with(&link), "{text}");
        };
        check("0.0.0.0:443", Some("chat.example"), "https://chat.example");
        check("127.0.0.1:8443", Some("chat.example"), "https://chat.example:8443");
        check("0.0.0.0:443", None, "https://localhost:443");
    }

    #[test]
    fn pages_in_place_of_the_app_get_no_link_that_they_do_not_know() {
        let code = Code::from_bytes([0; 10]);
        let lines = lines(Some(&code), Some(Path::new("pages")));
        assert!(!lines.concat().contains("#setup"), "{lines:?}");
        assert!(lines.last().is_some_and(|line| line.contains("0000-0000-0000-0000")), "{lines:?}");
    }

    #[test]
    fn a_listener_on_one_address_has_no_other_link() {
        for one in ["127.0.0.1", "::1", "192.168.1.7"] {
            assert_eq!(in_network(one.parse().unwrap()), None, "{one}");
        }
        // Whether there is a network depends on the machine.
        let found = in_network(Ipv4Addr::UNSPECIFIED.into());
        assert!(
            found.is_none_or(|ip| ip.is_ipv4() && !ip.is_loopback() && !ip.is_unspecified()),
            "{found:?}"
        );
    }
}
