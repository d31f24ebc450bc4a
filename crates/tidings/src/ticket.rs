//! [`Ticket`]: who gets the outcome of a draft, in whichever namespace it arrived.
//!
//! The appender returns it with the outcome; the delivery of the namespace encodes the answer.

use chat::{CommandNumber, UserId};
use socketio_server::{AckHandle, SocketId};
use tokio::sync::oneshot;

use crate::names::CommandName;

/// The recipient of a draft's outcome.
#[derive(Debug)]
pub enum Ticket {
    /// A client of the tutorial, with an ack if it asked for one.
    Profile(Option<AckHandle>),
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
    /// Where the answer goes.
    pub fn into_ack(self) -> Option<AckHandle> {
        match self {
            Self::Profile(ack) | Self::Command { ack, .. } | Self::Read { ack, .. } => ack,
            Self::Program(_) => None,
        }
    }
}
