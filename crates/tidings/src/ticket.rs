//! [`Ticket`]: whom the outcome of a draft is for, in whatever namespace the draft came in.
//!
//! The appender gives it back with the outcome; the deliveries of the namespaces know what to answer.

use chat::{CommandNumber, UserId};
use socketio_server::{AckHandle, SocketId};
use tokio::sync::oneshot;

use crate::v1::names::CommandName;

/// Whom the outcome of a draft is for.
#[derive(Debug)]
pub enum Ticket {
    /// A client of the tutorial, if it wants an answer.
    Profile(Option<AckHandle>),
    /// A client of `/v1` that has sent a durable command.
    Command {
        /// Which.
        name: CommandName,
        /// Its number.
        n: CommandNumber,
        /// The connection that has the answer for its copy of the entry.
        socket: SocketId,
        /// Where the answer goes.
        ack: Option<AckHandle>,
    },
    /// A client of `/v1` whose read pointer moves.
    Read {
        /// Whose pointer.
        user: UserId,
        /// The connection that knows already.
        socket: SocketId,
        /// Where the answer goes.
        ack: Option<AckHandle>,
    },
    /// The program itself, which is told if it wants to know that the draft is done with.
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
