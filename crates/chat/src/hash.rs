//! [`ContentHash`]: what stands for the content of a command. How it is made of one is said in `content`.

/// Stands for the content of a send after its text may be gone: equal hashes mean equal content.
///
/// A cryptographic hash, because a match is acked as stored: with a weaker one, somebody could craft a message
/// that swallows another's. 128 bits suffice, since that takes a second preimage and not a mere collision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentHash(pub [u8; 16]);
