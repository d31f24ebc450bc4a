//! The queue beside a naive one, and the shares of owners who ask for much.

use std::cell::Cell;
use std::rc::Rc;

use proptest::prelude::*;

use super::*;

const BOUNDS: FairBounds = FairBounds {
    per_owner_max: 4,
    waiting_max: 6,
    running_max: 2,
    party_running_max: 3,
    all_running_max: 100,
    quantum: 100,
};

#[derive(Clone, Debug, PartialEq, Eq)]
struct Job {
    number: usize,
    cost: u32,
    wanted: Rc<Cell<bool>>,
}

impl Costs for Job {
    fn cost_max(&self) -> u32 {
        self.cost
    }

    fn is_wanted(&self) -> bool {
        self.wanted.get()
    }
}

fn job(number: usize, cost: u32) -> Job {
    Job { number, cost, wanted: Rc::new(Cell::new(true)) }
}

impl FairQueue<char, char, Job> {
    /// Adds a job of somebody who is a party of their own.
    fn push_alone(&mut self, owner: char, job: Job) -> Option<Refused<Job>> {
        self.push(owner, owner, job)
    }
}

impl<P, K, J> FairQueue<P, K, J>
where
    P: Copy + Eq + Hash + Ord + std::fmt::Debug,
    K: Copy + Eq + Hash + Ord + std::fmt::Debug,
    J: Costs,
{
    /// Compares what it counts as it changes with a fresh count.
    fn audit(&self) {
        let sizes = self.lines.iter().map(|(owner, line)| (line.jobs.len(), *owner));
        let sizes: BTreeSet<_> = sizes.filter(|(size, _)| *size > 0).collect();
        assert_eq!(self.sizes, sizes);
        assert_eq!(self.waiting, sizes.iter().map(|(size, _)| size).sum::<usize>());
        let mut turns: Vec<K> = self.parties.values().flat_map(|party| party.turns.iter()).copied().collect();
        turns.sort_unstable();
        let mut marked: Vec<K> =
            self.lines.iter().filter(|(_, line)| line.is_in_turns).map(|(owner, _)| *owner).collect();
        marked.sort_unstable();
        assert_eq!(turns, marked, "everybody has one turn");
        for (owner, line) in &self.lines {
            let may_run = !line.jobs.is_empty() && line.running < self.bounds.running_max;
            assert!(line.is_in_turns || !may_run, "{owner:?} is forgotten");
            let is_idle = line.jobs.is_empty() && line.running == 0 && !line.is_in_turns;
            assert!(!is_idle, "{owner:?} is remembered");
        }
        let mut turns: Vec<P> = self.turns.iter().copied().collect();
        turns.sort_unstable();
        let is_marked = |party: &(&P, &Party<K>)| party.1.is_in_turns;
        let mut marked: Vec<P> = self.parties.iter().filter(is_marked).map(|(name, _)| *name).collect();
        marked.sort_unstable();
        assert_eq!(turns, marked, "every party has one turn");
        for (name, party) in &self.parties {
            let own = |line: &&Line<P, J>| line.party == *name;
            assert_eq!(
                party.running,
                self.lines.values().filter(own).map(|line| line.running).sum::<usize>()
            );
            let may_run = !party.turns.is_empty() && party.running < self.bounds.party_running_max;
            assert!(party.is_in_turns || !may_run, "{name:?} is forgotten");
            let is_idle = party.turns.is_empty() && party.running == 0 && !party.is_in_turns;
            assert!(!is_idle, "{name:?} is remembered");
        }
    }
}

/// The numbers of the jobs in the order in which they run, one at a time.
fn order(queue: &mut FairQueue<char, char, Job>) -> Vec<usize> {
    let mut order = Vec::new();
    while let Some((job, running)) = queue.take() {
        order.push(job.number);
        queue.done(running, job.cost);
    }
    order
}

#[test]
fn one_owner_with_many_jobs_keeps_another_waiting_for_one_turn_only() {
    let mut queue = FairQueue::new(FairBounds { per_owner_max: 100, waiting_max: 1_000, ..BOUNDS });
    for number in 0..50 {
        assert_eq!(queue.push_alone('m', job(number, 100)), None);
    }
    queue.push_alone('a', job(99, 100));
    assert_eq!(order(&mut queue).iter().position(|number| *number == 99), Some(1));
}

