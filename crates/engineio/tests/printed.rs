//! What the types print: names as they are on the wire and in Node, and no session id.

use std::time::Duration;

use engineio::{CloseReason, OpenPacket, Query, TransportKind};

#[test]
fn names_are_printed_as_they_are_sent() {
    assert_eq!(TransportKind::WebSocket.to_string(), "websocket");
    assert_eq!(TransportKind::Polling.to_string(), "polling");
    assert_eq!(CloseReason::PingTimeout.to_string(), "ping timeout");
}

#[test]
fn debug_output_shows_everything_but_the_session_id() {
    let open = OpenPacket {
        sid: "secret",
        upgrades: &[TransportKind::WebSocket],
        ping_interval: Duration::from_secs(25),
        ping_timeout: Duration::from_secs(20),
        max_payload: 1_000,
    };
    assert_eq!(
        format!("{open:?}"),
        "OpenPacket { sid: <redacted>, upgrades: [WebSocket], ping_interval: 25s, ping_timeout: 20s, max_payload: 1000 }"
    );
    let query = Query::parse("EIO=4&transport=polling&sid=secret");
    assert_eq!(
        format!("{query:?}"),
        r#"Query { eio: Some("4"), transport: Some("polling"), sid: Some(<redacted>) }"#
    );
}
