//! The names of events.
//!
//! Any text is a name, except a few that the protocol keeps for events of the connection itself. These are refused in
//! both directions, so that no peer can make a program believe that it was disconnected. A peer may also send an
//! integer as a name; then its text is the name.

use std::borrow::Cow;
use std::fmt;

/// Names that no packet may have.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// The name of an event that may be sent.
///
/// ```
/// use socketio::EventName;
///
/// assert_eq!(EventName::new("chat message").unwrap().as_str(), "chat message");
/// assert!(EventName::new("disconnect").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventName<'a>(Cow<'a, str>);

/// Why a text is not the name of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EventNameError {
    /// The name is reserved for the connection itself.
    #[error("the event name is reserved")]
    Reserved,
    /// A received name is neither a string nor an integer.
    #[error("an event name is a string or an integer")]
    NotAName,
}

impl<'a> EventName<'a> {
    /// Checks a name that a program chose.
    pub fn new(name: impl Into<Cow<'a, str>>) -> Result<Self, EventNameError> {
        let name = name.into();
        if RESERVED.contains(&name.as_ref()) { Err(EventNameError::Reserved) } else { Ok(Self(name)) }
    }

    /// Reads the first element of an event's array, which is a valid JSON value.
    pub(crate) fn from_json(json: &'a str) -> Result<Self, EventNameError> {
        if json.starts_with('"') {
            return Self::new(string(json).ok_or(EventNameError::NotAName)?);
        }
        let digits = json.strip_prefix('-').unwrap_or(json);
        // The value is valid JSON, so if it has only digits, it is an integer.
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(json.into()))
        } else {
            Err(EventNameError::NotAName)
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as an owned text, or borrowed from the packet.
    pub fn into_inner(self) -> Cow<'a, str> {
        self.0
    }
}

impl fmt::Display for EventName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for EventName<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// The text of a JSON string; borrowed unless it has escapes. `None` if it contains a lone surrogate.
pub(crate) fn string(json: &str) -> Option<Cow<'_, str>> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { serde_json::from_str(json).ok().map(Cow::Owned) } else { Some(inner.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_names_are_refused_however_they_are_spelled() {
        for name in RESERVED {
            assert_eq!(EventName::new(name), Err(EventNameError::Reserved));
            assert_eq!(EventName::from_json(&format!("\"{name}\"")), Err(EventNameError::Reserved));
        }
        assert_eq!(EventName::from_json(r#""d\u0069sconnect""#), Err(EventNameError::Reserved));
        assert!(EventName::from_json(r#""Disconnect""#).is_ok());
    }

    #[test]
    fn an_integer_is_a_name_and_other_values_are_not() {
        assert_eq!(EventName::from_json("-12").unwrap().as_str(), "-12");
        for json in ["1.5", "1e3", "null", "true", "{}", "[]", r#""\ud800""#] {
            assert_eq!(EventName::from_json(json), Err(EventNameError::NotAName), "{json}");
        }
    }

    #[test]
    fn a_plain_name_is_not_copied() {
        assert!(matches!(EventName::from_json(r#""é""#).unwrap().into_inner(), Cow::Borrowed("é")));
        assert_eq!(EventName::from_json(r#""a\"\u00e9""#).unwrap().as_str(), "a\"é");
    }
}
