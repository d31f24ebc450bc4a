//! A connection against each rule of the protocol, then against random peers and servers.

use proptest::prelude::*;

use super::*;
use crate::event::EventNameError;
use crate::packet::AckId;

const LIMITS: Limits =
    Limits { namespaces: 3, attachment_bytes: 10, event_name_bytes: 8, departed_namespaces: 2 };

const BINARY_EVENT: &str = r#"51-["a",{"_placeholder":true,"num":0}]"#;

fn name(text: &str) -> NamespaceName {
    NamespaceName::parse(text).unwrap()
}

/// A connection that has joined these namespaces. The state of each is its name.
fn joined(namespaces: &[&'static str]) -> Connection<&'static str> {
    let mut connection = Connection::new();
    for &namespace in namespaces {
        connection.on_text(&format!("0{namespace},"), &LIMITS).unwrap();
        connection.join(&name(namespace), namespace).unwrap();
    }
    connection
}

#[track_caller]
fn violates(namespaces: &[&'static str], text: &str, violation: Violation) {
    assert_eq!(joined(namespaces).on_text(text, &LIMITS), Err(violation), "{text}");
}

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

#[test]
fn a_connect_is_pending_until_the_server_decides() {
    let mut connection = Connection::new();
    let incoming = connection.on_text(r#"0/chat,{"token":1}"#, &LIMITS).unwrap();
    let Incoming::Connect { namespace, auth, replaces: None } = incoming else { panic!("{incoming:?}") };
    assert_eq!((namespace.as_str(), auth.raw()), ("/chat", r#"{"token":1}"#));
    assert_eq!((connection.pending_count(), connection.joined_count()), (1, 0));
    assert_eq!(connection.find("/chat"), None);

    let slot = connection.join(&namespace, 1).unwrap();
    assert_eq!((connection.pending_count(), connection.joined_count()), (0, 1));
    assert_eq!((connection.find("/chat"), connection.socket(slot)), (Some(slot), Some(&1)));
    assert_eq!(connection.namespace(slot), Some(&namespace));
    assert_eq!(connection.join(&namespace, 2), None);
}

#[test]
fn a_refused_client_may_ask_again() {
    let mut connection = Connection::<()>::new();
    connection.on_text("0", &LIMITS).unwrap();
    connection.refuse(&NamespaceName::ROOT);
    assert_eq!(connection.pending_count(), 0);
    assert!(matches!(connection.on_text("0", &LIMITS), Ok(Incoming::Connect { .. })));
}

#[test]
fn a_connect_for_a_joined_namespace_leaves_and_asks_anew() {
    let mut connection = joined(&["/a", "/", "/b"]);
    let old = connection.find("/").unwrap();
    let incoming = connection.on_text(r#"0{"token":2}"#, &LIMITS).unwrap();
    assert!(
        matches!(incoming, Incoming::Connect { replaces: Some(slot), .. } if slot == old),
        "{incoming:?}"
    );
    assert_eq!((connection.find("/"), connection.socket(old)), (None, Some(&"/")));
    let event = r#"2["late"]"#;
    assert_eq!(connection.on_text(event, &LIMITS), Ok(Incoming::Nothing));
    assert_eq!(connection.on_text("0", &LIMITS), Ok(Incoming::Nothing), "the last one counts");
    assert_eq!(connection.on_text(event, &LIMITS), Ok(Incoming::Nothing));
    assert_eq!(connection.leave(old), Some("/"));
    assert_eq!(connection.join(&NamespaceName::ROOT, "/"), None);
    assert!(connection.renew(&NamespaceName::ROOT).is_some());
    let new = connection.join(&NamespaceName::ROOT, "/").unwrap();
    assert_ne!(old, new);
    assert_eq!(connection.joined_count(), 3);
}

#[test]
fn the_same_connect_for_a_joined_namespace_changes_nothing() {
    let mut connection = Connection::new();
    for connect in [r#"0/chat,{"token":1}"#, "0/news,"] {
        let Ok(Incoming::Connect { namespace, .. }) = connection.on_text(connect, &LIMITS) else { panic!() };
        let slot = connection.join(&namespace, ()).unwrap();
        assert_eq!(connection.on_text(connect, &LIMITS), Ok(Incoming::Nothing));
        assert_eq!(connection.find(namespace.as_str()), Some(slot));
        // What was asked anew while the first was decided is what is compared.
        connection.on_text(&format!("1{namespace},"), &LIMITS).unwrap();
        connection.leave(slot);
    }
    connection.on_text(r#"0/chat,{"token":1}"#, &LIMITS).unwrap();
    connection.on_text(r#"0/chat,{"token":2}"#, &LIMITS).unwrap();
    connection.renew(&name("/chat")).unwrap();
    connection.join(&name("/chat"), ()).unwrap();
    assert_eq!(connection.on_text(r#"0/chat,{"token":2}"#, &LIMITS), Ok(Incoming::Nothing));
    let first = connection.on_text(r#"0/chat,{"token":1}"#, &LIMITS);
    assert!(matches!(first, Ok(Incoming::Connect { replaces: Some(_), .. })), "{first:?}");
}

#[test]
fn a_client_that_asks_anew_while_it_waits_is_judged_by_its_last_connect() {
    let chat = name("/chat");
    let mut connection = Connection::new();
    connection.on_text(r#"0/chat,{"token":1}"#, &LIMITS).unwrap();
    assert_eq!(connection.on_text(r#"0/chat,{"token":2}"#, &LIMITS), Ok(Incoming::Nothing));
    assert_eq!(connection.on_text("1/chat,", &LIMITS), Ok(Incoming::Nothing));
    assert_eq!(connection.on_text(r#"0/chat,{"token":3}"#, &LIMITS), Ok(Incoming::Nothing));
    assert_eq!((connection.joined_count(), connection.pending_count()), (0, 1));
    // The verdict on the first is for nobody, whatever it is.
    assert_eq!(connection.join(&chat, ()), None);
    assert!(!connection.refuse(&chat));
    assert_eq!(connection.renew(&chat).unwrap().raw(), r#"{"token":3}"#);
    assert_eq!(connection.renew(&chat), None);
    assert!(connection.join(&chat, ()).is_some());
    assert_eq!(connection.renew(&chat), None);
}

#[test]
fn a_refusal_is_told_only_to_a_client_that_waits_for_it() {
    let chat = name("/chat");
    let mut connection = Connection::<()>::new();
    connection.on_text("0/chat,", &LIMITS).unwrap();
    assert!(connection.refuse(&chat));
    assert!(!connection.refuse(&chat));
    connection.on_text("0/chat,", &LIMITS).unwrap();
    connection.on_text("1/chat,", &LIMITS).unwrap();
    assert!(!connection.refuse(&chat));
    assert!(matches!(connection.on_text("0/chat,", &LIMITS), Ok(Incoming::Connect { .. })));
}

#[test]
fn half_a_surrogate_pair_becomes_the_replacement_character() {
    let mut connection = joined(&["/"]);
    let incoming =
        connection.on_text(r#"27["\ud83d",{"\ude00":"a\uD83Db"},"\ud83d\ude00"]"#, &LIMITS).unwrap();
    let Incoming::Event { payload, ack, .. } = incoming else { panic!("{incoming:?}") };
    assert_eq!((payload.event_name().as_ref(), ack), ("\u{fffd}", Some(AckId::new(7))));
    let (object, text): (std::collections::BTreeMap<String, String>, String) = payload.args().unwrap();
    assert_eq!(object, [("\u{fffd}".to_owned(), "a\u{fffd}b".to_owned())].into());
    assert_eq!(text, "😀");
    assert_eq!(payload.args_json(), r#"{"\ufffd":"a\ufffdb"},"\ud83d\ude00""#);

    connection.on_text(r#"51-["a","\ud83d",{"_placeholder":true,"num":0}]"#, &LIMITS).unwrap();
    let incoming = connection.on_binary(bytes("x"), &LIMITS).unwrap();
    let Incoming::Event { payload, .. } = incoming else { panic!("{incoming:?}") };
    assert_eq!(payload.first::<&str>().ok(), None);
    assert_eq!(payload.first::<String>().unwrap(), "\u{fffd}");

    let incoming = connection.on_text(r#"0/chat,{"name":"\ud83d"}"#, &LIMITS).unwrap();
    let Incoming::Connect { auth, .. } = incoming else { panic!("{incoming:?}") };
    assert_eq!(auth.raw(), r#"{"name":"\ufffd"}"#);
}

#[test]
fn namespaces_of_a_connection_are_bounded() {
    violates(&["/", "/a", "/b"], "0/c,", Violation::TooManyNamespaces);
    let mut connection = joined(&["/", "/a", "/b"]);
    connection.leave(connection.find("/a").unwrap());
    assert!(connection.on_text("0/c,", &LIMITS).is_ok());
}

#[test]
fn packets_for_a_namespace_that_is_not_joined_close() {
    for text in [r#"2["a"]"#, "31[]", "1", r#"51-["a"]"#, "61-1[]"] {
        violates(&["/chat"], text, Violation::NotJoined);
    }
    let mut pending = Connection::<()>::new();
    pending.on_text("0", &LIMITS).unwrap();
    assert_eq!(pending.on_text(r#"2["a"]"#, &LIMITS), Err(Violation::NotJoined));
    assert_eq!(pending.on_text("31[]", &LIMITS), Err(Violation::NotJoined));
}

#[test]
fn a_text_that_is_no_packet_closes() {
    violates(&["/"], "4abc", Violation::Decode(DecodeError::Json));
    violates(&["/"], "2{}", Violation::Decode(DecodeError::Body));
    violates(&["/"], r#"2abc["a"]"#, Violation::Decode(DecodeError::Json));
    violates(&["/"], r#"2["a""#, Violation::Decode(DecodeError::Json));
    violates(&["/"], "50-[\"a\"]", Violation::Decode(DecodeError::AttachmentCount));
    violates(&["/"], "511-[\"a\"]", Violation::Decode(DecodeError::AttachmentCount));
    violates(
        &["/"],
        r#"2["disconnect"]"#,
        Violation::Decode(DecodeError::EventName(EventNameError::Reserved)),
    );
}

#[test]
fn a_client_sends_no_connect_errors() {
    violates(&["/"], "4{}", Violation::ConnectError);
}

#[test]
fn the_name_of_an_event_is_bounded() {
    assert!(joined(&["/"]).on_text(r#"2["eight..."]"#, &LIMITS).is_ok());
    violates(&["/"], r#"2["nine....."]"#, Violation::EventNameTooLong);
    violates(&["/"], r#"51-["nine....."]"#, Violation::EventNameTooLong);
}

#[test]
fn an_event_comes_with_its_ack_id() {
    let mut connection = joined(&["/", "/chat"]);
    let slot = connection.find("/chat").unwrap();
    let incoming = connection.on_text(r#"2/chat,7["a",1]"#, &LIMITS).unwrap();
    let Incoming::Event { slot: to, ack, payload } = incoming else { panic!("{incoming:?}") };
    assert_eq!((to, ack, payload.raw()), (slot, Some(AckId::new(7)), r#"["a",1]"#));
}

#[test]
fn an_answer_comes_with_its_id_and_is_ignored_without() {
    let mut connection = joined(&["/"]);
    let slot = connection.find("/").unwrap();
    let incoming = connection.on_text("37[1]", &LIMITS).unwrap();
    assert!(matches!(incoming, Incoming::Ack { slot: to, id, .. } if to == slot && id == AckId::new(7)));
    assert_eq!(connection.on_text("3[1]", &LIMITS), Ok(Incoming::Nothing));
}

#[test]
fn a_binary_event_waits_for_all_of_its_attachments() {
    let mut connection = joined(&["/"]);
    let text = r#"52-3["a",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]"#;
    assert_eq!(connection.on_text(text, &LIMITS), Ok(Incoming::Nothing));
    assert_eq!(connection.on_binary(bytes("x"), &LIMITS), Ok(Incoming::Nothing));
    let incoming = connection.on_binary(bytes("y"), &LIMITS).unwrap();
    let Incoming::Event { ack, payload, .. } = incoming else { panic!("{incoming:?}") };
    assert_eq!(ack, Some(AckId::new(3)));
    let (first, second): (crate::Binary, crate::Binary) = payload.args().unwrap();
    assert_eq!((first.as_ref(), second.as_ref()), (b"y".as_slice(), b"x".as_slice()));

    assert_eq!(connection.on_text("61-4[]", &LIMITS), Ok(Incoming::Nothing));
    let incoming = connection.on_binary(bytes("x"), &LIMITS).unwrap();
    assert!(matches!(incoming, Incoming::Ack { id, .. } if id == AckId::new(4)));
}

#[test]
fn attachments_stand_between_no_other_packets() {
    let mut connection = joined(&["/"]);
    assert_eq!(connection.on_binary(bytes("x"), &LIMITS), Err(Violation::UnexpectedBinary));
    connection.on_text(BINARY_EVENT, &LIMITS).unwrap();
    assert_eq!(connection.on_text(r#"2["a"]"#, &LIMITS), Err(Violation::AttachmentsMissing));
}

#[test]
fn attachments_are_bounded_together() {
    let mut connection = joined(&["/"]);
    connection.on_text(r#"53-["a"]"#, &LIMITS).unwrap();
    assert_eq!(connection.on_binary(bytes("12345"), &LIMITS), Ok(Incoming::Nothing));
    assert_eq!(connection.on_binary(bytes("12345"), &LIMITS), Ok(Incoming::Nothing));
    assert_eq!(connection.on_binary(bytes("1"), &LIMITS), Err(Violation::AttachmentsTooLarge));
}

#[test]
fn a_client_that_leaves_hands_its_state_back() {
    let mut connection = joined(&["/", "/chat"]);
    let slot = connection.find("/chat").unwrap();
    assert_eq!(connection.on_text("1/chat,", &LIMITS), Ok(Incoming::Disconnect { slot }));
    assert_eq!((connection.find("/chat"), connection.joined_count()), (None, 1));
    assert_eq!(connection.socket(slot), Some(&"/chat"));
    assert_eq!(connection.leave(slot), Some("/chat"));
    assert_eq!(connection.leave(slot), None);
    // It knows that it has left, so nothing of it can be late.
    assert_eq!(connection.on_text(r#"2/chat,["a"]"#, &LIMITS), Err(Violation::NotJoined));
    assert!(matches!(connection.on_text("0/chat,", &LIMITS), Ok(Incoming::Connect { .. })));
}

#[test]
fn a_client_may_leave_while_it_waits() {
    let mut connection = Connection::new();
    connection.on_text("0", &LIMITS).unwrap();
    assert_eq!(connection.on_text("1", &LIMITS), Ok(Incoming::Nothing));
    assert_eq!(connection.on_text("1", &LIMITS), Err(Violation::NotJoined));
    assert_eq!((connection.joined_count(), connection.pending_count()), (0, 1));
    assert_eq!(connection.join(&NamespaceName::ROOT, ()), None);
    assert_eq!(connection.pending_count(), 0);
    assert!(connection.on_text("0", &LIMITS).is_ok());
}

#[test]
fn packets_that_the_server_leaving_has_crossed_are_ignored() {
    let mut connection = joined(&["/chat"]);
    let slot = connection.find("/chat").unwrap();
    assert_eq!(connection.leave(slot), Some("/chat"));
    for text in [r#"2/chat,["a"]"#, "3/chat,1[]", r#"51-/chat,["a"]"#] {
        assert_eq!(connection.on_text(text, &LIMITS), Ok(Incoming::Nothing), "{text}");
    }
    assert_eq!(connection.on_binary(bytes("x"), &LIMITS), Ok(Incoming::Nothing));
    assert_eq!(connection.on_text("1/chat,", &LIMITS), Ok(Incoming::Nothing));
    assert_eq!(connection.on_text("1/chat,", &LIMITS), Err(Violation::NotJoined));
}

#[test]
fn a_late_packet_must_be_valid_all_the_same() {
    let mut connection = joined(&["/chat"]);
    connection.leave(connection.find("/chat").unwrap());
    assert!(matches!(connection.on_text("2/chat,{}", &LIMITS), Err(Violation::Decode(_))));
}

#[test]
fn a_namespace_can_be_joined_again_after_the_server_has_left() {
    let mut connection = joined(&["/chat"]);
    let old = connection.find("/chat").unwrap();
    connection.leave(old);
    connection.on_text("0/chat,", &LIMITS).unwrap();
    let new = connection.join(&name("/chat"), "again").unwrap();
    assert_ne!(old, new);
    assert_eq!((connection.socket(old), connection.socket(new)), (None, Some(&"again")));
    assert_eq!(connection.leave(old), None);
}

#[test]
fn departed_namespaces_are_forgotten_oldest_first() {
    let mut connection = joined(&["/a", "/b", "/c"]);
    for namespace in ["/b", "/a", "/c"] {
        connection.leave(connection.find(namespace).unwrap());
    }
    connection.on_text("0/d,", &LIMITS).unwrap();
    assert_eq!(connection.on_text(r#"2/b,["a"]"#, &LIMITS), Err(Violation::NotJoined));
    assert_eq!(connection.on_text(r#"2/a,["a"]"#, &LIMITS), Ok(Incoming::Nothing));
    assert_eq!(connection.on_text(r#"2/c,["a"]"#, &LIMITS), Ok(Incoming::Nothing));
}

#[test]
fn a_packet_is_dropped_when_its_namespace_goes_before_its_attachments_come() {
    let mut connection = joined(&["/"]);
    connection.on_text("0/chat,", &LIMITS).unwrap();
    connection.on_text(BINARY_EVENT, &LIMITS).unwrap();
    connection.leave(connection.find("/").unwrap());
    // Another namespace that is joined meanwhile does not inherit it.
    connection.join(&name("/chat"), "/chat").unwrap();
    assert_eq!(connection.on_binary(bytes("x"), &LIMITS), Ok(Incoming::Nothing));
}

#[test]
fn all_states_can_be_walked_and_changed() {
    let mut connection = joined(&["/", "/chat"]);
    let slot = connection.find("/chat").unwrap();
    *connection.socket_mut(slot).unwrap() = "changed";
    connection
        .slots_mut()
        .for_each(|(_, namespace, state)| assert!(namespace.is_root() || *state == "changed"));
    let names: Vec<_> =
        connection.slots().map(|(_, namespace, state)| (namespace.as_str(), *state)).collect();
    assert_eq!(names, [("/", "/"), ("/chat", "changed")]);
}

#[test]
fn an_idle_connection_is_small() {
    assert!(size_of::<Connection<u64>>() <= 72, "{}", size_of::<Connection<u64>>());
}

/// What a hostile or a correct peer, or the server, does next.
#[derive(Debug, Clone)]
enum Step {
    Text(String),
    Binary(usize),
    Join(&'static str),
    Refuse(&'static str),
    Renew(&'static str),
    Leave(&'static str),
}

const NAMES: [&str; 5] = ["/", "/a", "/b", "/c", "/d"];

fn arb_step() -> impl Strategy<Value = Step> {
    let namespace = || proptest::sample::select(NAMES.as_slice());
    let body = proptest::sample::select(
        [r#"["a"]"#, r#"["a",{"_placeholder":true,"num":1}]"#, "[]", "{}", "", r#"["disconnect"]"#]
            .as_slice(),
    );
    let head =
        proptest::sample::select(["0", "1", "2", "3", "52-", "62-", "51-", "4", "9", "512-"].as_slice());
    let id = proptest::sample::select(["", "1"].as_slice());
    prop_oneof![
        6 => (head, namespace(), id, body).prop_map(|(head, name, id, body)| Step::Text(format!("{head}{name},{id}{body}"))),
        4 => namespace().prop_map(|name| Step::Text(format!("0{name},"))),
        1 => "\\PC{0,9}".prop_map(Step::Text),
        4 => (0_usize..7).prop_map(Step::Binary),
        4 => namespace().prop_map(Step::Join),
        1 => namespace().prop_map(Step::Refuse),
        1 => namespace().prop_map(Step::Renew),
        2 => namespace().prop_map(Step::Leave),
    ]
}

proptest! {
    #[test]
    fn no_sequence_of_packets_breaks_the_bounds(steps in proptest::collection::vec(arb_step(), 0..60)) {
        let mut connection = Connection::new();
        let mut received_since_idle = 0;
        for step in steps {
            let outcome = match step {
                Step::Text(text) => {
                    received_since_idle += text.len() + 2 * 24;
                    // Violations would close a real connection; here it goes on, which is harder.
                    connection.on_text(&text, &LIMITS).map(Incoming::into_owned)
                }
                Step::Binary(size) => {
                    // Its block, and its place in a list that doubles from four on.
                    received_since_idle += size + 24 + 4 * size_of::<bytes::Bytes>();
                    connection.on_binary(vec![0; size].into(), &LIMITS)
                }
                Step::Join(namespace) => {
                    let was_pending = connection.pending_count();
                    let slot = connection.join(&name(namespace), namespace);
                    prop_assert!(slot.is_none() || connection.pending_count() + 1 == was_pending);
                    Ok(Incoming::Nothing)
                }
                Step::Refuse(namespace) => {
                    connection.refuse(&name(namespace));
                    Ok(Incoming::Nothing)
                }
                Step::Renew(namespace) => {
                    let open = connection.pending_count();
                    connection.renew(&name(namespace));
                    prop_assert_eq!(connection.pending_count(), open);
                    Ok(Incoming::Nothing)
                }
                Step::Leave(namespace) => {
                    let left = connection.find(namespace).and_then(|slot| connection.leave(slot));
                    prop_assert!(left.is_none_or(|state| state == namespace));
                    Ok(Incoming::Nothing)
                }
            };
            if let Ok(Incoming::Event { slot, .. } | Incoming::Ack { slot, .. } | Incoming::Disconnect { slot } | Incoming::Connect { replaces: Some(slot), .. }) = &outcome {
                prop_assert!(connection.socket(*slot).is_some());
            }
            if let Ok(Incoming::Disconnect { slot } | Incoming::Connect { replaces: Some(slot), .. }) = outcome {
                prop_assert!(connection.leave(slot).is_some());
            }
            match &connection.reassembly {
                Some(pending) => prop_assert!(pending.kept_bytes() <= received_since_idle),
                None => received_since_idle = 0,
            }
            prop_assert!(connection.joined_count() + connection.pending_count() <= LIMITS.namespaces);
            prop_assert!(connection.members.len() <= LIMITS.namespaces + LIMITS.departed_namespaces);
            for (slot, namespace, state) in connection.slots() {
                prop_assert_eq!(namespace.as_str(), *state);
                prop_assert_eq!(connection.find(state), Some(slot));
            }
        }
    }
}
