//! The appender over a log that has no space, or takes no writes.

use super::*;
use crate::command::Command;
use crate::health::ReadOnly;
use crate::ids::UserId;

/// An appender whose next batch is refused.
fn refused_by(cause: RollbackCause) -> Desk {
    let desk = Desk::open();
    desk.let_all_go();
    desk.submit(&[(1, numbered(ADAS, 1, "one"))]);
    assert_eq!(desk.committed.recv().unwrap().outcomes, [(1, stored(1))]);
    desk.disk.inject(Fault::RollBack(cause));
    desk
}

impl Desk {
    fn outcome(&self, draft: Draft) -> Outcome {
        self.submit(&[(7, draft)]);
        self.committed.recv().unwrap().outcomes[0].1
    }

    /// Asks whether the log takes writes, and waits until that is known.
    fn probe(&self) -> Option<ReadOnly> {
        self.appender.probe();
        // The answer to what comes after it tells that it is done.
        assert_eq!(self.outcome(numbered(ADAS, 1, "one")), repeated(1));
        self.appender.health().read_only()
    }
}

#[test]
fn a_batch_that_finds_no_space_is_answered_and_none_of_it_is_stored() {
    let desk = refused_by(RollbackCause::Full);
    let batch =
        [(2, numbered(ADAS, 2, "two")), (3, numbered(ADAS, 3, "three")), (4, draft(Some(BOB), None, "hi"))];
    for (ticket, draft) in &batch {
        assert_eq!(desk.appender.submit_quietly(draft.clone(), *ticket), Admission::Accepted);
    }
    desk.appender.announce();
    let committed = desk.committed.recv().unwrap();
    let expected = Outcome::Expected { n: CommandNumber(2) };
    assert_eq!(committed.outcomes, [(2, Outcome::StorageFull), (3, expected), (4, Outcome::StorageFull)]);
    assert_eq!(committed.entries, []);
    assert_eq!(desk.appender.health().read_only(), Some(ReadOnly::Full));
    assert_eq!(desk.appender.health().state(), HealthState::Ready, "nothing waits");
    assert_eq!(desk.stored().len(), 1);
}

#[test]
fn a_read_only_log_appends_nothing_until_a_probe_succeeds() {
    let desk = refused_by(RollbackCause::ReadOnly);
    assert_eq!(desk.outcome(numbered(ADAS, 2, "two")), Outcome::StorageFull);
    assert_eq!(desk.appender.health().read_only(), Some(ReadOnly::Disk));
    // The disk would take it now, and nobody has found out.
    assert_eq!(desk.outcome(numbered(ADAS, 2, "two")), Outcome::StorageFull);
    assert_eq!(desk.outcome(numbered(ADAS, 1, "one")), repeated(1));
    desk.disk.inject(Fault::RollBack(RollbackCause::ReadOnly));
    assert_eq!(desk.probe(), Some(ReadOnly::Disk), "it still takes no writes");
    assert_eq!(desk.outcome(numbered(ADAS, 2, "two")), Outcome::StorageFull);
    assert_eq!(desk.probe(), None);
    assert_eq!(desk.outcome(numbered(ADAS, 2, "two")), stored(2));
    assert_eq!(desk.stored().len(), 2);
}

#[test]
fn a_commit_after_which_there_is_too_little_space_is_the_last_one() {
    let desk = Desk::open();
    desk.let_all_go();
    assert_eq!(desk.outcome(numbered(ADAS, 1, "one")), stored(1));
    let [first] = desk.written.try_iter().collect::<Vec<_>>()[..] else { panic!("told once for a commit") };
    assert_eq!(desk.outcome(numbered(ADAS, 1, "one")), repeated(1));
    assert_eq!(desk.written.try_iter().count(), 0, "nothing was written");
    desk.is_low.store(true, Ordering::Relaxed);
    assert_eq!(desk.outcome(numbered(ADAS, 2, &"x".repeat(1_000))), stored(2), "it is stored already");
    assert_eq!(desk.written.try_recv(), Ok(first + 997));
    assert_eq!(desk.appender.health().read_only(), Some(ReadOnly::LowSpace));
    assert_eq!(desk.outcome(numbered(ADAS, 3, "three")), Outcome::StorageFull);
    assert_eq!(desk.stored().len(), 2);
}

