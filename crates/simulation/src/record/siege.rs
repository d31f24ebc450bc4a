//! What happened in a world with limits: what its visitors did, and what they were told.
//!
//! Visitors are those to whom limits apply. What they must notice of each other stands in the [`Terms`].

use std::net::IpAddr;
use std::time::Duration;

use socketio_server::Rate;
use tidings::quotas::Quota;

/// A world with limits.
#[derive(Clone, Debug)]
pub struct Siege {
    /// What the limits promise.
    pub terms: Terms,
    /// All visitors.
    pub visitors: Vec<Visitor>,
    /// When everybody went, in microseconds.
    pub over: u128,
}

/// The limits, as they are documented, and how long something takes for somebody who keeps to half of each.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Commands of one person.
    pub commands: Rate,
    /// Commands of all guests of one address.
    pub commands_network: Rate,
    /// Packets of one connection.
    pub events: Rate,
    /// Control frames of one connection.
    pub control_frames: Rate,
    /// Rooms that one person creates.
    pub rooms: Quota,
    /// The same for all guests of one address.
    pub rooms_network: Quota,
    /// People whom one person meets for the first time.
    pub contacts: Quota,
    /// The same for all guests of one address.
    pub contacts_network: Quota,
    /// Names that one person takes.
    pub renames: Quota,
    /// From one end of a connection to the other and back.
    pub way: Duration,
    /// Until a command is answered.
    pub command: Duration,
    /// Until a read pointer is answered that came with some too many.
    pub read: Duration,
    /// Until a request is answered.
    pub request: Duration,
}

/// Whether a visitor keeps to the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// They use half of each limit at most.
    Polite,
    /// They use as much as they get.
    Hostile,
}

/// Somebody to whom limits apply.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Whether they keep to them.
    pub manner: Manner,
    /// Where they are.
    pub address: IpAddr,
    /// Their connections.
    pub visits: Vec<Visit>,
}

/// One connection.
#[derive(Clone, Debug, Default)]
pub struct Visit {
    /// When it was opened, in microseconds.
    pub opened: u128,
    /// The user, once they are welcome.
    pub user: Option<u64>,
    /// The code with which they were not let in.
    pub refused: Option<String>,
    /// How far they had read the lobby, as the welcome said.
    pub read: u64,
    /// What was sent, in order.
    pub asks: Vec<Ask>,
    /// Who types in the lobby: when it was told, the user, and whether they have stopped.
    pub typists: Vec<(u128, u64, bool)>,
    /// Control frames that were sent at once, and when.
    pub control_frames: Option<(u128, u64)>,
    /// When it ended, and by whom.
    pub ended: Option<(u128, Ended)>,
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The visitor.
    Own,
    /// The server.
    Server,
}

/// Something that a visitor sent and wants an answer to.
#[derive(Clone, Debug)]
pub struct Ask {
    /// What it is.
    pub what: Asked,
    /// When it was sent, in microseconds.
    pub sent: u128,
    /// How many packets were sent before it on the same connection.
    pub packets_before: u64,
    /// When it was answered, and with which code; none if it was carried out.
    pub answer: Option<(u128, Option<String>)>,
}

/// What a visitor asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A message, or the same command again.
    Say,
    /// A room.
    Create,
    /// A conversation with this user.
    Direct(u64),
    /// Another name.
    Name,
    /// A command that they have sent before.
    Repeat,
    /// A request.
    Request,
    /// A read pointer in the lobby.
    Read(u64),
    /// They type in the lobby.
    Typing,
    /// They have stopped.
    TypingStopped,
}

impl Asked {
    /// Whether it is a durable command.
    pub fn is_command(self) -> bool {
        match self {
            Self::Say | Self::Create | Self::Direct(_) | Self::Name | Self::Repeat => true,
            Self::Request | Self::Read(_) | Self::Typing | Self::TypingStopped => false,
        }
    }
}
