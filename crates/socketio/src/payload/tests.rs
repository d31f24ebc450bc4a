//! The values that a program gets when it asks for arguments by type.

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;
use crate::binary::Binary;
use crate::packet::Packet;
use crate::spread::Spread;

fn payload(text: &str) -> Payload<'_> {
    let packet = Packet::decode(text).unwrap();
    Payload::new(packet.data, packet.body, Vec::new())
}

fn with_bytes<'a>(text: &'a str, attachments: &[&'static [u8]]) -> Payload<'a> {
    let packet = Packet::decode(text).unwrap();
    let attachments = attachments.iter().copied().map(Bytes::from_static).collect();
    Payload::new(packet.data, packet.body, attachments)
}

#[derive(Debug, PartialEq, Deserialize)]
struct Point {
    x: i32,
    #[serde(default)]
    y: i32,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Wrapped(Vec<u8>);

#[derive(Debug, PartialEq, Deserialize)]
struct Pair(u8, u8);

#[test]
fn a_tuple_takes_one_argument_per_field() {
    let event = payload(r#"2["a","b",{"x":1},[2]]"#);
    let (text, point, list) = event.args::<(String, Point, Vec<u8>)>().unwrap();
    assert_eq!((text.as_str(), point, list), ("b", Point { x: 1, y: 0 }, vec![2]));
    assert_eq!(event.args::<(&str,)>().unwrap(), ("b",));
    assert_eq!(event.args::<[Value; 2]>().unwrap(), [json!("b"), json!({"x": 1})]);
}

#[test]
fn arguments_missing_at_the_end_are_null() {
    let event = payload(r#"2["a",1]"#);
    assert_eq!(event.args::<(u8, Option<u8>, Option<Wrapped>)>().unwrap(), (1, None, None));
    assert_eq!(event.args::<(u8, Value, ())>().unwrap(), (1, Value::Null, ()));
    assert_eq!(payload(r#"2["a"]"#).args::<(Option<u8>,)>().unwrap(), (None,));
}

#[test]
fn a_missing_argument_that_cannot_be_null_is_named_in_the_error() {
    let error = payload(r#"2["a",1]"#).args::<(u8, String)>().unwrap_err();
    assert!(error.to_string().starts_with("unexpected arguments: argument 2 is missing"), "{error}");
    assert!(payload(r#"2["a"]"#).args::<(Point,)>().is_err());
    assert!(payload(r#"2["a"]"#).first::<u8>().is_err());
}

#[test]
fn a_null_in_the_middle_is_no_end() {
    assert_eq!(payload(r#"2["a",null,2]"#).args::<(Option<u8>, u8)>().unwrap(), (None, 2));
}

#[test]
fn a_spread_list_takes_all_arguments_and_unit_takes_none() {
    let all = |text| payload(text).args::<Spread<Vec<u8>>>().unwrap().0;
    assert_eq!(all(r#"2["a",1,2,3]"#), [1, 2, 3]);
    assert_eq!(all(r#"2["a"]"#), [0_u8; 0]);
    payload(r#"2["a",1]"#).args::<()>().unwrap();
    assert_eq!(all("31[1,2]"), [1, 2]);
    assert_eq!(all("31[]"), [0_u8; 0]);
    assert!(payload(r#"2["a",1,"x"]"#).args::<Spread<Vec<u8>>>().is_err());
}

#[test]
fn a_list_is_the_first_argument() {
    assert_eq!(payload(r#"2["a",[1,2],3]"#).args::<Vec<u8>>().unwrap(), [1, 2]);
    assert!(payload(r#"2["a",1,2]"#).args::<Vec<u8>>().is_err());
    assert!(payload(r#"2["a"]"#).args::<Vec<u8>>().is_err());
    assert_eq!(payload("31[[]]").args::<Vec<u8>>().unwrap(), [0_u8; 0]);
    let (number, list) = payload(r#"2["a",1,[2,3]]"#).args::<(u8, Spread<Vec<u8>>)>().unwrap();
    assert_eq!((number, list), (1, Spread(vec![2, 3])));
}

#[test]
fn any_other_type_takes_the_first_argument() {
    assert_eq!(payload(r#"2["a",{"x":1},2]"#).args::<Point>().unwrap(), Point { x: 1, y: 0 });
    assert_eq!(payload(r#"2["a","b"]"#).args::<&str>().unwrap(), "b");
    assert_eq!(payload(r#"2["a",[1,2]]"#).args::<Wrapped>().unwrap(), Wrapped(vec![1, 2]));
    assert_eq!(payload(r#"2["a",[1,2]]"#).args::<Pair>().unwrap(), Pair(1, 2));
    assert_eq!(payload(r#"2["a",7]"#).args::<Value>().unwrap(), json!(7));
    assert_eq!(payload(r#"2["a"]"#).args::<Option<u8>>().unwrap(), None);
    assert_eq!(payload(r#"2["a",7]"#).args::<Option<u8>>().unwrap(), Some(7));
    assert_eq!(payload("31[12]").first::<u8>().unwrap(), 12);
    assert_eq!(payload(r#"2["a",[1,2],3]"#).first::<(u8, u8)>().unwrap(), (1, 2));
}

#[test]
fn the_name_is_unescaped_and_a_number_is_its_text() {
    assert_eq!(payload(r#"2["a\n\u00e9"]"#).event_name(), "a\né");
    assert_eq!(payload("2[ -12 ,1]").event_name(), "-12");
    assert_eq!(payload("31[1]").event_name(), "");
    assert!(matches!(payload(r#"2["a",1]"#).event_name(), Cow::Borrowed("a")));
}

#[test]
fn arguments_are_there_as_text_without_the_name() {
    assert_eq!(payload(r#"2["a"]"#).args_json(), "");
    assert_eq!(payload(r#"2[ "a" ]"#).args_json(), "");
    assert_eq!(payload(r#"2[ "a" , 1 , [2] ]"#).args_json(), "1 , [2]");
    assert_eq!(payload(r#"2["a",",]"]"#).args_json(), r#"",]""#);
    assert_eq!(payload("31[]").args_json(), "");
    assert_eq!(payload("31[ 1, 2 ]").args_json(), "1, 2");
    assert_eq!(payload(r#"2["a",1]"#).raw(), r#"["a",1]"#);
    assert_eq!(payload("2[1,\"1\"]\n").args_json(), "\"1\"");
}

#[test]
fn half_a_surrogate_pair_is_an_error_of_the_one_argument() {
    let event = payload(r#"2["a","\ud83d",1]"#);
    assert!(event.args::<(String,)>().is_err());
    assert_eq!(event.args::<(serde::de::IgnoredAny, u8)>().unwrap().1, 1);
}

#[test]
fn arguments_can_stay_json() {
    let event = payload(r#"2["a",{ "b": 1 },[2]]"#);
    let Spread::<Vec<&RawValue>>(all) = event.args().unwrap();
    assert_eq!(all.iter().map(|json| json.get()).collect::<Vec<_>>(), [r#"{ "b": 1 }"#, "[2]"]);
    assert_eq!(event.first::<&RawValue>().unwrap().get(), r#"{ "b": 1 }"#);
    assert_eq!(event.args::<&RawValue>().unwrap().get(), r#"{ "b": 1 }"#);
    let (_, second, third) = event.args::<(&RawValue, &RawValue, Option<&RawValue>)>().unwrap();
    assert_eq!((second.get(), third.is_none()), ("[2]", true));
}

#[test]
fn deep_nesting_is_an_error_of_the_one_argument() {
    let text = format!(r#"2["a",{}{},1]"#, "[".repeat(100_000), "]".repeat(100_000));
    let event = payload(&text);
    assert!(event.args::<(Value,)>().is_err());
    assert_eq!(event.args::<(serde::de::IgnoredAny, u8)>().unwrap().1, 1);
}

#[test]
fn bytes_are_found_by_their_number_at_any_depth() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct File<'a> {
        name: &'a str,
        parts: Vec<Binary>,
    }

    let text =
        r#"52-["up",{"name":"ada","parts":[{"_placeholder":true,"num":1},{"num":0,"_placeholder":true}]}]"#;
    let event = with_bytes(text, &[b"first", b"second"]);
    let parts = vec![Binary(Bytes::from_static(b"second")), Binary(Bytes::from_static(b"first"))];
    assert_eq!(event.first::<File<'_>>().unwrap(), File { name: "ada", parts });
}

#[test]
fn bytes_are_told_from_objects_in_an_untagged_enum() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Argument {
        Bytes(Binary),
        Json(Value),
    }

    let text = r#"51-["a",{"_placeholder":true,"num":0},{"num":0},{"_placeholder":false,"num":0}]"#;
    let Spread::<Vec<Argument>>(arguments) = with_bytes(text, &[b"x"]).args().unwrap();
    let expected = [
        Argument::Bytes(Binary(Bytes::from_static(b"x"))),
        Argument::Json(json!({"num": 0})),
        Argument::Json(json!({"_placeholder": false, "num": 0})),
    ];
    assert_eq!(arguments, expected);
}

#[test]
fn a_placeholder_in_a_packet_without_attachments_is_no_bytes() {
    let event = payload(r#"2["a",{"_placeholder":true,"num":0}]"#);
    assert!(event.first::<Binary>().is_err());
    assert!(event.first::<Value>().is_ok());
    // The same while another packet is being read.
    let outer = with_bytes(r#"51-["a",{"_placeholder":true,"num":0}]"#, &[b"x"]);
    binary::with_attachments(outer.attachments(), || assert!(event.first::<Binary>().is_err()));
}

#[test]
fn bytes_need_a_packet_around_them() {
    assert!(serde_json::from_str::<Binary>(r#"{"_placeholder":true,"num":0}"#).is_err());
    assert!(serde_json::to_string(&Binary::default()).is_err());
}

#[test]
fn bytes_of_a_packet_are_gone_when_it_has_been_read_or_written() {
    let text = r#"51-["a",{"_placeholder":true,"num":0}]"#;
    let outer = with_bytes(text, &[b"outer"]);
    let inner = with_bytes(text, &[b"inner"]);
    binary::with_attachments(outer.attachments(), || {
        assert_eq!(inner.first::<Binary>().unwrap().as_ref(), b"inner");
        let ((), written) = binary::collect(|| ());
        assert!(written.is_empty());
        let read: Binary = serde_json::from_str(r#"{"_placeholder":true,"num":0}"#).unwrap();
        assert_eq!(read.as_ref(), b"outer");
    });
    let panicked = std::panic::catch_unwind(|| {
        binary::with_attachments(outer.attachments(), || panic!("of the program"))
    });
    assert!(panicked.is_err());
    assert!(serde_json::from_str::<Binary>(r#"{"_placeholder":true,"num":0}"#).is_err());
}

#[test]
fn debug_output_shows_no_content() {
    assert_eq!(
        format!("{:?}", payload(r#"2["a","secret"]"#)),
        r#"Payload { event_name: "a", arg_count: 1, json_bytes: 14, attachments: 0 }"#
    );
    assert_eq!(format!("{:?}", AuthPayload::new(r#"{"token":"t0p"}"#)), "AuthPayload(15 bytes)");
}

#[test]
fn no_auth_is_an_empty_object() {
    assert_eq!(AuthPayload::new("").raw(), "{}");
    assert_eq!(AuthPayload::new("").into_owned().parse::<Value>().unwrap(), json!({}));
}

proptest! {
    #[test]
    fn any_argument_of_any_type_is_read_or_refused(text in "2\\[\"a\"(,([0-9]{1,3}|\"\\PC{0,3}\"|\\[\\]|\\{\\}|null)){0,3}\\]") {
        if let Ok(packet) = Packet::decode(&text) {
            let event = Payload::new(packet.data, packet.body, Vec::new());
            let all: Vec<Value> = serde_json::from_str(&format!("[{}]", event.args_json())).unwrap();
            prop_assert_eq!(all.len(), event.arg_count());
            let _ = event.args::<(u8, String, Option<Point>)>();
            let _ = event.args::<Point>();
            let _ = event.first::<Wrapped>();
            let _ = event.first::<Binary>();
            if let Ok(Spread(arguments)) = event.args::<Spread<Vec<Value>>>() {
                prop_assert_eq!(arguments, all);
            }
            prop_assert_eq!(event.clone().into_owned(), event);
        }
    }
}
