//! [`FairQueue`]: jobs of many owners, which share the work evenly, however much each of them asks for.
//!
//! It is surplus round robin (Adiseshu, Parulkar and Varghese, "A Reliable and Scalable Striping Protocol", SIGCOMM
//! 1996): deficit round robin for jobs whose cost is known only when they are done. Owners take turns. A turn lasts until
//! the owner's balance is used up; then a quantum is added to it for the next turn. A job is charged with the most that it
//! may cost, and the owner gets the rest back when it is done.
//!
//! Whoever can be many owners at once would get many shares. So owners belong to parties: parties share the work evenly in
//! the same way, and so do the owners of each party among themselves. Whoever has not asked for a while comes before those
//! who ask all the time (`Turns`), and something is kept free to run it. The queue knows neither what a job does, nor what
//! a unit of cost or a party is.

mod turns;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::Hash;

use self::turns::{Next, Turns};
use crate::planted::{self, Bug};
use crate::rare::{self, Rare};

/// The bounds of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FairBounds {
    /// Open jobs of one owner: those that wait and those that run. One more is refused.
    pub per_owner_max: usize,
    /// Jobs of all owners that wait. One more displaces the newest job of the owner who has most.
    pub waiting_max: usize,
    /// Jobs of one owner that run at once.
    pub running_max: usize,
    /// Jobs of one party that run at once.
    pub party_running_max: usize,
    /// Jobs of all parties that run at once. One more may run of a party that has not asked for a while.
    pub all_running_max: usize,
    /// What a turn of an owner or a party may cost.
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
pub struct FairQueue<P, K, J> {
    bounds: FairBounds,
    lines: HashMap<K, Line<P, J>>,
    parties: HashMap<P, Party<K>>,
    /// Parties that may have a job to run, in the order of their turns.
    turns: Turns<P>,
    /// Jobs that run.
    running: usize,
    /// Owners with jobs that wait, by their number.
    sizes: BTreeSet<(usize, K)>,
    waiting: usize,
}

/// The jobs of one owner.
#[derive(Debug)]
struct Line<P, J> {
    /// An owner stays in the party of their first job until they have none.
    party: P,
    jobs: VecDeque<J>,
    running: usize,
    /// What is left of this turn. Later turns pay for what is below 0.
    balance: i64,
    is_in_turns: bool,
    /// Whether its owner has had no turn yet.
    is_new: bool,
}

/// Owners who share one share.
#[derive(Debug)]
struct Party<K> {
    /// Those who may have a job to run, in the order of their turns.
    turns: Turns<K>,
    running: usize,
    balance: i64,
    is_in_turns: bool,
    /// Whether it has had no turn yet.
    is_new: bool,
}

/// A job that was not added, or that gave its place to another.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused<J> {
    /// The job.
    pub job: J,
    /// Why there is no room for it.
    pub why: Crowd,
}

/// Of whom there are too many jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crowd {
    /// Of their owner.
    Own,
    /// Of all owners.
    All,
}

/// A job that runs. It must be given back.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "its owner's other jobs wait for it"]
pub struct Running<P, K> {
    party: P,
    owner: K,
    charged: u32,
}

/// What a look at an owner's line, or at a party, has brought.
enum Look<T> {
    Job(T),
    /// Its first job was not wanted.
    Unwanted,
    /// It has to wait for its next turn.
    Spent,
    /// It has nothing that may run.
    Nothing,
}

impl<P: Copy + Eq + Hash, K: Copy + Eq + Hash + Ord, J: Costs> FairQueue<P, K, J> {
    /// An empty queue.
    ///
    /// # Panics
    /// If nothing could ever run within these bounds.
    pub fn new(bounds: FairBounds) -> Self {
        let FairBounds { running_max, party_running_max, all_running_max, quantum, .. } = bounds;
        let running = running_max.min(party_running_max).min(all_running_max);
        assert!(running > 0 && quantum > 0, "a queue lets something run");
        let (lines, parties, turns, sizes) = Default::default();
        Self { bounds, lines, parties, turns, sizes, waiting: 0, running: 0 }
    }

    /// The number of jobs that wait.
    pub fn len(&self) -> usize {
        self.waiting
    }

    /// Owners and parties that are remembered.
    pub fn lines(&self) -> usize {
        self.lines.len() + self.parties.len()
    }

