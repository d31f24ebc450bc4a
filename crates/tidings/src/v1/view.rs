//! People, rooms and entries as they are sent.
//!
//! Views borrow their content and are encoded at once. Names come from the directory that is passed in, so an entry
//! that is read years later shows people under their names at that time.

use std::fmt::Write as _;

use chat::{
    Author, Body, Directory, Entry, Group, Kind, Lineage, Room, RoomId, RoomKind, RoomNumbers, SignInId,
    SignInLabel, SignInMethod, UnixMillis, UserId,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::ids::{WireDevice, WireSignIn, WireUser};
use crate::names;

/// Mixed into the digits of a guest, so that they tell nothing of a lineage used elsewhere.
const GUEST: &[u8] = b"tidings guest\0";

/// How many people of a direct conversation a view names; `members` counts all of them. It bounds the description of
/// all rooms of a person.
const WITH_MAX: usize = 8;

/// The author of an entry.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
#[serde(untagged)]
pub enum Person<'a> {
    User {
        user: WireUser,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<&'a str>,
    },
    /// A client of the tutorial.
    Guest { guest: String },
}

impl<'a> Person<'a> {
    /// A user under the name that they have.
    pub fn of(directory: &'a Directory, user: UserId) -> Self {
        Self::User { user: WireUser(user), name: directory.name(user).map(|name| &**name) }
    }

    fn author(directory: &'a Directory, author: Option<Author>) -> Self {
        match author {
            Some(Author::Device { device, .. }) => Self::of(directory, device.user),
            Some(Author::Lineage(lineage)) => Self::Guest { guest: guest(lineage) },
            None => Self::Guest { guest: String::new() },
        }
    }
}

fn guest(lineage: Lineage) -> String {
    let hash = Sha256::new().chain_update(GUEST).chain_update(lineage.0).finalize();
    hash.iter().take(2).fold(String::new(), |mut digits, byte| {
        // Writing to a string does not fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// The kind of a room by its name on the wire.
pub fn kind(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Public => "public",
        RoomKind::Private => "private",
        RoomKind::Direct => "direct",
    }
}

/// A room as one person sees it.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct RoomView<'a> {
    room: u64,
    kind: &'static str,
    name: &'a str,
    topic: &'a str,
    seq: u64,
    rev: u64,
    joined: bool,
    read: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<WireUser>,
    #[serde(skip_serializing_if = "Option::is_none")]
    with: Option<Vec<Person<'a>>>,
    members: usize,
}

impl<'a> RoomView<'a> {
    /// The room as `viewer` sees it.
    pub fn of(
        directory: &'a Directory,
        viewer: UserId,
        (id, room): (RoomId, &'a Room),
        numbers: RoomNumbers,
    ) -> Self {
        let with = match room.kind() {
            RoomKind::Public | RoomKind::Private => None,
            RoomKind::Direct => {
                let others = room.people().filter(|user| *user != viewer);
                Some(others.take(WITH_MAX).map(|user| Person::of(directory, user)).collect())
            }
        };
        Self {
            room: id.0,
            kind: kind(room.kind()),
            name: room.name().map_or("", |name| name),
            topic: room.topic(),
            seq: numbers.seq.0,
            rev: numbers.rev.0,
            joined: directory.is_member(viewer, id),
            read: directory.read(viewer, id).0,
            host: room.host().map(WireUser),
            with,
            members: directory.member_count(id),
        }
    }

    /// The room that an entry let `user` in, as they found it; `None` if they are out again.
    ///
    /// Everybody in the room may see it, so it tells nothing of what `user` has read since.
    pub fn entered(directory: &'a Directory, entry: &Entry, user: UserId) -> Option<Self> {
        let room = directory.room(entry.room).filter(|room| room.membership(user).is_some())?;
        let numbers = RoomNumbers { seq: entry.seq, rev: entry.rev };
        Some(Self { read: entry.seq.0, ..Self::of(directory, user, (entry.room, room), numbers) })
    }
}

/// An entry of the log, as an event or as a part of an answer.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EntryView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<&'a str>,
    /// Not of what concerns one person alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rev: Option<u64>,
    at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Person<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "is_false")]
    edited: bool,
    #[serde(skip_serializing_if = "is_false")]
    deleted: bool,
    #[serde(skip_serializing_if = "is_false")]
    damaged: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<WireDevice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<Vec<Person<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<WireUser>,
    #[serde(skip_serializing_if = "Option::is_none")]
    who: Option<Person<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    was: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<RoomView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_in: Option<SignInView<'a>>,
    /// The sign-ins that have ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_ins: Option<Vec<WireSignIn>>,
}

/// A sign-in as its person sees it.
#[derive(Clone, Debug, Serialize)]
pub struct SignInView<'a> {
    id: WireSignIn,
    label: &'a str,
    method: &'static str,
    at: u64,
}

