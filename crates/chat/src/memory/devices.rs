//! The commands of devices in a log in memory: entries, and runs of numbers that have none.

use std::collections::{BTreeMap, HashMap};

use crate::device::Device;
use crate::hash::ContentHash;
use crate::ids::{CommandNumber, Position};
use crate::outcome::{Outcome, Receipt};
use crate::planted::{self, Bug};
use crate::rare::{self, Rare};
use crate::run::{Kept, Run};
use crate::spent::{Answered, Counted, KeptContent, Spent};

/// What became of the commands of each device, by the first number of each [`Used`].
#[derive(Clone, Debug, Default)]
pub(super) struct Devices(HashMap<Device, BTreeMap<CommandNumber, Used>>);

/// What numbers were used up for.
#[derive(Clone, Debug)]
enum Used {
    /// One number, for an entry.
    Entry(Position, Answered),
    /// Numbers without an entry, and the head of the log when each was used up.
    Run(Run, Vec<Position>),
}

impl Devices {
    pub(super) fn find(&self, device: Device, n: CommandNumber) -> Counted {
        let Some(commands) = self.0.get(&device) else { return Counted::default() };
        let answered = match commands.range(..=n).next_back() {
            Some((of, Used::Entry(_, answered))) if *of == n => Some(*answered),
            Some((_, Used::Run(run, _))) => run.answered(n),
            Some((_, Used::Entry(..))) | None => None,
        };
        Counted { last: last(commands), answered }
    }

    /// The next number of a device is that of an entry.
    pub(super) fn store(&mut self, device: Device, n: CommandNumber, receipt: Receipt, content: ContentHash) {
        let content = KeptContent::Hash(content);
        let answered = Answered { content, outcome: Outcome::Repeated(receipt) };
        self.commands(device, n).insert(n, Used::Entry(receipt.position, answered));
    }

    /// The next number of a device has no entry.
    pub(super) fn spend(&mut self, spent: &Spent, head: Position) {
        let commands = self.commands(spent.device, spent.n);
        match commands.values_mut().next_back() {
            Some(Used::Run(run, heads)) if run.takes(spent) => {
                rare::reached(Rare::RunGrew);
                run.add(Kept::of(spent));
                heads.push(head);
            }
            Some(Used::Run(..) | Used::Entry(..)) | None => {
                commands.insert(spent.n, Used::Run(Run::of(*spent), vec![head]));
            }
        }
    }

    /// The commands of a device, of which `n` is the next.
    fn commands(&mut self, device: Device, n: CommandNumber) -> &mut BTreeMap<CommandNumber, Used> {
        let commands = self.0.entry(device).or_default();
        let counts = n == last(commands).next() || planted::is(Bug::RunsTooFar);
        assert!(counts, "the caller counts without a gap");
        commands
    }

    /// Takes back what was used up after `head`.
    pub(super) fn take_back(&mut self, head: Position) {
        for commands in self.0.values_mut() {
            commands.retain(|_, used| match used {
                Used::Entry(position, _) => *position <= head,
                Used::Run(run, heads) => {
                    heads.retain(|position| *position <= head);
                    run.shorten(heads.len());
                    !heads.is_empty()
                }
            });
        }
    }

    /// For the planted bug that loses at a start what runs have grown by.
    pub(super) fn forget_runs(&mut self) {
        for used in self.0.values_mut().flat_map(BTreeMap::values_mut) {
            if let Used::Run(run, heads) = used {
                run.shorten(1);
                heads.truncate(1);
            }
        }
    }
}

/// The last number of a device; zero if it has sent nothing.
fn last(commands: &BTreeMap<CommandNumber, Used>) -> CommandNumber {
    match commands.last_key_value() {
        None => CommandNumber::ZERO,
        Some((n, Used::Entry(..))) => *n,
        Some((_, Used::Run(run, _))) => run.last(),
    }
}
