//! The kind of an entry, as columns of its row.
//!
//! Messages and edits store their text as it is; the fields of all other kinds are JSON in the same column. Every stored
//! form stays readable for ever: fields and kinds are only added, and a new kind never uses up a `Seq`. A later version may
//! have written a row, so a field or a column that a kind does not have here is passed over, and so is the state of a text
//! that is not known. A kind with a higher number than all known ones is [`Kind::Unknown`], and a room of an unknown kind is
//! created by one. The checksum covers the columns as they are stored, so a damaged row is not taken for one of these.

use std::borrow::Cow;
use std::fmt::Write as _;

use chat::{
    Body, Kind, Nickname, RoomKind, RoomName, Seq, SignInId, SignInLabel, SignInMethod, Text, TokenHash,
    Topic, UserId,
};
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
const SIGNED_IN: i64 = 13;
const SIGNED_OUT: i64 = 14;
/// The first number of a kind that this version does not know.
pub(crate) const UNKNOWN: i64 = SIGNED_OUT + 1;

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

#[derive(Serialize, Deserialize)]
struct Begun<'a> {
    user: u64,
    /// The hash in hex, in one form that an operator can search for.
    #[serde(borrow)]
    token: Cow<'a, str>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    label: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    ended: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct Ended {
    user: u64,
    sign_ins: Vec<u64>,
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
            Kind::SignedIn { user, token, method, label, ended } => Self::json(
                SIGNED_IN,
                &Begun {
                    user: user.0,
                    token: hex(*token).into(),
                    method: method.as_str().into(),
                    label: Cow::Borrowed(label),
                    ended: ended.map(|id| id.0),
                },
            ),
            Kind::SignedOut { user, sign_ins } => Self::json(
                SIGNED_OUT,
                &Ended { user: user.0, sign_ins: sign_ins.iter().map(|id| id.0).collect() },
            ),
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
            SIGNED_IN => begun(text)?,
            SIGNED_OUT => {
                let Ended { user, sign_ins } = serde_json::from_str(text).ok()?;
                Kind::SignedOut { user: UserId(user), sign_ins: sign_ins.into_iter().map(SignInId).collect() }
            }
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

fn begun(text: &str) -> Option<Kind> {
    let Begun { user, token, method, label, ended } = serde_json::from_str(text).ok()?;
    let token = unhex(&token)?;
    let Some(method) = SignInMethod::ALL.into_iter().find(|known| known.as_str() == method) else {
        return Some(Kind::Unknown { code: SIGNED_IN.unsigned_abs().try_into().ok()? });
    };
    let label = SignInLabel::from_stored(&label);
    Some(Kind::SignedIn { user: UserId(user), token, method, label, ended: ended.map(SignInId) })
}

fn hex(token: TokenHash) -> String {
    token.0.iter().fold(String::new(), |mut digits, byte| {
        // Writing to a string does not fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

fn unhex(digits: &str) -> Option<TokenHash> {
    let mut bytes = [0; 32];
    if digits.len() != bytes.len() * 2 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(TokenHash(bytes))
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
            Kind::SignedIn {
                user,
                token: TokenHash::of(words.as_bytes()),
                method: SignInMethod::Link,
                label: SignInLabel::from_stored(words),
                ended: Some(SignInId(u64::MAX)),
            },
            Kind::SignedIn {
                user,
                token: TokenHash::OLD,
                method: SignInMethod::Old,
                label: SignInLabel::default(),
                ended: None,
            },
            Kind::SignedOut { user, sign_ins: vec![SignInId(1), SignInId(u64::MAX)] },
            Kind::Damaged { is_change: false },
            Kind::Damaged { is_change: true },
            Kind::Unknown { code: 15 },
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

    /// As the logs of servers that run have it.
    #[test]
    fn a_sign_in_is_stored_as_it_always_was() {
        let token = TokenHash(std::array::from_fn(|byte| u8::try_from(byte).unwrap_or(0)));
        let kind = Kind::SignedIn {
            user: UserId(7),
            token,
            method: SignInMethod::Link,
            label: SignInLabel::from_stored("Firefox on Windows"),
            ended: Some(SignInId(9)),
        };
        let text = r#"{"user":7,"token":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f","method":"link","label":"Firefox on Windows","ended":9}"#;
        assert_eq!(Columns::of(&kind), Columns { kind: 13, body: None, target: None, text: text.into() });
        let kind = Kind::SignedOut { user: UserId(7), sign_ins: vec![SignInId(9), SignInId(8)] };
        let text = r#"{"user":7,"sign_ins":[9,8]}"#;
        assert_eq!(Columns::of(&kind), Columns { kind: 14, body: None, target: None, text: text.into() });
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
            if matches!(columns.kind, ROOM_CREATED | JOINED..=OWNER | SIGNED_IN | SIGNED_OUT) {
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
        assert_eq!(told(UNKNOWN, Some(7), Some(3), "{").kind(), Some(Kind::Unknown { code: 15 }));
        let created = r#"{"kind":3,"topic":"","members":[1]}"#;
        assert_eq!(told(ROOM_CREATED, None, None, created).kind(), Some(Kind::Unknown { code: 4 }));
        let begun = Kind::SignedIn {
            user: UserId(1),
            token: TokenHash::of(b""),
            method: SignInMethod::New,
            label: SignInLabel::default(),
            ended: None,
        };
        let by_passkey = Columns::of(&begun);
        let text = by_passkey.text.replace("new", "passkey").into();
        assert_eq!(Columns { text, ..by_passkey }.kind(), Some(Kind::Unknown { code: 13 }));
    }
}
