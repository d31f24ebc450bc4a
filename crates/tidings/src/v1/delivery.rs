//! Turns committed entries into the feed of `/v1`, and outcomes into acks.
//!
//! Runs on the appender's thread, in log order. A commit comes with the directory after it, which the edge uses too, so
//! an entry never reveals more than its recipient may do.

use std::collections::HashMap;

use chat::{Author, Directory, DirectoryHandle, Entry, Kind, Outcome, SignInId, UserId};
use serde::Serialize;
use socketio_server::{AckHandle, Feed, FeedAck, FeedEntry, SocketId, WeakIo};

use super::ack::{DONE, STORAGE_FULL, of_command, refused};
use super::charges::settle;
use super::frames::{self, NAMESPACE, sockets_of, sockets_signed_in};
use super::ids::WireUser;
use super::traffic::Traffic;
use super::view::RoomView;
use crate::names;
use crate::planted::{self, Bug};
use crate::stamp::Stamp;
use crate::ticket::Ticket;

/// Publishes to the feed of `/v1`.
#[derive(Debug)]
pub struct V1Delivery {
    feed: Feed,
    stamp: Stamp,
    traffic: Traffic,
    /// The server, once it is there.
    io: WeakIo,
}

impl V1Delivery {
    /// Publishes to `feed`, and through `io` what is not kept. Notes the rooms in `traffic`.
    pub fn new(feed: Feed, stamp: Stamp, traffic: Traffic, io: WeakIo) -> Self {
        Self { feed, stamp, traffic, io }
    }

    /// Delivers what one commit brought; `outcomes` are those of this namespace alone.
    pub fn deliver(
        &mut self,
        directory: &Directory,
        entries: &[Entry],
        rewritten: &[Entry],
        outcomes: Vec<(Ticket, Outcome)>,
    ) {
        for entry in entries {
            tell_owner(entry);
        }
        let senders: HashMap<u64, SocketId> = outcomes.iter().filter_map(sender).collect();
        let frames = entries.iter().map(|entry| {
            let sender = senders.get(&entry.position.0).copied();
            frames::feed_entry_but_for(&self.stamp, directory, entry, sender)
        });
        let frames: Vec<FeedEntry> = frames.collect();
        for entry in rewritten.iter().filter(|_| !planted::is(Bug::ForgetsToScrub)) {
            self.feed.replace(entry.position.0, frames::feed_entry(&self.stamp, directory, entry));
        }
        let mut acks = Vec::new();
        for (mut ticket, outcome) in outcomes {
            settle(ticket.take_charge(), &outcome, entries);
            let about = about(directory, entries, &outcome);
            acks.extend(self.answer(ticket, &outcome, about));
        }
        self.traffic.add(directory, entries);
        let first = entries.first().map_or(0, |entry| entry.position.0);
        self.feed.publish(first, frames, acks);
        // After the entries that tell it, in the same order on every worker.
        for (user, ended) in entries.iter().filter_map(ended) {
            self.close(user, ended);
        }
    }

    /// Closes the connections of sign-ins that have ended. They come back by themselves, and are told so.
    fn close(&self, user: UserId, ended: &[SignInId]) {
        if planted::is(Bug::KeepsEndedConnections) {
            return;
        }
        let Some(io) = self.io.upgrade() else { return };
        for id in ended {
            let sockets = io.of(NAMESPACE).map(|namespace| namespace.to(sockets_signed_in(user, *id)));
            // Who is gone needs no closing.
            drop(sockets.map(|sockets| sockets.close_transports()));
        }
    }

