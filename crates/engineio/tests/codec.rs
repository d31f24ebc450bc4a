//! The text of packets, payloads, handshakes and errors, exactly as sent.
//!
//! These are examples; `properties` shows for all inputs that reading undoes writing.

use std::time::Duration;

use engineio::{
    CloseReason, DecodeError, ErrorCode, OpenPacket, PROBE_ANSWER, PacketKind, PayloadPacket, PayloadWriter,
    TextPacket, TransportKind, decode_payload,
};
use expect_test::{Expect, expect};

#[test]
fn every_type_has_its_digit() {
    let digits: String = PacketKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(digits, "0123456");
    for kind in PacketKind::ALL {
        assert_eq!(PacketKind::from_digit(kind.digit()), Some(kind));
        assert_eq!(PacketKind::from_byte(kind.byte()), Some(kind));
        assert_eq!(kind.as_str().as_bytes(), [kind.byte()]);
    }
}

#[test]
fn seven_and_everything_around_the_digits_is_no_type() {
    for byte in [b'/', b'7', b'9', b'b', b' ', 0, 255] {
        assert_eq!(PacketKind::from_byte(byte), None, "byte {byte}");
    }
    for digit in [7, 9, b'0', 255] {
        assert_eq!(PacketKind::from_digit(digit), None, "digit {digit}");
    }
}

#[track_caller]
fn check_packet(text: &str, kind: PacketKind, data: &str) {
    let packet = TextPacket::decode(text);
    assert_eq!(packet, Ok(TextPacket { kind, data }));
    assert_eq!(TextPacket { kind, data }.to_string(), text);
}

#[test]
fn a_packet_is_a_digit_and_the_rest() {
    check_packet("0{\"sid\":\"x\"}", PacketKind::Open, "{\"sid\":\"x\"}");
    check_packet("1", PacketKind::Close, "");
    check_packet("2", PacketKind::Ping, "");
    check_packet("2probe", PacketKind::Ping, "probe");
    check_packet(PROBE_ANSWER, PacketKind::Pong, "probe");
    check_packet("4", PacketKind::Message, "");
    check_packet("42[\"hi ada\"]", PacketKind::Message, "2[\"hi ada\"]");
    check_packet("5", PacketKind::Upgrade, "");
    check_packet("6", PacketKind::Noop, "");
}

#[test]
fn data_may_be_of_any_language_and_hold_any_control_character() {
    check_packet("4čeština 日本語 🦀", PacketKind::Message, "čeština 日本語 🦀");
    check_packet("4a\0b\nc\u{1e}", PacketKind::Message, "a\0b\nc\u{1e}");
}

#[test]
fn a_packet_without_a_digit_is_refused() {
    for (text, error) in [
        ("", DecodeError::Empty),
        ("7", DecodeError::UnknownKind),
        ("hello", DecodeError::UnknownKind),
        (" 4", DecodeError::UnknownKind),
        ("bAQID", DecodeError::UnknownKind),
        // Digits of other scripts, and a character whose low byte would be a digit.
        ("٤", DecodeError::UnknownKind),
        ("\u{134}", DecodeError::UnknownKind),
    ] {
        assert_eq!(TextPacket::decode(text), Err(error), "{text:?}");
    }
}

fn check_payload(payload: &str, expected: &Expect) {
    let mut lines = String::new();
    for packet in decode_payload(payload) {
        let line = match packet {
            Ok(PayloadPacket::Text(TextPacket { kind, data })) => format!("{kind:?} {data:?}"),
            Ok(PayloadPacket::Binary(data)) => format!("Binary {data:?}"),
            Err(error) => format!("error: {error}"),
        };
        lines.push_str(&line);
        lines.push('\n');
    }
    expected.assert_eq(&lines);
}

