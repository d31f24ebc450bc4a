//! The checks themselves, one duty of the contract each.
//!
//! They append through the decisions, as the appender does, so that numbers are those that a backend will see.

use crate::decide::Limits;
use crate::entry::{Author, Kind};
use crate::hash::ContentHash;
use crate::ids::{Position, Rev, RoomId, Seq};
use crate::key::ClientKey;
use crate::log::{Budget, Log, LogReader, Lookup, Placed, RoomNumbers};

use super::{
    ADA, BOB, Bench, CLEOS, GARDEN, append, append_messages, decided, draft, numbered_in, read_all, receipt,
    settle,
};

/// Nothing is there, and that is no error.
pub fn a_new_log_is_empty(bench: &mut impl Bench) {
    let (mut log, reader) = bench.open();
    assert_eq!(log.head(), Position::ZERO);
    assert_eq!(reader.head(), Position::ZERO);
    assert_eq!(log.room(RoomId::LOBBY).unwrap(), RoomNumbers::default());
    assert_eq!(read_all(&reader), []);
    assert_eq!(reader.locate(RoomId::LOBBY, Seq(7)).unwrap(), Position::ZERO);
}

/// Every field comes back, in order.
pub fn appended_entries_are_read_back(bench: &mut impl Bench) {
    let (mut log, reader) = bench.open();
    append(&mut log, &[draft(Some(ADA), Some("a-0"), "one"), draft(None, None, "two")]);
    append(&mut log, &[draft(Some(BOB), Some("b-0"), "three")]);
    let entries = read_all(&reader);
    let shown: Vec<_> = entries
        .iter()
        .map(|entry| {
            let text = text_of(&entry.kind);
            (entry.position.0, entry.seq.0, entry.rev.0, entry.author, text)
        })
        .collect();
    let (ada, bob) = (Some(Author::Lineage(ADA)), Some(Author::Lineage(BOB)));
    assert_eq!(shown, [(1, 1, 1, ada, "one"), (2, 2, 2, None, "two"), (3, 3, 3, bob, "three")]);
    assert!(entries.iter().all(|entry| entry.at.0 == 1_700_000_000_000));
    assert_eq!(log.head(), Position(3));
    assert_eq!(reader.head(), Position(3));
}

/// Head and room numbers are part of what is durable.
pub fn positions_go_on_after_opening_again(bench: &mut impl Bench) {
    {
        let (mut log, _) = bench.open();
        append_messages(&mut log, 3);
    }
    let (mut log, reader) = bench.open();
    assert_eq!(log.head(), Position(3));
    assert_eq!(log.room(RoomId::LOBBY).unwrap(), RoomNumbers { seq: Seq(3), rev: Rev(3) });
    append_messages(&mut log, 2);
    let positions: Vec<_> = read_all(&reader).iter().map(|entry| (entry.position.0, entry.seq.0)).collect();
    assert_eq!(positions, [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]);
}

/// `after` is left out, `through` is included, and beyond the head there is nothing.
pub fn a_read_ends_at_its_bounds(bench: &mut impl Bench) {
    let (mut log, reader) = bench.open();
    append_messages(&mut log, 9);
    let positions = |after, through, entries| -> Vec<u64> {
        let budget = Budget { entries, bytes: usize::MAX };
        let page = reader.read(Position(after), Position(through), budget).unwrap();
        page.iter().map(|entry| entry.position.0).collect()
    };
    assert_eq!(positions(2, 5, 100), [3, 4, 5]);
    assert_eq!(positions(7, u64::MAX, 100), [8, 9]);
    assert_eq!(positions(0, 9, 2), [1, 2]);
    assert_eq!(positions(9, 20, 100), []);
    assert_eq!(positions(u64::MAX, u64::MAX, 100), []);
    assert_eq!(positions(5, 5, 100), []);
    assert_eq!(positions(6, 3, 100), []);
}

