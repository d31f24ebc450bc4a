//! [`Trust`]: how far the chat knows somebody, which decides how much they may do.
//!
//! Trust follows from the log: a guest becomes a member when somebody whom the chat trusts lets them in, by adding or by
//! inviting them to a private room. Public rooms are open to everybody and prove nothing, and neither does a room that a guest
//! has created: guests cannot make each other members.

/// How far somebody is known, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trust {
    /// They came by themselves.
    Guest,
    /// They own the server, or somebody who is a member has let them into a private room.
    Member,
}

/// A value for each level of trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByTrust<T> {
    /// That of guests.
    pub guest: T,
    /// That of members.
    pub member: T,
}

impl<T: Copy> ByTrust<T> {
    /// The same for everybody.
    pub const fn all(value: T) -> Self {
        Self { guest: value, member: value }
    }

    /// That of one level.
    pub const fn of(self, trust: Trust) -> T {
        match trust {
            Trust::Guest => self.guest,
            Trust::Member => self.member,
        }
    }
}
