//! What clients send.

use std::mem::discriminant;

use chat::conformance::commands_of_lives;
use chat::{
    Author, Command, CommandNumber, Device, DeviceId, Directory, Entry, InviteGeneration, JoinBy, Kind,
    Nickname, Outcome, Page, Position, Receipt, Refusal, Rev, RoomId, RoomKind, RoomName, Seq, SignInId,
    SignOutOf, Text, Topic, UnixMillis, UserId,
};
use serde_json::{Value, json};
use socketio_server::Payload;
use socketio_server::socketio::{Connection, Incoming, Limits, NamespaceName};
use tidings::v1::ack::{RequestError, of_command};
use tidings::v1::command::Numbered;
use tidings::v1::identity::{Invite, Signer};
use tidings::v1::names::{CommandName, READ, RequestName, TYPING, TYPING_STOPPED};
use tidings::v1::request::{Moved, Request, typing};
use tidings::v1::session::Secret;
use tidings::v1::view::RoomView;

use crate::golden::{Direction, Golden, going};

const ADA: UserId = UserId(0x00c0_ffee_00c0_ffee);
const BOB: UserId = UserId(0x0b0b_0b0b_0b0b_0b0b);
const AT: UnixMillis = UnixMillis(1_789_000_000_000);

fn signer() -> Signer {
    Signer::new(&[1; 32], [])
}