/// Otherwise a reader with a small budget would never come past a large entry.
pub fn a_read_always_gets_one_entry(bench: &mut impl Bench) {
    let (mut log, reader) = bench.open();
    append_messages(&mut log, 2);
    let nothing = Budget { entries: 0, bytes: 0 };
    assert_eq!(reader.read(Position::ZERO, Position::MAX, nothing).unwrap().len(), 1);
}

/// The entry that reaches the budget is the last.
pub fn a_budget_in_bytes_ends_a_read(bench: &mut impl Bench) {
    let (mut log, reader) = bench.open();
    let page_of_text = "x".repeat(10_000);
    let drafts: Vec<_> = (0..20).map(|_| draft(None, None, &page_of_text)).collect();
    append(&mut log, &drafts);
    let budget = Budget { entries: 100, bytes: 45_000 };
    assert_eq!(reader.read(Position::ZERO, Position::MAX, budget).unwrap().len(), 5);
}

/// Positions are the log's, `Seq` and `Rev` the room's.
pub fn rooms_have_numbers_of_their_own(bench: &mut impl Bench) {
    let (mut log, reader) = bench.open();
    settle(&mut log);
    let elsewhere = |n| numbered_in(GARDEN, CLEOS, n, "elsewhere");
    let here = draft(Some(ADA), None, "here");
    append(&mut log, &[here.clone(), elsewhere(3), here.clone(), elsewhere(4)]);
    append(&mut log, &[elsewhere(5), here]);
    let shown: Vec<_> = read_all(&reader)
        .iter()
        .map(|entry| (entry.position.0, entry.room.0, entry.seq.0, entry.rev.0))
        .collect();
    let settled = [(1, 0, 0, 1), (2, 2, 0, 1)];
    let said = [(3, 1, 1, 1), (4, 2, 1, 2), (5, 1, 2, 2), (6, 2, 2, 3), (7, 2, 3, 4), (8, 1, 3, 3)];
    assert_eq!(shown, [&settled[..], &said].concat());
    assert_eq!(log.room(GARDEN).unwrap(), RoomNumbers { seq: Seq(3), rev: Rev(4) });
    assert_eq!(log.room(RoomId::HOUSE).unwrap(), RoomNumbers { seq: Seq(0), rev: Rev(1) });
    assert_eq!(log.room(RoomId(3)).unwrap(), RoomNumbers::default());
}

/// A start asks for them once.
pub fn all_rooms_are_told_at_once(bench: &mut impl Bench) {
    {
        let (mut log, _) = bench.open();
        assert_eq!(log.rooms().unwrap(), []);
        settle(&mut log);
        append(&mut log, &[numbered_in(GARDEN, CLEOS, 3, "elsewhere"), draft(Some(ADA), None, "here")]);
        all_rooms(&mut log);
    }
    all_rooms(&mut bench.open().0);
}

fn all_rooms(log: &mut impl Log) {
    let mut rooms = log.rooms().unwrap();
    rooms.sort_by_key(|(room, _)| *room);
    let numbers = |seq, rev| RoomNumbers { seq: Seq(seq), rev: Rev(rev) };
    let expected = [(RoomId::HOUSE, numbers(0, 1)), (RoomId::LOBBY, numbers(1, 1)), (GARDEN, numbers(1, 2))];
    assert_eq!(rooms, expected);
}

/// A `Seq` is translated for one room, clamped at both ends. Other entries than messages have none.
pub fn locate_finds_the_last_message_seen(bench: &mut impl Bench) {
    let (mut log, reader) = bench.open();
    settle(&mut log);
    let locate = |room, seq| reader.locate(room, Seq(seq)).unwrap().0;
    assert_eq!([locate(GARDEN, 0), locate(GARDEN, 7)], [0, 0]);
    let elsewhere = |n| numbered_in(GARDEN, CLEOS, n, "elsewhere");
    let here = draft(Some(ADA), None, "here");
    append(&mut log, &[elsewhere(3), here.clone(), elsewhere(4), here, elsewhere(5)]);
    let lobby = RoomId::LOBBY;
    assert_eq!(
        [locate(lobby, 0), locate(lobby, 1), locate(lobby, 2), locate(lobby, 3), locate(lobby, u64::MAX)],
        [0, 4, 6, 6, 6]
    );
    assert_eq!([locate(GARDEN, 0), locate(GARDEN, 1), locate(GARDEN, 3), locate(GARDEN, 9)], [0, 3, 7, 7]);
    assert_eq!(locate(RoomId(3), 1), 0);
}