    fn answer(&self, ticket: Ticket, outcome: &Outcome, about: Option<RoomView<'_>>) -> Option<FeedAck> {
        match ticket {
            Ticket::Command { name, n, ack, .. } => {
                let answer = of_command(name, n, outcome, about, |position| self.stamp.offset(position));
                Some(match outcome {
                    // Another node may have stored a repeat, and its entry come with this answer.
                    Outcome::Stored(receipt) | Outcome::Repeated(receipt) => {
                        ack?.answer_after(receipt.position.0, &answer)
                    }
                    Outcome::Already { .. }
                    | Outcome::Refused(_)
                    | Outcome::Skipped
                    | Outcome::Expected { .. }
                    | Outcome::StorageFull
                    | Outcome::Read { .. } => ack?.answer(&answer),
                })
            }
            Ticket::Read { user, socket, ack } => self.read(user, socket, ack, outcome),
            Ticket::Program(waits) => {
                if let Some(waits) = waits {
                    // Who waited may have given up.
                    let _ = waits.send(());
                }
                None
            }
            Ticket::Profile { .. } => None,
        }
    }

    /// Tells the other connections of a person how far they have read.
    fn read(
        &self,
        user: UserId,
        socket: SocketId,
        ack: Option<AckHandle>,
        outcome: &Outcome,
    ) -> Option<FeedAck> {
        if let Outcome::Read { room, seq } = outcome
            && let Some(target) = self.io.upgrade().and_then(|io| io.of(NAMESPACE).ok())
        {
            let target = match () {
                () if planted::is(Bug::TellsEverybodyWhatIsRead) => target,
                () if planted::is(Bug::TellsNoOtherDevice) => target.to(sockets_of(UserId(0))),
                () => target.to(sockets_of(user)),
            };
            let target = target.except(socket.to_string());
            // Who does not get it asks when they come back.
            drop(target.emit(names::READ, &ReadView { room: room.0, seq: seq.0 }));
        }
        let answer = match outcome {
            Outcome::Refused(refusal) => refused(*refusal),
            Outcome::StorageFull => STORAGE_FULL.to_owned(),
            Outcome::Read { .. }
            | Outcome::Stored(_)
            | Outcome::Repeated(_)
            | Outcome::Already { .. }
            | Outcome::Skipped
            | Outcome::Expected { .. } => DONE.to_owned(),
        };
        Some(ack?.answer(&answer))
    }
}

/// Tells the operator who owns the chat from now on: the link that is printed may have been opened by somebody else.
fn tell_owner(entry: &Entry) {
    if let Kind::Owner { user } = &entry.kind {
        // The log has no names: they belong to people.
        tracing::warn!(user = %WireUser(*user), "somebody has become the owner of this chat");
    }
}

/// The sign-ins that an entry has ended.
fn ended(entry: &Entry) -> Option<(UserId, &[SignInId])> {
    match &entry.kind {
        Kind::SignedIn { user, ended: Some(ended), .. } => Some((*user, std::slice::from_ref(ended))),
        Kind::SignedOut { user, sign_ins } => Some((*user, sign_ins)),
        _ => None,
    }
}

/// Encodes pages of the log for sockets that are behind.
pub fn encoder(stamp: Stamp, directory: DirectoryHandle) -> impl Fn(&[Entry]) -> Vec<FeedEntry> {
    move |entries| {
        let directory = directory.now();
        entries.iter().map(|entry| frames::feed_entry(&stamp, &directory, entry)).collect()
    }
}

/// The room that the sender has joined by a command of this commit. For a repeat, `welcome` has described it.
fn about<'a>(directory: &'a Directory, entries: &'a [Entry], outcome: &Outcome) -> Option<RoomView<'a>> {
    let Outcome::Stored(receipt) = outcome else { return None };
    let found = entries.binary_search_by_key(&receipt.position, |entry| entry.position);
    let entry = found.ok().and_then(|index| entries.get(index))?;
    let Kind::Joined { user } = entry.kind else { return None };
    let is_own = entry.author.and_then(Author::user) == Some(user);
    is_own.then(|| RoomView::entered(directory, entry, user)).flatten()
}

/// The socket whose ack is the copy of an entry. Without an ack it gets the entry itself.
fn sender((ticket, outcome): &(Ticket, Outcome)) -> Option<(u64, SocketId)> {
    match (ticket, outcome) {
        (Ticket::Command { socket, ack: Some(_), .. }, Outcome::Stored(receipt)) => {
            Some((receipt.position.0, *socket))
        }
        _ => None,
    }
}

#[derive(Serialize)]
struct ReadView {
    room: u64,
    seq: u64,
}
