//! [`Job`]: a request of `/v1` on its way through the pool of readers, and back as an ack.
//!
//! When the pool is full, clients are told `busy` at once. Each connection has a bound of its own, so that nobody fills it
//! alone. The answer goes out as an ack, in between the events of the feed: if the asker was removed from the room
//! meanwhile, they are told to ask again, and nothing of the room comes after the removal.

use std::sync::Weak;

use chat::{LogReader, UserId};
use socketio_server::AckHandle;

use super::answers::answer;
use super::edge::Edge;
use super::request::Request;
use super::session::OpenRequest;
use crate::reading::pool::Task;

/// A request and where its answer goes.
#[derive(Debug)]
pub(super) struct Job {
    /// A server that has ended answers nobody.
    pub(super) edge: Weak<Edge>,
    pub(super) user: UserId,
    pub(super) request: Request,
    pub(super) ack: AckHandle,
    /// Closed when it is answered.
    pub(super) open: OpenRequest,
}

impl Task for Job {
    fn carry_out(self: Box<Self>, log: &dyn LogReader) {
        let Self { edge, user, request, ack, open } = *self;
        let Some(edge) = edge.upgrade() else { return };
        let ack = match answer(&edge, log, edge.sight(user), &request) {
            Ok(answer) => answer.ack(ack),
            Err(trouble) => ack.answer(&trouble.answer()),
        };
        edge.parts.feed.acknowledge(ack);
        drop(open);
    }
}
