//! Checks the body of a packet in one pass over its JSON, without building anything.
//!
//! The result is where the name of an event ends and how many arguments follow; later reads start there. The arguments
//! are only checked to be valid JSON. Their meaning is known to the program, which reads them by type.

use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{DecodeError, PacketType, placeholder};
use crate::event::EventName;

/// The layout of the body of an event or an answer; unused for other packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Body {
    /// Where the name of an event begins. For answers, both ends are just after the opening bracket.
    pub(crate) name_start: usize,
    /// Where the name ends.
    pub(crate) name_end: usize,
    /// How many elements follow the name.
    pub(crate) arg_count: usize,
}

impl Body {
    /// The name of an event as written in the body; empty for other packets.
    pub(crate) fn name_json(self, data: &str) -> &str {
        data.get(self.name_start..self.name_end).unwrap_or("")
    }

    pub(super) fn parse(kind: PacketType, attachments: u8, data: &str) -> Result<Self, DecodeError> {
        match kind {
            PacketType::Connect => match data {
                "" => Ok(Self::default()),
                data => parse_value(data, &['{']),
            },
            PacketType::Disconnect => match data {
                "" => Ok(Self::default()),
                _ => Err(DecodeError::Body),
            },
            PacketType::ConnectError => parse_value(data, &['{', '"']),
            PacketType::Event => parse_event(data),
            PacketType::Ack => parse_answer(data),
            PacketType::BinaryEvent => {
                let body = parse_event(data)?;
                placeholder::check(data, attachments)?;
                Ok(body)
            }
            PacketType::BinaryAck => {
                let body = parse_answer(data)?;
                placeholder::check(data, attachments)?;
                Ok(body)
            }
        }
    }
}

/// Checks a body that is a single value; its first character tells the type.
fn parse_value(data: &str, openings: &[char]) -> Result<Body, DecodeError> {
    serde_json::from_str::<IgnoredAny>(data).map_err(|_| DecodeError::Json)?;
    if data.starts_with(openings) { Ok(Body::default()) } else { Err(DecodeError::Body) }
}

fn parse_event(data: &str) -> Result<Body, DecodeError> {
    let elements = parse_array(data)?;
    let first = elements.first.ok_or(DecodeError::Body)?;
    EventName::from_json(first)?;
    // There is at most white space between the bracket and the name.
    let name_start = data.len() - data.strip_prefix('[').unwrap_or(data).trim_start().len();
    Ok(Body { name_start, name_end: name_start + first.len(), arg_count: elements.count - 1 })
}

fn parse_answer(data: &str) -> Result<Body, DecodeError> {
    let elements = parse_array(data)?;
    Ok(Body { name_start: 1, name_end: 1, arg_count: elements.count })
}

fn parse_array(data: &str) -> Result<Elements<'_>, DecodeError> {
    if !data.starts_with('[') {
        // Told apart from invalid JSON only for the error message.
        return match serde_json::from_str::<IgnoredAny>(data) {
            Ok(_) => Err(DecodeError::Body),
            Err(_) => Err(DecodeError::Json),
        };
    }
    let mut json = serde_json::Deserializer::from_str(data);
    let elements = json.deserialize_seq(ElementsVisitor).map_err(|_| DecodeError::Json)?;
    json.end().map_err(|_| DecodeError::Json)?;
    Ok(elements)
}

struct Elements<'a> {
    first: Option<&'a str>,
    count: usize,
}

struct ElementsVisitor;

impl<'de> Visitor<'de> for ElementsVisitor {
    type Value = Elements<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Elements<'de>, A::Error> {
        let Some(first) = seq.next_element::<&'de RawValue>()? else {
            return Ok(Elements { first: None, count: 0 });
        };
        let mut count = 1;
        while seq.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Elements { first: Some(first.get()), count })
    }
}
