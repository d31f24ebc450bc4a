//! [`Payer`]: who is charged for what somebody does: the person, and the people of one address.
//!
//! The guests of an address share its limits. Its members share limits of their own, which are wider by a
//! [factor](Widening): an office behind one address does not slow itself down, whatever guests there do, and somebody who has
//! let a crowd in with one invite has not taken the limits off its address.

use chat::{Trust, UserId};
use socketio_server::{Network, Peer, Rate};

/// Who is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payer {
    /// The other end of the connection.
    pub peer: Peer,
    /// The person, with the trust that they have; `None` for clients of the tutorial.
    pub person: Option<(UserId, Trust)>,
}

/// The guests of one network, or its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Neighbours {
    /// An address of IPv4, or a /64 of IPv6.
    pub network: Network,
    /// Which of them.
    pub trust: Trust,
}

/// So many times what the guests of a network may do, its members may do together; 0 times is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Widening(pub usize);

/// A limit that can be so many times as wide. 0 times is no limit.
pub trait Widen {
    /// It, so many times.
    #[must_use]
    fn times(self, factor: usize) -> Self;
}

impl Payer {
    /// How far they are known.
    pub fn trust(&self) -> Trust {
        self.person.map_or(Trust::Guest, |(_, trust)| trust)
    }

    /// Those with whom they share the limits for an address.
    pub fn neighbours(&self) -> Option<Neighbours> {
        let trust = self.trust();
        self.peer.network.map(|network| Neighbours { network, trust })
    }
}

impl Widening {
    /// That of a server that is not told otherwise.
    pub const DEFAULT: Self = Self(10);

    /// What the guests of a network may do together, or its members. `guests` is the limit for guests.
    pub fn of<L: Widen>(self, guests: L, trust: Trust) -> L {
        match trust {
            Trust::Guest => guests,
            Trust::Member => guests.times(self.0),
        }
    }
}

impl Widen for Rate {
    fn times(self, factor: usize) -> Self {
        Self::times(self, factor)
    }
}

impl Default for Widening {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 200, burst: 800 };

    #[test]
    fn members_have_so_many_times_what_guests_have() {
        assert_eq!(Widening(10).of(RATE, Trust::Guest), RATE);
        assert_eq!(Widening(10).of(RATE, Trust::Member), Rate { per_second: 2_000, burst: 8_000 });
    }

    #[test]
    fn a_factor_of_zero_takes_the_limits_of_members_off_and_no_factor_overflows() {
        assert_eq!(Widening(0).of(RATE, Trust::Member), Rate::OFF);
        assert_eq!(Widening(0).of(RATE, Trust::Guest), RATE);
        let most = Rate { per_second: u32::MAX, burst: u32::MAX };
        assert_eq!(Widening(usize::MAX).of(RATE, Trust::Member), most);
    }
}
