//! The security headers of every answer: content security policy, framing, sniffing, who may embed it.

use http::{HeaderMap, HeaderValue};
use socketio_server::OriginPattern;
use tidings::planted::edge::{self, EdgeBug};

/// The headers of an answer that is not a page.
const NO_PAGE: [(&str, &str); 3] = [
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("x-content-type-options", "nosniff"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Says that an answer is no page.
pub(crate) fn harden(headers: &mut HeaderMap) {
    for (name, value) in NO_PAGE {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Tells a browser to use nothing but https for the host, for so many days.
pub(super) fn https_only(days: u32) -> Option<HeaderValue> {
    const DAY_SECONDS: u64 = 24 * 60 * 60;
    HeaderValue::try_from(format!("max-age={}", u64::from(days) * DAY_SECONDS)).ok()
}

/// What is said about somebody's own pages: what they load and run is their affair, who frames and uses them is that of
/// `--origin`.
#[derive(Clone)]
pub(super) struct OwnPages {
    frame_ancestors: HeaderValue,
    resource_policy: HeaderValue,
}

impl OwnPages {
    pub(super) fn new(others: &[OriginPattern]) -> Self {
        let named = others.iter().map(ToString::to_string);
        // A policy has no words for these two.
        let named = named.filter(|origin| !matches!(origin.as_str(), "null" | "file://"));
        let sources: Vec<String> = ["'self'".to_owned()].into_iter().chain(named).collect();
        let sources = if edge::is(EdgeBug::LetsAllFrame) { "*".to_owned() } else { sources.join(" ") };
        let policy = format!("frame-ancestors {sources}");
        Self {
            // Origins are made of letters that a header can carry.
            frame_ancestors: HeaderValue::try_from(policy)
                .unwrap_or(HeaderValue::from_static("frame-ancestors 'self'")),
            resource_policy: HeaderValue::from_static(if others.is_empty() {
                "same-origin"
            } else {
                "cross-origin"
            }),
        }
    }

    pub(super) fn harden(&self, headers: &mut HeaderMap) {
        harden(headers);
        headers.insert("content-security-policy", self.frame_ancestors.clone());
        headers.insert("cross-origin-resource-policy", self.resource_policy.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(others: &[&str], expected: [&str; 2]) {
        let others: Vec<OriginPattern> = others.iter().map(|text| text.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        OwnPages::new(&others).harden(&mut headers);
        let said = ["content-security-policy", "cross-origin-resource-policy"];
        assert_eq!(said.map(|name| headers[name].to_str().unwrap()), expected);
        assert_eq!(headers["x-content-type-options"], "nosniff");
    }

    #[test]
    fn pages_of_other_origins_may_frame_and_use_ours_if_they_may_connect() {
        check(&[], ["frame-ancestors 'self'", "same-origin"]);
        check(
            &["https://a.example/", "null", "https://*.b.example"],
            ["frame-ancestors 'self' https://a.example https://*.b.example", "cross-origin"],
        );
        check(&["*"], ["frame-ancestors 'self' *", "cross-origin"]);
    }
}
