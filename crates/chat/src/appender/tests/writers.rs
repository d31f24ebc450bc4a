//! Two appenders over one log in memory, each with its own applier: what one stores, the other passes on and decides by.

use std::sync::mpsc::{Receiver, sync_channel};

use crate::appender::{Appender, Ports};
use crate::applier::{Applier, Applying};
use crate::command::Command;
use crate::conformance::{ADA, ADAS, BOB, BOBS, command, draft, numbered};
use crate::decide::Limits;
use crate::delivery::Committed;
use crate::directory::DirectoryHandle;
use crate::entry::Kind;
use crate::ids::{Epoch, RoomId, Seq};
use crate::log::Log as _;
use crate::memory::{Fault, MemoryDisk, MemoryLog};
use crate::name::Nickname;
use crate::outcome::Outcome;
use crate::queue::{Admission, QueueBounds};
use crate::text::Text;
use crate::{Draft, RollbackCause};

/// A node without clients.
struct Node {
    appender: Appender<u32>,
    directory: DirectoryHandle,
    committed: Receiver<Committed<u32>>,
}

impl Node {
    fn over(mut log: MemoryLog) -> Self {
        let (tx, committed) = sync_channel(100);
        let directory = DirectoryHandle::load(&mut log).unwrap();
        let delivery = move |batch: Committed<u32>| drop(tx.send(batch));
        let applier = Applier::new(log.reader(), log.head(), directory.clone());
        let ports = Ports {
            on_room: Box::new(|| {}),
            on_written: Box::new(|_| None),
            on_fatal: Box::new(|fatal| panic!("{fatal}")),
            clock: Box::new(std::time::Instant::now),
        };
        let delivery = Applying::new(applier, delivery);
        let (limits, bounds) = (Limits::DEFAULT, QueueBounds::default());
        let appender = Appender::start(log, &directory, delivery, limits, bounds, ports).unwrap();
        Self { appender, directory, committed }
    }

    /// Two of them.
    fn both(disk: &MemoryDisk) -> [Self; 2] {
        let one = Self::over(MemoryLog::open_shared(disk, Epoch(1)));
        [one, Self::over(MemoryLog::join(disk))]
    }

    /// What became of a draft, after what the others have stored has been passed on.
    fn does(&self, draft: Draft) -> (Vec<u64>, Outcome) {
        assert_eq!(self.appender.submit(draft, 7), Admission::Accepted);
        let mut passed = Vec::new();
        loop {
            let Committed { entries, outcomes, .. } = self.committed.recv().unwrap();
            passed.extend(entries.iter().map(|entry| entry.position.0));
            if let [(_, outcome)] = outcomes[..] {
                return (passed, outcome);
            }
        }
    }

    /// What it passes on when it hears that others have appended.
    fn hears(&self) -> Committed<u32> {
        self.appender.tell_news();
        self.committed.recv().unwrap()
    }
}

fn position((passed, outcome): (Vec<u64>, Outcome)) -> (Vec<u64>, u64) {
    match outcome {
        Outcome::Stored(receipt) => (passed, receipt.position.0),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_overtaken_appender_passes_on_what_others_have_stored_and_decides_anew() {
    let disk = MemoryDisk::default();
    let [one, other] = Node::both(&disk);
    let keyed = || draft(Some(ADA), Some("key"), "keyed");
    assert_eq!(position(one.does(keyed())), (vec![1], 1));
    assert_eq!(position(one.does(draft(Some(ADA), None, "more"))), (vec![2], 2));
    let (passed, outcome) = other.does(keyed());
    assert_eq!(passed, [1, 2], "the repeat is not stored, and its entry comes before its answer");
    assert!(matches!(outcome, Outcome::Repeated(receipt) if receipt.position.0 == 1), "{outcome:?}");
    assert_eq!(position(other.does(draft(Some(BOB), None, "bob's"))), (vec![3], 3));
    assert_eq!(position(one.does(numbered(ADAS, 1, "first"))), (vec![3, 4], 4));
    let expected = other.does(numbered(ADAS, 3, "third"));
    assert!(matches!(expected, (passed, Outcome::Expected { .. }) if passed == [4]));
    assert_eq!(position(other.does(numbered(ADAS, 2, "second"))), (vec![5], 5));
}

#[test]
fn people_and_rewrites_of_others_are_known_when_the_news_comes() {
    let disk = MemoryDisk::default();
    let [one, other] = Node::both(&disk);
    let name = Command::Name { name: Nickname::from_stored("ada") };
    position(one.does(command(ADAS, 1, name)));
    position(one.does(numbered(ADAS, 2, "helo")));
    let news = other.hears();
    assert_eq!(news.entries.len(), 2);
    assert_eq!(*other.directory.now(), *one.directory.now());
    let text = Text::from_stored("hello");
    position(one.does(command(ADAS, 3, Command::Edit { room: RoomId::LOBBY, seq: Seq(1), text })));
    let news = other.hears();
    assert_eq!(news.rewritten.iter().map(|entry| entry.position.0).collect::<Vec<_>>(), [2]);
    assert!(matches!(news.entries[0].kind, Kind::Edited { .. }));
    // A name that is taken on one node is taken on the other.
    let taken = Command::Name { name: Nickname::from_stored("ada") };
    assert!(matches!(other.does(command(BOBS, 1, taken)).1, Outcome::Refused(_)));
}

#[test]
fn a_pointer_that_was_moved_on_one_node_moves_on_the_other() {
    let disk = MemoryDisk::default();
    let [one, other] = Node::both(&disk);
    position(one.does(numbered(ADAS, 1, "hello")));
    let read = Command::Read { room: RoomId::LOBBY, seq: Seq(1) };
    let identity = crate::command::Identity::User(BOBS.user);
    let read = Draft { identity, command: read, at: crate::UnixMillis(0), over_quota: None };
    assert!(matches!(one.does(read).1, Outcome::Read { .. }));
    other.hears();
    assert_eq!(position(other.does(numbered(BOBS, 1, "hi"))).1, 2);
    assert_eq!(other.directory.now().read(BOBS.user, RoomId::LOBBY), Seq(1));
}

#[test]
fn a_refused_append_is_tried_again_beside_others() {
    let disk = MemoryDisk::default();
    let [one, other] = Node::both(&disk);
    disk.inject(Fault::RollBack(RollbackCause::Io));
    assert_eq!(position(one.does(draft(None, None, "one"))).1, 1);
    assert_eq!(position(other.does(draft(None, None, "two"))).1, 2);
}
