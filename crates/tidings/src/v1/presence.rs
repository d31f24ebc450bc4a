//! [`Presence`]: who is online, and the notices about it.
//!
//! A person is online while one of their sockets is open, and for [`GRACE`] after the last one has closed. Changes are
//! gathered into at most one notice per tick, with at most [`NAMES_MAX`] names, so that the return of thousands of people
//! is one small notice. Pure: `now` is an argument, and the owner calls [`Presence::tick`] about once a second. Knows
//! nothing of names, rooms and sockets.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::time::{Duration, Instant};

use chat::UserId;

use crate::planted::{self, Bug};
use crate::rare::{self, Rare};

/// People who are back within this time never count as offline.
pub const GRACE: Duration = Duration::from_secs(2);

/// Names in one notice, at most; beyond that there is only a count.
pub const NAMES_MAX: usize = 100;

/// The people who are online. Bounded by the server's bound of connections.
#[derive(Debug, Default)]
pub struct Presence {
    /// Everybody who is online or was a moment ago, in the order in which they are listed.
    people: BTreeMap<UserId, Connected>,
    /// People whose change may belong into the next notice.
    pending: BTreeSet<UserId>,
    /// How many are told as online.
    told: usize,
}

#[derive(Debug, Default)]
struct Connected {
    sockets: usize,
    /// When the last socket went.
    left: Option<Instant>,
    is_told: bool,
}

/// What has changed since the last notice.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Notice {
    /// People who came online.
    pub online: Vec<UserId>,
    /// People who went offline.
    pub offline: Vec<UserId>,
    /// How many are online now.
    pub count: usize,
    /// Whether the notice names everybody.
    pub named: Named,
}

/// How much of a change a notice names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Named {
    /// All changes.
    #[default]
    All,
    /// The first [`NAMES_MAX`].
    Some,
}

impl Presence {
    /// A socket of `user` has opened.
    pub fn connect(&mut self, user: UserId) {
        let person = self.people.entry(user).or_default();
        person.sockets += 1;
        person.left = None;
        if !person.is_told {
            self.pending.insert(user);
        }
    }

    /// A socket of `user` has closed.
    pub fn disconnect(&mut self, user: UserId, now: Instant) {
        let Some(person) = self.people.get_mut(&user) else { return };
        person.sockets = person.sockets.saturating_sub(1);
        if person.sockets == 0 || planted::is(Bug::CountsOneDevice) {
            person.left = Some(now);
            self.pending.insert(user);
        }
    }

    /// What others are to be told now, if anything.
    pub fn tick(&mut self, now: Instant) -> Option<Notice> {
        let mut notice = Notice::default();
        let mut changes = 0;
        let people = &mut self.people;
        let told = &mut self.told;
        self.pending.retain(|user| {
            let Some(person) = people.get_mut(user) else { return false };
            let names = match person.left {
                // Nothing was ever told of somebody who came and went between two ticks, and nothing is to be told.
                Some(_) if !person.is_told => {
                    rare::reached(Rare::GoneUntold);
                    people.remove(user);
                    return false;
                }
                Some(left) if now.saturating_duration_since(left) < GRACE => return true,
                Some(_) => {
                    people.remove(user);
                    *told -= 1;
                    if planted::is(Bug::TellsNoDeparture) {
                        return false;
                    }
                    &mut notice.offline
                }
                // They came back in time.
                None if person.is_told => {
                    rare::reached(Rare::BackInTime);
                    return false;
                }
                None => {
                    person.is_told = true;
                    *told += 1;
                    &mut notice.online
                }
            };
            changes += 1;
            if changes <= NAMES_MAX {
                names.push(*user);
            }
            false
        });
        notice.count = *told;
        notice.named = if changes > NAMES_MAX { Named::Some } else { Named::All };
        (changes > 0).then_some(notice)
    }

    /// Whether `asker` sees a person as online: what was told, and themselves. Who asks and then applies every later
    /// notice is never wrong for longer than a tick, since nobody is shown whose leaving would not be told.
    pub fn is_online(&self, user: UserId, asker: UserId) -> bool {
        user == asker || self.people.get(&user).is_some_and(|person| person.is_told)
    }

    /// How many are told as online.
    pub fn told(&self) -> usize {
        self.told
    }

    /// How many `asker` sees.
    pub fn count(&self, asker: UserId) -> usize {
        self.told + usize::from(!self.people.get(&asker).is_some_and(|person| person.is_told))
    }

