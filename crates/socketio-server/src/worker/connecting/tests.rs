//! Joining, step by step, without a socket: each test reports events to the machine and compares the actions.

use std::num::NonZeroU64;

use socketio::{Lineage, Offset, PrivateId, SocketId};

use super::*;
use crate::room::{Room, Selection};

const LIMITS: MissedMax = MissedMax { entries: 3, bytes: 1_000 };
const OVER_A_LOG: Terms =
    Terms::Feed { resume: Resume::Recovery, has_history: true, is_shared: false, missed_max: LIMITS };
const IN_MEMORY: Terms =
    Terms::Feed { resume: Resume::Recovery, has_history: false, is_shared: false, missed_max: LIMITS };
const BY_CURSOR: Terms =
    Terms::Feed { resume: Resume::Cursor, has_history: true, is_shared: false, missed_max: LIMITS };
const OVER_A_SHARED_LOG: Terms =
    Terms::Feed { resume: Resume::Recovery, has_history: true, is_shared: true, missed_max: LIMITS };

fn ada() -> SocketId {
    SocketId::from_bytes([1; 15])
}

fn fresh() -> SocketId {
    SocketId::from_bytes([2; 15])
}

/// A claim of ada's socket by a user who has seen everything up to a position.
fn claim(user: u64, position: Option<u64>) -> Claim {
    let offset = Offset { log: 1, epoch: 1, position: position.unwrap_or_default() };
    let user = NonZeroU64::new(user);
    let id = PrivateId { socket: ada(), lineage: Lineage::from_bytes([7; 16]), user, offset };
    let seen = position.map_or(CursorAt::Foreign, |position| CursorAt::Known(position.into()));
    Claim { pid: "pid".into(), user: user.map(UserTag::from), id, seen }
}

/// A socket that has been in room `r` from the beginning.
fn parked() -> Event {
    Event::Remembered(Some(Parked {
        rooms: vec![(Room::from("r"), FeedPosition::START)],
        data: SocketData::default(),
    }))
}

/// Entries from a position on: for everybody, for room `r`, or for a room that nobody was in.
fn entries(audiences: &str) -> Vec<FeedEntry> {
    let audience = |name| match name {
        '*' => Selection::everyone(),
        'r' => Selection::room("r"),
        _ => Selection::room("elsewhere"),
    };
    audiences.chars().map(|name| FeedEntry::new(audience(name), Frame::text("2[]"))).collect()
}

fn gathered(after: u64, audiences: &str, applied: u64) -> Event {
    Event::Gathered {
        page: Some(FeedPosition::new(after + 1).onward().zip(entries(audiences)).collect()),
        applied: applied.into(),
    }
}

fn lapped() -> Event {
    Event::Gathered { page: None, applied: 100.into() }
}

fn page(after: u64, audiences: &str) -> Event {
    Event::Read(Ok(HistoryPage { after: after.into(), entries: entries(audiences) }))
}

fn asked(start: Start, past: Past) -> Event {
    Event::Asked { socket: fresh(), join: FeedJoin { start, ..FeedJoin::default() }, past }
}

fn in_words(action: &Action) -> String {
    match action {
        Action::Wait => "wait".into(),
        Action::Evict(socket) => {
            assert_eq!(*socket, ada());
            "evict".into()
        }
        Action::Decide => "decide".into(),
        Action::Remember(socket) => {
            assert_eq!(*socket, ada());
            "remember".into()
        }
        Action::Gather { after } => format!("gather {after}"),
        Action::Read { from, entries_max, .. } => format!("read {entries_max} {from:?}"),
        Action::Ask { .. } => "ask".into(),
        Action::Locate { anchor } => format!("locate {anchor:?}"),
        Action::Await(place) => format!("await {place:?}"),
        Action::Arrive(Arrival::Plain) => "arrive".into(),
        Action::Arrive(Arrival::Anew { start, lineage, .. }) => {
            let lineage = if lineage.is_some() { ", of a known lineage" } else { "" };
            format!("arrive {start:?}{lineage}")
        }
        Action::Arrive(Arrival::Recovered { missed, .. }) => {
            format!("recover {} up to {}", missed.frames.len(), missed.after)
        }
        Action::Close => "close".into(),
    }
}

fn check(terms: Terms, claim: Option<Claim>, events: Vec<Event>, expected: &[&str]) {
    let (mut connecting, first) = Connecting::begin(terms, claim);
    let mut actions = vec![in_words(&first)];
    actions.extend(events.into_iter().map(|event| in_words(&connecting.on(event))));
    assert_eq!(actions, expected);
}

fn nobody() -> Event {
    decided(0)
}

fn decided(user: u64) -> Event {
    Event::Decided { user: UserTag::new(user) }
}

#[test]
fn without_a_feed_middleware_is_all_there_is() {
    check(Terms::NoFeed, None, vec![nobody()], &["decide", "arrive"]);
}

