//! Encoded packets, byte for byte, and that decoding returns what was encoded.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};

use super::*;
use crate::binary::Binary;
use crate::packet::Packet;
use crate::payload::Payload;
use crate::spread::Spread;

const ROOT: NamespaceName = NamespaceName::ROOT;

fn event<A: Serialize + ?Sized>(args: &A) -> String {
    encode_event(&ROOT, "a", args, None, None).unwrap().text
}

fn answer<A: Serialize + ?Sized>(args: &A) -> String {
    encode_ack(&ROOT, AckId::new(1), args).unwrap().text
}

fn bytes(text: &'static str) -> Binary {
    Binary(Bytes::from_static(text.as_bytes()))
}

#[derive(Serialize)]
struct Point {
    y: i32,
    x: f64,
}

#[derive(Serialize)]
struct Wrapped(Vec<u8>);

#[derive(Serialize)]
struct Pair(u8, u8);

#[derive(Serialize)]
struct Nothing;

#[derive(Serialize)]
enum Shape {
    Dot,
    Circle(u8),
    Line(u8, u8),
    Square { side: u8 },
}

#[test]
fn a_tuple_is_several_arguments() {
    assert_eq!(event(&(1, "b", None::<u8>)), r#"2["a",1,"b",null]"#);
    assert_eq!(event(&[1, 2]), r#"2["a",1,2]"#);
    assert_eq!(event(&(vec![1],)), r#"2["a",[1]]"#);
    assert_eq!(answer(&(1, 2)), "31[1,2]");
}

#[test]
fn a_list_is_one_argument() {
    assert_eq!(event(&vec![vec![1], vec![]]), r#"2["a",[[1],[]]]"#);
    assert_eq!(event([1, 2].as_slice()), r#"2["a",[1,2]]"#);
    assert_eq!(event(&json!([{"b": [1]}, null])), r#"2["a",[{"b":[1]},null]]"#);
    assert_eq!(event(&std::collections::BTreeSet::from([1, 2])), r#"2["a",[1,2]]"#);
    assert_eq!(answer(&vec![1, 2]), "31[[1,2]]");
    assert_eq!(answer(&Vec::<u8>::new()), "31[[]]");
    assert_eq!(encode_event(&ROOT, "a", &vec![1], None, Some("o")).unwrap().text, r#"2["a",[1],"o"]"#);
}

#[test]
fn a_spread_list_is_several_arguments() {
    assert_eq!(event(&Spread(vec![vec![1], vec![]])), r#"2["a",[1],[]]"#);
    assert_eq!(event(&Spread([1, 2].as_slice())), r#"2["a",1,2]"#);
    assert_eq!(answer(&Spread(Vec::<u8>::new())), "31[]");
    // As one of several arguments it is a list.
    assert_eq!(event(&(1, Spread(vec![2, 3]))), r#"2["a",1,[2,3]]"#);
}

#[test]
fn unit_is_no_argument() {
    assert_eq!(event(&()), r#"2["a"]"#);
    assert_eq!(answer(&()), "31[]");
}

#[test]
fn anything_else_is_one_argument() {
    assert_eq!(event("b"), r#"2["a","b"]"#);
    assert_eq!(event(&true), r#"2["a",true]"#);
    assert_eq!(event(&'c'), r#"2["a","c"]"#);
    assert_eq!(event(&-1_i64), r#"2["a",-1]"#);
    assert_eq!(event(&u64::MAX), r#"2["a",18446744073709551615]"#);
    assert_eq!(event(&2.0), r#"2["a",2]"#);
    assert_eq!(event(&None::<u8>), r#"2["a",null]"#);
    assert_eq!(event(&Some((1, 2))), r#"2["a",[1,2]]"#);
    assert_eq!(event(&Point { y: 1, x: 0.5 }), r#"2["a",{"y":1,"x":0.5}]"#);
    assert_eq!(event(&Wrapped(vec![1, 2])), r#"2["a",[1,2]]"#);
    assert_eq!(event(&Pair(1, 2)), r#"2["a",[1,2]]"#);
    assert_eq!(event(&Nothing), r#"2["a",null]"#);
    assert_eq!(event(&BTreeMap::from([(2, "b")])), r#"2["a",{"2":"b"}]"#);
    assert_eq!(event(&Shape::Dot), r#"2["a","Dot"]"#);
    assert_eq!(event(&Shape::Circle(1)), r#"2["a",{"Circle":1}]"#);
    assert_eq!(event(&Shape::Line(1, 2)), r#"2["a",{"Line":[1,2]}]"#);
    assert_eq!(event(&Shape::Square { side: 1 }), r#"2["a",{"Square":{"side":1}}]"#);
    assert_eq!(answer(&Shape::Circle(1)), r#"31[{"Circle":1}]"#);
    assert_eq!(answer("b"), r#"31["b"]"#);
    assert_eq!(answer(&Pair(1, 2)), "31[[1,2]]");
}

#[test]
fn strings_are_escaped_as_in_javascript() {
    let text = "\u{0}\u{8}\t\n\u{b}\u{c}\r\u{1f}\"\\/\u{7f}é\u{2028}😀";
    assert_eq!(event(text), "2[\"a\",\"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f\\\"\\\\/\u{7f}é\u{2028}😀\"]");
    let named = encode_event(&ROOT, "a\"b", &(), None, None).unwrap();
    assert_eq!(named.text, r#"2["a\"b"]"#);
}

#[test]
fn the_keys_of_a_value_keep_their_order() {
    let value: Value = serde_json::from_str(r#"{"z":1,"a":{"y":1.0,"b":1e2}}"#).unwrap();
    assert_eq!(event(&value), r#"2["a",{"z":1,"a":{"y":1,"b":100}}]"#);
}

#[test]
fn namespace_and_ack_id_stand_before_the_array() {
    let chat = NamespaceName::parse("/chat").unwrap();
    let text = encode_event(&chat, "a", &1, Some(AckId::new(12)), Some("1.2.3")).unwrap().text;
    assert_eq!(text, r#"2/chat,12["a",1,"1.2.3"]"#);
    assert_eq!(encode_event_raw(&chat, "a", "1", Some(AckId::new(12)), Some("1.2.3")), text);
    assert_eq!(encode_event_raw(&ROOT, "a", "", None, None), r#"2["a"]"#);
    assert_eq!(encode_ack_raw(&chat, AckId::new(12), "1,2"), "3/chat,12[1,2]");
    assert_eq!(encode_ack_raw(&ROOT, AckId::new(12), ""), "312[]");
}

#[test]
fn bytes_become_placeholders_in_the_order_of_the_text() {
    let packet =
        encode_event(&ROOT, "a", &(bytes("x"), json!(1), [bytes("y")], Some(bytes("z"))), None, Some("o"));
    let packet = packet.unwrap();
    let placeholder = |number: u8| format!(r#"{{"_placeholder":true,"num":{number}}}"#);
    let expected = format!(r#"53-["a",{},1,[{}],{},"o"]"#, placeholder(0), placeholder(1), placeholder(2));
    assert_eq!(packet.text, expected);
    assert_eq!(packet.attachments, ["x", "y", "z"]);

    let chat = NamespaceName::parse("/chat").unwrap();
    let packet = encode_ack(&chat, AckId::new(7), &bytes("x")).unwrap();
    assert_eq!(packet.text, format!("61-/chat,7[{}]", placeholder(0)));
}

#[test]
fn the_same_bytes_twice_are_two_attachments() {
    let twice = bytes("x");
    assert_eq!(encode_event(&ROOT, "a", &(&twice, &twice), None, None).unwrap().attachments, ["x", "x"]);
}

#[test]
fn received_arguments_go_out_again_with_their_bytes() {
    let packet = Packet::decode(r#"51-["a",{"_placeholder":true,"num":0}, "b"]"#).unwrap();
    let payload = Payload::new(packet.data, packet.body, vec![Bytes::from_static(b"x")]);
    let args = RawArgs { json: payload.args_json(), attachments: payload.attachments() };
    let event = encode_event_with_attachments(&ROOT, "b", args, None, Some("o")).unwrap();
    assert_eq!(event.text, r#"51-["b",{"_placeholder":true,"num":0}, "b","o"]"#);
    assert_eq!(event.attachments, ["x"]);
    let answer = encode_ack_with_attachments(&ROOT, AckId::new(1), args).unwrap();
    assert_eq!(answer.text, r#"61-1[{"_placeholder":true,"num":0}, "b"]"#);
}

#[test]
fn more_attachments_than_clients_accept_are_refused() {
    assert!(encode_event(&ROOT, "a", &vec![bytes("x"); 10], None, None).is_ok());
    let refused = encode_event(&ROOT, "a", &vec![bytes("x"); 11], None, None);
    assert!(matches!(refused, Err(EncodeError::TooManyAttachments(11))));
    assert!(encode_ack(&ROOT, AckId::new(1), &vec![bytes("x"); 300]).is_err());
}

#[test]
fn reserved_names_are_not_sent() {
    for name in ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"] {
        assert!(matches!(encode_event(&ROOT, name, &(), None, None), Err(EncodeError::EventName(_))));
        let args = RawArgs { json: "", attachments: &[] };
        assert!(encode_event_with_attachments(&ROOT, name, args, None, None).is_err());
    }
}

#[test]
fn a_value_without_a_json_form_is_refused_and_leaves_nothing_behind() {
    struct Broken(Binary);

    impl Serialize for Broken {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.serialize(serializer)?;
            Err(S::Error::custom("broken"))
        }
    }

    assert!(encode_event(&ROOT, "a", &(Broken(bytes("x")),), None, None).is_err());
    assert_eq!(encode_event(&ROOT, "a", &(bytes("y"),), None, None).unwrap().attachments, ["y"]);
    assert!(encode_connect_error(&ROOT, "no", Some(&bytes("x"))).is_err());
}

#[test]
fn a_packet_may_be_written_while_another_one_is() {
    struct Nested;

    impl Serialize for Nested {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let inner = encode_event(&ROOT, "inner", &bytes("in"), None, None).map_err(S::Error::custom)?;
            serializer.serialize_u64(inner.attachments.len() as u64)
        }
    }

    let outer = encode_event(&ROOT, "a", &(bytes("x"), Nested, bytes("y")), None, None).unwrap();
    assert_eq!(outer.attachments, ["x", "y"]);
}

#[test]
fn the_words_of_the_server_are_escaped() {
    assert_eq!(encode_connect(&ROOT, "s\"", Some("p")), r#"0{"sid":"s\"","pid":"p"}"#);
    let chat = NamespaceName::parse("/chat").unwrap();
    let refusal = encode_connect_error(&chat, "\"no\"", Some(&json!({"code": 1}))).unwrap();
    assert_eq!(refusal, r#"4/chat,{"message":"\"no\"","data":{"code":1}}"#);
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Everything {
    text: String,
    number: f64,
    count: i64,
    data: Vec<Binary>,
    value: Option<Box<Everything>>,
}

fn arb_everything() -> impl Strategy<Value = Everything> {
    let flat =
        ("\\PC{0,9}", proptest::num::f64::NORMAL, any::<i64>(), proptest::collection::vec(arb_bytes(), 0..3));
    let flat =
        flat.prop_map(|(text, number, count, data)| Everything { text, number, count, data, value: None });
    flat.prop_recursive(3, 3, 1, |inner| {
        (inner.clone(), inner).prop_map(|(outer, inner)| Everything { value: Some(Box::new(inner)), ..outer })
    })
}

fn arb_bytes() -> impl Strategy<Value = Binary> {
    proptest::collection::vec(any::<u8>(), 0..5).prop_map(Binary::from)
}

proptest! {
    #[test]
    fn encoded_packets_decode_to_the_same(
        namespace in "/|/[a-zé/]{1,9}",
        name in "\\PC{0,9}",
        ack: Option<u64>,
        args in (arb_everything(), any::<Option<u8>>(), arb_bytes()),
        trailing in proptest::option::of("\\PC{0,9}"),
    ) {
        let namespace = NamespaceName::parse(&namespace).unwrap();
        let ack = ack.map(AckId::new);
        match encode_event(&namespace, &name, &args, ack, trailing.as_deref()) {
            Ok(encoded) => {
                let packet = Packet::decode(&encoded.text).unwrap();
                prop_assert_eq!(packet.namespace, namespace.as_str());
                prop_assert_eq!(packet.ack, ack);
                prop_assert_eq!(usize::from(packet.attachments), encoded.attachments.len());
                let payload = Payload::new(packet.data, packet.body, encoded.attachments.clone());
                prop_assert_eq!(payload.event_name(), name.as_str());
                let (everything, number, bytes, last) =
                    payload.args::<(Everything, Option<u8>, Binary, Option<String>)>().unwrap();
                prop_assert_eq!((everything, number, bytes), args);
                prop_assert_eq!(last, trailing);
            }
            Err(EncodeError::TooManyAttachments(count)) => prop_assert!(count > usize::from(Limits::ATTACHMENTS)),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        }
    }

    #[test]
    fn raw_and_typed_forms_are_one(list in proptest::collection::vec(any::<i32>(), 0..4), id: u64) {
        let json = serde_json::to_string(&list).unwrap();
        let args_json = json.trim_matches(['[', ']']);
        let id = AckId::new(id);
        prop_assert_eq!(encode_event(&ROOT, "a", &Spread(list.as_slice()), None, None).unwrap().text, encode_event_raw(&ROOT, "a", args_json, None, None));
        prop_assert_eq!(encode_ack(&ROOT, id, &Spread(list.as_slice())).unwrap().text, encode_ack_raw(&ROOT, id, args_json));
        prop_assert_eq!(encode_ack(&ROOT, id, &list).unwrap().text, encode_ack_raw(&ROOT, id, &json));
    }
}
