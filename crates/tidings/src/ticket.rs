//! [`Ticket`]: who gets the outcome of a draft, in whichever namespace it arrived.
//!
//! The appender returns it with the outcome; the delivery of the namespace encodes the answer.

use chat::{CommandNumber, UserId};
use socketio_server::{AckHandle, SocketId};
use tokio::sync::oneshot;

use crate::names::CommandName;
use crate::quotas::Charge;

/// The recipient of a draft's outcome.
#[derive(Debug)]
pub enum Ticket {
    /// A client of the tutorial.
    Profile {
        /// The ack, if the client asked for one.
        ack: Option<AckHandle>,
        /// What the message was charged with, if anything.
        charge: Option<Charge>,
    },
    /// A client of `/v1` that sent a durable command.
    Command {
        /// The name of the command.
        name: CommandName,
        /// The number of the command.
        n: CommandNumber,
        /// The connection whose copy of the entry is the answer.
        socket: SocketId,
        /// The ack, if the client asked for one.
        ack: Option<AckHandle>,
        /// What the command was charged with, if anything.
        charge: Option<Charge>,
    },
    /// A client of `/v1` that moved its read pointer.
    Read {
        /// The person whose pointer it is.
        user: UserId,
        /// The connection that moved it, and need not be told.
        socket: SocketId,
        /// The ack, if the client asked for one.
        ack: Option<AckHandle>,
    },
    /// The program itself. It may wait until the draft is stored or refused.
    Program(Option<oneshot::Sender<()>>),
}

impl Ticket {
    /// What the command was charged with.
    pub(crate) fn take_charge(&mut self) -> Option<Charge> {
        match self {
            Self::Command { charge, .. } => charge.take(),
            Self::Profile { .. } | Self::Read { .. } | Self::Program(_) => None,
        }
    }

    /// Where the answer goes.
    pub fn into_ack(self) -> Option<AckHandle> {
        match self {
            Self::Profile { ack, .. } | Self::Command { ack, .. } | Self::Read { ack, .. } => ack,
            Self::Program(_) => None,
        }
    }
}
