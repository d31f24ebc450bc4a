//! [`Pool`]: what has to wait for the log, and the threads that read it, so that no worker waits for the disk.
//!
//! Pages for sockets that are behind and requests of `/v1` share the threads and alternate: neither a storm of
//! returning sockets nor a flood of requests keeps the other from the log. A socket has one open page at a time, so the
//! number of connections bounds the pages. Requests are bounded here and shared out among addresses, and there among
//! people ([`FairQueue`]): however much somebody asks, and as however many people, the others wait for single steps of it.
//! The pool does not know what is read.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use chat::{LogReader, UserId};
use socketio_server::Network;
use tally::{Counted, Counters, Counts};

use super::fair::{Costs, Crowd, FairBounds, FairQueue, Refused, Running};

/// Threads that read at once.
const READERS: usize = 4;

/// A page to be read.
pub trait Task: Send {
    /// Reads it, on a thread that may wait.
    fn carry_out(self: Box<Self>, log: &dyn LogReader);
}

/// A request to be answered, in steps that are short whatever is asked.
pub trait Job: Send {
    /// How many units the next step costs at most. A unit is one row of the log that is looked at.
    fn cost_max(&self) -> u32;

    /// Whether somebody still waits for the answer.
    fn is_wanted(&self) -> bool;

    /// Does one step, on a thread that may wait.
    fn step(self: Box<Self>, log: &dyn LogReader) -> Step;

    /// Says that there is no room for it.
    fn refuse(self: Box<Self>);
}

/// What a step of a job has come to, and what it has cost.
pub enum Step {
    /// It is answered.
    Done {
        /// The cost of the step.
        cost: u32,
    },
    /// There is more to do.
    More {
        /// The cost of the step.
        cost: u32,
        /// The rest of the job.
        rest: Box<dyn Job>,
    },
}

/// What waits for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Pages of the log for sockets that are behind.
    Pages,
    /// The answers to requests.
    Requests,
}

/// Pages and requests that wait for the log, shared by everybody who adds some.
pub struct Pool {
    waiting: Mutex<Waiting>,
    came: Condvar,
    refusals: Counters<Crowd>,
    on_task: Box<dyn Fn(Line) + Send + Sync>,
}

struct Waiting {
    pages: VecDeque<Box<dyn Task>>,
    requests: FairQueue<Option<Network>, UserId, Box<dyn Job>>,
    last_was_page: bool,
}

/// Something to do.
enum Work {
    Page(Box<dyn Task>),
    Request(Box<dyn Job>, Running<Option<Network>, UserId>),
}

impl FairBounds {
    /// Of the requests of a server that is not told otherwise. A unit of cost is one row of the log.
    pub const DEFAULT: Self = Self {
        per_owner_max: 32,
        waiting_max: 2_048,
        running_max: READERS / 2,
        party_running_max: READERS - 1,
        // One is always left for pages, and for who has not asked for a while.
        all_running_max: READERS - 1,
        quantum: 1_000,
    };
}

impl Pool {
    /// Starts the threads. They end with the process: what they do can be cut off at any time.
    pub fn start(log: &Arc<impl LogReader>, requests: FairBounds) -> std::io::Result<Arc<Self>> {
        let pool = Self::stepped(requests, |_| ());
        for index in 0..READERS {
            let (pool, log) = (Arc::clone(&pool), Arc::clone(log));
            thread::Builder::new().name(format!("reader-{index}")).spawn(move || {
                loop {
                    pool.carry_out(pool.next(), &log);
                }
            })?;
        }
        Ok(pool)
    }

    /// A pool without threads: its owner takes [pages](Self::take_page) and [answers](Self::answer_one). `on_task` is called for
    /// each page and request that has come. For a simulation, which owns the time.
    pub fn stepped(requests: FairBounds, on_task: impl Fn(Line) + Send + Sync + 'static) -> Arc<Self> {
        let requests = FairQueue::new(requests);
        let waiting = Mutex::new(Waiting { pages: VecDeque::new(), requests, last_was_page: false });
        Arc::new(Self {
            waiting,
            came: Condvar::new(),
            refusals: Counters::spread(),
            on_task: Box::new(on_task),
        })
    }