#[test]
fn many_owners_of_one_party_keep_another_party_waiting_for_one_turn_only() {
    let mut queue = FairQueue::new(FairBounds { per_owner_max: 100, waiting_max: 1_000, ..BOUNDS });
    for number in 0..50 {
        let owner = char::from(b'A' + number % 25);
        assert_eq!(queue.push('m', owner, job(usize::from(number), 100)), None);
    }
    queue.push('a', 'a', job(99, 100));
    queue.push('a', 'a', job(98, 100));
    queue.audit();
    let order = order(&mut queue);
    assert_eq!(order[..4], [0, 99, 1, 98], "{order:?}");
    let firsts: BTreeSet<_> = order[4..36].iter().filter(|number| **number < 25).collect();
    assert_eq!(firsts.len(), 23, "within a party, its owners take turns: {order:?}");
    queue.audit();
    assert!(queue.parties.is_empty() && queue.lines.is_empty());
}

/// Eight parties that always ask, each as fifty owners, and what they still have to do.
fn crowd(bounds: FairBounds) -> FairQueue<char, char, Job> {
    let mut queue = FairQueue::new(FairBounds { per_owner_max: 100, waiting_max: 10_000, ..bounds });
    for number in 0..2_000_u32 {
        let owner = char::from_u32(0x1000 + number % 400).unwrap();
        let party = char::from_digit(number % 8, 10).unwrap();
        queue.push(party, owner, job(usize::try_from(number).unwrap(), 100));
    }
    for _ in 0..500 {
        let (job, running) = queue.take().unwrap();
        queue.done(running, job.cost);
    }
    queue.audit();
    queue
}

#[test]
fn whoever_asks_rarely_is_answered_before_a_crowd_that_always_asks() {
    let mut queue = crowd(BOUNDS);
    for round in 0..20 {
        queue.push_alone('a', job(9_999, 40));
        let (first, running) = queue.take().unwrap();
        assert_eq!(first.number, 9_999, "in round {round}");
        queue.done(running, 40);
        // As long as the crowd needs for one round.
        for _ in 0..20 {
            let (job, running) = queue.take().unwrap();
            queue.done(running, job.cost);
        }
        queue.audit();
    }
}

#[test]
fn whoever_comes_back_at_once_is_in_line_with_the_others() {
    let mut queue = crowd(BOUNDS);
    let mut own = 0;
    queue.push_alone('a', job(9_999, 100));
    for _ in 0..90 {
        let (taken, running) = queue.take().unwrap();
        queue.done(running, taken.cost);
        if taken.number == 9_999 {
            own += 1;
            queue.push_alone('a', job(9_999, 100));
        }
    }
    // One of nine parties has a ninth, and the turn before that.
    assert!((10..=11).contains(&own), "{own} of 90");
}

#[test]
fn something_is_kept_free_for_whoever_asks_rarely() {
    let mut queue = crowd(FairBounds { all_running_max: 3, ..BOUNDS });
    let mut running: Vec<_> = (0..3).map(|_| queue.take().unwrap().1).collect();
    assert_eq!(queue.take(), None, "three of the crowd run");
    queue.push_alone('a', job(9_999, 1));
    let (first, own) = queue.take().unwrap();
    assert_eq!(first.number, 9_999);
    queue.push_alone('b', job(9_998, 1));
    assert_eq!(queue.take(), None, "four run");
    queue.done(own, 1);
    running.pop().map(|ended| queue.done(ended, 100)).unwrap();
    assert_eq!(queue.take().unwrap().0.number, 9_998);
    queue.audit();
}

#[test]
fn many_who_come_for_the_first_time_do_not_stop_the_line() {
    let mut queue = crowd(BOUNDS);
    let mut of_crowd = 0;
    for number in 0..500_u32 {
        let newcomer = char::from_u32(0x2000 + number).unwrap();
        queue.push_alone(newcomer, job(9_999, 100));
        let (taken, running) = queue.take().unwrap();
        of_crowd += u32::from(taken.number != 9_999);
        queue.done(running, taken.cost);
        queue.audit();
        assert!(queue.parties.len() < 200, "nobody is remembered for long");
    }
    assert!(of_crowd >= 90, "{of_crowd} of 500");
}

#[test]
fn a_party_has_a_bounded_number_of_running_jobs() {
    let mut queue = FairQueue::new(BOUNDS);
    for (number, owner) in ['b', 'c', 'd', 'e'].into_iter().enumerate() {
        queue.push('m', owner, job(number, 1));
    }
    let mut running: Vec<_> = (0..3).map(|_| queue.take().unwrap().1).collect();
    assert_eq!(queue.take(), None, "three of them run");
    queue.audit();
    queue.push('a', 'a', job(9, 1));
    assert_eq!(queue.take().unwrap().0.number, 9, "and another party is not kept waiting");
    queue.done(running.pop().unwrap(), 1);
    queue.audit();
    assert_eq!(queue.take().unwrap().0.number, 3);
}

