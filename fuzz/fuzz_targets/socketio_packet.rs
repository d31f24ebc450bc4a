//! Socket.IO packets and their attachments, as one connection reads them, up to the arguments that a program gets.
//!
//! The input is cut at its bytes 0xff: a part that begins with 0xfe is an attachment, all others are texts.
#![no_main]

use std::collections::BTreeMap;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use serde_json::Value;
use socketio_server::socketio::{Connection, Incoming, Limits};
use socketio_server::{Binary, NamespaceName, Spread};

/// Anything that a client may send, bytes at any depth included.
#[derive(Deserialize)]
#[serde(untagged)]
#[expect(dead_code, reason = "only reading it is of interest")]
enum Any {
    Bytes(Binary),
    List(Vec<Any>),
    Object(BTreeMap<String, Any>),
    Plain(Value),
}

fuzz_target!(|input: &[u8]| {
    let limits = Limits::default();
    let mut connection = Connection::new();
    assert!(connection.on_text("0", &limits).is_ok());
    assert!(connection.join(&NamespaceName::ROOT, ()).is_some());
    for part in input.split(|byte| *byte == 0xff) {
        let read = match part {
            [0xfe, attachment @ ..] => connection.on_binary(Bytes::copy_from_slice(attachment), &limits).map(look),
            text => connection.on_text(&String::from_utf8_lossy(text), &limits).map(look),
        };
        // A violation ends the connection.
        if read.is_err() {
            return;
        }
    }
});

fn look(incoming: Incoming<'_>) {
    match incoming {
        Incoming::Event { payload, .. } => {
            let _ = (payload.event_name().len(), payload.arg_count());
            let _ = payload.args::<Spread<Vec<Any>>>();
            let _ = payload.args::<(String, u64)>();
            let _ = payload.first::<Any>();
        }
        Incoming::Ack { payload, .. } => {
            let _ = payload.args::<Spread<Vec<Any>>>();
        }
        _ => {}
    }
}
