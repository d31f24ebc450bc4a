//! What a command adds to the chat, and what its sender is charged for it.

use std::collections::BTreeSet;

use chat::{Command, Entry, Kind, Outcome, UserId};

use super::edge::Edge;
use super::session::Session;
use crate::quotas::{Charge, Spending, UsedUp};

impl Edge {
    /// Charges the sender of a command.
    pub(super) fn charge(&self, session: &Session, command: &Command) -> Result<Option<Charge>, UsedUp> {
        self.parts.quotas.charge(session.peer, session.user, spending(session.user, command))
    }
}

/// Keeps the charge of a command that is stored, and gives back any other. `entries` are those of its commit.
pub(super) fn settle(charge: Option<Charge>, outcome: &Outcome, entries: &[Entry]) {
    let (Some(charge), Outcome::Stored(receipt)) = (charge, outcome) else { return };
    let found = entries.binary_search_by_key(&receipt.position, |entry| entry.position);
    let kind = found.ok().and_then(|index| entries.get(index)).map(|entry| &entry.kind);
    let is_first_name = matches!(kind, Some(Kind::Named { was: None, .. }));
    if !is_first_name {
        charge.keep();
    }
}

/// What a command adds if it is stored.
fn spending(user: UserId, command: &Command) -> Spending {
    let none = Spending::default();
    match command {
        Command::Create { .. } => Spending { rooms: 1, ..none },
        // There is one conversation of each pair, but any number among a few people.
        Command::Direct { with } => {
            let others = with.iter().filter(|other| **other != user).collect::<BTreeSet<_>>();
            Spending { rooms: u32::from(others.len() > 1), ..none }
        }
        // Whether it is the first is known when it is stored.
        Command::Name { .. } => Spending { renames: 1, ..none },
        Command::Add { .. }
        | Command::Say { .. }
        | Command::Edit { .. }
        | Command::Delete { .. }
        | Command::Rename { .. }
        | Command::SetTopic { .. }
        | Command::Join { .. }
        | Command::Leave { .. }
        | Command::Remove { .. }
        | Command::Claim
        | Command::Read { .. }
        | Command::Rejected { .. }
        | Command::Skip => none,
    }
}
