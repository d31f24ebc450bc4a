//! [`RemoteSocket`]: a socket as returned by [`Target::fetch`], with the operations that are possible from anywhere.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use socketio::{NamespaceName, Payload, SocketId};

use crate::handle::ack::AckError;
use crate::handle::command::Closing;
use crate::handle::io::{EmitError, Io, Target};
use crate::handshake::Handshake;
use crate::room::Room;
use crate::socket_data::SocketData;

/// A socket, described at the moment when its worker answered.
///
/// Operations apply to the socket with this id. If it has left, nothing happens.
///
/// ```
/// # use socketio_server::{Closing, Io};
/// /// Sends everybody home who plays as this person.
/// async fn send_home(io: &Io, person: u64) {
///     for socket in io.root().to("game").fetch().await {
///         if socket.data.find::<u64>().as_deref() == Some(&person) {
///             let _ = socket.emit("sent home", &());
///             let _ = socket.disconnect(Closing::Connection);
///         }
///     }
/// }
/// ```
#[derive(Clone)]
pub struct RemoteSocket {
    /// The public id of the socket.
    pub id: SocketId,
    /// Its rooms, without its own one.
    pub rooms: Vec<Room>,
    /// The data that the application keeps with it.
    pub data: SocketData,
    pub(crate) handshake: Option<Arc<Handshake>>,
    pub(crate) io: Io,
    pub(crate) namespace: NamespaceName,
}

impl RemoteSocket {
    /// The request that opened the connection, if it is still kept: see
    /// [`Config::handshake_kept`](crate::Config::handshake_kept).
    pub fn handshake(&self) -> Option<&Handshake> {
        self.handshake.as_deref()
    }

    /// Sends an event to the client; see [`Target::emit`].
    ///
    /// # Errors
    /// See [`EmitError`].
    pub fn emit<A: Serialize>(&self, event: &str, args: &A) -> Result<(), EmitError> {
        self.target().emit(event, args)
    }

    /// Sends an event and waits for the client's answer.
    ///
    /// # Errors
    /// [`AckError::Disconnected`] if the socket has left before the event came to it; else see [`AckError`].
    pub async fn emit_with_ack<A: Serialize>(
        &self,
        event: &str,
        args: &A,
        timeout: Duration,
    ) -> Result<Payload<'static>, AckError> {
        let replies = self.target().emit_with_ack(event, args, timeout).await?;
        let is_missing = !replies.missing.is_empty();
        let answer = replies.answers.into_iter().next().map(|reply| reply.payload);
        answer.ok_or(if is_missing { AckError::Timeout } else { AckError::Disconnected })
    }

    /// Adds the socket to rooms.
    ///
    /// # Errors
    /// [`EmitError::Overloaded`].
    pub fn join<R: Into<Room>>(&self, rooms: impl IntoIterator<Item = R>) -> Result<(), EmitError> {
        self.target().join(rooms)
    }

    /// Removes the socket from a room.
    ///
    /// # Errors
    /// [`EmitError::Overloaded`].
    pub fn leave(&self, room: impl Into<Room>) -> Result<(), EmitError> {
        self.target().leave([room])
    }

    /// Disconnects the client.
    ///
    /// # Errors
    /// [`EmitError::Overloaded`].
    pub fn disconnect(&self, closing: Closing) -> Result<(), EmitError> {
        self.target().disconnect(closing)
    }

    fn target(&self) -> Target {
        self.io.target(self.namespace.clone()).to(self.id)
    }
}

impl fmt::Debug for RemoteSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, rooms, data, .. } = self;
        f.debug_struct("RemoteSocket")
            .field("id", id)
            .field("rooms", rooms)
            .field("data", data)
            .finish_non_exhaustive()
    }
}