    /// Those whom `asker` sees and who come after `after`, by id.
    pub fn online(&self, after: Option<UserId>, asker: UserId) -> impl Iterator<Item = UserId> + '_ {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let people = self.people.range((from, Bound::Unbounded));
        let is_seen = |person: &Connected| {
            person.is_told && !(planted::is(Bug::ListsBeforeTelling) && person.left.is_some())
        };
        people.filter(move |(user, person)| is_seen(person) || **user == asker).map(|(user, _)| *user)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    impl Presence {
        /// Compares what it counts with its people, and these with the open sockets of each.
        fn audit(&self, sockets: &BTreeMap<u64, usize>) {
            let told = self.people.values().filter(|person| person.is_told).count();
            assert_eq!(self.told, told, "the number of people who are told as online");
            for (user, person) in &self.people {
                assert_eq!(
                    person.sockets,
                    sockets.get(&user.0).copied().unwrap_or_default(),
                    "sockets of {user:?}"
                );
                assert_eq!(person.left.is_none(), person.sockets > 0, "when {user:?} left");
                let is_settled = person.is_told && person.sockets > 0;
                assert!(is_settled || self.pending.contains(user), "{user:?} is forgotten by the ticks");
            }
            let open = sockets.iter().filter(|(_, open)| **open > 0);
            assert!(open.map(|(user, _)| UserId(*user)).all(|user| self.people.contains_key(&user)));
            assert!(self.pending.iter().all(|user| self.people.contains_key(user)), "a change of nobody");
        }
    }

    const ADA: UserId = UserId(1);
    const BOB: UserId = UserId(2);
    const SECOND: Duration = Duration::from_secs(1);

    /// Runs the ticks of `seconds` and counts notices.
    fn run(presence: &mut Presence, start: Instant, seconds: u32) -> Vec<Notice> {
        (1..=seconds).filter_map(|second| presence.tick(start + SECOND * second)).collect()
    }

    #[test]
    fn an_arrival_is_told_once_and_a_departure_within_five_seconds() {
        let (mut presence, start) = (Presence::default(), Instant::now());
        presence.connect(ADA);
        assert!(presence.is_online(ADA, ADA) && !presence.is_online(ADA, BOB));
        let notices = run(&mut presence, start, 3);
        assert_eq!(notices, [Notice { online: vec![ADA], count: 1, ..Notice::default() }]);
        // Right after a tick, which is the worst moment: it is known at the fourth tick at the latest.
        presence.disconnect(ADA, start + SECOND * 3);
        let notices = run(&mut presence, start + SECOND * 3, 4);
        assert_eq!(notices, [Notice { offline: vec![ADA], ..Notice::default() }]);
        assert!(!presence.is_online(ADA, BOB));
        assert!(presence.people.is_empty() && presence.pending.is_empty());
    }

    #[test]
    fn a_reconnect_is_no_notice() {
        let (mut presence, start) = (Presence::default(), Instant::now());
        presence.connect(ADA);
        run(&mut presence, start, 1);
        presence.disconnect(ADA, start + SECOND);
        assert_eq!(presence.tick(start + SECOND * 2), None);
        presence.connect(ADA);
        assert_eq!(run(&mut presence, start + SECOND * 2, 9), []);
    }

    #[test]
    fn a_second_device_is_no_notice_and_keeps_its_person_online() {
        let (mut presence, start) = (Presence::default(), Instant::now());
        presence.connect(ADA);
        presence.connect(ADA);
        run(&mut presence, start, 1);
        presence.disconnect(ADA, start + SECOND);
        assert_eq!(run(&mut presence, start + SECOND, 9), []);
        assert!(presence.is_online(ADA, BOB));
    }

    #[test]
    fn a_visit_between_two_ticks_is_not_told() {
        let (mut presence, start) = (Presence::default(), Instant::now());
        presence.connect(ADA);
        presence.disconnect(ADA, start);
        assert_eq!(presence.online(None, BOB).next(), None, "nobody would be told when they went");
        assert_eq!(run(&mut presence, start, 9), []);
        assert_eq!(presence.count(BOB), 1, "the asker");
    }

