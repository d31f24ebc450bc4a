//! Checks of numbered commands: their answers, and what a log must keep for them.

use std::slice::from_ref;

use crate::command::{Command, Draft, Identity, JoinBy};
use crate::decide::{Limits, Storage, decide};
use crate::device::Device;
use crate::directory::Directory;
use crate::entry::Author;
use crate::hash::ContentHash;
use crate::ids::{CommandNumber, Position, RoomId, Seq};
use crate::log::{Log, LogReader};
use crate::outcome::{Outcome, Refusal};
use crate::text::Text;

use super::{
    ADA, ADAS, BOB, BOBS, Bench, CLEOS, GARDEN, append_messages, command, decided, draft, numbered, read_all,
    receipt, settle, skip,
};

const LIMITS: Limits = Limits { text_bytes_max: 8, ..Limits::DEFAULT };
const TOO_LARGE: Outcome = Outcome::Refused(Refusal::TooLarge);
const CONFLICT: Outcome = Outcome::Refused(Refusal::Conflict);

fn stored(number: u64) -> Outcome {
    Outcome::Stored(receipt(number))
}

fn repeated(number: u64) -> Outcome {
    Outcome::Repeated(receipt(number))
}

fn expected(n: u64) -> Outcome {
    Outcome::Expected { n: CommandNumber(n) }
}

/// Decides and appends `drafts`, each as a batch of its own, and all as one batch in a log of their own. The answers
/// must be the same.
fn answers(bench: &mut impl Bench, drafts: &[Draft]) -> Vec<Outcome> {
    let (mut log, _) = bench.open();
    let together = decided(&mut log, LIMITS, drafts).outcomes;
    let one_by_one: Vec<_> = drafts.iter().flat_map(|draft| take(&mut log, from_ref(draft))).collect();
    assert_eq!(together, one_by_one);
    one_by_one
}

fn take(log: &mut impl Log, drafts: &[Draft]) -> Vec<Outcome> {
    let decided = decided(log, LIMITS, drafts);
    log.append(&decided.records).unwrap();
    decided.outcomes
}

/// The next one is taken, and nothing that is ahead of it.
pub fn commands_of_a_device_are_taken_in_turn(bench: &mut impl Bench) {
    let say = |n| numbered(ADAS, n, &n.to_string());
    let drafts = [say(2), say(1), say(3), say(2), say(u64::MAX), say(3)];
    let outcomes = answers(bench, &drafts);
    assert_eq!(outcomes, [expected(1), stored(1), expected(2), stored(2), expected(3), stored(3)]);
}

/// Also if it comes from longer ago than the last command.
pub fn a_repeated_command_gets_the_original_result(bench: &mut impl Bench) {
    let drafts = [
        numbered(ADAS, 1, "one"),
        numbered(ADAS, 2, "two"),
        numbered(ADAS, 1, "one"),
        numbered(ADAS, 2, "two"),
        numbered(ADAS, 1, "else"),
        numbered(ADAS, 0, "zero"),
        numbered(ADAS, 3, "one"),
    ];
    let outcomes = answers(bench, &drafts);
    assert_eq!(outcomes, [stored(1), stored(2), repeated(1), repeated(2), CONFLICT, CONFLICT, stored(3)]);
}

/// Otherwise a refused command would hold up those behind it for ever.
pub fn a_refusal_is_a_result_and_uses_up_its_number(bench: &mut impl Bench) {
    let drafts = [
        numbered(ADAS, 1, "far too long"),
        numbered(ADAS, 2, "hi"),
        numbered(ADAS, 1, "far too long"),
        numbered(ADAS, 1, "short"),
        numbered(ADAS, 2, "hi"),
    ];
    assert_eq!(answers(bench, &drafts), [TOO_LARGE, stored(1), TOO_LARGE, CONFLICT, repeated(1)]);
}

/// What was refused once stays refused, and what was taken stays taken, whatever the limits are by then.
pub fn results_outlive_the_limits_and_the_process(bench: &mut impl Bench) {
    let drafts = [
        numbered(ADAS, 1, "fits"),
        numbered(ADAS, 2, "far too long"),
        skip(ADAS, 3),
        numbered(ADAS, 4, "hi"),
    ];
    {
        let (mut log, _) = bench.open();
        assert_eq!(take(&mut log, &drafts), [stored(1), TOO_LARGE, Outcome::Skipped, stored(2)]);
    }
    let (mut log, _) = bench.open();
    for text_bytes_max in [0, usize::MAX] {
        let again = decided(&mut log, Limits { text_bytes_max, ..LIMITS }, &drafts);
        assert_eq!(again.outcomes, [repeated(1), TOO_LARGE, Outcome::Skipped, repeated(2)]);
        assert!(again.records.is_empty());
    }
    assert_eq!(take(&mut log, &[numbered(ADAS, 6, "on")]), [expected(5)]);
}

