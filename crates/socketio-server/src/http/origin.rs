//! Which pages may talk to the server.
//!
//! A browser names the page's origin on every cross-site request and on every WebSocket, where CORS does not guard
//! us; so the same verdict is used on polling and on WebSocket. Origins are compared whole (scheme, host and port),
//! never by prefix or suffix. A request without an `Origin` header does not come from a foreign page and is allowed.

use std::{fmt, net::Ipv6Addr, str::FromStr};

use http::{HeaderMap, HeaderValue, header, uri::Authority};
use thiserror::Error;

/// The origins from which browsers may connect.
///
/// ```
/// use socketio_server::{Origin, OriginPolicy};
///
/// let mobile_app: Origin = "capacitor://localhost".parse()?;
/// let website: Origin = "https://chat.example.org".parse()?;
/// let policy = OriginPolicy::List(vec![mobile_app, website]);
/// # let _ = policy;
/// # Ok::<(), socketio_server::OriginError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum OriginPolicy {
    /// Only pages that the same scheme, host and port have served. No CORS headers are sent.
    #[default]
    SameOrigin,
    /// Every page, also those with the opaque origin `null`. Cookies are not shared with them.
    Any,
    /// The same origin and those listed, which may send cookies.
    List(Vec<Origin>),
}

impl OriginPolicy {
    /// Judges the `Origin` header of a request that came to the origin `own`.
    ///
    /// `own` is `None` when the request does not say one host; nothing is the same origin then.
    pub(crate) fn judge(&self, headers: &HeaderMap, own: Option<&Origin>) -> Verdict {
        let mut values = headers.get_all(header::ORIGIN).iter();
        let Some(value) = values.next() else { return Verdict::Absent };
        let (Ok(text), None) = (value.to_str(), values.next()) else { return Verdict::Malformed };
        let parsed = text.parse::<Origin>().ok();
        if parsed.is_some() && parsed.as_ref() == own {
            return Verdict::Same;
        }
        let allowed = match self {
            Self::SameOrigin => false,
            Self::Any => true,
            Self::List(list) => parsed.is_some_and(|origin| list.contains(&origin)),
        };
        if allowed { Verdict::Cross(value.clone()) } else { Verdict::Refused }
    }
}

/// What the `Origin` header of a request means for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// There is none: not a browser, or a plain request of the page's own origin.
    Absent,
    Same,
    /// An origin that the policy names; the value is echoed to the browser.
    Cross(HeaderValue),
    /// A foreign page.
    Refused,
    /// Several headers, or bytes that no browser sends.
    Malformed,
}

impl Verdict {
    pub(crate) fn is_allowed(&self) -> bool {
        match self {
            Self::Absent | Self::Same | Self::Cross(_) => true,
            Self::Refused | Self::Malformed => false,
        }
    }
}

/// The scheme by which a client has reached us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Scheme, host and port of a page, as browsers write them: `https://chat.example.org`, `http://127.0.0.1:3000`.
///
/// The default port of `http` and `https` may be written or left out; there is no path, not even a slash.
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
    scheme: String,
    host: String,
    /// `None` stands for the default port of the scheme.
    port: Option<u16>,
}

/// Why a text is not an origin.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OriginError {
    /// It does not begin with a scheme and `://`.
    #[error("an origin begins with a scheme, as in https://chat.example.org")]
    Scheme,
    /// What follows the scheme is more, less or other than a host and a port.
    #[error("an origin is a scheme, a host and perhaps a port, without a path")]
    Host,
}

impl Origin {
    /// The origin of a request, from its scheme and its `Host`.
    pub(crate) fn of_request(scheme: Scheme, host: &str) -> Option<Self> {
        Self::from_parts(scheme.as_str(), host).ok()
    }

    fn from_parts(scheme: &str, authority: &str) -> Result<Self, OriginError> {
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
        let port = match (scheme, port) {
            ("http", Some(80)) | ("https", Some(443)) => None,
            (_, port) => port,
        };
        Ok(Self { scheme: scheme.to_owned(), host, port })
    }
}

