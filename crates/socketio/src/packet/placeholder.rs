//! Checks that every placeholder of a packet names an announced attachment.
//!
//! This scans JSON that is known to be valid, so it only has to distinguish keys, values and nesting. A serde visitor
//! would refuse what the same packet may contain without attachments: lone surrogates in strings (where JavaScript cuts
//! texts) and more than 128 levels of nesting. The scan keeps a few bytes per level, so no nesting can exhaust the
//! stack.

use super::DecodeError;
use crate::event;

/// The key that marks a placeholder, and the key of its number.
const MARK: &str = "_placeholder";
const NUMBER: &str = "num";

/// Checks all placeholder objects, at any depth.
pub(super) fn check(json: &str, attachments: u8) -> Result<(), DecodeError> {
    let mut levels: Vec<Level> = Vec::new();
    let mut rest = json;
    while let Some(byte) = rest.bytes().next() {
        let length = match byte {
            b'{' | b'[' => {
                note_value(&mut levels, Value::Other);
                levels.push(if byte == b'{' { Level::Object(Object::default()) } else { Level::Array });
                1
            }
            b'}' | b']' => {
                if let Some(Level::Object(Object { marked: true, number, .. })) = levels.pop()
                    && number.is_none_or(|number| number >= attachments)
                {
                    return Err(DecodeError::Placeholder);
                }
                1
            }
            b',' => {
                if let Some(Level::Object(object)) = levels.last_mut() {
                    object.place = Place::Key;
                }
                1
            }
            b'"' => {
                let length = string_length(rest);
                note_string(&mut levels, rest.get(..length).unwrap_or(rest));
                length
            }
            b':' | b' ' | b'\t' | b'\n' | b'\r' => 1,
            _ => {
                let length = rest.find([',', ']', '}', ' ', '\t', '\n', '\r']).unwrap_or(rest.len());
                note_value(&mut levels, Value::of_scalar(rest.get(..length).unwrap_or(rest)));
                length
            }
        };
        rest = rest.get(length..).unwrap_or("");
    }
    Ok(())
}

enum Level {
    Array,
    Object(Object),
}

/// What is known of an object that is still open.
#[derive(Default)]
struct Object {
    place: Place,
    marked: bool,
    /// The number, if an attachment could have it.
    number: Option<u8>,
}

/// What may come next in an object.
#[derive(Default, Clone, Copy)]
enum Place {
    #[default]
    Key,
    MarkValue,
    NumberValue,
    OtherValue,
}

#[derive(Clone, Copy)]
enum Value {
    True,
    Number(u8),
    Other,
}

impl Value {
    fn of_scalar(text: &str) -> Self {
        match text {
            "true" => Self::True,
            text => text.parse().map_or(Self::Other, Self::Number),
        }
    }
}

/// As in JavaScript, the last of several equal keys counts.
fn note_value(levels: &mut [Level], value: Value) {
    let Some(Level::Object(object)) = levels.last_mut() else { return };
    match (object.place, value) {
        (Place::MarkValue, value) => object.marked = matches!(value, Value::True),
        (Place::NumberValue, Value::Number(number)) => object.number = Some(number),
        (Place::NumberValue, Value::True | Value::Other) => object.number = None,
        (Place::OtherValue | Place::Key, _) => {}
    }
}

fn note_string(levels: &mut [Level], json: &str) {
    match levels.last_mut() {
        Some(Level::Object(object)) if matches!(object.place, Place::Key) => {
            object.place = match event::string(json).as_deref() {
                Some(MARK) => Place::MarkValue,
                Some(NUMBER) => Place::NumberValue,
                Some(_) | None => Place::OtherValue,
            };
        }
        Some(Level::Object(_) | Level::Array) | None => note_value(levels, Value::Other),
    }
}

/// The string at the start of `json`, in bytes, including both quotes.
fn string_length(json: &str) -> usize {
    let mut escaped = false;
    let end = json.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(json.len(), |end| end + 2)
}
