//! How often "ada is typing" is passed on: once a second for each socket and room, whatever its client does.
//!
//! Repeats within that time are dropped, because the next key press sends another. "Stopped typing" is passed on once
//! after each "typing", for each room. Time is an argument.

use std::time::{Duration, Instant};

use chat::RoomId;

use crate::names::{TYPING, TYPING_STOPPED};

/// The least time between two notices of one socket about one room; of two rooms, a quarter of it.
const INTERVAL: Duration = Duration::from_secs(1);

/// Rooms that are remembered. Clients show a notice for 5 seconds, and that many rooms take 8 to be typed in.
const ROOMS_MAX: usize = 32;

/// What is told of somebody who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// They press keys.
    Goes,
    /// They have emptied the field.
    Stopped,
}

impl Typing {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Goes, Self::Stopped];

    /// The name on the wire, both ways.
    pub const fn event(self) -> &'static str {
        match self {
            Self::Goes => TYPING,
            Self::Stopped => TYPING_STOPPED,
        }
    }
}

/// The pace of one socket.
#[derive(Debug, Default)]
pub struct TypingPace {
    /// The last notice of each room, the newest at the end.
    notices: Vec<RoomNotice>,
}

#[derive(Debug)]
struct RoomNotice {
    room: RoomId,
    at: Instant,
    /// Whether the others still see them type there, as far as it is known here.
    is_seen: bool,
}

impl TypingPace {
    /// Whether this one is passed on.
    pub fn admits(&mut self, what: Typing, room: RoomId, now: Instant) -> bool {
        match what {
            Typing::Goes => self.goes(room, now),
            Typing::Stopped => self.stopped(room),
        }
    }

    fn goes(&mut self, room: RoomId, now: Instant) -> bool {
        let is_due = |notice: &RoomNotice, wait| now.saturating_duration_since(notice.at) >= wait;
        let here = self.notices.iter().position(|notice| notice.room == room);
        // Somebody who changes the room is seen there soon, and cannot use that to be seen everywhere at once.
        let admitted = self.notices.last().is_none_or(|last| is_due(last, INTERVAL / 4))
            && here.is_none_or(|here| is_due(&self.notices[here], INTERVAL));
        if admitted {
            if let Some(oldest) = here.or((self.notices.len() == ROOMS_MAX).then_some(0)) {
                self.notices.remove(oldest);
            }
            self.notices.push(RoomNotice { room, at: now, is_seen: true });
        }
        admitted
    }

