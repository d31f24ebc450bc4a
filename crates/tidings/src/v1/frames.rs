//! Entries of the log as the feed of `/v1` delivers them: the frame, who gets it, and who enters or leaves.
//!
//! The one file where a conversation meets a delivery group: `r:7` are the sockets of the members of room 7, `u:…` all
//! sockets of a person. The lobby and the house have no group, since everybody is in them.

use chat::{Author, Directory, Entry, Kind, RoomId, RoomKind, UserId};
use serde::Serialize;
use socketio_server::{
    Feed, FeedEntry, FeedRoom, Frame, MemberChange, NamespaceName, Room, Selection, SocketId, socketio,
};

use super::ack::encode;
use super::ids::WireUser;
use super::view::EntryView;
use crate::planted::{self, Bug};

/// The name of the namespace.
pub const NAMESPACE: &str = "/v1";

/// All sockets of a person.
pub fn sockets_of(user: UserId) -> Room {
    format!("u:{}", WireUser(user)).into()
}

/// All sockets of a room's members.
pub fn members_of(room: RoomId) -> Room {
    format!("r:{room}").into()
}

/// Those who are in a room.
pub fn audience_of(room: RoomId) -> Selection {
    match room {
        RoomId::HOUSE | RoomId::LOBBY => Selection::everyone(),
        room => Selection::room(members_of(room)),
    }
}

/// The groups that a person's sockets are in.
pub fn groups_of(directory: &Directory, user: UserId) -> Vec<FeedRoom> {
    let joined = directory.rooms_of(user).filter_map(|(id, room)| {
        let membership = room.membership(user)?;
        let since = if planted::is(Bug::SeesRoomsFromBefore) { 0 } else { membership.since.0 };
        Some(FeedRoom::since(members_of(id), since))
    });
    std::iter::once(FeedRoom::new(sockets_of(user))).chain(joined).collect()
}

/// An event for sockets of the namespace.
pub fn event(name: &str, argument: &impl Serialize) -> Frame {
    let namespace = NamespaceName::parse(NAMESPACE).expect("the namespace has a valid name");
    Frame::text(&socketio::encode_event_raw(&namespace, name, &encode(argument), None, None))
}

/// An entry as everybody gets it who may see it.
pub fn feed_entry(feed: &Feed, directory: &Directory, entry: &Entry) -> FeedEntry {
    let cursor = feed.offset(entry.position.0);
    let (name, view) = EntryView::event(directory, entry, &cursor);
    FeedEntry::new(audience(directory, entry), event(name, &view)).with_changes(changes(entry))
}

/// The same, but for the socket that has the ack for its copy.
pub fn feed_entry_but_for(
    feed: &Feed,
    directory: &Directory,
    entry: &Entry,
    sender: Option<SocketId>,
) -> FeedEntry {
    let mut made = feed_entry(feed, directory, entry);
    if let Some(sender) = sender {
        let author = entry.author.and_then(Author::user).filter(|_| planted::is(Bug::ExceptsThePerson));
        let sender = author.map_or_else(|| sender.to_string().into(), sockets_of);
        made.audience = made.audience.except(sender);
    }
    made
}

fn audience(directory: &Directory, entry: &Entry) -> Selection {
    let room = entry.room;
    match &entry.kind {
        Kind::Message { .. } | Kind::Edited { .. } | Kind::Deleted { .. } => audience_of(room),
        Kind::RoomCreated { kind, members, .. } => match kind {
            RoomKind::Public => Selection::everyone(),
            RoomKind::Private | RoomKind::Direct => {
                let author = entry.author.and_then(Author::user);
                people(members.iter().copied().chain(author))
            }
        },
        Kind::RoomRenamed { .. } | Kind::TopicSet { .. } => {
            match directory.room(room).map(chat::Room::kind) {
                Some(RoomKind::Public) => Selection::everyone(),
                Some(RoomKind::Private | RoomKind::Direct) | None => audience_of(room),
            }
        }
        Kind::Joined { user } | Kind::Left { user } | Kind::Removed { user } => match room {
            RoomId::HOUSE | RoomId::LOBBY => Selection::everyone(),
            room => Selection::room(members_of(room)).to(sockets_of(*user)),
        },
        Kind::Named { .. } | Kind::Owner { .. } => Selection::everyone(),
    }
}

/// Never empty: a selection that names nobody would be everybody.
fn people(users: impl Iterator<Item = UserId>) -> Selection {
    let nobody = Selection::room("nobody");
    users.fold(nobody, |selection, user| selection.to(sockets_of(user)))
}

fn changes(entry: &Entry) -> Vec<MemberChange> {
    let room = members_of(entry.room);
    match &entry.kind {
        Kind::RoomCreated { members, .. } => {
            members.iter().map(|user| MemberChange::enter(sockets_of(*user), room.clone())).collect()
        }
        Kind::Joined { user } => vec![MemberChange::enter(sockets_of(*user), room)],
        Kind::Left { user } | Kind::Removed { user } => {
            vec![MemberChange::leave(sockets_of(*user), room)]
        }
        Kind::Message { .. }
        | Kind::Edited { .. }
        | Kind::Deleted { .. }
        | Kind::RoomRenamed { .. }
        | Kind::TopicSet { .. }
        | Kind::Named { .. }
        | Kind::Owner { .. } => Vec::new(),
    }
}
