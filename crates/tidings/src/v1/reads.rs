//! [`HeldReads`]: read pointers that have come faster than the rate, until it allows them.
//!
//! A pointer moves forward alone, so of several of one person in one room the last says all. It waits here, with its ticket, and
//! those before it are done with it. What waits belongs to a person, not to a connection: so it survives the connection, and
//! coming back does not get around the rate. Knows neither time nor log.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use chat::{ReadPointer, RoomId, Seq, UserId};

use crate::planted::{self, Bug};

/// Pointers of all people that may wait.
const HELD_MAX: usize = 50_000;

/// Pointers that wait, each with a ticket.
#[derive(Debug)]
pub(super) struct HeldReads<T> {
    people: BTreeMap<UserId, Person<T>>,
    count: usize,
    count_max: usize,
}

#[derive(Debug)]
struct Person<T> {
    rooms: BTreeMap<RoomId, (Seq, T)>,
    /// The room whose pointer was sent last: the others come first.
    last: RoomId,
}

/// What becomes of a pointer that is not sent now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Held<T> {
    /// It waits.
    Waits,
    /// One that is as far or further waits. This is the ticket of the other one of the two, which is done with it.
    Supersedes(T),
    /// Too many wait. This is its ticket.
    Full(T),
}

impl<T> Default for HeldReads<T> {
    fn default() -> Self {
        Self { people: BTreeMap::new(), count: 0, count_max: HELD_MAX }
    }
}

impl<T> HeldReads<T> {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Keeps a pointer until it is due.
    pub(super) fn hold(&mut self, pointer: ReadPointer, ticket: T) -> Held<T> {
        let ReadPointer { user, room, seq } = pointer;
        if let Some((held, of_held)) =
            self.people.get_mut(&user).and_then(|person| person.rooms.get_mut(&room))
        {
            if seq < *held || planted::is(Bug::KeepsTheFirstPointer) {
                return Held::Supersedes(ticket);
            }
            *held = seq;
            return Held::Supersedes(std::mem::replace(of_held, ticket));
        }
        if self.count >= self.count_max {
            return Held::Full(ticket);
        }
        let person =
            self.people.entry(user).or_insert_with(|| Person { rooms: BTreeMap::new(), last: RoomId(0) });
        person.rooms.insert(room, (seq, ticket));
        self.count += 1;
        Held::Waits
    }

    /// A pointer is sent past those that wait: the ticket of one that is done with it.
    pub(super) fn pass(&mut self, pointer: ReadPointer) -> Option<T> {
        let ReadPointer { user, room, seq } = pointer;
        let person = self.people.get_mut(&user)?;
        let (held, _) = person.rooms.get(&room)?;
        if *held > seq {
            return None;
        }
        let (_, ticket) = person.rooms.remove(&room)?;
        self.count -= 1;
        if person.rooms.is_empty() {
            self.people.remove(&user);
        }
        Some(ticket)
    }