    /// The pace stays what it was: typing and stopping in turn is no way around it.
    fn stopped(&mut self, room: RoomId) -> bool {
        let here = self.notices.iter_mut().find(|notice| notice.room == room);
        here.is_some_and(|notice| std::mem::take(&mut notice.is_seen))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    impl TypingPace {
        /// Compares what is remembered with its bounds.
        fn audit(&self) {
            let mut rooms: Vec<RoomId> = self.notices.iter().map(|notice| notice.room).collect();
            rooms.sort_unstable();
            rooms.dedup();
            assert_eq!(rooms.len(), self.notices.len(), "a room is remembered once");
            assert!(rooms.len() <= ROOMS_MAX);
            assert!(self.notices.is_sorted_by_key(|notice| notice.at), "the newest is at the end");
        }
    }

    const PLANS: RoomId = RoomId(7);

    #[test]
    fn a_key_pressed_every_tenth_of_a_second_is_one_notice_a_second() {
        let (mut pace, start) = (TypingPace::default(), Instant::now());
        let keys = (0..50_u32).map(|tenth| start + Duration::from_millis(100) * tenth);
        assert_eq!(keys.filter(|now| pace.admits(Typing::Goes, RoomId::LOBBY, *now)).count(), 5);
    }

    #[test]
    fn in_another_room_somebody_is_seen_sooner_but_not_everywhere() {
        let (mut pace, start) = (TypingPace::default(), Instant::now());
        assert!(pace.admits(Typing::Goes, RoomId::LOBBY, start));
        assert!(!pace.admits(Typing::Goes, PLANS, start));
        assert!(pace.admits(Typing::Goes, PLANS, start + INTERVAL / 4));
        assert!(!pace.admits(Typing::Goes, RoomId::LOBBY, start + INTERVAL / 4));
    }

    #[test]
    fn two_rooms_in_turn_are_each_told_once_a_second() {
        let (mut pace, start) = (TypingPace::default(), Instant::now());
        let keys = (0..50_u32).map(|tenth| (tenth, start + Duration::from_millis(100) * tenth));
        let rooms = keys.map(|(tenth, now)| (if tenth % 2 == 0 { RoomId::LOBBY } else { PLANS }, now));
        let told: Vec<_> = rooms.filter(|(room, now)| pace.admits(Typing::Goes, *room, *now)).collect();
        assert_eq!(told.iter().filter(|(room, _)| *room == PLANS).count(), 5);
        assert_eq!(told.len(), 10);
    }

    #[test]
    fn somebody_who_stops_in_a_room_after_typing_in_another_is_passed_on_in_each() {
        let (mut pace, start) = (TypingPace::default(), Instant::now());
        assert!(pace.admits(Typing::Goes, RoomId::LOBBY, start));
        assert!(pace.admits(Typing::Goes, PLANS, start + Duration::from_millis(300)));
        for room in [RoomId::LOBBY, PLANS] {
            assert!(pace.admits(Typing::Stopped, room, start + Duration::from_millis(300)));
            assert!(!pace.admits(Typing::Stopped, room, start + Duration::from_millis(300)));
        }
    }

    #[test]
    fn typing_in_ever_new_rooms_does_not_grow_memory() {
        let (mut pace, start) = (TypingPace::default(), Instant::now());
        for room in 0..100_u32 {
            assert!(pace.admits(Typing::Goes, RoomId(room.into()), start + INTERVAL / 4 * room));
        }
        assert_eq!(pace.notices.len(), ROOMS_MAX);
        let stopped = (0..100).filter(|room| pace.admits(Typing::Stopped, RoomId(*room), start));
        assert!(stopped.eq(68..100), "the newest rooms are those that are remembered");
    }

    #[test]
    fn somebody_who_stops_is_passed_on_once_and_only_where_they_were_seen() {
        let (mut pace, start) = (TypingPace::default(), Instant::now());
        assert!(!pace.admits(Typing::Stopped, RoomId::LOBBY, start));
        assert!(pace.admits(Typing::Goes, RoomId::LOBBY, start));
        assert!(!pace.admits(Typing::Stopped, PLANS, start));
        assert!(pace.admits(Typing::Stopped, RoomId::LOBBY, start));
        assert!(!pace.admits(Typing::Stopped, RoomId::LOBBY, start));
    }

    #[test]
    fn typing_and_stopping_in_turn_is_not_passed_on_more_often() {
        let (mut pace, start) = (TypingPace::default(), Instant::now());
        let times = (0..50_u32).map(|tenth| start + Duration::from_millis(100) * tenth);
        let passed = times.flat_map(|now| [(Typing::Goes, now), (Typing::Stopped, now)]);
        assert_eq!(passed.filter(|(what, now)| pace.admits(*what, RoomId::LOBBY, *now)).count(), 10);
    }

    proptest! {
        /// Within so few rooms, nothing is forgotten.
        #[test]
        fn notices_are_what_a_simple_model_says(
            keys in prop::collection::vec((0..5_u64, prop::bool::weighted(0.7), 0..700_u64), 0..200),
        ) {
            let (mut pace, mut now) = (TypingPace::default(), Instant::now());
            let (mut last, mut rooms) = (None, HashMap::new());
            for (room, goes, millis) in keys {
                now += Duration::from_millis(millis);
                let is_over = |at: Option<Instant>, wait| at.is_none_or(|at| now - at >= wait);
                let here: Option<(Instant, bool)> = rooms.get(&room).copied();
                let (what, admitted) = if goes {
                    let is_due = is_over(last, INTERVAL / 4) && is_over(here.map(|(at, _)| at), INTERVAL);
                    if is_due {
                        last = Some(now);
                        rooms.insert(room, (now, true));
                    }
                    (Typing::Goes, is_due)
                } else {
                    rooms.entry(room).and_modify(|(_, is_seen)| *is_seen = false);
                    (Typing::Stopped, here.is_some_and(|(_, is_seen)| is_seen))
                };
                prop_assert_eq!(pace.admits(what, RoomId(room), now), admitted);
                pace.audit();
                prop_assert_eq!(pace.notices.len(), rooms.len());
            }
        }
    }
}
