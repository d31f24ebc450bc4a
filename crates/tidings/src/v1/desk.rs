//! The desk: requests that wait for a thread that may wait for the disk.
//!
//! Bounded: when it is full, clients are told `busy` at once, and no worker ever waits. Each connection has a bound of
//! its own, so that nobody fills the desk alone. The answer goes out as an ack, in between the events of the feed: if the
//! asker was removed from the room meanwhile, they are told to ask again, and nothing of the room comes after the removal.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use chat::{LogReader, UserId};
use socketio_server::AckHandle;

use super::answers::answer;
use super::edge::Edge;
use super::request::Request;
use super::session::OpenRequest;

/// Requests that wait; one more is told `busy`.
const JOBS_MAX: usize = 2_048;

/// Threads that answer.
const READERS: usize = 2;

/// A request and where its answer goes.
#[derive(Debug)]
pub struct Job {
    pub user: UserId,
    pub request: Request,
    pub ack: AckHandle,
    /// Closed when it is answered.
    pub open: OpenRequest,
}

impl Job {
    pub(super) fn carry_out(self, edge: &Edge, reader: &impl LogReader) {
        let Self { user, request, ack, open } = self;
        let ack = match answer(edge, reader, edge.sight(user), &request) {
            Ok(answer) => answer.ack(ack),
            Err(trouble) => ack.answer(0, &trouble.answer()),
        };
        edge.sides.feed.publish(0, Vec::new(), vec![ack]);
        drop(open);
    }
}

/// The requests that wait.
#[derive(Clone, Debug, Default)]
pub struct Desk(Arc<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    jobs: Mutex<VecDeque<Job>>,
    came: Condvar,
}

impl Desk {
    /// Whether one more would be too much.
    pub fn is_full(&self) -> bool {
        self.jobs().len() >= JOBS_MAX
    }

    /// Puts a request to those that wait.
    pub fn push(&self, job: Job) {
        self.jobs().push_back(job);
        self.0.came.notify_one();
    }

    /// Starts the threads. They end with the process: what they do can be cut off at any time.
    pub fn open<R: LogReader>(&self, edge: &Arc<Edge>, reader: &Arc<R>) -> std::io::Result<()> {
        for index in 0..READERS {
            let (desk, edge, reader) = (self.clone(), Arc::clone(edge), Arc::clone(reader));
            thread::Builder::new().name(format!("desk-{index}")).spawn(move || {
                loop {
                    desk.next().carry_out(&edge, &*reader);
                }
            })?;
        }
        Ok(())
    }

    /// The request that waits longest, if there is one.
    pub(super) fn pop(&self) -> Option<Job> {
        self.jobs().pop_front()
    }

    fn next(&self) -> Job {
        let mut jobs = self.jobs();
        loop {
            match jobs.pop_front() {
                Some(job) => return job,
                None => jobs = self.0.came.wait(jobs).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn jobs(&self) -> MutexGuard<'_, VecDeque<Job>> {
        self.0.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
