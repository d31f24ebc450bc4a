//! [`ContentHash`]: what stands for the content of a command. How it is made of one is said in `content`.

/// Stands for the content of a send after its text may be gone: equal hashes mean equal content.
///
/// A cryptographic hash, because a match is acked as stored: with a weaker one, somebody could craft a message
/// that swallows another's. 128 bits suffice, since that takes a second preimage and not a mere collision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentHash(pub [u8; 16]);

/// The beginning of a [`ContentHash`], for commands that were refused.
///
/// A wrong match acks nothing: one time in four thousand million, somebody who uses a number again, for something else, is told
/// the refusal instead of `conflict`. Numbers belong to a device, so nobody can do that to another person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentTag(pub [u8; 4]);

impl ContentHash {
    /// The tag that stands for it.
    pub fn tag(self) -> ContentTag {
        let [a, b, c, d, ..] = self.0;
        ContentTag([a, b, c, d])
    }
}
