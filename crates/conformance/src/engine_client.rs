//! For the tests of the official Engine.IO client: greets, sends messages back, and answers three of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use socketio_server::{
    BuildError, CloseReason, EngineHandler, EngineMessage, EngineSession, Handshake, Server, engineio,
};

/// The sentence that the suite expects.
const UTF8: &str = "пойду спать всем спокойной ночи";

/// The client keeps the first; the second is for TLS, and the others are over already.
const COOKIES: [&str; 4] = [
    "1=1; Max-Age=86400",
    "2=2; Path=/; HttpOnly; Secure; SameSite=Strict",
    "3=3; Max-Age=0",
    "4=4; Expires=Thu, 01 Jan 2026 00:00:00 GMT",
];

struct Companion;

impl EngineHandler for Companion {
    fn on_open(&self, session: &EngineSession, _: &Handshake) {
        session.send(EngineMessage::Text("hi".into()));
    }

    fn on_message(&self, session: &EngineSession, message: EngineMessage, headers: Option<&HeaderMap>) {
        let answer = match &message {
            EngineMessage::Text(text) => match text.as_str() {
                "give binary" => EngineMessage::Binary(vec![0, 1, 2, 3, 4].into()),
                "give utf8" => EngineMessage::Text(UTF8.into()),
                "sendHeaders" => EngineMessage::Text(headers.map(json).unwrap_or_default()),
                _ => message,
            },
            EngineMessage::Binary(_) => message,
        };
        session.send(answer);
    }

    fn on_close(&self, _: &EngineSession, _: CloseReason) {}
}

/// Headers as an object of texts.
pub(crate) fn headers_object(headers: &HeaderMap) -> BTreeMap<&str, &str> {
    headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect()
}

fn json(headers: &HeaderMap) -> String {
    serde_json::json!(headers_object(headers)).to_string()
}

pub(crate) fn server() -> Result<Server, BuildError> {
    let change = |config: &mut socketio_server::Config| {
        config.path = "/engine.io/".into();
        config.engine = engineio::Config {
            ping_interval: Duration::from_millis(500),
            max_payload: 100,
            ..engineio::Config::default()
        };
    };
    let admit = |handshake: Arc<Handshake>| async move {
        if handshake.query("deny").is_some() { Err("Forbidden".to_owned()) } else { Ok(()) }
    };
    let cookies = |_: &Handshake, headers: &mut HeaderMap| {
        for cookie in COOKIES {
            headers.append(header::SET_COOKIE, HeaderValue::from_static(cookie));
        }
    };
    Server::builder().configure(change).admission(admit).initial_headers(cookies).engine(Companion).build()
}
