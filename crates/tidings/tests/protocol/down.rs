//! What the server sends.

use std::mem::discriminant;

use chat::conformance::kinds_read_back;
use chat::{
    Author, Body, CommandNumber, Device, DeviceId, Directory, Entry, Kind, Lineage, Nickname, Position, Rev,
    RoomId, RoomKind, RoomName, Seq, SignInLabel, SignInMethod, Text, TokenHash, Topic, UnixMillis, UserId,
};
use serde_json::{Value, json};
use tidings::v1::names::{PRESENCE, READ, TYPING, TYPING_STOPPED, WELCOME};
use tidings::v1::view::EntryView;

use crate::golden::{Direction, Golden, going};

const ADA: UserId = UserId(0x00c0_ffee_00c0_ffee);
const BOB: UserId = UserId(0x0b0b_0b0b_0b0b_0b0b);
const AT: UnixMillis = UnixMillis(1_789_000_000_000);
const DEVICE: DeviceId = DeviceId([
    0x5f, 0x0c, 0x1d, 0x2e, 0x3b, 0x4a, 0x59, 0x68, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x00,
]);
/// The token of a device, whose id is that of the examples.
const SAFARI: TokenHash = {
    let mut hash = [0; 32];
    (hash[0], hash[1], hash[2], hash[3]) = (0x6b, 0x1f, 0x0a, 0x9c);
    (hash[4], hash[5], hash[6], hash[7]) = (0x2d, 0x3e, 0x4f, 0x50);
    TokenHash(hash)
};
const RECIPES: RoomId = RoomId(9);
const PLANS: RoomId = RoomId(7);
const DIRECT: RoomId = RoomId(8);

#[expect(clippy::unnecessary_wraps, reason = "as entries have it")]
fn by(user: UserId, n: u64) -> Option<Author> {
    Some(Author::Device { device: Device { user, id: DEVICE }, n: CommandNumber(n) })
}

fn name(name: &str) -> Nickname {
    Nickname::parse(name).unwrap()
}

fn entry(room: RoomId, rev: u64, author: Option<Author>, kind: Kind) -> Entry {
    Entry { position: Position(1), room, seq: Seq(0), rev: Rev(rev), at: AT, author, kind }
}

/// The people of the examples, before bob is called robert.
fn people() -> Directory {
    let mut directory = Directory::default();
    for (user, called) in [(ADA, "ada"), (BOB, "bob")] {
        let kind = Kind::Named { user, name: name(called), was: None };
        directory.apply(&entry(RoomId::HOUSE, 1, by(user, 1), kind));
    }
    directory
}

