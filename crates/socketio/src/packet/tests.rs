//! Which texts are packets: the rules of the specification one by one, then random texts.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn refused(text: &str, error: DecodeError) {
    assert_eq!(Packet::decode(text), Err(error), "{text}");
}

#[track_caller]
fn accepted(text: &str) -> Packet<'_> {
    Packet::decode(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn every_type_has_its_digit() {
    for (digit, text) in ["0", "1", "2[1]", "30[]", "4{}", "51-[1]", "61-[]"].iter().enumerate() {
        assert_eq!(usize::from(accepted(text).kind.digit() - b'0'), digit);
    }
}

#[test]
fn a_message_without_a_known_digit_is_no_packet() {
    for text in ["", "7", "a", " 2[1]", "é", "-1[]"] {
        refused(text, DecodeError::UnknownType);
    }
}

#[test]
fn a_packet_without_namespace_is_for_the_main_one() {
    assert_eq!(accepted("2[1]").namespace, "/");
    assert_eq!(accepted("2/,[1]").namespace, "/");
    assert_eq!(accepted("0/chat").namespace, "/chat");
    assert_eq!(accepted("0/chat,").namespace, "/chat");
    assert_eq!(accepted("0/chat?token=1,{}").namespace, "/chat");
    assert_eq!(accepted("0/chat?token=1").namespace, "/chat");
}

#[test]
fn a_bad_namespace_is_refused() {
    refused("0/a\u{7},", DecodeError::Namespace(NamespaceNameError::BadCharacter));
    refused(&format!("0/{}", "n".repeat(128)), DecodeError::Namespace(NamespaceNameError::TooLong));
}

#[test]
fn an_ack_id_is_a_number_of_64_bits() {
    assert_eq!(accepted("2[1]").ack, None);
    assert_eq!(accepted("20[1]").ack, Some(AckId::new(0)));
    assert_eq!(accepted("2/a,007[1]").ack, Some(AckId::new(7)));
    assert_eq!(accepted("318446744073709551615[]").ack, Some(AckId::new(u64::MAX)));
    refused("318446744073709551616[]", DecodeError::AckId);
}

#[test]
fn a_connect_has_an_object_or_nothing() {
    assert_eq!(accepted("0").data, "");
    assert_eq!(accepted(r#"0/a,{"b":[1]}"#).data, r#"{"b":[1]}"#);
    for text in ["0[]", "0null", r#"0"a""#, "0/a,true"] {
        refused(text, DecodeError::Body);
    }
    refused(r#"0{"a":}"#, DecodeError::Json);
    refused("0{} {}", DecodeError::Json);
}

#[test]
fn a_disconnect_has_nothing() {
    assert_eq!(accepted("1/a,").data, "");
    for text in ["1{}", "1null", "1/a,[]"] {
        refused(text, DecodeError::Body);
    }
}

#[test]
fn a_connect_error_has_an_object_or_a_text() {
    assert_eq!(accepted(r#"4{"message":"no"}"#).data, r#"{"message":"no"}"#);
    assert_eq!(accepted(r#"4/a,"no""#).data, r#""no""#);
    refused("4abc", DecodeError::Json);
    refused("4", DecodeError::Json);
    refused("4[]", DecodeError::Body);
}

#[test]
fn an_event_is_an_array_with_a_name() {
    for text in ["2{}", r#"2"a""#, "2null", "2[]", "2/a,[ ]"] {
        refused(text, DecodeError::Body);
    }
    for text in ["2", "2/a,", "2abc[1]", r#"2["a""#, r#"2["a"]x"#, r#"2["a",]"#, "2[\"\n\"]", r#"2["\x"]"#] {
        refused(text, DecodeError::Json);
    }
    for text in ["2[null]", "2[{}]", r#"2[["a"]]"#, "2[true,1]", "2[1.5]"] {
        refused(text, DecodeError::EventName(EventNameError::NotAName));
    }
}

#[test]
fn a_reserved_name_is_refused() {
    for name in ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"] {
        refused(&format!(r#"2["{name}"]"#), DecodeError::EventName(EventNameError::Reserved));
        refused(&format!(r#"51-["{name}"]"#), DecodeError::EventName(EventNameError::Reserved));
        // An answer has no name, so any text may come first.
        accepted(&format!(r#"31["{name}"]"#));
    }
}

#[test]
fn an_answer_is_an_array() {
    assert_eq!(accepted("31[]").data, "[]");
    assert_eq!(accepted("31[{},1]").body.arg_count, 2);
    refused("31{}", DecodeError::Body);
    refused("31", DecodeError::Json);
}

#[test]
fn a_binary_packet_announces_one_to_ten_attachments() {
    assert_eq!(accepted("51-[1]").attachments, 1);
    assert_eq!(accepted("610-/a,5[]").attachments, 10);
    let bad = [
        "50-[1]", "511-[1]", "5[1]", "5-[1]", "5-1-[1]", "5+1-[1]", "501-[1]", "5x-[1]", "51", "51[1]",
        "5999-[]",
    ];
    for text in bad {
        refused(text, DecodeError::AttachmentCount);
    }
    refused("51-", DecodeError::Json);
}

#[test]
fn a_placeholder_names_an_announced_attachment() {
    let good = [
        r#"51-["a",{"_placeholder":true,"num":0}]"#,
        r#"52-["a",{"num":1,"_placeholder":true,"more":[]},{"_placeholder":true,"num":1}]"#,
        r#"51-["a",{"b":[[{"c":{"_placeholder":true,"num":0}}]]},"_placeholder",true,"num",9]"#,
        r#"51-["a",{"_placeholder":false,"num":9},{"_placeholder":"true","num":9},{"num":9}]"#,
        r#"51-["a",{"_placeholder":true,"num":9,"num":0}]"#,
        r#"51-["a",{"_placeholder":true,"num":9,"_placeholder":null}]"#,
        r#"51-["a",{"x":"_placeholder\",","y":{"num":7}},{ "_placeholder" : true , "num" : 0 }]"#,
        r#"51-["a","\ud800"]"#,
    ];
    for text in good {
        assert_eq!(accepted(text).to_string(), text);
    }
    let bad = [
        r#"51-["a",{"_placeholder":true,"num":1}]"#,
        r#"51-["a",{"_placeholder":true,"num":-1}]"#,
        r#"51-["a",{"_placeholder":true,"num":0.5}]"#,
        r#"51-["a",{"_placeholder":true,"num":"0"}]"#,
        r#"51-["a",{"_placeholder":true,"num":[0]}]"#,
        r#"51-["a",{"_placeholder":true,"num":{}}]"#,
        r#"51-["a",{"_placeholder":true}]"#,
        r#"51-["a",{"_placeholder":true,"num":0,"num":1}]"#,
        r#"51-["a",{"_placeholder":true,"num":0,"num":"0"}]"#,
        r#"51-["a",{"_placeholder":true,"num":0,"num":true}]"#,
        r#"51-["a",{"_placeholder":true,"num":256}]"#,
        r#"51-["a",{"\u005fplaceholder":true,"num":1}]"#,
        r#"510-["a",[{},{"b":{"_placeholder":true,"num":10}}]]"#,
        r#"61-[{"_placeholder" : true, "num" : 1 }]"#,
    ];
    for text in bad {
        refused(text, DecodeError::Placeholder);
    }
    // Without attachments it is an object like any other.
    accepted(r#"2["a",{"_placeholder":true,"num":1}]"#);
}

#[test]
fn nesting_has_no_depth_that_hurts() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    accepted(&format!(r#"2["a",{deep}]"#));
    accepted(&format!(r#"51-["a",{deep}]"#));
    refused(&format!(r#"51-["a",{}"#, "[{\"a\":".repeat(50_000)), DecodeError::Json);
}

/// Texts that are nearly packets, so that the random tests reach every rule.
fn arb_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[0-7]",
        "[0-9]{1,3}-",
        "/[a-z]{0,3},?",
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just(r#"["a","#.to_owned()),
        Just(r#"{"_placeholder":true,"num":"#.to_owned()),
        Just("}".to_owned()),
        Just(",".to_owned()),
        Just(r#""disconnect""#.to_owned()),
        Just(r#""\ud800\n""#.to_owned()),
        "\\PC{0,3}",
    ];
    prop_oneof![proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat()), "\\PC{0,20}"]
}

fn arb_json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,5}|_placeholder|num|[\"\\\\]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(("\\PC{0,4}|_placeholder|num", inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// The decision of `placeholder::check`, made from parsed values instead of a scan.
fn placeholders_fit(value: &serde_json::Value, attachments: u8) -> bool {
    use serde_json::Value;
    match value {
        Value::Array(elements) => elements.iter().all(|element| placeholders_fit(element, attachments)),
        Value::Object(fields) => {
            let marked = fields.get("_placeholder") == Some(&Value::Bool(true));
            let number = fields.get("num").and_then(Value::as_u64);
            let fits = !marked || number.is_some_and(|number| number < u64::from(attachments));
            fits && fields.values().all(|field| placeholders_fit(field, attachments))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

proptest! {
    #[test]
    fn any_text_is_judged_and_what_passes_is_valid(text in arb_text()) {
        if let Ok(packet) = Packet::decode(&text) {
            prop_assert!(packet.data.is_empty() || serde_json::from_str::<serde::de::IgnoredAny>(packet.data).is_ok());
            prop_assert!(NamespaceName::parse(packet.namespace).is_ok());
            prop_assert_eq!(packet.kind.is_binary(), packet.attachments > 0);
            let again = packet.to_string();
            prop_assert_eq!(Packet::decode(&again), Ok(packet));
        }
    }

    #[test]
    fn a_packet_survives_its_text(
        binary in 0_u8..=10,
        namespace in "/|/[a-zé/]{1,9}",
        ack: Option<u64>,
        args in proptest::collection::vec(arb_json(), 0..4),
    ) {
        let kind = if binary > 0 { PacketType::BinaryAck } else { PacketType::Ack };
        let args = serde_json::Value::from(args);
        let mut text = String::new();
        write_head(&mut text, kind, binary, &namespace, ack.map(AckId)).unwrap();
        let data = args.to_string();
        text.push_str(&data);
        if binary > 0 && !placeholders_fit(&args, binary) {
            prop_assert_eq!(Packet::decode(&text), Err(DecodeError::Placeholder));
        } else {
            let packet = Packet::decode(&text).unwrap();
            prop_assert_eq!((packet.kind, packet.attachments), (kind, binary));
            prop_assert_eq!((packet.namespace, packet.ack), (namespace.as_str(), ack.map(AckId)));
            prop_assert_eq!(packet.data, data);
            prop_assert_eq!(packet.body.arg_count, args.as_array().unwrap().len());
            prop_assert_eq!(packet.to_string(), text);
        }
    }

    #[test]
    fn placeholders_are_found_wherever_they_stand(value in arb_placeholders(), attachments in 1_u8..=3) {
        let text = format!("5{attachments}-[\"a\",{value}]");
        prop_assert_eq!(Packet::decode(&text).is_ok(), placeholders_fit(&value, attachments));
    }
}

fn arb_placeholders() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::{Value, json};
    let leaf = prop_oneof![
        4 => (0_u8..4).prop_map(|number| json!({"_placeholder": true, "num": number})),
        1 => arb_json(),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::vec(("[a-c\"\\\\]{0,3}|_placeholder|num", inner), 0..3)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}