/// A cancelled command leaves no hole. If it was sent after all, its result stands.
pub fn a_skip_uses_up_its_number_unless_it_comes_too_late(bench: &mut impl Bench) {
    let drafts = [
        numbered(ADAS, 1, "sent"),
        skip(ADAS, 1),
        skip(ADAS, 3),
        skip(ADAS, 2),
        skip(ADAS, 2),
        numbered(ADAS, 2, "late"),
        numbered(ADAS, 3, "on"),
    ];
    assert_eq!(
        answers(bench, &drafts),
        [stored(1), repeated(1), expected(2), Outcome::Skipped, Outcome::Skipped, CONFLICT, stored(2)]
    );
}

/// By user and name: a name is chosen by its owner, so two may choose the same.
pub fn devices_are_told_apart_by_user_and_name(bench: &mut impl Bench) {
    let mut other = ADAS;
    other.id.0[15] = 9;
    let drafts = [
        numbered(ADAS, 1, "hi"),
        numbered(BOBS, 1, "hi"),
        numbered(other, 1, "hi"),
        numbered(BOBS, 2, "ho"),
        numbered(ADAS, 1, "hi"),
    ];
    assert_eq!(answers(bench, &drafts), [stored(1), stored(2), stored(3), stored(4), repeated(1)]);
}

/// By that, a sender knows its own message again when it comes back by another way.
pub fn an_entry_tells_its_device_and_number(bench: &mut impl Bench) {
    let device = Device { user: crate::ids::UserId(u64::MAX >> 1), ..ADAS };
    {
        let (mut log, _) = bench.open();
        take(&mut log, &[skip(device, 1), numbered(device, 2, "hi"), numbered(BOBS, 1, "ho")]);
    }
    let (_log, reader) = bench.open();
    let authors: Vec<_> = read_all(&reader).iter().map(|entry| entry.author).collect();
    let author = |device, n| Some(Author::Device { device, n: CommandNumber(n) });
    assert_eq!(authors, [author(device, 2), author(BOBS, 1)]);
}

/// Many in a row, of every kind, in batches of any size and across starts, with entries between some of them.
pub fn each_of_many_numbers_without_an_entry_keeps_its_result(bench: &mut impl Bench) {
    let drafts: Vec<_> = (3..=400).map(used_up).collect();
    let mut outcomes = Vec::new();
    for (round, batches) in (1..).zip(drafts.chunks(120)) {
        let (mut log, _) = bench.open();
        if round == 1 {
            settle(&mut log);
        }
        for batch in batches.chunks(round * round) {
            outcomes.extend(take(&mut log, batch));
        }
    }
    for kind in [TOO_LARGE, Outcome::Refused(Refusal::NotFound), Outcome::Skipped] {
        assert!(outcomes.iter().filter(|outcome| **outcome == kind).count() > 60, "{kind:?}");
    }
    assert!(outcomes.contains(&Outcome::Already { room: GARDEN }));
    let (mut log, reader) = bench.open();
    let head = reader.head();
    for (draft, outcome) in drafts.iter().zip(&outcomes) {
        let again = match outcome {
            Outcome::Stored(receipt) => Outcome::Repeated(*receipt),
            other => *other,
        };
        let Identity::Device { device, n } = draft.identity else { unreachable!() };
        assert_eq!(take(&mut log, from_ref(draft)), [again], "{n}");
        assert_eq!(take(&mut log, &[skip(device, n.0)]), [again], "{n} is cancelled too late");
        let refused = Command::Rejected { why: Refusal::Empty, content: ContentHash::of_raw(&[7]) };
        assert_eq!(take(&mut log, &[command(device, n.0, refused)]), [CONFLICT], "{n} is something else");
    }
    assert_eq!(take(&mut log, &[skip(CLEOS, 402)]), [expected(401)]);
    assert_eq!(log.head(), head);
    assert_eq!(take(&mut log, &[skip(CLEOS, 401), skip(CLEOS, 402)]), [Outcome::Skipped; 2]);
}

/// A command of Cleo's that is hardly ever stored.
fn used_up(n: u64) -> Draft {
    let text = |words: &str| Text::from_stored(&format!("{words} {n}"));
    let too_large = Command::Say { room: RoomId::LOBBY, text: text("far too long") };
    let in_no_room = Command::Say { room: RoomId(99), text: text("hi") };
    let one_kind = n > 150 && n < 300;
    let which = match n % 7 {
        _ if n % 90 == 5 => Command::Say { room: GARDEN, text: Text::from_stored("ho") },
        0 | 1 => too_large,
        2 | 3 if one_kind => too_large,
        2 | 3 => in_no_room,
        4 if one_kind => Command::Skip,
        4 => Command::Join { room: GARDEN, by: JoinBy::Open },
        _ => Command::Skip,
    };
    command(CLEOS, n, which)
}

