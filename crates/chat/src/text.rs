//! The text of a message.
//!
//! A [`Text`] is what everybody gets. Nothing is trimmed or normalised, people may say what they like; only characters
//! that are not text (what terminals obey, what turns the rest of a line around) are replaced, and a text that shows
//! nothing is none. What was sent is kept beside it until it is stored, because a retry is compared with what was sent.
//! Shared, so that ring, log and frame need no copy.

mod characters;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

pub(crate) use characters::is_blank;

/// What somebody said: some UTF-8 that shows something, at most [`Text::BYTES_MAX`] long.
///
/// ```
/// # use chat::{Text, TextError};
/// assert_eq!(&*Text::parse(" hi ")?, " hi ");
/// assert_eq!(&*Text::parse("\u{1b}[31mred\r\n")?, "\u{fffd}[31mred\n");
/// assert_eq!(Text::parse(" \u{200b} ").unwrap_err().code(), "empty");
/// # Ok::<(), TextError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Text {
    shown: Arc<str>,
    /// What was sent, where that is something else.
    sent: Option<Arc<str>>,
}

/// Why a string is no [`Text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// It shows nothing.
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
        if text.len() > Self::BYTES_MAX {
            return Err(TextError::TooLarge);
        }
        if text.chars().all(is_blank) {
            return Err(TextError::Empty);
        }
        let Some(shown) = characters::cleaned(text) else { return Ok(Self::from_stored(text)) };
        // What stands for something else may be longer than that.
        if shown.len() > Self::BYTES_MAX {
            return Err(TextError::TooLarge);
        }
        Ok(Self { shown: shown.into(), sent: Some(text.into()) })
    }

    /// Takes a text that stands in a log already, or in one that is taken over: nothing of it may be lost, so it may
    /// be empty, beyond the limit, or have anything in it.
    pub fn from_stored(text: &str) -> Self {
        Self { shown: text.into(), sent: None }
    }

    /// How many bytes it has, together with what was sent.
    pub(crate) fn bytes(&self) -> usize {
        self.shown.len() + self.sent.as_ref().map_or(0, |sent| sent.len())
    }

    /// What was sent. A retry says the same, whatever has become of it.
    pub fn as_sent(&self) -> &str {
        self.sent.as_deref().unwrap_or(&self.shown)
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.shown
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
        for said in [" hi", "hi\n", "\u{feff}e\u{301}", "a\u{200b}b", "👩‍👩‍👧", "مرحبا", "\u{2067}مرحبا\u{2069}"]
        {
            let text = Text::parse(said).unwrap();
            assert_eq!((&*text, text.as_sent()), (said, said));
        }
    }

    #[test]
    fn a_text_that_is_changed_keeps_what_was_sent_beside_it() {
        let text = Text::parse("a\0b").unwrap();
        assert_eq!((&*text, text.as_sent()), ("a\u{fffd}b", "a\0b"));
    }

    #[test]
    fn a_text_that_stands_in_a_log_stays_as_it_is() {
        for stored in ["", " ", "\u{200b}", "a\0b", "\u{202e}abc"] {
            let text = Text::from_stored(stored);
            assert_eq!((&*text, text.as_sent()), (stored, stored));
        }
    }

    #[test]
    fn a_bad_text_has_a_code_for_the_client() {
        let codes = ["", &"x".repeat(16_385)].map(|text| Text::parse(text).unwrap_err().code());
        assert_eq!(codes, ["empty", "too_large"]);
    }

    #[test]
    fn a_text_is_bounded_in_bytes() {
        assert!(Text::parse(&"x".repeat(16_384)).is_ok());
        let nulls = format!("x{}", "\0".repeat(5_461));
        assert!(Text::parse(&nulls).is_ok_and(|text| text.len() == 16_384));
        assert_eq!(Text::parse(""), Err(TextError::Empty));
        assert!(Text::parse(&"x".repeat(Text::BYTES_MAX)).is_ok());
        assert_eq!(Text::parse(&"ä".repeat(Text::BYTES_MAX / 2 + 1)), Err(TextError::TooLarge));
        assert_eq!(Text::parse(&" ".repeat(Text::BYTES_MAX + 1)), Err(TextError::TooLarge));
        let nulls = format!("{}x", "\0".repeat(Text::BYTES_MAX / 2));
        assert_eq!(Text::parse(&nulls), Err(TextError::TooLarge));
    }
}
