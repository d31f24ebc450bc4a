//! Answers while the log changes: something is committed after the snapshot was taken and before the page is read.
//!
//! The parts are real, including the appender's thread; each test chooses the moment of the commit.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use chat::{
    Appender, Applier, Applying, Command, CommandNumber, Committed, Device, DeviceId, DirectoryHandle, Draft,
    Epoch, Identity, Limits, MemoryDisk, MemoryLog, MemoryReader, Nickname, Position, QueueBounds, RoomKind,
    RoomName, Text, Topic, UnixMillis, UserId,
};
use socketio_server::{Feed, FeedConfig, WeakIo};

use super::*;
use crate::allowance::{Allowances, Rate, ReadRates};
use crate::command_pace::{CommandPaces, CommandRates};
use crate::environment::Environment;
use crate::payer::Widening;
use crate::quotas::{QuotaBounds, Quotas};
use crate::reading::fair::FairBounds;
use crate::reading::pool::Pool;
use crate::stamp::Stamp;
use crate::ticket::Ticket;
use crate::v1::edge::EdgeParts;
use crate::v1::guesses::GuessRates;
use crate::v1::identity::Signer;
use crate::v1::session::NoticeRates;
use crate::v1::sight::Sight;
use crate::v1::traffic::Traffic;
use crate::v1::welcome::WireLimits;

const ADA: Device = Device { user: UserId(1), id: DeviceId([1; 16]) };
const BOB: Device = Device { user: UserId(2), id: DeviceId([2; 16]) };
const PLANS: RoomId = RoomId(2);

/// A chat with ada, bob, and their private room.
struct Town {
    edge: std::sync::Arc<Edge>,
    directory: DirectoryHandle,
    reader: MemoryReader,
    numbers: Mutex<std::collections::HashMap<UserId, u64>>,
    delivered: Mutex<Receiver<usize>>,
}

impl Town {
    fn open() -> Self {
        let mut log = MemoryLog::open(&MemoryDisk::default(), Epoch(1));
        let reader = log.reader();
        let directory = DirectoryHandle::load(&mut log).unwrap();
        let (tell, delivered) = sync_channel(1);
        let delivery = move |batch: Committed<Ticket>| tell.send(batch.entries.len()).unwrap();
        let applier = Applier::new(reader.clone(), Position::ZERO, directory.clone());
        let delivery = Applying::new(applier, delivery);
        let ports = chat::Ports {
            on_room: Box::new(|| ()),
            on_written: Box::new(|_| None),
            on_fatal: Box::new(|fatal| panic!("{fatal}")),
            clock: Box::new(Instant::now),
        };
        let bounds = QueueBounds::default();
        let appender = Appender::start(log, &directory, delivery, Limits::DEFAULT, bounds, ports).unwrap();
        let edge = Edge::new(
            directory.clone(),
            EdgeParts {
                connections_per_person_max: 20,
                signer: Signer::new(&[1; 32], []),
                feed: Feed::new(FeedConfig::in_memory()),
                appender: std::sync::Arc::new(appender),
                stamp: Stamp::for_tests(),
                readers: Pool::stepped(FairBounds::DEFAULT, |_| ()),
                io: WeakIo::default(),
                limits: WireLimits::new(Text::BYTES_MAX),
                traffic: Traffic::new(0),
                resume_entries_max: 5_000,
                history_bytes_max: HISTORY_BYTES_MAX,
                requests_open_max: 16,
                allowances: Allowances::new(ReadRates::DEFAULT, Widening::DEFAULT, Arc::default()),
                guesses: GuessRates::DEFAULT,
                widening: Widening::DEFAULT,
                tallies: Arc::default(),
                paces: CommandPaces::new(
                    CommandRates { person: chat::ByTrust::all(Rate::OFF), network: Rate::OFF },
                    Widening::DEFAULT,
                    Arc::default(),
                ),
                notices: NoticeRates::DEFAULT,
                quotas: Quotas::new(QuotaBounds::OFF, Widening::DEFAULT, Instant::now, Arc::default()),
                environment: Environment { now: || UnixMillis(0), clock: Instant::now, random: |_| () },
            },
        );
        let town =
            Self { edge, directory, reader, numbers: Mutex::default(), delivered: Mutex::new(delivered) };
        town.say(ADA, Command::Name { name: Nickname::parse("ada").unwrap() });
        town.say(BOB, Command::Name { name: Nickname::parse("bob").unwrap() });
        let (name, topic) = (RoomName::parse("Plans").unwrap(), Topic::default());
        town.say(ADA, Command::Create { kind: RoomKind::Private, name, topic });
        town.say(ADA, Command::Add { room: PLANS, user: BOB.user });
        town.say(ADA, message("while bob was in"));
        town
    }

