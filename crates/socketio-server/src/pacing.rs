//! [`Pacing`]: how fast one connection may send. [`Pace`] is what one connection has used of a rate.
//!
//! Two bounds work together. In one turn of a worker, a connection is served for a limited number of packets, then the
//! others are. Over a longer time, a connection that sends more than the rate is read later: nothing is refused, and
//! everything is done in order. Control frames beyond their rate close the connection, because no honest client sends
//! so many. Time is an argument.

use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Bytes that cost as much as one more packet.
const BYTES_PER_COST: usize = 4096;

/// A CONNECT runs middleware, and enters and leaves rooms.
pub(crate) const CONNECT_COST: u32 = 10;

/// How fast one connection may send, and what happens beyond that.
///
/// ```
/// use socketio_server::{Pacing, Rate};
///
/// let pacing = Pacing { events: Rate { per_second: 50, burst: 100 }, ..Pacing::default() };
/// assert_eq!(pacing.control_frames, Rate { per_second: 50, burst: 200 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pacing {
    /// Packets of one connection that a worker handles in one turn, at least 1. If there are more, the other connections
    /// that are ready come first. Default 64.
    pub turn_packets_max: usize,
    /// Events, and all other packets but control frames and answers that the server has asked for. A packet of more than
    /// 4 kB counts as several, and a CONNECT as ten. A connection beyond this is not read for a while. Default 500 a
    /// second, 2,000 at once.
    pub events: Rate,
    /// Pings and pongs of WebSocket, and packets of Engine.IO without a message. A connection beyond this is closed: a
    /// WebSocket with code 1008, a polling client with a close packet. Pongs that answer a ping of the server do not count; those
    /// of polling clients count as events.
    /// Default 50 a second, 200 at once.
    pub control_frames: Rate,
    /// New sessions from one address, which is one /64 of IPv6. A handshake beyond this is answered later; one that would
    /// wait for more than 10 s is refused with 503. A user whom [`Builder::recognize`](crate::Builder::recognize) knows has
    /// this rate alone. Default 20 a second, 100 at once.
    pub sessions: Rate,
    /// Handshakes of encrypted connections from one address. One beyond this comes later; if it would wait for more than 10 s,
    /// its connection is closed. It does not apply to trusted proxies. Default 40 a second, 200 at once.
    pub handshakes: Rate,
    /// Requests of one HTTP connection; 16 kB of an answer count as one more. A request beyond this is answered later. It
    /// does not apply to trusted proxies, whose connections carry the requests of many. Default 100 a second, 500 at once.
    pub requests: Rate,
    /// Whether the rates of events, of sessions and of requests apply to clients on loopback too. Default false, so that tests and bots on
    /// the same machine are not slowed down. The other bounds always apply.
    pub loopback: bool,
}

/// So many a second, and so many at once after a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many a second; 0 switches the limit off.
    pub per_second: u32,
    /// How many at once after a rest.
    pub burst: u32,
}

impl Default for Pacing {
    fn default() -> Self {
        Self {
            turn_packets_max: 64,
            events: Rate { per_second: 500, burst: 2_000 },
            control_frames: Rate { per_second: 50, burst: 200 },
            sessions: Rate { per_second: 20, burst: 100 },
            handshakes: Rate { per_second: 40, burst: 200 },
            requests: Rate { per_second: 100, burst: 500 },
            loopback: false,
        }
    }
}

impl Pacing {
    /// Packets of one connection in a turn.
    pub(crate) fn turn_packets(self) -> usize {
        self.turn_packets_max.max(1)
    }

    /// Whether rates apply to a client with this address.
    pub(crate) fn applies_to(self, address: Option<IpAddr>) -> bool {
        self.loopback || !address.is_some_and(|address| address.to_canonical().is_loopback())
    }
}

impl Rate {
    /// No limit.
    pub const OFF: Self = Self { per_second: 0, burst: 0 };

    /// A rate so many times as fast. One of 0 times is no limit.
    #[must_use]
    pub fn times(self, factor: usize) -> Self {
        let factor = u32::try_from(factor).unwrap_or(u32::MAX);
        Self { per_second: self.per_second.saturating_mul(factor), burst: self.burst.saturating_mul(factor) }
    }

    /// The time in which all of `count` are allowed.
    pub fn time_of(self, count: u64) -> Duration {
        Duration::from_micros(count.saturating_mul(1_000_000) / u64::from(self.per_second.max(1)))
    }

    /// How long somebody has to wait who has used so much time of the rate, beyond what is allowed at once.
    pub fn wait(self, used: Duration) -> Option<Duration> {
        let wait = used.saturating_sub(self.time_of(u64::from(self.burst)));
        (self.per_second > 0 && !wait.is_zero()).then_some(wait)
    }
}

