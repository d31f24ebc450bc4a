//! The kind of an entry, as columns of its row.
//!
//! Messages and edits store their text as it is; the fields of all other kinds are JSON in the same column. Every stored
//! form stays readable for ever: fields and kinds are only added, and a new kind never uses up a `Seq`. A later version may
//! have written a row, so a field or a column that a kind does not have here is passed over, and so is the state of a text
//! that is not known. A kind with a higher number than all known ones is [`Kind::Unknown`], and a room of an unknown kind is
//! created by one. The checksum covers the columns as they are stored, so a damaged row is not taken for one of these.

use std::borrow::Cow;

use chat::{Body, Kind, Nickname, RoomKind, RoomName, Seq, Text, Topic, UserId};
use serde::{Deserialize, Serialize};

use crate::number::to_sql;

pub(crate) const MESSAGE: i64 = 1;
pub(crate) const EDITED: i64 = 2;
const DELETED: i64 = 3;
const ROOM_CREATED: i64 = 4;
const ROOM_RENAMED: i64 = 5;
const TOPIC_SET: i64 = 6;
const JOINED: i64 = 7;
const LEFT: i64 = 8;
const REMOVED: i64 = 9;
const NAMED: i64 = 10;
const OWNER: i64 = 11;
/// No message, and damaged: nobody can tell what it was.
pub(crate) const DAMAGED: i64 = 12;
/// The first number of a kind that this version does not know.
pub(crate) const UNKNOWN: i64 = DAMAGED + 1;

/// The text of a message is not the one that was sent first.
const BODY_EDITED: i64 = 1;
/// There is no text any more.
const BODY_GONE: i64 = 2;
/// A message that was damaged, and given up.
const BODY_DAMAGED: i64 = 3;

/// It was an edit or a deletion.
const DAMAGED_CHANGE: i64 = 1;

/// The columns of an entry that depend on its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Columns<'a> {
    pub(crate) kind: i64,
    pub(crate) body: Option<i64>,
    pub(crate) target: Option<i64>,
    pub(crate) text: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
struct Created<'a> {
    kind: u8,
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    topic: Cow<'a, str>,
    members: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
struct Person<'a> {
    user: u64,
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    was: Option<Cow<'a, str>>,
}

impl<'a> Columns<'a> {
    pub(crate) fn of(kind: &'a Kind) -> Self {
        let plain = |kind, body, text| Self { kind, body, target: None, text: Cow::Borrowed(text) };
        let person = |kind, user: &UserId| Self::json(kind, &Person { user: user.0, name: None, was: None });
        match kind {
            Kind::Message { body: Body::Original(text) } => plain(MESSAGE, None, &**text),
            Kind::Message { body: Body::Edited(text) } => plain(MESSAGE, Some(BODY_EDITED), &**text),
            Kind::Message { body: Body::Deleted } => plain(MESSAGE, Some(BODY_GONE), ""),
            Kind::Message { body: Body::Damaged } => plain(MESSAGE, Some(BODY_DAMAGED), ""),
            Kind::Edited { seq, text } => {
                let body = text.is_none().then_some(BODY_GONE);
                let text = text.as_deref().unwrap_or_default();
                Self { target: Some(to_sql(seq.0)), ..plain(EDITED, body, text) }
            }
            Kind::Deleted { seq } => Self { target: Some(to_sql(seq.0)), ..plain(DELETED, None, "") },
            Kind::RoomCreated { kind, name, topic, members } => Self::json(
                ROOM_CREATED,
                &Created {
                    kind: code(*kind),
                    name: name.as_deref().map(Cow::Borrowed),
                    topic: Cow::Borrowed(topic),
                    members: members.iter().map(|user| user.0).collect(),
                },
            ),
            Kind::RoomRenamed { name } => plain(ROOM_RENAMED, None, name),
            Kind::TopicSet { topic } => plain(TOPIC_SET, None, topic),
            Kind::Joined { user } => person(JOINED, user),
            Kind::Left { user } => person(LEFT, user),
            Kind::Removed { user } => person(REMOVED, user),
            Kind::Named { user, name, was } => Self::json(
                NAMED,
                &Person {
                    user: user.0,
                    name: Some(Cow::Borrowed(name)),
                    was: was.as_deref().map(Cow::Borrowed),
                },
            ),
            Kind::Owner { user } => person(OWNER, user),
            Kind::Unknown { code } => plain(i64::from(*code), None, ""),
            Kind::Damaged { is_change } => plain(DAMAGED, is_change.then_some(DAMAGED_CHANGE), ""),
        }
    }