#[test]
fn a_newcomer_starts_where_the_application_says() {
    for (start, expected) in [(Start::Now, "arrive Now"), (Start::After(5.into()), "arrive After(5)")] {
        check(OVER_A_LOG, None, vec![nobody(), asked(start, Past::Shared)], &["decide", "ask", expected]);
    }
}

#[test]
fn a_claim_evicts_its_ghost_before_middleware_runs() {
    check(
        IN_MEMORY,
        Some(claim(0, Some(5))),
        vec![Event::Evicted, nobody(), parked(), gathered(5, "*rx", 8)],
        &["evict", "decide", "remember", "gather 5", "recover 2 up to 8"],
    );
}

#[test]
fn the_claim_of_a_user_evicts_nobody_until_middleware_has_named_the_user() {
    check(
        OVER_A_LOG,
        Some(claim(9, Some(5))),
        vec![decided(9), Event::Evicted, parked(), gathered(5, "", 5)],
        &["decide", "evict", "remember", "gather 5", "recover 0 up to 5"],
    );
}

#[test]
fn the_claim_of_another_user_evicts_nobody_and_gives_nothing() {
    for (owner, user) in [(9, 8), (9, 0)] {
        check(
            OVER_A_LOG,
            Some(claim(owner, Some(5))),
            vec![decided(user), asked(Start::Now, Past::Shared)],
            &["decide", "ask", "arrive Now"],
        );
    }
    check(
        OVER_A_LOG,
        Some(claim(0, Some(5))),
        vec![Event::Evicted, decided(8), asked(Start::Now, Past::Shared)],
        &["evict", "decide", "ask", "arrive Now"],
    );
}

#[test]
fn a_claim_without_a_place_keeps_its_lineage_alone() {
    for (position, remembered) in [(None, parked()), (Some(5), Event::Remembered(None))] {
        check(
            IN_MEMORY,
            Some(claim(0, position)),
            vec![Event::Evicted, nobody(), remembered, asked(Start::Now, Past::Shared)],
            &["evict", "decide", "remember", "ask", "arrive Now, of a known lineage"],
        );
    }
}

#[test]
fn what_the_ring_has_no_more_is_read_from_the_history_page_by_page() {
    check(
        OVER_A_LOG,
        Some(claim(0, Some(5))),
        vec![
            Event::Evicted,
            nobody(),
            parked(),
            lapped(),
            page(5, "*x"),
            lapped(),
            page(7, "r"),
            gathered(8, "x", 9),
        ],
        &[
            "evict",
            "decide",
            "remember",
            "gather 5",
            "read 4 After(5)",
            "gather 7",
            "read 4 After(7)",
            "gather 8",
            "recover 2 up to 9",
        ],
    );
}

#[test]
fn a_socket_that_missed_too_much_replays() {
    let begin = || vec![Event::Evicted, nobody(), parked()];
    let so_far = ["evict", "decide", "remember", "gather 5"];
    let cases = [
        (IN_MEMORY, gathered(5, "****", 9)),
        // The page has ended at its bound, before everything that was delivered.
        (IN_MEMORY, gathered(5, "*", 9)),
        (IN_MEMORY, lapped()),
        (OVER_A_LOG, gathered(5, &"x".repeat(128), 133)),
    ];
    for (terms, event) in cases {
        let mut events = begin();
        events.extend([event, asked(Start::Now, Past::Shared)]);
        let mut expected = so_far.to_vec();
        expected.extend(["ask", "arrive Now, of a known lineage"]);
        check(terms, Some(claim(0, Some(5))), events, &expected);
    }
    let mut events = begin();
    events.extend([lapped(), page(5, "****"), lapped()]);
    let mut expected = so_far.to_vec();
    expected.extend(["read 4 After(5)", "gather 9", "ask"]);
    check(OVER_A_LOG, Some(claim(0, Some(5))), events, &expected);
}

#[test]
fn a_page_that_does_not_fit_closes_the_connection() {
    for read in [page(6, "*"), page(5, ""), Event::Read(Err(HistoryError))] {
        check(
            OVER_A_LOG,
            Some(claim(0, Some(5))),
            vec![Event::Evicted, nobody(), parked(), lapped(), read],
            &["evict", "decide", "remember", "gather 5", "read 4 After(5)", "close"],
        );
    }
}

#[test]
fn an_anchor_is_looked_for_in_the_ring_and_then_in_the_history() {
    let anchor = || vec![nobody(), asked(Start::Anchor(3.into()), Past::Shared)];
    let cases = [
        (BY_CURSOR, vec![Event::Located(Some(12.into()))], vec!["arrive After(12)"]),
        (BY_CURSOR, vec![Event::Located(None), page(11, "*")], vec!["read 1 Anchor(3)", "arrive After(11)"]),
        (
            BY_CURSOR,
            vec![Event::Located(None), Event::Read(Err(HistoryError))],
            vec!["read 1 Anchor(3)", "close"],
        ),
        (IN_MEMORY, vec![Event::Located(None)], vec!["arrive Now"]),
    ];
    for (terms, rest, then) in cases {
        let mut events = anchor();
        events.extend(rest);
        let mut expected = vec!["decide", "ask", "locate 3"];
        expected.extend(then);
        check(terms, None, events, &expected);
    }
}

