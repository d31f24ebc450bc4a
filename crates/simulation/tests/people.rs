//! The checker against lives in `/v1` made by hand: a correct one, and one for each way to break a rule.

use simulation::checker::{Invariant, Recoveries, check};
use simulation::record::people::{Beliefs, By, Command, Listed, Person, Row, Shown, Sight, Told, Typed};
use simulation::record::{Generation, Record, Sender, Stored, Truth, Version, What};

const BEFORE: u64 = 100;
const AFTER: u64 = 200;

const ADA: u64 = 1;
const BOB: u64 = 2;

/// A private room that ada created.
const PLANS: u64 = 2;

/// Ada takes a name, creates a room, sends a message there, adds bob, and sends one more. Bob is
/// connected from the beginning. No rule is broken.
fn right() -> Record {
    Record {
        people: vec![ada(), bob()],
        epochs: [(BEFORE, Generation(0))].into(),
        generations: vec![Truth { log: log(), kept: 0 }],
        ..Record::default()
    }
}

fn log() -> Vec<Stored> {
    vec![
        entry(1, 0, (0, 1), "named", What::Other),
        entry(2, PLANS, (0, 1), "room created", What::Opened { is_public: false, members: vec![ADA] }),
        message(3, PLANS, (1, 2), "u0-1 "),
        entry(4, PLANS, (1, 3), "joined", What::Joined(BOB)),
        message(5, PLANS, (2, 4), "u0-2 "),
    ]
}

/// Ada's `n`th command, stored in the `n`th microsecond.
fn entry(n: u64, room: u64, (seq, rev): (u64, u64), event: &'static str, what: What) -> Stored {
    let sender = Some(Sender { user: ADA, device: "a".into(), n });
    Stored { room, seq, rev, micros: u128::from(n), at: 0, sender, event, what, versions: Vec::new() }
}

fn message(n: u64, room: u64, numbers: (u64, u64), text: &str) -> Stored {
    let versions = vec![Version { text: text.into(), gone: None }];
    Stored { versions, ..entry(n, room, numbers, "message", What::Message) }
}

fn ada() -> Person {
    let command = |(entry, position): (&Stored, u64)| Command {
        device: "a".into(),
        n: position,
        text: entry.versions.first().map(|version| version.text.clone()),
        is_proper: entry.room == 1,
        answers: vec![(Generation(0), Told::Stored { position, room: entry.room, rev: entry.rev })],
    };
    let own = |(entry, position): (&Stored, u64)| Sight::Own {
        epoch: BEFORE,
        position,
        room: entry.room,
        rev: entry.rev,
    };
    let log = log();
    let commands = log.iter().zip(1..).map(command).collect();
    let sights = beginning().into_iter().chain(log.iter().zip(1..).map(own)).collect();
    Person { user: Some(ADA), commands, sights, ..Person::default() }
}

fn bob() -> Person {
    let mut sights = beginning();
    sights.extend([1, 4, 5].map(seen));
    Person { user: Some(BOB), sights, ..Person::default() }
}

fn beginning() -> Vec<Sight> {
    vec![Sight::Connects { micros: 0 }, welcome(BEFORE, 0, false), Sight::Begins { room: 1, after: None }]
}

fn welcome(epoch: u64, position: u64, resumed: bool) -> Sight {
    let rooms = vec![Listed { room: 1, rev: 0, read: 0 }];
    Sight::Welcomed { epoch, position, resumed, reset: false, rooms }
}

fn shown(position: u64) -> Shown {
    let log = log();
    let entry = &log[usize::try_from(position).expect("a small number") - 1];
    Shown {
        by: By::Event,
        epoch: BEFORE,
        position,
        room: entry.room,
        rev: entry.rev,
        event: entry.event.into(),
        text: entry.versions.first().map(|version| version.text.clone()),
    }
}

fn seen(position: u64) -> Sight {
    Sight::Entry(shown(position))
}

/// Breaks a correct history with `spoil`; returns the invariants that the checker finds broken.
fn broken(spoil: impl FnOnce(&mut Record)) -> Vec<Invariant> {
    let mut record = right();
    spoil(&mut record);
    let mut invariants: Vec<_> =
        check(&record, Recoveries::Always).into_iter().map(|violation| violation.invariant).collect();
    invariants.dedup();
    invariants
}