#[test]
fn a_payload_of_one_packet_has_no_separator() {
    check_payload(
        "4hello",
        &expect![[r#"
            Message "hello"
        "#]],
    );
}

#[test]
fn packets_of_a_payload_keep_their_order() {
    check_payload(
        "2\u{1e}4a\u{1e}4\u{1e}bAA==\u{1e}4€",
        &expect![[r#"
            Ping ""
            Message "a"
            Message ""
            Binary [0]
            Message "€"
        "#]],
    );
}

#[test]
fn a_binary_message_has_no_type_digit_and_may_be_empty() {
    check_payload(
        "b\u{1e}b/+8=\u{1e}bAQIDBA==",
        &expect![[r"
            Binary []
            Binary [255, 239]
            Binary [1, 2, 3, 4]
        "]],
    );
}

#[test]
fn a_payload_stops_at_the_first_packet_that_cannot_be_read() {
    check_payload(
        "4first\u{1e}nonsense\u{1e}4never",
        &expect![[r#"
            Message "first"
            error: unknown packet type
        "#]],
    );
}

#[test]
fn an_empty_payload_is_an_empty_packet() {
    check_payload(
        "",
        &expect![[r"
            error: empty packet
        "]],
    );
}

#[test]
fn a_separator_too_many_is_an_empty_packet() {
    check_payload(
        "4a\u{1e}",
        &expect![[r#"
            Message "a"
            error: empty packet
        "#]],
    );
    check_payload(
        "\u{1e}4a",
        &expect![[r"
            error: empty packet
        "]],
    );
}

#[test]
fn base64_is_read_as_every_client_writes_it() {
    for packet in ["b/+8=", "b/-8=", "b_-8", "b/+8", "b/+8=\n", "b /\r\n+8=", "b/+9=", "b/+8=AA==", "b/é+8"]
    {
        assert_eq!(PayloadPacket::decode(packet), Ok(PayloadPacket::Binary(vec![0xff, 0xef])), "{packet:?}");
    }
    assert_eq!(PayloadPacket::decode("b="), Ok(PayloadPacket::Binary(Vec::new())));
}

#[test]
fn a_payload_is_written_as_it_is_read() {
    let mut payload = PayloadWriter::new();
    assert!(payload.is_empty());
    payload.push_text(PacketKind::Ping, "");
    payload.push_text_raw("42[\"chat message\",\"hi\"]");
    payload.push_binary(&[0xff, 0xef]);
    payload.push_binary(&[]);
    payload.push_text(PacketKind::Message, "ö");
    assert!(!payload.is_empty());
    let size = payload.len();
    let text = payload.finish();
    assert_eq!(text, "2\u{1e}42[\"chat message\",\"hi\"]\u{1e}b/+8=\u{1e}b\u{1e}4ö");
    assert_eq!(text.len(), size, "the size is in bytes");
}

#[test]
fn a_polling_handshake_offers_the_websocket() {
    let open_packet = OpenPacket {
        sid: "lv_VI97HAXpY6yYWAAAB",
        upgrades: TransportKind::Polling.upgrades(),
        ping_interval: Duration::from_millis(300),
        ping_timeout: Duration::from_millis(200),
        max_payload: 1_000_000,
    };
    assert_eq!(
        open_packet.encode(),
        r#"0{"sid":"lv_VI97HAXpY6yYWAAAB","upgrades":["websocket"],"pingInterval":300,"pingTimeout":200,"maxPayload":1000000}"#
    );
}

#[test]
fn a_websocket_handshake_offers_nothing_and_whole_milliseconds() {
    let open_packet = OpenPacket {
        sid: "a\"b",
        upgrades: TransportKind::WebSocket.upgrades(),
        ping_interval: Duration::from_micros(2_500),
        ping_timeout: Duration::MAX,
        max_payload: 0,
    };
    assert_eq!(
        open_packet.encode(),
        r#"0{"sid":"a\"b","upgrades":[],"pingInterval":2,"pingTimeout":18446744073709551615,"maxPayload":0}"#
    );
}

#[test]
fn every_error_has_its_status_and_body() {
    for (error, status, body) in [
        (ErrorCode::UnknownTransport, 400, r#"{"code":0,"message":"Transport unknown"}"#),
        (ErrorCode::UnknownSid, 400, r#"{"code":1,"message":"Session ID unknown"}"#),
        (ErrorCode::BadHandshakeMethod, 400, r#"{"code":2,"message":"Bad handshake method"}"#),
        (ErrorCode::BadRequest, 400, r#"{"code":3,"message":"Bad request"}"#),
        (ErrorCode::Forbidden, 403, r#"{"code":4,"message":"Forbidden"}"#),
        (
            ErrorCode::UnsupportedProtocolVersion,
            400,
            r#"{"code":5,"message":"Unsupported protocol version"}"#,
        ),
    ] {
        assert_eq!((error.status(), error.body().as_str()), (status, body));
    }
}

#[test]
fn an_application_may_word_its_refusal() {
    let body = ErrorCode::Forbidden.body_with("cleo is \"out\"\n");
    assert_eq!(body, r#"{"code":4,"message":"cleo is \"out\"\n"}"#);
}

#[test]
fn close_reasons_are_worded_as_clients_know_them() {
    let reasons = [
        CloseReason::TransportClose,
        CloseReason::TransportError,
        CloseReason::PingTimeout,
        CloseReason::ParseError,
        CloseReason::ForcedClose,
        CloseReason::ForcedServerClose,
        CloseReason::ServerShuttingDown,
    ];
    assert_eq!(
        reasons.map(CloseReason::as_str).join(", "),
        "transport close, transport error, ping timeout, parse error, forced close, forced server close, \
         server shutting down"
    );
}

#[test]
fn transports_are_named_exactly() {
    for kind in [TransportKind::Polling, TransportKind::WebSocket] {
        assert_eq!(TransportKind::parse(kind.as_str()), Some(kind));
    }
    for name in ["", "Polling", "websocket ", "webtransport", "flashsocket"] {
        assert_eq!(TransportKind::parse(name), None, "{name:?}");
    }
}
