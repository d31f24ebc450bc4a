//! [`Refusals`]: counts the requests that the server refuses, by kind, and logs them.
//!
//! An operator must learn why a client stays away, but nobody may fill the log by being refused. So each kind is logged
//! the 1st, 10th, 100th … time, and each refused origin and host once in ten minutes, up to a number. The messages say what to
//! do. It has no clock, and does not know how a refusal is answered.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::HeaderMap;

use crate::config::Config;
use crate::http::forwarded::{TrustedProxies, ignored_host};
use crate::http::host::name_of;
use crate::http::origin::Origin;
use crate::http::own::{Own, Scheme};

/// How many origins, and how many hosts, are logged in one period; others are only counted.
const NAMES_MAX: usize = 64;

/// The period after which origins and hosts are logged again, so that invented ones cannot hide others for longer.
const PERIOD: Duration = Duration::from_secs(600);

/// How often a shortage is logged.
const SHORTAGE_PERIOD: Duration = Duration::from_secs(10);

/// How many characters of an origin or host are logged.
const SHOWN_CHARS_MAX: usize = 200;

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalKind {
    /// A page whose origin may not connect, or a request with several origins: 403.
    Origin,
    /// A WebSocket request without `Upgrade: websocket`: 400. A proxy has removed the header.
    NoUpgrade,
    /// A client with another version than Engine.IO 4, such as Socket.IO 2: 400.
    Protocol,
    /// A head with too many bytes or header fields: 431.
    HeadTooLarge,
    /// A POST with more than `maxPayload`: 413.
    BodyTooLarge,
    /// A request that is not valid HTTP: 400.
    Malformed,
    /// A name that is not in [`Config::hosts`]: 421.
    Host,
    /// A connection beyond [`Config::connections_max`]: 503.
    Full,
}

impl RefusalKind {
    const COUNT: usize = 8;

    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Origin,
        Self::NoUpgrade,
        Self::Protocol,
        Self::HeadTooLarge,
        Self::BodyTooLarge,
        Self::Malformed,
        Self::Host,
        Self::Full,
    ];

    fn text(self) -> &'static str {
        match self {
            Self::Origin => "pages of this origin may not connect (403)",
            Self::NoUpgrade => {
                "a WebSocket came without its Upgrade header or over HTTP/1.0 (400): the proxy in front has to speak \
                 HTTP/1.1 and pass Upgrade and Connection on; until then, clients use polling"
            }
            Self::Protocol => "a client speaks another version than Engine.IO 4 (400)",
            Self::HeadTooLarge => "the head of a request was over 16 KiB or 1,000 header fields (431)",
            Self::BodyTooLarge => "a POST was over max_payload (413)",
            Self::Malformed => "a request was not valid HTTP (400)",
            Self::Host => "this server does not answer to this name (421)",
            Self::Full => "there is no room for another connection (503)",
        }
    }
}

/// The counters of a server.
#[derive(Default)]
pub(crate) struct Refusals {
    counts: [AtomicU64; RefusalKind::COUNT],
    origins: Mutex<Told>,
    hosts: Mutex<Told>,
    exhausted: Mutex<Shortage>,
    full: Mutex<Shortage>,
}

/// Something that happens again and again while there is not enough of something, and that is told from time to time.
#[derive(Default)]
struct Shortage {
    /// Since it was told the last time.
    count: u64,
    told: Option<Instant>,
}

impl Shortage {
    /// How often it has happened since it was told the last time, if it has to be told now.
    fn note(&mut self, now: Instant) -> Option<u64> {
        self.count += 1;
        if self.told.is_some_and(|told| now.saturating_duration_since(told) < SHORTAGE_PERIOD) {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.count))
    }
}

/// The origins or hosts that were logged in this period.
#[derive(Default)]
struct Told {
    names: HashSet<Box<str>>,
    since: Option<Instant>,
}