    /// Whether no job waits.
    pub fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Adds a job. Returns the one that is refused for it, or instead of it.
    pub fn push(&mut self, party: P, owner: K, job: J) -> Option<Refused<J>> {
        if self.open(owner) >= self.bounds.per_owner_max {
            self.change(owner, |line| line.jobs.retain(Costs::is_wanted));
        }
        if self.open(owner) >= self.bounds.per_owner_max {
            rare::reached(Rare::TooManyOwnRequests);
            return Some(Refused { job, why: Crowd::Own });
        }
        let mut displaced = None;
        if self.waiting >= self.bounds.waiting_max {
            let own = self.lines.get(&owner).map_or(0, |line| line.jobs.len());
            match self.sizes.last() {
                Some((most, other)) if *most > own + 1 => {
                    rare::reached(Rare::RequestDisplaced);
                    displaced = self.change(*other, |line| line.jobs.pop_back()).flatten();
                }
                Some(_) | None => return Some(Refused { job, why: Crowd::All }),
            }
        }
        let quantum = i64::from(self.bounds.quantum);
        self.lines.entry(owner).or_insert_with(|| Line::new(party, quantum));
        self.change(owner, |line| line.jobs.push_back(job));
        displaced.map(|job| Refused { job, why: Crowd::All })
    }

    /// The job whose turn it is. It runs until it is given back with [`done`](Self::done) or [`again`](Self::again).
    pub fn take(&mut self) -> Option<(J, Running<P, K>)> {
        while let Some(turn) = self.next_turn() {
            let party = turn.who();
            match (self.look_at_party(party), turn) {
                (Look::Job(taken), _) => {
                    self.turns.use_turn(turn);
                    self.running += 1;
                    return Some(taken);
                }
                (Look::Unwanted, _) => {}
                (Look::Spent, _) | (Look::Nothing, Next::Newcomer(_)) => self.turns.end(turn),
                (Look::Nothing, Next::InLine(_)) => {
                    self.turns.remove_first_in_line();
                    if let Some(party) = self.parties.get_mut(&party) {
                        party.is_in_turns = false;
                    }
                    self.forget_idle_party(party);
                }
            }
        }
        None
    }

    /// Whose turn it is. Where as many run as may, it is a newcomer's: one more of those may run.
    fn next_turn(&self) -> Option<Next<P>> {
        let all_running_max = self.bounds.all_running_max;
        match self.running {
            running if running < all_running_max => self.turns.next(),
            running if running == all_running_max => self.turns.next_newcomer(),
            _ => None,
        }
    }

    /// A job is done, and has cost this.
    pub fn done(&mut self, running: Running<P, K>, cost: u32) {
        let owner = running.owner;
        self.settle(running, cost, |_| ());
        self.forget_idle(owner);
    }

    /// Part of a job is done, and has cost this. The rest is its owner's next job.
    pub fn again(&mut self, running: Running<P, K>, cost: u32, job: J) {
        self.settle(running, cost, |line| line.jobs.push_front(job));
    }

    #[expect(clippy::needless_pass_by_value, reason = "nobody gives a job back twice")]
    fn settle(&mut self, running: Running<P, K>, cost: u32, change: impl FnOnce(&mut Line<P, J>)) {
        let Running { party, owner, charged } = running;
        let rest = i64::from(charged) - i64::from(cost);
        self.running -= 1;
        if let Some(party) = self.parties.get_mut(&party) {
            party.running -= 1;
            party.balance += rest;
        }
        self.change(owner, |line| {
            line.running -= 1;
            line.balance += rest;
            change(line);
        });
        self.wake(party);
        self.forget_idle_party(party);
    }

    fn look_at_party(&mut self, party: P) -> Look<(J, Running<P, K>)> {
        let FairBounds { party_running_max, quantum, .. } = self.bounds;
        let Some(found) = self.parties.get_mut(&party) else { return Look::Nothing };
        let Some(turn) = found.turns.next() else { return Look::Nothing };
        let owner = turn.who();
        if found.running >= party_running_max {
            return Look::Nothing;
        }
        if found.balance <= 0 && !planted::is(Bug::AnswersOneUntilNoneIsLeft) {
            found.balance += i64::from(quantum);
            return Look::Spent;
        }
        match (self.look(owner), turn) {
            (Look::Job(job), _) => {
                let charged = job.cost_max();
                if let Some(party) = self.parties.get_mut(&party) {
                    party.turns.use_turn(turn);
                    party.running += 1;
                    party.balance -= i64::from(charged);
                }
                return Look::Job((job, Running { party, owner, charged }));
            }
            (Look::Unwanted, _) => {}
            (Look::Spent, _) | (Look::Nothing, Next::Newcomer(_)) => {
                self.turns_of(party, |turns| turns.end(turn));
            }
            (Look::Nothing, Next::InLine(_)) => {
                self.turns_of(party, Turns::remove_first_in_line);
                if let Some(line) = self.lines.get_mut(&owner) {
                    line.is_in_turns = false;
                }
                self.forget_idle(owner);
            }
        }
        // Its turn is not over.
        Look::Unwanted
    }

