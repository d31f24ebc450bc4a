//! People and rooms in the appender: who learns what when, and what a failed batch leaves behind.

use super::*;
use crate::command::Command;
use crate::conformance::{BOBS, command};
use crate::directory::Directory;
use crate::entry::{Body, Kind};
use crate::ids::Rev;
use crate::name::Nickname;

fn called(device: Device, n: u64, name: &str) -> Draft {
    command(device, n, Command::Name { name: Nickname::from_stored(name) })
}

fn edit(device: Device, n: u64, seq: u64, text: &str) -> Draft {
    let text = crate::Text::from_stored(text);
    command(device, n, Command::Edit { room: RoomId::LOBBY, seq: Seq(seq), text })
}

#[test]
fn the_directory_is_shown_before_anything_is_delivered() {
    let mut log = MemoryLog::open(&MemoryDisk::default(), Epoch(1));
    let directory = DirectoryHandle::load(&mut log).unwrap();
    let (shown_tx, shown) = sync_channel(10);
    let seen = directory.clone();
    let applier = Applier::new(log.reader(), log.head(), directory.clone());
    let delivery = move |batch: Committed<u32>| {
        let now = seen.now();
        let numbers = [RoomId::HOUSE, RoomId::LOBBY].map(|room| (room, now.numbers(room))).to_vec();
        assert_eq!(*now, batch.directory);
        shown_tx.send((now.name(ADAS.user).is_some(), numbers)).unwrap();
    };
    let delivery = Applying::new(applier, delivery);
    let ports = Ports {
        on_room: Box::new(|| ()),
        on_written: Box::new(|_| None),
        on_fatal: Box::new(|fatal| panic!("{fatal}")),
        clock: Box::new(Instant::now),
    };
    let appender = Appender::start(log, &directory, delivery, Limits::DEFAULT, NO_BOUNDS, ports).unwrap();
    appender.submit(called(ADAS, 1, "ada"), 1);
    let used = |seq, rev| RoomNumbers { seq: Seq(seq), rev: Rev(rev) };
    let expected = vec![(RoomId::HOUSE, used(0, 1)), (RoomId::LOBBY, used(0, 0))];
    assert_eq!(shown.recv().unwrap(), (true, expected));
    appender.submit(numbered(ADAS, 2, "hi"), 2);
    let expected = vec![(RoomId::HOUSE, used(0, 1)), (RoomId::LOBBY, used(1, 1))];
    assert_eq!(shown.recv().unwrap(), (true, expected));
    assert_eq!(appender.close(), Closed::Drained);
}

/// Otherwise a name would be held by somebody who never got it.
#[test]
fn a_batch_that_was_rolled_back_leaves_the_directory_as_it_was() {
    let desk = Desk::open();
    desk.disk.inject(Fault::RollBack(RollbackCause::Io));
    desk.submit(&[(1, called(ADAS, 1, "ada"))]);
    desk.let_one_go();
    desk.entered.recv().unwrap();
    assert_eq!(*desk.directory.now(), Directory::default());
    assert_eq!(desk.directory.now().numbers(RoomId::HOUSE), RoomNumbers::default());
    desk.go_on.send(()).unwrap();
    let committed = desk.committed.recv().unwrap();
    assert!(matches!(committed.outcomes[..], [(1, Outcome::Stored(_))]));
    desk.let_all_go();
    desk.submit(&[(2, called(BOBS, 1, "Ada"))]);
    assert_eq!(desk.committed.recv().unwrap().outcomes, [(2, Outcome::Refused(Refusal::NameTaken))]);
    assert_eq!(Directory::load(&mut MemoryLog::open(&desk.disk, Epoch(2))).unwrap(), *desk.directory.now());
}

#[test]
fn a_change_is_handed_over_with_the_entries_that_it_rewrites() {
    let desk = Desk::open();
    desk.let_all_go();
    let next = |ticket, draft| {
        desk.submit(&[(ticket, draft)]);
        let Committed { rewritten, entries, .. } = desk.committed.recv().unwrap();
        let kinds: Vec<_> = rewritten.into_iter().map(|entry| (entry.position.0, entry.kind)).collect();
        (kinds, entries.len())
    };
    let message = |body| Kind::Message { body };
    let text = crate::Text::from_stored;
    assert_eq!(next(1, numbered(ADAS, 1, "helo")), (vec![], 1));
    assert_eq!(next(2, edit(ADAS, 2, 1, "hello")), (vec![(1, message(Body::Edited(text("hello"))))], 1));
    let superseded = (2, Kind::Edited { seq: Seq(1), text: None });
    let edited = (1, message(Body::Edited(text("hello!"))));
    assert_eq!(next(3, edit(ADAS, 3, 1, "hello!")), (vec![superseded, edited], 1));
    let superseded = (3, Kind::Edited { seq: Seq(1), text: None });
    let delete = command(ADAS, 4, Command::Delete { room: RoomId::LOBBY, seq: Seq(1) });
    assert_eq!(next(4, delete), (vec![superseded, (1, message(Body::Deleted))], 1));
}

/// The text of a message that is deleted in the batch in which it was said is never shown to anybody.
#[test]
fn a_message_that_is_changed_in_its_own_batch_is_delivered_as_changed() {
    let desk = Desk::open();
    let committed = desk.in_one_batch(&[
        (1, numbered(ADAS, 1, "oops")),
        (2, command(ADAS, 2, Command::Delete { room: RoomId::LOBBY, seq: Seq(2) })),
        (3, numbered(ADAS, 3, "helo")),
        (4, edit(ADAS, 4, 3, "hello")),
    ]);
    let kinds: Vec<_> = committed.entries.into_iter().map(|entry| entry.kind).collect();
    let hello = crate::Text::from_stored("hello");
    assert_eq!(
        kinds,
        [
            Kind::Message { body: Body::Deleted },
            Kind::Deleted { seq: Seq(2) },
            Kind::Message { body: Body::Edited(hello.clone()) },
            Kind::Edited { seq: Seq(3), text: Some(hello) },
        ]
    );
    assert!(committed.rewritten.is_empty());
}