    /// Takes up to so many pointers of each person, room after room.
    pub(super) fn take(&mut self, of_each: usize) -> Vec<(ReadPointer, T)> {
        let mut taken = Vec::new();
        self.people.retain(|user, person| {
            for _ in 0..of_each {
                let next = person.rooms.range((Excluded(person.last), Unbounded)).next();
                let next = next.or_else(|| person.rooms.iter().next()).map(|(room, _)| *room);
                let Some((room, (seq, ticket))) = next.and_then(|room| person.rooms.remove_entry(&room))
                else {
                    break;
                };
                person.last = room;
                taken.push((ReadPointer { user: *user, room, seq }, ticket));
            }
            !person.rooms.is_empty()
        });
        self.count -= taken.len();
        taken
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ADA: UserId = UserId(1);
    const BOB: UserId = UserId(2);

    fn pointer(user: UserId, room: u64, seq: u64) -> ReadPointer {
        ReadPointer { user, room: RoomId(room), seq: Seq(seq) }
    }

    #[test]
    fn the_last_pointer_of_a_room_waits_and_those_before_it_are_done() {
        let mut held = HeldReads::default();
        assert_eq!(held.hold(pointer(ADA, 7, 1), "one"), Held::Waits);
        assert_eq!(held.hold(pointer(ADA, 7, 2), "two"), Held::Supersedes("one"));
        assert_eq!(held.hold(pointer(ADA, 7, 1), "back"), Held::Supersedes("back"));
        assert_eq!(held.hold(pointer(BOB, 7, 1), "bob's"), Held::Waits);
        assert_eq!(held.take(5), [(pointer(ADA, 7, 2), "two"), (pointer(BOB, 7, 1), "bob's")]);
        assert_eq!((held.take(5), held.people.len()), (Vec::new(), 0));
    }

    #[test]
    fn a_pointer_that_is_sent_takes_an_older_one_along_and_leaves_a_newer_one() {
        let mut held = HeldReads::default();
        held.hold(pointer(ADA, 7, 5), "five");
        assert_eq!(held.pass(pointer(ADA, 7, 4)), None);
        assert_eq!(held.pass(pointer(ADA, 8, 6)), None);
        assert_eq!(held.pass(pointer(BOB, 7, 6)), None);
        assert_eq!(held.pass(pointer(ADA, 7, 6)), Some("five"));
        assert_eq!((held.take(5), held.count), (Vec::new(), 0));
    }

    #[test]
    fn rooms_in_which_somebody_reads_on_do_not_keep_others_waiting() {
        let mut held = HeldReads::default();
        for room in 1..=3 {
            held.hold(pointer(ADA, room, 1), ());
        }
        let mut rooms = Vec::new();
        for seq in 2..6 {
            rooms.extend(held.take(1).into_iter().map(|(pointer, ())| pointer.room.0));
            held.hold(pointer(ADA, 1, seq), ());
        }
        assert_eq!(rooms, [1, 2, 3, 1]);
    }

    #[test]
    fn what_waits_is_bounded_and_what_waits_already_can_still_move() {
        let mut held = HeldReads { count_max: 2, ..HeldReads::default() };
        held.hold(pointer(ADA, 1, 1), 1);
        held.hold(pointer(ADA, 2, 1), 2);
        assert_eq!(held.hold(pointer(BOB, 1, 1), 3), Held::Full(3));
        assert_eq!(held.hold(pointer(ADA, 2, 2), 4), Held::Supersedes(2));
        held.take(1);
        assert_eq!(held.hold(pointer(BOB, 1, 1), 3), Held::Waits);
    }

    proptest! {
        /// However pointers come and go, the furthest of each room is sent in the end, and each ticket is answered once.
        #[test]
        fn no_pointer_is_lost(
            moves in prop::collection::vec((1..3_u64, 1..6_u64, 1..50_u64, 0..4_u8), 0..200),
        ) {
            let mut held = HeldReads::default();
            let (mut sent, mut furthest) = (BTreeMap::new(), BTreeMap::new());
            let (mut answered, mut asked) = (Vec::new(), 0);
            let mut send = |answered: &mut Vec<usize>, pointer: ReadPointer, ticket| {
                let seq = sent.entry((pointer.user, pointer.room)).or_insert(Seq(0));
                *seq = pointer.seq.max(*seq);
                answered.push(ticket);
            };
            for (user, room, seq, what) in moves {
                let pointer = pointer(UserId(user), room, seq);
                if what == 0 {
                    held.take(2).into_iter().for_each(|(pointer, ticket)| send(&mut answered, pointer, ticket));
                    continue;
                }
                let seq = furthest.entry((pointer.user, pointer.room)).or_insert(Seq(0));
                *seq = pointer.seq.max(*seq);
                asked += 1;
                if what == 1 {
                    answered.extend(held.pass(pointer));
                    send(&mut answered, pointer, asked);
                } else if let Held::Supersedes(other) = held.hold(pointer, asked) {
                    answered.push(other);
                }
                prop_assert_eq!(held.count, held.people.values().map(|person| person.rooms.len()).sum::<usize>());
            }
            held.take(usize::MAX).into_iter().for_each(|(pointer, ticket)| send(&mut answered, pointer, ticket));
            answered.sort_unstable();
            prop_assert_eq!(answered, (1..=asked).collect::<Vec<_>>());
            prop_assert_eq!(sent, furthest);
            prop_assert_eq!(held.count, 0);
        }
    }
}
