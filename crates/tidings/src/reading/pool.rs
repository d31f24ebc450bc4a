//! [`Pool`]: tasks that wait for the log, and the threads that run them, so that no worker waits for the disk.
//!
//! Pages for sockets that are behind and requests of `/v1` share the threads and alternate: neither a storm of
//! returning sockets nor a flood of requests keeps the other from the log. A socket has one open page at a time, so the
//! number of connections bounds the pages; requests are bounded here. The pool does not know what is read.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use chat::LogReader;

/// Requests that wait at most.
const REQUESTS_MAX: usize = 2_048;

/// Threads that read at once.
const READERS: usize = 4;

/// Something that has to wait for the log.
pub trait Task: Send {
    /// Does it, on a thread that may wait.
    fn carry_out(self: Box<Self>, log: &dyn LogReader);
}

/// What a task is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A page of the log for a socket that is behind.
    Pages,
    /// The answer to a request.
    Requests,
}

/// Tasks that wait for the log, shared by everybody who adds some.
pub struct Pool {
    waiting: Mutex<Waiting>,
    came: Condvar,
    on_task: Box<dyn Fn(Line) + Send + Sync>,
}

#[derive(Default)]
struct Waiting {
    pages: VecDeque<Box<dyn Task>>,
    requests: VecDeque<Box<dyn Task>>,
    last_was_page: bool,
}

impl Pool {
    /// Starts the threads. They end with the process: what they do can be cut off at any time.
    pub fn start(log: &Arc<impl LogReader>) -> std::io::Result<Arc<Self>> {
        let pool = Self::stepped(|_| ());
        for index in 0..READERS {
            let (pool, log) = (Arc::clone(&pool), Arc::clone(log));
            thread::Builder::new().name(format!("reader-{index}")).spawn(move || {
                loop {
                    pool.next().carry_out(&log);
                }
            })?;
        }
        Ok(pool)
    }

    /// A pool without threads: nothing is read but what its owner [takes](Self::take). `on_task` is called for each task
    /// that has come. For a simulation, which owns the time.
    pub fn stepped(on_task: impl Fn(Line) + Send + Sync + 'static) -> Arc<Self> {
        let (waiting, came) = (Mutex::default(), Condvar::new());
        Arc::new(Self { waiting, came, on_task: Box::new(on_task) })
    }

    /// Whether one more request would be too much.
    pub fn is_full(&self) -> bool {
        self.waiting().requests.len() >= REQUESTS_MAX
    }

    /// Adds a task to those that wait.
    pub fn push(&self, line: Line, task: Box<dyn Task>) {
        self.waiting().line(line).push_back(task);
        self.came.notify_one();
        (self.on_task)(line);
    }

    /// The task of a line that waits longest, if there is one.
    pub fn take(&self, line: Line) -> Option<Box<dyn Task>> {
        self.waiting().line(line).pop_front()
    }

    fn next(&self) -> Box<dyn Task> {
        let mut waiting = self.waiting();
        loop {
            match waiting.next() {
                Some(task) => return task,
                None => waiting = self.came.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
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

impl Waiting {
    fn line(&mut self, line: Line) -> &mut VecDeque<Box<dyn Task>> {
        match line {
            Line::Pages => &mut self.pages,
            Line::Requests => &mut self.requests,
        }
    }

    /// The other line first: each gets at least every second turn.
    fn next(&mut self) -> Option<Box<dyn Task>> {
        let lines =
            if self.last_was_page { [Line::Requests, Line::Pages] } else { [Line::Pages, Line::Requests] };
        let (line, task) =
            lines.into_iter().find_map(|line| self.line(line).pop_front().map(|task| (line, task)))?;
        self.last_was_page = line == Line::Pages;
        Some(task)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{SyncSender, sync_channel};

    use chat::MemoryDisk;

    use super::*;

    /// Says which task it is, and waits until the test goes on.
    struct Named {
        name: &'static str,
        done: SyncSender<&'static str>,
    }

    impl Task for Named {
        fn carry_out(self: Box<Self>, _: &dyn LogReader) {
            self.done.send(self.name).unwrap();
        }
    }

    fn order(tasks: &[(Line, &'static str)]) -> Vec<&'static str> {
        let (done, names) = sync_channel(tasks.len());
        let pool = Pool::stepped(|_| ());
        for (line, name) in tasks {
            pool.push(*line, Box::new(Named { name, done: done.clone() }));
        }
        for _ in tasks {
            pool.next().carry_out(&MemoryDisk::default().reader());
        }
        names.try_iter().collect()
    }

    #[test]
    fn a_request_does_not_wait_behind_a_storm_of_pages_nor_a_page_behind_requests() {
        use Line::{Pages, Requests};
        let storm = [(Pages, "p1"), (Pages, "p2"), (Pages, "p3"), (Requests, "r1"), (Requests, "r2")];
        assert_eq!(order(&storm), ["p1", "r1", "p2", "r2", "p3"]);
        let flood = [(Requests, "r1"), (Requests, "r2"), (Requests, "r3"), (Pages, "p1")];
        assert_eq!(order(&flood), ["p1", "r1", "r2", "r3"]);
    }

    #[test]
    fn requests_have_a_bound_that_pages_do_not_use_up() {
        let (done, _) = sync_channel(1);
        let pool = Pool::stepped(|_| ());
        let task = || Box::new(Named { name: "", done: done.clone() });
        for _ in 0..REQUESTS_MAX {
            assert!(!pool.is_full());
            pool.push(Line::Requests, task());
            pool.push(Line::Pages, task());
        }
        assert!(pool.is_full());
        pool.take(Line::Requests).unwrap();
        assert!(!pool.is_full());
    }

    #[test]
    fn the_threads_carry_out_what_comes() {
        let (done, names) = sync_channel(1);
        let pool = Pool::start(&Arc::new(MemoryDisk::default().reader())).unwrap();
        for name in ["one", "two"] {
            pool.push(Line::Pages, Box::new(Named { name, done: done.clone() }));
            assert_eq!(names.recv().unwrap(), name);
        }
    }
}
