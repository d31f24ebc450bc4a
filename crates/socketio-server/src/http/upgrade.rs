//! The opening handshake of a WebSocket, as far as headers decide it.
//!
//! It checks a request by RFC 6455 section 4.2.1 and writes the 101. It never offers an extension or a subprotocol.
//! Routes, session ids and origins are checked elsewhere, before.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use thiserror::Error;
use tungstenite::handshake::machine::TryParse as _;
use tungstenite::handshake::server::write_response;

use crate::http::facts::names_one_host;
use crate::planted::edge::{self, EdgeBug};

/// Why a WebSocket request is refused. The text is the body of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum UpgradeError {
    #[error("Invalid HTTP method")]
    Method,
    #[error("Invalid Upgrade header")]
    Upgrade,
    #[error("Missing or invalid Sec-WebSocket-Version header")]
    Version,
    #[error("Missing or invalid Sec-WebSocket-Key header")]
    Key,
    /// One side would read what follows as a body, the other as frames.
    #[error("A WebSocket handshake has no body")]
    Body,
}

/// Whether the request asks for a WebSocket; other parts of it may still be wrong.
pub(crate) fn asks_for_websocket(headers: &HeaderMap) -> bool {
    has_token(headers, header::CONNECTION, "upgrade") && has_token(headers, header::UPGRADE, "websocket")
}

/// The answer that opens the connection.
pub(crate) fn accept(method: &Method, headers: &HeaderMap) -> Result<Response<()>, UpgradeError> {
    if method != Method::GET {
        return Err(UpgradeError::Method);
    }
    if !asks_for_websocket(headers) {
        return Err(UpgradeError::Upgrade);
    }
    if has_body(headers) {
        return Err(UpgradeError::Body);
    }
    let is_version = |version: &HeaderValue| version == "13" || edge::is(EdgeBug::AcceptsAnyVersion);
    if !only(headers, header::SEC_WEBSOCKET_VERSION).is_some_and(is_version) {
        return Err(UpgradeError::Version);
    }
    let key = only(headers, header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).ok_or(UpgradeError::Key)?;
    if !is_nonce(key) && !edge::is(EdgeBug::AcceptsAnyKey) {
        return Err(UpgradeError::Key);
    }
    let accept = HeaderValue::try_from(accept_key(key)).map_err(|_| UpgradeError::Key)?;
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let fields = response.headers_mut();
    fields.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    fields.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    fields.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    if edge::is(EdgeBug::AgreesToExtensions)
        && let Some(wanted) = headers.get(header::SEC_WEBSOCKET_EXTENSIONS)
    {
        fields.insert(header::SEC_WEBSOCKET_EXTENSIONS, wanted.clone());
    }
    Ok(response)
}

/// A complete WebSocket request at the start of what a client sent, and its length.
///
/// `None` is no verdict: hyper handles a request that is incomplete or malformed, or has a body or over a hundred
/// fields.
pub(crate) fn parse(bytes: &[u8]) -> Option<(Request<()>, usize)> {
    let (len, request) = Request::try_parse(bytes).ok()??;
    let headers = request.headers();
    let is_usual = !headers.contains_key(header::CONTENT_LENGTH)
        && !headers.contains_key(header::TRANSFER_ENCODING)
        && (names_one_host(&request) || edge::is(EdgeBug::OpensForTwoHosts));
    is_usual.then_some((request, len))
}

/// The bytes of an answer.
pub(crate) fn encode(answer: &Response<()>) -> Option<Bytes> {
    const USUAL_BYTES: usize = 160;
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    write_response(&mut bytes, answer).ok()?;
    Some(bytes.into())
}

/// The `Sec-WebSocket-Accept` value for a `Sec-WebSocket-Key`.
pub(crate) fn accept_key(key: &[u8]) -> String {
    tungstenite::handshake::derive_accept_key(key)
}

/// Sixteen bytes in base64: 22 digits and two padding characters.
fn is_nonce(key: &[u8]) -> bool {
    let digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    match key.split_last_chunk::<2>() {
        Some((digits, b"==")) => digits.len() == 22 && digits.iter().all(digit),
        Some(_) | None => false,
    }
}

fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get_all(header::CONTENT_LENGTH).iter().any(|length| length != "0")
}

