//! Ids and numbers of logs, entries, rooms and senders.
//!
//! Each is a type of its own, so that nobody mistakes a `Seq` for a `Position`. They promise only identity and order;
//! [`Log`](crate::Log) says who assigns them.

use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

macro_rules! counter {
    ($name:ident) => {
        impl $name {
            /// Before the first: nothing bears this number.
            pub const ZERO: Self = Self(0);

            /// The number that follows.
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }
    };
}

number! {
    /// Where an entry stands in its log: 1, 2, 3 … without a gap, in commit order. 0 is before the first.
    Position
}
number! {
    /// A stretch of a log's life between two starts. Not ordered by its number: see [`Epochs`](crate::Epochs).
    Epoch
}
number! {
    /// Numbers the messages of one room and nothing else: what people count and page by.
    ///
    /// Dense, except that a room taken over from another system keeps that system's numbers with their gaps.
    Seq
}
number! {
    /// Numbers every entry of one room without a gap: what clients notice a missing entry by.
    Rev
}
number! {
    /// Numbers the durable commands of one device: 1, 2, 3 … without a gap.
    CommandNumber
}
number! {
    /// A person with an account.
    UserId
}
number! {
    /// A room of any kind: a public or private room, or a direct conversation.
    RoomId
}
number! {
    /// The generation of a room's invites: a new one makes all earlier invites invalid.
    InviteGeneration
}
number! {
    /// A log: the unit of order and of commit.
    LogId
}
counter!(Position);
counter!(Seq);
counter!(Rev);
counter!(CommandNumber);
counter!(InviteGeneration);

impl Position {
    /// After every entry there can be.
    pub const MAX: Self = Self(u64::MAX);
}

impl RoomId {
    /// No conversation: what concerns everybody, such as names, is numbered here. Its audience is the whole server.
    pub const HOUSE: Self = Self(0);

    /// No conversation either: what concerns one person alone is numbered here. Nobody sees it as a room, and neither its
    /// numbers nor this one are ever sent: they would tell how often others sign in. Rooms have lower numbers.
    pub const PERSONAL: Self = Self(1 << 53);

    /// The room of the tutorial profile, and the first that our own page opens.
    pub const LOBBY: Self = Self(1);
}

impl LogId {
    /// The one log of a server that is not told otherwise.
    pub const FIRST: Self = Self(1);
}

/// The scope of a tutorial client's keys: one life of one page.
///
/// It is known to the server and, sealed, to the page that it belongs to; `Debug` shows its beginning only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lineage(pub [u8; 16]);

impl fmt::Debug for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, ..] = self.0;
        write!(f, "Lineage({a:02x}{b:02x}{c:02x}…)")
    }
}