#[test]
fn a_log_without_space_has_the_disk_looked_at() {
    let desk = refused_by(RollbackCause::Full);
    desk.written.try_iter().for_each(drop);
    assert_eq!(desk.outcome(numbered(ADAS, 2, "two")), Outcome::StorageFull);
    assert_eq!(desk.written.try_iter().collect::<Vec<_>>(), [NO_SPACE]);
    assert_eq!(
        desk.appender.health().read_only(),
        Some(ReadOnly::Full),
        "that is why, whatever the disk says"
    );
}

#[test]
fn little_space_is_enough_to_be_read_only() {
    let desk = Desk::open();
    desk.let_all_go();
    desk.appender.health().make_read_only(ReadOnly::LowSpace);
    assert_eq!(desk.outcome(numbered(ADAS, 1, "one")), Outcome::StorageFull);
    desk.appender.probe();
    desk.submit(&[(2, numbered(ADAS, 1, "one"))]);
    assert_eq!(desk.committed.recv().unwrap().outcomes, [(2, stored(1))]);
}

#[test]
fn a_log_stays_read_only_for_another_probe_after_it_has_turned_a_page_away() {
    let desk = refused_by(RollbackCause::Full);
    assert_eq!(desk.outcome(draft(Some(BOB), None, "first")), Outcome::StorageFull);
    assert_eq!(desk.probe(), Some(ReadOnly::Full), "the page may still send what was to come second");
    assert_eq!(desk.outcome(draft(Some(BOB), None, "second")), Outcome::StorageFull);
    assert_eq!(desk.probe(), Some(ReadOnly::Full));
    assert_eq!(desk.probe(), None);
}

#[test]
fn other_errors_make_the_log_read_only_when_they_have_lasted() {
    let desk = Desk::open();
    for _ in 0..3 {
        desk.disk.inject(Fault::RollBack(RollbackCause::Io));
    }
    desk.submit(&[(1, numbered(ADAS, 1, "one"))]);
    desk.let_one_go();
    desk.let_one_go();
    desk.entered.recv().unwrap();
    assert_eq!(desk.appender.health().read_only(), None, "it may pass");
    desk.ahead.store(6, Ordering::Relaxed);
    desk.go_on.send(()).unwrap();
    assert_eq!(desk.committed.recv().unwrap().outcomes, [(1, Outcome::StorageFull)]);
    assert_eq!(desk.appender.health().read_only(), Some(ReadOnly::Failing));
}

#[test]
fn a_commit_of_unknown_outcome_is_not_answered_as_full() {
    let desk = Desk::open();
    desk.let_all_go();
    desk.disk.inject(Fault::UnknownStored);
    desk.submit(&[(1, numbered(ADAS, 1, "one"))]);
    assert!(matches!(desk.fatal.recv().unwrap(), Fatal::OutcomeUnknown { .. }));
    assert!(desk.committed.recv().is_err(), "nobody was answered");
    assert_eq!(desk.appender.health().read_only(), None);
}

#[test]
fn a_read_pointer_stays_where_it_is_while_the_log_is_read_only() {
    let desk = refused_by(RollbackCause::Full);
    let read = |seq| Draft {
        identity: Identity::User(UserId(1)),
        command: Command::Read { room: RoomId::LOBBY, seq: Seq(seq) },
        ..numbered(ADAS, 1, "")
    };
    assert_eq!(desk.outcome(read(1)), Outcome::StorageFull);
    assert_eq!(desk.outcome(read(0)), Outcome::Read { room: RoomId::LOBBY, seq: Seq(0) });
}
