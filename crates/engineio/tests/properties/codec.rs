//! Reading undoes writing, and reading never panics.
//!
//! Arbitrary text seldom looks like a payload, so half of the input is built from pieces that do.

use std::time::Duration;

use engineio::{
    DecodeError, OpenPacket, PacketKind, PayloadPacket, PayloadWriter, SEPARATOR, TextPacket, TransportKind,
    decode_payload,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

pub(crate) fn kinds() -> impl Strategy<Value = PacketKind> {
    select(&PacketKind::ALL)
}

/// Text that is a payload, is nearly one, or is anything at all.
fn texts() -> impl Strategy<Value = String> {
    let pieces = select(vec![
        "\u{1e}", "b", "4", "0", "6", "7", "AQID", "AA==", "A", "=", "\n", "ö", "2probe", "\u{0}",
    ]);
    prop_oneof![any::<String>(), vec(pieces, 0..24).prop_map(|pieces| pieces.concat())]
}

/// A packet of our own, as the writer takes it.
#[derive(Clone, Debug)]
enum Written {
    Text(PacketKind, String),
    Binary(Vec<u8>),
}

fn written() -> impl Strategy<Value = Written> {
    let data = any::<String>().prop_map(|text| text.replace(SEPARATOR, ""));
    prop_oneof![
        (kinds(), data).prop_map(|(kind, data)| Written::Text(kind, data)),
        vec(any::<u8>(), 0..40).prop_map(Written::Binary),
    ]
}

fn write(packets: &[Written]) -> PayloadWriter {
    let mut payload = PayloadWriter::new();
    for packet in packets {
        match packet {
            Written::Text(kind, data) => payload.push_text(*kind, data),
            Written::Binary(data) => payload.push_binary(data),
        }
    }
    payload
}

fn read(packet: &Written) -> PayloadPacket<'_> {
    match packet {
        Written::Text(kind, data) => PayloadPacket::Text(TextPacket { kind: *kind, data }),
        Written::Binary(data) => PayloadPacket::Binary(data.clone()),
    }
}

proptest! {
    #[test]
    fn a_packet_is_read_as_it_was_written(kind in kinds(), data in any::<String>()) {
        let packet = TextPacket { kind, data: &data };
        let text = packet.to_string();
        prop_assert_eq!(TextPacket::decode(&text), Ok(packet));
    }

    #[test]
    fn any_text_is_a_packet_or_an_error_and_says_nothing_new(text in texts()) {
        match TextPacket::decode(&text) {
            Ok(packet) => prop_assert_eq!(packet.to_string(), text),
            Err(DecodeError::Empty) => prop_assert_eq!(text, ""),
            Err(error) => {
                prop_assert_eq!(error, DecodeError::UnknownKind);
                prop_assert!(!text.starts_with(|first: char| ('0'..='6').contains(&first)));
            }
        }
    }

    #[test]
    fn a_payload_is_read_as_it_was_written(packets in vec(written(), 1..8)) {
        let payload = write(&packets);
        prop_assert!(!payload.is_empty());
        let size = payload.len();
        let text = payload.finish();
        prop_assert_eq!(text.len(), size);
        let decoded: Result<Vec<_>, _> = decode_payload(&text).collect();
        let expected: Vec<_> = packets.iter().map(read).collect();
        prop_assert_eq!(decoded, Ok(expected));
    }

    #[test]
    fn raw_packets_are_written_like_others(packets in vec((kinds(), "[^\u{1e}]*"), 1..8)) {
        let mut plain = PayloadWriter::new();
        let mut raw = PayloadWriter::new();
        for (kind, data) in &packets {
            plain.push_text(*kind, data);
            raw.push_text_raw(&TextPacket { kind: *kind, data }.to_string());
        }
        prop_assert_eq!(raw.finish(), plain.finish());
    }

    #[test]
    fn any_payload_yields_packets_and_at_most_one_error_at_the_end(text in texts()) {
        let decoded: Vec<_> = decode_payload(&text).collect();
        prop_assert!(!decoded.is_empty());
        prop_assert!(decoded.len() <= text.matches(SEPARATOR).count() + 1);
        let (_, before) = decoded.split_last().expect("not empty");
        prop_assert!(before.iter().all(Result::is_ok));
    }

    #[test]
    fn a_payload_that_can_be_read_is_written_back_with_its_packets(text in texts()) {
        let decoded: Result<Vec<_>, _> = decode_payload(&text).collect();
        if let Ok(packets) = decoded {
            let mut payload = PayloadWriter::new();
            // Base64 is read in more forms than it is written in.
            let is_text = packets.iter().all(|packet| matches!(packet, PayloadPacket::Text(_)));
            for packet in &packets {
                match packet {
                    PayloadPacket::Text(packet) => payload.push_text(packet.kind, packet.data),
                    PayloadPacket::Binary(data) => payload.push_binary(data),
                }
            }
            prop_assert_eq!(payload.packets(), packets.len());
            let written = payload.finish();
            prop_assert!(!is_text || written == text);
            prop_assert_eq!(decode_payload(&written).collect::<Result<Vec<_>, _>>(), Ok(packets));
        }
    }

    #[test]
    fn an_open_packet_is_json_without_separators(
        sid in any::<String>(),
        interval in any::<u64>(),
        timeout in any::<u32>(),
        max_payload in any::<usize>(),
    ) {
        let open_packet = OpenPacket {
            sid: &sid,
            upgrades: TransportKind::Polling.upgrades(),
            ping_interval: Duration::from_millis(interval),
            ping_timeout: Duration::from_millis(timeout.into()),
            max_payload,
        }
        .encode();
        let packet = TextPacket::decode(&open_packet).expect("a packet");
        prop_assert_eq!(packet.kind, PacketKind::Open);
        let json: serde_json::Value = serde_json::from_str(packet.data).expect("JSON");
        let expected = serde_json::json!({
            "sid": sid,
            "upgrades": ["websocket"],
            "pingInterval": interval,
            "pingTimeout": timeout,
            "maxPayload": max_payload,
        });
        prop_assert_eq!(json, expected);
        prop_assert!(!open_packet.contains(SEPARATOR));
    }
}