#[test]
fn a_client_of_another_past_starts_at_the_beginning() {
    let cases = [
        (OVER_A_LOG, Start::After(5.into()), "arrive After(0)"),
        (OVER_A_LOG, Start::Anchor(5.into()), "arrive After(0)"),
        (OVER_A_LOG, Start::Now, "arrive Now"),
        (IN_MEMORY, Start::After(5.into()), "arrive After(5)"),
        (BY_CURSOR, Start::After(5.into()), "arrive After(5)"),
    ];
    for (terms, start, expected) in cases {
        check(terms, None, vec![nobody(), asked(start, Past::Other)], &["decide", "ask", expected]);
    }
}

/// A claim of ada's socket by a client that has seen everything up to position 9 on another node.
fn claim_ahead(user: u64) -> Claim {
    Claim { seen: CursorAt::Ahead(9.into()), ..claim(user, None) }
}

#[test]
fn a_client_that_another_node_has_shown_more_is_recovered_when_the_feed_has_it() {
    check(
        OVER_A_SHARED_LOG,
        Some(claim_ahead(0)),
        vec![Event::Evicted, nobody(), Event::Reached, parked(), gathered(9, "*r", 11)],
        &["evict", "decide", "await Position(9)", "remember", "gather 9", "recover 2 up to 11"],
    );
    check(
        OVER_A_SHARED_LOG,
        Some(claim_ahead(7)),
        vec![decided(7), Event::Evicted, Event::Reached, parked(), gathered(9, "", 9)],
        &["decide", "evict", "await Position(9)", "remember", "gather 9", "recover 0 up to 9"],
    );
}

#[test]
fn a_stranger_waits_for_nothing() {
    check(
        OVER_A_SHARED_LOG,
        Some(claim_ahead(7)),
        vec![decided(8), asked(Start::Now, Past::Ahead(9.into()))],
        &["decide", "ask", "arrive Now"],
    );
}

#[test]
fn a_client_without_its_socket_waits_for_what_it_has_seen_and_is_asked_about_anew() {
    for start in [Start::After(5.into()), Start::Anchor(5.into())] {
        let mut expected = vec!["decide", "ask", "await Position(9)", "ask"];
        let (then, rest) = match start {
            Start::After(_) => (vec!["arrive After(5)"], vec![]),
            _ => (vec!["await Anchor(5)", "locate 5"], vec![Event::Reached]),
        };
        expected.extend(then);
        let mut events =
            vec![nobody(), asked(start, Past::Ahead(9.into())), Event::Reached, asked(start, Past::Shared)];
        events.extend(rest);
        check(OVER_A_SHARED_LOG, None, events, &expected);
    }
    check(
        BY_CURSOR,
        None,
        vec![
            nobody(),
            asked(Start::Ahead(9.into()), Past::Shared),
            Event::Reached,
            asked(Start::After(9.into()), Past::Shared),
        ],
        &["decide", "ask", "await Position(9)", "ask", "arrive After(9)"],
    );
}

#[test]
fn a_client_that_has_waited_in_vain_is_sent_away_and_never_taken_back() {
    check(
        OVER_A_SHARED_LOG,
        Some(claim_ahead(0)),
        vec![Event::Evicted, nobody(), Event::OutOfReach, Event::Reached],
        &["evict", "decide", "await Position(9)", "close", "wait"],
    );
    for (terms, start, past) in [
        (OVER_A_SHARED_LOG, Start::After(5.into()), Past::Ahead(9.into())),
        (BY_CURSOR, Start::Ahead(9.into()), Past::Shared),
    ] {
        let events = vec![nobody(), asked(start, past), Event::OutOfReach];
        check(terms, None, events, &["decide", "ask", "await Position(9)", "close"]);
    }
}

#[test]
fn a_number_without_an_epoch_is_waited_for_and_then_taken_for_the_last_one() {
    for event in [Event::Reached, Event::OutOfReach] {
        check(
            OVER_A_SHARED_LOG,
            None,
            vec![
                nobody(),
                asked(Start::Anchor(3.into()), Past::Shared),
                event,
                Event::Located(Some(12.into())),
            ],
            &["decide", "ask", "await Anchor(3)", "locate 3", "arrive After(12)"],
        );
    }
}

#[test]
fn an_event_that_nobody_waits_for_changes_nothing() {
    check(
        IN_MEMORY,
        Some(claim(0, Some(5))),
        vec![
            nobody(),
            page(5, "*"),
            Event::Evicted,
            Event::Evicted,
            nobody(),
            nobody(),
            parked(),
            parked(),
            gathered(5, "*", 6),
            nobody(),
        ],
        &[
            "evict",
            "wait",
            "wait",
            "decide",
            "wait",
            "remember",
            "wait",
            "gather 5",
            "wait",
            "recover 1 up to 6",
            "wait",
        ],
    );
}
