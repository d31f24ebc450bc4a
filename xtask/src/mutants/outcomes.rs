//! Reads what cargo-mutants found.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

/// What became of some changes, by their names without their places, which move.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcomes {
    pub(super) noticed: Vec<String>,
    /// Does not compile.
    pub(super) impossible: Vec<String>,
    pub(super) lived: Vec<String>,
}

#[derive(Deserialize)]
struct File {
    outcomes: Vec<Outcome>,
}

#[derive(Deserialize)]
struct Outcome {
    scenario: Scenario,
    summary: String,
}

#[derive(Deserialize)]
enum Scenario {
    Baseline,
    Mutant { name: String },
}

impl Outcomes {
    pub(super) fn read(file: &Path) -> Result<Self, String> {
        let told = |err: &dyn std::error::Error| format!("{}: {err}", file.display());
        let text = fs::read_to_string(file).map_err(|err| told(&err))?;
        let File { outcomes } = serde_json::from_str(&text).map_err(|err| told(&err))?;
        Self::count(outcomes)
    }

    /// Takes over what other tests have noticed of what lived.
    pub(super) fn update(&mut self, later: &Self) {
        let (still, noticed) = sort_out(std::mem::take(&mut self.lived), later);
        self.lived = still;
        self.noticed.extend(noticed);
    }

    fn count(outcomes: Vec<Outcome>) -> Result<Self, String> {
        let mut counts = Self::default();
        for Outcome { scenario, summary } in outcomes {
            let Scenario::Mutant { name } = scenario else {
                if summary != "Success" {
                    return Err(format!("the tests of the unchanged code: {summary}"));
                }
                continue;
            };
            let fate = match summary.as_str() {
                // A change by which a test hangs is noticed.
                "CaughtMutant" | "Timeout" => &mut counts.noticed,
                "Unviable" => &mut counts.impossible,
                _ => &mut counts.lived,
            };
            fate.push(without_place(&name));
        }
        Ok(counts)
    }
}

/// Which changes still live, and which are noticed now. The outcomes may contain others, too. Changes that the code no longer
/// allows are in neither: nobody has noticed them.
pub(super) fn sort_out(lived: Vec<String>, later: &Outcomes) -> (Vec<String>, Vec<String>) {
    let (mut still, mut noticed) = (number_of_each(&later.lived), number_of_each(&later.noticed));
    let take = |numbers: &mut BTreeMap<&str, usize>, name: &str| match numbers.get_mut(name) {
        Some(left) if *left > 0 => {
            *left -= 1;
            true
        }
        Some(_) | None => false,
    };
    let (still, gone): (Vec<_>, Vec<_>) = lived.into_iter().partition(|name| take(&mut still, name));
    (still, gone.into_iter().filter(|name| take(&mut noticed, name)).collect())
}

fn number_of_each(names: &[String]) -> BTreeMap<&str, usize> {
    let mut numbers = BTreeMap::new();
    for name in names {
        *numbers.entry(name.as_str()).or_default() += 1;
    }
    numbers
}

/// `crates/chat/src/ids.rs:29:5: replace …` without the line and the column.
fn without_place(name: &str) -> String {
    let Some((place, change)) = name.split_once(": ") else { return name.to_owned() };
    let file = place.split(':').next().unwrap_or(place);
    format!("{file}: {change}")
}

/// A regular expression for the changes with this name, wherever they are now.
pub(super) fn expression_of(name: &str) -> String {
    let (file, change) = name.split_once(": ").unwrap_or(("", name));
    format!("^{}:[0-9]+:[0-9]+: {}$", escaped(file), escaped(change))
}

fn escaped(text: &str) -> String {
    let is_special = |char: char| r"\.+*?()|[]{}^$".contains(char);
    text.chars().flat_map(|char| is_special(char).then_some('\\').into_iter().chain([char])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(name: &str, summary: &str) -> Outcome {
        Outcome { scenario: Scenario::Mutant { name: name.into() }, summary: summary.into() }
    }

    #[test]
    fn a_change_is_known_by_what_it_is_and_not_by_its_place() {
        let outcomes = vec![
            outcome("a.rs:7:2: replace f -> bool with false", "MissedMutant"),
            outcome("b.rs:1:1: replace g -> u8 with 0", "Timeout"),
            outcome("b.rs:1:1: replace g -> u8 with 1", "CaughtMutant"),
            outcome("b.rs:1:1: replace g -> T with Default", "Unviable"),
        ];
        let names = |names: &[&str]| names.iter().map(|name| format!("b.rs: replace g -> {name}")).collect();
        let expected = Outcomes {
            noticed: names(&["u8 with 0", "u8 with 1"]),
            impossible: names(&["T with Default"]),
            lived: vec!["a.rs: replace f -> bool with false".to_owned()],
        };
        assert_eq!(Outcomes::count(outcomes), Ok(expected));
    }

    #[test]
    fn what_other_tests_have_noticed_does_not_live_any_more() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut outcomes =
            Outcomes { noticed: names(&["a"]), lived: names(&["b", "c", "c", "d"]), ..Outcomes::default() };
        let later =
            Outcomes { noticed: names(&["b", "c"]), lived: names(&["c", "e"]), ..Outcomes::default() };
        outcomes.update(&later);
        assert_eq!((outcomes.noticed, outcomes.lived), (names(&["a", "b", "c"]), names(&["c"])));
    }

    #[test]
    fn tests_that_fail_by_themselves_measure_nothing() {
        let baseline = Outcome { scenario: Scenario::Baseline, summary: "Failure".into() };
        assert!(Outcomes::count(vec![baseline]).is_err());
    }

    #[test]
    fn a_change_is_found_again_wherever_it_is() {
        let expected = r"^a/b\.rs:[0-9]+:[0-9]+: replace f -> Vec<u8> with vec!\[\]$";
        assert_eq!(expression_of("a/b.rs: replace f -> Vec<u8> with vec![]"), expected);
    }
}
