//! The documented answers of the Engine.IO endpoint, with their exact headers and bodies.
//!
//! There is one function for each answer, so that a status, a content type or a body is written in one place. Errors
//! come with the status and JSON text of `engineio`; the caller adds the CORS headers.

use bytes::Bytes;
use engineio::{ErrorCode, UpgradeHeader};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

use crate::http::upgrade::UpgradeError;
use crate::planted::edge::{self, EdgeBug};

/// The pages that may use an answer without asking, like an image or a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    SameOrigin,
    Everyone,
}

/// Says that an answer is not a page, whatever it contains: it must not be framed, sniffed or run. Headers of the
/// application are kept.
pub(crate) fn harden(fields: &mut HeaderMap, readers: Readers) {
    const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
    let readers = match readers {
        Readers::SameOrigin => "same-origin",
        Readers::Everyone => "cross-origin",
    };
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (HeaderName::from_static("cross-origin-resource-policy"), readers),
    ] {
        fields.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// An error of the engine: `{"code":…,"message":…}`.
pub(crate) fn engine_error(status: StatusCode, json: String) -> Response<Full<Bytes>> {
    typed(status, "application/json", json.into())
}

/// The packets in the answer to a handshake or a poll.
pub(crate) fn packets(payload: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let is_page = edge::is(EdgeBug::SendsPacketsAsPages);
    let content_type = if is_page { "text/html" } else { "text/plain; charset=UTF-8" };
    let mut answer = typed(StatusCode::OK, content_type, payload.into());
    if !edge::is(EdgeBug::LetsPollsBeStored) {
        forbid_storing(answer.headers_mut());
    }
    answer
}

/// The answer to a POST whose packets were accepted.
pub(crate) fn post_accepted() -> Response<Full<Bytes>> {
    let mut answer = typed(StatusCode::OK, "text/html", Bytes::from_static(b"ok"));
    forbid_storing(answer.headers_mut());
    answer
}

/// A POST with more bytes than `maxPayload`. The session continues.
pub(crate) fn payload_too_large() -> Response<Full<Bytes>> {
    empty(StatusCode::PAYLOAD_TOO_LARGE)
}

/// A second request beside an open one, or a POST that is not text. The session ends.
pub(crate) fn bad_request() -> Response<Full<Bytes>> {
    empty(StatusCode::BAD_REQUEST)
}

/// A request that is not valid HTTP; its connection is closed.
pub(crate) fn malformed() -> Response<Full<Bytes>> {
    let mut answer = empty(StatusCode::BAD_REQUEST);
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    harden(answer.headers_mut(), Readers::SameOrigin);
    answer
}

/// A request to the endpoint for a name that is not one of the server's. The message says what can be done about it.
pub(crate) fn misdirected(message: &str) -> Response<Full<Bytes>> {
    let json = ErrorCode::Forbidden.body_with(message);
    let mut answer = engine_error(StatusCode::MISDIRECTED_REQUEST, json);
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// The same for a person who opens a page.
pub(crate) fn misdirected_page(message: &str) -> Response<Full<Bytes>> {
    let body = Bytes::from(format!("{message}\n"));
    let mut answer = typed(StatusCode::MISDIRECTED_REQUEST, "text/plain; charset=UTF-8", body);
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    harden(answer.headers_mut(), Readers::SameOrigin);
    answer
}

/// There is no room for a connection: the whole answer, as bytes, because HTTP has no part in it.
pub(crate) fn no_room() -> Vec<u8> {
    let mut answer = empty(StatusCode::SERVICE_UNAVAILABLE);
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    harden(answer.headers_mut(), Readers::SameOrigin);
    let mut bytes = b"HTTP/1.1 503 Service Unavailable\r\n".to_vec();
    for (name, value) in answer.headers() {
        bytes.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// A method that the endpoint does not know, on a session that continues.
pub(crate) fn unknown_method() -> Response<Full<Bytes>> {
    empty(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A status and nothing else.
pub(crate) fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    answer
}

/// A WebSocket that is refused before the 101; its connection is closed.
pub(crate) fn upgrade_refused(message: &str) -> Response<Full<Bytes>> {
    let mut answer = typed(StatusCode::BAD_REQUEST, "text/html", Bytes::copy_from_slice(message.as_bytes()));
    if !edge::is(EdgeBug::KeepsRefusedUpgrades) {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// A WebSocket that is refused for its own headers; the answer names the supported version.
pub(crate) fn upgrade_invalid(error: UpgradeError) -> Response<Full<Bytes>> {
    let mut answer = upgrade_refused(&error.to_string());
    match error {
        UpgradeError::Version => {
            answer.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        UpgradeError::Method | UpgradeError::Upgrade | UpgradeError::Key | UpgradeError::Body => {}
    }
    answer
}

/// A page that may not connect. Its developer finds the reason in the body.
pub(crate) fn origin_refused(upgrade: UpgradeHeader, message: &str) -> Response<Full<Bytes>> {
    let mut answer = engine_error(StatusCode::FORBIDDEN, ErrorCode::Forbidden.body_with(message));
    if upgrade == UpgradeHeader::WebSocket {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

fn typed(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let length = HeaderValue::from(body.len());
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer.headers_mut().insert(header::CONTENT_LENGTH, length);
    answer
}

/// The packets are for one reader and one moment.
fn forbid_storing(fields: &mut HeaderMap) {
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: Response<Full<Bytes>>, status: u16, expected: &[(&str, &str)]) {
        assert_eq!(answer.status(), status);
        let (parts, body) = answer.into_parts();
        for (name, value) in expected {
            assert_eq!(parts.headers[*name], value, "{name}");
        }
        assert_eq!(parts.headers.len(), expected.len());
        let length = http_body::Body::size_hint(&body).exact().unwrap();
        assert_eq!(parts.headers["content-length"].to_str().unwrap(), length.to_string());
    }

    #[test]
    fn the_answer_without_room_is_whole_and_has_the_headers_of_every_answer() {
        let text = String::from_utf8(no_room()).unwrap();
        assert!(
            text.starts_with("HTTP/1.1 503 Service Unavailable\r\n") && text.ends_with("\r\n\r\n"),
            "{text}"
        );
        for field in
            ["retry-after: 2", "content-length: 0", "connection: close", "x-content-type-options: nosniff"]
        {
            assert!(text.contains(&format!("\r\n{field}\r\n")), "{field}: {text}");
        }
        assert!(text.contains("\r\ncross-origin-resource-policy: same-origin\r\n"), "{text}");
    }

    #[test]
    fn each_answer_has_exactly_its_documented_headers() {
        let error = r#"{"code":1,"message":"Session ID unknown"}"#.to_owned();
        check(
            engine_error(StatusCode::BAD_REQUEST, error),
            400,
            &[("content-type", "application/json"), ("content-length", "41")],
        );
        check(
            packets("6\u{1e}1"),
            200,
            &[
                ("content-type", "text/plain; charset=UTF-8"),
                ("cache-control", "no-store"),
                ("content-length", "3"),
            ],
        );
        check(
            post_accepted(),
            200,
            &[("content-type", "text/html"), ("cache-control", "no-store"), ("content-length", "2")],
        );
        check(payload_too_large(), 413, &[("content-length", "0")]);
        check(bad_request(), 400, &[("content-length", "0")]);
        let elsewhere = misdirected_page("Not here");
        assert_eq!(elsewhere.status(), 421);
        assert_eq!(elsewhere.headers()["content-length"], "9");
        assert_eq!(elsewhere.headers()["connection"], "close");
        assert_eq!(elsewhere.headers()["x-content-type-options"], "nosniff");
        check(unknown_method(), 500, &[("content-length", "0")]);
        check(
            upgrade_refused("Forbidden"),
            400,
            &[("content-type", "text/html"), ("connection", "close"), ("content-length", "9")],
        );
        let wrong_version = upgrade_invalid(UpgradeError::Version);
        assert_eq!(wrong_version.headers()["sec-websocket-version"], "13");
    }
}