    /// Adds a page to those that wait.
    pub fn push_page(&self, page: Box<dyn Task>) {
        self.waiting().pages.push_back(page);
        self.came.notify_one();
        (self.on_task)(Line::Pages);
    }

    /// Adds a request of somebody at some address, if it is known. When there are too many, theirs or in all, a request of the
    /// person who has most is refused, and nobody else's.
    pub fn push_request(&self, network: Option<Network>, asker: UserId, job: Box<dyn Job>) {
        let refused = self.waiting().requests.push(network, asker, job);
        self.came.notify_one();
        (self.on_task)(Line::Requests);
        if let Some(Refused { job, why }) = refused {
            self.refusals.add(why, 1);
            job.refuse();
        }
    }

    /// The page that waits longest, if there is one.
    pub fn take_page(&self) -> Option<Box<dyn Task>> {
        self.waiting().pages.pop_front()
    }

    /// Does one step of the request whose turn it is; false if there is none.
    pub fn answer_one(&self, log: &dyn LogReader) -> bool {
        let taken = self.waiting().requests.take();
        let Some((job, running)) = taken else { return false };
        self.carry_out(Work::Request(job, running), log);
        true
    }

    /// Addresses and people who have something that waits or runs.
    pub fn lines(&self) -> usize {
        self.waiting().requests.lines()
    }

    /// What waits, and what was refused.
    pub fn stats(&self) -> PoolStats {
        let waiting = self.waiting();
        PoolStats {
            pages: waiting.pages.len() as u64,
            requests: waiting.requests.len() as u64,
            refused: self.refusals.counts(),
        }
    }

    fn carry_out(&self, work: Work, log: &dyn LogReader) {
        match work {
            Work::Page(page) => page.carry_out(log),
            Work::Request(job, running) => {
                let step = job.step(log);
                let mut waiting = self.waiting();
                match step {
                    Step::Done { cost } => waiting.requests.done(running, cost),
                    Step::More { cost, rest } => waiting.requests.again(running, cost, rest),
                }
                // Another thread may have found that too many of this person's requests run.
                if !waiting.requests.is_empty() {
                    self.came.notify_one();
                }
            }
        }
    }

