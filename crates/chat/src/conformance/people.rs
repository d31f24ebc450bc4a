//! Checks of everything that people do besides sending messages: what a log must keep, and what must be gone.

use crate::command::{Command, Draft, Identity, JoinBy, SignOutOf};
use crate::decide::Storage;
use crate::device::Device;
use crate::directory::Directory;
use crate::entry::{Author, Kind};
use crate::ids::{Epoch, Position, Rev, RoomId, Seq};
use crate::log::{Budget, Log, LogReader, Page, Record};
use crate::memory::{MemoryDisk, MemoryLog};
use crate::name::{RoomName, Topic};
use crate::outcome::{Outcome, Receipt, Refusal};
use crate::pointer::ReadPointer;
use crate::room::RoomKind;
use crate::sign_in::{SignInMethod, TokenHash};

use super::town::{
    ADA_HERE, ADA_THERE, BOB_THERE, CLEO_THERE, Town, create, edit, join, say, shown, sign_in,
};
use super::{ADA, Bench, append, append_unknown, draft, read_all};

/// Commands whose entries are one of each kind, with every field, once ada, bob and cleo have names.
fn one_of_each() -> [(Device, Command); 14] {
    let with = vec![ADA_THERE.user, BOB_THERE.user, CLEO_THERE.user];
    [
        (ADA_THERE, Command::Claim),
        (ADA_THERE, create(RoomKind::Private, "tea \"room\"")),
        (ADA_THERE, Command::Add { room: RoomId(2), user: BOB_THERE.user }),
        (ADA_THERE, Command::Rename { room: RoomId(2), name: RoomName::from_stored("tea\\room") }),
        (BOB_THERE, say(RoomId(2), "hi")),
        (BOB_THERE, edit(RoomId(2), Seq(1), "\"hey\"")),
        (BOB_THERE, Command::Delete { room: RoomId(2), seq: Seq(1) }),
        (ADA_THERE, Command::SetTopic { room: RoomId(2), topic: Topic::from_stored("🫖") }),
        (BOB_THERE, Command::Leave { room: RoomId(2) }),
        (ADA_THERE, Command::Add { room: RoomId(2), user: CLEO_THERE.user }),
        (ADA_THERE, Command::Remove { room: RoomId(2), user: CLEO_THERE.user }),
        (BOB_THERE, Command::Direct { with }),
        (BOB_THERE, sign_in(7, SignInMethod::New)),
        (BOB_THERE, Command::SignOut { of: SignOutOf::One(TokenHash([7; 32]).id()) }),
    ]
}

/// The kinds of entry that [`every_kind_of_entry_is_read_back`] and [`an_entry_of_an_unknown_kind_keeps_its_place`] write
/// and read.
pub fn kinds_read_back() -> Vec<Kind> {
    let mut town = Town::with_names(MemoryLog::open(&MemoryDisk::default(), Epoch(1)));
    for (device, command) in one_of_each() {
        town.stores(device, command);
    }
    append_unknown(&mut town.log, RoomId::LOBBY, None);
    read_all(&town.log.reader()).into_iter().map(|entry| entry.kind).collect()
}

/// A log returns each kind of entry as it was written, before and after it is opened again.
pub fn every_kind_of_entry_is_read_back(bench: &mut impl Bench) {
    let (mut expected, mut stored) = (Vec::new(), Vec::new());
    {
        let (log, reader) = bench.open();
        let mut town = Town::with_names(log);
        for (device, command) in one_of_each() {
            let drafts = [town.draft(device, command)];
            let decided =
                crate::decide(&mut town.log, &town.directory, town.limits, Storage::Open, &drafts).unwrap();
            expected.extend(decided.records.iter().filter_map(Record::entry).cloned());
            assert_eq!(town.takes(&drafts), decided.outcomes);
        }
        stored.extend(read_all(&reader));
    }
    // What was changed later is what the change says.
    let (message, change) = (expected[4].position, expected[5].position);
    expected.iter_mut().find(|entry| entry.position == message).unwrap().kind =
        Kind::Message { body: crate::entry::Body::Deleted };
    expected.iter_mut().find(|entry| entry.position == change).unwrap().kind =
        Kind::Edited { seq: Seq(1), text: None };
    assert_eq!(stored[3..], expected);
    let (_log, reader) = bench.open();
    assert_eq!(read_all(&reader), stored);
}