    fn turns_of(&mut self, party: P, change: impl FnOnce(&mut Turns<K>)) {
        if let Some(party) = self.parties.get_mut(&party) {
            change(&mut party.turns);
        }
    }

    fn look(&mut self, owner: K) -> Look<J> {
        let FairBounds { running_max, quantum, .. } = self.bounds;
        let Some(line) = self.lines.get_mut(&owner) else { return Look::Nothing };
        if line.jobs.is_empty() || line.running >= running_max {
            return Look::Nothing;
        }
        if line.balance <= 0 && !planted::is(Bug::AnswersOneUntilNoneIsLeft) {
            rare::reached(Rare::TurnUsedUp);
            line.balance += i64::from(quantum);
            return Look::Spent;
        }
        let taken = self.change(owner, |line| {
            let job = line.jobs.pop_front()?;
            if job.is_wanted() {
                line.running += 1;
                line.balance -= i64::from(job.cost_max());
            }
            Some(job)
        });
        match taken.flatten() {
            Some(job) if job.is_wanted() => Look::Job(job),
            Some(_) => {
                rare::reached(Rare::RequestUnwanted);
                Look::Unwanted
            }
            None => Look::Nothing,
        }
    }

    fn open(&self, owner: K) -> usize {
        self.lines.get(&owner).map_or(0, |line| line.jobs.len() + line.running)
    }

    /// Changes a line, and what is known of it with it.
    fn change<T>(&mut self, owner: K, change: impl FnOnce(&mut Line<P, J>) -> T) -> Option<T> {
        let line = self.lines.get_mut(&owner)?;
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
            let (party, is_new) = (line.party, std::mem::take(&mut line.is_new));
            let quantum = i64::from(self.bounds.quantum);
            let turns = &mut self.parties.entry(party).or_insert_with(|| Party::new(quantum)).turns;
            if is_new && !planted::is(Bug::AnswersOneUntilNoneIsLeft) {
                turns.welcome(owner);
            } else {
                turns.queue(owner);
            }
            self.wake(party);
        }
        Some(result)
    }

    /// Gives a party a turn if one of its owners may have something to run.
    fn wake(&mut self, party: P) {
        let Some(found) = self.parties.get_mut(&party) else { return };
        let may_run = !found.turns.is_empty() && found.running < self.bounds.party_running_max;
        if may_run && !found.is_in_turns {
            found.is_in_turns = true;
            let is_new = std::mem::take(&mut found.is_new);
            if is_new && !planted::is(Bug::AnswersOneUntilNoneIsLeft) {
                self.turns.welcome(party);
            } else {
                self.turns.queue(party);
            }
        }
    }

    /// An owner without jobs is not remembered: debts are no larger than one job.
    fn forget_idle(&mut self, owner: K) {
        let is_idle = |line: &Line<P, J>| line.jobs.is_empty() && line.running == 0 && !line.is_in_turns;
        if self.lines.get(&owner).is_some_and(is_idle) {
            self.lines.remove(&owner);
        }
    }

    fn forget_idle_party(&mut self, party: P) {
        let is_idle = |party: &Party<K>| party.turns.is_empty() && party.running == 0 && !party.is_in_turns;
        if self.parties.get(&party).is_some_and(is_idle) {
            self.parties.remove(&party);
        }
    }
}

impl<P, J> Line<P, J> {
    fn new(party: P, balance: i64) -> Self {
        Self { party, jobs: VecDeque::new(), running: 0, balance, is_in_turns: false, is_new: true }
    }
}

impl<K> Party<K> {
    fn new(balance: i64) -> Self {
        Self { turns: Turns::default(), running: 0, balance, is_in_turns: false, is_new: true }
    }
}

#[cfg(test)]
mod tests;
