//! [`FairQueue`]: jobs of many owners, which share the work evenly, however much each of them asks for.
//!
//! It is surplus round robin (Adiseshu, Parulkar and Varghese, "A Reliable and Scalable Striping Protocol", SIGCOMM
//! 1996): deficit round robin for jobs whose cost is known only when they are done. Owners take turns. A turn lasts until
//! the owner's balance is used up; then a quantum is added to it for the next turn. A job is charged with the most that it
//! may cost, and the owner gets the rest back when it is done. The queue knows neither what a job does nor what a unit of
//! cost is.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::Hash;

/// The bounds of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FairBounds {
    /// Open jobs of one owner: those that wait and those that run. One more is refused.
    pub per_owner_max: usize,
    /// Jobs of all owners that wait. One more displaces the newest job of the owner who has most.
    pub waiting_max: usize,
    /// Jobs of one owner that run at once.
    pub running_max: usize,
    /// What an owner's turn may cost.
    pub quantum: u32,
}

/// What a queue needs to know of a job.
pub trait Costs {
    /// What it costs at most.
    fn cost_max(&self) -> u32;

    /// Whether somebody still waits for it. A job that nobody wants never runs, and costs nothing.
    fn is_wanted(&self) -> bool;
}

/// Jobs that wait, by owner.
#[derive(Debug)]
pub struct FairQueue<K, J> {
    bounds: FairBounds,
    lines: HashMap<K, Line<J>>,
    /// Owners who may have a job to run, in the order of their turns.
    turns: VecDeque<K>,
    /// Owners with jobs that wait, by their number.
    sizes: BTreeSet<(usize, K)>,
    waiting: usize,
}

/// The jobs of one owner.
#[derive(Debug)]
struct Line<J> {
    jobs: VecDeque<J>,
    running: usize,
    /// What is left of this turn. Later turns pay for what is below 0.
    balance: i64,
    is_in_turns: bool,
}

/// A job that was not added, or that gave its place to another.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused<J>(pub J);

/// A job that runs. It must be given back.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "its owner's other jobs wait for it"]
pub struct Running<K> {
    owner: K,
    charged: u32,
}

/// What a look at an owner's line has brought.
enum Look<J> {
    Job(J),
    /// Its first job was not wanted.
    Unwanted,
    /// It has to wait for its next turn.
    Spent,
    /// It has nothing that may run.
    Nothing,
}

impl<K: Copy + Eq + Hash + Ord, J: Costs> FairQueue<K, J> {
    /// An empty queue.
    ///
    /// # Panics
    /// If nothing could ever run within these bounds.
    pub fn new(bounds: FairBounds) -> Self {
        assert!(bounds.running_max > 0 && bounds.quantum > 0, "a queue lets something run");
        let (lines, turns, sizes) = Default::default();
        Self { bounds, lines, turns, sizes, waiting: 0 }
    }

    /// The number of jobs that wait.
    pub fn len(&self) -> usize {
        self.waiting
    }

    /// Whether no job waits.
    pub fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Adds a job. Returns the one that is refused for it, or instead of it.
    pub fn push(&mut self, owner: K, job: J) -> Option<Refused<J>> {
        if self.open(owner) >= self.bounds.per_owner_max {
            self.change(owner, |line| line.jobs.retain(Costs::is_wanted));
        }
        if self.open(owner) >= self.bounds.per_owner_max {
            return Some(Refused(job));
        }
        let mut displaced = None;
        if self.waiting >= self.bounds.waiting_max {
            let own = self.lines.get(&owner).map_or(0, |line| line.jobs.len());
            match self.sizes.last() {
                Some((most, other)) if *most > own + 1 => {
                    displaced = self.change(*other, |line| line.jobs.pop_back());
                }
                Some(_) | None => return Some(Refused(job)),
            }
        }
        self.change(owner, |line| line.jobs.push_back(job));
        displaced.map(Refused)
    }

