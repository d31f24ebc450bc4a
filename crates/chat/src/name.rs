//! What people and rooms are called: [`Nickname`], [`RoomName`] and [`Topic`], each in one written form.
//!
//! A name is normalised (NFC), without white space around it and with single spaces inside. It has nothing invisible
//! in it, nothing that turns the direction of text, and no mark that does not belong to its letter. Two names that look
//! alike have a [`Skeleton`] in common, so a name is free if none of its skeletons is taken. Who holds which name is the
//! directory's affair.

mod characters;
mod looks;
mod reserved;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use characters::{has_stray_mark, is_allowed_in_name, is_allowed_in_topic, marks_pile_up, shows_something};
pub use looks::Skeleton;

/// Why a string is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is empty, too long, or has something in it that names have not.
    #[error("the name is empty, too long, or has forbidden characters")]
    Invalid,
    /// It looks like a name that the server keeps for itself.
    #[error("the name is reserved")]
    Reserved,
}

/// Why a string is no [`Topic`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// More than [`Topic::CHARS_MAX`].
    #[error("the topic is longer than {} characters", Topic::CHARS_MAX)]
    TooLarge,
    /// It has something in it that topics have not.
    #[error("the topic has forbidden characters")]
    Invalid,
}

/// What a person is called.
///
/// ```
/// # use chat::{NameError, Nickname};
/// assert_eq!(&*Nickname::parse("  Ada \u{a0} L. ")?, "Ada L.");
/// assert_eq!(Nickname::parse("аdmin"), Err(NameError::Reserved), "with a Cyrillic а");
/// # Ok::<(), NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nickname(Arc<str>);

/// What a room is called.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomName(Arc<str>);

/// What a room is about, in one line; may be empty.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(Arc<str>);

macro_rules! written {
    ($name:ident) => {
        impl $name {
            /// Takes what stands in a log already: what was accepted once stays.
            pub fn from_stored(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        /// What people call themselves and their rooms does not belong into a server's own log.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }
    };
}
written!(Nickname);
written!(RoomName);
written!(Topic);

impl Nickname {
    /// Longer names are invalid.
    pub const CHARS_MAX: usize = 32;

    /// Takes a name as it was typed.
    pub fn parse(name: &str) -> Result<Self, NameError> {
        let name = tidied(name, Self::CHARS_MAX).ok_or(NameError::Invalid)?;
        if reserved::is_reserved(&name) {
            return Err(NameError::Reserved);
        }
        Ok(Self(name.into()))
    }

    /// What it looks like.
    pub fn skeletons(&self) -> [Skeleton; 2] {
        Skeleton::of_person(&self.0)
    }
}

impl RoomName {
    /// Longer names are invalid.
    pub const CHARS_MAX: usize = 64;

    /// Takes a name as it was typed.
    pub fn parse(name: &str) -> Result<Self, NameError> {
        let name = tidied(name, Self::CHARS_MAX).ok_or(NameError::Invalid)?;
        Ok(Self(name.into()))
    }

    /// What it looks like.
    pub fn skeletons(&self) -> [Skeleton; 2] {
        Skeleton::of_room(&self.0)
    }
}

impl Topic {
    /// Longer topics are refused.
    pub const CHARS_MAX: usize = 256;

    /// Takes a topic as it was typed.
    pub fn parse(topic: &str) -> Result<Self, TopicError> {
        // Before the work of looking closer; four bytes are the longest character.
        if topic.len() > Self::CHARS_MAX * 4 * 2 {
            return Err(TopicError::TooLarge);
        }
        let topic = single_spaced(topic);
        if topic.chars().count() > Self::CHARS_MAX {
            return Err(TopicError::TooLarge);
        }
        let is_blank = !topic.is_empty() && !shows_something(&topic);
        if is_blank || !topic.chars().all(is_allowed_in_topic) || marks_pile_up(&topic) {
            return Err(TopicError::Invalid);
        }
        Ok(Self(topic.into()))
    }
}

impl Default for Topic {
    fn default() -> Self {
        Self::from_stored("")
    }
}

fn tidied(name: &str, chars_max: usize) -> Option<String> {
    // Before the work of looking closer. White space around a name may be as long as it is, within reason.
    if name.len() > chars_max * 4 * 4 {
        return None;
    }
    let name = single_spaced(name);
    let has_room = (1..=chars_max).contains(&name.chars().count());
    let is_plain = name.chars().all(is_allowed_in_name) && !marks_pile_up(&name) && !has_stray_mark(&name);
    (has_room && is_plain).then_some(name)
}

/// A text of an app's own in one short line: what cannot stand in a name is left out, and the rest is cut.
pub(crate) fn tidied_label(label: &str, chars_max: usize) -> String {
    // Before the work of looking closer.
    let first = label.chars().take(chars_max * 4).map(|c| if c.is_whitespace() { ' ' } else { c });
    let shown: String = first.filter(|c| is_allowed_in_name(*c) && !is_combining_mark(*c)).collect();
    let short: String = single_spaced(&shown).chars().take(chars_max).collect();
    short.trim_end().into()
}

/// In one written form, without white space around it and with single spaces inside. Line breaks are none of that.
fn single_spaced(text: &str) -> String {
    let normal: String = text.nfc().collect();
    let is_space = |c: char| {
        c.is_whitespace()
            && !matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
    };
    let words: Vec<_> = normal.split(is_space).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests;
