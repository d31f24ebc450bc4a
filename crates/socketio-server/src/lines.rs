//! [`Lines`]: those of each address who come faster than a rate stand in a line of their own. New sessions do, and so do
//! encrypted connections before their handshake.
//!
//! A client that connects again and again would make others wait: each new session is cheap, and there is no end of them. A
//! crowd behind one address that comes back after a restart is let in bit by bit. Who shows that the application knows them
//! stands in a line of their own, so that a crowd of strangers at the same address does not keep them out. Time is an argument.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::pacing::{Pace, Rate};
use crate::peer::Network;
use crate::user_tag::UserTag;

/// A handshake that would wait for longer is refused at once.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Lines that are remembered. If there are more, all begin anew.
const LINES_MAX: usize = 1 << 16;

/// What those of each line have used of the rate.
#[derive(Debug)]
pub(crate) struct Lines {
    rate: Rate,
    paces: Mutex<HashMap<Line, Pace>>,
}

/// Who stands in one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Line {
    /// All of an address whom nobody knows.
    Network(Network),
    /// One whom the application knows, wherever they are.
    User(UserTag),
}

/// The line is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

/// A place in a line. It is given back when it is dropped, unless it is [taken](Self::take).
#[derive(Debug)]
pub(crate) struct Place<'a> {
    lines: &'a Lines,
    /// `None` if no rate applies.
    line: Option<Line>,
    wait: Option<Duration>,
}

impl Lines {
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate, paces: Mutex::default() }
    }

    /// Gets in line. `None` is for those to whom no rate applies.
    pub(crate) fn queue(&self, line: Option<Line>, now: Instant) -> Result<Place<'_>, TooMany> {
        let Some(line) = line.filter(|_| self.rate.per_second > 0) else {
            return Ok(Place { lines: self, line: None, wait: None });
        };
        let mut paces = self.paces();
        if paces.len() >= LINES_MAX && !paces.contains_key(&line) {
            paces.retain(|_, pace| pace.is_behind(now));
            // If most of them are behind, looking at all of them again would cost more than they do.
            if paces.len() > LINES_MAX / 2 {
                paces.clear();
            }
        }
        let pace = paces.entry(line).or_default();
        let mut charged = *pace;
        let wait = charged.charge(self.rate, 1, now);
        if wait.is_some_and(|wait| wait > WAIT_MAX) {
            return Err(TooMany);
        }
        *pace = charged;
        Ok(Place { lines: self, line: Some(line), wait })
    }

    /// How long one more would wait in a line.
    pub(crate) fn wait_of(&self, line: Line, now: Instant) -> Duration {
        let mut pace = self.paces().get(&line).copied().unwrap_or_default();
        pace.charge(self.rate, 1, now).unwrap_or_default()
    }

    fn paces(&self) -> MutexGuard<'_, HashMap<Line, Pace>> {
        self.paces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// How long it has to wait.
    pub(crate) fn wait(&self) -> Option<Duration> {
        self.wait
    }

    /// It is its turn.
    pub(crate) fn take(mut self) {
        self.line = None;
    }
}