    #[test]
    fn a_storm_of_reconnects_is_not_a_storm_of_notices() {
        let (mut presence, start) = (Presence::default(), Instant::now());
        let crowd: Vec<UserId> = (10..10_010).map(UserId).collect();
        for user in &crowd {
            presence.connect(*user);
        }
        assert_eq!(run(&mut presence, start, 1).len(), 1);
        // All are cut at once, and come back within the grace.
        let cut = start + SECOND;
        for user in &crowd {
            presence.disconnect(*user, cut);
        }
        assert_eq!(presence.tick(cut + SECOND), None);
        for user in &crowd {
            presence.connect(*user);
        }
        assert_eq!(run(&mut presence, cut + SECOND, 30), []);
        // It takes them ten seconds: at most one notice per tick, with few names.
        let cut = start + SECOND * 60;
        for user in &crowd {
            presence.disconnect(*user, cut);
        }
        let mut notices = Vec::new();
        for (second, share) in (1..).zip(crowd.chunks(1_000)) {
            notices.extend(presence.tick(cut + SECOND * second));
            for user in share {
                presence.connect(*user);
            }
        }
        notices.extend(presence.tick(cut + SECOND * 11));
        assert!(notices.len() <= 11);
        assert!(notices.iter().all(|notice| notice.online.len() + notice.offline.len() <= NAMES_MAX));
        assert_eq!(notices.last().map(|notice| notice.count), Some(crowd.len()));
    }

    #[test]
    fn the_list_is_paged_by_id() {
        let mut presence = Presence::default();
        presence.connect(BOB);
        presence.connect(ADA);
        assert_eq!(presence.online(None, BOB).collect::<Vec<_>>(), [BOB]);
        presence.tick(Instant::now());
        assert_eq!(presence.online(None, BOB).collect::<Vec<_>>(), [ADA, BOB]);
        assert_eq!(presence.online(Some(ADA), BOB).collect::<Vec<_>>(), [BOB]);
        assert_eq!(presence.online(Some(BOB), BOB).next(), None);
        assert_eq!(presence.count(BOB), 2);
    }

    /// What happens to some of five people, and how much time passes before it.
    #[derive(Clone, Copy, Debug)]
    enum Happening {
        Connects(u64),
        Disconnects(u64),
        Nothing,
    }

    fn happenings() -> impl Strategy<Value = Vec<(u64, Happening)>> {
        let happening = prop_oneof![
            (1..=5_u64).prop_map(Happening::Connects),
            (1..=5_u64).prop_map(Happening::Disconnects),
            Just(Happening::Nothing),
        ];
        prop::collection::vec((0..3_000_u64, happening), 0..60)
    }

    proptest! {
        #[test]
        fn notices_add_up_to_the_truth(happenings in happenings()) {
            let (mut presence, start) = (Presence::default(), Instant::now());
            let mut sockets: BTreeMap<u64, usize> = BTreeMap::new();
            let mut told: BTreeSet<UserId> = BTreeSet::new();
            let (mut passed, mut ticks) = (0, 0);
            // Long enough after the last of them that everything is told.
            let quiet = [(1_000, Happening::Nothing); 6];
            for (pause, happening) in happenings.into_iter().chain(quiet) {
                passed += pause;
                while ticks < passed / 1_000 {
                    ticks += 1;
                    let Some(notice) = presence.tick(start + SECOND * u32::try_from(ticks).unwrap()) else { continue };
                    for user in notice.online {
                        prop_assert!(told.insert(user), "{user:?} came twice");
                    }
                    for user in notice.offline {
                        prop_assert!(told.remove(&user), "{user:?} went without having come");
                    }
                    prop_assert_eq!(notice.count, told.len());
                }
                // Somebody who asks at any time and applies the later notices has the same picture.
                let nobody = UserId(u64::MAX);
                prop_assert_eq!(presence.online(None, nobody).collect::<BTreeSet<_>>(), told.clone());
                let now = start + Duration::from_millis(passed);
                match happening {
                    Happening::Connects(user) => {
                        *sockets.entry(user).or_default() += 1;
                        presence.connect(UserId(user));
                    }
                    Happening::Disconnects(user) => {
                        if let Some(open) = sockets.get_mut(&user).filter(|open| **open > 0) {
                            *open -= 1;
                            presence.disconnect(UserId(user), now);
                        }
                    }
                    Happening::Nothing => {}
                }
                presence.audit(&sockets);
            }
            let connected = sockets.iter().filter(|(_, open)| **open > 0).map(|(user, _)| UserId(*user));
            prop_assert_eq!(told, connected.collect::<BTreeSet<_>>());
            prop_assert!(presence.pending.is_empty());
            // When everybody has gone, nothing is left of them.
            let end = start + Duration::from_millis(passed);
            for (user, open) in &mut sockets {
                for _ in 0..std::mem::take(open) {
                    presence.disconnect(UserId(*user), end);
                }
            }
            presence.audit(&sockets);
            presence.tick(end + SECOND);
            presence.tick(end + SECOND * 3);
            prop_assert_eq!((presence.told, presence.people.len(), presence.pending.len()), (0, 0, 0));
        }
    }
}
