//! [`CacheBuster`]: the query parameter `t`, which clients change for each request, and what it says about the client.
//!
//! The official client and clients like it, such as the Java one, send a few characters in base 36 or 64. Others send
//! the time or nothing. python-engineio sends the time and fails on an answer with more than 16 packets, so only
//! clients of the first kind are known to accept any number. An unknown client needs one request for each 15 packets.

use engineio::Query;

/// The useful part of the parameter `t`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct CacheBuster {
    /// `None` if the parameter says nothing, for example because it is the time in whole seconds or milliseconds.
    pub(crate) mark: Option<RequestMark>,
    kind: ClientKind,
}

/// Distinguishes a request from the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RequestMark {
    /// Random or counted: different for each request.
    Chance(Box<str>),
    /// A time with a fraction. Two requests have the same one only within one tick of the client's clock.
    Clock(Box<str>),
}

impl RequestMark {
    pub(crate) fn is_of_clock(&self) -> bool {
        matches!(self, Self::Clock(_))
    }
}

/// The kind of client that sends such a parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ClientKind {
    Official,
    #[default]
    Unknown,
}

impl CacheBuster {
    pub(crate) fn of(uri: &http::Uri) -> Self {
        const CHARS_MAX: usize = 64;
        const CLOCK_DIGITS_MIN: usize = 10;
        let mut pairs = Query::pairs(uri.query().unwrap_or_default());
        let Some((_, tag)) = pairs.find(|(name, _)| name == "t").filter(|(_, tag)| tag.len() <= CHARS_MAX)
        else {
            return Self::default();
        };
        let is_clock = tag.len() >= CLOCK_DIGITS_MIN && tag.bytes().all(|byte| byte.is_ascii_digit());
        let is_number = tag.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let mark = if is_clock {
            None
        } else if tag.len() >= CLOCK_DIGITS_MIN && is_time(&tag) {
            Some(RequestMark::Clock(tag.into()))
        } else {
            Some(RequestMark::Chance(tag.into()))
        };
        Self { kind: if is_number { ClientKind::Unknown } else { ClientKind::Official }, mark }
    }

    /// How many packets one answer to this client may have; `cautious` if the client is unknown.
    pub(crate) fn packets_max(&self, cautious: usize) -> usize {
        match self.kind {
            ClientKind::Official => usize::MAX,
            ClientKind::Unknown => cautious,
        }
    }
}

/// Whether the text is digits, a dot and digits.
fn is_time(tag: &str) -> bool {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    tag.split_once('.').is_some_and(|(whole, fraction)| is_digits(whole) && is_digits(fraction))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(query: &str) -> (Option<RequestMark>, usize) {
        let uri = format!("/socket.io/?EIO=4{query}").parse().expect("a URI");
        let buster = CacheBuster::of(&uri);
        let packets_max = buster.packets_max(16);
        (buster.mark, packets_max)
    }

    #[test]
    fn a_client_is_known_by_its_cache_buster() {
        // socket.io-client 4.8, 4.5 and 3.1.
        for tag in ["ltv0mk8a", "OuP4sJ_", "OuP4sJ_.1", "Pz9-abc"] {
            assert_eq!(of(&format!("&t={tag}")), (Some(RequestMark::Chance(tag.into())), usize::MAX));
        }
        // A counter.
        assert_eq!(of("&t=17"), (Some(RequestMark::Chance("17".into())), 16));
        // python-engineio, rust_socketio, and no parameter at all.
        assert_eq!(of("&t=1764423413.0612"), (Some(RequestMark::Clock("1764423413.0612".into())), 16));
        assert_eq!(of("&t=1764423413061"), (None, 16));
        assert_eq!(of(""), (None, 16));
        assert_eq!(of(&format!("&t={}", "x".repeat(65))), (None, 16));
    }
}