#[test]
fn a_right_life_is_acquitted() {
    assert_eq!(check(&right(), Recoveries::Always), []);
}

#[test]
fn an_acked_command_that_is_not_stored_is_found() {
    let lost = broken(|record| {
        let told = Told::Stored { position: 9, room: 1, rev: 2 };
        record.people[0].commands[0].answers = vec![(Generation(0), told)];
    });
    assert_eq!(lost, [Invariant::AckedOnce]);
}

#[test]
fn two_answers_to_one_command_are_found() {
    let other = broken(|record| {
        record.people[0].commands[2].answers.push((Generation(0), Told::Refused("forbidden".into())));
    });
    assert_eq!(other, [Invariant::AckedOnce, Invariant::RefusedMeansAbsent]);
}

#[test]
fn commands_of_a_device_that_are_swapped_are_found() {
    let swapped = broken(|record| {
        record.generations[0].log[2].sender = Some(Sender { user: ADA, device: "a".into(), n: 7 });
        record.people[0].commands[2].n = 7;
    });
    assert_eq!(swapped, [Invariant::SenderOrder]);
}

#[test]
fn a_message_that_is_stored_under_two_devices_is_found() {
    let doubled = broken(|record| {
        let sender = Some(Sender { user: ADA, device: "b".into(), n: 1 });
        record.generations[0].log.push(Stored { sender, ..message(1, PLANS, (3, 5), "u0-2 ") });
    });
    assert_eq!(doubled.first(), Some(&Invariant::NothingInvented));
}

#[test]
fn a_hole_in_a_room_is_found() {
    let hole = broken(|record| drop(record.people[1].sights.pop()));
    assert_eq!(hole, [Invariant::Contiguous]);
}

#[test]
fn an_event_that_comes_twice_is_found() {
    let twice = broken(|record| record.people[1].sights.push(seen(5)));
    assert_eq!(twice, [Invariant::Contiguous]);
}

#[test]
fn a_message_from_before_a_member_joined_is_not_for_them() {
    let early = broken(|record| record.people[1].sights.insert(4, seen(3)));
    // Both say so: the one by the log, the other by the tables of permissions.
    assert_eq!(early, [Invariant::Permitted, Invariant::MembersOnly]);
    let early = broken(|record| {
        let text = Some("u0-1 ".into());
        let row = Row { asked: 9, epoch: BEFORE, room: PLANS, seq: 1, rev: 2, text };
        record.people[1].sights.push(Sight::Row(row));
    });
    assert_eq!(early, [Invariant::MembersOnly]);
}

#[test]
fn a_message_from_after_a_member_left_is_not_for_them() {
    let gone = |record: &mut Record| {
        record.generations[0].log[4] = entry(5, PLANS, (1, 4), "removed", What::Left(BOB));
        record.generations[0].log.push(message(6, PLANS, (2, 5), "u0-9 "));
        record.people[0].commands.truncate(4);
        record.people[0].sights.push(Sight::Own { epoch: BEFORE, position: 6, room: PLANS, rev: 5 });
        let removed = Shown { event: "removed".into(), text: None, ..shown(5) };
        record.people[1].sights[5] = Sight::Entry(removed);
    };
    assert_eq!(broken(gone), []);
    let late = broken(|record| {
        gone(record);
        let late = Shown { position: 6, rev: 5, text: Some("u0-9 ".into()), ..shown(5) };
        record.people[1].sights.push(Sight::Entry(late));
    });
    // Both say so: the one by the log, the other by the tables of permissions.
    assert_eq!(late, [Invariant::Permitted, Invariant::MembersOnly]);
}

