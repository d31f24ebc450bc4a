//! The public id of a socket in a namespace.
//!
//! Clients see it and may tell it to each other, so it must reveal nothing about the engine's session id, which is a
//! secret. The caller supplies random bytes.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The public id of a socket: 15 bytes, 20 characters of URL-safe base64.
///
/// ```
/// use socketio::SocketId;
///
/// let id = SocketId::from_bytes([7; 15]);
/// assert_eq!(id.to_string(), "BwcHBwcHBwcHBwcHBwcH");
/// assert_eq!(SocketId::parse("BwcHBwcHBwcHBwcHBwcH"), Some(id));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId([u8; Self::BYTES]);

impl SocketId {
    /// The bytes of an id.
    pub const BYTES: usize = 15;

    /// The characters of its text.
    pub const CHARS: usize = 20;

    /// Makes an id from random bytes of the caller.
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// Reads the text form. Every id has exactly one.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; Self::BYTES];
        // Checked first, because the decoder allocates by the length alone.
        if text.len() != Self::CHARS {
            return None;
        }
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        (length == Self::BYTES).then_some(Self(bytes))
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        base64::display::Base64Display::new(&self.0, &URL_SAFE_NO_PAD).fmt(f)
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SocketId({self})")
    }
}

/// The text of the id, which is also the name of the socket's own room.
impl From<SocketId> for Arc<str> {
    fn from(id: SocketId) -> Self {
        id.to_string().into()
    }
}

/// A text that is not a socket id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a socket id is {} characters of url-safe base64", SocketId::CHARS)]
pub struct SocketIdError;

impl FromStr for SocketId {
    type Err = SocketIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or(SocketIdError)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn other_texts_are_no_ids() {
        for text in ["", "BwcH", "BwcHBwcHBwcHBwcHBwc=", "BwcHBwcHBwcHBwcHBwc/", "BwcHBwcHBwcHBwcHBwcHBwcH"] {
            assert_eq!(SocketId::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_id_survives_its_text(bytes: [u8; SocketId::BYTES]) {
            let id = SocketId::from_bytes(bytes);
            prop_assert_eq!(id.to_string().len(), SocketId::CHARS);
            prop_assert_eq!(SocketId::parse(&id.to_string()), Some(id));
        }

        #[test]
        fn an_id_has_one_text(text in ".{0,24}") {
            if let Some(id) = SocketId::parse(&text) {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
