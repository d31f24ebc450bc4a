//! [`EngineHandler`]: plain Engine.IO, for programs that need messages without Socket.IO.

use bytes::Bytes;
use engineio::CloseReason;
use http::HeaderMap;

use crate::handle::command::Command;
use crate::handle::io::Io;
use crate::handshake::Handshake;
use crate::sid::SessionKey;

/// A message of Engine.IO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineMessage {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Bytes),
}

/// Handles the sessions of a server without Socket.IO. Runs on the workers: it must not block.
pub trait EngineHandler: Send + Sync + 'static {
    /// A session has opened.
    fn on_open(&self, session: &EngineSession, handshake: &Handshake);
    /// A message has arrived; `headers` are those of the POST that carried it.
    fn on_message(&self, session: &EngineSession, message: EngineMessage, headers: Option<&HeaderMap>);
    /// The session has ended.
    fn on_close(&self, session: &EngineSession, reason: CloseReason);
}

/// An Engine.IO session.
#[derive(Clone, Debug)]
pub struct EngineSession {
    pub(crate) io: Io,
    pub(crate) worker: u16,
    pub(crate) key: SessionKey,
}

impl EngineSession {
    /// Sends a message. Does nothing if the session has ended.
    pub fn send(&self, message: EngineMessage) {
        self.io.post(self.worker, Command::Engine { key: self.key, message: Some(message) });
    }

    /// Closes the session.
    pub fn close(&self) {
        self.io.post(self.worker, Command::Engine { key: self.key, message: None });
    }
}
