//! What was measured: for each shard of a part how many changes were noticed, and which lived.
//!
//! A shard that is measured again replaces its earlier result; how many changes lived the first time is kept, to show
//! what has become better. Whether a change is reviewed is decided when the ledger is read.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::LEDGER;
use super::outcomes::{Outcomes, sort_out};
use super::parts::Part;

/// All shards that were ever measured.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Ledger(Vec<Shard>);

/// The last result of one shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shard {
    part: String,
    index: usize,
    of: usize,
    date: String,
    /// All changes of the part.
    changes: usize,
    noticed: usize,
    /// Changes that do not compile.
    impossible: usize,
    lived_at_first: usize,
    pub(super) lived: Vec<String>,
}

/// The sums of a part.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts<'a> {
    pub(super) noticed: usize,
    pub(super) impossible: usize,
    pub(super) reviewed: usize,
    pub(super) lived_at_first: usize,
    pub(super) lives: Vec<&'a str>,
}

impl Shard {
    pub(super) fn new(part: &Part, index: usize, date: &str, changes: usize, outcomes: Outcomes) -> Self {
        let Outcomes { noticed, impossible, lived } = outcomes;
        Self {
            part: part.name.to_owned(),
            index,
            of: part.shards,
            date: date.to_owned(),
            changes,
            noticed: noticed.len(),
            impossible: impossible.len(),
            lived_at_first: lived.len(),
            lived,
        }
    }

    /// Takes over what has become of the changes that lived.
    pub(super) fn update(&mut self, outcomes: &Outcomes) {
        let (still, noticed) = sort_out(std::mem::take(&mut self.lived), outcomes);
        self.lived = still;
        self.noticed += noticed.len();
    }
}

impl Ledger {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|err| format!("{LEDGER}: {err}"))
    }

    pub(super) fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a ledger has no maps with odd keys");
        text.push('\n');
        text
    }

    /// Adds a result, in place of an earlier one of the same shard.
    pub(super) fn add(&mut self, mut new: Shard) {
        let key = |shard: &Shard| (shard.part.clone(), shard.of, shard.index);
        if let Some(old) = self.0.iter().find(|old| key(old) == key(&new)) {
            new.lived_at_first = old.lived_at_first;
        }
        self.0.retain(|old| key(old) != key(&new));
        self.0.push(new);
        self.0.sort_by_key(key);
    }

    /// The shards to measure next: those that never were, then the oldest.
    pub(super) fn next_shards(&self, part: &Part, count: usize) -> Vec<usize> {
        let date =
            |index: &usize| self.of(part).find(|shard| shard.index == *index).map(|shard| shard.date.clone());
        let mut indexes: Vec<usize> = (0..part.shards).collect();
        indexes.sort_by_key(|index| (date(index), *index));
        indexes.truncate(count);
        indexes
    }

    /// The shards in which a change lives.
    pub(super) fn shards_with_lives(&mut self, part: &Part) -> impl Iterator<Item = &mut Shard> {
        self.0.iter_mut().filter(|shard| shard.is_of(part) && !shard.lived.is_empty())
    }

    /// How many changes the part had when it was measured last.
    pub(super) fn changes(&self, part: &Part) -> usize {
        self.of(part).max_by(|a, b| a.date.cmp(&b.date)).map_or(0, |shard| shard.changes)
    }

    /// Whether every shard was measured.
    pub(super) fn is_whole(&self, part: &Part) -> bool {
        self.of(part).count() == part.shards
    }

    /// How many shards were measured.
    pub(super) fn measured(&self, part: &Part) -> usize {
        self.of(part).count()
    }

    /// The sums of a part.
    pub(super) fn counts(&self, part: &Part, reviewed: &BTreeSet<String>) -> Counts<'_> {
        let mut counts = Counts::default();
        for shard in self.of(part) {
            counts.noticed += shard.noticed;
            counts.impossible += shard.impossible;
            counts.lived_at_first += shard.lived_at_first;
            let (is_reviewed, lives): (Vec<_>, Vec<_>) =
                shard.lived.iter().map(String::as_str).partition(|name| reviewed.contains(*name));
            counts.reviewed += is_reviewed.len();
            counts.lives.extend(lives);
        }
        counts
    }

    fn of(&self, part: &Part) -> impl Iterator<Item = &Shard> {
        self.0.iter().filter(|shard| shard.is_of(part))
    }
}

impl Shard {
    /// Shards of another division say nothing about this one.
    fn is_of(&self, part: &Part) -> bool {
        self.part == part.name && self.of == part.shards
    }
}

#[cfg(test)]
mod tests {
    use super::super::parts::PARTS;
    use super::*;

    fn outcomes(noticed: usize, lived: &[&str]) -> Outcomes {
        let lived = lived.iter().map(|name| (*name).to_owned()).collect();
        Outcomes { noticed: vec!["n".to_owned(); noticed], impossible: vec!["i".to_owned()], lived }
    }

    fn socketio() -> &'static Part {
        PARTS.iter().find(|part| part.name == "socketio").unwrap()
    }

    #[test]
    fn shards_that_were_never_measured_come_first_and_then_the_oldest() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.next_shards(socketio(), 2), [0, 1]);
        for (index, date) in [(0, "2026-11-02"), (1, "2026-11-01"), (2, "2026-11-03")] {
            ledger.add(Shard::new(socketio(), index, date, 451, outcomes(9, &[])));
        }
        assert_eq!(ledger.next_shards(socketio(), 1), [3]);
        assert!(!ledger.is_whole(socketio()));
        for index in 3..8 {
            ledger.add(Shard::new(socketio(), index, "2026-11-04", 450, outcomes(9, &[])));
        }
        assert!(ledger.is_whole(socketio()));
        assert_eq!(ledger.next_shards(socketio(), 2), [1, 0]);
        assert_eq!(ledger.changes(socketio()), 450);
    }

    #[test]
    fn a_shard_that_is_measured_again_keeps_how_many_lived_at_first() {
        let mut ledger = Ledger::default();
        ledger.add(Shard::new(socketio(), 0, "2026-11-01", 451, outcomes(5, &["a", "b", "c"])));
        ledger.add(Shard::new(socketio(), 0, "2026-11-02", 451, outcomes(7, &["b"])));
        let reviewed = BTreeSet::from(["b".to_owned()]);
        let counts = ledger.counts(socketio(), &reviewed);
        let expected = Counts { noticed: 7, impossible: 1, reviewed: 1, lived_at_first: 3, lives: vec![] };
        assert_eq!(counts, expected);
    }

    #[test]
    fn what_lived_is_updated_by_a_second_try() {
        let mut shard = Shard::new(socketio(), 0, "2026-11-01", 451, outcomes(5, &["a", "a", "b", "c"]));
        // One of the two called `a` is noticed now, `b` still lives, `c` is gone, and others were tried beside them.
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let (noticed, lived) = (names(&["a", "x"]), names(&["a", "b", "y"]));
        shard.update(&Outcomes { noticed, impossible: Vec::new(), lived });
        assert_eq!((shard.noticed, shard.lived), (6, vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn a_ledger_is_read_as_it_was_written() {
        let mut ledger = Ledger::default();
        ledger.add(Shard::new(socketio(), 3, "2026-11-01", 451, outcomes(5, &["a"])));
        assert_eq!(Ledger::parse(&ledger.text()).unwrap().0, ledger.0);
    }
}
