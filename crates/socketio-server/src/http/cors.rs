//! The CORS headers, which let pages of other origins read our answers.
//!
//! They follow the npm package `cors`, whose options are used to configure Socket.IO servers: a list echoes the origin
//! and allows cookies, `Any` says `*`, and the same-origin policy says nothing. Whether a request is served is decided
//! elsewhere, by the [`Verdict`].

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

use super::{
    policy::{OriginPolicy, Verdict},
    response::{self, Readers},
};
use crate::planted::edge::{self, EdgeBug};

impl OriginPolicy {
    /// Adds the CORS headers to an answer, whatever its status, so that a page can read errors too.
    pub(crate) fn add_cors(&self, verdict: &Verdict, answer: &mut HeaderMap) {
        match self {
            Self::SameOrigin => {}
            Self::Any => {
                answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
                if edge::is(EdgeBug::AllowsCookiesForAll) {
                    answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
                }
            }
            Self::List(_) => {
                // Even without an origin: a cache must not give this answer to a page that sends one.
                if *verdict != Verdict::Absent || !edge::is(EdgeBug::ForgetsToVary) {
                    answer.append(header::VARY, HeaderValue::from_static("Origin"));
                }
                if let Verdict::Cross(origin) = verdict {
                    answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
                    answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
                }
            }
        }
    }

    /// Which pages may load the client with a `<script>`. Such a request does not name its page, so all may as soon as
    /// any page of another origin may connect. Requests with an origin are not affected.
    pub(crate) fn readers_of_scripts(&self) -> Readers {
        match self {
            Self::SameOrigin => Readers::SameOrigin,
            Self::Any | Self::List(_) => Readers::Everyone,
        }
    }

    /// The answer to an `OPTIONS` request; `None` without CORS, where `OPTIONS` is an ordinary method.
    pub(crate) fn preflight(&self, verdict: &Verdict, request: &HeaderMap) -> Option<Response<Full<Bytes>>> {
        match self {
            Self::SameOrigin => return None,
            Self::Any | Self::List(_) => {}
        }
        let mut answer = response::empty(StatusCode::NO_CONTENT);
        let fields = answer.headers_mut();
        self.add_cors(verdict, fields);
        let methods = HeaderValue::from_static("GET,HEAD,PUT,PATCH,POST,DELETE");
        fields.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        fields.append(header::VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
        if let Some(wanted) = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            fields.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
        }
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cross() -> Verdict {
        Verdict::Cross(HeaderValue::from_static("https://good.example"))
    }

    fn listed() -> OriginPolicy {
        OriginPolicy::List(vec!["https://good.example".parse().unwrap()])
    }

    fn check(policy: &OriginPolicy, verdict: &Verdict, expected: &[(&str, &str)]) {
        let mut answer = HeaderMap::new();
        policy.add_cors(verdict, &mut answer);
        let mut shown: Vec<_> =
            answer.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        shown.sort_unstable();
        assert_eq!(shown, expected);
    }

    #[test]
    fn each_policy_tells_the_browser_what_it_allows() {
        check(&OriginPolicy::SameOrigin, &Verdict::Same, &[]);
        check(&OriginPolicy::SameOrigin, &Verdict::Refused, &[]);
        check(&OriginPolicy::Any, &Verdict::Absent, &[("access-control-allow-origin", "*")]);
        check(&OriginPolicy::Any, &cross(), &[("access-control-allow-origin", "*")]);
        check(&listed(), &Verdict::Absent, &[("vary", "Origin")]);
        check(&listed(), &Verdict::Refused, &[("vary", "Origin")]);
        check(
            &listed(),
            &cross(),
            &[
                ("access-control-allow-credentials", "true"),
                ("access-control-allow-origin", "https://good.example"),
                ("vary", "Origin"),
            ],
        );
    }

    #[test]
    fn a_preflight_echoes_the_headers_that_the_page_wants_to_send() {
        let mut request = HeaderMap::new();
        request.insert("access-control-request-headers", HeaderValue::from_static("x-token"));
        let answer = listed().preflight(&cross(), &request).unwrap();
        assert_eq!(answer.status(), 204);
        assert_eq!(answer.headers()["content-length"], "0");
        assert_eq!(answer.headers()["access-control-allow-methods"], "GET,HEAD,PUT,PATCH,POST,DELETE");
        assert_eq!(answer.headers()["access-control-allow-headers"], "x-token");
        assert_eq!(answer.headers()["access-control-allow-origin"], "https://good.example");
        let vary: Vec<_> = answer.headers().get_all("vary").iter().collect();
        assert_eq!(vary, ["Origin", "Access-Control-Request-Headers"]);
        assert!(OriginPolicy::SameOrigin.preflight(&Verdict::Absent, &request).is_none());
    }

    #[test]
    fn a_refused_page_learns_nothing_from_a_preflight() {
        let answer = listed().preflight(&Verdict::Refused, &HeaderMap::new()).unwrap();
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
    }
}
