//! The small conversions of the public types: every form of a value says the same, and `Debug` shows nothing that does
//! not belong in logs.

use std::sync::Arc;

use bytes::Bytes;

use crate::binary::Binary;
use crate::connection::{Connection, Incoming};
use crate::encode::RawArgs;
use crate::event::EventName;
use crate::keys::Keys;
use crate::limits::Limits;
use crate::namespace::NamespaceName;
use crate::offset::Offset;
use crate::packet::{AckId, Packet};
use crate::payload::Payload;
use crate::private_id::Lineage;
use crate::socket_id::SocketId;

/// Calls `with` on the payload of `text`, which is an event.
fn with_payload<T>(text: &str, with: impl FnOnce(&Payload<'_>) -> T) -> T {
    let (mut connection, limits) = (Connection::new(), Limits::default());
    connection.on_text("0", &limits).unwrap();
    connection.join(&NamespaceName::ROOT, ()).unwrap();
    let Incoming::Event { payload, .. } = connection.on_text(text, &limits).unwrap() else { unreachable!() };
    with(&payload)
}

#[test]
fn bytes_stay_the_same_in_every_form() {
    let bytes = [3, 1, 4];
    assert_eq!(Binary::from(Bytes::copy_from_slice(&bytes)).as_ref(), bytes);
    assert_eq!(Binary::from(bytes.to_vec()).as_ref(), bytes);
}

#[test]
fn names_and_ids_have_one_text() {
    let name = EventName::new("chat").unwrap();
    assert_eq!((name.as_ref(), name.to_string().as_str(), name.as_str()), ("chat", "chat", "chat"));
    let namespace: NamespaceName = "/admin".parse().unwrap();
    assert_eq!((namespace.as_ref(), namespace.to_string().as_str()), ("/admin", "/admin"));
    assert_eq!(format!("{namespace:?}"), "\"/admin\"");
    let id = SocketId::from_bytes([7; 15]);
    assert_eq!(id.to_string().parse(), Ok(id));
    assert_eq!(&*Arc::<str>::from(id), "BwcHBwcHBwcHBwcHBwcH");
    assert_eq!(format!("{id:?}"), "SocketId(BwcHBwcHBwcHBwcHBwcH)");
    assert_eq!(AckId::new(47).to_string(), "47");
    let offset = Offset { log: 35, epoch: 36, position: 0 };
    assert_eq!((offset.to_string().as_str(), "z.10.0".parse()), ("z.10.0", Ok(offset)));
}

#[test]
fn a_payload_is_passed_on_as_it_came() {
    with_payload(r#"2["a","b",{"c":1}]"#, |payload| {
        let RawArgs { json, attachments } = payload.into();
        assert_eq!((json, attachments.len()), (r#""b",{"c":1}"#, 0));
    });
}

#[test]
fn debug_output_shows_sizes_and_no_content() {
    let packet = Packet::decode(r#"2/admin,5["chat","secret"]"#).unwrap();
    let shown = "Packet { kind: Event, attachments: 0, namespace: \"/admin\", ack: Some(AckId(5)), data_bytes: 17, .. }";
    assert_eq!(format!("{packet:?}"), shown);
    with_payload(r#"2["chat","secret"]"#, |payload| {
        let shown = "Payload { event_name: \"chat\", arg_count: 1, json_bytes: 17, attachments: 0 }";
        assert_eq!(format!("{payload:?}"), shown);
    });
    let mut connection = Connection::<()>::new();
    let incoming = connection.on_text(r#"0{"token":"t0p"}"#, &Limits::default()).unwrap();
    let Incoming::Connect { auth, .. } = incoming else { unreachable!() };
    assert_eq!(format!("{auth:?}"), "AuthPayload(15 bytes)");
    assert_eq!(format!("{:?}", Lineage::from_bytes([3; 16])), "Lineage(..)");
    assert_eq!(format!("{:?}", Keys::new([1; 32]).with_retired([2; 32])), "Keys { retired: 1, .. }");
}

/// A program is told what it asked for.
#[test]
fn an_unexpected_argument_is_told_by_what_was_expected() {
    let error = with_payload(r#"2["chat","secret"]"#, |payload| payload.args::<Binary>().unwrap_err());
    assert!(error.to_string().contains("expected bytes"), "{error}");
}

/// They are in the documentation, and programs rely on them.
#[test]
fn default_limits_are_those_of_the_documentation() {
    let limits = Limits::default();
    assert_eq!((limits.namespaces, limits.departed_namespaces), (8, 8));
    assert_eq!((limits.attachment_bytes, limits.event_name_bytes), (1_000_000, 128));
}
