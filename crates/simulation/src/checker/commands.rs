//! Checks the commands of people of `/v1`: what they sent, the answers, and the entries in the log.

use std::collections::{HashMap, HashSet};

use super::members::Members;
use super::{Court, Invariant};
use crate::record::people::{Command, Told};
use crate::record::{Generation, Sender, What};

impl<'a> Court<'a> {
    pub(super) fn check_commands(&mut self, members: &[Members<'a>]) {
        for generation in 0..self.record.generations.len() {
            self.check_senders(generation);
            if let Some(members) = members.get(generation) {
                self.check_rights(generation, members);
            }
        }
        let by_number = self.by_number();
        for (index, person) in self.record.people.iter().enumerate() {
            for command in &person.commands {
                self.check_answers(index, person.user, command, &by_number);
            }
        }
    }

    /// The position of each command in each generation.
    fn by_number(&self) -> Vec<HashMap<(&'a str, u64), u64>> {
        let generations = self.record.generations.iter();
        let commands = generations.map(|truth| {
            let sent = truth.log.iter().zip(1..).filter_map(|(entry, position)| {
                let sender = entry.sender.as_ref()?;
                Some(((sender.device.as_str(), sender.n), position))
            });
            sent.collect()
        });
        commands.collect()
    }

    /// Checks that each number is used once and in order, and each text once and in the order of typing.
    fn check_senders(&mut self, generation: usize) {
        let Some(truth) = self.record.generations.get(generation) else { return };
        let mut last: HashMap<&str, u64> = HashMap::new();
        let mut typed: HashMap<&str, u64> = HashMap::new();
        let mut texts = HashSet::new();
        for (entry, position) in truth.log.iter().zip(1_u64..) {
            let Some(Sender { device, n, .. }) = &entry.sender else { continue };
            if let Some(before) = last.insert(device, *n).filter(|before| before >= n) {
                let detail = format!("command {n} of a device at {position}, after {before}");
                self.object(Invariant::SenderOrder, detail);
            }
            if entry.what != What::Message {
                continue;
            }
            let Some(text) = entry.versions.first().map(|version| version.text.as_str()) else { continue };
            if !texts.insert(text) {
                self.object(Invariant::NothingInvented, format!("{text:?} stands in the log twice"));
            }
            // The text is `u<person>-<number> `.
            let Some((person, rest)) = text.strip_prefix('u').and_then(|text| text.split_once('-')) else {
                continue;
            };
            let Some(number) = rest.split(' ').next().and_then(|number| number.parse().ok()) else {
                continue;
            };
            if typed.insert(person, number).is_some_and(|before| before > number) {
                self.object(Invariant::SenderOrder, format!("{text:?} stands after what was typed later"));
            }
        }
    }

    /// Checks that an acked command is in the log, a refused one is not, and no answer ever changes. What was stored before it
    /// was sent again has an answer.
    fn check_answers(
        &mut self,
        index: usize,
        user: Option<u64>,
        command: &'a Command,
        by_number: &[HashMap<(&'a str, u64), u64>],
    ) {
        let Command { device, n, answers, is_proper, .. } = command;
        let mut first: HashMap<Generation, &Told> = HashMap::new();
        for (generation, told) in answers {
            let stands = by_number.get(generation.0).and_then(|numbers| numbers.get(&(device.as_str(), *n)));
            let truth = self.record.generations.get(generation.0);
            if let Told::Full { asked } = told {
                let entry = stands.zip(truth).and_then(|(position, truth)| truth.at(*position));
                if entry.is_some_and(|entry| entry.micros < *asked) {
                    let detail =
                        format!("command {n} of person {index}: {told:?}, but it was stored: {entry:?}");
                    self.object(Invariant::AckedOnce, detail);
                }
                continue;
            }
            let before = *first.entry(*generation).or_insert(told);
            if before != told {
                let detail = format!("command {n} of person {index} was answered {before:?}, then {told:?}");
                self.object(Invariant::AckedOnce, detail);
            }
            match told {
                Told::Full { .. } => {}
                Told::Stored { position, room, rev } => {
                    let entry = truth.and_then(|truth| truth.at(*position));
                    let is_it = stands == Some(position)
                        && entry.is_some_and(|entry| {
                            // What concerns one person alone has no numbers.
                            let is_private = (*room, *rev) == (0, 0);
                            ((entry.room, entry.rev) == (*room, *rev)
                                || is_private && matches!(entry.what, What::SignedOut { .. }))
                                && entry.sender.as_ref().map(|sender| sender.user) == user
                                && command.text.as_ref().is_none_or(|text| {
                                    entry.versions.first().is_some_and(|version| version.text == *text)
                                })
                        });
                    if !is_it {
                        let detail =
                            format!("command {n} of person {index}: {told:?}, but the log has {entry:?}");
                        self.object(Invariant::AckedOnce, detail);
                    }
                }
                Told::Already | Told::Refused(_) | Told::Skipped => {
                    if let Some(position) = stands {
                        let detail =
                            format!("command {n} of person {index}: {told:?}, but it stands at {position}");
                        self.object(Invariant::RefusedMeansAbsent, detail);
                    }
                    if *is_proper {
                        let detail = format!("command {n} of person {index}: {told:?}");
                        self.object(Invariant::RefusedMeansAbsent, detail);
                    }
                }
            }
        }
    }
}