    fn next(&self) -> Work {
        let mut waiting = self.waiting();
        loop {
            match waiting.next() {
                Some(work) => return work,
                None => waiting = self.came.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What waits for the log to be read, and what was refused.
#[derive(Clone, Debug, Default)]
pub struct PoolStats {
    /// Pages for sockets that are behind.
    pub pages: u64,
    /// Requests that wait.
    pub requests: u64,
    /// Requests that were refused.
    pub refused: Counts<Crowd>,
}

impl Counted for Crowd {
    const ALL: &'static [Self] = &[Self::Own, Self::All];

    fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.waiting();
        f.debug_struct("Pool")
            .field("pages", &waiting.pages.len())
            .field("requests", &waiting.requests.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, cost) = match self {
            Self::Done { cost } => ("Done", cost),
            Self::More { cost, .. } => ("More", cost),
        };
        f.debug_struct(name).field("cost", cost).finish_non_exhaustive()
    }
}

impl Costs for Box<dyn Job> {
    fn cost_max(&self) -> u32 {
        (**self).cost_max()
    }

    fn is_wanted(&self) -> bool {
        (**self).is_wanted()
    }
}

impl Waiting {
    /// The other line first: each gets at least every second turn.
    fn next(&mut self) -> Option<Work> {
        let work = if self.last_was_page {
            self.request().or_else(|| self.page())
        } else {
            self.page().or_else(|| self.request())
        }?;
        self.last_was_page = matches!(work, Work::Page(_));
        Some(work)
    }

    fn page(&mut self) -> Option<Work> {
        self.pages.pop_front().map(Work::Page)
    }

    fn request(&mut self) -> Option<Work> {
        self.requests.take().map(|(job, running)| Work::Request(job, running))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{SyncSender, sync_channel};

    use chat::MemoryDisk;

    use super::*;

    const ADA: UserId = UserId(1);
    const BOB: UserId = UserId(2);

    /// Says which it is, for each of its steps.
    struct Named {
        name: &'static str,
        steps: u32,
        done: SyncSender<&'static str>,
    }

    impl Task for Named {
        fn carry_out(self: Box<Self>, _: &dyn LogReader) {
            self.done.send(self.name).unwrap();
        }
    }

    impl Job for Named {
        fn cost_max(&self) -> u32 {
            1_000
        }

        fn is_wanted(&self) -> bool {
            true
        }

        fn step(self: Box<Self>, _: &dyn LogReader) -> Step {
            self.done.send(self.name).unwrap();
            match self.steps {
                1 => Step::Done { cost: 1_000 },
                steps => Step::More { cost: 1_000, rest: Box::new(Self { steps: steps - 1, ..*self }) },
            }
        }

        fn refuse(self: Box<Self>) {
            self.done.send("refused").unwrap();
        }
    }

    enum Asked {
        Page(&'static str),
        Request(UserId, &'static str, u32),
    }
    use Asked::{Page, Request};

    fn order(asked: &[Asked]) -> Vec<&'static str> {
        let (done, names) = sync_channel(100);
        let pool = Pool::stepped(FairBounds::DEFAULT, |_| ());
        for asked in asked {
            let task = |name, steps| Box::new(Named { name, steps, done: done.clone() });
            match asked {
                Page(name) => pool.push_page(task(name, 1)),
                Request(person, name, steps) => pool.push_request(None, *person, task(name, *steps)),
            }
        }
        loop {
            let next = pool.waiting().next();
            let Some(work) = next else { return names.try_iter().collect() };
            pool.carry_out(work, &MemoryDisk::default().reader());
        }
    }

    #[test]
    fn a_request_does_not_wait_behind_a_storm_of_pages_nor_a_page_behind_requests() {
        let storm = [Page("p1"), Page("p2"), Page("p3"), Request(ADA, "r1", 1), Request(ADA, "r2", 1)];
        assert_eq!(order(&storm), ["p1", "r1", "p2", "r2", "p3"]);
        let flood = [Request(ADA, "r1", 1), Request(ADA, "r2", 1), Page("p1")];
        assert_eq!(order(&flood), ["p1", "r1", "r2"]);
    }

    #[test]
    fn a_long_request_of_one_person_keeps_another_waiting_for_one_step() {
        let asked = [Request(ADA, "long", 4), Request(ADA, "next", 1), Request(BOB, "short", 1)];
        assert_eq!(order(&asked), ["long", "short", "long", "long", "long", "next"]);
    }

    #[test]
    fn a_person_who_asks_too_much_is_refused_and_others_are_answered() {
        let flood = (0..40).map(|_| Request(ADA, "ada", 1)).chain([Request(BOB, "bob", 1)]);
        let order = order(&flood.collect::<Vec<_>>());
        assert_eq!(order.iter().filter(|name| **name == "refused").count(), 8);
        assert_eq!(order.iter().filter(|name| **name == "bob").count(), 1);
    }

    #[test]
    fn the_threads_carry_out_what_comes() {
        let (done, names) = sync_channel(1);
        let pool = Pool::start(&Arc::new(MemoryDisk::default().reader()), FairBounds::DEFAULT).unwrap();
        let task = |name| Box::new(Named { name, steps: 2, done: done.clone() });
        pool.push_page(task("page"));
        assert_eq!(names.recv().unwrap(), "page");
        for name in ["one", "two"] {
            pool.push_request(None, ADA, task(name));
            assert_eq!((names.recv().unwrap(), names.recv().unwrap()), (name, name));
        }
    }
}
