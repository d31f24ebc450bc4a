//! Decides which pages may talk to the server.
//!
//! A browser names the page's origin on every cross-site request and on every WebSocket, where CORS does not protect
//! us. So polling and WebSocket share one verdict. With `Sec-Fetch-Site`, browsers also say whether the page belongs to
//! the same origin. No script can set that header, and the browser compares with the address that it has connected to,
//! so it is right even if a proxy changed `Host`. Browsers send it over HTTPS and to localhost, but not all of them
//! with a WebSocket, so it only adds to the comparison of origins.

use std::{fmt, str::FromStr};

use http::{HeaderMap, HeaderValue, header};

use super::host::HostPattern;
use super::origin::{Origin, OriginError, is_address, split_scheme};
use super::own::Own;
use crate::planted::edge::{self, EdgeBug};

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// The origins whose pages may connect.
///
/// Behind a proxy that changes `Host`, the server knows its own pages only if the proxy is one of the [trusted
/// ones](crate::Config::trusted_proxies):
///
/// ```
/// use socketio_server::{OriginPolicy, Server};
///
/// let proxies = "127.0.0.1, 10.0.0.0/8".parse()?;
/// let server = Server::builder().configure(|config| {
///     config.trusted_proxies = proxies;
///     config.origins = OriginPolicy::list(["https://app.example"]).expect("an origin");
/// });
/// # drop(server);
/// # Ok::<(), socketio_server::TrustedProxiesError>(())
/// ```
///
/// ```
/// use socketio_server::OriginPolicy;
///
/// let policy = OriginPolicy::list(["https://chat.example.org", "https://*.example.com", "capacitor://localhost"])?;
/// # let _ = policy;
/// # Ok::<(), socketio_server::OriginError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum OriginPolicy {
    /// Only pages of this server. No CORS headers are sent.
    ///
    /// Those are pages of the host that the request names. If the server itself speaks no TLS, their scheme does not
    /// count, and their port only if `Host` names one: proxies change both. Pages that the browser calls `same-origin`
    /// (by `Sec-Fetch-Site`) count as well.
    #[default]
    SameOrigin,
    /// Every page, including those with the opaque origin `null`. Cookies are not shared with them.
    Any,
    /// The same origin, and those in the list, which may send cookies.
    List(Vec<OriginPattern>),
}

impl OriginPolicy {
    /// The same origin, and those named. A single `*` is every page.
    ///
    /// # Errors
    /// If a text is neither an origin nor a pattern: see [`OriginPattern`].
    pub fn list<'a>(origins: impl IntoIterator<Item = &'a str>) -> Result<Self, OriginError> {
        origins.into_iter().map(str::parse).collect()
    }

    /// Judges the `Origin` header of a request to `own`.
    ///
    /// `own` is `None` if the request does not name exactly one host.
    pub(crate) fn judge(&self, headers: &HeaderMap, own: Option<&Own>) -> Verdict {
        let mut values = headers.get_all(header::ORIGIN).iter();
        let Some(value) = values.next() else { return self.judge_nameless(headers) };
        let (Ok(text), None) = (value.to_str(), values.next()) else { return Verdict::Malformed };
        let parsed = text.parse::<Origin>().ok();
        let is_own = parsed.as_ref().is_some_and(|page| own.is_some_and(|own| own.serves(page)));
        if is_own || site(headers) == Site::Own {
            return Verdict::Same;
        }
        let allowed = match self {
            Self::SameOrigin => false,
            Self::Any => true,
            Self::List(list) => list.iter().any(|pattern| pattern.matches(text, parsed.as_ref())),
        };
        if allowed { Verdict::Cross(value.clone()) } else { Verdict::Refused }
    }

    /// A request without an origin: not from a browser, or a plain GET. A page that may connect sends its origin, so a
    /// request of another site without one is for an image, a frame or a link.
    fn judge_nameless(&self, headers: &HeaderMap) -> Verdict {
        match (self, site(headers)) {
            (Self::Any, _) | (_, Site::Own | Site::Unsaid) => Verdict::Absent,
            (Self::SameOrigin | Self::List(_), Site::Foreign) => Verdict::Refused,
        }
    }
}

impl FromIterator<OriginPattern> for OriginPolicy {
    fn from_iter<I: IntoIterator<Item = OriginPattern>>(patterns: I) -> Self {
        let list: Vec<_> = patterns.into_iter().collect();
        match list.as_slice() {
            [] => Self::SameOrigin,
            list if list.contains(&OriginPattern::ANY) => Self::Any,
            _ => Self::List(list),
        }
    }
}

/// What a browser says about the page that sent a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Site {
    Own,
    Foreign,
    /// Nothing, or that no page sent it.
    Unsaid,
}

