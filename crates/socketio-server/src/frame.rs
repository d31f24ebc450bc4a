//! [`Frame`]: an encoded Socket.IO packet that all its recipients share.
//!
//! It is stored in the form that is cheapest to send: its WebSocket frames, unmasked, one after the other (RFC 6455
//! section 5.2; a server never masks). The text packet comes first and its attachments follow, so that nothing can come
//! between them. Polling payloads are made on demand.

use std::borrow::Cow;

use bytes::Bytes;
use engineio::PayloadWriter;

use crate::websocket::Opcode;
use crate::websocket::frame::{header_len, push_binary, push_text, split};

/// An encoded packet, cheap to clone: all recipients share its bytes.
///
/// ```
/// use socketio_server::Frame;
///
/// let frame = Frame::text(r#"2["hello"]"#);
/// assert_eq!(frame.len(), 2 + 1 + 10); // WebSocket header, Engine.IO digit, packet
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame(Bytes);

impl Frame {
    /// A Socket.IO packet without attachments; `packet` lacks the Engine.IO digit.
    pub fn text(packet: &str) -> Self {
        Self::with_attachments(packet, &[])
    }

    /// A Socket.IO packet and its binary attachments, in the order of their placeholders.
    pub fn with_attachments(packet: &str, attachments: &[Bytes]) -> Self {
        // Exactly as much as it needs, because it may be kept for long.
        let framed = |length: usize| header_len(length) + length;
        let size =
            framed(1 + packet.len()) + attachments.iter().map(|bytes| framed(bytes.len())).sum::<usize>();
        let mut out = Vec::with_capacity(size);
        push_text(&mut out, &[b"4", packet.as_bytes()]);
        for attachment in attachments {
            push_binary(&mut out, &[attachment]);
        }
        Self(out.into())
    }

    /// No packet at all.
    pub(crate) fn nothing() -> Self {
        Self(Bytes::new())
    }

    /// An Engine.IO packet, including its digit.
    pub(crate) fn engine(packet: &str) -> Self {
        let mut out = Vec::with_capacity(packet.len() + 10);
        push_text(&mut out, &[packet.as_bytes()]);
        Self(out.into())
    }

    /// A binary Engine.IO message.
    pub(crate) fn binary(data: &[u8]) -> Self {
        let mut out = Vec::with_capacity(data.len() + 10);
        push_binary(&mut out, &[data]);
        Self(out.into())
    }

    /// A control frame, or anything else that only a WebSocket sends.
    pub(crate) fn raw(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }

    /// Bytes that are already a frame.
    pub(crate) fn shared(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// Its size on a WebSocket, in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether this is the frame of a [silent](crate::FeedEntry::silent) entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.0
    }

    pub(crate) fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// Its number of packets in a polling payload.
    pub(crate) fn packets(&self) -> usize {
        split(&self.0).filter(|(opcode, _)| matches!(opcode, Opcode::Text | Opcode::Binary)).count()
    }

    /// Appends its packets to a polling payload. Control frames have no form there.
    pub(crate) fn push_to(&self, payload: &mut PayloadWriter) {
        for (opcode, data) in split(&self.0) {
            match opcode {
                Opcode::Text => match String::from_utf8_lossy(data) {
                    Cow::Borrowed(text) => payload.push_text_raw(text),
                    Cow::Owned(text) => payload.push_text_raw(&text),
                },
                Opcode::Binary => payload.push_binary(data),
                Opcode::Close | Opcode::Ping | Opcode::Pong => {}
            }
        }
    }
}