impl Drop for Place<'_> {
    /// Whoever comes next waits for less.
    fn drop(&mut self) {
        if let Some(line) = self.line
            && let Some(pace) = self.lines.paces().get_mut(&line)
        {
            pace.forgive(self.lines.rate, 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    impl Lines {
        /// Begins a session, if it does not have to wait.
        fn begins_at_once(&self, line: Option<Line>, now: Instant) -> bool {
            match self.queue(line, now) {
                Ok(place) if place.wait.is_none() => {
                    place.take();
                    true
                }
                Ok(_) | Err(TooMany) => false,
            }
        }
    }

    const RATE: Rate = Rate { per_second: 20, burst: 100 };
    const INTERVAL: Duration = Duration::from_millis(50);

    fn network(number: u32) -> Line {
        Line::Network(IpAddr::V4(Ipv4Addr::from_bits(number)).into())
    }

    /// The wait of the next session from an address.
    fn wait(line: &Lines, number: u32, now: Instant) -> Result<Option<Duration>, TooMany> {
        let place = line.queue(Some(network(number)), now)?;
        let wait = place.wait();
        place.take();
        Ok(wait)
    }

    #[test]
    fn a_crowd_comes_in_at_once_then_one_by_one_and_then_not_at_all() {
        let (line, now) = (Lines::new(RATE), Instant::now());
        let all: Vec<_> = (0..400).map(|_| wait(&line, 1, now)).collect();
        assert_eq!(all[..100], [Ok(None); 100]);
        assert_eq!(all[100], Ok(Some(INTERVAL)));
        assert_eq!(all[299], Ok(Some(WAIT_MAX)));
        assert_eq!(all[300..], [Err(TooMany); 100]);
        assert_eq!(wait(&line, 2, now), Ok(None), "others do not wait");
        assert_eq!(wait(&line, 1, now + INTERVAL), Ok(Some(WAIT_MAX)), "a refusal costs nothing");
        assert!(line.begins_at_once(None, now));
    }

    #[test]
    fn a_known_user_does_not_wait_for_the_strangers_of_their_address_and_has_the_same_rate() {
        let (line, now) = (Lines::new(RATE), Instant::now());
        assert!((0..100).all(|_| line.begins_at_once(Some(network(1)), now)));
        let ada = UserTag::new(1).map(Line::User);
        assert!((0..100).all(|_| line.begins_at_once(ada, now)));
        assert!(!line.begins_at_once(ada, now));
        assert!(line.begins_at_once(UserTag::new(2).map(Line::User), now));
    }

    #[test]
    fn how_long_one_would_wait_is_told_without_a_place_being_taken() {
        let (line, now) = (Lines::new(RATE), Instant::now());
        assert_eq!(line.wait_of(network(1), now), Duration::ZERO);
        assert!((0..100).all(|_| line.begins_at_once(Some(network(1)), now)));
        assert_eq!([(); 2].map(|()| line.wait_of(network(1), now)), [INTERVAL; 2]);
        assert_eq!(line.wait_of(network(1), now + INTERVAL), Duration::ZERO);
    }

    #[test]
    fn half_of_the_rate_for_ever_never_waits() {
        let (line, start) = (Lines::new(RATE), Instant::now());
        assert!((0..10_000).all(|number| wait(&line, 1, start + INTERVAL * 2 * number) == Ok(None)));
    }

    #[test]
    fn a_place_that_is_left_makes_the_next_session_wait_for_less() {
        let (line, now) = (Lines::new(RATE), Instant::now());
        assert!((0..100).all(|_| line.begins_at_once(Some(network(1)), now)));
        let places: Vec<_> = (0..200).map(|_| line.queue(Some(network(1)), now).unwrap()).collect();
        assert!(!line.begins_at_once(Some(network(1)), now));
        assert_eq!(line.queue(Some(network(1)), now).unwrap_err(), TooMany);
        drop(places);
        assert_eq!(wait(&line, 1, now), Ok(Some(INTERVAL)));
        assert!(!line.begins_at_once(Some(network(1)), now), "a session that would wait begins at once");
        assert_eq!(wait(&line, 1, now), Ok(Some(INTERVAL * 2)), "a try has used up a place");
    }

    #[test]
    fn a_rate_of_nothing_is_no_limit() {
        let (line, now) = (Lines::new(Rate::OFF), Instant::now());
        assert!((0..10_000).all(|_| line.begins_at_once(Some(network(1)), now)));
        assert!(line.paces().is_empty());
    }

    #[test]
    fn a_bounded_number_of_addresses_is_remembered() {
        let (line, now) = (Lines::new(RATE), Instant::now());
        for number in 0..2 * u32::try_from(LINES_MAX).unwrap() {
            assert!(line.begins_at_once(Some(network(number)), now));
        }
        assert!(line.paces().len() <= LINES_MAX);
    }
}
