//! [`News`]: how nodes learn that another one has appended: late, twice, in any order, or by looking themselves.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::{Duration, Instant};

use crate::node_number::NodeNumber;
use crate::random::Random;
use crate::rates::NodeRates;

/// How often a node looks when the faults are over.
const CALM_LOOK: Duration = Duration::from_millis(200);

/// What is on its way between the nodes, and how far each is.
#[derive(Debug)]
pub(crate) struct News {
    rates: NodeRates,
    random: Random,
    nodes: Vec<Hearing>,
}

/// What one node is going to hear.
#[derive(Debug)]
struct Hearing {
    changed: Arc<Notify>,
    due: Vec<Instant>,
    looks_at: Instant,
    /// How far it has passed on, while it runs.
    passed_on: Option<u64>,
}

impl News {
    pub(crate) fn new(rates: &NodeRates) -> Self {
        let hearing = || Hearing {
            changed: Arc::default(),
            due: Vec::new(),
            looks_at: Instant::now(),
            passed_on: None,
        };
        let nodes = (0..rates.count).map(|_| hearing()).collect();
        let seed = rates.news_delay.as_nanos() ^ rates.look_every.as_nanos();
        Self { rates: rates.clone(), random: Random::new(u64::try_from(seed).unwrap_or(0)), nodes }
    }

    pub(crate) fn is_of_one(&self) -> bool {
        self.rates.count == 1
    }

    /// From here on nothing is lost or late.
    pub(crate) fn heal(&mut self) {
        self.rates = NodeRates { count: self.rates.count, look_every: CALM_LOOK, ..NodeRates::ONE };
        for node in &mut self.nodes {
            node.looks_at = node.looks_at.min(Instant::now() + CALM_LOOK);
            node.changed.notify_one();
        }
    }

    /// The node that appends just before this one does, if one does.
    pub(crate) fn overtakes(&mut self, node: NodeNumber) -> Option<NodeNumber> {
        let other = NodeNumber(1 - node.0.min(1));
        let happens = self.rates.count > 1 && self.random.chance(self.rates.overtakes);
        happens.then_some(other)
    }

    /// A node has appended.
    pub(crate) fn tell_others(&mut self, node: NodeNumber) {
        for (number, other) in self.nodes.iter_mut().enumerate() {
            if number == node.0 {
                continue;
            }
            let times = 1 + u32::from(self.random.chance(self.rates.news_repeated));
            for _ in 0..times {
                let delay = self.random.around(self.rates.news_delay);
                if !self.random.chance(self.rates.news_lost) {
                    other.due.push(Instant::now() + delay);
                }
            }
            other.changed.notify_one();
        }
    }

    /// When a node hears something next, unless that changes before.
    pub(crate) fn next(&self, NodeNumber(node): NodeNumber) -> (Instant, Arc<Notify>) {
        let hearing = &self.nodes[node];
        let at = hearing.due.iter().copied().fold(hearing.looks_at, Instant::min);
        (at, Arc::clone(&hearing.changed))
    }

    /// A node has heard what was due.
    pub(crate) fn heard(&mut self, NodeNumber(node): NodeNumber) {
        let now = Instant::now();
        let hearing = &mut self.nodes[node];
        hearing.due.retain(|due| *due > now);
        hearing.looks_at = now + self.rates.look_every;
    }

    /// A node has passed on what is up to a position, or runs no more.
    pub(crate) fn passed_on(&mut self, NodeNumber(node): NodeNumber, position: Option<u64>) {
        self.nodes[node].passed_on = position;
    }

    /// How far all nodes are that run, if there are several.
    pub(crate) fn passed_on_by_all(&self) -> Option<u64> {
        let least = || self.nodes.iter().filter_map(|node| node.passed_on).min();
        (self.rates.count > 1).then(least).flatten()
    }
}
