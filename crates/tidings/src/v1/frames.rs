//! Entries of the log as the feed of `/v1` delivers them: the frame, who gets it, and who enters or leaves.
//!
//! This is the only file that maps conversations to delivery groups: `r:7` is the sockets of the members of room 7,
//! `u:…` all sockets of a person, and `s:…` those of one of their sign-ins. The lobby and the house have no group, because everybody is in them.

use chat::{Author, Directory, Entry, Group, RoomId, RoomKind, SignInId, UserId};
use serde::Serialize;
use socketio_server::{
    FeedEntry, FeedRoom, Frame, MemberChange, NamespaceName, Room, Selection, SocketId, socketio,
};

use super::ack::encode;
use super::ids::{WireSignIn, WireUser};
use super::view::EntryView;
use crate::planted::{self, Bug};
use crate::stamp::Stamp;

/// The name of the namespace.
pub const NAMESPACE: &str = "/v1";

/// All sockets of a person.
pub fn sockets_of(user: UserId) -> Room {
    format!("u:{}", WireUser(user)).into()
}

/// All sockets of one sign-in of a person.
pub fn sockets_signed_in(user: UserId, sign_in: SignInId) -> Room {
    format!("s:{}:{}", WireUser(user), WireSignIn(sign_in)).into()
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
pub fn feed_entry(stamp: &Stamp, directory: &Directory, entry: &Entry) -> FeedEntry {
    if entry.kind.group() == Group::Unknown && planted::is(Bug::HidesUnknownKinds) {
        return FeedEntry::silent();
    }
    let cursor = stamp.offset(entry.position);
    let (name, view) = EntryView::event(directory, entry, &cursor);
    FeedEntry::new(audience(directory, entry), event(name, &view)).with_changes(changes(entry))
}

/// The same, but for the socket that has the ack for its copy.
pub fn feed_entry_but_for(
    stamp: &Stamp,
    directory: &Directory,
    entry: &Entry,
    sender: Option<SocketId>,
) -> FeedEntry {
    let mut made = feed_entry(stamp, directory, entry);
    if let Some(sender) = sender {
        let author = entry.author.and_then(Author::user).filter(|_| planted::is(Bug::ExceptsThePerson));
        let sender = author.map_or_else(|| sender.to_string().into(), sockets_of);
        made.audience = made.audience.except(sender);
    }
    made
}

fn audience(directory: &Directory, entry: &Entry) -> Selection {
    let room = entry.room;
    match entry.kind.group() {
        // Those who count the entries of the room are told that there is one.
        Group::Message | Group::Change { .. } | Group::Unknown => audience_of(room),
        Group::Creation { kind, members } => match kind {
            RoomKind::Public => Selection::everyone(),
            RoomKind::Private | RoomKind::Direct => {
                let author = entry.author.and_then(Author::user);
                people(members.iter().copied().chain(author))
            }
        },
        Group::Room => match directory.room(room).map(chat::Room::kind) {
            Some(RoomKind::Public) => Selection::everyone(),
            Some(RoomKind::Private | RoomKind::Direct) | None => audience_of(room),
        },
        Group::Arrival { user } | Group::Departure { user } => match room {
            RoomId::HOUSE | RoomId::LOBBY => Selection::everyone(),
            room => Selection::room(members_of(room)).to(sockets_of(user)),
        },
        Group::Person => Selection::everyone(),
        Group::Private { user } => Selection::room(sockets_of(user)),
    }
}

/// Whether everybody may see an entry. If not, it is for the members of its room, and for the people that it is about.
pub fn is_for_everyone(directory: &Directory, entry: &Entry) -> bool {
    match entry.kind.group() {
        Group::Message
        | Group::Change { .. }
        | Group::Unknown
        | Group::Arrival { .. }
        | Group::Departure { .. } => matches!(entry.room, RoomId::HOUSE | RoomId::LOBBY),
        Group::Creation { kind, .. } => kind == RoomKind::Public,
        Group::Room => directory.room(entry.room).map(chat::Room::kind) == Some(RoomKind::Public),
        Group::Person => true,
        Group::Private { .. } => false,
    }
}

/// Never empty: a selection that names nobody would be everybody.
fn people(users: impl Iterator<Item = UserId>) -> Selection {
    let nobody = Selection::room("nobody");
    users.fold(nobody, |selection, user| selection.to(sockets_of(user)))
}

fn changes(entry: &Entry) -> Vec<MemberChange> {
    let room = members_of(entry.room);
    match entry.kind.group() {
        Group::Creation { members, .. } => {
            members.iter().map(|user| MemberChange::enter(sockets_of(*user), room.clone())).collect()
        }
        Group::Arrival { user } => vec![MemberChange::enter(sockets_of(user), room)],
        Group::Departure { user } => vec![MemberChange::leave(sockets_of(user), room)],
        Group::Message
        | Group::Change { .. }
        | Group::Room
        | Group::Person
        | Group::Private { .. }
        | Group::Unknown => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use chat::{
        CommandNumber, Device, DeviceId, Kind, Nickname, Position, Rev, RoomName, Seq, SignInLabel,
        SignInMethod, Text, TokenHash, Topic, UnixMillis,
    };

    use super::*;

    const ADA: UserId = UserId(1);
    const BOB: UserId = UserId(2);
    const PLANS: RoomId = RoomId(7);

    fn entry(position: u64, room: RoomId, kind: Kind) -> Entry {
        let device = Device { user: ADA, id: DeviceId([0; 16]) };
        Entry {
            position: Position(position),
            room,
            seq: Seq(1),
            rev: Rev(1),
            at: UnixMillis(0),
            author: Some(Author::Device { device, n: CommandNumber(1) }),
            kind,
        }
    }

    fn created(kind: RoomKind, members: Vec<UserId>) -> Entry {
        let name = Some(RoomName::parse("Plans").unwrap());
        entry(1, PLANS, Kind::RoomCreated { kind, name, topic: Topic::default(), members })
    }

    /// After the room is there.
    fn made(kind: RoomKind, entry: &Entry) -> FeedEntry {
        let mut directory = Directory::default();
        directory.apply(&created(kind, vec![ADA]));
        directory.apply(entry);
        let made = feed_entry(&Stamp::for_tests(), &directory, entry);
        assert_eq!(made.audience.is_everyone(), is_for_everyone(&directory, entry), "{entry:?}");
        made
    }

    fn members() -> Selection {
        Selection::room("r:7")
    }

    #[test]
    fn messages_go_to_members_and_in_the_lobby_to_everybody() {
        let message = || Kind::message(Text::parse("hi").unwrap());
        let changes = [Kind::Deleted { seq: Seq(1) }, Kind::Edited { seq: Seq(1), text: None }];
        for kind in changes.into_iter().chain([message(), Kind::Unknown { code: 99 }]) {
            assert_eq!(made(RoomKind::Public, &entry(2, PLANS, kind.clone())).audience, members());
            let in_lobby = made(RoomKind::Public, &entry(2, RoomId::LOBBY, kind));
            assert!(in_lobby.audience.is_everyone() && in_lobby.changes.is_empty());
        }
    }

    #[test]
    fn a_public_room_is_news_for_everybody_and_any_other_for_its_members_alone() {
        let topic = entry(2, PLANS, Kind::TopicSet { topic: Topic::default() });
        for kind in [RoomKind::Private, RoomKind::Direct] {
            let news = made(kind, &created(kind, vec![ADA, BOB])).audience;
            assert!(!news.is_everyone(), "{kind:?}");
            assert_eq!(made(kind, &topic).audience, members(), "{kind:?}");
            let nobodys = made(kind, &created(kind, Vec::new())).audience;
            assert!(!nobodys.is_everyone(), "{kind:?}");
        }
        assert!(made(RoomKind::Public, &created(RoomKind::Public, vec![ADA])).audience.is_everyone());
        assert!(made(RoomKind::Public, &topic).audience.is_everyone());
    }

    #[test]
    fn a_membership_entry_reaches_its_person_and_changes_their_groups() {
        let sockets = sockets_of(BOB);
        let told = members().to(sockets.clone());
        let check = |kind, passage| {
            let made = made(RoomKind::Private, &entry(2, PLANS, kind));
            assert_eq!((made.audience, made.changes), (told.clone(), vec![passage]));
        };
        let enter = || MemberChange::enter(sockets.clone(), members_of(PLANS));
        let leave = || MemberChange::leave(sockets.clone(), members_of(PLANS));
        check(Kind::Joined { user: BOB }, enter());
        check(Kind::Left { user: BOB }, leave());
        check(Kind::Removed { user: BOB }, leave());
        let both = made(RoomKind::Direct, &created(RoomKind::Direct, vec![ADA, BOB])).changes;
        assert_eq!(both.len(), 2);
    }

    #[test]
    fn names_are_for_everybody_and_change_no_group() {
        let named = Kind::Named { user: BOB, name: Nickname::parse("bob").unwrap(), was: None };
        for kind in [named, Kind::Owner { user: BOB }] {
            let made = made(RoomKind::Private, &entry(2, RoomId::HOUSE, kind));
            assert!(made.audience.is_everyone() && made.changes.is_empty());
        }
    }

    #[test]
    fn sign_ins_are_for_their_person_alone() {
        let begun = Kind::SignedIn {
            user: BOB,
            token: TokenHash::of(b"a token"),
            method: SignInMethod::New,
            label: SignInLabel::default(),
            ended: None,
        };
        for kind in [begun, Kind::SignedOut { user: BOB, sign_ins: vec![SignInId(1)] }] {
            let made = made(RoomKind::Private, &entry(2, RoomId::PERSONAL, kind));
            assert_eq!(made.audience, Selection::room(sockets_of(BOB)));
            assert!(made.changes.is_empty());
        }
    }

    #[test]
    fn a_person_is_in_the_groups_of_their_rooms_from_where_they_joined() {
        let mut directory = Directory::default();
        directory.apply(&created(RoomKind::Private, vec![ADA]));
        directory.apply(&entry(5, PLANS, Kind::Joined { user: BOB }));
        let groups = |user| {
            let groups = groups_of(&directory, user).into_iter();
            groups.map(|group| (group.room.as_str().to_owned(), group.since.get())).collect::<Vec<_>>()
        };
        assert_eq!(groups(BOB), [("u:0000000000000002".to_owned(), 0), ("r:7".to_owned(), 5)]);
        assert_eq!(groups(UserId(3)).len(), 1);
    }
}
