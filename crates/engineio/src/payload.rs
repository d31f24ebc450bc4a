//! The polling payload: the packets of one HTTP body, separated by the byte 0x1e.
//!
//! Owns both directions, which have one format: a text packet is written as it is, a binary message as the letter `b`
//! and base64, without a type digit. It writes standard base64 with padding, and reads everything that other encoders
//! write (see [`base64`]). It reads lazily and stops at the first packet that it cannot read. The driver enforces the
//! size limit of a body.

mod base64;

use crate::packet::{DecodeError, PacketKind, TextPacket};

/// The separator of the packets in a payload. JSON escapes this character, so it never occurs in a packet of the layer
/// above.
pub const SEPARATOR: char = '\u{1e}';

const BINARY_MARK: char = 'b';

/// One packet of a polling payload. A text frame of a WebSocket is read in the same way, because clients that cannot
/// send binary frames send base64 there too.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PayloadPacket<'a> {
    /// A packet with a type digit.
    Text(TextPacket<'a>),
    /// A binary message.
    Binary(Vec<u8>),
}

impl<'a> PayloadPacket<'a> {
    /// Reads one packet of a payload, without its separator.
    pub fn decode(packet: &'a str) -> Result<Self, DecodeError> {
        match packet.strip_prefix(BINARY_MARK) {
            Some(text) => Ok(Self::Binary(base64::decode(text))),
            None => TextPacket::decode(packet).map(Self::Text),
        }
    }
}

/// Reads the packets of a payload one by one. After an error it stops.
///
/// ```
/// use engineio::{DecodeError, PacketKind, PayloadPacket, TextPacket, decode_payload};
///
/// let mut packets = decode_payload("4hi\u{1e}bAQID\u{1e}x\u{1e}4never read");
/// let hi = TextPacket { kind: PacketKind::Message, data: "hi" };
/// assert_eq!(packets.next(), Some(Ok(PayloadPacket::Text(hi))));
/// assert_eq!(packets.next(), Some(Ok(PayloadPacket::Binary(vec![1, 2, 3]))));
/// assert_eq!(packets.next(), Some(Err(DecodeError::UnknownKind)));
/// assert_eq!(packets.next(), None);
/// ```
pub fn decode_payload(payload: &str) -> impl Iterator<Item = Result<PayloadPacket<'_>, DecodeError>> {
    let mut broken = false;
    payload.split(SEPARATOR).map_while(move |packet| {
        if broken {
            return None;
        }
        let decoded = PayloadPacket::decode(packet);
        broken = decoded.is_err();
        Some(decoded)
    })
}

/// Joins packets into a payload.
///
/// ```
/// use engineio::{PacketKind, PayloadWriter};
///
/// let mut payload = PayloadWriter::new();
/// payload.push_text(PacketKind::Message, "hi");
/// payload.push_text_raw("2");
/// payload.push_binary(&[1, 2, 3]);
/// assert_eq!(payload.finish(), "4hi\u{1e}2\u{1e}bAQID");
/// ```
#[derive(Clone, Debug, Default)]
pub struct PayloadWriter {
    text: String,
    packets: usize,
}

impl PayloadWriter {
    /// An empty payload.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a packet. The data must not contain [`SEPARATOR`]: the format has no way to escape it.
    pub fn push_text(&mut self, kind: PacketKind, data: &str) {
        self.separate();
        self.text.push_str(kind.as_str());
        self.text.push_str(data);
    }

    /// Adds a packet that is already encoded, including its type digit.
    pub fn push_text_raw(&mut self, packet: &str) {
        debug_assert!(TextPacket::decode(packet).is_ok(), "a raw packet starts with the digit of its type");
        self.separate();
        self.text.push_str(packet);
    }

    /// Adds a binary message.
    pub fn push_binary(&mut self, data: &[u8]) {
        self.separate();
        self.text.push(BINARY_MARK);
        base64::encode(data, &mut self.text);
    }

    /// The size of the payload so far, in bytes.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// The number of packets added.
    pub fn packets(&self) -> usize {
        self.packets
    }

    /// Whether no packet has been added yet.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The finished payload.
    pub fn finish(self) -> String {
        self.text
    }

    fn separate(&mut self) {
        self.packets += 1;
        if !self.text.is_empty() {
            self.text.push(SEPARATOR);
        }
    }
}
