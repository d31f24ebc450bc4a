//! The checker finds each way in which a limit can fail, and acquits what the limits allow.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use simulation::checker::{Invariant, Recoveries, check};
use simulation::record::Record;
use simulation::record::siege::{Ask, Asked, Ended, Manner, Siege, Terms, Visit, Visitor};
use socketio_server::Rate;
use tidings::quotas::Quota;

const SECOND: u128 = 1_000_000;
const ADA: u64 = 1;
const BOB: u64 = 2;
const EVE: u64 = 3;

const TERMS: Terms = Terms {
    commands: Rate { per_second: 2, burst: 4 },
    commands_network: Rate { per_second: 8, burst: 16 },
    events: Rate { per_second: 40, burst: 80 },
    control_frames: Rate { per_second: 5, burst: 20 },
    rooms: Quota::a_day(2),
    rooms_network: Quota::a_day(3),
    contacts: Quota::an_hour(2),
    contacts_network: Quota::a_day(3),
    renames: Quota::an_hour(2),
    way: Duration::from_millis(100),
    command: Duration::from_millis(200),
    read: Duration::from_secs(2),
    request: Duration::from_millis(500),
};

/// Something that was carried out after some milliseconds.
fn done(what: Asked, sent: u128, after: u128) -> Ask {
    Ask { what, sent, packets_before: 1, answer: Some((sent + after * 1_000, None)) }
}

fn refused(what: Asked, sent: u128, code: &str) -> Ask {
    Ask { answer: Some((sent + 1_000, Some(code.into()))), ..done(what, sent, 0) }
}

fn visit(user: u64, asks: Vec<Ask>) -> Visit {
    Visit { opened: 0, user: Some(user), asks, ..Visit::default() }
}

/// Ada and bob live in one house and keep to the limits, and eve does what she can.
fn right() -> Siege {
    let home = |host| IpAddr::V4(Ipv4Addr::new(10, 0, 0, host));
    let typing = vec![
        done(Asked::Say, 2 * SECOND, 150),
        done(Asked::Typing, 3 * SECOND, 1),
        done(Asked::TypingStopped, 4 * SECOND, 1),
        done(Asked::Read(7), 5 * SECOND, 1_900),
    ];
    let later = Visit { opened: 8 * SECOND, read: 7, ..visit(ADA, Vec::new()) };
    let mut bob = visit(BOB, vec![done(Asked::Request, 6 * SECOND, 400)]);
    bob.typists = vec![(3 * SECOND + 1, ADA, false), (4 * SECOND + 1, ADA, true)];
    let flood = (0..4).map(|_| done(Asked::Say, 0, 1)).chain([refused(Asked::Create, 0, "quota")]).collect();
    let visitor = |manner, host, visits| Visitor { manner, address: home(host), visits };
    let visitors = vec![
        visitor(Manner::Polite, 1, vec![visit(ADA, typing), later]),
        visitor(Manner::Polite, 1, vec![bob]),
        visitor(Manner::Hostile, 2, vec![visit(EVE, flood)]),
    ];
    Siege { terms: TERMS, visitors, over: 20 * SECOND }
}

fn verdict(siege: Siege) -> Vec<Invariant> {
    let record = Record { siege: Some(siege), ..Record::default() };
    let mut invariants: Vec<_> =
        check(&record, Recoveries::Always).into_iter().map(|violation| violation.invariant).collect();
    invariants.dedup();
    invariants
}

/// What the checker finds when the first visit of a visitor was otherwise.
fn with(visitor: usize, change: impl FnOnce(&mut Visit)) -> Vec<Invariant> {
    let mut siege = right();
    change(&mut siege.visitors[visitor].visits[0]);
    verdict(siege)
}

#[test]
fn limits_that_hold_are_acquitted() {
    assert_eq!(verdict(right()), []);
}

#[test]
fn a_polite_visitor_who_is_refused_or_waits_or_is_cut_off_is_found() {
    let free = [Invariant::HalfIsFree];
    assert_eq!(with(0, |ada| ada.asks.push(refused(Asked::Create, SECOND, "quota"))), free);
    assert_eq!(with(0, |ada| ada.asks.push(done(Asked::Say, SECOND, 201))), free);
    assert_eq!(with(1, |bob| bob.asks.push(done(Asked::Request, SECOND, 501))), free);
    let silent = Ask { answer: None, ..done(Asked::Say, SECOND, 0) };
    assert_eq!(with(0, |ada| ada.asks.push(silent)), free);
    assert_eq!(with(1, |bob| bob.refused = Some("busy".into())), free);
    assert_eq!(with(1, |bob| bob.ended = Some((7 * SECOND, Ended::Server))), free);
    assert_eq!(with(1, |bob| bob.ended = Some((7 * SECOND, Ended::Own))), []);
}