    fn json(kind: i64, fields: &impl Serialize) -> Self {
        let text = serde_json::to_string(fields).expect("numbers and texts have a form in JSON");
        Self { kind, body: None, target: None, text: Cow::Owned(text) }
    }

    /// What the columns say, if that is anything.
    pub(crate) fn kind(&self) -> Option<Kind> {
        if self.kind >= UNKNOWN {
            return Some(Kind::Unknown { code: u32::try_from(self.kind).ok()? });
        }
        let text = &*self.text;
        let (body, target) = (self.body, self.target.and_then(|seq| u64::try_from(seq).ok()).map(Seq));
        let person = || {
            let Person { user, .. } = serde_json::from_str(text).ok()?;
            Some(UserId(user))
        };
        Some(match self.kind {
            MESSAGE => Kind::Message {
                body: match body {
                    Some(BODY_EDITED) => Body::Edited(Text::from_stored(text)),
                    Some(BODY_GONE) if text.is_empty() => Body::Deleted,
                    Some(BODY_DAMAGED) if text.is_empty() => Body::Damaged,
                    Some(BODY_GONE | BODY_DAMAGED) => return None,
                    None | Some(_) => Body::Original(Text::from_stored(text)),
                },
            },
            EDITED => Kind::Edited {
                seq: target?,
                text: match body {
                    Some(BODY_GONE) if text.is_empty() => None,
                    Some(BODY_GONE) => return None,
                    None | Some(_) => Some(Text::from_stored(text)),
                },
            },
            DELETED => Kind::Deleted { seq: target? },
            ROOM_CREATED => created(text)?,
            ROOM_RENAMED => Kind::RoomRenamed { name: RoomName::from_stored(text) },
            TOPIC_SET => Kind::TopicSet { topic: Topic::from_stored(text) },
            JOINED => Kind::Joined { user: person()? },
            LEFT => Kind::Left { user: person()? },
            REMOVED => Kind::Removed { user: person()? },
            NAMED => named(text)?,
            OWNER => Kind::Owner { user: person()? },
            DAMAGED => Kind::Damaged { is_change: body == Some(DAMAGED_CHANGE) },
            _ => return None,
        })
    }
}

fn created(text: &str) -> Option<Kind> {
    let Created { kind, name, topic, members } = serde_json::from_str(text).ok()?;
    let all = [RoomKind::Public, RoomKind::Private, RoomKind::Direct];
    let Some(kind) = all.into_iter().find(|known| code(*known) == kind) else {
        return Some(Kind::Unknown { code: ROOM_CREATED.unsigned_abs().try_into().ok()? });
    };
    Some(Kind::RoomCreated {
        kind,
        name: name.as_deref().map(RoomName::from_stored),
        topic: Topic::from_stored(&topic),
        members: members.into_iter().map(UserId).collect(),
    })
}

fn named(text: &str) -> Option<Kind> {
    let Person { user, name, was } = serde_json::from_str(text).ok()?;
    Some(Kind::Named {
        user: UserId(user),
        name: Nickname::from_stored(&name?),
        was: was.as_deref().map(Nickname::from_stored),
    })
}