/// What one page sent is not another's.
pub fn a_key_is_found_within_its_lineage_only(bench: &mut impl Bench) {
    let (mut log, _) = bench.open();
    append(&mut log, &[draft(Some(BOB), None, "first"), draft(Some(ADA), Some("k-0"), "hi")]);
    let key = ClientKey::from_stored("k-0");
    let placed = find(&mut log, Lookup::InLineage { lineage: ADA, key: &key }).unwrap();
    assert_eq!((placed.receipt.position, placed.receipt.seq), (Position(2), Seq(2)));
    assert_eq!(placed.content, ContentHash::of_message(RoomId::LOBBY, "hi"));
    assert_eq!(find(&mut log, Lookup::InLineage { lineage: BOB, key: &key }), None);
    let other = ClientKey::from_stored("k-1");
    assert_eq!(find(&mut log, Lookup::InLineage { lineage: ADA, key: &other }), None);
}

/// The rule across lineages asks for key and content, and gets the earliest.
pub fn a_key_and_its_content_are_found_across_lineages(bench: &mut impl Bench) {
    let (mut log, _) = bench.open();
    append(&mut log, &[draft(None, Some("k-0"), "hi"), draft(Some(ADA), Some("k-0"), "ho")]);
    let key = ClientKey::from_stored("k-0");
    let mut found = |text| {
        let content = ContentHash::of_message(RoomId::LOBBY, text);
        find(&mut log, Lookup::ByContent { key: &key, content }).map(|placed| placed.receipt.position)
    };
    assert_eq!(found("hi"), Some(Position(1)));
    assert_eq!(found("ho"), Some(Position(2)));
    assert_eq!(found("hu"), None);
}

/// Backends may index keys by hashes or split them; none of that may show.
pub fn keys_are_compared_exactly(bench: &mut impl Bench) {
    let (mut log, _) = bench.open();
    let keys = [
        "a-1",
        "a-01",
        "a-001",
        "A-1",
        "a-1 ",
        "a--1",
        "a-4294967297",
        "a",
        "1",
        "-1",
        "ä-1",
        "a\0-1",
        "a-1\0",
    ];
    let drafts: Vec<_> = keys.iter().map(|key| draft(Some(ADA), Some(key), key)).collect();
    append(&mut log, &drafts);
    assert_eq!(log.head().0, keys.len() as u64);
    for (key, position) in keys.iter().zip(1..) {
        let key = ClientKey::from_stored(key);
        let placed = find(&mut log, Lookup::InLineage { lineage: ADA, key: &key }).unwrap();
        assert_eq!(placed.receipt.position, Position(position), "{key:?}");
    }
}

/// Two people who typed before they were connected are two people.
pub fn a_weak_key_belongs_to_its_lineage(bench: &mut impl Bench) {
    let (mut log, reader) = bench.open();
    append(&mut log, &[draft(Some(ADA), Some("undefined-0"), "hi")]);
    append(&mut log, &[draft(Some(BOB), Some("undefined-0"), "hi")]);
    append(
        &mut log,
        &[draft(Some(ADA), Some("undefined-0"), "hi"), draft(Some(BOB), Some("undefined-0"), "hi")],
    );
    let authors: Vec<_> = read_all(&reader).iter().map(|entry| entry.author).collect();
    assert_eq!(authors, [ADA, BOB].map(|lineage| Some(Author::Lineage(lineage))));
}

