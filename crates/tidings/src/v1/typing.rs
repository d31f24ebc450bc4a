//! How often "ada is typing" is passed on: once a second per socket, whatever its client does.
//!
//! What comes sooner is dropped, not kept: the next key that is pressed says it again. Has no clock.

use std::time::{Duration, Instant};

use chat::RoomId;

/// The least time between two notices of one socket about one room; of two rooms, a quarter of it.
const INTERVAL: Duration = Duration::from_secs(1);

/// The pace of one socket.
#[derive(Debug, Default)]
pub struct TypingPace {
    last: Option<(RoomId, Instant)>,
}

impl TypingPace {
    /// Whether this one is passed on.
    pub fn admits(&mut self, room: RoomId, now: Instant) -> bool {
        let admitted = match self.last {
            None => true,
            // Somebody who changes the room is seen there soon, and cannot use that to be seen everywhere at once.
            Some((last, at)) if last != room => now.saturating_duration_since(at) >= INTERVAL / 4,
            Some((_, at)) => now.saturating_duration_since(at) >= INTERVAL,
        };
        if admitted {
            self.last = Some((room, now));
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
        assert_eq!(keys.filter(|now| pace.admits(RoomId::LOBBY, *now)).count(), 5);
    }

    #[test]
    fn in_another_room_somebody_is_seen_sooner_but_not_everywhere() {
        let (mut pace, start) = (TypingPace::default(), Instant::now());
        assert!(pace.admits(RoomId::LOBBY, start));
        assert!(!pace.admits(PLANS, start));
        assert!(pace.admits(PLANS, start + INTERVAL / 4));
        assert!(!pace.admits(RoomId::LOBBY, start + INTERVAL / 4));
    }
}
