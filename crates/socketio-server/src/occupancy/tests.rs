//! The bounds of connections that say nothing, and of those that say half of something.

use std::net::IpAddr;
use std::sync::mpsc;

use proptest::prelude::*;

use super::*;
use crate::pacing::Rate;

/// Bounds for so many connections, and so many bytes, if not 0.
fn occupancy(connections: usize, bytes: usize) -> Arc<Occupancy> {
    let bytes = if bytes == 0 { usize::MAX } else { bytes };
    Occupancy::new(Bounds::new(connections, 10, bytes), StrangerBounds::OFF)
}

/// A stay that says its name when it has to leave.
fn named(stay: Stay, name: &'static str, left: &mpsc::SyncSender<(&'static str, Exit)>) -> Stay {
    let left = left.clone();
    stay.on_exit(move |exit| left.send((name, exit)).unwrap());
    stay
}

fn arrive(occupancy: &Arc<Occupancy>, now: Instant) -> Arrival {
    occupancy.arrive(occupancy.accepted(), now)
}

fn admitted(arrival: Arrival) -> (Descriptor, Stay) {
    match arrival {
        Arrival::Admitted(descriptor, stay) => (descriptor, stay),
        Arrival::Overflow(_) => panic!("there is no room"),
    }
}

#[test]
fn a_connection_that_spoke_while_it_was_told_to_leave_stays_and_the_next_one_leaves() {
    let (occupancy, now) = (occupancy(2, 0), Instant::now());
    let (left, gone) = mpsc::sync_channel(100);
    let (_first, mut ada) = admitted(arrive(&occupancy, now));
    let (_second, bob) = admitted(arrive(&occupancy, now));
    let (_third, _cleo) = admitted(arrive(&occupancy, now));
    ada.spoke();
    let _ada = named(ada, "ada", &left);
    let _bob = named(bob, "bob", &left);
    assert_eq!(gone.try_iter().count(), 0, "only ada was told, and she stays");
    assert_eq!(occupancy.leaving.load(Ordering::Relaxed), 0);
    drop(arrive(&occupancy, now));
    assert_eq!(gone.try_iter().collect::<Vec<_>>(), [("bob", Exit::Crowded)]);
}

#[test]
fn the_oldest_connection_that_has_not_joined_leaves_when_there_is_no_descriptor() {
    let (occupancy, now) = (occupancy(3, 0), Instant::now());
    let (left, gone) = mpsc::sync_channel(100);
    let mut descriptors = Vec::new();
    let mut stays = Vec::new();
    for name in ["ada", "bob", "cleo"] {
        let (descriptor, stay) = admitted(arrive(&occupancy, now));
        descriptors.push(descriptor);
        stays.push(named(stay, name, &left));
    }
    stays.iter_mut().for_each(Stay::spoke);
    assert!(stays.remove(0).joined().is_none(), "it holds nothing");
    let (_descriptor, _stay) = admitted(arrive(&occupancy, now));
    assert_eq!(gone.try_iter().collect::<Vec<_>>(), [("bob", Exit::Crowded)]);
}

#[test]
fn so_many_connections_of_one_session_are_no_strangers_and_not_one_more() {
    let (occupancy, now) = (occupancy(1_000, 0), Instant::now());
    let visits = Visits::default();
    let strangers = || {
        let stays = occupancy.stays();
        stays.silent.len() + stays.unjoined.len()
    };
    let mut all: Vec<_> = (0..12)
        .map(|_| {
            let (descriptor, stay) = admitted(arrive(&occupancy, now));
            let visit = Visit::new(stay);
            visit.joined(&visits);
            visit.joined(&visits);
            (descriptor, visit)
        })
        .collect();
    assert_eq!(strangers(), 4);
    all.remove(0);
    for (_, visit) in &all {
        visit.joined(&visits);
    }
    assert_eq!(strangers(), 3, "one has ended, and another takes its place");
    drop(all);
    assert_eq!(strangers(), 0);
}

#[test]
fn silent_connections_leave_before_those_that_have_spoken() {
    let (occupancy, now) = (occupancy(3, 0), Instant::now());
    let (left, gone) = mpsc::sync_channel(100);
    let all = ["ada", "bob", "cleo"].map(|name| {
        let (descriptor, stay) = admitted(arrive(&occupancy, now));
        let mut stay = named(stay, name, &left);
        if name == "ada" {
            stay.spoke();
        }
        (descriptor, stay)
    });
    drop(admitted(arrive(&occupancy, now)));
    assert_eq!(gone.try_iter().collect::<Vec<_>>(), [("bob", Exit::Crowded)]);
    drop(all);
}