/// Lower case, and one spelling for each IPv6 address.
fn normal_host(host: &str) -> Result<String, OriginError> {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let address: Ipv6Addr = address.parse().map_err(|_| OriginError::Host)?;
        return Ok(format!("[{address}]"));
    }
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if host.is_empty() || !host.bytes().all(legal) {
        return Err(OriginError::Host);
    }
    Ok(host.to_ascii_lowercase())
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let (scheme, authority) = text.split_once("://").ok_or(OriginError::Scheme)?;
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        if !scheme.starts_with(|first: char| first.is_ascii_alphabetic()) || !scheme.bytes().all(legal) {
            return Err(OriginError::Scheme);
        }
        Self::from_parts(&scheme.to_ascii_lowercase(), authority)
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

    fn origin(text: &str) -> Origin {
        text.parse().unwrap()
    }

    fn headers(origin: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
        headers
    }

    /// Judges a request to `http://chat.example:3000`.
    fn judge(policy: &OriginPolicy, text: &str) -> Verdict {
        let own = Origin::of_request(Scheme::Http, "chat.example:3000");
        policy.judge(&headers(text), own.as_ref())
    }

    /// Spellings that look like `https://good.example` to a careless comparison.
    const NEARLY_GOOD: [&str; 16] = [
        "https://good.example.evil.com",
        "https://evilgood.example",
        "https://sub.good.example",
        "https://good.example.",
        "https://good.example:444",
        "https://good.example:80",
        "https://good.example:",
        "http://good.example",
        "https://good.example/",
        "https://good.example?x",
        "https://user@good.example",
        "https://good.example@evil.com",
        "https:good.example",
        "good.example",
        "null",
        "",
    ];

    #[test]
    fn the_same_origin_is_scheme_host_and_port() {
        let policy = OriginPolicy::SameOrigin;
        assert_eq!(judge(&policy, "http://chat.example:3000"), Verdict::Same);
        assert_eq!(judge(&policy, "HTTP://Chat.Example:3000"), Verdict::Same);
        for foreign in
            ["https://chat.example:3000", "http://chat.example", "http://chat.example:3001", "null"]
        {
            assert_eq!(judge(&policy, foreign), Verdict::Refused, "{foreign}");
        }
        assert_eq!(policy.judge(&HeaderMap::new(), None), Verdict::Absent);
        assert_eq!(policy.judge(&headers("http://chat.example"), None), Verdict::Refused);
    }

    #[test]
    fn only_the_listed_origin_itself_is_allowed() {
        let policy = OriginPolicy::List(vec![origin("https://good.example")]);
        for good in ["https://good.example", "https://good.example:443", "https://GOOD.example"] {
            assert!(matches!(judge(&policy, good), Verdict::Cross(_)), "{good}");
        }
        for bad in NEARLY_GOOD {
            assert_eq!(judge(&policy, bad), Verdict::Refused, "{bad}");
        }
        assert_eq!(
            judge(&policy, "http://chat.example:3000"),
            Verdict::Same,
            "a list adds to the same origin"
        );
    }

    #[test]
    fn any_origin_is_allowed_when_that_is_asked_for() {
        for text in NEARLY_GOOD {
            assert!(judge(&OriginPolicy::Any, text).is_allowed(), "{text}");
        }
    }

    #[test]
    fn a_header_that_no_browser_sends_is_malformed() {
        let mut twice = headers("http://chat.example:3000");
        twice.append(header::ORIGIN, HeaderValue::from_static("http://chat.example:3000"));
        let mut binary = HeaderMap::new();
        binary.insert(header::ORIGIN, HeaderValue::from_bytes(b"http://\xff").unwrap());
        for policy in [OriginPolicy::SameOrigin, OriginPolicy::Any, OriginPolicy::List(Vec::new())] {
            assert_eq!(policy.judge(&twice, None), Verdict::Malformed);
            assert_eq!(policy.judge(&binary, None), Verdict::Malformed);
        }
    }

    #[test]
    fn an_origin_has_one_spelling() {
        for (text, shown) in [
            ("http://[0:0::1]:3000", "http://[::1]:3000"),
            ("http://localhost:80", "http://localhost"),
            ("https://localhost:80", "https://localhost:80"),
            ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ] {
            assert_eq!(origin(text).to_string(), shown);
        }
        for bad in
            ["://x", "http://", "http://a b", "http://a:b", "http://a:99999", "http://[::1", "1http://x"]
        {
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
