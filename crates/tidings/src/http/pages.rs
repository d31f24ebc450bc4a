//! The built-in page, with a content security policy that allows nothing from elsewhere.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

use tidings::planted::edge::{self, EdgeBug};

use super::body::{Body, body};
use crate::assets::{self, Asset, Freshness};

/// What the page may do: its own scripts and styles, its own server, nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types tidings";

/// Headers of every answer.
const SECURITY: [(&str, &str); 6] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
];

pub(super) fn answer(method: &Method, path: &str, headers: &HeaderMap) -> Response<Body> {
    let mut answer = match (method, assets::page(path)) {
        (&Method::GET | &Method::HEAD, Some(asset)) => file(method, asset, headers),
        (_, Some(_)) => {
            let mut answer = status(StatusCode::METHOD_NOT_ALLOWED);
            if !edge::is(EdgeBug::NamesNoMethods) {
                answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            }
            answer
        }
        (_, None) => status(StatusCode::NOT_FOUND),
    };
    if edge::is(EdgeBug::SendsNoPolicyWithErrors) && !answer.status().is_success() {
        return answer;
    }
    for (name, value) in SECURITY {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

fn status(status: StatusCode) -> Response<Body> {
    let text = if assets::WITHOUT_WEB {
        "This server has no web app: it was built with TIDINGS_WEB=skip.\n"
    } else {
        status.canonical_reason().unwrap_or_default()
    };
    let mut answer = Response::new(body(Bytes::from_static(text.as_bytes())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}

fn file(method: &Method, asset: &'static Asset, request: &HeaderMap) -> Response<Body> {
    let mut answer = Response::new(body(Bytes::new()));
    let headers = answer.headers_mut();
    headers.insert(header::ETAG, HeaderValue::from_static(asset.etag));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    let freshness = match asset.freshness {
        Freshness::Immutable => "public, max-age=31536000, immutable",
        Freshness::Revalidate if edge::is(EdgeBug::KeepsThePageForever) => "public, max-age=31536000",
        Freshness::Revalidate => "no-cache",
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(freshness));
    if is_known(asset, request) {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        return answer;
    }
    let (bytes, encoding) = choose(asset, request);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    if method != Method::HEAD {
        *answer.body_mut() = body(Bytes::from_static(bytes));
    }
    answer
}

fn is_known(asset: &Asset, request: &HeaderMap) -> bool {
    let tags = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    let mut tags = tags.flat_map(|line| line.split(',')).map(str::trim);
    let strong = |tag| str::strip_prefix(tag, "W/").filter(|_| !edge::is(EdgeBug::ForgetsWeakPageTags));
    tags.any(|tag| tag == "*" || strong(tag).unwrap_or(tag) == asset.etag)
}

fn choose(asset: &'static Asset, request: &HeaderMap) -> (&'static [u8], Option<&'static str>) {
    let accepts = |coding: &str| {
        let lines = request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
        let mut codings = lines.flat_map(|line| line.split(','));
        codings.any(|accepted| {
            let mut parts = accepted.split(';').map(str::trim);
            let refused =
                |weight: &str| weight.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()) == Some(0.0);
            let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
            is_named && (!parts.any(refused) || edge::is(EdgeBug::SendsRefusedCodings))
        })
    };
    let is_unasked = edge::is(EdgeBug::CompressesPagesUnasked);
    let accepts = |coding| accepts(coding) || is_unasked && !request.contains_key(header::ACCEPT_ENCODING);
    match (asset.brotli, asset.gzip) {
        (Some(bytes), _) if accepts("br") => (bytes, Some("br")),
        (_, Some(bytes)) if accepts("gzip") => (bytes, Some("gzip")),
        _ => (asset.identity, None),
    }
}

#[cfg(all(test, not(without_web)))]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    fn ask(method: &Method, path: &str, fields: &[(&'static str, &str)]) -> Response<Body> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_str(value).expect("a value of ours"));
        }
        answer(method, path, &headers)
    }

    #[test]
    fn every_answer_has_all_security_headers_whatever_its_status() {
        for (method, path, fields, status) in [
            (Method::GET, "/", &[][..], 200),
            (Method::HEAD, "/", &[], 200),
            (Method::GET, "/", &[("if-none-match", "*")], 304),
            (Method::GET, "/nothing", &[], 404),
            (Method::POST, "/nothing", &[], 404),
            (Method::POST, "/", &[], 405),
        ] {
            let answer = ask(&method, path, fields);
            assert_eq!(answer.status(), status, "{method} {path}");
            for (name, value) in SECURITY {
                assert_eq!(answer.headers()[name], value, "{method} {path}");
            }
        }
        assert_eq!(ask(&Method::POST, "/", &[]).headers()["allow"], "GET, HEAD");
    }

    #[test]
    fn a_page_that_the_browser_has_is_not_sent_again() {
        let etag = ask(&Method::GET, "/", &[]).headers()["etag"].to_str().unwrap().to_owned();
        for (tag, status) in [
            (etag.clone(), 304),
            (format!("W/{etag}"), 304),
            (format!("\"other\", W/{etag}"), 304),
            ("*".to_owned(), 304),
            ("\"other\"".to_owned(), 200),
            (etag.trim_matches('"').to_owned(), 200),
        ] {
            assert_eq!(ask(&Method::GET, "/", &[("if-none-match", &tag)]).status(), status, "{tag}");
        }
    }

    #[tokio::test]
    async fn a_page_comes_in_a_coding_that_the_browser_has_asked_for() {
        for (accept, coding) in [
            (None, None),
            (Some(""), None),
            (Some("identity"), None),
            (Some("gzip"), Some("gzip")),
            (Some("gzip, deflate, br"), Some("br")),
            (Some("gzip, br;q=0"), Some("gzip")),
            (Some("br; q=0.0, gzip;q=0"), None),
        ] {
            let fields: Vec<_> = accept.into_iter().map(|accept| ("accept-encoding", accept)).collect();
            let answer = ask(&Method::GET, "/", &fields);
            let headers = answer.headers().clone();
            let sent = headers.get("content-encoding").map(|coding| coding.to_str().unwrap());
            assert_eq!(sent, coding, "{accept:?}");
            assert_eq!(headers["vary"], "Accept-Encoding");
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(headers["content-length"], body.len().to_string(), "{accept:?}");
            let head = ask(&Method::HEAD, "/", &fields);
            assert_eq!(head.headers(), &headers);
            assert!(head.into_body().collect().await.unwrap().to_bytes().is_empty());
        }
    }
}