#[test]
fn a_hostile_visitor_may_be_refused_and_cut_off_and_wait() {
    assert_eq!(with(2, |eve| eve.refused = Some("busy".into())), []);
    assert_eq!(with(2, |eve| eve.ended = Some((SECOND, Ended::Server))), []);
    assert_eq!(with(2, |eve| eve.asks.push(done(Asked::Request, 0, 9_000))), []);
}

#[test]
fn commands_beyond_the_rate_of_a_person_are_found_also_those_that_are_refused() {
    // 4 at once and the one that is too many, which may cost 10, and 2 a second.
    let floods = |count, after| {
        move |eve: &mut Visit| {
            eve.asks = (0..count).map(|_| done(Asked::Say, 0, after)).collect();
        }
    };
    assert_eq!(with(2, floods(15, 0)), []);
    assert_eq!(with(2, floods(16, 0)), [Invariant::ExcessWaits]);
    assert_eq!(with(2, floods(16, 500)), []);
    let refusals = |eve: &mut Visit| eve.asks = (0..3).map(|_| refused(Asked::Create, 0, "quota")).collect();
    assert_eq!(with(2, refusals), [Invariant::ExcessWaits]);
}

#[test]
fn commands_beyond_the_rate_of_an_address_are_found() {
    let mut siege = right();
    // Each of them gets as much as a person may on one connection.
    let of = |user| visit(user, (0..15).map(|_| done(Asked::Say, 0, 0)).collect());
    siege.visitors[2].visits = (10..13).map(of).collect();
    assert_eq!(verdict(siege.clone()), []);
    siege.visitors[2].visits = (10..17).map(of).collect();
    assert_eq!(verdict(siege), [Invariant::ExcessWaits]);
}

#[test]
fn packets_beyond_the_rate_of_a_connection_are_found() {
    let after = |packets_before, millis| {
        move |eve: &mut Visit| {
            eve.asks = vec![Ask { packets_before, ..done(Asked::Request, 0, millis) }];
        }
    };
    assert_eq!(with(2, after(121, 1_000)), []);
    assert_eq!(with(2, after(122, 1_000)), [Invariant::ExcessWaits]);
}

#[test]
fn too_many_control_frames_have_to_end_the_connection() {
    let flood = |ended| {
        move |eve: &mut Visit| {
            (eve.control_frames, eve.ended) = (Some((0, 150)), ended);
        }
    };
    assert_eq!(with(2, flood(Some((SECOND / 10, Ended::Server)))), []);
    assert_eq!(with(2, flood(None)), [Invariant::ExcessWaits]);
}

#[test]
fn more_than_a_quota_is_found() {
    let many = |what: fn(u64) -> Asked, count: u64| {
        with(2, |eve| {
            eve.asks = (0..count).map(|n| done(what(n), 0, u128::from(n) * 1_000)).collect();
        })
    };
    for what in [|_| Asked::Create, Asked::Direct] {
        assert_eq!((many(what, 2), many(what, 3)), (vec![], vec![Invariant::ExcessWaits]));
    }
    assert_eq!(many(|_| Asked::Name, 3), [], "the first is free");
    assert_eq!(many(|_| Asked::Name, 4), [Invariant::ExcessWaits]);
    assert_eq!(many(|_| Asked::Direct(BOB), 9), [], "the same person is met once");
}

#[test]
fn more_than_a_quota_of_an_address_is_found_also_by_several_people() {
    let by_two = |what: fn(u64) -> Asked, counts: [u64; 2]| {
        let mut siege = right();
        let of =
            |user, count| visit(user, (0..count).map(|n| done(what(n), 0, u128::from(n) * 1_000)).collect());
        siege.visitors[2].visits = vec![of(EVE, counts[0]), of(4, counts[1])];
        verdict(siege)
    };
    for what in [|_| Asked::Create, Asked::Direct] {
        assert_eq!(by_two(what, [2, 1]), []);
        assert_eq!(by_two(what, [2, 2]), [Invariant::ExcessWaits]);
    }
    assert_eq!(by_two(|_| Asked::Direct(BOB), [9, 9]), [], "two conversations");
}

#[test]
fn somebody_who_stops_typing_and_is_not_said_to_is_found() {
    assert_eq!(with(1, |bob| bob.typists.truncate(1)), [Invariant::HalfIsFree]);
    assert_eq!(with(1, |bob| bob.typists.clear()), [], "it may be dropped altogether");
}

#[test]
fn a_read_pointer_that_is_lost_is_found() {
    let mut siege = right();
    siege.visitors[0].visits[1].read = 6;
    assert_eq!(verdict(siege), [Invariant::PointersAgree]);
}

#[test]
fn what_is_left_of_people_who_have_gone_is_found() {
    let record = Record { leftovers: vec!["1 connections".into()], ..Record::default() };
    let found: Vec<_> = check(&record, Recoveries::Always).iter().map(|found| found.invariant).collect();
    assert_eq!(found, [Invariant::BudgetsReturn]);
}
