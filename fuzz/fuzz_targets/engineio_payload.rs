//! The body of a polling POST: packets that are decoded can be written down again, and are read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use socketio_server::engineio::{PayloadPacket, decode_payload};

fuzz_target!(|body: &[u8]| {
    let text = String::from_utf8_lossy(body);
    for packet in decode_payload(&text) {
        match packet {
            Ok(PayloadPacket::Text(packet)) => {
                let written = packet.to_string();
                let again = decode_payload(&written).next();
                assert!(matches!(again, Some(Ok(PayloadPacket::Text(again))) if again == packet));
            }
            // Base 64 has four letters for three bytes.
            Ok(PayloadPacket::Binary(data)) => assert!(data.len() <= body.len()),
            Err(_) => {}
        }
    }
});