    /// Stores a command as one batch; returns when it has been delivered.
    fn say(&self, device: Device, command: Command) {
        let n = CommandNumber({
            let mut numbers = self.numbers.lock().unwrap();
            let n = numbers.entry(device.user).or_default();
            *n += 1;
            *n
        });
        let draft =
            Draft { identity: Identity::Device { device, n }, command, at: UnixMillis(0), over_quota: None };
        self.edge.parts.appender.submit(draft, Ticket::Program(None));
        assert_eq!(self.delivered.lock().unwrap().recv().unwrap(), 1, "the command was stored");
    }

    /// What bob is answered if `meanwhile` happens after he was found to be allowed and before the log is read.
    fn answer(&self, request: &Request, meanwhile: impl Fn() + Send + Sync) -> (Vec<RoomId>, String) {
        let sight = Sight::new(BOB.user, &self.directory);
        meanwhile();
        match answer(&self.edge, &self.reader, sight, request).unwrap() {
            Answering::Whole(answer, _) => answer.parts(),
            Answering::Counting(_) => panic!("{request:?} is answered in steps"),
        }
    }
}

fn message(text: &str) -> Command {
    Command::Say { room: PLANS, text: Text::parse(text).unwrap() }
}

fn pages() -> [Request; 5] {
    let history = |page, limit| Request::History { room: PLANS, page, limit };
    [
        history(Page::Newest, 50),
        history(Page::After(Seq::ZERO), 50),
        history(Page::Around(Seq(1)), 50),
        history(Page::Before(Seq(99)), 50),
        Request::Changes { room: PLANS, after: Rev::ZERO, limit: 100 },
    ]
}

#[test]
fn an_answer_tells_nothing_of_what_came_after_permission_was_asked() {
    for request in pages() {
        let town = Town::open();
        let (within, text) = town.answer(&request, || {
            town.say(ADA, Command::Remove { room: PLANS, user: BOB.user });
            town.say(ADA, message("after bob was removed"));
        });
        assert!(text.contains("while bob was in"), "{request:?}: {text}");
        assert!(!text.contains("after bob was removed"), "{request:?}: {text}");
        assert!(!text.contains("\"removed\""), "{request:?}: {text}");
        assert_eq!(within, [PLANS], "{request:?} is for members alone");
    }
}

/// The guard and the content are of one moment, even if the asker is out and in again when the log is read.
#[test]
fn a_member_who_was_out_meanwhile_is_told_nothing_of_that_time() {
    for request in pages() {
        let town = Town::open();
        let (_, text) = town.answer(&request, || {
            town.say(ADA, Command::Remove { room: PLANS, user: BOB.user });
            town.say(ADA, message("while bob was out"));
            town.say(ADA, Command::Add { room: PLANS, user: BOB.user });
        });
        assert!(text.contains("while bob was in") && !text.contains("while bob was out"), "{text}");
    }
}

#[test]
fn the_newest_page_is_full_and_ends_at_the_numbers_that_it_tells() {
    let town = Town::open();
    let request = Request::History { room: PLANS, page: Page::Newest, limit: 1 };
    let (_, text) = town.answer(&request, || {
        town.say(ADA, message("one more"));
        town.say(ADA, message("and another"));
    });
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(told["messages"][0]["text"], "while bob was in");
    assert_eq!((&told["seq"], &told["last"], &told["first"]), (&1.into(), &true.into(), &true.into()));
}