/// A batch of nothing but results is durable and adds no entry.
pub fn results_without_entries_do_not_move_the_head(bench: &mut impl Bench) {
    {
        let (mut log, reader) = bench.open();
        append_messages(&mut log, 2);
        take(&mut log, &[skip(ADAS, 1), numbered(ADAS, 2, "far too long")]);
        assert_eq!((log.head(), read_all(&reader).len()), (Position(2), 2));
    }
    let (mut log, _) = bench.open();
    assert_eq!(log.head(), Position(2));
    assert_eq!(take(&mut log, &[numbered(ADAS, 3, "hi")]), [stored(3)]);
}

/// Nothing of a batch that was decided and never appended counts.
pub fn numbers_of_a_batch_that_was_not_stored_are_free(bench: &mut impl Bench) {
    let (mut log, _) = bench.open();
    let drafts = [numbered(ADAS, 1, "hi"), skip(ADAS, 2), numbered(ADAS, 3, "far too long")];
    let first = decided(&mut log, LIMITS, &drafts).outcomes;
    assert_eq!(decided(&mut log, LIMITS, &drafts).outcomes, first);
    assert_eq!(take(&mut log, &[numbered(ADAS, 1, "other")]), [stored(1)]);
}

/// What has a result gets it, of devices and of pages. Everything else may be sent again, and is stored then.
pub fn a_read_only_log_answers_what_it_knows_and_uses_up_no_number(bench: &mut impl Bench) {
    let (mut log, reader) = bench.open();
    take(
        &mut log,
        &[numbered(ADAS, 1, "one"), numbered(ADAS, 2, "far too long"), draft(Some(ADA), Some("k"), "hi")],
    );
    let read = |seq| Draft {
        identity: Identity::User(ADAS.user),
        command: Command::Read { room: RoomId::LOBBY, seq: Seq(seq) },
        ..numbered(ADAS, 9, "")
    };
    take(&mut log, &[read(1)]);
    let moved = |seq| Outcome::Read { room: RoomId::LOBBY, seq: Seq(seq) };
    let (full, before) = (Outcome::StorageFull, read_all(&reader));
    for (draft, outcome) in [
        (numbered(ADAS, 1, "one"), repeated(1)),
        (numbered(ADAS, 1, "else"), CONFLICT),
        (numbered(ADAS, 2, "far too long"), TOO_LARGE),
        (numbered(ADAS, 3, "three"), full),
        (numbered(ADAS, 4, "four"), expected(3)),
        (numbered(ADAS, 3, "far too long"), full),
        (command(ADAS, 3, Command::Skip), full),
        (command(ADAS, 3, Command::Delete { room: RoomId::LOBBY, seq: Seq(1) }), full),
        (numbered(BOBS, 1, "one"), full),
        (draft(Some(ADA), Some("k"), "hi"), repeated(2)),
        (draft(Some(ADA), Some("k"), "else"), CONFLICT),
        (draft(Some(BOB), None, "hi"), full),
        (draft(Some(BOB), None, "far too long"), TOO_LARGE),
        (read(1), moved(1)),
        (read(2), full),
    ] {
        let directory = Directory::load(&mut log).unwrap();
        let told = format!("{draft:?}");
        let decided = decide(&mut log, &directory, LIMITS, Storage::ReadOnly, [&draft]).unwrap();
        assert_eq!(decided.outcomes, [outcome], "{told}");
        assert_eq!(decided.records.len(), 0, "{told}");
    }
    assert_eq!(read_all(&reader), before);
    let later = [numbered(ADAS, 3, "three"), numbered(ADAS, 4, "four"), read(2)];
    assert_eq!(take(&mut log, &later), [stored(3), stored(4), moved(2)]);
}

/// It may be asked at any time, and what is appended goes on after it.
pub fn a_probe_changes_nothing(bench: &mut impl Bench) {
    let (mut log, reader) = bench.open();
    append_messages(&mut log, 2);
    let before = read_all(&reader);
    for _ in 0..3 {
        log.probe().unwrap();
        assert_eq!((log.head(), reader.head()), (Position(2), Position(2)));
        assert_eq!(read_all(&reader), before);
    }
    append_messages(&mut log, 1);
    assert_eq!(read_all(&reader).len(), 3);
}
