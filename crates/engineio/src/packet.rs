//! The text packet: one digit for the type, then data.
//!
//! Owns the types and their digits. A packet borrows its data from the text that it was read from. Binary messages are
//! not text packets: a WebSocket carries them as they are, and a polling payload wraps them (see
//! [`PayloadPacket`](crate::PayloadPacket)). [`Session`](crate::Session) decides what a packet means.

use std::fmt;

/// The answer to a probe on a WebSocket: see [`Probe::Answer`](crate::Probe::Answer).
pub const PROBE_ANSWER: &str = "3probe";

/// The type of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PacketKind {
    /// `0`: the server tells the client about its new session.
    Open,
    /// `1`: the sender ends the session.
    Close,
    /// `2`: the server asks whether the client is alive; a client sends it only to probe an upgrade.
    Ping,
    /// `3`: the client is alive; the server sends it only to answer a probe.
    Pong,
    /// `4`: data of the layer above.
    Message,
    /// `5`: the client completes an upgrade.
    Upgrade,
    /// `6`: nothing; it releases a waiting poll.
    Noop,
}

impl PacketKind {
    /// All types, in the order of their digits.
    pub const ALL: [Self; 7] =
        [Self::Open, Self::Close, Self::Ping, Self::Pong, Self::Message, Self::Upgrade, Self::Noop];

    /// The type with this number, 0 to 6. For the character in a packet, see [`PacketKind::from_byte`].
    pub const fn from_digit(digit: u8) -> Option<Self> {
        match digit {
            0 => Some(Self::Open),
            1 => Some(Self::Close),
            2 => Some(Self::Ping),
            3 => Some(Self::Pong),
            4 => Some(Self::Message),
            5 => Some(Self::Upgrade),
            6 => Some(Self::Noop),
            _ => None,
        }
    }

    /// The number of the type, 0 to 6.
    pub const fn digit(self) -> u8 {
        match self {
            Self::Open => 0,
            Self::Close => 1,
            Self::Ping => 2,
            Self::Pong => 3,
            Self::Message => 4,
            Self::Upgrade => 5,
            Self::Noop => 6,
        }
    }

    /// The type of a packet that starts with this byte, `b'0'` to `b'6'`.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Self::from_digit(byte.wrapping_sub(b'0'))
    }

    /// The first byte of a packet of this type: `b'0'` to `b'6'`.
    pub const fn byte(self) -> u8 {
        b'0' + self.digit()
    }

    /// The first character of a packet of this type. If a packet has no data, this is the whole packet.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "0",
            Self::Close => "1",
            Self::Ping => "2",
            Self::Pong => "3",
            Self::Message => "4",
            Self::Upgrade => "5",
            Self::Noop => "6",
        }
    }
}

/// A text packet, as in a WebSocket text frame or a polling payload.
///
/// ```
/// use engineio::{PacketKind, TextPacket};
///
/// let packet = TextPacket::decode("4hello")?;
/// assert_eq!(packet, TextPacket { kind: PacketKind::Message, data: "hello" });
/// assert_eq!(packet.to_string(), "4hello");
/// # Ok::<(), engineio::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TextPacket<'a> {
    /// The type.
    pub kind: PacketKind,
    /// Everything after the digit. Usually empty, unless the type is [`PacketKind::Message`].
    pub data: &'a str,
}

impl<'a> TextPacket<'a> {
    /// Reads one packet.
    pub fn decode(packet: &'a str) -> Result<Self, DecodeError> {
        let mut characters = packet.chars();
        let first = characters.next().ok_or(DecodeError::Empty)?;
        let kind =
            u8::try_from(first).ok().and_then(PacketKind::from_byte).ok_or(DecodeError::UnknownKind)?;
        Ok(Self { kind, data: characters.as_str() })
    }
}

/// Writes the packet as it is sent.
impl fmt::Display for TextPacket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_str())?;
        f.write_str(self.data)
    }
}

/// Why a packet cannot be read. Whatever the cause, the session ends with
/// [`CloseReason::ParseError`](crate::CloseReason::ParseError).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DecodeError {
    /// The text is empty, without even a digit.
    #[error("empty packet")]
    Empty,
    /// The first character is not the digit of a type.
    #[error("unknown packet type")]
    UnknownKind,
}
