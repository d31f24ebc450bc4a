//! [`ClientKey`]: the key by which a repeated message of a tutorial client is recognised.
//!
//! Owns the form of a key, and which keys are too weak to count beyond their lineage. [`decide`](crate::decide()) looks keys
//! up and decides what a match means.

use std::sync::Arc;

/// A name that a client gives to one send, so that a repeat can be told from a new message.
///
/// ```
/// # use chat::ClientKey;
/// assert!(ClientKey::parse("undefined-0").unwrap().is_weak());
/// assert!(!ClientKey::parse("xUz3kQ-0").unwrap().is_weak());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientKey(Arc<str>);

/// Why a string is no [`ClientKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// An empty key would be everybody's.
    #[error("the client key is empty")]
    Empty,
    /// More than [`ClientKey::BYTES_MAX`].
    #[error("the client key is longer than {} bytes", ClientKey::BYTES_MAX)]
    TooLarge,
}

impl KeyError {
    /// What a client is told.
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "key_empty",
            Self::TooLarge => "key_too_large",
        }
    }
}

impl ClientKey {
    /// Longer keys are refused: a key is stored for ever.
    pub const BYTES_MAX: usize = 256;

    /// Takes a key as the client sent it.
    pub fn parse(key: &str) -> Result<Self, KeyError> {
        if key.is_empty() {
            return Err(KeyError::Empty);
        }
        if key.len() > Self::BYTES_MAX {
            return Err(KeyError::TooLarge);
        }
        Ok(Self(key.into()))
    }

    /// Takes a key that stands in a log already, whatever its length: what was accepted once stays.
    pub fn from_stored(key: &str) -> Self {
        Self(key.into())
    }

    /// The key as the client sent it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A number behind what a missing socket id becomes when it is made part of a string, such as `undefined-0`.
    ///
    /// Every client that types before it is connected makes the same ones, so outside its lineage such a key says
    /// nothing. JavaScript writes `undefined`; the clients of other languages write what they call nothing.
    pub fn is_weak(&self) -> bool {
        let Some((stem, number)) = self.0.rsplit_once('-') else { return false };
        let is_nothing = matches!(stem, "undefined" | "null" | "None" | "nil" | "");
        is_nothing && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_bounded_in_bytes() {
        assert_eq!(ClientKey::parse(""), Err(KeyError::Empty));
        assert!(ClientKey::parse(&"k".repeat(256)).is_ok());
        assert_eq!(ClientKey::parse(&"ä".repeat(129)), Err(KeyError::TooLarge));
    }

    #[test]
    fn a_bad_key_has_a_code_for_the_client() {
        let codes = ["", &"k".repeat(257)].map(|key| ClientKey::parse(key).unwrap_err().code());
        assert_eq!(codes, ["key_empty", "key_too_large"]);
    }

    #[test]
    fn only_a_number_behind_nothing_is_weak() {
        for weak in ["undefined-0", "undefined-4711", "null-1", "None-3", "nil-2", "-7"] {
            assert!(ClientKey::parse(weak).unwrap().is_weak(), "{weak}");
        }
        for strong in
            ["undefined", "undefined-", "undefined-x", "undefined-1-2", "my-undefined-0", "Qx7-0", "-"]
        {
            assert!(!ClientKey::parse(strong).unwrap().is_weak(), "{strong}");
        }
    }
}