/// An event as the server reads it.
fn with_payload<T>(event: &str, args: &[Value], read: impl FnOnce(&Payload<'_>) -> T) -> T {
    let limits = Limits::default();
    let mut connection = Connection::new();
    connection.on_text("0", &limits).unwrap();
    connection.join(&NamespaceName::ROOT, ());
    let array: Vec<Value> = std::iter::once(json!(event)).chain(args.iter().cloned()).collect();
    let text = format!("2{}", Value::from(array));
    let Ok(Incoming::Event { payload, .. }) = connection.on_text(&text, &limits) else {
        panic!("{text} is an event")
    };
    read(&payload)
}

fn command_name(event: &str) -> Option<CommandName> {
    CommandName::ALL.into_iter().find(|name| name.as_str() == event)
}

fn request_name(event: &str) -> Option<RequestName> {
    RequestName::ALL.into_iter().find(|name| name.as_str() == event)
}

/// The codes of the examples are made up; those that we sign are not.
fn with_our_codes(name: &str, args: &[Value]) -> Vec<Value> {
    let mut args = args.to_vec();
    match name {
        "join-invite" => {
            let invite = Invite { room: RoomId(7), generation: InviteGeneration(1), by: Some(BOB) };
            args[0]["invite"] = json!(signer().invite(invite));
        }
        "claim" => args[0]["code"] = json!(signer().setup_code().to_string()),
        _ => {}
    }
    args
}

fn expected_command(name: &str) -> Command {
    let text = |text: &str| Text::parse(text).unwrap();
    let room_name = |name: &str| RoomName::parse(name).unwrap();
    let topic = |topic: &str| Topic::parse(topic).unwrap();
    let lobby = RoomId::LOBBY;
    match name {
        "say" => Command::Say { room: lobby, text: text("hello, everyone") },
        "say-refused" => Command::Say { room: RoomId(7), text: text("am I still in?") },
        "say-storage-full" => Command::Say { room: lobby, text: text("is there room for this?") },
        "say-expected" => Command::Say { room: lobby, text: text("too early") },
        "edit" => Command::Edit { room: lobby, seq: Seq(42), text: text("hello, all") },
        "delete" => Command::Delete { room: lobby, seq: Seq(42) },
        "create" => Command::Create {
            kind: RoomKind::Public,
            name: room_name("recipes"),
            topic: topic("bread and soup"),
        },
        "direct" | "direct-known" => Command::Direct { with: vec![BOB] },
        "rename" => Command::Rename { room: RoomId(9), name: room_name("baking") },
        "set-topic" => Command::SetTopic { room: RoomId(9), topic: topic("bread only") },
        "join" => Command::Join { room: RoomId(9), by: JoinBy::Open },
        "join-invite" => Command::Join { room: RoomId(7), by: JoinBy::Invite(InviteGeneration(1)) },
        "leave" => Command::Leave { room: RoomId(9) },
        "add" => Command::Add { room: RoomId(7), user: BOB },
        "remove" => Command::Remove { room: RoomId(7), user: BOB },
        "name" => Command::Name { name: Nickname::parse("robert").unwrap() },
        "claim" => Command::Claim,
        "sign-out" => Command::SignOut { of: SignOutOf::One(SignInId(0x6b1f_0a9c_2d3e_4f50)) },
        "sign-out-others" => {
            Command::SignOut { of: SignOutOf::Others { keep: SignInId(0x0f1e_2d3c_4b5a_6978) } }
        }
        "skip" => Command::Skip,
        other => panic!("the example {other} has no typed command here"),
    }
}

/// What the log says to a command whose answer is that of the example.
fn outcome(answer: &Value) -> Outcome {
    let number = |field: &str| answer[field].as_u64().unwrap_or_default();
    if answer["skipped"] == json!(true) {
        return Outcome::Skipped;
    }
    if answer["ok"] == json!(true) {
        let room = answer["room"].as_u64().map_or(RoomId::PERSONAL, RoomId);
        let Some(cursor) = answer["cursor"].as_str() else { return Outcome::Already { room } };
        let position = u64::from_str_radix(cursor.rsplit('.').next().unwrap(), 36).unwrap();
        // What is not a message has the number of the message before.
        let seq = answer["seq"].as_u64().unwrap_or(99);
        let receipt =
            Receipt { position: Position(position), room, seq: Seq(seq), rev: Rev(number("rev")), at: AT };
        return Outcome::Stored(receipt);
    }
    match answer["code"].as_str() {
        Some("storage_full") => Outcome::StorageFull,
        Some("expected") => Outcome::Expected { n: CommandNumber(number("expected")) },
        code => Outcome::Refused(
            Refusal::ALL.into_iter().find(|refusal| Some(refusal.code()) == code).expect("a known code"),
        ),
    }
}

/// The room that an answer lets bob in, which ada has made.
struct Rooms(Option<(Directory, Entry)>);

impl Rooms {
    fn with(answer: &Value) -> Self {
        let Some(about) = answer.get("about") else { return Self(None) };
        let number = |field: &str| about[field].as_u64().unwrap();
        let text = |field: &str| about[field].as_str().unwrap();
        let device = Device { user: ADA, id: DeviceId([1; 16]) };
        let author = Some(Author::Device { device, n: CommandNumber(1) });
        let kind = if text("kind") == "public" { RoomKind::Public } else { RoomKind::Private };
        let (name, topic) = (RoomName::parse(text("name")).ok(), Topic::parse(text("topic")).unwrap());
        let created = Kind::RoomCreated { kind, name, topic, members: vec![ADA] };
        let room = RoomId(number("room"));
        let entry = |seq, rev, kind| Entry {
            position: Position(rev),
            room,
            seq,
            rev: Rev(rev),
            at: AT,
            author,
            kind,
        };
        let mut directory = Directory::default();
        directory.apply(&entry(Seq::ZERO, 1, created));
        let joined = entry(Seq(number("seq")), number("rev"), Kind::Joined { user: BOB });
        directory.apply(&joined);
        Self(Some((directory, joined)))
    }

    fn entered(&self) -> Option<RoomView<'_>> {
        self.0.as_ref().and_then(|(directory, entry)| RoomView::entered(directory, entry, BOB))
    }
}

fn cursor(position: u64) -> String {
    socketio_server::Offset { log: 1, epoch: 100, position }.to_string()
}

#[test]
fn every_command_is_read_and_answered_as_documented() {
    let commands =
        going(Direction::Up).filter_map(|(name, golden)| Some((command_name(&golden.event)?, name, golden)));
    for (command, name, Golden { event, args, ack, .. }) in commands {
        let args = with_our_codes(&name, &args);
        let answer = &ack.as_deref().expect("commands are answered")[0];
        let read = with_payload(&event, &args, |payload| Numbered::parse(command, payload, &signer()));
        if name == "say-invalid" {
            assert!(read.is_err());
            assert_eq!(serde_json::from_str::<Value>(&RequestError::Invalid.answer()).unwrap(), *answer);
            continue;
        }
        let read = read.unwrap_or_else(|_| panic!("{name} is well-formed"));
        assert_eq!(read.command, expected_command(&name), "{name}");
        assert_eq!(Some(read.n.0), args[0]["n"].as_u64(), "{name}");
        let rooms = Rooms::with(answer);
        let told =
            of_command(command, read.n, &outcome(answer), rooms.entered(), |position| cursor(position.0));
        assert_eq!(serde_json::from_str::<Value>(&told).unwrap(), *answer, "{name}");
    }
}