impl Told {
    /// Whether a name is to be logged now.
    fn is_due(&mut self, name: &str, now: Instant) -> bool {
        if self.since.is_none_or(|since| now.saturating_duration_since(since) >= PERIOD) {
            self.names.clear();
            self.since = Some(now);
        }
        self.names.len() < NAMES_MAX && self.names.insert(name.into())
    }
}

impl Refusals {
    pub(crate) fn count(&self, kind: RefusalKind) -> u64 {
        self.counts[kind as usize].load(Ordering::Relaxed)
    }

    /// Counts a refusal of any kind except an origin or a host.
    pub(crate) fn note(&self, kind: RefusalKind) {
        let count = self.add(kind);
        if is_told(count) {
            tracing::warn!(count, "{}", kind.text());
        }
    }

    /// Counts a refused origin; `text` is the answer to the page.
    pub(crate) fn note_origin(&self, origin: Option<&str>, text: &str, now: Instant) {
        self.note_named(RefusalKind::Origin, &self.origins, origin.unwrap_or("no name"), text, now);
    }

    /// Counts a refused host; `text` is the answer to the client.
    pub(crate) fn note_host(&self, host: &str, text: &str, now: Instant) {
        self.note_named(RefusalKind::Host, &self.hosts, host, text, now);
    }

    fn note_named(&self, kind: RefusalKind, told: &Mutex<Told>, name: &str, text: &str, now: Instant) {
        let count = self.add(kind);
        let name = shown(name);
        let is_due = told.lock().unwrap_or_else(PoisonError::into_inner).is_due(name, now);
        if is_due {
            tracing::warn!("{text}");
        } else if is_told(count) {
            tracing::warn!(count, newest = name, "{}", kind.text());
        }
    }

    /// Counts a connection that cannot be accepted, because the process has no file left; returns the count if it has to
    /// be told.
    pub(crate) fn note_exhausted(&self, now: Instant) -> Option<u64> {
        self.exhausted.lock().unwrap_or_else(PoisonError::into_inner).note(now)
    }

    /// Counts a connection that there is no room for.
    pub(crate) fn note_full(&self, now: Instant) {
        self.add(RefusalKind::Full);
        if let Some(count) = self.full.lock().unwrap_or_else(PoisonError::into_inner).note(now) {
            tracing::warn!(count, "{}", RefusalKind::Full.text());
        }
    }