/// As it stands in the row.
fn code(kind: RoomKind) -> u8 {
    match kind {
        RoomKind::Public => 0,
        RoomKind::Private => 1,
        RoomKind::Direct => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is hard to write in JSON.
    const WORDS: &str = "\"hi\" \\ \n\0 👩‍👩‍👧";

    /// One of each kind, with these words wherever there are any.
    fn kinds(words: &str) -> Vec<Kind> {
        let text = || Text::from_stored(words);
        let (user, name) = (UserId(u64::MAX >> 1), Nickname::from_stored(words));
        let (room_name, topic) = (RoomName::from_stored(words), Topic::from_stored(words));
        vec![
            Kind::message(text()),
            Kind::Message { body: Body::Edited(text()) },
            Kind::Message { body: Body::Deleted },
            Kind::Message { body: Body::Damaged },
            Kind::Edited { seq: Seq(7), text: Some(text()) },
            Kind::Edited { seq: Seq(7), text: None },
            Kind::Deleted { seq: Seq(7) },
            Kind::RoomCreated {
                kind: RoomKind::Private,
                name: Some(room_name.clone()),
                topic: topic.clone(),
                members: vec![UserId(1), user],
            },
            Kind::RoomCreated {
                kind: RoomKind::Direct,
                name: None,
                topic: Topic::default(),
                members: vec![],
            },
            Kind::RoomRenamed { name: room_name },
            Kind::TopicSet { topic },
            Kind::TopicSet { topic: Topic::default() },
            Kind::Joined { user },
            Kind::Left { user },
            Kind::Removed { user },
            Kind::Named { user, name: name.clone(), was: None },
            Kind::Named { user, name: name.clone(), was: Some(name) },
            Kind::Owner { user },
            Kind::Damaged { is_change: false },
            Kind::Damaged { is_change: true },
            Kind::Unknown { code: 13 },
            Kind::Unknown { code: u32::MAX },
        ]
    }

    #[test]
    fn every_kind_comes_back_from_its_columns() {
        for kind in ["tea", WORDS, "{"].into_iter().flat_map(kinds) {
            let columns = Columns::of(&kind);
            assert_eq!(columns.kind().as_ref(), Some(&kind), "{columns:?}");
        }
    }

    #[test]
    fn columns_that_lack_something_say_nothing() {
        let broken = |columns: Columns<'_>| assert_eq!(columns.kind(), None, "{columns:?}");
        for kind in kinds(WORDS) {
            let columns = Columns::of(&kind);
            broken(Columns { kind: 0, ..columns.clone() });
            broken(Columns { kind: -1, ..columns.clone() });
            broken(Columns { kind: i64::MAX, ..columns.clone() });
            if matches!(columns.kind, EDITED | DELETED) {
                broken(Columns { target: None, ..columns.clone() });
            }
            if matches!(columns.kind, MESSAGE | EDITED) && !columns.text.is_empty() {
                broken(Columns { body: Some(BODY_GONE), ..columns.clone() });
            }
            if matches!(columns.kind, ROOM_CREATED | JOINED..=OWNER) {
                broken(Columns { text: "{".into(), ..columns.clone() });
                broken(Columns { text: r#"{"what":2}"#.into(), ..columns });
            }
        }
    }

    /// Every kind with every column that it does not have.
    #[test]
    fn what_a_later_version_adds_to_a_known_kind_is_passed_over() {
        for kind in kinds(WORDS) {
            let columns = Columns::of(&kind);
            let same = |columns: Columns<'_>| assert_eq!(columns.kind().as_ref(), Some(&kind), "{columns:?}");
            if !matches!(columns.kind, EDITED | DELETED) {
                same(Columns { target: Some(3), ..columns.clone() });
            }
            if columns.body.is_none() {
                same(Columns { body: Some(9), ..columns.clone() });
            }
            if let Some(fields) = columns.text.strip_prefix('{') {
                let more = r#"{"color":{"is":"red"},"names":["x"],"#;
                same(Columns { text: format!("{more}{fields}").into(), ..columns });
            }
        }
        let joined =
            Columns { kind: JOINED, body: None, target: None, text: r#"{"user":1,"name":"x"}"#.into() };
        assert_eq!(joined.kind(), Some(Kind::Joined { user: UserId(1) }));
    }

    #[test]
    fn what_a_later_version_adds_of_its_own_is_unknown() {
        let told = |kind, body, target, text: &'static str| Columns { kind, body, target, text: text.into() };
        assert_eq!(told(UNKNOWN, Some(7), Some(3), "{").kind(), Some(Kind::Unknown { code: 13 }));
        let created = r#"{"kind":3,"topic":"","members":[1]}"#;
        assert_eq!(told(ROOM_CREATED, None, None, created).kind(), Some(Kind::Unknown { code: 4 }));
    }
}
