//! The checker against histories made by hand: a correct one, and one for each way to break a rule.

use simulation::checker::{Invariant, Recoveries, check};
use simulation::record::{
    Answer, Generation, LOBBY, Nature, Page, PageId, Record, Sent, Sight, Stored, Truth, Version, What,
};

const BEFORE: u64 = 100;
const AFTER: u64 = 200;

/// One page types `a`, `b` and `c`; another one watches. No rule is broken.
fn right() -> Record {
    Record {
        sent: ["a", "b", "c"].map(|text| sent(0, text, Answer::Stored)).into(),
        pages: vec![watching(&["a", "b", "c"]), watching(&["a", "b", "c"])],
        epochs: [(BEFORE, Generation(0))].into(),
        generations: vec![truth(&["a", "b", "c"], 0)],
        ..Record::default()
    }
}

/// The same, but the log was restored from a backup that had only `a`; then `d` and `e` were typed.
fn restored() -> Record {
    let mut record = right();
    record.sent.extend([sent(1, "d", Answer::Stored), sent(1, "e", Answer::Stored)]);
    record.epochs.insert(AFTER, Generation(1));
    record.generations = vec![truth(&["a", "b", "c"], 1), truth(&["a", "d", "e"], 0)];
    for page in &mut record.pages {
        page.sights.push(Sight::Joined { recovered: false, returning: true });
        page.sights.extend([line(AFTER, 1, "a"), line(AFTER, 2, "d"), line(AFTER, 3, "e")]);
    }
    record
}

fn sent(page: usize, text: &str, answer: Answer) -> Sent {
    Sent { page: PageId(page), text: text.into(), nature: Nature::Proper, answer }
}

fn truth(texts: &[&str], kept: u64) -> Truth {
    Truth { log: texts.iter().zip(1..).map(|(text, number)| message(number, text)).collect(), kept }
}

fn message(number: u64, text: &str) -> Stored {
    Stored {
        room: LOBBY,
        seq: number,
        rev: number,
        micros: 0,
        at: 0,
        sender: None,
        event: "message",
        what: What::Message,
        versions: vec![Version { text: text.into(), gone: None }],
    }
}

fn watching(texts: &[&str]) -> Page {
    let joined = Sight::Joined { recovered: false, returning: false };
    let lines = texts.iter().zip(1..).map(|(text, seq)| line(BEFORE, seq, text));
    Page { sights: std::iter::once(joined).chain(lines).collect(), ..Page::default() }
}

fn line(epoch: u64, seq: u64, text: &str) -> Sight {
    Sight::Line { epoch, position: Some(seq), seq, text: text.into() }
}

/// Breaks a correct history with `spoil`; returns the invariants that the checker finds broken.
fn broken(spoil: impl FnOnce(&mut Record)) -> Vec<Invariant> {
    let mut record = right();
    spoil(&mut record);
    verdict(&record)
}

fn verdict(record: &Record) -> Vec<Invariant> {
    let mut invariants: Vec<_> =
        check(record, Recoveries::Always).into_iter().map(|violation| violation.invariant).collect();
    invariants.dedup();
    invariants
}

#[test]
fn a_right_history_is_acquitted() {
    assert_eq!(check(&right(), Recoveries::Always), []);
    assert_eq!(check(&restored(), Recoveries::Always), []);
}

#[test]
fn an_acked_message_that_is_not_stored_is_found() {
    let lost = broken(|record| record.sent.push(sent(1, "lost", Answer::Stored)));
    assert_eq!(lost, [Invariant::AckedOnce]);
}

#[test]
fn of_two_who_say_the_same_both_are_stored() {
    let swallowed = broken(|record| record.sent.push(sent(1, "a", Answer::Stored)));
    assert_eq!(swallowed, [Invariant::AckedOnce]);
}

#[test]
fn a_message_that_is_stored_twice_is_found() {
    let doubled = broken(|record| {
        record.generations = vec![truth(&["a", "b", "c", "b"], 0)];
        record.pages = vec![watching(&["a", "b", "c", "b"])];
    });
    assert_eq!(doubled.first(), Some(&Invariant::NothingInvented));
}

#[test]
fn a_message_that_nobody_sent_is_found() {
    let invented = broken(|record| {
        record.generations = vec![truth(&["a", "b", "c", "ghost"], 0)];
        record.pages = vec![watching(&["a", "b", "c", "ghost"])];
    });
    assert_eq!(invented, [Invariant::NothingInvented]);
}

