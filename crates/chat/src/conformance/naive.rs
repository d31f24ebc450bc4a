//! A naive second implementation of the whole chat: a list of what happened, which is searched for every answer.
//!
//! It shares no code with the decisions, the directory and the logs, only their types, and is written from
//! `docs/protocol.md`. Both backends share the decisions, so a mistake there would appear on both sides of any comparison
//! between them; here it does not. Histories come from a seed. After every step, each answer and the whole directory are
//! compared. A history that fails is cut down to the steps that matter.

mod compare;
mod life;
mod list;
mod names;
mod rare;
mod rules;

use std::collections::{BTreeSet, HashSet};
use std::mem::discriminant;

use crate::command::Draft;
use crate::decide::{Limits, Storage, decide};
use crate::directory::Directory;
use crate::ids::RoomId;
use crate::log::Log;
use crate::outcome::Outcome;

use super::{Bench, commands_of_lives};
use compare::{compare, same};
use life::{Fate, Move, Step, history};
use list::List;
use rare::{Rare, seen, seen_at_once};

/// Small, so that they are met.
const LIMITS: Limits = Limits {
    text_bytes_max: 8,
    rooms_joined_max: 3,
    direct_members_max: 3,
    private_members_max: 3,
    rooms_max: 6,
    rooms_for_guests_percent: 84,
    sign_ins_max: 3,
};

/// The steps of one history.
const STEPS: usize = 120;

/// Plays the histories of these seeds, each over a new log. Returns the rare situations that none of them has reached, and
/// the commands that none of them has.
///
/// # Panics
///
/// If a log or its directory ever differs from the list: with the seed, and the fewest steps that still show it.
pub fn agrees_with_the_list<B: Bench>(
    new: impl Fn() -> B,
    seeds: impl IntoIterator<Item = u64>,
) -> Vec<String> {
    let mut reached = BTreeSet::new();
    let mut sent = HashSet::new();
    for seed in seeds {
        let steps = history(seed, STEPS, LIMITS);
        sent.extend(steps.iter().flat_map(|step| &step.moves).filter_map(Move::kind_of_command));
        if let Ok(rare) = play(&mut new(), &steps) {
            reached.extend(rare);
        } else {
            let steps = fewest(&new, steps);
            let why = play(&mut new(), &steps).expect_err("it failed before");
            panic!("history {seed}: {why}\nafter\n{steps:#?}");
        }
    }
    let rare = Rare::ALL.into_iter().filter(|rare| !reached.contains(rare)).map(|rare| rare.name().into());
    let commands = commands_of_lives().into_iter().filter(|command| !sent.contains(&discriminant(command)));
    rare.chain(commands.map(|command| format!("{command:?}"))).collect()
}

/// Takes out steps, many at a time and then single ones, as long as the rest still fails.
fn fewest<B: Bench>(new: &impl Fn() -> B, mut steps: Vec<Step>) -> Vec<Step> {
    let mut many = steps.len() / 2;
    while many > 0 {
        let mut first = 0;
        while first < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(first..(first + many).min(steps.len()));
            if play(&mut new(), &fewer).is_err() {
                steps = fewer;
            } else {
                first += many;
            }
        }
        many /= 2;
    }
    steps
}

/// Plays a history on a log and on the list.
fn play(bench: &mut impl Bench, steps: &[Step]) -> Result<BTreeSet<Rare>, String> {
    let told = |err: &dyn std::error::Error| err.to_string();
    let mut reached = BTreeSet::new();
    let mut list = List::default();
    let (mut log, mut reader) = bench.open();
    let mut directory = Directory::load(&mut log).map_err(|err| told(&err))?;
    for step in steps {
        let mut then = list.clone();
        let mut rare = Vec::new();
        let mut drafts: Vec<Draft> = Vec::new();
        let mut expected = Vec::new();
        for one in &step.moves {
            let Some(draft) = one.draft(&then) else { continue };
            let before = then.clone();
            let outcome = then.take(&draft, LIMITS);
            rare.extend(seen(&before, &draft, outcome));
            drafts.push(draft);
            expected.push(outcome);
        }
        let touched = rooms_of(&expected);
        rare.extend(seen_at_once(&drafts, &expected));
        let decided =
            decide(&mut log, &directory, LIMITS, Storage::Open, &drafts).map_err(|err| told(&err))?;
        same(|| format!("answers to {drafts:?}"), &decided.outcomes, &expected)?;
        if step.fate == Fate::RolledBack {
            reached.insert(Rare::RolledBack);
        } else {
            log.append(&decided.records).map_err(|err| told(&err))?;
            directory = decided.directory;
            list = then;
            reached.extend(rare);
        }
        if step.fate == Fate::StoredAndReopened {
            reached.insert(Rare::Reopened);
            drop((log, reader));
            (log, reader) = bench.open();
            directory = Directory::load(&mut log).map_err(|err| told(&err))?;
        }
        compare(&list, &mut log, &reader, &directory, &touched)?;
    }
    Ok(reached)
}

/// The rooms whose log may have changed.
fn rooms_of(outcomes: &[Outcome]) -> BTreeSet<RoomId> {
    let room = |outcome: &Outcome| match outcome {
        Outcome::Stored(receipt) | Outcome::Repeated(receipt) => Some(receipt.room),
        Outcome::Already { room } | Outcome::Read { room, .. } => Some(*room),
        Outcome::Refused(_) | Outcome::Skipped | Outcome::Expected { .. } | Outcome::StorageFull => None,
    };
    outcomes.iter().filter_map(room).collect()
}
