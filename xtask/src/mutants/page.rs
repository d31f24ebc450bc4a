//! Writes docs/mutants.md from the ledger, and says whether a part is good enough.

#![expect(clippy::print_stdout, reason = "what a command prints is its result")]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::ledger::{Counts, Ledger};
use super::parts::{PARTS, Part, REVIEWED_PERCENT_MAX};

const HEAD: &str = "\
# Mutants

Written by `cargo xtask mutants`. It changes the code in many small ways, one at a time, and runs the tests of the changed
crate. The simulation is asked about what they have not noticed, where it runs that code; end-to-end tests, browser tests
and the proof are not asked. A change that nothing notices shows what the tests do not check. *Reviewed* changes are in `xtask/mutants-reviewed.txt`, each with the reason why no test can
notice it; *impossible* ones do not compile.

All changes take a machine with two cores most of a day. So the changes of each part are dealt into shards like cards,
and each run adds some shards to `xtask/mutants-ledger.json`. *Tried* says how many changes that are until now. The share
of noticed changes is of those that can be noticed: *at first* before tests were added for those that lived, *now* with
them. Where not all changes were tried, the true share is estimated: it lies in the interval with a probability of 95 %,
as far as the shards that were tried first resemble the others. Tests were added for what lived in them, so *at first* is
the better guide to what is not tried yet, and its interval is the one that is given.

| part | changes | shards tried | tried | noticed | reviewed | live | impossible | at first | 95 % interval | now | needed |
|---|---|---|---|---|---|---|---|---|---|---|---|
";

/// The page.
pub(super) fn text(ledger: &Ledger, reviewed: &BTreeSet<String>) -> String {
    let mut page = HEAD.to_owned();
    for part in PARTS {
        page.push_str(&row(ledger, part, &ledger.counts(part, reviewed)));
    }
    page.push_str("\n## Changes that live\n\nThese wait for a test.\n\n");
    let lives: Vec<_> = PARTS.iter().flat_map(|part| ledger.counts(part, reviewed).lives).collect();
    for name in &lives {
        writeln!(page, "- `{name}`").expect("a string takes everything");
    }
    if lives.is_empty() {
        page.push_str("None is known.\n");
    }
    page
}

fn row(ledger: &Ledger, part: &Part, counts: &Counts<'_>) -> String {
    let shards = ledger.measured(part);
    if shards == 0 {
        return format!("| {} | not measured yet | | | | | | | | | | {} % |\n", part.name, part.percent_min);
    }
    let first = counts.possible() - counts.lived_at_first.min(counts.possible());
    let interval = if ledger.is_whole(part) {
        "all tried".to_owned()
    } else {
        let (low, high) = interval(first, counts.possible());
        format!("{low:.0} to {high:.0} %")
    };
    let numbers = [counts.tried(), counts.noticed, counts.reviewed, counts.lives.len(), counts.impossible];
    let numbers = numbers.map(|number| number.to_string()).join(" | ");
    format!(
        "| {} | {} | {shards} of {} | {numbers} | {} % | {interval} | {} % | {} % |\n",
        part.name,
        ledger.changes(part),
        part.shards,
        percent(first, counts.possible()),
        counts.percent(),
        part.percent_min
    )
}

/// Prints the result of a part, and whether it is good enough.
pub(super) fn say(ledger: &Ledger, part: &Part, reviewed: &BTreeSet<String>) -> bool {
    let counts = ledger.counts(part, reviewed);
    for name in &counts.lives {
        println!("lives: {name}");
    }
    let (name, percent, needed) = (part.name, counts.percent(), part.percent_min);
    let possible = counts.possible();
    println!("{name}: {} of {possible} changes noticed, {percent} % ({needed} are needed)", counts.noticed);
    // A sample of a few changes may have one more.
    let is_short = counts.reviewed * 100 <= REVIEWED_PERCENT_MAX * possible.max(100);
    if !is_short {
        println!("{name}: more than {REVIEWED_PERCENT_MAX} % are in the reviewed list");
    }
    percent >= needed && is_short
}

impl Counts<'_> {
    fn tried(&self) -> usize {
        self.possible() + self.impossible
    }

    /// Those that compile.
    fn possible(&self) -> usize {
        self.noticed + self.reviewed + self.lives.len()
    }

    /// The noticed ones of those that can be.
    fn percent(&self) -> usize {
        percent(self.noticed, self.possible() - self.reviewed)
    }
}

fn percent(part: usize, all: usize) -> usize {
    (100 * part).checked_div(all).unwrap_or(100)
}

/// Wilson's interval for a share, in per cent.
#[expect(clippy::cast_precision_loss, reason = "some thousand changes at most")]
fn interval(part: usize, all: usize) -> (f64, f64) {
    const Z: f64 = 1.96;
    let (share, all) = (part as f64 / all.max(1) as f64, all.max(1) as f64);
    let middle = share + Z * Z / (2.0 * all);
    let half = Z * (share * (1.0 - share) / all + Z * Z / (4.0 * all * all)).sqrt();
    let scale = 100.0 / (1.0 + Z * Z / all);
    ((middle - half) * scale, (middle + half) * scale)
}

#[cfg(test)]
mod tests {
    use super::super::ledger::Shard;
    use super::super::outcomes::Outcomes;
    use super::*;

    #[test]
    fn a_row_tells_what_is_known_and_how_well() {
        let part = PARTS.iter().find(|part| part.name == "socketio").unwrap();
        let mut ledger = Ledger::default();
        let lived = vec!["a".to_owned(), "b".to_owned()];
        let some = |number| vec!["x".to_owned(); number];
        let outcomes = Outcomes { noticed: some(48), impossible: some(7), lived };
        ledger.add(Shard::new(part, 0, "2026-11-01", 451, outcomes));
        let page = text(&ledger, &BTreeSet::from(["b".to_owned()]));
        let row = "\n| socketio | 451 | 1 of 8 | 57 | 48 | 1 | 1 | 7 | 96 % | 87 to 99 % | 97 % | 95 % |\n";
        assert!(page.contains(row), "{page}");
        assert!(page.contains("\n| chat | not measured yet |"));
        assert!(page.ends_with("\n\n- `a`\n"));
    }

    #[test]
    fn intervals_are_wilsons() {
        let (low, high) = interval(9, 10);
        assert!((59.5..59.7).contains(&low) && (98.2..98.3).contains(&high), "{low} to {high}");
        assert!(interval(10, 10).1 <= 100.0);
    }
}