#[test]
fn a_member_who_returns_before_learning_that_they_left_keeps_the_room_from_there() {
    let back = |record: &mut Record| {
        let log = &mut record.generations[0].log;
        log.push(entry(6, PLANS, (2, 5), "left", What::Left(ADA)));
        log.push(entry(7, PLANS, (2, 6), "joined", What::Joined(ADA)));
        log.push(message(8, PLANS, (3, 7), "u0-3 "));
        let event = |position: u64, event: &str, text: Option<&str>| {
            let (event, text) = (event.to_owned(), text.map(str::to_owned));
            Sight::Entry(Shown { position, rev: position - 1, event, text, ..shown(5) })
        };
        // The answer on one device is ahead of the events, in which the other device leaves.
        let own = |position| Sight::Own { epoch: BEFORE, position, room: PLANS, rev: position - 1 };
        record.people[0].sights.extend([own(7), event(6, "left", None), own(8)]);
        let all = [event(6, "left", None), event(7, "joined", None), event(8, "message", Some("u0-3 "))];
        record.people[1].sights.extend(all);
    };
    assert_eq!(broken(back), []);
    let hole = broken(|record| {
        back(record);
        record.people[0].sights.pop();
    });
    assert_eq!(hole, [Invariant::Contiguous]);
}

#[test]
fn a_message_of_somebody_who_is_not_a_member_is_found() {
    let stranger = broken(|record| {
        let sender = Some(Sender { user: 3, device: "c".into(), n: 1 });
        record.generations[0].log.push(Stored { sender, ..message(6, 1, (2, 2), "u2-0 ") });
        record.generations[0].log[5].room = PLANS;
        (record.generations[0].log[5].seq, record.generations[0].log[5].rev) = (3, 5);
        let text = Some("u2-0 ".to_owned());
        for person in &mut record.people {
            let shown = Shown { position: 6, rev: 5, text: text.clone(), ..shown(5) };
            person.sights.push(Sight::Entry(shown));
        }
    });
    assert_eq!(stranger, [Invariant::Permitted]);
}

#[test]
fn what_the_page_of_permissions_does_not_permit_is_found() {
    let does = |user: u64, event, what: What| {
        broken(|record| {
            let sender = Some(Sender { user, device: "c".into(), n: 1 });
            record.generations[0].log.push(Stored { sender, ..entry(6, PLANS, (2, 5), event, what) });
            for person in &mut record.people {
                let told = Shown { position: 6, rev: 5, event: event.into(), text: None, ..shown(5) };
                person.sights.push(Sight::Entry(told));
            }
        })
    };
    assert_eq!(does(ADA, "topic", What::Other), []);
    assert_eq!(does(BOB, "topic", What::Other), [Invariant::Permitted], "ada is the host");
    assert_eq!(does(ADA, "removed", What::Left(BOB)), []);
    assert_eq!(does(BOB, "removed", What::Left(ADA)), [Invariant::Permitted]);
    assert_eq!(does(BOB, "left", What::Left(BOB)), []);
    assert_eq!(does(ADA, "edited", What::Changed { seq: 2 }), []);
    assert_eq!(does(BOB, "edited", What::Changed { seq: 2 }), [Invariant::Permitted]);
}

#[test]
fn a_deleted_text_is_not_for_newcomers() {
    let delete = |record: &mut Record, gone| record.generations[0].log[4].versions[0].gone = Some(gone);
    assert_eq!(broken(|record| delete(record, 7)), []);
    let late = broken(|record| {
        delete(record, 7);
        record.people[1]
            .sights
            .splice(5.., [Sight::Connects { micros: 8 }, welcome(BEFORE, 4, true), seen(5)]);
    });
    assert_eq!(late, [Invariant::DeletedIsGone]);
}

#[test]
fn a_read_pointer_that_moves_back_is_found() {
    let back = broken(|record| {
        record.people[1].sights.push(Sight::HasRead { room: 1, seq: 1 });
        record.people[1].sights.extend([Sight::Connects { micros: 9 }, welcome(BEFORE, 5, true)]);
    });
    assert_eq!(back, [Invariant::PointersMoveForward]);
}

#[test]
fn numbers_that_are_expected_again_are_found() {
    let forgotten = broken(|record| {
        record.people[0].sights.push(Sight::Mistrusts { epoch: BEFORE });
        let sights = record.people[0].sights[3..8].to_vec();
        record.people[0].sights.extend([Sight::Begins { room: 1, after: None }]);
        record.people[0].sights.extend(sights);
    });
    assert_eq!(forgotten, [Invariant::AckedOnce]);
}

