//! A plain second implementation of the decisions: a list that is searched from its beginning.
//!
//! After any history, the answers and the contents of a log must equal those of the list.

use crate::command::{Command, Draft, Identity};
use crate::decide::Limits;
use crate::device::Device;
use crate::entry::{Kind, UnixMillis};
use crate::ids::{CommandNumber, Lineage, RoomId};
use crate::key::ClientKey;
use crate::log::{Log, LogReader};
use crate::outcome::{Outcome, Receipt, Refusal};
use crate::text::Text;

use super::{ADAS, BOBS, Bench, decided, read_all, receipt};

/// What happens to a log.
#[derive(Clone, Debug)]
pub enum Step {
    /// These drafts come in one batch.
    Batch(Vec<Draft>),
    /// The batch is decided, but rolled back before it is stored.
    RolledBack(Vec<Draft>),
    /// The log is closed and opened again.
    Reopen,
}

const LIMITS: Limits = Limits { text_bytes_max: 8, ..Limits::DEFAULT };

/// Makes a history of numbers, so that any generator of numbers makes histories: few senders, keys and texts, so that
/// they meet often. Everybody is in the lobby; now and then somebody speaks to a room that is not there.
pub fn history(numbers: &[u32]) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut batch = Vec::new();
    // How far each device has come, and had come before the batch.
    let mut counts = [0_u64; 2];
    let mut before = counts;
    for number in numbers {
        batch.push(made_of(*number, &mut counts));
        match number >> 24 & 15 {
            0 => steps.push(Step::Reopen),
            1 => {
                counts = before;
                steps.push(Step::RolledBack(std::mem::take(&mut batch)));
            }
            2..=5 => {
                before = counts;
                steps.push(Step::Batch(std::mem::take(&mut batch)));
            }
            6.. => {}
        }
    }
    steps.push(Step::Batch(batch));
    steps
}