#[test]
fn every_request_is_read_as_documented() {
    let requests =
        going(Direction::Up).filter_map(|(name, golden)| Some((request_name(&golden.event)?, name, golden)));
    for (request, name, golden) in requests {
        let read = with_payload(&golden.event, &golden.args, |payload| Request::parse(request, payload));
        let lobby = RoomId::LOBBY;
        let expected = match name.as_str() {
            "history" => Request::History { room: lobby, page: Page::Before(Seq(43)), limit: 2 },
            "history-around" => Request::History { room: lobby, page: Page::Around(Seq(42)), limit: 50 },
            "changes" => Request::Changes { room: RoomId(9), after: Rev(2), limit: 2 },
            "rooms" => Request::Rooms { after: Some(lobby), limit: 1 },
            "members" => Request::Members { room: RoomId(7), after: None },
            "who" => Request::Who { after: None },
            "unread" => Request::Unread { rooms: vec![lobby, RoomId(7)] },
            "invite" => Request::Invite { room: RoomId(7) },
            "link" => Request::Link,
            "sign-ins" => Request::SignIns,
            "code-link" | "code-setup" | "code-bad" => {
                Request::Code { code: Secret("7K2Q-9XWM-3TVC-0H5R".to_owned()) }
            }
            "code-invite" => {
                Request::Code { code: Secret(golden.args[0]["code"].as_str().unwrap().to_owned()) }
            }
            other => panic!("the example {other} has no typed request here"),
        };
        assert_eq!(read.ok(), Some(expected), "{name}");
    }
}

/// Somebody may be removed from a room while the answer is looked up: then they do not get it.
#[test]
fn the_answer_to_a_request_that_names_rooms_is_for_those_who_are_in_them() {
    let requests =
        going(Direction::Up).filter_map(|(name, golden)| Some((request_name(&golden.event)?, name, golden)));
    let mut named = 0;
    for (request, name, golden) in requests {
        let read =
            with_payload(&golden.event, &golden.args, |payload| Request::parse(request, payload)).unwrap();
        let argument = golden.args.first().unwrap_or(&Value::Null);
        let rooms = argument["rooms"].as_array().cloned().unwrap_or_default();
        let rooms = rooms.into_iter().chain(argument.get("room").cloned());
        let rooms: Vec<_> = rooms.map(|room| RoomId(room.as_u64().unwrap())).collect();
        assert_eq!(read.rooms().collect::<Vec<_>>(), rooms, "{name}");
        named += rooms.len();
    }
    assert!(named > 0, "some do");
}

#[test]
fn read_pointers_and_typing_are_read_as_documented() {
    for (name, golden) in going(Direction::Up) {
        if golden.event == READ {
            let moved = with_payload(READ, &golden.args, Moved::parse);
            assert_eq!(moved.ok(), Some(Moved { room: RoomId::LOBBY, seq: Seq(42) }), "{name}");
        } else if [TYPING, TYPING_STOPPED].contains(&golden.event.as_str()) {
            assert_eq!(with_payload(&golden.event, &golden.args, typing).ok(), Some(RoomId::LOBBY), "{name}");
        }
    }
}

/// A command of `/v1` that the conformance suite of the log does not use is tested with no backend.
#[test]
fn every_command_is_part_of_the_conformance_suite_of_the_log() {
    let used: Vec<_> = commands_of_lives().iter().map(discriminant).collect();
    for name in CommandName::ALL {
        let examples = going(Direction::Up).filter(|(_, golden)| golden.event == name.as_str());
        for (example, _) in examples.filter(|(example, _)| example != "say-invalid") {
            let command = expected_command(&example);
            assert!(
                used.contains(&discriminant(&command)),
                "no log is tested with {command:?}: add it to `made_of` in crates/chat/src/conformance/lives.rs"
            );
        }
    }
}

#[test]
fn every_request_has_an_example_with_its_answer() {
    for (name, golden) in going(Direction::Up).filter(|(_, golden)| request_name(&golden.event).is_some()) {
        assert!(golden.ack.is_some(), "docs/protocol/{name}.json has no `ack`: add the answer");
    }
}

