//! [`Sid`]: the Engine.IO session id. It is a secret, and names the worker and the place of its session.
//!
//! 16 random bytes make it unguessable. The worker and the slot before them make the look-up an array access, so there
//! is no map of sessions. It is not the Socket.IO id, which is public.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Names a session within its worker. The generation distinguishes sessions that used the same slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SessionKey {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

/// Names an Engine.IO connection, whichever namespaces it has joined. A count by this id survives when a client joins a
/// namespace again. No other connection of this server has the same one, and it is meaningless elsewhere.
///
/// It is the `connection` of log lines. It is no secret: it gives no access, unlike the session id of Engine.IO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId {
    pub(crate) worker: u16,
    pub(crate) key: SessionKey,
}

/// Distinguishes the GETs of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PollNumber(pub(crate) u64);

/// Distinguishes one WebSocket of a worker from its others: a session may have two, one of which takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SocketNumber(pub(crate) u64);

/// The Engine.IO session id, as the client sends it back with every request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sid {
    pub(crate) worker: u16,
    pub(crate) slot: u32,
    pub(crate) secret: [u8; 16],
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { worker, key: SessionKey { slot, generation } } = self;
        write!(f, "{worker}.{slot}.{generation}")
    }
}

impl Sid {
    /// Reads a session id; `None` if this server cannot have issued it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 22];
        if text.len() != 30 || URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()? != 22 {
            return None;
        }
        let (worker, rest) = bytes.split_first_chunk::<2>()?;
        let (slot, secret) = rest.split_first_chunk::<4>()?;
        Some(Self {
            worker: u16::from_be_bytes(*worker),
            slot: u32::from_be_bytes(*slot),
            secret: secret.try_into().ok()?,
        })
    }

    pub(crate) fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(22);
        bytes.extend_from_slice(&self.worker.to_be_bytes());
        bytes.extend_from_slice(&self.slot.to_be_bytes());
        bytes.extend_from_slice(&self.secret);
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

impl fmt::Debug for Sid {
    /// The secret must not be logged.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sid({}/{})", self.worker, self.slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::random;

    #[test]
    fn a_sid_comes_back_as_it_was() {
        let sid = Sid { worker: 3, slot: 70_000, secret: random() };
        assert_eq!(Sid::parse(&sid.encode()), Some(sid));
    }

    #[test]
    fn foreign_sids_are_not_parsed() {
        for text in ["", "__proto__", "constructor", &"A".repeat(29), &"A".repeat(31), &"\u{e9}".repeat(15)] {
            assert_eq!(Sid::parse(text), None, "{text}");
        }
    }
}
