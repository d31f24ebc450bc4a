//! The keys of a log, by which the server knows again what it has handed out: tokens, invites, recovery ids.
//!
//! They belong to the log, so that a backup has them: what was signed has no age, and must be known after a restore and
//! on every node. What is signed, and how, is not known here.

use std::fmt;

/// 32 random bytes. `Debug` does not show them.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(pub [u8; 32]);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// All keys of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKeys {
    /// Signs and verifies.
    pub current: SigningKey,
    /// Verify what they signed when they were current; the latest first.
    pub retired: Vec<SigningKey>,
    /// The first key of the log, if it was revoked. It signs and verifies nothing: only the public id of the server, which
    /// never changes, is still derived from it.
    pub revoked: Option<SigningKey>,
}
