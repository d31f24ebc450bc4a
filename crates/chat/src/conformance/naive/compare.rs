//! Compares a log and its directory with the list, and checks what has to hold whatever the list says.

use std::collections::BTreeSet;
use std::fmt::Debug;

use crate::directory::Directory;
use crate::entry::{Body, Entry, Kind};
use crate::ids::{InviteGeneration, Rev, RoomId, Seq, UserId};
use crate::log::{Budget, Log, LogReader, RoomNumbers, Standing};
use crate::name::{Nickname, RoomName};
use crate::room::{Membership, RoomKind};

use super::super::read_all;
use super::life::PEOPLE;
use super::list::List;
use super::names::{look_alike, names};

/// What is different, in words.
pub(super) type Compared = Result<(), String>;

/// An error that says what is different.
#[expect(clippy::needless_pass_by_value, reason = "what is compared is made for it")]
pub(super) fn same<T: PartialEq + Debug>(what: impl FnOnce() -> String, found: T, expected: T) -> Compared {
    if found == expected {
        return Ok(());
    }
    Err(format!("{}: found {found:?}, expected {expected:?}", what()))
}

/// All of the directory and all entries, and how the log finds its way in these rooms.
pub(super) fn compare(
    list: &List,
    log: &mut impl Log,
    reader: &impl LogReader,
    directory: &Directory,
    touched: &BTreeSet<RoomId>,
) -> Compared {
    let entries = read_all(reader);
    entries_are_the_facts(list, &entries)?;
    people_are_the_same(list, directory)?;
    for name in names() {
        names_are_the_same(list, directory, name)?;
    }
    let rooms: BTreeSet<_> = list.rooms();
    same(|| "rooms".into(), directory.room_count(), rooms.len())?;
    let public = rooms.iter().copied().filter(|room| list.kind(*room) == RoomKind::Public);
    let found = directory.public_rooms(None).map(|(room, _)| room);
    same(|| "public rooms".into(), found.collect::<Vec<_>>(), public.collect())?;
    // The house, every room that there ever was, and one that there was not.
    let newest = list.rooms_ever().last().map_or(1, |room| room.0);
    for room in (0..=newest + 1).map(RoomId) {
        room_is_the_same(list, directory, room)?;
        for user in PEOPLE {
            person_is_the_same_in(list, directory, user, room)?;
        }
    }
    for room in touched {
        numbers_are_the_same(list, log, reader, *room)?;
        for user in PEOPLE {
            unread_is_the_same(list, reader, user, *room)?;
        }
    }
    directs_are_the_same(list, directory)?;
    what_always_holds(directory, &entries)
}

fn entries_are_the_facts(list: &List, found: &[Entry]) -> Compared {
    for (entry, fact) in found.iter().zip(&list.facts) {
        same(|| format!("entry {}", entry.position), entry, &list.entry(fact))?;
    }
    same(|| "entries".into(), found.len(), list.facts.len())
}

fn people_are_the_same(list: &List, directory: &Directory) -> Compared {
    let found = directory.named(None).map(|(user, _)| user);
    same(|| "people".into(), found.collect::<Vec<_>>(), list.named().into_iter().collect())?;
    same(|| "people".into(), directory.named_count(), list.named().len())?;
    let owners = directory.owners().collect::<Vec<_>>();
    same(|| "owners".into(), owners, list.owner().into_iter().collect())?;
    same(|| "owners".into(), directory.has_owner(), list.owner().is_some())?;
    for user in PEOPLE {
        let name = directory.name(user).map(|name| &**name);
        same(|| format!("name of {user}"), name, list.name(user))?;
        same(|| format!("trust in {user}"), directory.trust(user), list.trust(user))?;
        let signed_in = list.was_signed_in(user).then(|| list.sign_ins(user));
        same(|| format!("sign-ins of {user}"), directory.sign_ins(user).map(<[_]>::to_vec), signed_in)?;
        same(|| format!("owner {user}"), directory.is_owner(user), list.owner() == Some(user))?;
        let rooms: BTreeSet<_> = directory.rooms_of(user).map(|(room, _)| room).collect();
        let mut expected = list.joined(user);
        expected.insert(RoomId::LOBBY);
        same(|| format!("rooms of {user}"), rooms, expected)?;
    }
    Ok(())
}

fn names_are_the_same(list: &List, directory: &Directory, name: &str) -> Compared {
    let holders = directory.holders(&Nickname::from_stored(name)).collect::<BTreeSet<_>>();
    same(|| format!("people called {name:?}"), holders, list.called_like(name))?;
    let rooms = directory.public_rooms_named(&RoomName::from_stored(name)).collect::<BTreeSet<_>>();
    same(|| format!("rooms called {name:?}"), rooms, list.public_like(name))
}

fn room_is_the_same(list: &List, directory: &Directory, room: RoomId) -> Compared {
    let Some(found) = directory.room(room) else {
        return same(|| format!("room {room} is there"), false, list.exists(room));
    };
    let about = |what: &'static str| move || format!("{what} of room {room}");
    same(about("existence"), true, list.exists(room))?;
    same(about("kind"), found.kind(), list.kind(room))?;
    same(about("name"), found.name().map(|name| &**name), list.title(room))?;
    same(about("topic"), &**found.topic(), list.topic(room))?;
    same(about("host"), found.host(), list.host(room))?;
    same(about("invites"), found.invites(), InviteGeneration(list.removals(room)))?;
    let members = list.members(room).into_iter().filter_map(|user| {
        let fact = list.since(user, room)?;
        let (since, by_self) = (fact.receipt, fact.user() == Some(user));
        Some((user, Membership { since: since.position, seq: since.seq, rev: since.rev, by_self }))
    });
    same(about("members"), found.members(None).collect::<Vec<_>>(), members.collect())?;
    same(about("count"), found.count(), list.members(room).len())?;
    let expected = if room == RoomId::LOBBY { list.named() } else { list.members(room) };
    same(about("count"), directory.member_count(room), expected.len())?;
    same(about("members"), directory.members(room, None).collect::<BTreeSet<_>>(), expected)
}

