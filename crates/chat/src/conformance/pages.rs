//! Checks of reading one room: pages in both directions, changes and unread messages, each against a plain search.

use crate::command::Command;
use crate::entry::{Author, Body, Entry, Kind};
use crate::ids::{Rev, RoomId, Seq, UserId};
use crate::log::{Budget, Log, LogReader, Page, Unread};
use crate::room::RoomKind;

use super::town::{ADA_THERE, BOB_THERE, Town, edit};
use super::{Bench, read_all};

/// Two rooms in turns, with every kind of change between the messages.
fn two_rooms(log: impl Log) -> [RoomId; 2] {
    let mut town = Town::with_names(log);
    let garden = town.opens(ADA_THERE, RoomKind::Public, "garden");
    for number in 0..12 {
        for room in [RoomId::LOBBY, garden] {
            let seq = town.says(ADA_THERE, room, &format!("message {number}"));
            match number % 5 {
                1 => drop(town.stores(ADA_THERE, edit(room, seq, "edited"))),
                2 => drop(town.stores(ADA_THERE, Command::Delete { room, seq })),
                3 => drop(town.does(BOB_THERE, super::town::join(garden))),
                _ => drop(town.does(BOB_THERE, Command::Leave { room: garden })),
            }
        }
    }
    [RoomId::LOBBY, garden]
}

/// From every message, in every direction, with every limit.
pub fn pages_go_in_both_directions(bench: &mut impl Bench) {
    let (log, reader) = bench.open();
    for room in two_rooms(log) {
        let all = messages_of(&reader, room);
        assert_eq!(all.len(), 12);
        for after in [0, 1, 5, 11, 12] {
            for limit in [1, 3, 5, 100] {
                check_page(&reader, &all, (room, Page::Newest, Seq(after)), limit);
                for seq in [0, 1, 2, 6, 11, 12, 13, u64::MAX] {
                    for page in [Page::Before(Seq(seq)), Page::After(Seq(seq)), Page::Around(Seq(seq))] {
                        check_page(&reader, &all, (room, page, Seq(after)), limit);
                    }
                }
            }
        }
    }
    let nothing = reader.messages(RoomId(7), Page::Newest, Seq::ZERO, 10).unwrap();
    assert!(nothing.entries.is_empty() && nothing.is_first && nothing.is_last);
}

fn messages_of(reader: &impl LogReader, room: RoomId) -> Vec<Entry> {
    let is_one = |entry: &Entry| entry.room == room && entry.kind.is_message();
    read_all(reader).into_iter().filter(is_one).collect()
}

/// The plain search, with what is asked for: room, page, and what is not to be seen.
pub(super) fn check_page(
    reader: &impl LogReader,
    all: &[Entry],
    (room, page, after): (RoomId, Page, Seq),
    limit: usize,
) {
    let found = reader.messages(room, page, after, limit).unwrap();
    let visible: Vec<_> = all.iter().filter(|entry| entry.seq > after).cloned().collect();
    let (before, behind): (Vec<_>, Vec<_>) = visible.iter().cloned().partition(|entry| match page {
        Page::Newest => true,
        Page::Before(seq) | Page::Around(seq) => entry.seq < seq,
        Page::After(seq) => entry.seq <= seq,
    });
    let (from_before, from_behind) = match page {
        Page::Newest | Page::Before(_) => (limit, 0),
        Page::After(_) => (0, limit),
        Page::Around(_) => (limit / 2, limit - limit / 2),
    };
    let first = before.len().saturating_sub(from_before);
    let last = before.len() + from_behind.min(behind.len());
    assert_eq!(found.entries, visible[first..last], "{page:?} after {after}, at most {limit}");
    assert_eq!(
        (found.is_first, found.is_last),
        (first == 0, last == visible.len()),
        "{page:?} after {after}"
    );
}

/// All kinds, in order, without a hole in `Rev`.
pub fn changes_of_a_room_have_no_holes(bench: &mut impl Bench) {
    let (log, reader) = bench.open();
    let rooms = two_rooms(log);
    for room in [RoomId::HOUSE, RoomId(7)].into_iter().chain(rooms) {
        let all: Vec<_> = read_all(&reader).into_iter().filter(|entry| entry.room == room).collect();
        for after in [0, 1, 2, 20, 1000] {
            for entries in [0, 1, 3, 1000] {
                let budget = Budget { entries, bytes: usize::MAX };
                let found = reader.changes(room, Rev(after), budget).unwrap();
                let expected = all.iter().filter(|entry| entry.rev.0 > after).take(entries.max(1));
                assert!(found.iter().eq(expected), "{room} after {after}");
                assert!(found.iter().zip(after + 1..).all(|(entry, rev)| entry.rev.0 == rev));
            }
        }
    }
}

/// Neither one's own nor what is deleted, and never more than was asked for.
pub fn unread_is_what_others_have_said_since(bench: &mut impl Bench) {
    let (log, reader) = bench.open();
    for room in two_rooms(log) {
        let all = messages_of(&reader, room);
        for user in [ADA_THERE.user, BOB_THERE.user] {
            for after in [0, 3, 11, 12, 99] {
                for max in [1, 4, 100] {
                    check_unread(&reader, &all, (room, Seq(after), user), max);
                }
            }
        }
    }
}

/// Not even for somebody who has written a thousand messages and more that they need not read.
pub fn unread_is_counted_for_a_while_only(bench: &mut impl Bench) {
    let (log, reader) = bench.open();
    let mut town = Town::with_names(log);
    let says = |town: &mut Town<_>, count: usize| {
        let drafts: Vec<_> =
            (0..count).map(|_| town.draft(ADA_THERE, super::town::say(RoomId::LOBBY, "hi"))).collect();
        town.takes(&drafts);
    };
    let unread = || {
        let found = reader.unread(RoomId::LOBBY, Seq::ZERO, ADA_THERE.user, 9).unwrap();
        (found.count, found.through.0, found.is_capped)
    };
    says(&mut town, Unread::LOOKS_MAX);
    assert_eq!(unread(), (0, 1000, false));
    says(&mut town, 1);
    town.says(BOB_THERE, RoomId::LOBBY, "ho");
    assert_eq!(unread(), (0, 1000, true));
}

/// The plain search.
pub(super) fn check_unread(
    reader: &impl LogReader,
    all: &[Entry],
    (room, after, user): (RoomId, Seq, UserId),
    max: u32,
) {
    let found = reader.unread(room, after, user, max).unwrap();
    let counts = |entry: &&Entry| {
        let is_there = entry.kind != Kind::Message { body: Body::Deleted };
        is_there && entry.author.and_then(Author::user) != Some(user)
    };
    let behind: Vec<_> = all.iter().filter(|entry| entry.seq > after).collect();
    let all_unread: Vec<_> = behind.iter().copied().filter(counts).collect();
    let limit = usize::try_from(max).unwrap();
    let last = all_unread.get(limit - 1).or(behind.last().as_ref().map(|last| *last));
    let through = last.map_or(after, |last| last.seq);
    let count = u32::try_from(all_unread.len().min(limit)).unwrap();
    let is_capped = behind.last().is_some_and(|last| last.seq > through);
    assert_eq!(found, Unread { count, through, is_capped }, "{room} after {after} for {user}, at most {max}");
}
