//! What a command adds to the chat, and what its sender is charged for it.

use std::collections::BTreeSet;

use chat::{Command, Directory, Entry, Kind, Outcome, Trust, UserId};
use socketio_server::Peer;

use super::edge::Edge;
use super::session::Session;
use crate::payer::Payer;
use crate::planted::{self, Bug};
use crate::quotas::{Charge, ROW_BYTES, Spending, UsedUp};

impl Edge {
    /// Charges the sender of a command.
    pub(super) fn charge(&self, session: &Session, command: &Command) -> Result<Option<Charge>, UsedUp> {
        if !session.peer.rated {
            return Ok(None);
        }
        let sight = self.sight(session.user);
        let pays = match command {
            Command::Add { user, .. } if planted::is(Bug::ChargesTheOther) => *user,
            Command::Direct { with } if planted::is(Bug::ChargesTheOther) => {
                with.first().copied().unwrap_or(session.user)
            }
            _ => session.user,
        };
        let payer = Payer { peer: session.peer, person: Some((pays, sight.trust(session.user))) };
        self.parts.quotas.charge(payer, spending(&sight, session.user, command))
    }

    /// Whether somebody new may come to this network.
    pub(super) fn admits_newcomer(&self, peer: Peer) -> bool {
        let newcomer = Spending { newcomers: 1, ..Spending::default() };
        let charge = self.parts.quotas.charge(Payer { peer, person: None }, newcomer);
        charge.map(|charge| charge.map(Charge::keep)).is_ok()
    }

    /// How far somebody is known. Where no rate applies, that makes no difference.
    pub(super) fn trust(&self, peer: Peer, user: UserId) -> Trust {
        if peer.rated { self.sight(user).trust(user) } else { Trust::Guest }
    }

    /// A person as one who pays.
    pub(super) fn payer(&self, peer: Peer, user: UserId) -> Payer {
        Payer { peer, person: Some((user, self.trust(peer, user))) }
    }
}

/// Keeps the charge of a command that is stored. Of one that is refused only the bytes are kept, so that nobody has refusals for
/// nothing, and nothing of any other. `entries` are those of the commit.
pub(super) fn settle(charge: Option<Charge>, outcome: &Outcome, entries: &[Entry]) {
    let Some(charge) = charge else { return };
    match outcome {
        Outcome::Stored(receipt) => {
            let found = entries.binary_search_by_key(&receipt.position, |entry| entry.position);
            let kind = found.ok().and_then(|index| entries.get(index)).map(|entry| &entry.kind);
            // The first name is free.
            if matches!(kind, Some(Kind::Named { was: None, .. })) {
                charge.keep_bytes();
            } else {
                charge.keep();
            }
        }
        Outcome::Already { .. } | Outcome::Refused(_) | Outcome::Skipped => charge.keep_bytes(),
        Outcome::Repeated(_) | Outcome::Expected { .. } | Outcome::Read { .. } | Outcome::StorageFull => {
            drop(charge);
        }
    }
}

/// What a command adds if it is stored.
fn spending(directory: &Directory, user: UserId, command: &Command) -> Spending {
    let bytes = u32::try_from(command.bytes()).unwrap_or(u32::MAX).saturating_add(ROW_BYTES);
    let none = Spending { bytes, ..Spending::default() };
    let is_new = |other: &UserId| *other != user && !directory.are_in_touch(user, *other);
    match command {
        Command::Create { .. } => Spending { rooms: 1, ..none },
        Command::Direct { with } => {
            let others: BTreeSet<_> = with.iter().copied().filter(|other| *other != user).collect();
            let contacts = others.iter().filter(|other| is_new(other)).count();
            let contacts = u32::try_from(contacts).unwrap_or(u32::MAX);
            match *Vec::from_iter(others) {
                // There is one conversation of each pair. A new one is a room, also where both are in touch elsewhere.
                [other] => {
                    let begins = directory.direct_between(&[user, other]).is_none();
                    Spending { contacts: u32::from(begins), ..none }
                }
                [] => none,
                // There is any number of conversations among a few people.
                [..] => Spending { rooms: 1, contacts, ..none },
            }
        }
        Command::Add { user: other, .. } => Spending { contacts: u32::from(is_new(other)), ..none },
        Command::Join { .. } => Spending { joins: 1, ..none },
        Command::Name { .. } => Spending { renames: 1, ..none },
        Command::Say { .. }
        | Command::Edit { .. }
        | Command::Delete { .. }
        | Command::Rename { .. }
        | Command::SetTopic { .. }
        | Command::Leave { .. }
        | Command::Remove { .. }
        | Command::Claim
        | Command::SignIn { .. }
        | Command::SignOut { .. }
        | Command::Read { .. }
        | Command::Rejected { .. }
        | Command::Skip => none,
    }
}