fn person_is_the_same_in(list: &List, directory: &Directory, user: UserId, room: RoomId) -> Compared {
    let about = |what: &'static str| move || format!("{what} of {user} in room {room}");
    same(about("membership"), directory.is_member(user, room), list.is_member(user, room))?;
    let barred = directory.room(room).is_some_and(|room| room.is_barred(user));
    same(about("removal"), barred, list.is_barred(user, room))?;
    let sees = directory.visibility(user, room).map(|sees| (sees.since, sees.seq, sees.rev));
    same(about("sight"), sees, list.sees(user, room))?;
    same(about("pointer"), directory.read(user, room), list.read(user, room))
}

fn unread_is_the_same(list: &List, reader: &impl LogReader, user: UserId, room: RoomId) -> Compared {
    let found = reader.unread(room, list.read(user, room), user, 1000).map_err(|err| err.to_string())?;
    same(
        || format!("unread of {user} in room {room}"),
        (found.count as usize, found.is_capped),
        (list.unread(user, room), false),
    )
}

/// The numbers of a room, and its messages as whoever changes them finds them.
fn numbers_are_the_same(list: &List, log: &mut impl Log, reader: &impl LogReader, room: RoomId) -> Compared {
    let numbers = RoomNumbers { seq: list.last_seq(room), rev: list.last_rev(room) };
    let found = log.room(room).map_err(|err| err.to_string())?;
    same(|| format!("numbers of room {room}"), found, numbers)?;
    let everything = Budget { entries: usize::MAX, bytes: usize::MAX };
    let changes = reader.changes(room, Rev::ZERO, everything).map_err(|err| err.to_string())?;
    let expected = list.of(room).map(|fact| list.entry(fact));
    same(|| format!("changes of room {room}"), changes, expected.collect())?;
    for seq in (0..=numbers.seq.0 + 1).map(Seq) {
        let expected = list.message(room, seq).map(|message| {
            let edit = list.last_edit(room, seq).filter(|_| !list.is_deleted(room, seq));
            Standing { message: list.entry(message), edit: edit.map(|edit| list.entry(edit)) }
        });
        let found = log.message(room, seq).map_err(|err| err.to_string())?;
        same(|| format!("message {seq} of room {room}"), found, expected)?;
    }
    Ok(())
}

/// Of every pair of people, and of one person alone.
fn directs_are_the_same(list: &List, directory: &Directory) -> Compared {
    for one in PEOPLE {
        for other in PEOPLE {
            let found = directory.direct_between(&[one, other]);
            let expected = list.direct(&[one, other].into());
            same(|| format!("conversation of {one} and {other}"), found, expected)?;
        }
    }
    Ok(())
}

/// Without asking the list: names are held once, who is in a room is found from both sides, numbers have no gaps, and no
/// text of a deleted message is anywhere.
fn what_always_holds(directory: &Directory, entries: &[Entry]) -> Compared {
    let named: Vec<_> = directory.named(None).collect();
    for (index, (user, name)) in named.iter().enumerate() {
        for (other, taken) in &named[..index] {
            same(|| format!("{user} and {other} look alike"), look_alike(name, taken), false)?;
        }
    }
    for user in PEOPLE {
        for (room, found) in directory.rooms_of(user).filter(|(room, _)| *room != RoomId::LOBBY) {
            let is_in = found.membership(user).is_some();
            same(|| format!("{user} is a member of {room}"), is_in, true)?;
            same(|| format!("{user} was removed from {room}"), found.is_barred(user), false)?;
        }
    }
    let last = directory.next_room();
    for room in (0..last.0).map(RoomId).chain([RoomId::PERSONAL]) {
        let of_room: Vec<_> = entries.iter().filter(|entry| entry.room == room).collect();
        let revs = of_room.iter().map(|entry| entry.rev.0);
        same(|| format!("revs of {room}"), revs.collect::<Vec<_>>(), (1..=of_room.len() as u64).collect())?;
        let messages = of_room.iter().filter(|entry| matches!(entry.kind, Kind::Message { .. }));
        let seqs: Vec<_> = messages.map(|entry| entry.seq.0).collect();
        same(|| format!("seqs of {room}"), &seqs, &(1..=seqs.len() as u64).collect())?;
        let deleted = of_room.iter().filter_map(|entry| match entry.kind {
            Kind::Deleted { seq } => Some(seq),
            _ => None,
        });
        for deleted in deleted {
            let shows = |entry: &&&Entry| match &entry.kind {
                Kind::Message { body } => entry.seq == deleted && *body != Body::Deleted,
                Kind::Edited { seq, text } => *seq == deleted && text.is_some(),
                _ => false,
            };
            same(|| format!("text of {deleted} in {room}"), of_room.iter().find(shows), None)?;
        }
    }
    let positions = entries.iter().map(|entry| entry.position.0);
    same(|| "positions".into(), positions.collect::<Vec<_>>(), (1..=entries.len() as u64).collect())
}