fn only(headers: &HeaderMap, name: HeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|member| member.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(changes: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("connection", HeaderValue::from_static("keep-alive, Upgrade"));
        headers.insert("upgrade", HeaderValue::from_static("websocket"));
        headers.insert("sec-websocket-version", HeaderValue::from_static("13"));
        headers.insert("sec-websocket-key", HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ=="));
        for (name, value) in changes {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn check(changes: &[(&'static str, &'static str)], expected: Result<&str, UpgradeError>) {
        let answer = accept(&Method::GET, &request(changes));
        let accepted = answer.map(|response| response.headers()["sec-websocket-accept"].clone());
        assert_eq!(accepted.as_ref().map(|value| value.to_str().unwrap()).map_err(|error| *error), expected);
    }

    #[test]
    fn the_key_of_the_rfc_gets_the_answer_of_the_rfc() {
        check(&[], Ok("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        check(&[("content-length", "0")], Ok("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    }

    #[test]
    fn a_request_that_is_not_quite_right_is_refused_for_its_reason() {
        check(&[("upgrade", "h2c")], Err(UpgradeError::Upgrade));
        check(&[("connection", "keep-alive")], Err(UpgradeError::Upgrade));
        check(&[("content-length", "5")], Err(UpgradeError::Body));
        check(&[("transfer-encoding", "chunked")], Err(UpgradeError::Body));
        check(&[("sec-websocket-version", "8")], Err(UpgradeError::Version));
        check(&[("sec-websocket-key", "short==")], Err(UpgradeError::Key));
        check(&[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=\u{20}")], Err(UpgradeError::Key));
        assert_eq!(accept(&Method::POST, &request(&[])).unwrap_err(), UpgradeError::Method);
    }

    #[test]
    fn a_whole_request_is_parsed_and_what_follows_is_left() {
        let bytes = b"GET /socket.io/?EIO=4 HTTP/1.1\r\nhost: a\r\nUpgrade: websocket\r\n\r\n\x81\x80";
        let (request, len) = parse(bytes).unwrap();
        assert_eq!(&bytes[len..], b"\x81\x80");
        assert_eq!(request.uri(), "/socket.io/?EIO=4");
        assert_eq!(request.headers()["upgrade"], "websocket");
    }

    #[test]
    fn what_is_torn_or_unusual_is_left_to_http() {
        for bytes in [
            "",
            "GET / HTTP/1.1\r\nhost: a\r\n",
            "GET / HTTP/1.0\r\nhost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx",
            "GET / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\nno header\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
            &format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", "a: b\r\n".repeat(1_000)),
        ] {
            assert!(parse(bytes.as_bytes()).is_none(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_nor_takes_more_than_there_is(
            head in r"(GET|POST|) ?[!-~]{0,20} ?HTTP/1.[01]\r\n([a-z-]{0,12}: ?[ -~]{0,12}\r\n){0,4}\r?\n?",
            rest: Vec<u8>,
        ) {
            let bytes = [head.as_bytes(), &rest].concat();
            prop_assert!(parse(&bytes).is_none_or(|(_, len)| len <= bytes.len()));
        }
    }

    #[test]
    fn an_answer_goes_out_with_all_its_headers() {
        let mut answer = accept(&Method::GET, &request(&[])).unwrap();
        answer.headers_mut().insert("vary", HeaderValue::from_static("Origin"));
        let text = String::from_utf8(encode(&answer).unwrap().to_vec()).unwrap();
        let (status, rest) = text.split_once("\r\n").unwrap();
        assert_eq!(status, "HTTP/1.1 101 Switching Protocols");
        for header in [
            "upgrade: websocket",
            "connection: Upgrade",
            "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
            "vary: Origin",
        ] {
            assert!(rest.contains(&format!("{header}\r\n")), "{rest}");
        }
        assert!(rest.ends_with("\r\n\r\n"));
    }

    #[test]
    fn two_keys_are_no_key() {
        let mut headers = request(&[]);
        headers.append("sec-websocket-key", HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ=="));
        assert_eq!(accept(&Method::GET, &headers).unwrap_err(), UpgradeError::Key);
    }

    #[test]
    fn extensions_are_never_accepted() {
        let headers = request(&[("sec-websocket-extensions", "permessage-deflate")]);
        let response = accept(&Method::GET, &headers).unwrap();
        assert!(!response.headers().contains_key("sec-websocket-extensions"));
    }
}