/// What an event of so many bytes costs.
pub(crate) fn cost_of(bytes: usize) -> u32 {
    u32::try_from(bytes / BYTES_PER_COST).unwrap_or(u32::MAX).saturating_add(1)
}

/// What one connection has used of its rates.
#[derive(Debug)]
pub(crate) struct Paces {
    /// Whether the rate of events applies.
    pub(crate) rated: bool,
    pub(crate) events: Pace,
    pub(crate) control_frames: Pace,
}

impl Paces {
    pub(crate) fn new(rated: bool) -> Self {
        Self { rated, events: Pace::default(), control_frames: Pace::default() }
    }
}

/// What has been used of one rate.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    /// When all that was sent would have been done at the rate.
    done_at: Option<Instant>,
}

impl Pace {
    /// Charges for something. Returns how long it was too early, if it was.
    pub(crate) fn charge(&mut self, rate: Rate, cost: u32, now: Instant) -> Option<Duration> {
        if rate.per_second == 0 {
            return None;
        }
        let begun = self.done_at.map_or(now, |done_at| done_at.max(now));
        let done_at = begun.checked_add(rate.time_of(u64::from(cost))).unwrap_or(begun);
        self.done_at = Some(done_at);
        rate.wait(done_at.saturating_duration_since(now))
    }

    /// Takes back a charge.
    pub(crate) fn forgive(&mut self, rate: Rate, cost: u32) {
        self.done_at = self.done_at.and_then(|done_at| done_at.checked_sub(rate.time_of(u64::from(cost))));
    }

    /// Whether more was sent than the rate would have allowed without a burst.
    pub(crate) fn is_behind(self, now: Instant) -> bool {
        self.done_at.is_some_and(|done_at| done_at > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: Rate = Rate { per_second: 500, burst: 2_000 };
    const INTERVAL: Duration = Duration::from_millis(2);

    #[test]
    fn a_burst_passes_and_what_is_beyond_waits_for_its_turn() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert!((0..2_000).all(|_| pace.charge(EVENTS, 1, now).is_none()));
        assert_eq!(pace.charge(EVENTS, 1, now), Some(INTERVAL));
        assert_eq!(pace.charge(EVENTS, 1, now), Some(INTERVAL * 2));
        assert_eq!(pace.charge(EVENTS, 1, now + INTERVAL * 3), None);
    }

    #[test]
    fn a_client_that_keeps_to_the_rate_never_waits() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        assert!((0..20_000).all(|event| pace.charge(EVENTS, 1, start + INTERVAL * event).is_none()));
    }

    #[test]
    fn a_large_event_costs_as_much_as_several() {
        let costs = [0, 100, 4_095, 4_096, 16_384, 1 << 20].map(cost_of);
        assert_eq!(costs, [1, 1, 1, 2, 5, 257]);
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert!((0..400).all(|_| pace.charge(EVENTS, cost_of(16_384), now).is_none()));
        assert!(pace.charge(EVENTS, cost_of(16_384), now).is_some());
    }

    #[test]
    fn a_rest_is_not_saved_up_beyond_a_burst() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        pace.charge(EVENTS, 1, start);
        let later = start + Duration::from_secs(3_600);
        assert!((0..2_000).all(|_| pace.charge(EVENTS, 1, later).is_none()));
        assert!(pace.charge(EVENTS, 1, later).is_some());
    }

    #[test]
    fn a_rate_of_nothing_is_no_limit_and_an_absurd_one_does_not_panic() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        let off = Rate { per_second: 0, burst: 0 };
        assert!((0..10_000).all(|_| pace.charge(off, u32::MAX, now).is_none()));
        let absurd = Rate { per_second: 1, burst: u32::MAX };
        assert!((0..10_000).any(|_| pace.charge(absurd, u32::MAX, now).is_some()));
    }

    #[test]
    fn rates_apply_to_a_client_on_loopback_only_if_asked_for() {
        let addresses =
            ["127.0.0.1", "::1", "::ffff:127.0.0.1", "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"];
        let addresses = addresses.map(|address| Some(address.parse().expect("an address")));
        let pacing = Pacing::default();
        assert_eq!(
            addresses.map(|address| pacing.applies_to(address)),
            [false, false, false, true, true, true]
        );
        assert!(pacing.applies_to(None), "a client without an address counts as remote");
        let strict = Pacing { loopback: true, ..pacing };
        assert!(addresses.iter().all(|address| strict.applies_to(*address)));
    }
}
