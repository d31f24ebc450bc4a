//! [`Question`]: a request of `/v1` on its way through the pool of readers, and back as an ack.
//!
//! Requests of one person wait for each other, and those of others do not wait for them. A connection and a person have
//! a bounded number of open requests each; only who is over the bound gets `busy`. A request whose connection is gone is
//! dropped. The answer is sent as an ack between the events of the feed. If the person was removed from the room
//! meanwhile, they are told to ask again, and nothing of the room follows the removal.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use chat::LogReader;
use socketio_server::{AckHandle, ConnectRequest, Flow, Turn};

use super::ack::RequestError;
use super::answers::{Answering, answer};
use super::edge::Edge;
use super::request::Request;
use super::session::{OpenRequest, Session};
use super::sight::Answer;
use super::unread::UnreadCount;
use crate::names::RequestName;
use crate::reading::pool::{Job, Step};
use crate::stats::Count;

/// What each step costs besides the rows that it looks at: permission, and the way there and back.
const STEP_COST: u32 = 10;

/// Encoding so many bytes of an answer takes as long as looking at one row.
const BYTES_PER_COST: usize = 512;

/// More rows than this are looked at in one step for no request; large texts may cost more.
const ROWS_MAX: u32 = 500;

impl Edge {
    /// A question: its answer is read on a thread that may wait for the disk.
    pub fn request(self: &Arc<Self>, name: RequestName, turn: &mut Turn<'_>) -> Flow {
        self.parts.tallies.requests.add(name, 1);
        let Some(session) = turn.data().and_then(Session::of) else { return Flow::Continue };
        let Ok(request) = Request::parse(name, turn.payload()) else {
            self.refuse(turn, RequestError::Invalid);
            return Flow::Continue;
        };
        let Some(open) = session.open_request(self.parts.requests_open_max) else {
            self.parts.tallies.count(Count::LimitRequestsPerConnection);
            self.refuse(turn, RequestError::Busy);
            return Flow::Continue;
        };
        // Who passes their identity on is somebody from then on.
        if name == RequestName::Link && self.sign_in(&session).is_err() {
            self.refuse(turn, RequestError::Busy);
            return Flow::Continue;
        }
        let wait = self.charge_answer(&session, 0);
        if let Some(ack) = turn.take_ack() {
            let (edge, user, network) = (Arc::downgrade(self), session.user, session.peer.network);
            let asked = Some((self.parts.environment.clock)());
            let question = Question { edge, session, request, counting: None, ack, open, asked };
            self.parts.readers.push_request(network, user, Box::new(question));
        }
        // This is answered, and what comes after it is read later.
        wait.map_or(Flow::Continue, Flow::PauseFor)
    }

    /// How long somebody who was admitted waits for their welcome. It may be large, and is asked for by a few bytes, like a page of
    /// history: so it is paid from the same allowance, when it is made.
    pub fn wait_for_welcome(&self, request: &ConnectRequest) -> Option<Duration> {
        let session = Session::of(request.data())?;
        self.charge_answer(&session, 0)
    }

    /// Charges for an answer of so many bytes. Returns how long its reader has to wait for the next one.
    pub(super) fn charge_answer(&self, session: &Session, bytes: usize) -> Option<Duration> {
        let now = (self.parts.environment.clock)();
        self.parts.allowances.charge(self.payer(session.peer, session.user), bytes, now)
    }
}

/// A request and where its answer goes.
#[derive(Debug)]
struct Question {
    /// A server that has ended answers nobody.
    edge: Weak<Edge>,
    session: Arc<Session>,
    request: Request,
    /// What is counted, if that takes more than one step.
    counting: Option<UnreadCount>,
    ack: AckHandle,
    /// Closed when it is answered.
    open: OpenRequest,
    /// When it came, until somebody begins with it.
    asked: Option<Instant>,
}

impl Question {
    fn send(self, edge: &Edge, answer: Result<Answer, RequestError>) {
        let Self { ack, open, .. } = self;
        let ack = match answer {
            Ok(answer) => answer.ack(ack),
            Err(error) => {
                edge.parts.tallies.count(error.count());
                ack.answer(&error.answer())
            }
        };
        edge.parts.feed.acknowledge(ack);
        drop(open);
    }

    /// The first step, or the next one of a count.
    fn next(&mut self, edge: &Edge, log: &dyn LogReader) -> Result<(Option<Answer>, usize), RequestError> {
        let counting = match self.counting.take() {
            Some(counting) => counting,
            None => match answer(edge, log, edge.sight(self.session.user), &self.request)? {
                Answering::Whole(answer, rows) => return Ok((Some(answer), rows)),
                Answering::Counting(counting) => counting,
            },
        };
        let counting = self.counting.insert(counting);
        let rows = counting.step(log)?;
        let is_done = counting.is_done();
        Ok((self.counting.take_if(|_| is_done).map(UnreadCount::answer), rows))
    }
}

impl Job for Question {
    fn cost_max(&self) -> u32 {
        STEP_COST + ROWS_MAX
    }

    fn is_wanted(&self) -> bool {
        !self.session.has_left()
    }

    fn step(mut self: Box<Self>, log: &dyn LogReader) -> Step {
        let Some(edge) = self.edge.upgrade() else { return Step::Done { cost: 0 } };
        if let Some(asked) = self.asked.take() {
            let now = (edge.parts.environment.clock)();
            edge.parts.tallies.request_waits.record_time(now.saturating_duration_since(asked));
        }
        let (answer, rows) = match self.next(&edge, log) {
            Ok((Some(answer), rows)) => (Ok(answer), rows),
            Ok((None, rows)) => return Step::More { cost: cost(rows, 0), rest: self },
            Err(error) => (Err(error), 0),
        };
        let answer = match answer {
            Err(RequestError::BadCode) if !edge.may_fail(self.session.peer, Some(self.session.user)) => {
                Err(RequestError::Busy)
            }
            answer => answer,
        };
        let bytes = answer.as_ref().map_or(0, Answer::bytes);
        edge.charge_answer(&self.session, bytes);
        self.send(&edge, answer);
        Step::Done { cost: cost(rows, bytes) }
    }

    fn refuse(self: Box<Self>) {
        if let Some(edge) = self.edge.upgrade() {
            self.send(&edge, Err(RequestError::Busy));
        }
    }
}

/// The cost of a step that has looked at so many rows, and made an answer of so many bytes.
fn cost(rows: usize, bytes: usize) -> u32 {
    let units = rows.saturating_add(bytes / BYTES_PER_COST);
    STEP_COST.saturating_add(u32::try_from(units).unwrap_or(u32::MAX))
}