    fn add(&self, kind: RefusalKind) -> u64 {
        self.counts[kind as usize].fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// Whether a count is 1, 10, 100 ….
fn is_told(count: u64) -> bool {
    count.checked_ilog10().is_some_and(|digits| count == 10_u64.pow(digits))
}

/// Why a page counts as foreign, as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Another host, or one that a proxy has changed.
    Host,
    /// The host is right, but this trusted proxy says `https`, and the page uses `http`.
    Scheme(IpAddr),
    /// `X-Forwarded-Host` names the page's host, but this peer is not trusted.
    Untrusted(IpAddr),
}

impl Cause {
    /// The cause for a page that came through `peer` with these headers, and that `own` refused.
    pub(crate) fn of(
        page: Option<&str>,
        own: Option<&Own>,
        peer: Option<IpAddr>,
        headers: &HeaderMap,
        trusted: &TrustedProxies,
    ) -> Self {
        let (Some(page), Some(peer)) = (page.and_then(|page| page.parse::<Origin>().ok()), peer) else {
            return Self::Host;
        };
        let is_trusted = trusted.contains(peer);
        let serves_plain = |own: Own| own.over(Scheme::Plain).serves(&page);
        if is_trusted && own.cloned().is_some_and(serves_plain) {
            return Self::Scheme(peer);
        }
        let forwarded = ignored_host(headers).and_then(|host| Own::new(Scheme::Plain, host));
        if !is_trusted && forwarded.is_some_and(serves_plain) { Self::Untrusted(peer) } else { Self::Host }
    }
}

/// Why a page may not connect and what can be done, with the operator's texts from `config`.
pub(crate) fn origin_refused(
    origin: Option<&str>,
    own: Option<&Own>,
    cause: Cause,
    config: &Config,
) -> String {
    let Some(origin) = origin else {
        return "Forbidden: the request comes from a page of another site, which does not name its origin"
            .to_owned();
    };
    let origin = shown(origin);
    let own = own.map_or_else(|| "this server".to_owned(), Own::to_string);
    let advice = match cause {
        Cause::Host => config.origin_remedy.replace("{origin}", origin),
        Cause::Scheme(peer) => format!(
            "The page is http, but the trusted proxy {peer} says that the browser uses https: let it send the right \
             X-Forwarded-Proto"
        ),
        Cause::Untrusted(peer) => format!(
            "X-Forwarded-Host was ignored, because {peer} is not a trusted proxy. {}",
            config.proxy_remedy.replace("{peer}", &peer.to_string())
        ),
    };
    format!("Forbidden: pages of {origin} may not connect to {own}. {advice}")
}

/// Why a host is refused and what can be done, with the operator's text from `config`.
pub(crate) fn host_refused(host: &str, config: &Config) -> String {
    let Some(name) = name_of(host) else {
        return "Misdirected request: it names no valid host".to_owned();
    };
    let name = shown(&name);
    format!(
        "Misdirected request: this server does not answer to the name {name}. {}",
        config.host_remedy.replace("{host}", name)
    )
}

/// The answer to a request whose `Origin` no browser sends.
pub(crate) const ORIGIN_MALFORMED: &str =
    "Forbidden: the request has several Origin headers, or one that is not text";

fn shown(name: &str) -> &str {
    name.char_indices().nth(SHOWN_CHARS_MAX).map_or(name, |(end, _)| &name[..end])
}

#[cfg(test)]
mod tests {
    use super::RefusalKind::{
        BodyTooLarge, Full, HeadTooLarge, Host, Malformed, NoUpgrade, Origin, Protocol,
    };
    use super::*;
    use crate::http::own::Scheme;

    #[test]
    fn a_refusal_says_who_whom_and_what_to_do() {
        let own = Own::new(Scheme::Plain, "inner:3000");
        let config = Config { origin_remedy: "Allow {origin}.".into(), ..Config::default() };
        let text = |origin| origin_refused(origin, own.as_ref(), Cause::Host, &config);
        assert_eq!(
            text(Some("https://chat.example")),
            "Forbidden: pages of https://chat.example may not connect to inner:3000. Allow https://chat.example."
        );
        assert_eq!(
            text(None),
            "Forbidden: the request comes from a page of another site, which does not name its origin"
        );
        assert!(text(Some(&"x".repeat(16_000))).len() < 600);
    }

    #[test]
    fn a_refused_name_is_told_without_its_port_and_with_what_to_do() {
        let config = Config { host_remedy: "Try --host {host}.".into(), ..Config::default() };
        assert_eq!(
            host_refused("Chat.Example:3000", &config),
            "Misdirected request: this server does not answer to the name chat.example. Try --host chat.example."
        );
        assert_eq!(host_refused("a b", &config), "Misdirected request: it names no valid host");
        assert!(host_refused(&"x".repeat(16_000), &config).len() < 600);
    }