#[test]
fn cheap_jobs_are_more_in_a_turn_than_dear_ones() {
    let mut queue = FairQueue::new(FairBounds { per_owner_max: 100, waiting_max: 1_000, ..BOUNDS });
    for number in 0..10 {
        queue.push_alone('m', job(number, 100));
        queue.push_alone('a', job(100 + number, 25));
    }
    assert_eq!(order(&mut queue).split(|number| *number < 100).map(<[_]>::len).max(), Some(4));
}

#[test]
fn a_job_that_cost_more_than_it_was_charged_is_paid_for_by_later_turns() {
    let mut queue = FairQueue::new(BOUNDS);
    queue.push_alone('m', job(1, 100));
    queue.push_alone('m', job(2, 100));
    let (_, running) = queue.take().unwrap();
    for number in 11..15 {
        queue.push_alone('a', job(number, 100));
    }
    queue.done(running, 300);
    assert_eq!(order(&mut queue), [11, 12, 13, 2, 14]);
}

#[test]
fn an_owner_has_a_bounded_number_of_open_jobs_and_of_running_ones() {
    let mut queue = FairQueue::new(BOUNDS);
    for number in 0..4 {
        assert_eq!(queue.push_alone('m', job(number, 1)), None);
    }
    assert_eq!(queue.push_alone('m', job(4, 1)), Some(Refused { job: job(4, 1), why: Crowd::Own }));
    let (_, first) = queue.take().unwrap();
    let (_, second) = queue.take().unwrap();
    assert_eq!(queue.take(), None, "two of them run");
    assert_eq!(
        queue.push_alone('m', job(4, 1)),
        Some(Refused { job: job(4, 1), why: Crowd::Own }),
        "running jobs are open too"
    );
    queue.done(first, 1);
    assert_eq!(queue.push_alone('m', job(4, 1)), None);
    queue.again(second, 1, job(1, 1));
    assert_eq!(queue.take().unwrap().0.number, 1, "the rest of a job comes before others of its owner");
}

#[test]
fn a_full_queue_refuses_the_newest_job_of_who_has_most_and_nobody_elses() {
    let mut queue = FairQueue::new(BOUNDS);
    for number in 0..4 {
        queue.push_alone('m', job(number, 1));
    }
    queue.push_alone('b', job(10, 1));
    queue.push_alone('b', job(11, 1));
    assert_eq!(queue.push_alone('a', job(20, 1)), Some(Refused { job: job(3, 1), why: Crowd::All }));
    assert_eq!(queue.push_alone('a', job(21, 1)), Some(Refused { job: job(2, 1), why: Crowd::All }));
    assert_eq!(
        queue.push_alone('a', job(22, 1)),
        Some(Refused { job: job(22, 1), why: Crowd::All }),
        "nobody has more"
    );
}

#[test]
fn a_job_that_nobody_wants_any_more_does_not_run_and_takes_no_place() {
    let mut queue = FairQueue::new(BOUNDS);
    let jobs: Vec<Job> = (0..4).map(|number| job(number, 1)).collect();
    for job in &jobs {
        queue.push_alone('m', job.clone());
    }
    jobs.iter().take(3).for_each(|job| job.wanted.set(false));
    assert_eq!(queue.push_alone('m', job(4, 1)), None);
    assert_eq!(order(&mut queue), [3, 4]);
    let last = job(5, 1);
    queue.push_alone('m', last.clone());
    last.wanted.set(false);
    assert!(order(&mut queue).is_empty());
}

/// What a naive queue would do, which knows of nothing but a list.
#[derive(Default)]
struct Naive {
    waiting: Vec<(char, usize)>,
    running: Vec<char>,
}

impl Naive {
    fn count(&self, owner: char) -> usize {
        self.waiting.iter().filter(|(other, _)| *other == owner).count()
    }

    fn push(&mut self, owner: char, number: usize) -> Option<usize> {
        let running = self.running.iter().filter(|other| **other == owner).count();
        if self.count(owner) + running >= BOUNDS.per_owner_max {
            return Some(number);
        }
        let mut displaced = None;
        if self.waiting.len() >= BOUNDS.waiting_max {
            let most = ('a'..='d').max_by_key(|other| (self.count(*other), *other)).unwrap();
            if self.count(most) <= self.count(owner) + 1 {
                return Some(number);
            }
            let newest = self.waiting.iter().rposition(|(other, _)| *other == most).unwrap();
            displaced = Some(self.waiting.remove(newest).1);
        }
        self.waiting.push((owner, number));
        displaced
    }

    /// Whether this job may run now: the first of its owner, who has not too many that run.
    fn take(&mut self, number: usize) -> bool {
        let (owner, _) = *self.waiting.iter().find(|(_, waiting)| *waiting == number).unwrap();
        let first = self.waiting.iter().position(|(other, _)| *other == owner).unwrap();
        let is_first = self.waiting.remove(first).1 == number;
        self.running.push(owner);
        let run = |owner: char| self.running.iter().filter(|other| **other == owner).count();
        is_first && run(owner) <= BOUNDS.running_max && run('a') + run('b') <= BOUNDS.party_running_max
    }

