//! [`Origin`]: scheme, host and port of a page, as in the `Origin` header.
//!
//! Origins are compared whole, never by prefix or suffix. [`policy`](super::policy) decides what is allowed,
//! [`own`](super::own) who we are.

use std::{fmt, net::Ipv6Addr, str::FromStr};

use http::uri::Authority;
use thiserror::Error;

/// Scheme, host and port of a page, as browsers write them: `https://chat.example.org`, `http://127.0.0.1:3000`.
///
/// The default port of `http` and `https` may be written or left out, and so may a dot at the end of the host. There is
/// no path, not even a slash.
///
/// ```
/// use socketio_server::Origin;
///
/// let origin: Origin = "https://Chat.Example.org:443".parse()?;
/// assert_eq!(origin.to_string(), "https://chat.example.org");
/// assert!("https://chat.example.org/".parse::<Origin>().is_err());
/// # Ok::<(), socketio_server::OriginError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    pub(super) scheme: String,
    pub(super) host: String,
    /// `None` means the default port of the scheme.
    pub(super) port: Option<u16>,
}

/// Why a text is not an origin.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OriginError {
    /// It does not begin with a scheme and `://`.
    #[error("an origin begins with a scheme, such as https://chat.example.org")]
    Scheme,
    /// The part after the scheme is not a host with an optional port.
    #[error("an origin is a scheme, a host and an optional port")]
    Host,
    /// Something follows the host and the port.
    #[error("an origin has no path: leave out what follows the host")]
    Path,
    /// A `*` is not before the first dot of the host, or is before an IP address, which has no subdomains.
    #[error("a * stands alone, or for the subdomains of a named host, as in https://*.example.org")]
    Wildcard,
}

impl Origin {
    fn from_parts(scheme: &str, authority: &str) -> Result<Self, OriginError> {
        let (host, port) = host_and_port(authority)?;
        let port = port.filter(|port| default_port(scheme) != Some(*port));
        Ok(Self { scheme: scheme.to_owned(), host, port })
    }

    /// The port that the browser connects to, if the scheme has a default.
    pub(super) fn effective_port(&self) -> Option<u16> {
        self.port.or_else(|| default_port(&self.scheme))
    }
}

/// Whether a host is an IP address, or the end of one: browsers read a host whose last part is a number as IPv4.
pub(super) fn is_address(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    host.starts_with('[') || last.bytes().all(|byte| byte.is_ascii_digit())
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// The scheme in lower case, and the rest of the text.
pub(super) fn split_scheme(text: &str) -> Result<(String, &str), OriginError> {
    let (scheme, rest) = text.split_once("://").ok_or(OriginError::Scheme)?;
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if !scheme.starts_with(|first: char| first.is_ascii_alphabetic()) || !scheme.bytes().all(legal) {
        return Err(OriginError::Scheme);
    }
    Ok((scheme.to_ascii_lowercase(), rest))
}

/// A host in its canonical spelling, and the port if there is one.
pub(super) fn host_and_port(authority: &str) -> Result<(String, Option<u16>), OriginError> {
    // `Authority` would accept a user name before the host.
    if authority.contains('@') {
        return Err(OriginError::Host);
    }
    let authority: Authority = authority.parse().map_err(|_| OriginError::Host)?;
    let host = normal_host(authority.host())?;
    let port = match authority.as_str().len() - authority.host().len() {
        0 => None,
        _ => Some(authority.port_u16().ok_or(OriginError::Host)?),
    };
    Ok((host, port))
}

/// Lower case, one spelling for each IPv6 address, and no dot at the end: nginx removes it from `$host`, while a
/// browser keeps it in the origin.
fn normal_host(host: &str) -> Result<String, OriginError> {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let address: Ipv6Addr = address.parse().map_err(|_| OriginError::Host)?;
        return Ok(format!("[{address}]"));
    }
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let host = host.strip_suffix('.').unwrap_or(host);
    if host.split('.').any(str::is_empty) || !host.bytes().all(legal) {
        return Err(OriginError::Host);
    }
    Ok(host.to_ascii_lowercase())
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let (scheme, authority) = split_scheme(text)?;
        Self::from_parts(&scheme, authority)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_origin_has_one_spelling() {
        for (text, shown) in [
            ("http://[0:0::1]:3000", "http://[::1]:3000"),
            ("http://localhost:80", "http://localhost"),
            ("https://localhost:80", "https://localhost:80"),
            ("chrome-extension://abcdef", "chrome-extension://abcdef"),
            ("https://chat.example.", "https://chat.example"),
            ("https://chat.example.:8443", "https://chat.example:8443"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), shown);
        }
        for bad in [
            "://x",
            "http://",
            "http://a b",
            "http://a:b",
            "http://a:99999",
            "http://[::1",
            "1http://x",
            "http://.",
            "http://a..",
            "http://a..b",
            "http://.a",
        ] {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn parsing_an_origin_never_panics_and_its_text_parses_back(text in "[ -~]{0,12}(://)?[ -~]{0,24}") {
            if let Ok(origin) = text.parse::<Origin>() {
                prop_assert_eq!(origin.to_string().parse::<Origin>(), Ok(origin));
            }
        }
    }
}
