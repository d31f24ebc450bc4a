//! What a reproducible simulation needs of the server, and nothing else: a feature that programs leave out.
//!
//! Workers run as tasks of the thread that builds the server, within its `LocalSet`, and read tokio's clock, which
//! may be paused. Connections are streams in memory that begin where a WebSocket handshake has ended. Ids come from
//! a seed. All else is the server as it is.

use std::cell::Cell;

use bytes::Bytes;
use http::HeaderMap;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::door::takeover::TakenOver;
use crate::handle::command::Command;
use crate::handle::io::{Io, Readiness};
use crate::handshake::Handshake;
use crate::server::{BuildError, Builder, Server};
use crate::sid::Sid;
use crate::stream::NewStream;
use crate::worker;

thread_local! {
    static RANDOM: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Lets this thread draw its ids from `seed` instead of the operating system.
pub fn seed(seed: u64) {
    RANDOM.set(Some(seed));
}

/// Fills `bytes` if this thread has a seed.
pub(crate) fn fill(bytes: &mut [u8]) -> bool {
    let Some(mut state) = RANDOM.get() else { return false };
    for chunk in bytes.chunks_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        chunk.copy_from_slice(mixed.to_le_bytes().get(..chunk.len()).unwrap_or_default());
    }
    RANDOM.set(Some(state));
    true
}

impl Builder {
    /// The same server with its workers as tasks of this thread; must run within a `LocalSet`.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn build_local(self) -> Result<Server, BuildError> {
        let (shared, workers) = self.prepare()?;
        for index in workers {
            worker::spawn_local(index, &shared);
        }
        Ok(Server { io: Io { shared }, threads: Vec::new() })
    }
}

impl Server {
    /// Takes a connection whose WebSocket handshake is done; a server that is not ready drops it.
    pub fn attach(&self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        let shared = &self.io.shared;
        if shared.readiness() == Readiness::NotReady {
            return;
        }
        let handshake = Handshake {
            headers: HeaderMap::new(),
            query: Vec::new(),
            url: String::new(),
            address: None,
            cross_origin: false,
            secure: false,
        };
        let worker = shared.next_worker();
        if let Some(mailbox) = shared.mailboxes.get(usize::from(worker)) {
            let stream = NewStream::Boxed(Box::new(stream));
            let taken = TakenOver { stream, unsent: Bytes::new(), early: Bytes::new() };
            mailbox.post(Command::Attach { handshake: Box::new(handshake), taken });
        }
    }

    /// Takes a connection that wants to take over from polling, its WebSocket handshake done; drops it if there cannot
    /// be such a session.
    pub fn attach_to(&self, sid: &str, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        let Some(sid) = Sid::parse(sid) else { return };
        if let Some(mailbox) = self.io.shared.mailboxes.get(usize::from(sid.worker)) {
            let stream = NewStream::Boxed(Box::new(stream));
            mailbox.post(Command::Probe { sid, stream, early: Bytes::new() });
        }
    }
}
