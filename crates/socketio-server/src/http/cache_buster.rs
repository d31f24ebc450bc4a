//! [`CacheBuster`]: the parameter `t` of a request, which clients make anew for each, and what it tells of the client.
//!
//! The official client and those that follow it, such as that of Java, send a few characters in base 36 or 64. Others send the time
//! of day or nothing. python-engineio, which sends the time, fails on an answer of more than 16 packets, so only clients
//! of the first kind are known to take any number. A client that is not known needs one request for each 15 packets.

use engineio::Query;

/// The parameter `t`, as far as it is of use.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct CacheBuster {
    /// Tells a request from the one before. The time in whole seconds or milliseconds does not: two requests may well have
    /// the same. One with a fraction does: aiohttp, like a browser, repeats a GET by itself whose answer was lost, and to
    /// answer that with the next packets would leave a hole.
    pub(crate) tag: Option<Box<str>>,
    kind: Kind,
}

/// Which kind of client sends such a parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
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
        Self {
            kind: if is_number { Kind::Unknown } else { Kind::Official },
            tag: (!is_clock).then(|| tag.into()),
        }
    }

    /// How many packets one answer to this client may have; `cautious` if nothing is known of it.
    pub(crate) fn packets_max(&self, cautious: usize) -> usize {
        match self.kind {
            Kind::Official => usize::MAX,
            Kind::Unknown => cautious,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(query: &str) -> (Option<String>, usize) {
        let uri = format!("/socket.io/?EIO=4{query}").parse().expect("a URI");
        let buster = CacheBuster::of(&uri);
        (buster.tag.as_deref().map(str::to_owned), buster.packets_max(16))
    }

    #[test]
    fn a_client_is_known_by_its_cache_buster() {
        // socket.io-client 4.8, 4.5 and 3.1.
        for tag in ["ltv0mk8a", "OuP4sJ_", "OuP4sJ_.1", "Pz9-abc"] {
            assert_eq!(of(&format!("&t={tag}")), (Some(tag.to_owned()), usize::MAX));
        }
        // python-engineio, rust_socketio, and no parameter at all.
        assert_eq!(of("&t=1764423413.0612"), (Some("1764423413.0612".to_owned()), 16));
        assert_eq!(of("&t=1764423413061"), (None, 16));
        assert_eq!(of(""), (None, 16));
        assert_eq!(of(&format!("&t={}", "x".repeat(65))), (None, 16));
    }
}