fn made_of(number: u32, counts: &mut [u64; 2]) -> Draft {
    let pick = |shift: u32, of: &[&'static str]| of[(number >> shift) as usize % of.len()];
    let room = if number >> 10 & 7 == 7 { RoomId(2) } else { RoomId::LOBBY };
    let text = pick(6, &["hi", "ho", "far too long"]);
    let mut command = Command::Say { room, text: Text::from_stored(text) };
    let identity = if number >> 28 & 1 == 0 {
        let lineage = ["", "a", "b", "c"][number as usize % 4].bytes().next();
        let key = pick(2, &["", "undefined-0", "k-0", "k-1", "k-01", "uuid"]);
        Identity::Lineage {
            lineage: lineage.map(|byte| Lineage([byte; 16])),
            key: ClientKey::parse(key).ok(),
        }
    } else {
        if number >> 12 & 7 == 7 {
            command = Command::Skip;
        }
        let whose = number as usize & 1;
        let next = counts[whose] + 1;
        let n = match number >> 15 & 7 {
            0 => next.saturating_sub(1),
            1 => next.saturating_sub(1 + u64::from(number >> 18 & 7)),
            2 => next + 1 + u64::from(number >> 18 & 1),
            3.. => next,
        };
        counts[whose] = counts[whose].max(if n == next { n } else { 0 });
        Identity::Device { device: [ADAS, BOBS][whose], n: CommandNumber(n) }
    };
    Draft { identity, command, at: UnixMillis(u64::from(number)), over_quota: None }
}

/// Puts a log through `steps` and compares it with the list after each.
pub fn agrees_with_the_model(bench: &mut impl Bench, steps: &[Step]) {
    let mut model = Model::default();
    let (mut log, mut reader) = bench.open();
    for step in steps {
        match step {
            Step::Batch(drafts) => {
                let decided = decided(&mut log, LIMITS, drafts);
                let expected: Vec<_> = drafts.iter().map(|draft| model.decide(draft)).collect();
                assert_eq!(decided.outcomes, expected);
                log.append(&decided.records).expect("the log can be written");
            }
            Step::RolledBack(drafts) => {
                decided(&mut log, LIMITS, drafts);
            }
            Step::Reopen => {
                drop((log, reader));
                (log, reader) = bench.open();
            }
        }
        assert_eq!(log.head().0, model.stored.len() as u64);
    }
    model.holds(&reader);
}

#[derive(Default)]
struct Model {
    stored: Vec<Said>,
    /// Every command that used up a number, with what its sender is told who asks again.
    counted: Vec<(Device, Command, Outcome)>,
}

/// A message with the identity that it was sent under.
#[derive(Clone, PartialEq)]
struct Said {
    identity: Identity,
    room: RoomId,
    text: Text,
    at: UnixMillis,
}

impl Model {
    fn decide(&mut self, draft: &Draft) -> Outcome {
        let said = match &draft.command {
            Command::Say { room, text } => {
                Some(Said { identity: draft.identity.clone(), room: *room, text: text.clone(), at: draft.at })
            }
            _ => None,
        };
        match &draft.identity {
            Identity::Lineage { lineage, key } => match said {
                Some(said) => self.decide_by_key(said, *lineage, key.as_ref()),
                None => Outcome::Skipped,
            },
            Identity::Device { device, n } => self.decide_by_number(*device, n.0, &draft.command, said),
            Identity::User(_) => unreachable!("no history reads"),
        }
    }

    fn decide_by_key(&mut self, said: Said, lineage: Option<Lineage>, key: Option<&ClientKey>) -> Outcome {
        let is = |other: &Said| (&other.text, other.room) == (&said.text, said.room);
        let of = |other: &Said| match &other.identity {
            Identity::Lineage { lineage, key } => (*lineage, key.clone()),
            Identity::Device { .. } | Identity::User(_) => (None, None),
        };
        let same_key = |other: &Said| key.is_some() && of(other).1.as_ref() == key;
        let mine = |other: &Said| lineage.is_some() && of(other).0 == lineage;
        let strong = key.is_some_and(|key| !key.is_weak());
        if let Some(earlier) = self.find(|other| same_key(other) && mine(other)) {
            return if is(&self.stored[earlier]) {
                self.repeated(earlier)
            } else {
                Outcome::Refused(Refusal::Conflict)
            };
        }
        if let Some(earlier) = self.find(|other| same_key(other) && strong && is(other)) {
            return self.repeated(earlier);
        }
        self.store(said)
    }

    fn decide_by_number(&mut self, device: Device, n: u64, command: &Command, said: Option<Said>) -> Outcome {
        let mut mine = self.counted.iter().filter(|(whose, ..)| *whose == device);
        let count = mine.clone().count() as u64;
        if n > count + 1 {
            return Outcome::Expected { n: CommandNumber(count + 1) };
        }
        if n <= count {
            let earlier = n.checked_sub(1).and_then(|index| mine.nth(usize::try_from(index).expect("small")));
            return match earlier {
                Some((_, earlier, outcome)) if command == earlier || *command == Command::Skip => *outcome,
                Some(_) | None => Outcome::Refused(Refusal::Conflict),
            };
        }
        let outcome = said.map_or(Outcome::Skipped, |said| self.store(said));
        let again = match outcome {
            Outcome::Stored(receipt) => Outcome::Repeated(receipt),
            other => other,
        };
        self.counted.push((device, command.clone(), again));
        outcome
    }

    fn store(&mut self, said: Said) -> Outcome {
        let is_too_large = said.text.len() > LIMITS.text_bytes_max;
        let is_there = said.room == RoomId::LOBBY;
        match (&said.identity, is_there, is_too_large) {
            // Pages are told about their text first; for people, a room that is not there comes before all else.
            (Identity::Lineage { .. }, _, true) | (_, true, true) => Outcome::Refused(Refusal::TooLarge),
            (_, false, _) => Outcome::Refused(Refusal::NotFound),
            (_, true, false) => {
                self.stored.push(said);
                Outcome::Stored(self.receipt(self.stored.len() - 1))
            }
        }
    }

    fn find(&self, is: impl Fn(&Said) -> bool) -> Option<usize> {
        self.stored.iter().position(is)
    }

    fn repeated(&self, index: usize) -> Outcome {
        Outcome::Repeated(self.receipt(index))
    }

    /// There is nothing but messages of the lobby, so all numbers are one.
    fn receipt(&self, index: usize) -> Receipt {
        Receipt { at: self.stored[index].at, ..receipt(index as u64 + 1) }
    }

    fn holds(&self, reader: &impl LogReader) {
        let entries = read_all(reader);
        assert_eq!(entries.len(), self.stored.len());
        for ((entry, said), index) in entries.iter().zip(&self.stored).zip(0..) {
            assert_eq!(Receipt::of(entry), self.receipt(index));
            assert_eq!((entry.room, &entry.kind), (said.room, &Kind::message(said.text.clone())));
            assert_eq!(entry.author, said.identity.author());
            assert_eq!(reader.locate(entry.room, entry.seq), Ok(entry.position));
        }
    }
}
