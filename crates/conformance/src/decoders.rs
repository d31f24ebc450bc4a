//! `conformance decoders`: reads one case per line, and writes what the decoders make of it, one line each.
//!
//! For tests/e2e/decoders.test.mjs, which compares that with what Node's decoders make of the same. Cases and results are
//! JSON; bytes are in hexadecimal. It goes the way that a message goes in the server, as far as no socket is needed.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

use serde::Deserialize;
use serde_json::{Value, json};
use socketio_server::engineio::{PayloadPacket, Query, decode_payload};
use socketio_server::socketio::{ArgsError, Connection, Incoming, Limits, Packet};
use socketio_server::{Binary, NamespaceName, Payload, Spread};

/// What is to be decoded.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "input")]
enum Case {
    /// A binary message of a polling payload, without its letter.
    Base64(String),
    /// The body of a POST, as bytes.
    Utf8(String),
    /// A polling payload.
    Payload(String),
    /// A query string.
    Query(String),
    /// A Socket.IO packet as text.
    Packet(String),
    /// The JSON of one argument, read as any value.
    Json(String),
    /// A binary event and its attachments.
    Binary { text: String, attachments: Vec<String> },
}

/// Anything that a client may send, bytes at any depth included.
#[derive(Deserialize)]
#[serde(untagged)]
enum Any {
    Bytes(Binary),
    List(Vec<Any>),
    Object(BTreeMap<String, Any>),
    Plain(Value),
}

/// Answers every line of the input.
pub(crate) fn run() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let case: Case = serde_json::from_str(&line?)?;
        writeln!(out, "{}", decode(case))?;
    }
    out.flush()
}

fn decode(case: Case) -> Value {
    match case {
        Case::Base64(text) => payload(&format!("b{text}")),
        Case::Utf8(bytes) => json!(String::from_utf8_lossy(&unhex(&bytes))),
        Case::Payload(text) => payload(&text),
        Case::Query(text) => query(&text),
        Case::Packet(text) => packet(&text),
        Case::Json(text) => event(&format!(r#"2["a",{text}]"#), &[], |payload| payload.first()),
        Case::Binary { text, attachments } => event(&text, &attachments, |payload| {
            payload.args::<Spread<Vec<Any>>>().map(|Spread(args)| args.into_iter().map(shown).collect())
        }),
    }
}

fn payload(text: &str) -> Value {
    decode_payload(text)
        .map(|packet| match packet {
            Ok(PayloadPacket::Text(packet)) => json!([packet.kind.digit(), packet.data]),
            Ok(PayloadPacket::Binary(data)) => json!(["b", hex(&data)]),
            Err(_) => json!("error"),
        })
        .collect()
}

fn query(text: &str) -> Value {
    let Query { eio, transport, sid } = Query::parse(text);
    json!({ "EIO": eio, "transport": transport, "sid": sid })
}

fn packet(text: &str) -> Value {
    // A connection replaces halves of surrogate pairs before; without a pair there is nothing to be seen of that.
    match Packet::decode(text) {
        Ok(packet) => json!({
            "type": packet.kind.digit() - b'0',
            "attachments": packet.attachments,
            "namespace": packet.namespace,
            "id": packet.ack.map(|id| id.to_string()),
            "data": packet.data,
        }),
        Err(_) => json!("error"),
    }
}

/// What a program gets of an event: its name and its arguments, unless they do not fit or the connection is closed.
fn event(
    text: &str,
    attachments: &[String],
    read: impl FnOnce(&Payload<'_>) -> Result<Value, ArgsError>,
) -> Value {
    let limits = Limits::default();
    let mut connection = Connection::new();
    let joined =
        connection.on_text("0", &limits).is_ok() && connection.join(&NamespaceName::ROOT, ()).is_some();
    assert!(joined, "a connection may join the main namespace");
    let mut incoming = connection.on_text(text, &limits);
    for bytes in attachments {
        // What follows a complete packet is not for it.
        if matches!(incoming, Ok(Incoming::Nothing)) {
            incoming = connection.on_binary(unhex(bytes).into(), &limits);
        }
    }
    match incoming {
        Ok(Incoming::Event { payload, .. }) => match read(&payload) {
            Ok(args) => json!({ "name": payload.event_name(), "args": args }),
            Err(_) => json!("misfit"),
        },
        Ok(_) => json!("incomplete"),
        Err(_) => json!("closed"),
    }
}

fn shown(any: Any) -> Value {
    match any {
        Any::Bytes(bytes) => json!({ "$bytes": hex(bytes.as_ref()) }),
        Any::List(list) => list.into_iter().map(shown).collect(),
        Any::Object(object) => object.into_iter().map(|(key, value)| (key, shown(value))).collect(),
        Any::Plain(value) => value,
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits
        .chunks(2)
        .filter_map(|pair| u8::try_from(pair.iter().fold(0, |byte, digit| byte * 16 + digit)).ok())
        .collect()
}
