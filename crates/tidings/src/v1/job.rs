//! [`Job`]: a request of `/v1` on its way through the pool of readers, and back as an ack.
//!
//! When the pool is full, clients get `busy` at once. Each connection has a bound of its own, so that nobody fills the
//! pool alone. The answer is sent as an ack between the events of the feed. If the person was removed from the room
//! meanwhile, they are told to ask again, and nothing of the room follows the removal.

use std::sync::{Arc, Weak};

use chat::{LogReader, UserId};
use socketio_server::{AckHandle, Flow, Turn};

use super::ack::RequestError;
use super::answers::answer;
use super::edge::Edge;
use super::request::Request;
use super::session::{OpenRequest, Session};
use crate::names::RequestName;
use crate::reading::pool::{Line, Task};

impl Edge {
    /// A question: its answer is read on a thread that may wait for the disk.
    pub fn request(self: &Arc<Self>, name: RequestName, turn: &mut Turn<'_>) -> Flow {
        let Some(session) = turn.data().and_then(Session::of) else { return Flow::Continue };
        let Ok(request) = Request::parse(name, turn.payload()) else {
            turn.reply(&RequestError::Invalid.answer());
            return Flow::Continue;
        };
        if matches!(request, Request::Code { .. }) && !self.admits_code(session.user, turn.connection()) {
            turn.reply(&RequestError::Busy.answer());
            return Flow::Continue;
        }
        let Some(open) = session.open_request() else {
            turn.reply(&RequestError::Busy.answer());
            return Flow::Continue;
        };
        if self.parts.readers.is_full() {
            turn.reply(&RequestError::Busy.answer());
        } else if let Some(ack) = turn.take_ack() {
            let job = Job { edge: Arc::downgrade(self), user: session.user, request, ack, open };
            self.parts.readers.push(Line::Requests, Box::new(job));
        }
        Flow::Continue
    }
}

/// A request and where its answer goes.
#[derive(Debug)]
struct Job {
    /// A server that has ended answers nobody.
    edge: Weak<Edge>,
    user: UserId,
    request: Request,
    ack: AckHandle,
    /// Closed when it is answered.
    open: OpenRequest,
}

impl Task for Job {
    fn carry_out(self: Box<Self>, log: &dyn LogReader) {
        let Self { edge, user, request, ack, open } = *self;
        let Some(edge) = edge.upgrade() else { return };
        let ack = match answer(&edge, log, edge.sight(user), &request) {
            Ok(answer) => answer.ack(ack),
            Err(error) => ack.answer(&error.answer()),
        };
        edge.parts.feed.acknowledge(ack);
        drop(open);
    }
}
