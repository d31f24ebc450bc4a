//! The text of a message.
//!
//! A [`Text`] keeps exactly what was sent: nothing is trimmed or normalised, because a retry must compare equal to
//! its original and people may say what they like. Shared, so that ring, log and frame need no copy.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// What somebody said: some UTF-8, not empty, at most [`Text::BYTES_MAX`] long.
///
/// ```
/// # use chat::{Text, TextError};
/// assert_eq!(&*Text::parse(" hi ")?, " hi ");
/// assert_eq!(Text::parse("").unwrap_err().code(), "empty");
/// # Ok::<(), TextError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Text(Arc<str>);

/// Why a string is no [`Text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// There is nothing to say.
    #[error("the text is empty")]
    Empty,
    /// More than [`Text::BYTES_MAX`].
    #[error("the text is longer than {} bytes", Text::BYTES_MAX)]
    TooLarge,
}

impl TextError {
    /// What a client is told.
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge => "too_large",
        }
    }
}

impl Text {
    /// 16 KiB: several pages of prose, and far below what a frame may hold.
    pub const BYTES_MAX: usize = 16 * 1024;

    /// Takes a text as it was sent.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        if text.len() > Self::BYTES_MAX {
            return Err(TextError::TooLarge);
        }
        Ok(Self(text.into()))
    }

    /// Takes a text that stands in a log already, or in one that is taken over: nothing of it may be lost, so it may
    /// be empty or beyond the limit.
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// What people say does not belong into a server's own log: only the length is shown.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_exactly_as_it_was_sent() {
        for said in [" ", "hi\n", "\u{feff}e\u{301}", "\0", "👩‍👩‍👧", "مرحبا"] {
            assert_eq!(&*Text::parse(said).unwrap(), said);
        }
    }

    #[test]
    fn a_text_is_bounded_in_bytes() {
        assert_eq!(Text::parse(""), Err(TextError::Empty));
        assert!(Text::parse(&"x".repeat(Text::BYTES_MAX)).is_ok());
        assert_eq!(Text::parse(&"ä".repeat(Text::BYTES_MAX / 2 + 1)), Err(TextError::TooLarge));
    }
}
