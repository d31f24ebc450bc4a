//! The wire format of namespace `/`: events to typed commands, entries and outcomes to packets.
//!
//! The only file that knows this format. It answers malformed input; it refuses nothing else.

use std::borrow::Cow;
use std::fmt;

use chat::{ClientKey, Entry, Kind, Refusal, RoomId, Text};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use sha2::{Digest, Sha256};
use socketio_server::{Auth, Frame, Lineage, NamespaceName, Payload, socketio};

use crate::planted::{self, Bug};
use crate::stats::Count;

/// The only event of the profile, both ways.
pub const CHAT_MESSAGE: &str = "chat message";

/// A secret that a client may name its lineage by has at least so many characters: 128 bits in base64.
const LINEAGE_CHARS_MIN: usize = 22;

/// …and at most so many.
const LINEAGE_CHARS_MAX: usize = 256;

/// A `chat message` from a client.
#[derive(Debug, PartialEq, Eq)]
pub struct ChatMessage {
    pub text: Text,
    pub key: Option<ClientKey>,
}

/// Why an event is no message. Permanent: the same event will never be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidMessage {
    code: &'static str,
}

impl ChatMessage {
    pub fn parse(payload: &Payload<'_>) -> Result<Self, InvalidMessage> {
        let (content, key) = payload.args::<(Field<'_>, Field<'_>)>().map_err(|_| InvalidMessage::INVALID)?;
        let Field::Text(content) = content else { return Err(InvalidMessage::INVALID) };
        let key = match key {
            Field::Text(key) => {
                Some(ClientKey::parse(&key).map_err(|error| InvalidMessage { code: error.code() })?)
            }
            Field::Absent => None,
            Field::Other => return Err(InvalidMessage::INVALID),
        };
        let text = Text::parse(&content).map_err(|error| InvalidMessage { code: error.code() })?;
        Ok(Self { text, key })
    }
}

impl InvalidMessage {
    /// The content is not a string, or the client offset is neither a string nor absent.
    const INVALID: Self = Self { code: "invalid" };

    /// What it is counted as.
    pub fn count(self) -> Count {
        if self.code == Refusal::TooLarge.code() { Count::LimitTextBytes } else { Count::RefusedInvalid }
    }

    /// Arguments of the answer.
    pub fn answer(self) -> String {
        refusal(self.code)
    }
}

/// Arguments of the answer to a message that was refused for good.
pub fn refused(reason: Refusal) -> String {
    refusal(reason.code())
}

fn refusal(code: &str) -> String {
    format!(r#"{{"ok":false,"code":"{code}"}}"#)
}

/// An entry as it goes to every client; `offset` is its place for connection state recovery.
///
/// The profile knows messages of the lobby and nothing else: an edited one says what it says now, a deleted one is not
/// there.
pub fn frame(entry: &Entry, offset: &str) -> Option<Frame> {
    let Kind::Message { body } = &entry.kind else { return None };
    let text = body.text().filter(|_| entry.room == RoomId::LOBBY)?;
    let mut args = serde_json::to_string(&**text).expect("a string has a form in JSON");
    args.push(',');
    args.push_str(&entry.seq.0.to_string());
    let offset = (!planted::is(Bug::SendsNoOffset)).then_some(offset);
    let packet = socketio::encode_event_raw(&NamespaceName::ROOT, CHAT_MESSAGE, &args, None, offset);
    Some(Frame::text(&packet))
}

/// What the profile reads of `auth`. Whatever is of a wrong type is as if it were not there: a client that cannot say
/// what it has seen gets everything, because a doubled line beats a hole.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ProfileAuth {
    /// The last `Seq` that the client has.
    pub server_offset: u64,
    /// The scope of its keys, if it names one.
    pub lineage: Option<Lineage>,
}

impl ProfileAuth {
    pub fn of(auth: &Auth) -> Self {
        #[derive(Deserialize)]
        struct Raw {
            #[serde(rename = "serverOffset")]
            server_offset: Option<serde_json::Value>,
            lineage: Option<serde_json::Value>,
        }
        let Ok(raw) = auth.parse::<Raw>() else { return Self::default() };
        let server_offset = raw.server_offset.as_ref().and_then(seq).unwrap_or(0);
        let secret = raw.lineage.as_ref().and_then(serde_json::Value::as_str);
        Self { server_offset, lineage: secret.and_then(lineage) }
    }
}

/// Numbers and texts of numbers, as the tutorial's database takes them.
fn seq(value: &serde_json::Value) -> Option<u64> {
    let number = match value {
        serde_json::Value::Number(number) => match number.as_u64() {
            Some(whole) => return Some(whole),
            None => number.as_f64()?,
        },
        serde_json::Value::String(text) => match text.trim().parse::<u64>() {
            Ok(whole) => return Some(whole),
            Err(_) => text.trim().parse::<f64>().ok()?,
        },
        _ => return None,
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, which is the meaning"
    )]
    number.is_finite().then_some(number as u64)
}

/// The secret is not kept: its hash names the lineage.
fn lineage(secret: &str) -> Option<Lineage> {
    if !(LINEAGE_CHARS_MIN..=LINEAGE_CHARS_MAX).contains(&secret.len()) {
        return None;
    }
    let hash = Sha256::digest(secret.as_bytes());
    hash.first_chunk::<16>().map(|bytes| Lineage::from_bytes(*bytes))
}

/// An argument that should be a string.
#[derive(Debug)]
enum Field<'a> {
    Text(Cow<'a, str>),
    Absent,
    Other,
}

impl<'de> Deserialize<'de> for Field<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Field::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Field::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Field::Absent)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Field::Absent)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Field::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Field::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Field::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Field::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Other)
    }
}
