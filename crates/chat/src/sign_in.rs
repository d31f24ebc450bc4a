//! What a sign-in is known by: the hash of its token, how it began, and what its app says about itself.
//!
//! A sign-in is one browser or bot of a person. The log has no token, so nobody who reads it can sign in as somebody else.
//! Makes no tokens and knows no connection; the directory has the sign-ins that last.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::name::tidied_label;

/// Comes before a token when it is hashed.
const CONTEXT: &[u8] = b"tidings sign-in\0";

/// The hash of a token. `Debug` shows its beginning only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash(pub [u8; 32]);

/// A sign-in of a person, by the beginning of its hash: the person sees it, and nobody can make a token of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignInId(pub u64);

crate::named! {
    /// How a sign-in began.
    pub enum SignInMethod {
        /// With the person: it is their first.
        New = "new",
        /// By a one-time link from another sign-in.
        Link = "link",
        /// With a token from before there were sign-ins. All such tokens of a person are one sign-in.
        Old = "old",
    }
    /// As it is told and stored.
    pub const fn as_str;
}

/// What an app says about itself, such as "Chromium on Linux". May be empty.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SignInLabel(Arc<str>);

impl TokenHash {
    /// Stands for all tokens of a person from before there were sign-ins. No token has this hash.
    pub const OLD: Self = Self([0; 32]);

    /// The hash of a token. A token has 192 random bits, so a plain hash is enough: nobody can try them.
    pub fn of(token: &[u8]) -> Self {
        Self(Sha256::new().chain_update(CONTEXT).chain_update(token).finalize().into())
    }

    /// The id of its sign-in.
    pub fn id(self) -> SignInId {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0[..8]);
        SignInId(u64::from_be_bytes(first))
    }

    /// Whether both are the same, found out in the same time wherever they differ.
    pub fn is(self, other: Self) -> bool {
        self.0.iter().zip(other.0).fold(0, |differences, (one, other)| differences | (one ^ other)) == 0
    }
}

impl SignInLabel {
    /// Longer labels are cut.
    pub const CHARS_MAX: usize = 64;

    /// Takes what an app has sent: what nobody can see or should obey is left out, and the rest is cut.
    pub fn cleaned(label: &str) -> Self {
        Self(tidied_label(label, Self::CHARS_MAX).into())
    }

    /// Takes what stands in a log already.
    pub fn from_stored(label: &str) -> Self {
        Self(label.into())
    }
}

impl Deref for SignInLabel {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Which devices people have does not belong into a server's own log.
impl fmt::Debug for SignInLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignInLabel({} bytes)", self.0.len())
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, ..] = self.0;
        write!(f, "TokenHash({a:02x}{b:02x}{c:02x}…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_the_same_as_no_other() {
        let hash = TokenHash::of(b"a token");
        assert!(hash.is(TokenHash::of(b"a token")));
        for byte in 0..32 {
            let mut other = hash;
            other.0[byte] ^= 1;
            assert!(!hash.is(other), "byte {byte}");
        }
        assert!(!TokenHash::of(b"").is(TokenHash::OLD));
    }

    /// It stands in the logs of servers that run.
    #[test]
    fn the_hash_of_a_token_never_changes() {
        let digest = Sha256::digest(b"tidings sign-in\0a token");
        assert_eq!(TokenHash::of(b"a token").0[..], digest[..]);
    }

    #[test]
    fn a_label_is_one_short_line_that_shows() {
        let cleaned = |label: &str| SignInLabel::cleaned(label).to_string();
        assert_eq!(cleaned("  Chromium on\nLinux "), "Chromium on Linux");
        assert_eq!(cleaned("a\u{202e}b\0c\u{200b}d"), "abcd");
        assert_eq!(cleaned("\u{2800}\u{200b}"), "");
        assert_eq!(cleaned(&"ä".repeat(1_000)).chars().count(), SignInLabel::CHARS_MAX);
        assert_eq!(cleaned(&"\0".repeat(100_000)), "");
    }
}
