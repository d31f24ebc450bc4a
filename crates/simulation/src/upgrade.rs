//! A client's WebSocket, and the upgrade from polling:
//!
//! ```text
//!  polling ──► opening ──► probing ── 3probe ──► pausing ── the last requests are answered, 5 ──► by WebSocket
//!     ▲           │           │                     │
//!     └───────────┴───────────┴─── it is lost ──────┘
//! ```
//!
//! While it pauses, a client neither polls nor posts, like the official client.

use std::pin::Pin;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf};

use crate::frames::{FrameReader, FromServer, text_frame};
use crate::random::Random;

/// The client's end of a WebSocket.
pub(crate) struct Wire {
    reader: ReadHalf<DuplexStream>,
    writer: WriteHalf<DuplexStream>,
    pub(crate) frames: FrameReader,
    output: Vec<u8>,
    buffer: Vec<u8>,
}

/// What [`Wire::progress`] has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    Read,
    Written,
}

impl Wire {
    pub(crate) fn new(stream: DuplexStream) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        let buffer = vec![0; 4 << 10];
        Self { reader, writer, frames: FrameReader::default(), output: Vec::new(), buffer }
    }

    /// Queues a packet.
    pub(crate) fn say(&mut self, packet: &str, random: &mut Random) {
        let mask = u32::try_from(random.next() >> 32).unwrap_or(0);
        self.output.extend(text_frame(packet, mask));
    }

    /// Reads if `may_read`, or writes if something waits. `None` when the connection has ended.
    pub(crate) async fn progress(&mut self, may_read: bool) -> Option<Moved> {
        tokio::select! {
            biased;
            read = self.reader.read(&mut self.buffer), if may_read => {
                let Ok(count @ 1..) = read else { return None };
                self.frames.push(self.buffer.get(..count).unwrap_or_default());
                Some(Moved::Read)
            }
            written = self.writer.write(&self.output), if !self.output.is_empty() => {
                self.output.drain(..written.ok()?);
                Some(Moved::Written)
            }
            else => std::future::pending().await,
        }
    }
}

type Opening = Pin<Box<dyn Future<Output = Option<DuplexStream>>>>;

/// How far a polling client is with its upgrade.
pub(crate) enum Upgrade {
    None,
    Opening(Opening),
    Probing(Wire),
    Pausing(Wire),
}

impl Upgrade {
    /// Whether the client may neither poll nor post at the moment.
    pub(crate) fn pauses(&self) -> bool {
        matches!(self, Self::Pausing(_))
    }

    /// Makes one step; waits for ever if there is none to make. The error is a packet that a correct server never
    /// sends.
    pub(crate) async fn progress(&mut self, random: &mut Random) -> Result<(), String> {
        let before = std::mem::replace(self, Self::None);
        // Dropping this future loses nothing: the state is put back before each wait.
        match before {
            Self::None => std::future::pending().await,
            Self::Opening(opening) => {
                *self = Self::Opening(opening);
                let Self::Opening(opening) = self else { return Ok(()) };
                *self = match opening.await {
                    Some(stream) => {
                        let mut wire = Wire::new(stream);
                        wire.say("2probe", random);
                        Self::Probing(wire)
                    }
                    None => Self::None,
                };
                Ok(())
            }
            state @ (Self::Probing(_) | Self::Pausing(_)) => {
                *self = state;
                let (Self::Probing(wire) | Self::Pausing(wire)) = self else { return Ok(()) };
                if wire.progress(true).await.is_none() {
                    *self = Self::None;
                    return Ok(());
                }
                self.listen()
            }
        }
    }

    fn listen(&mut self) -> Result<(), String> {
        loop {
            let (Self::Probing(wire) | Self::Pausing(wire)) = self else { return Ok(()) };
            match wire.frames.pop() {
                None => return Ok(()),
                Some(FromServer::Close) => *self = Self::None,
                Some(FromServer::Text(text)) if text == "3probe" => {
                    let Self::Probing(wire) = std::mem::replace(self, Self::None) else {
                        return Err("a probe was answered twice".into());
                    };
                    *self = Self::Pausing(wire);
                }
                Some(FromServer::Text(text)) => {
                    return Err(format!("{text:?} came by a WebSocket that has not taken over"));
                }
                Some(FromServer::Broken(what)) => return Err(what.into()),
            }
        }
    }

    /// Returns the WebSocket once the upgrade is complete.
    pub(crate) fn take(&mut self) -> Option<Wire> {
        match std::mem::replace(self, Self::None) {
            Self::Pausing(wire) => Some(wire),
            other @ (Self::None | Self::Opening(_) | Self::Probing(_)) => {
                *self = other;
                None
            }
        }
    }
}