impl<'a> SignInView<'a> {
    /// A sign-in that began `at` this time.
    pub fn new(id: SignInId, label: &'a SignInLabel, method: SignInMethod, at: UnixMillis) -> Self {
        Self { id: WireSignIn(id), label, method: method.as_str(), at: at.0 }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl<'a> EntryView<'a> {
    /// The event that an entry is, and its argument; `cursor` is where the entry stands.
    pub fn event(directory: &'a Directory, entry: &'a Entry, cursor: &'a str) -> (&'static str, Self) {
        let (name, view) = Self::of(directory, entry);
        (name, Self { cursor: Some(cursor), ..view })
    }

    /// The same with the name of the event among the fields, for an answer with several.
    pub fn change(directory: &'a Directory, entry: &'a Entry, cursor: &'a str) -> Self {
        let (name, view) = Self::event(directory, entry, cursor);
        Self { event: Some(name), ..view }
    }

    /// A message of a history.
    pub fn message(directory: &'a Directory, entry: &'a Entry) -> Self {
        Self::of(directory, entry).1
    }

    fn of(directory: &'a Directory, entry: &'a Entry) -> (&'static str, Self) {
        let is_private =
            matches!(entry.kind.group(), Group::Private { .. }) || entry.room == RoomId::PERSONAL;
        let view = Self {
            room: (!is_private).then_some(entry.room.0),
            rev: (!is_private).then_some(entry.rev.0),
            at: entry.at.0,
            from: (!is_private).then(|| Person::author(directory, entry.author)),
            ..Self::default()
        };
        let who = |user: UserId| Some(Person::of(directory, user));
        match &entry.kind {
            Kind::Message { body, .. } => (names::MESSAGE, view.with_body(entry, body)),
            Kind::Edited { seq, text } => {
                let text = text.as_ref().map(|text| &**text);
                (names::EDITED, Self { seq: Some(seq.0), text, ..view })
            }
            Kind::Deleted { seq } => (names::DELETED, Self { seq: Some(seq.0), ..view }),
            Kind::RoomCreated { kind: of, name, topic, members } => {
                let people = || members.iter().map(|user| Person::of(directory, *user)).collect();
                let author = entry.author.and_then(Author::user).map(WireUser);
                let (members, host) = match of {
                    RoomKind::Public => (None, author),
                    RoomKind::Private => (Some(people()), author),
                    RoomKind::Direct => (Some(people()), None),
                };
                let name = Some(name.as_ref().map_or("", |name| &**name));
                let view = Self { kind: Some(kind(*of)), name, topic: Some(topic), members, host, ..view };
                (names::ROOM_CREATED, view)
            }
            Kind::RoomRenamed { name } => (names::ROOM_RENAMED, Self { name: Some(name), ..view }),
            Kind::TopicSet { topic } => (names::TOPIC, Self { topic: Some(topic), ..view }),
            Kind::Joined { user } => {
                let about = RoomView::entered(directory, entry, *user);
                (names::JOINED, Self { who: who(*user), about, ..view })
            }
            Kind::Left { user } => (names::LEFT, Self { who: who(*user), ..view }),
            Kind::Removed { user } => (names::REMOVED, Self { who: who(*user), ..view }),
            Kind::Named { user, name, was } => {
                let who = Some(Person::User { user: WireUser(*user), name: Some(name) });
                (names::NAMED, Self { who, was: was.as_ref().map(|was| &**was), ..view })
            }
            Kind::Owner { user } => (names::OWNER, Self { who: who(*user), ..view }),
            Kind::SignedIn { token, method, label, ended, .. } => {
                let sign_in = SignInView::new(token.id(), label, *method, entry.at);
                let sign_ins = ended.map(|ended| vec![WireSignIn(ended)]);
                (names::SIGNED_IN, Self { sign_in: Some(sign_in), sign_ins, ..view })
            }
            Kind::SignedOut { sign_ins, .. } => {
                let sign_ins = sign_ins.iter().map(|id| WireSignIn(*id)).collect();
                (names::SIGNED_OUT, Self { sign_ins: Some(sign_ins), ..view })
            }
            // Whom it may be shown with is not known either.
            Kind::Unknown { .. } | Kind::Damaged { .. } => (names::UNKNOWN, Self { from: None, ..view }),
        }
    }

    fn with_body(self, entry: &'a Entry, body: &'a Body) -> Self {
        let text = body.text().map_or("", |text| &**text);
        let sent = match entry.author {
            Some(Author::Device { device, n }) => Some((WireDevice(device.id), n.0)),
            Some(Author::Lineage(_)) | None => None,
        };
        Self {
            seq: Some(entry.seq.0),
            text: Some(text),
            edited: matches!(body, Body::Edited(_)),
            deleted: *body == Body::Deleted,
            damaged: *body == Body::Damaged,
            device: sent.map(|(device, _)| device),
            n: sent.map(|(_, n)| n),
            ..self
        }
    }
}
