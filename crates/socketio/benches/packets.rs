//! The cost of decoding and of encoding a packet.

use divan::{Bencher, black_box};
use socketio::{Connection, Incoming, Limits, NamespaceName, encode_ack_raw, encode_event_raw};

const MESSAGE: &str =
    r#"217["chat message","a text of about the length that people write in a chat","Qx7d_-ZZ-17"]"#;

fn main() {
    divan::main();
}

/// A `chat message` of a client, up to its two arguments.
#[divan::bench]
fn decode_an_event(bencher: Bencher<'_, '_>) {
    let limits = Limits::default();
    let mut connection = Connection::<()>::new();
    let connect = connection.on_text("0", &limits);
    assert!(matches!(connect, Ok(Incoming::Connect { .. })));
    connection.join(&NamespaceName::ROOT, ());
    bencher.bench_local(move || match connection.on_text(black_box(MESSAGE), &limits) {
        Ok(Incoming::Event { payload, .. }) => payload.args::<(&str, &str)>().is_ok(),
        _ => false,
    });
}

/// The same message on its way to everybody, with its number and its offset.
#[divan::bench]
fn encode_an_event() -> String {
    let args = r#""a text of about the length that people write in a chat",1234567"#;
    encode_event_raw(&NamespaceName::ROOT, "chat message", black_box(args), None, Some("1.4x9k2.qglj"))
}

/// The answer to its sender.
#[divan::bench]
fn encode_an_ack() -> String {
    encode_ack_raw(&NamespaceName::ROOT, socketio::AckId::new(black_box(17)), "")
}