#[test]
fn going_on_over_a_restored_backup_is_found() {
    let restored = broken(|record| {
        record.epochs.insert(AFTER, Generation(1));
        record.generations[0].kept = 4;
        record.generations.push(Truth { log: log()[..4].to_vec(), kept: 0 });
        for person in &mut record.people {
            person.sights.push(Sight::Connects { micros: 9 });
        }
        // Ada knows the last entry from an answer, not from an event, so she is still right to continue.
        record.people[0].sights.insert(8, Sight::Cursor { epoch: BEFORE, position: 4 });
        record.people[0].sights.push(welcome(AFTER, 4, true));
        record.people[1].sights.push(welcome(AFTER, 5, true));
    });
    assert_eq!(restored, [Invariant::RecoveredWithoutGap]);
}

fn types(record: &mut Record, user: u64) {
    record.typed.push(Typed { user, room: PLANS, event: "typing", micros: 6 });
}

fn told_of_typing(position: u64, who: u64) -> Sight {
    Sight::Typing { micros: 9, epoch: BEFORE, position, room: PLANS, who, event: "typing".into() }
}

#[test]
fn only_the_other_members_are_told_who_types() {
    let told = |index: usize, position, who| {
        broken(|record| {
            types(record, who);
            record.people[index].sights.push(told_of_typing(position, who));
        })
    };
    assert_eq!(told(1, 5, ADA), []);
    assert_eq!(told(1, 3, ADA), [Invariant::MembersOnly], "bob joins at 4");
    assert_eq!(told(0, 5, ADA), [Invariant::MembersOnly], "ada types herself");
    assert_eq!(told(1, 5, 3), [Invariant::MembersOnly], "nobody has added cleo");
    let invented = broken(|record| record.people[1].sights.push(told_of_typing(5, ADA)));
    assert_eq!(invented, [Invariant::MembersOnly], "nobody types");
}

#[test]
fn a_person_who_was_removed_is_not_told_who_types() {
    let removed = broken(|record| {
        record.generations[0].log.push(entry(6, PLANS, (2, 5), "removed", What::Left(BOB)));
        record.people[0].sights.push(Sight::Own { epoch: BEFORE, position: 6, room: PLANS, rev: 5 });
        let removed = Shown { position: 6, rev: 5, event: "removed".into(), text: None, ..shown(5) };
        types(record, ADA);
        let sights = [told_of_typing(5, ADA), Sight::Entry(removed), told_of_typing(6, ADA)];
        record.people[1].sights.extend(sights);
    });
    assert_eq!(removed, [Invariant::MembersOnly]);
}

#[test]
fn a_pointer_of_somebody_else_is_found() {
    let told = |reader| {
        broken(|record| {
            record.reads.insert((reader, 1, 1));
            record.people[1].sights.push(Sight::Read { room: 1, seq: 1 });
        })
    };
    assert_eq!(told(BOB), []);
    assert_eq!(told(ADA), [Invariant::MembersOnly]);
}

#[test]
fn beliefs_that_stay_wrong_are_found() {
    let believed = |online: &[u64], count, read| {
        broken(|record| {
            record.connected = Some([ADA, BOB].into());
            record.people.push(Person { user: Some(BOB), sights: bob().sights, ..Person::default() });
            for person in &mut record.people {
                person.beliefs = Beliefs { online: Some([ADA, BOB].into()), count: Some(2), read: 1 };
            }
            let online = Some(online.iter().copied().collect());
            record.people[2].beliefs = Beliefs { online, count: Some(count), read };
        })
    };
    assert_eq!(believed(&[ADA, BOB], 2, 1), []);
    assert_eq!(believed(&[ADA, BOB], 3, 1), [Invariant::PresenceAgrees]);
    assert_eq!(believed(&[BOB], 2, 1), [Invariant::PresenceAgrees]);
    assert_eq!(believed(&[ADA, BOB], 2, 0), [Invariant::PointersAgree]);
}