    /// What a page is told that has come by a proxy at 10.0.0.5 with these headers, and that is refused.
    fn told(
        scheme: Scheme,
        host: &str,
        page: &str,
        trusted: &str,
        fields: &[(&'static str, &str)],
    ) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        let own = Own::new(scheme, host);
        let peer = "10.0.0.5".parse().ok();
        let cause = Cause::of(Some(page), own.as_ref(), peer, &headers, &trusted.parse().unwrap());
        origin_refused(Some(page), own.as_ref(), cause, &Config::default())
    }

    #[test]
    fn a_wrong_scheme_of_a_trusted_proxy_is_named() {
        let told = |scheme, page, trusted| told(scheme, "chat.example", page, trusted, &[]);
        assert_eq!(
            told(Scheme::Https, "http://chat.example", "10.0.0.0/8"),
            "Forbidden: pages of http://chat.example may not connect to chat.example. The page is http, but the trusted \
             proxy 10.0.0.5 says that the browser uses https: let it send the right X-Forwarded-Proto"
        );
        for (scheme, page, trusted) in [
            (Scheme::Https, "http://evil.example", "10.0.0.5"),
            (Scheme::Tls, "http://chat.example", "10.0.0.6"),
            (Scheme::Plain, "capacitor://chat.example", "10.0.0.5"),
        ] {
            assert!(!told(scheme, page, trusted).contains("X-Forwarded-Proto"), "{scheme:?} {page}");
        }
    }

    #[test]
    fn a_forwarded_host_that_was_ignored_is_named_with_its_peer() {
        let host = [("x-forwarded-host", "chat.example")];
        let told = |page, trusted, fields| told(Scheme::Plain, "inner:3000", page, trusted, fields);
        assert_eq!(
            told("https://chat.example", "10.0.0.6", &host),
            "Forbidden: pages of https://chat.example may not connect to inner:3000. X-Forwarded-Host was ignored, because \
             10.0.0.5 is not a trusted proxy. If it is your proxy, name 10.0.0.5 in Config::trusted_proxies."
        );
        for (page, trusted, fields) in [
            ("https://evil.example", "10.0.0.6", &host[..]),
            ("https://chat.example", "10.0.0.5", &host),
            ("https://chat.example", "10.0.0.6", &[]),
        ] {
            assert!(!told(page, trusted, fields).contains("X-Forwarded-Host"), "{page} {trusted}");
        }
    }

    #[test]
    fn the_advice_for_the_servers_own_page_comes_first() {
        let told = told(Scheme::Plain, "inner:3000", "https://chat.example", "10.0.0.6", &[]);
        assert!(told.find("Host header").unwrap() < told.find("Config::origins").unwrap(), "{told}");
    }

    #[test]
    fn every_kind_has_a_counter() {
        let refusals = Refusals::default();
        let kinds = [Origin, NoUpgrade, Protocol, HeadTooLarge, BodyTooLarge, Malformed, Host, Full];
        assert_eq!(kinds.len(), RefusalKind::COUNT);
        for (times, kind) in (1..).zip(kinds) {
            (0..times).for_each(|_| refusals.note(kind));
        }
        assert_eq!(kinds.map(|kind| refusals.count(kind)), [1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn tenfolds_are_told() {
        let told: Vec<u64> = (0..=1_000).filter(|count| is_told(*count)).collect();
        assert_eq!(told, [1, 10, 100, 1_000]);
    }

    #[test]
    fn a_shortage_is_told_once_in_ten_seconds_with_its_count() {
        let (mut shortage, start) = (Shortage::default(), Instant::now());
        let pause = Duration::from_millis(50);
        let told: Vec<u64> = (0..1_000).filter_map(|number| shortage.note(start + number * pause)).collect();
        assert_eq!(told, [1, 200, 200, 200, 200]);
    }

    #[test]
    fn origins_that_are_made_up_neither_grow_memory_nor_hide_another_for_long() {
        let (mut told, start) = (Told::default(), Instant::now());
        let made_up = |told: &mut Told, now| {
            (0..1_000).filter(|number| told.is_due(&format!("https://{number}.example"), now)).count()
        };
        assert_eq!(made_up(&mut told, start), NAMES_MAX);
        assert_eq!(told.names.len(), NAMES_MAX);
        let real = "https://chat.example";
        assert!(!told.is_due(real, start + PERIOD / 2));
        assert!(told.is_due(real, start + PERIOD));
        assert!(!told.is_due(real, start + PERIOD), "once in a period");
        assert_eq!(made_up(&mut told, start + PERIOD), NAMES_MAX - 1);
        assert!(told.is_due(real, start + 2 * PERIOD));
    }
}
