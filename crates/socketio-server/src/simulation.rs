//! What a reproducible simulation needs of the server: a feature that programs leave out.
//!
//! Workers are tasks of the thread that builds the server, within its `LocalSet`, and use tokio's clock, which may be
//! paused. Connections are streams in memory that begin after the WebSocket handshake. Ids come from a seed. Everything
//! else is the real server.

use std::net::IpAddr;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::handle::command::Command;
use crate::handle::io::Readiness;
use crate::handshake::{Entrant, Handshake};
use crate::lines::Line;
pub use crate::random::seed;
pub use crate::seam::{Seams, sew};
use crate::server::{BuildError, Builder, Server};
use crate::sid::Sid;
use crate::stream::NewStream;
use crate::stream::TakenOver;
use crate::worker;
use crate::worker::shared::Shared;

impl Builder {
    /// The same server, with its workers as tasks of this thread. Must run within a `LocalSet`.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn build_local(self) -> Result<Server, BuildError> {
        let (shared, workers) = self.prepare()?;
        for index in workers {
            worker::spawn_local(index, &shared);
        }
        Ok(Server { io: shared.io(), shared, threads: Vec::new() })
    }
}

impl Server {
    /// Takes a connection whose WebSocket handshake is complete. A server that is not ready drops it.
    pub fn attach(&self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        let entrant = Entrant { handshake: Handshake::without_request(true), resident: None };
        take(&self.shared, entrant, stream);
    }

    /// Takes such a connection from an address: when it is its turn, if it is let in at all.
    pub fn attach_from<S>(&self, address: IpAddr, stream: S) -> impl Future<Output = ()> + use<S>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let service = self.service();
        async move {
            let shared = &service.shared;
            let rated = shared.config.pacing.applies_to(Some(address));
            let network = rated.then(|| address.into());
            let Ok(resident) = service.wait_for_turn(network.map(Line::Network), network).await else {
                return;
            };
            let handshake = Handshake { address: Some(address), ..Handshake::without_request(rated) };
            take(shared, Entrant { handshake, resident }, stream);
        }
    }

    /// Takes a connection that is to take over from polling, after its WebSocket handshake. Drops it if there can be no
    /// such session.
    pub fn attach_to(&self, sid: &str, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        let Some(sid) = Sid::parse(sid) else { return };
        if let Some(mailbox) = self.shared.reach.mailboxes.get(usize::from(sid.worker)) {
            let stream = NewStream::Boxed(Box::new(stream));
            mailbox.post(Command::Probe { sid, taken: TakenOver::new(stream, Bytes::new()) });
        }
    }
}

fn take(shared: &Shared, entrant: Entrant, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
    if shared.reach.readiness() == Readiness::NotReady {
        return;
    }
    let worker = shared.next_worker();
    if let Some(mailbox) = shared.reach.mailboxes.get(usize::from(worker)) {
        let stream = NewStream::Boxed(Box::new(stream));
        let taken = TakenOver::new(stream, Bytes::new());
        mailbox.post(Command::Attach { entrant: Box::new(entrant), taken });
    }
}