/// For ever is longer than a process lives.
pub fn keys_are_found_after_opening_again(bench: &mut impl Bench) {
    {
        let (mut log, _) = bench.open();
        append(&mut log, &[draft(Some(ADA), Some("k-0"), "hi")]);
    }
    let (mut log, _) = bench.open();
    let key = ClientKey::from_stored("k-0");
    let content = ContentHash::of_message(RoomId::LOBBY, "hi");
    let lookups = [
        Lookup::InLineage { lineage: ADA, key: &key },
        Lookup::InLineage { lineage: BOB, key: &key },
        Lookup::ByContent { key: &key, content },
    ];
    let placed = Placed { receipt: receipt(1), content };
    assert_eq!(log.find(&lookups).unwrap(), [Some(placed), None, Some(placed)]);
}

/// Each with the head of its moment, all different, all remembered.
pub fn every_opening_begins_an_epoch(bench: &mut impl Bench) {
    let mut starts = Vec::new();
    for _ in 0..3 {
        let (mut log, _) = bench.open();
        assert!(!starts.contains(&log.epochs().current()));
        starts.push(log.epochs().current());
        assert_eq!(log.epochs().iter().collect::<Vec<_>>(), starts);
        append_messages(&mut log, 4);
    }
    let positions: Vec<_> = starts.iter().map(|start| start.start.0).collect();
    assert_eq!(positions, [0, 4, 8]);
}

/// A reader learns of an epoch that began after the reader was made.
pub fn a_reader_knows_the_epochs(bench: &mut impl Bench) {
    let first = {
        let (mut log, reader) = bench.open();
        append_messages(&mut log, 3);
        assert_eq!(reader.epochs().unwrap(), *log.epochs());
        log.epochs().current()
    };
    let (log, reader) = bench.open();
    let known = reader.epochs().unwrap();
    assert_eq!(known, *log.epochs());
    assert_eq!(known.iter().next(), Some(first));
    assert_eq!(known.current().start, Position(3));
}

/// What was signed once is known for ever.
pub fn keys_stay_what_they_are(bench: &mut impl Bench) {
    let keys = bench.open().0.signing_keys().clone();
    assert_eq!(*bench.open().0.signing_keys(), keys);
}

/// Whatever Unicode allows, and what was taken over from a system with other limits.
pub fn odd_texts_survive(bench: &mut impl Bench) {
    let (mut log, reader) = bench.open();
    let huge = "ü".repeat(200_000);
    let texts = ["", "\0", "a\0b", "'; DROP TABLE entry; --", "👩‍👩‍👧", "\u{202e}abc", "\r\n", &huge];
    let drafts: Vec<_> = texts.iter().map(|text| draft(None, None, text)).collect();
    let decided = decided(&mut log, Limits { text_bytes_max: usize::MAX, ..Limits::DEFAULT }, &drafts);
    log.append(&decided.records).unwrap();
    for (entry, text) in read_all(&reader).iter().zip(texts) {
        assert_eq!(text_of(&entry.kind), text);
    }
}

/// While batches of seven are appended, a reader sees multiples of seven.
pub fn readers_never_see_half_a_batch(bench: &mut impl Bench) {
    let (mut log, reader) = bench.open();
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut seen = Position::ZERO;
            while seen < Position(350) {
                let head = reader.head();
                assert!(head >= seen, "the head never goes back");
                assert_eq!(head.0 % 7, 0);
                let budget = Budget { entries: usize::MAX, bytes: usize::MAX };
                let entries = reader.read(seen, Position::MAX, budget).unwrap();
                assert_eq!(entries.len() % 7, 0);
                assert!(entries.len() as u64 >= head.0 - seen.0, "what the head tells can be read");
                for (entry, expected) in entries.iter().zip(seen.0 + 1..) {
                    assert_eq!(entry.position.0, expected);
                }
                seen = Position(seen.0 + entries.len() as u64);
            }
        });
        for _ in 0..50 {
            append_messages(&mut log, 7);
        }
        watching.join().unwrap();
    });
}

fn text_of(kind: &Kind) -> &str {
    let Kind::Message { body } = kind else { panic!("{kind:?} is no message") };
    body.text().expect("it is not deleted")
}

fn find(log: &mut impl Log, lookup: Lookup<'_>) -> Option<Placed> {
    let found = log.find(&[lookup]).unwrap();
    assert_eq!(found.len(), 1);
    found[0]
}