/// It has its position, its `Rev` and its author's number, and says nothing: what comes after it is as if it were not
/// there.
pub fn an_entry_of_an_unknown_kind_keeps_its_place(bench: &mut impl Bench) {
    let (room, before, kept) = {
        let (log, reader) = bench.open();
        let mut town = Town::with_names(log);
        let room = town.opens(ADA_THERE, RoomKind::Private, "tea");
        let said = town.says(ADA_THERE, room, "hi");
        let n = town.draft(ADA_THERE, say(room, "a command of a later version"));
        let Identity::Device { device, n } = n.identity else { unreachable!() };
        let kept = [
            append_unknown(&mut town.log, room, Some(Author::Device { device, n })),
            append_unknown(&mut town.log, RoomId::HOUSE, None),
            append_unknown(&mut town.log, RoomId(7), None),
        ];
        for entry in &kept {
            town.directory.apply(entry);
        }
        // That room is there, though nobody knows how, and its number is not given again.
        assert_eq!(town.opens(BOB_THERE, RoomKind::Public, "garden"), RoomId(8));
        let next = town.stores(ADA_THERE, say(room, "ho"));
        assert_eq!(
            (next.position, next.seq, next.rev),
            (Position(kept[2].position.0 + 2), said.next(), kept[0].rev.next())
        );
        let again = Draft {
            identity: Identity::Device { device, n },
            command: Command::Skip,
            at: next.at,
            over_quota: None,
        };
        assert_eq!(town.takes(&[again]), [Outcome::Repeated(Receipt::of(&kept[0]))]);
        assert_eq!(shown(&reader, room), ["hi", "ho"]);
        assert_eq!(reader.locate(room, said).unwrap(), Position(kept[0].position.0 - 1));
        (room, town.directory, kept)
    };
    let (mut log, reader) = bench.open();
    assert_eq!(Directory::load(&mut log).unwrap(), before);
    let all = read_all(&reader);
    for entry in &kept {
        assert!(all.contains(entry), "{entry:?}");
    }
    let of_room: Vec<_> = all.into_iter().filter(|entry| entry.room == room).collect();
    assert_eq!(reader.changes(room, Rev::ZERO, Budget::PAGE).unwrap(), of_room);
    let page = reader.messages(room, Page::Newest, Seq::ZERO, 9).unwrap();
    assert_eq!(page.entries.iter().map(|entry| entry.seq.0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(reader.unread(room, Seq::ZERO, BOB_THERE.user, 9).unwrap().count, 2);
}

/// The directory is nothing but what the entries say, and the pointers besides.
pub fn the_directory_is_found_again(bench: &mut impl Bench) {
    let before = {
        let (log, _) = bench.open();
        let mut town = Town::with_names(log);
        let room = town.opens(ADA_THERE, RoomKind::Private, "tea");
        town.does(ADA_THERE, Command::Add { room, user: BOB_THERE.user });
        town.does(ADA_THERE, Command::Remove { room, user: BOB_THERE.user });
        town.opens(BOB_THERE, RoomKind::Public, "garden");
        let said = town.says(ADA_THERE, room, "hi");
        town.reads(ADA_THERE.user, room, said);
        town.is_called(ADA_THERE, "ada lovelace");
        town.does(CLEO_THERE, Command::Claim);
        town.stores(ADA_THERE, sign_in(1, SignInMethod::New));
        town.stores(ADA_THERE, sign_in(2, SignInMethod::Link));
        town.stores(ADA_THERE, Command::SignOut { of: SignOutOf::One(TokenHash([1; 32]).id()) });
        town.directory
    };
    let (mut log, _) = bench.open();
    let again = Directory::load(&mut log).unwrap();
    assert_eq!(again, before);
    assert_eq!(again.read(ADA_THERE.user, RoomId(2)), Seq(1));
    let lasts = |token| again.sign_in(ADA_THERE.user, TokenHash([token; 32])).is_some();
    assert_eq!([lasts(1), lasts(2)], [false, true]);
}

/// Not by who has not heard of it, not in the same batch, and not after the log was opened again.
pub fn a_sign_in_that_has_ended_never_begins_again(bench: &mut impl Bench) {
    let out = |token: u8| Command::SignOut { of: SignOutOf::One(TokenHash([token; 32]).id()) };
    {
        let (log, _) = bench.open();
        let mut town = Town::with_names(log);
        let drafts = [
            town.draft(ADA_THERE, sign_in(1, SignInMethod::New)),
            town.draft(ADA_THERE, sign_in(2, SignInMethod::Link)),
            town.draft(ADA_THERE, out(1)),
            town.draft(ADA_THERE, sign_in(1, SignInMethod::New)),
        ];
        let outcomes = town.takes(&drafts);
        assert!(outcomes[..3].iter().all(|outcome| matches!(outcome, Outcome::Stored(_))), "{outcomes:?}");
        assert_eq!(outcomes[3], Outcome::Refused(Refusal::Forbidden));
        town.stores(ADA_THERE, out(2));
    }
    let (log, _) = bench.open();
    let mut town = Town::new(log);
    assert_eq!(town.directory.sign_ins(ADA_THERE.user), Some(&[][..]));
    for token in [1, 2] {
        let drafts = [town.draft(ADA_HERE, sign_in(token, SignInMethod::New))];
        assert_eq!(town.takes(&drafts), [Outcome::Refused(Refusal::Forbidden)]);
    }
}

/// And what was there before is nowhere any more.
pub fn an_edited_message_says_what_its_last_edit_says(bench: &mut impl Bench) {
    {
        let (log, reader) = bench.open();
        let mut town = Town::new(log);
        let room = RoomId::LOBBY;
        let seq = town.says(ADA_THERE, room, "helo");
        town.says(BOB_THERE, room, "hi");
        town.stores(ADA_THERE, edit(room, seq, "hello"));
        let last = town.stores(ADA_HERE, edit(room, seq, "hello!"));
        assert_eq!((last.seq, last.rev.0), (Seq(2), 4));
        assert_eq!(shown(&reader, room), ["hello!*", "hi"]);
        let standing = town.log.message(room, seq).unwrap().unwrap();
        assert_eq!(standing.message.position, Position(1));
        assert_eq!(standing.edit.unwrap().position, last.position);
        assert_eq!(town.log.message(room, Seq(3)).unwrap(), None);
        assert_eq!(town.log.message(RoomId(2), seq).unwrap(), None);
        let versions = |room, seq| reader.versions(room, seq).unwrap();
        let all = read_all(&reader);
        assert_eq!(versions(room, seq), [all[0].clone(), all[2].clone(), all[3].clone()]);
        assert_eq!(versions(room, Seq(2)), [all[1].clone()]);
        assert_eq!(versions(room, Seq(3)), []);
        assert_eq!(versions(RoomId(2), seq), []);
    }
    let (_log, reader) = bench.open();
    assert_eq!(shown(&reader, RoomId::LOBBY), ["hello!*", "hi"]);
    let texts: Vec<_> = read_all(&reader)
        .into_iter()
        .filter_map(|entry| match entry.kind {
            Kind::Edited { seq, text } => Some((seq.0, text.map(|text| text.to_string()))),
            _ => None,
        })
        .collect();
    assert_eq!(texts, [(1, None), (1, Some("hello!".into()))]);
}

/// Its numbers stay, so does its key: a retry is still a retry.
pub fn a_deleted_message_leaves_nothing_but_its_place(bench: &mut impl Bench) {
    {
        let (mut log, reader) = bench.open();
        append(&mut log, &[draft(Some(ADA), Some("k-0"), "hi")]);
        let mut town = Town::new(log);
        let room = RoomId::LOBBY;
        let said = town.says(BOB_THERE, room, "oops");
        town.stores(BOB_THERE, edit(room, said, "ooops"));
        town.stores(BOB_THERE, Command::Delete { room, seq: said });
        town.stores(CLEO_THERE, Command::Claim);
        town.stores(CLEO_THERE, Command::Delete { room, seq: Seq(1) });
        let again = Command::Delete { room, seq: said };
        assert_eq!(town.does(BOB_THERE, again), Outcome::Already { room });
        assert_eq!(town.refuses(BOB_THERE, edit(room, said, "again")), Refusal::NotFound);
        assert_eq!(shown(&reader, room), ["-", "-"]);
    }
    let (mut log, reader) = bench.open();
    let entries = read_all(&reader);
    for entry in &entries {
        assert!(!matches!(entry.kind, Kind::Edited { text: Some(_), .. }), "{entry:?}");
    }
    append(&mut log, &[draft(Some(ADA), Some("k-0"), "hi")]);
    assert_eq!(read_all(&reader), entries);
}

/// What is said, edited and deleted in one batch is stored as if it had come one by one.
pub fn changes_within_a_batch_are_changes(bench: &mut impl Bench) {
    let (log, reader) = bench.open();
    let mut town = Town::new(log);
    let room = RoomId::LOBBY;
    let old = town.says(ADA_THERE, room, "old");
    let drafts = [
        town.draft(ADA_THERE, say(room, "one")),
        town.draft(ADA_THERE, edit(room, Seq(2), "one!")),
        town.draft(ADA_THERE, edit(room, Seq(2), "one!!")),
        town.draft(ADA_THERE, edit(room, old, "older")),
        town.draft(ADA_THERE, edit(room, old, "oldest")),
        town.draft(ADA_THERE, say(room, "two")),
        town.draft(ADA_THERE, Command::Delete { room, seq: Seq(3) }),
        town.draft(ADA_THERE, edit(room, Seq(3), "gone")),
    ];
    let outcomes = town.takes(&drafts);
    assert!(outcomes[..7].iter().all(|outcome| matches!(outcome, Outcome::Stored(_))), "{outcomes:?}");
    assert_eq!(outcomes[7], Outcome::Refused(Refusal::NotFound));
    assert_eq!(shown(&reader, room), ["oldest*", "one!!*", "-"]);
    let edits = read_all(&reader)
        .iter()
        .filter(|entry| matches!(entry.kind, Kind::Edited { text: Some(_), .. }))
        .count();
    assert_eq!(edits, 2);
    town.stores(ADA_THERE, edit(room, old, "ancient"));
    assert_eq!(shown(&reader, room), ["ancient*", "one!!*", "-"]);
}

/// They are stored with the batch, and never go back.
pub fn pointers_only_move_forward(bench: &mut impl Bench) {
    {
        let (log, _) = bench.open();
        let mut town = Town::with_names(log);
        let room = RoomId::LOBBY;
        for text in ["one", "two", "three"] {
            town.says(BOB_THERE, room, text);
        }
        let read = |seq| Outcome::Read { room, seq: Seq(seq) };
        assert_eq!(town.reads(ADA_THERE.user, room, Seq(2)), read(2));
        assert_eq!(town.reads(ADA_THERE.user, room, Seq(1)), read(2));
        assert_eq!(town.reads(ADA_THERE.user, room, Seq(99)), read(3));
        assert_eq!(town.reads(BOB_THERE.user, room, Seq(1)), read(1));
        let nowhere = town.reads(BOB_THERE.user, RoomId(7), Seq(1));
        assert_eq!(nowhere, Outcome::Refused(Refusal::NotFound));
    }
    let (mut log, _) = bench.open();
    let mut pointers = log.pointers().unwrap();
    pointers.sort_by_key(|pointer| pointer.user);
    let pointer = |user, seq| ReadPointer { user, room: RoomId::LOBBY, seq: Seq(seq) };
    assert_eq!(pointers, [pointer(ADA_THERE.user, 3), pointer(BOB_THERE.user, 1)]);
}

/// Whatever a command came to, its repeat comes to the same, long after.
pub fn every_result_is_told_again(bench: &mut impl Bench) {
    let (drafts, outcomes) = {
        let (log, _) = bench.open();
        let mut town = Town::with_names(log);
        let garden = town.opens(ADA_THERE, RoomKind::Public, "garden");
        let with = vec![BOB_THERE.user];
        let commands = [
            (ADA_THERE, Command::Direct { with: with.clone() }),
            (ADA_THERE, Command::Direct { with }),
            (ADA_HERE, join(garden)),
            (BOB_THERE, Command::Leave { room: garden }),
            (BOB_THERE, create(RoomKind::Public, "Gаrden")),
            (
                BOB_THERE,
                Command::Rejected {
                    why: Refusal::NameReserved,
                    content: crate::hash::ContentHash::of_raw(b"admin"),
                },
            ),
            (BOB_THERE, Command::Join { room: garden, by: JoinBy::Invite(crate::ids::InviteGeneration(7)) }),
            (BOB_THERE, say(RoomId(4), "hi")),
            (CLEO_THERE, Command::Skip),
            (CLEO_THERE, Command::Delete { room: garden, seq: Seq(7) }),
        ];
        let drafts: Vec<_> =
            commands.into_iter().map(|(device, command)| town.draft(device, command)).collect();
        let outcomes = town.takes(&drafts);
        // By now, most of them would come to something else.
        town.stores(BOB_THERE, Command::Leave { room: garden });
        town.stores(ADA_THERE, Command::Rename { room: garden, name: RoomName::from_stored("park") });
        (drafts, outcomes)
    };
    let direct = RoomId(3);
    assert_eq!(
        outcomes[1..4],
        [
            Outcome::Already { room: direct },
            Outcome::Already { room: RoomId(2) },
            Outcome::Already { room: RoomId(2) },
        ]
    );
    assert_eq!(outcomes[4..6], [Refusal::NameTaken, Refusal::NameReserved].map(Outcome::Refused));
    let (log, reader) = bench.open();
    let mut town = Town::new(log);
    let head = reader.head();
    for (draft, outcome) in drafts.iter().zip(&outcomes) {
        let again = match outcome {
            Outcome::Stored(receipt) => Outcome::Repeated(*receipt),
            other => *other,
        };
        assert_eq!(town.takes(std::slice::from_ref(draft)), [again], "{draft:?}");
    }
    assert_eq!(reader.head(), head);
}