    /// The job whose turn it is. It runs until it is given back with [`done`](Self::done) or [`again`](Self::again).
    pub fn take(&mut self) -> Option<(J, Running<K>)> {
        while let Some(owner) = self.turns.front().copied() {
            match self.look(owner) {
                Look::Job(job) => {
                    let charged = job.cost_max();
                    return Some((job, Running { owner, charged }));
                }
                Look::Unwanted => {}
                Look::Spent => self.turns.rotate_left(1),
                Look::Nothing => {
                    self.turns.pop_front();
                    if let Some(line) = self.lines.get_mut(&owner) {
                        line.is_in_turns = false;
                    }
                    self.forget_idle(owner);
                }
            }
        }
        None
    }

    /// A job is done, and has cost this.
    #[expect(clippy::needless_pass_by_value, reason = "nobody gives a job back twice")]
    pub fn done(&mut self, running: Running<K>, cost: u32) {
        let Running { owner, charged } = running;
        self.settle(owner, i64::from(charged) - i64::from(cost), |_| ());
        self.forget_idle(owner);
    }

    /// Part of a job is done, and has cost this. The rest is its owner's next job.
    #[expect(clippy::needless_pass_by_value, reason = "nobody gives a job back twice")]
    pub fn again(&mut self, running: Running<K>, cost: u32, job: J) {
        let Running { owner, charged } = running;
        self.settle(owner, i64::from(charged) - i64::from(cost), |line| line.jobs.push_front(job));
    }

    fn settle(&mut self, owner: K, rest: i64, change: impl FnOnce(&mut Line<J>)) {
        self.change(owner, |line| {
            line.running -= 1;
            line.balance += rest;
            change(line);
        });
    }

    fn look(&mut self, owner: K) -> Look<J> {
        let FairBounds { running_max, quantum, .. } = self.bounds;
        let Some(line) = self.lines.get_mut(&owner) else { return Look::Nothing };
        if line.jobs.is_empty() || line.running >= running_max {
            return Look::Nothing;
        }
        if line.balance <= 0 {
            line.balance += i64::from(quantum);
            return Look::Spent;
        }
        let Some(job) = self.change(owner, |line| line.jobs.pop_front()) else { return Look::Nothing };
        if !job.is_wanted() {
            return Look::Unwanted;
        }
        self.change(owner, |line| {
            line.running += 1;
            line.balance -= i64::from(job.cost_max());
        });
        Look::Job(job)
    }

    fn open(&self, owner: K) -> usize {
        self.lines.get(&owner).map_or(0, |line| line.jobs.len() + line.running)
    }

    /// Changes a line, and what is known of it with it.
    fn change<T>(&mut self, owner: K, change: impl FnOnce(&mut Line<J>) -> T) -> T {
        let quantum = i64::from(self.bounds.quantum);
        let line = self.lines.entry(owner).or_insert_with(|| Line::with(quantum));
        let before = line.jobs.len();
        let result = change(line);
        let after = line.jobs.len();
        if before != after {
            self.sizes.remove(&(before, owner));
            self.waiting = self.waiting - before + after;
            if after > 0 {
                self.sizes.insert((after, owner));
            }
        }
        if after > 0 && line.running < self.bounds.running_max && !line.is_in_turns {
            line.is_in_turns = true;
            self.turns.push_back(owner);
        }
        result
    }

    /// An owner without jobs is not remembered: debts are no larger than one job.
    fn forget_idle(&mut self, owner: K) {
        let is_idle = |line: &Line<J>| line.jobs.is_empty() && line.running == 0 && !line.is_in_turns;
        if self.lines.get(&owner).is_some_and(is_idle) {
            self.lines.remove(&owner);
        }
    }
}

impl<J> Line<J> {
    fn with(balance: i64) -> Self {
        Self { jobs: VecDeque::new(), running: 0, balance, is_in_turns: false }
    }
}

#[cfg(test)]
mod tests;