/// The entry of an example; where it stands and its number are taken from the example itself.
fn example(of: &str) -> Entry {
    let text = |text: &str| Text::parse(text).unwrap();
    let room_name = |name: &str| RoomName::parse(name).unwrap();
    let topic = |topic: &str| Topic::parse(topic).unwrap();
    let created =
        |kind, name: Option<RoomName>, topic, members| Kind::RoomCreated { kind, name, topic, members };
    let message = |body| Kind::Message { body };
    let lobby = RoomId::LOBBY;
    let (room, author, kind) = match of {
        "message" => (lobby, by(ADA, 7), message(Body::Original(text("hello, everyone")))),
        "message-guest" => {
            let line = text("hello from the tutorial's page");
            (lobby, Some(Author::Lineage(Lineage([7; 16]))), message(Body::Original(line)))
        }
        "message-deleted" => (lobby, by(ADA, 7), message(Body::Deleted)),
        "message-damaged" => (lobby, None, message(Body::Damaged)),
        "edited" => (lobby, by(ADA, 8), Kind::Edited { seq: Seq(42), text: Some(text("hello, all")) }),
        "deleted" => (lobby, by(ADA, 9), Kind::Deleted { seq: Seq(42) }),
        "room-created" => {
            let name = Some(room_name("recipes"));
            (RECIPES, by(ADA, 1), created(RoomKind::Public, name, topic("bread and soup"), vec![ADA]))
        }
        "room-created-private" => {
            let name = Some(room_name("plans"));
            (PLANS, by(ADA, 1), created(RoomKind::Private, name, Topic::default(), vec![ADA]))
        }
        "room-created-direct" => {
            (DIRECT, by(ADA, 1), created(RoomKind::Direct, None, Topic::default(), vec![ADA, BOB]))
        }
        "room-renamed" => (RECIPES, by(ADA, 1), Kind::RoomRenamed { name: room_name("baking") }),
        "topic" => (RECIPES, by(ADA, 1), Kind::TopicSet { topic: topic("bread only") }),
        "joined" => (RECIPES, by(BOB, 1), Kind::Joined { user: BOB }),
        "left" => (RECIPES, by(BOB, 1), Kind::Left { user: BOB }),
        "removed" => (PLANS, by(ADA, 1), Kind::Removed { user: BOB }),
        "named" => {
            let kind = Kind::Named { user: BOB, name: name("robert"), was: Some(name("bob")) };
            (RoomId::HOUSE, by(BOB, 1), kind)
        }
        "owner" => (RoomId::HOUSE, by(ADA, 1), Kind::Owner { user: ADA }),
        "signed-in" => {
            let kind = Kind::SignedIn {
                user: ADA,
                token: SAFARI,
                method: SignInMethod::Link,
                label: SignInLabel::from_stored("Safari on iPhone"),
                ended: None,
            };
            (RoomId::PERSONAL, None, kind)
        }
        "signed-out" => {
            (RoomId::PERSONAL, by(ADA, 1), Kind::SignedOut { user: ADA, sign_ins: vec![SAFARI.id()] })
        }
        "unknown" => (PLANS, by(ADA, 1), Kind::Unknown { code: 99 }),
        other => panic!("the example {other} has no entry here"),
    };
    entry(room, 0, author, kind)
}

/// The examples that are entries of the log.
fn entries() -> impl Iterator<Item = (String, Golden)> {
    let others = [WELCOME, PRESENCE, TYPING, TYPING_STOPPED, READ, "connect_error"];
    going(Direction::Down).filter(move |(_, golden)| !others.contains(&golden.event.as_str()))
}

#[test]
fn every_entry_is_sent_as_documented() {
    for (of, golden) in entries() {
        let mut expected = golden.args[0].clone();
        let mut entry = example(&of);
        // What concerns one person alone has numbers that nobody is told.
        entry.rev = Rev(expected["rev"].as_u64().unwrap_or(1));
        if matches!(entry.kind, Kind::Message { .. }) {
            entry.seq = Seq(expected["seq"].as_u64().unwrap());
        }
        let mut directory = people();
        if matches!(entry.kind, Kind::Joined { .. }) {
            directory.apply(&example("room-created"));
            entry.seq = Seq(expected["about"]["seq"].as_u64().unwrap());
        }
        directory.apply(&entry);
        let cursor = expected["cursor"].as_str().unwrap().to_owned();
        let (event, view) = EntryView::event(&directory, &entry, &cursor);
        let mut sent = serde_json::to_value(view).unwrap();
        if of == "message-guest" {
            // The digits are those of a hash.
            let digits = sent["from"]["guest"].take();
            assert_eq!(digits.as_str().map(str::len), Some(4));
            expected["from"]["guest"] = Value::Null;
        }
        assert_eq!((event, &sent), (golden.event.as_str(), &expected), "{of}");
    }
}

/// An entry of `/v1` that the conformance suite of the log does not write is tested with no backend.
#[test]
fn every_entry_is_part_of_the_conformance_suite_of_the_log() {
    let kinds: Vec<_> = kinds_read_back().iter().map(discriminant).collect();
    for (of, golden) in entries() {
        assert!(
            kinds.contains(&discriminant(&example(&of).kind)),
            "no log is tested with the event {:?}: add its command to `one_of_each` in \
             crates/chat/src/conformance/people.rs",
            golden.event
        );
    }
}

#[test]
fn an_edit_whose_text_is_gone_has_none() {
    let gone = entry(RoomId::LOBBY, 47, by(ADA, 8), Kind::Edited { seq: Seq(42), text: None });
    let directory = Directory::default();
    let (_, view) = EntryView::event(&directory, &gone, "1.1.1");
    let sent = serde_json::to_value(view).unwrap();
    assert_eq!((&sent["seq"], sent.get("text")), (&json!(42), None));
}
