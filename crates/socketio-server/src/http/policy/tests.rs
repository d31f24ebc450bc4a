//! The policy of origins, held against every spelling that looks like a good one.
//!
//! Judges requests to `chat.example:3000` by their headers alone.

use http::{HeaderMap, HeaderValue, header};
use proptest::prelude::*;

use super::*;
use crate::http::own::Scheme;

fn headers(origin: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
    headers
}

fn with_site(mut headers: HeaderMap, site: &'static str) -> HeaderMap {
    headers.append(SEC_FETCH_SITE, HeaderValue::from_static(site));
    headers
}

fn own() -> Option<Own> {
    Own::new(Scheme::Plain, "chat.example:3000")
}

/// Judges a request to `chat.example:3000`.
fn judge(policy: &OriginPolicy, text: &str) -> Verdict {
    policy.judge(&headers(text), own().as_ref())
}

fn list(patterns: &[&str]) -> OriginPolicy {
    OriginPolicy::list(patterns.iter().copied()).unwrap()
}

/// Spellings that look like `https://good.example` to a careless comparison.
const NEARLY_GOOD: [&str; 16] = [
    "https://good.example.evil.com",
    "https://evilgood.example",
    "https://sub.good.example",
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
    "file://",
    "",
];

#[test]
fn by_default_the_pages_of_this_server_may_connect() {
    let policy = OriginPolicy::SameOrigin;
    for page in ["http://chat.example:3000", "https://Chat.Example:3000"] {
        assert_eq!(judge(&policy, page), Verdict::Same, "{page}");
    }
    for foreign in ["http://chat.example", "http://chat.example:3001", "http://evil.example:3000", "null"] {
        assert_eq!(judge(&policy, foreign), Verdict::Refused, "{foreign}");
    }
    assert_eq!(policy.judge(&HeaderMap::new(), None), Verdict::Absent);
    assert_eq!(policy.judge(&headers("http://chat.example"), None), Verdict::Refused);
}

#[test]
fn a_page_that_the_browser_calls_our_own_is_that_whatever_the_host() {
    let through_a_proxy = |site| with_site(headers("https://public.example"), site);
    for policy in [OriginPolicy::SameOrigin, list(&["https://good.example"])] {
        assert_eq!(policy.judge(&through_a_proxy("same-origin"), own().as_ref()), Verdict::Same);
        for foreign in ["same-site", "cross-site", "none", "", "same-origin, cross-site", "SAME-ORIGIN"] {
            assert_eq!(
                policy.judge(&through_a_proxy(foreign), own().as_ref()),
                Verdict::Refused,
                "{foreign}"
            );
        }
        let twice = with_site(through_a_proxy("same-origin"), "same-origin");
        assert_eq!(policy.judge(&twice, own().as_ref()), Verdict::Refused);
    }
}

#[test]
fn our_own_origin_counts_more_than_what_the_browser_calls_it() {
    let named = with_site(headers("http://chat.example:3000"), "cross-site");
    assert_eq!(OriginPolicy::SameOrigin.judge(&named, own().as_ref()), Verdict::Same);
}

#[test]
fn what_another_site_asks_for_without_a_name_is_refused() {
    let nameless = |site| with_site(HeaderMap::new(), site);
    for policy in [OriginPolicy::SameOrigin, list(&["https://good.example"])] {
        for foreign in ["cross-site", "same-site"] {
            assert_eq!(policy.judge(&nameless(foreign), own().as_ref()), Verdict::Refused, "{foreign}");
        }
        for own_or_typed in ["same-origin", "none"] {
            assert_eq!(policy.judge(&nameless(own_or_typed), own().as_ref()), Verdict::Absent);
        }
    }
    assert_eq!(OriginPolicy::Any.judge(&nameless("cross-site"), own().as_ref()), Verdict::Absent);
}

#[test]
fn only_the_listed_origin_itself_is_allowed() {
    let policy = list(&["https://good.example"]);
    for good in
        ["https://good.example", "https://good.example:443", "https://GOOD.example", "https://good.example."]
    {
        assert!(matches!(judge(&policy, good), Verdict::Cross(_)), "{good}");
    }
    for bad in NEARLY_GOOD {
        assert_eq!(judge(&policy, bad), Verdict::Refused, "{bad}");
    }
    assert_eq!(judge(&policy, "http://chat.example:3000"), Verdict::Same, "a list adds to the same origin");
}

#[test]
fn each_pattern_allows_what_it_says() {
    let all = [
        "https://good.example",
        "https://good.example:8443",
        "https://a.good.example",
        "https://b.a.good.example",
        "https://agood.example",
        "https://.good.example",
        "https://a..good.example",
        "https://.a.good.example",
        "https://a.good.example..",
        "http://a.good.example",
        "https://a.good.example:8443",
        "https://a.good.example.evil.example",
        "capacitor://localhost",
        "null",
        "file://",
    ];
    for (pattern, expected) in [
        ("https://good.example/", &["https://good.example"][..]),
        ("https://*.good.example", &["https://a.good.example", "https://b.a.good.example"]),
        ("https://*.Good.Example:8443/", &["https://a.good.example:8443"]),
        ("capacitor://localhost", &["capacitor://localhost"]),
        ("null", &["null"]),
        ("file://", &["file://"]),
        ("file:///", &["file://"]),
    ] {
        let policy = list(&[pattern]);
        let allowed: Vec<_> = all.into_iter().filter(|page| judge(&policy, page).is_allowed()).collect();
        assert_eq!(allowed, expected, "{pattern}");
    }
    assert_eq!(list(&["https://good.example", "*"]), OriginPolicy::Any);
    assert_eq!(list(&[]), OriginPolicy::SameOrigin);
}

#[test]
fn a_pattern_that_is_none_says_what_is_wrong_with_it() {
    for (text, error) in [
        ("chat.example", OriginError::Scheme),
        ("*.example.org", OriginError::Scheme),
        ("", OriginError::Scheme),
        ("https://", OriginError::Host),
        ("https://user@chat.example", OriginError::Host),
        ("https://chat.example:http", OriginError::Host),
        ("https://chat.example/chat", OriginError::Path),
        ("https://chat.example//", OriginError::Path),
        ("https://chat.example?x", OriginError::Path),
        ("file:///home/page.html", OriginError::Path),
        ("https://*", OriginError::Wildcard),
        ("https://chat.*", OriginError::Wildcard),
        ("https://a.*.example.org", OriginError::Wildcard),
        ("https://*.*.example.org", OriginError::Wildcard),
        ("https://*.", OriginError::Host),
        ("https://*.127.0.0.1", OriginError::Wildcard),
        ("https://*.0.1:8443", OriginError::Wildcard),
        ("https://*.[::1]", OriginError::Wildcard),
        ("https://*.a..example", OriginError::Host),
    ] {
        assert_eq!(text.parse::<OriginPattern>(), Err(error), "{text}");
    }
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

proptest! {
    #[test]
    fn parsing_a_pattern_never_panics_and_its_text_parses_back(
        text in "(https|null|file)?(://)?(\\*\\.)?[ -~]{0,24}",
    ) {
        if let Ok(pattern) = text.parse::<OriginPattern>() {
            prop_assert_eq!(pattern.to_string().parse::<OriginPattern>(), Ok(pattern));
        }
    }
}