#[test]
fn every_documented_event_of_a_client_has_a_name_in_the_server() {
    for (name, Golden { event, .. }) in going(Direction::Up) {
        let others = ["connect", READ, TYPING, TYPING_STOPPED];
        let is_known = command_name(&event).is_some() || request_name(&event).is_some();
        assert!(is_known || others.contains(&&*event), "{name}: add `{event}` to src/names.rs");
    }
}

#[test]
fn every_event_has_an_example() {
    let examples: Vec<String> = going(Direction::Up).map(|(_, golden)| golden.event).collect();
    let commands = CommandName::ALL.into_iter().map(CommandName::as_str);
    for event in commands.chain(RequestName::ALL.into_iter().map(RequestName::as_str)).chain([
        READ,
        TYPING,
        TYPING_STOPPED,
    ]) {
        assert!(
            examples.iter().any(|example| example == event),
            "no file of docs/protocol has the event {event:?}: add an example, and name it in docs/protocol.md"
        );
    }
}

/// Every field of every example in turn is left out, and given every type that it has not.
#[test]
fn fields_of_the_wrong_shape_are_malformed_and_never_a_command() {
    let wrong = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!([]),
        json!({}),
        json!("?\u{0}"),
        json!(1u64 << 53),
    ];
    for (name, golden) in going(Direction::Up) {
        let Some(command) = command_name(&golden.event) else { continue };
        let fields: Vec<String> = golden.args[0].as_object().unwrap().keys().cloned().collect();
        for field in fields {
            for value in &wrong {
                let mut args = golden.args.clone();
                args[0][&field] = value.clone();
                let read = with_payload(&golden.event, &args, |payload| {
                    Numbered::parse(command, payload, &signer())
                });
                let is_text = value.is_string() && golden.args[0][&field].is_string();
                let is_optional = (value.is_null() && field == "topic" && name == "create")
                    || (value.is_array() && field == "with");
                if is_text || is_optional || name == "say-invalid" {
                    // A text of the wrong kind is a person's mistake, and gets its answer for ever.
                    continue;
                }
                assert!(read.is_err(), "{name}: {field} = {value}: {read:?}");
            }
        }
        for args in [vec![], vec![json!("?")], vec![json!([1, 1, "hello"])], vec![json!({})]] {
            let read =
                with_payload(&golden.event, &args, |payload| Numbered::parse(command, payload, &signer()));
            assert!(read.is_err(), "{name}: {args:?}: {read:?}");
        }
    }
}

#[test]
fn a_command_that_can_never_succeed_uses_up_its_number() {
    let void = |event: &str, args: Value| {
        let command = command_name(event).unwrap();
        let read = with_payload(event, &[args], |payload| Numbered::parse(command, payload, &signer()));
        match read.unwrap().command {
            Command::Rejected { why, content } => (why, content),
            other => panic!("{other:?}"),
        }
    };
    let why = |event, args| void(event, args).0;
    assert_eq!(why("say", json!({ "n": 1, "room": 1, "text": "" })), Refusal::Empty);
    let long = "x".repeat(Text::BYTES_MAX + 1);
    assert_eq!(why("say", json!({ "n": 1, "room": 1, "text": long })), Refusal::TooLarge);
    assert_eq!(why("name", json!({ "n": 1, "name": "аdmin" })), Refusal::NameReserved);
    assert_eq!(why("name", json!({ "n": 1, "name": "a\u{202e}b" })), Refusal::NameInvalid);
    assert_eq!(why("join", json!({ "n": 1, "invite": "forged" })), Refusal::BadCode);
    assert_eq!(why("claim", json!({ "n": 1, "code": "0000-0000-0000-0000" })), Refusal::BadCode);
    // A repeat is known by all that it says.
    let forged = |code: &str| void("claim", json!({ "n": 1, "code": code }));
    assert_eq!(forged("a"), forged("a"));
    assert_ne!(forged("a").1, forged("b").1);
}

#[test]
fn a_room_that_is_named_often_is_counted_once() {
    let rooms = |args: Value| {
        with_payload("unread", &[args], |payload| Request::parse(RequestName::Unread, payload).ok())
    };
    let asked = Request::Unread { rooms: vec![RoomId(7), RoomId(3)] };
    assert_eq!(rooms(json!({ "rooms": [7, 3, 7, 7, 3] })), Some(asked));
    assert_eq!(rooms(json!({ "rooms": vec![7; 101] })), None);
}
