//! How often "ada is typing" is passed on: once a second per socket, whatever its client does.
//!
//! What comes sooner is dropped, not kept: the next key that is pressed says it again. That somebody has stopped is passed
//! on once for each time that they were said to type. Has no clock.

use std::time::{Duration, Instant};

use chat::RoomId;

use super::names::{TYPING, TYPING_STOPPED};

/// The least time between two notices of one socket about one room; of two rooms, a quarter of it.
const INTERVAL: Duration = Duration::from_secs(1);

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
    last: Option<(RoomId, Instant)>,
    /// The room in which the others see them type, as far as it is known here.
    seen: Option<RoomId>,
}

impl TypingPace {
    /// Whether this one is passed on.
    pub fn admits(&mut self, what: Typing, room: RoomId, now: Instant) -> bool {
        match what {
            Typing::Goes => self.goes(room, now),
            // The pace stays what it was: typing and stopping in turn is no way around it.
            Typing::Stopped => self.seen.take_if(|seen| *seen == room).is_some(),
        }
    }

    fn goes(&mut self, room: RoomId, now: Instant) -> bool {
        let admitted = match self.last {
            None => true,
            // Somebody who changes the room is seen there soon, and cannot use that to be seen everywhere at once.
            Some((last, at)) if last != room => now.saturating_duration_since(at) >= INTERVAL / 4,
            Some((_, at)) => now.saturating_duration_since(at) >= INTERVAL,
        };
        if admitted {
            self.last = Some((room, now));
            self.seen = Some(room);
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