#[test]
fn a_gap_in_a_view_is_found() {
    let gap = broken(|record| drop(record.pages[1].sights.remove(2)));
    assert_eq!(gap, [Invariant::Contiguous]);
}

#[test]
fn a_repeat_in_a_view_is_found() {
    let repeat = broken(|record| record.pages[1].sights.push(line(BEFORE, 3, "c")));
    assert_eq!(repeat, [Invariant::Contiguous]);
}

#[test]
fn two_orders_of_the_same_messages_are_found() {
    let swapped = broken(|record| record.pages[1] = watching(&["b", "a", "c"]));
    assert_eq!(swapped, [Invariant::OneOrder]);
}

#[test]
fn a_sender_whose_messages_are_swapped_is_found() {
    let swapped = broken(|record| {
        record.generations = vec![truth(&["b", "a", "c"], 0)];
        record.pages = vec![watching(&["b", "a", "c"])];
    });
    assert_eq!(swapped, [Invariant::SenderOrder]);
}

#[test]
fn a_message_that_was_seen_and_is_gone_is_found() {
    let vanished = broken(|record| {
        record.sent[2].answer = Answer::None;
        record.generations = vec![truth(&["a", "b"], 0)];
    });
    assert!(vanished.contains(&Invariant::NothingVanishes), "{vanished:?}");
}

#[test]
fn a_newcomer_who_does_not_see_all_is_found() {
    let late = broken(|record| record.pages.push(watching(&["a", "b"])));
    assert_eq!(late, [Invariant::NewcomersSeeAll]);
}

#[test]
fn a_recovery_with_a_gap_is_found() {
    let gap = broken(|record| {
        record.pages[1].sights[2] = Sight::Joined { recovered: true, returning: true };
    });
    assert_eq!(gap, [Invariant::Contiguous]);
}

#[test]
fn a_recovery_from_nothing_is_found() {
    let nothing = broken(|record| {
        record.pages[1].sights[0] = Sight::Joined { recovered: true, returning: false };
    });
    assert_eq!(nothing, [Invariant::RecoveredWithoutGap]);
}

#[test]
fn a_return_that_is_not_recovered_is_found() {
    let returning = |record: &mut Record| {
        record.pages[1].sights.insert(2, Sight::Joined { recovered: false, returning: true });
    };
    assert_eq!(broken(returning), [Invariant::RecoveredWithoutGap]);
    let mut record = right();
    returning(&mut record);
    assert_eq!(check(&record, Recoveries::UpToALimit), []);
}

#[test]
fn going_on_over_a_restored_backup_is_found() {
    let mut record = restored();
    record.sent.push(sent(1, "f", Answer::Stored));
    record.generations[1].log.push(message(4, "f"));
    record.pages.truncate(1);
    record.pages[0] = watching(&["a", "b", "c"]);
    record.pages[0].sights.push(Sight::Joined { recovered: true, returning: true });
    record.pages[0].sights.push(line(AFTER, 4, "f"));
    assert_eq!(verdict(&record), [Invariant::RecoveredWithoutGap]);
}

#[test]
fn believing_in_what_a_backup_did_not_have_is_found() {
    let mut record = restored();
    record.pages[0] = watching(&["a", "b", "c"]);
    assert_eq!(verdict(&record), [Invariant::RecoveredWithoutGap]);
}

#[test]
fn a_resync_without_a_reason_is_found() {
    let again = broken(|record| {
        record.pages[1].sights.push(Sight::Joined { recovered: false, returning: true });
        record.pages[1].sights.extend([line(BEFORE, 1, "a"), line(BEFORE, 2, "b"), line(BEFORE, 3, "c")]);
    });
    assert!(again.contains(&Invariant::Contiguous), "{again:?}");
}

#[test]
fn a_page_that_does_not_converge_in_time_is_found() {
    let late = broken(|record| record.complaints.push("a client is behind".into()));
    assert_eq!(late, [Invariant::Converges]);
}

#[test]
fn a_refused_message_that_is_stored_is_found() {
    let stored = broken(|record| {
        record.sent[1].nature = Nature::ReusesKey;
        record.sent[1].answer = Answer::Refused("conflict".into());
    });
    assert_eq!(stored, [Invariant::RefusedMeansAbsent]);
}

#[test]
fn a_proper_message_that_is_refused_is_found() {
    let refused = broken(|record| record.sent.push(sent(1, "proper", Answer::Refused("conflict".into()))));
    assert_eq!(refused, [Invariant::RefusedMeansAbsent]);
}