#[test]
fn a_page_that_stops_at_the_numbers_that_it_tells_reaches_the_end() {
    let town = Town::open();
    let check = |page, last: bool| {
        let request = Request::History { room: PLANS, page, limit: 1 };
        let (_, text) = town.answer(&request, || town.say(ADA, message("one more")));
        let told: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(told["last"], last, "{page:?}: {text}");
    };
    check(Page::After(Seq(1)), true);
    check(Page::After(Seq(1)), false);
    check(Page::Before(Seq(2)), false);
}

#[test]
fn a_person_who_joins_after_asking_is_answered_like_a_stranger() {
    let town = Town::open();
    let cleo = UserId(3);
    let sight = Sight::new(cleo, &town.directory);
    town.say(
        Device { user: cleo, id: DeviceId([3; 16]) },
        Command::Name { name: Nickname::parse("cleo").unwrap() },
    );
    town.say(ADA, Command::Add { room: PLANS, user: cleo });
    let request = Request::Members { room: PLANS, after: None };
    assert_eq!(answer(&town.edge, &town.reader, sight, &request).unwrap_err(), RequestError::NotFound);
}

#[test]
fn changes_say_whether_there_are_more() {
    let town = Town::open();
    town.say(ADA, message("one more"));
    let more = |after, limit| {
        let (_, text) = town.answer(&Request::Changes { room: PLANS, after, limit }, || ());
        let told: serde_json::Value = serde_json::from_str(&text).unwrap();
        (told["entries"].as_array().map(Vec::len), told["more"].as_bool())
    };
    // Of the four changes, bob may see those from the one on that let him in.
    assert_eq!(more(Rev::ZERO, 2), (Some(2), Some(true)));
    assert_eq!(more(Rev::ZERO, 3), (Some(3), Some(false)));
    assert_eq!(more(Rev(4), 2), (Some(0), Some(false)));
}

#[test]
fn who_is_online_is_told_as_a_list_and_a_number() {
    let town = Town::open();
    // Whoever asks is there, and is not told of themselves.
    let (within, text) = town.answer(&Request::Who { after: None }, || ());
    assert_eq!((within, text.as_str()), (vec![], r#"{"ok":true,"online":[],"count":1,"more":false}"#));
}

/// A code that admits nobody any more still leads members to where they are.
#[test]
fn the_code_of_a_room_tells_members_of_it_whatever_became_of_the_code() {
    let town = Town::open();
    let invite = Invite { room: PLANS, generation: chat::InviteGeneration(0), by: Some(ADA.user) };
    let code = town.edge.parts.signer.invite(invite);
    let ask = |user| {
        let request = Request::Code { code: crate::v1::session::Secret(code.clone()) };
        match answer(&town.edge, &town.reader, Sight::new(user, &town.directory), &request) {
            Ok(Answering::Whole(answer, _)) => {
                let told: serde_json::Value = serde_json::from_str(&answer.parts().1).unwrap();
                Ok((told["joined"].as_bool(), told["name"].as_str().map(str::to_owned)))
            }
            Ok(Answering::Counting(_)) => panic!("a code is nothing to count"),
            Err(error) => Err(error),
        }
    };
    let plans = |joined| Ok((Some(joined), Some("Plans".to_owned())));
    let stranger = UserId(7);
    assert_eq!((ask(BOB.user), ask(stranger)), (plans(true), plans(false)));
    // Removing somebody ends all codes of a private room.
    town.say(ADA, Command::Remove { room: PLANS, user: BOB.user });
    assert_eq!((ask(ADA.user), ask(stranger)), (plans(true), Err(RequestError::BadCode)));
    assert_eq!(ask(BOB.user), Err(RequestError::BadCode));
}