fn site(headers: &HeaderMap) -> Site {
    let mut values = headers.get_all(SEC_FETCH_SITE).iter();
    match (values.next().map(HeaderValue::as_bytes), values.next()) {
        (Some(b"same-origin"), None) => Site::Own,
        (None | Some(b"none"), None) => Site::Unsaid,
        _ => Site::Foreign,
    }
}

/// An origin that may connect, or a pattern for several.
///
/// | text | pages |
/// |---|---|
/// | `https://chat.example.org` | of this scheme, host and port; a slash at the end is allowed |
/// | `https://*.example.org` | of all its subdomains, at any depth, but not of `example.org` itself; an IP address has none |
/// | `capacitor://localhost` | of an app that serves its own pages |
/// | `null` | without an origin: pages from disk, and also frames that any site has sandboxed |
/// | `file://` | from disk, in apps that use this name (Electron, Cordova); browsers say `null` |
/// | `*` | all |
///
/// ```
/// use socketio_server::OriginPattern;
///
/// let pattern: OriginPattern = "https://*.Example.org/".parse()?;
/// assert_eq!(pattern.to_string(), "https://*.example.org");
/// # Ok::<(), socketio_server::OriginError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OriginPattern(Pattern);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Pattern {
    Any,
    Null,
    File,
    Exactly(Origin),
    /// Every host that ends with a dot and this host.
    SubdomainsOf(Origin),
}

impl OriginPattern {
    const ANY: Self = Self(Pattern::Any);

    /// The names of these pages' hosts; `None` if they have none.
    pub fn host(&self) -> Option<HostPattern> {
        match &self.0 {
            Pattern::Any => Some(HostPattern::ANY),
            Pattern::Null | Pattern::File => None,
            Pattern::Exactly(origin) => Some(HostPattern::exactly(&origin.host)),
            Pattern::SubdomainsOf(parent) => Some(HostPattern::subdomains_of(&parent.host)),
        }
    }

    /// Whether this covers the text of a header, which may be no origin at all.
    fn matches(&self, text: &str, origin: Option<&Origin>) -> bool {
        match &self.0 {
            Pattern::Any => true,
            Pattern::Null => text == "null",
            Pattern::File => text == "file://",
            Pattern::Exactly(allowed) => origin == Some(allowed),
            Pattern::SubdomainsOf(parent) => origin.is_some_and(|page| {
                let below = page.host.strip_suffix(&parent.host);
                let is_loose = edge::is(EdgeBug::ComparesEndsOfHosts);
                let below = below.and_then(|rest| if is_loose { Some(rest) } else { rest.strip_suffix('.') });
                (page.scheme == parent.scheme || edge::is(EdgeBug::IgnoresSchemes))
                    && page.port == parent.port
                    && below.is_some_and(|label| !label.is_empty())
            }),
        }
    }
}

impl From<Origin> for OriginPattern {
    fn from(origin: Origin) -> Self {
        Self(Pattern::Exactly(origin))
    }
}

impl FromStr for OriginPattern {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let pattern = match text {
            "*" => Pattern::Any,
            "null" => Pattern::Null,
            "file://" | "file:///" => Pattern::File,
            _ => {
                let (scheme, rest) = split_scheme(text)?;
                let authority = rest.strip_suffix('/').unwrap_or(rest);
                if authority.contains(['/', '?', '#']) {
                    return Err(OriginError::Path);
                }
                match authority.strip_prefix("*.") {
                    Some(parent) if !parent.contains('*') => {
                        let parent: Origin = format!("{scheme}://{parent}").parse()?;
                        if is_address(&parent.host) {
                            return Err(OriginError::Wildcard);
                        }
                        Pattern::SubdomainsOf(parent)
                    }
                    None if !authority.contains('*') => {
                        Pattern::Exactly(format!("{scheme}://{authority}").parse()?)
                    }
                    Some(_) | None => return Err(OriginError::Wildcard),
                }
            }
        };
        Ok(Self(pattern))
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Pattern::Any => f.write_str("*"),
            Pattern::Null => f.write_str("null"),
            Pattern::File => f.write_str("file://"),
            Pattern::Exactly(origin) => origin.fmt(f),
            Pattern::SubdomainsOf(parent) => f.write_str(&parent.to_string().replacen("://", "://*.", 1)),
        }
    }
}

/// What the `Origin` header of a request means for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// There is none: not a browser, or a plain request of the page's own origin.
    Absent,
    Same,
    /// The policy names this origin; it is echoed to the browser.
    Cross(HeaderValue),
    /// Another origin, which the policy does not name.
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

#[cfg(test)]
mod tests;