#[test]
fn a_connection_beyond_those_that_have_joined_is_turned_away() {
    let (occupancy, now) = (occupancy(1, 0), Instant::now());
    let (descriptor, mut stay) = admitted(arrive(&occupancy, now));
    stay.spoke();
    assert!(stay.joined().is_none());
    assert!(matches!(arrive(&occupancy, now), Arrival::Overflow(..)));
    drop(descriptor);
    assert!(matches!(arrive(&occupancy, now), Arrival::Admitted(..)));
}

/// Connections that were told to leave and have not left, as many as others do not wait for.
fn crowd_that_leaves(occupancy: &Arc<Occupancy>) -> Vec<(Descriptor, Stay)> {
    let now = Instant::now();
    let mut crowd: Vec<_> =
        (0..occupancy.bounds.connections).map(|_| admitted(arrive(occupancy, now))).collect();
    for _ in 0..OVERFLOW_MAX {
        crowd.push(admitted(arrive(occupancy, now)));
    }
    assert_eq!(occupancy.leaving.load(Ordering::Relaxed), OVERFLOW_MAX);
    crowd
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_waits_until_one_has_left_if_many_are_still_leaving() {
    let occupancy = occupancy(20, 0);
    let mut crowd = crowd_that_leaves(&occupancy);
    let descriptor = occupancy.accepted();
    let begin = tokio::time::Instant::now();
    let wait = Duration::from_millis(50);
    let leaves = async {
        tokio::time::sleep(wait).await;
        drop(crowd.remove(0));
    };
    tokio::join!(biased; occupancy.make_room(), leaves);
    let waited = begin.elapsed();
    assert!(
        (wait..wait * 2).contains(&waited),
        "{waited:?}: it waits for the one that leaves, and no longer"
    );
    assert!(matches!(occupancy.arrive(descriptor, Instant::now()), Arrival::Admitted(..)));
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_waits_in_vain_for_a_bounded_time_and_is_turned_away() {
    let occupancy = occupancy(20, 0);
    let crowd = crowd_that_leaves(&occupancy);
    let descriptor = occupancy.accepted();
    let begin = tokio::time::Instant::now();
    occupancy.make_room().await;
    let waited = begin.elapsed();
    assert!((LEAVING_TIME..LEAVING_TIME * 2).contains(&waited), "{waited:?}");
    assert!(matches!(occupancy.arrive(descriptor, Instant::now()), Arrival::Overflow(..)));
    drop(crowd);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_room_if_nobody_is_leaving_or_few_are() {
    let begin = tokio::time::Instant::now();
    let full = occupancy(1, 0);
    let (_descriptor, mut stay) = admitted(arrive(&full, Instant::now()));
    stay.spoke();
    assert!(stay.joined().is_none(), "it holds nothing");
    let beyond = full.accepted();
    full.make_room().await;
    drop(beyond);
    let crowded = occupancy(20, 0);
    let _crowd = crowd_that_leaves(&crowded);
    crowded.make_room().await;
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn room_is_made_by_silent_connections_then_by_those_that_spoke_oldest_first_and_never_by_joined_ones() {
    let (occupancy, now) = (occupancy(6, 0), Instant::now());
    let (left, gone) = mpsc::sync_channel(100);
    let mut all = BTreeMap::new();
    for name in ["joined", "spoke 1", "silent 1", "spoke 2", "silent 2", "joined with half a message"] {
        let (descriptor, stay) = admitted(arrive(&occupancy, now));
        let mut stay = named(stay, name, &left);
        if !name.starts_with("silent") {
            stay.spoke();
        }
        if name.ends_with("half a message") {
            stay.hold(100);
        }
        let stay = if name.starts_with("joined") { stay.joined() } else { Some(stay) };
        all.insert(name, (descriptor, stay));
    }
    let (mut order, mut newcomers) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        let descriptor = occupancy.accepted();
        occupancy.make_room().await;
        let (name, exit) = gone.try_recv().expect("somebody leaves");
        assert_eq!((gone.try_recv().ok(), exit), (None, Exit::Crowded), "one leaves for one that comes");
        all.remove(name);
        order.push(name);
        let (descriptor, mut stay) = admitted(occupancy.arrive(descriptor, now));
        stay.spoke();
        assert!(stay.joined().is_none(), "it joins at once, and holds nothing");
        newcomers.push(descriptor);
    }
    assert_eq!(order, ["silent 1", "silent 2", "spoke 1", "spoke 2"]);
    let beyond = occupancy.accepted();
    occupancy.make_room().await;
    assert_eq!(gone.try_recv().ok(), None, "those that have joined stay");
    assert!(matches!(occupancy.arrive(beyond, now), Arrival::Overflow(..)));
}

#[test]
fn the_oldest_of_those_that_are_turned_away_gives_way_to_the_next() {
    let (occupancy, now) = (occupancy(1, 0), Instant::now());
    let (_descriptor, mut stay) = admitted(arrive(&occupancy, now));
    stay.spoke();
    drop(stay.joined());
    let (left, gone) = mpsc::sync_channel(100);
    let names = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    let arrivals = names.map(|name| match arrive(&occupancy, now) {
        Arrival::Overflow(stay) => named(stay, name, &left),
        Arrival::Admitted(..) => panic!("it is turned away"),
    });
    assert_eq!(arrivals.len() - OVERFLOW_MAX, gone.try_iter().count());
}

#[test]
fn a_crowd_that_has_not_joined_has_a_second() {
    let (occupancy, start) = (occupancy(20, 0), Instant::now());
    let (left, gone) = mpsc::sync_channel(100);
    let names = ["ada", "bob", "cleo", "dan"];
    let mut stays: Vec<Stay> =
        names.iter().map(|name| named(occupancy.stranger(start, 0), name, &left)).collect();
    assert_eq!(gone.try_iter().count(), 0);
    stays.push(occupancy.stranger(start + GRACE, 0));
    let left: Vec<_> = gone.try_iter().map(|(name, _)| name).collect();
    assert_eq!(left, ["ada", "bob", "cleo"], "two may stay");
}

#[test]
fn the_largest_holder_leaves_first_and_small_ones_stay() {
    let (occupancy, now) = (occupancy(100, 1_600), Instant::now());
    let (left, gone) = mpsc::sync_channel(100);
    let hold = |name, bytes| {
        let mut stay = named(occupancy.member(now), name, &left);
        stay.hold(bytes);
        stay
    };
    let _stays = [hold("ada", 300), hold("bob", 900), hold("cleo", 300), hold("dan", 200)];
    assert_eq!(gone.try_iter().collect::<Vec<_>>(), [("bob", Exit::Memory)]);
}

#[test]
fn strangers_leave_before_they_cost_a_member_anything() {
    let (occupancy, now) = (occupancy(100, 1_600), Instant::now());
    let (left, gone) = mpsc::sync_channel(100);
    let mut member = named(occupancy.member(now), "ada", &left);
    member.hold(390);
    let mut strangers = Vec::new();
    for _ in 0..40 {
        strangers.push(named(occupancy.stranger(now, 100), "stranger", &left));
    }
    let left: Vec<_> = gone.try_iter().map(|(name, _)| name).collect();
    assert!(left.len() > 25 && left.iter().all(|name| *name == "stranger"), "{left:?}");
}

#[test]
fn a_part_of_a_connection_that_has_ended_is_told() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let occupancy = occupancy(100, 0);
    let stay = occupancy.member(Instant::now());
    let mut part = stay.another();
    part.hold(10);
    assert_eq!(occupancy.held.load(Ordering::Relaxed), 10);
    drop(stay);
    assert_eq!(occupancy.held.load(Ordering::Relaxed), 0);
    assert_eq!(runtime.block_on(part.told()), Exit::Ended);
}

#[test]
fn a_connection_that_joins_with_half_a_message_counts_among_the_joined() {
    let occupancy = occupancy(100, 0);
    let mut stay = occupancy.stranger(Instant::now(), 1_000);
    stay.hold(7);
    let totals = || [&occupancy.held, &occupancy.held_unjoined].map(|total| total.load(Ordering::Relaxed));
    assert_eq!(totals(), [1_007, 1_007]);
    let stay = stay.joined().unwrap();
    assert_eq!(totals(), [7, 0]);
    drop(stay);
    assert_eq!(totals(), [0, 0]);
}

/// Three connections of an address, and 1,600 bytes.
fn with_strangers() -> Arc<Occupancy> {
    let events = Rate { per_second: 10, burst: 5 };
    let strangers = StrangerBounds { connections_max: 3, input_bytes_max: 1_600, events, vouched_factor: 2 };
    Occupancy::new(Bounds::new(1_000, 10, usize::MAX), strangers)
}

fn network(last: u8) -> Network {
    IpAddr::from([192, 0, 2, last]).into()
}

/// A session from an address that has not joined.
fn session(occupancy: &Arc<Occupancy>, last: u8, now: Instant) -> (Stay, Resident) {
    let resident = occupancy.begin(Some(network(last)), now).unwrap().unwrap();
    let stay = occupancy.stranger(now, 0);
    stay.count_for(Some(&resident));
    (stay, resident)
}

#[test]
fn of_too_many_sessions_of_an_address_the_oldest_one_leaves_that_had_time_to_join() {
    let (occupancy, start) = (with_strangers(), Instant::now());
    let (left, gone) = mpsc::sync_channel(100);
    let mut all = Vec::new();
    for (name, last) in [("far", 2), ("ada", 1), ("bob", 1), ("cleo", 1)] {
        let (stay, resident) = session(&occupancy, last, start);
        all.push((named(stay, name, &left), resident));
    }
    assert_eq!(occupancy.begin(Some(network(1)), start).unwrap_err(), AddressFull);
    assert_eq!(gone.try_iter().count(), 0, "they have a second");
    let now = start + GRACE;
    let _dan = session(&occupancy, 1, now);
    assert_eq!(gone.try_iter().collect::<Vec<_>>(), [("ada", Exit::Crowded)]);
    all.remove(1);
    let (_, bob) = &mut all[1];
    bob.join().unwrap();
    let _eve = session(&occupancy, 1, now);
    assert_eq!(gone.try_iter().count(), 0, "there is room for one in the place of one that has joined");
}

#[test]
fn of_one_address_so_many_join_and_nothing_is_kept_of_an_address_from_which_nobody_is_there() {
    let (occupancy, now) = (with_strangers(), Instant::now());
    let mut joined = Vec::new();
    for _ in 0..3 {
        let (_, mut resident) = session(&occupancy, 1, now);
        resident.join().unwrap();
        joined.push(resident);
    }
    let (stay, mut fourth) = session(&occupancy, 1, now);
    assert_eq!(fourth.join().unwrap_err(), AddressFull);
    session(&occupancy, 2, now).1.join().unwrap();
    joined[0].join().unwrap();
    drop(joined.pop());
    fourth.join().unwrap();
    drop((joined, fourth, stay));
    assert_eq!(occupancy.stats().strange_addresses, 0);
    assert!(occupancy.begin(None, now).unwrap().is_none(), "somebody without an address counts for one");
}

#[test]
fn those_who_are_vouched_for_are_counted_apart_and_in_a_larger_number_until_they_end() {
    let (occupancy, now) = (with_strangers(), Instant::now());
    let join = |vouches: bool| {
        let (_, mut resident) = session(&occupancy, 1, now);
        let joined = if vouches { resident.join_vouched() } else { resident.join() };
        joined.map(|()| resident)
    };
    let mut known: Vec<_> = (0..10).map_while(|_| join(true).ok()).collect();
    assert_eq!(known.len(), 6);
    let strangers: Vec<_> = (0..10).map_while(|_| join(false).ok()).collect();
    assert_eq!(strangers.len(), 3);
    // Joining again, also as somebody else, makes it neither two nor a stranger.
    known[0].join().unwrap();
    known[0].join_vouched().unwrap();
    assert_eq!(known[0].standing(), Standing::Vouched);
    let events = |resident: &Resident| (0..100).take_while(|_| resident.charge(1, now).is_none()).count();
    assert_eq!((events(&known[0]), events(&known[1]), events(&strangers[0])), (10, 0, 5));
    drop(known.pop());
    let mut stranger = strangers.into_iter().next().unwrap();
    stranger.join_vouched().unwrap();
    assert!(join(true).is_err() && join(false).is_ok());
    drop((known, stranger));
    assert_eq!(occupancy.stats().strange_addresses, 0);
}

#[test]
fn the_largest_holder_of_an_address_leaves_first_and_nobody_elsewhere() {
    let (occupancy, now) = (with_strangers(), Instant::now());
    let (left, gone) = mpsc::sync_channel(100);
    let hold = |name, last, bytes| {
        let (stay, mut resident) = session(&occupancy, last, now);
        resident.join().unwrap();
        let mut stay = named(stay, name, &left);
        stay.hold(bytes);
        (stay, resident)
    };
    let far = hold("far", 2, 1_500);
    let mut known = hold("known", 1, 1_500);
    known.0.count_for(None);
    known.0.hold(9_000);
    let near = [hold("ada", 1, 600), hold("bob", 1, 900)];
    assert_eq!(gone.try_iter().count(), 0);
    let cleo = session(&occupancy, 1, now);
    let mut cleo = (named(cleo.0, "cleo", &left), cleo.1);
    cleo.0.hold(200);
    assert_eq!(gone.try_iter().collect::<Vec<_>>(), [("bob", Exit::Memory)]);
    drop((far, known, near, cleo));
    assert_eq!((occupancy.stats().held_bytes, occupancy.stats().strange_addresses), (0, 0));
}

#[test]
fn the_events_of_an_address_are_charged_together_and_half_of_the_rate_for_ever_never_waits() {
    let (occupancy, start) = (with_strangers(), Instant::now());
    let (ada, bob, far) =
        (session(&occupancy, 1, start).1, session(&occupancy, 1, start).1, session(&occupancy, 2, start).1);
    let interval = Duration::from_millis(100);
    assert!((0..1_000).all(|event| ada.charge(1, start + interval * 2 * event).is_none()));
    let now = start + interval * 3_000;
    assert!((0..2).all(|_| ada.charge(1, now).is_none() && bob.charge(1, now).is_none()));
    assert_eq!((bob.charge(2, now), ada.charge(1, now)), (Some(interval), Some(interval * 2)));
    assert_eq!(far.charge(5, now), None);
}

proptest! {
    /// What is counted is what is there, whatever happens, and it stays within the bounds.
    #[test]
    fn the_accounts_are_those_of_the_connections(steps in prop::collection::vec((0..6_u8, 0..8_usize, 0..600_usize), 0..200)) {
        let (occupancy, now) = (occupancy(6, 1_600), Instant::now());
        let mut all: Vec<(Option<Descriptor>, Option<Stay>, Vec<Portion>)> = Vec::new();
        for (step, index, bytes) in steps {
            let index = index.min(all.len().saturating_sub(1));
            match (step, all.get_mut(index)) {
                (0, _) => match arrive(&occupancy, now) {
                    Arrival::Admitted(descriptor, stay) => all.push((Some(descriptor), Some(stay), Vec::new())),
                    Arrival::Overflow(stay) => all.push((None, Some(stay), Vec::new())),
                },
                (1, Some((_, Some(stay), _))) => {
                    stay.spoke();
                    stay.hold(bytes);
                }
                (2, Some((_, stay, _))) => *stay = stay.take().and_then(Stay::joined),
                (3, Some((_, Some(stay), parts))) => {
                    let mut part = stay.another();
                    part.hold(bytes / 2);
                    parts.push(part);
                }
                (4, Some((_, _, parts))) => drop(parts.pop()),
                (5, Some(_)) => drop(all.swap_remove(index)),
                _ => {}
            }
            let stays = occupancy.stays();
            let sum = |group: &BTreeMap<u64, Arc<Entry>>| group.values().map(|entry| entry.held()).sum::<usize>();
            let strangers = sum(&stays.silent) + sum(&stays.unjoined);
            let held = strangers + sum(&stays.joined) + sum(&stays.overflow);
            drop(stays);
            prop_assert_eq!(occupancy.held.load(Ordering::Relaxed), held);
            prop_assert_eq!(occupancy.held_unjoined.load(Ordering::Relaxed), strangers);
            let descriptors = all.iter().filter(|(descriptor, ..)| descriptor.is_some()).count();
            prop_assert_eq!(occupancy.descriptors.load(Ordering::Relaxed), descriptors);
        }
        all.clear();
        prop_assert_eq!(occupancy.leaving.load(Ordering::Relaxed), 0);
        prop_assert_eq!(occupancy.held.load(Ordering::Relaxed), 0);
    }
}
