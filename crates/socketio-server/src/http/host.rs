//! [`HostPolicy`]: the names that the server answers to.
//!
//! Whoever owns a name can point it at any address, also at this machine (DNS rebinding). A page under that name would
//! be the server's own page in the eyes of the browser, and of [`own`](super::own). So a server that gives strangers
//! something serves only names that nobody else can point at it. Reads `Host`; does not know how a refusal is answered.

use std::{fmt, str::FromStr};

use thiserror::Error;

use super::origin::{host_and_port, is_address};

/// The names that the server answers to. A request for another name gets 421, whatever its path and transport.
///
/// ```
/// use socketio_server::{HostPattern, HostPolicy, Server};
///
/// let own: HostPattern = "chat.example.org".parse()?;
/// let server = Server::builder().configure(|config| config.hosts = HostPolicy::List(vec![own]));
/// # drop(server);
/// # Ok::<(), socketio_server::HostPatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum HostPolicy {
    /// Every name. A site that points its name at the server can then use it from the browsers of its visitors.
    #[default]
    Any,
    /// Names that no outsider can point at the server, and those in the list. The former are IP addresses,
    /// `localhost`, and names that end in `.localhost` or `.local`.
    List(Vec<HostPattern>),
}

impl HostPolicy {
    /// Whether the server answers to this `Host`, which may have a port.
    pub fn allows(&self, host: &str) -> bool {
        let Self::List(list) = self else { return true };
        let Some(name) = name_of(host) else { return false };
        let is_local = is_address(&name)
            || name == "localhost"
            || [".localhost", ".local"].iter().any(|end| name.len() > end.len() && name.ends_with(end));
        is_local || list.iter().any(|pattern| pattern.matches(&name))
    }
}

impl FromIterator<HostPattern> for HostPolicy {
    fn from_iter<I: IntoIterator<Item = HostPattern>>(patterns: I) -> Self {
        let list: Vec<_> = patterns.into_iter().collect();
        if list.contains(&HostPattern::ANY) { Self::Any } else { Self::List(list) }
    }
}

/// The name in a `Host`, in its canonical spelling; `None` if it is not one host.
pub(crate) fn name_of(host: &str) -> Option<String> {
    // RFC 3986 (3.2.3) allows an empty port.
    host_and_port(host.strip_suffix(':').unwrap_or(host)).ok().map(|(name, _)| name)
}

/// A name of the server, or a pattern for several.
///
/// | text | names |
/// |---|---|
/// | `chat.example.org` | this one, on any port; a dot at its end does not count |
/// | `*.example.org` | all its subdomains, at any depth, but not `example.org` itself |
/// | `*` | all |
///
/// ```
/// use socketio_server::HostPattern;
///
/// let pattern: HostPattern = "*.Example.org".parse()?;
/// assert_eq!(pattern.to_string(), "*.example.org");
/// assert!("https://example.org".parse::<HostPattern>().is_err());
/// # Ok::<(), socketio_server::HostPatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPattern(Pattern);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Pattern {
    Any,
    Exactly(String),
    /// Every name that ends with a dot and this name.
    SubdomainsOf(String),
}

/// Why a text names no host.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "give a name without scheme and port, such as chat.example.org, *.example.org for its subdomains, or * for all"
)]
pub struct HostPatternError;

impl HostPattern {
    pub(super) const ANY: Self = Self(Pattern::Any);

    /// Of a host in its canonical spelling.
    pub(super) fn exactly(name: &str) -> Self {
        Self(Pattern::Exactly(name.to_owned()))
    }

    /// Of a host in its canonical spelling.
    pub(super) fn subdomains_of(name: &str) -> Self {
        Self(Pattern::SubdomainsOf(name.to_owned()))
    }

    fn matches(&self, name: &str) -> bool {
        match &self.0 {
            Pattern::Any => true,
            Pattern::Exactly(own) => name == own,
            Pattern::SubdomainsOf(parent) => {
                let label = name.strip_suffix(parent).and_then(|rest| rest.strip_suffix('.'));
                label.is_some_and(|label| !label.is_empty())
            }
        }
    }
}

impl FromStr for HostPattern {
    type Err = HostPatternError;

    fn from_str(text: &str) -> Result<Self, HostPatternError> {
        if text == "*" {
            return Ok(Self::ANY);
        }
        let (parent, name) = match text.strip_prefix("*.") {
            Some(parent) => (true, parent),
            None => (false, text),
        };
        match host_and_port(name) {
            Ok((name, None)) if !parent => Ok(Self::exactly(&name)),
            Ok((name, None)) if !is_address(&name) => Ok(Self::subdomains_of(&name)),
            Ok(_) | Err(_) => Err(HostPatternError),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Pattern::Any => f.write_str("*"),
            Pattern::Exactly(name) => f.write_str(name),
            Pattern::SubdomainsOf(parent) => write!(f, "*.{parent}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(patterns: &[&str]) -> HostPolicy {
        patterns.iter().map(|text| text.parse::<HostPattern>().unwrap()).collect()
    }

    fn check(policy: &HostPolicy, served: &[&str], refused: &[&str]) {
        let all = served.iter().chain(refused);
        let allowed: Vec<_> = all.filter(|host| policy.allows(host)).collect();
        assert_eq!(allowed, served.iter().collect::<Vec<_>>(), "{policy:?}");
    }

    #[test]
    fn names_that_no_outsider_can_point_here_are_served_without_being_listed() {
        check(
            &list(&[]),
            &[
                "127.0.0.1:3000",
                "192.168.1.7",
                "203.0.113.9:",
                "[::1]:3000",
                "[0:0::1]",
                "localhost:3000",
                "LocalHost.",
                "app.localhost",
                "printer.local:80",
            ],
            &[
                "evil.example:3000",
                "localhost.evil.example",
                "127.0.0.1.evil.example",
                "evillocalhost",
                "evil.locals",
                "local",
                ".local",
                "127.0.0.1.nip.io",
                "a b",
                "user@localhost",
                "localhost:http",
                "",
            ],
        );
    }

    #[test]
    fn listed_names_are_served_on_any_port_and_in_any_case() {
        check(
            &list(&["chat.example.org", "*.Example.com"]),
            &[
                "chat.example.org",
                "Chat.Example.Org.:3000",
                "a.example.com",
                "b.a.example.com:80",
                "127.0.0.1",
            ],
            &[
                "example.org",
                "a.chat.example.org",
                "chat.example.org.evil.example",
                "example.com",
                "aexample.com",
            ],
        );
        check(&list(&["a.example", "*"]), &["anything.example", "a b"], &[]);
        check(&HostPolicy::Any, &["anything.example"], &[]);
    }

    #[test]
    fn what_is_no_name_is_refused_with_an_example() {
        for bad in [
            "",
            "https://chat.example",
            "chat.example:3000",
            "chat.example/x",
            "a.*.example",
            "**",
            "*.",
            "*.10",
            "a b",
            "bücher.example",
        ] {
            assert_eq!(bad.parse::<HostPattern>(), Err(HostPatternError), "{bad}");
        }
        assert!(HostPatternError.to_string().contains("such as chat.example.org"));
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_a_pattern_parses_back(text in "[ -~]{0,24}|[*]?[.a-z0-9]{0,12}") {
            list(&[]).allows(&text);
            if let Ok(pattern) = text.parse::<HostPattern>() {
                prop_assert_eq!(pattern.to_string().parse::<HostPattern>(), Ok(pattern));
            }
        }
    }
}