    fn has_something(&self) -> bool {
        let run = |owner: char| self.running.iter().filter(|other| **other == owner).count();
        let is_free = |owner: char| {
            let of_party = if matches!(owner, 'a' | 'b') { run('a') + run('b') } else { run(owner) };
            run(owner) < BOUNDS.running_max && of_party < BOUNDS.party_running_max
        };
        self.waiting.iter().any(|(owner, _)| is_free(*owner))
    }
}

#[derive(Clone, Debug)]
enum Act {
    Push(char, u32),
    Take,
    Done(usize, u32),
    Again(usize, u32),
}

fn act() -> impl Strategy<Value = Act> {
    let owner = prop::sample::select(vec!['a', 'b', 'c', 'd']);
    prop_oneof![
        4 => (owner, 1..200_u32).prop_map(|(owner, cost)| Act::Push(owner, cost)),
        3 => Just(Act::Take),
        2 => (0..4_usize, 0..300_u32).prop_map(|(which, cost)| Act::Done(which, cost)),
        1 => (0..4_usize, 0..300_u32).prop_map(|(which, cost)| Act::Again(which, cost)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_queue_takes_refuses_and_runs_what_a_list_would(acts in prop::collection::vec(act(), 0..200)) {
        let (mut queue, mut naive) = (FairQueue::new(BOUNDS), Naive::default());
        let mut running = Vec::new();
        for (number, act) in acts.into_iter().enumerate() {
            match act {
                Act::Push(owner, cost) => {
                    // Two of them are one party.
                    let party = if owner == 'b' { 'a' } else { owner };
                    let refused = queue.push(party, owner, job(number, cost)).map(|Refused { job, .. }| job.number);
                    prop_assert_eq!(refused, naive.push(owner, number));
                }
                Act::Take => match queue.take() {
                    Some((job, ticket)) => {
                        prop_assert!(naive.take(job.number), "{} ran before its time", job.number);
                        running.push((job, ticket));
                    }
                    None => prop_assert!(!naive.has_something(), "something waits and could run"),
                },
                Act::Done(which, cost) if !running.is_empty() => {
                    let which = which % running.len();
                    let (_, ticket) = running.remove(which);
                    naive.running.remove(which);
                    queue.done(ticket, cost);
                }
                Act::Again(which, cost) if !running.is_empty() => {
                    let which = which % running.len();
                    let (job, ticket) = running.remove(which);
                    let owner = naive.running.remove(which);
                    naive.waiting.insert(0, (owner, job.number));
                    queue.again(ticket, cost, job);
                }
                Act::Done(..) | Act::Again(..) => {}
            }
            queue.audit();
        }
    }

    /// All owners always have something to do: none gets ahead of another by more than its last jobs.
    #[test]
    fn owners_who_always_ask_get_the_same_share_of_the_cost(
        costs in prop::collection::vec((1..150_u32, 0..150_u32), 30..300),
        at_once in 1..6_u8,
    ) {
        let running_max = usize::from(at_once);
        let party_running_max = running_max;
        let (per_owner_max, waiting_max) = (1_000, 10_000);
        let bounds = FairBounds { per_owner_max, waiting_max, running_max, party_running_max, ..BOUNDS };
        let mut queue = FairQueue::new(bounds);
        let owners = ['a', 'b', 'c'];
        for (number, (cost_max, _)) in costs.iter().enumerate() {
            for owner in owners {
                // Nobody's jobs cost the same as another's.
                let factor = u32::from(owner) - u32::from('a') + 1;
                queue.push_alone(owner, job(number, cost_max * factor));
            }
        }
        let mut spent = owners.map(|_| 0_i64);
        let mut running = VecDeque::new();
        let mut taken = owners.map(|_| 0_usize);
        while taken.iter().all(|taken| *taken < costs.len()) {
            if running.len() < usize::from(at_once) && let Some((job, ticket)) = queue.take() {
                taken[usize::from(ticket.owner as u8 - b'a')] += 1;
                running.push_back((job, ticket));
                continue;
            }
            let Some((job, ticket)) = running.pop_front() else { break };
            let cost = job.cost.min(costs[job.number].1);
            spent[usize::from(ticket.owner as u8 - b'a')] += i64::from(cost);
            queue.done(ticket, cost);
            let ahead = spent.iter().max().unwrap() - spent.iter().min().unwrap();
            // Some turns, and the jobs that run.
            prop_assert!(ahead <= 300 + 200 * i64::from(at_once), "{spent:?}");
        }
    }
}
