//! Packets in text messages, decoded and checked.
//!
//! A [`Packet`] borrows from the message. Decoding checks everything that can be checked without the state of the
//! connection: the shape of header and body, that all of the JSON is valid, the name of the event, and the numbers of
//! the placeholders. A fault costs the peer its connection, so nothing of a packet takes effect before all of it is
//! valid.

mod body;
mod placeholder;
mod surrogates;

use std::fmt;

use crate::event::EventNameError;
use crate::limits::Limits;
use crate::namespace::{self, NamespaceName, NamespaceNameError};

pub(crate) use body::Body;
pub(crate) use surrogates::mended;

/// The type of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PacketType {
    /// `0`: a client asks for a namespace, or a server accepts it.
    Connect,
    /// `1`: one side leaves a namespace.
    Disconnect,
    /// `2`: an event.
    Event,
    /// `3`: the answer to an event.
    Ack,
    /// `4`: a server refuses a namespace.
    ConnectError,
    /// `5`: an event with attachments.
    BinaryEvent,
    /// `6`: an answer with attachments.
    BinaryAck,
}

impl PacketType {
    /// The type with this digit.
    pub const fn from_digit(digit: u8) -> Option<Self> {
        match digit {
            b'0' => Some(Self::Connect),
            b'1' => Some(Self::Disconnect),
            b'2' => Some(Self::Event),
            b'3' => Some(Self::Ack),
            b'4' => Some(Self::ConnectError),
            b'5' => Some(Self::BinaryEvent),
            b'6' => Some(Self::BinaryAck),
            _ => None,
        }
    }

    /// The digit, an ASCII character.
    pub const fn digit(self) -> u8 {
        match self {
            Self::Connect => b'0',
            Self::Disconnect => b'1',
            Self::Event => b'2',
            Self::Ack => b'3',
            Self::ConnectError => b'4',
            Self::BinaryEvent => b'5',
            Self::BinaryAck => b'6',
        }
    }

    /// Whether attachments follow the packet.
    pub const fn is_binary(self) -> bool {
        matches!(self, Self::BinaryEvent | Self::BinaryAck)
    }
}

/// The ack id, by which an answer finds its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AckId(u64);

impl AckId {
    /// An ack id from a sender's own counter.
    pub const fn new(id: u64) -> Self {
        Self(id)
    }

    /// The number, as in the packet.
    pub const fn value(self) -> u64 {
        self.0
    }
}

impl fmt::Display for AckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A valid packet, without its attachments. `Display` writes it as it is sent.
///
/// ```
/// use socketio::{AckId, Packet, PacketType};
///
/// let packet = Packet::decode(r#"51-/admin,456["upload",{"_placeholder":true,"num":0}]"#)?;
/// assert_eq!(packet.kind, PacketType::BinaryEvent);
/// assert_eq!(packet.attachments, 1);
/// assert_eq!(packet.namespace, "/admin");
/// assert_eq!(packet.ack, Some(AckId::new(456)));
/// assert_eq!(packet.data, r#"["upload",{"_placeholder":true,"num":0}]"#);
/// assert_eq!(packet.to_string(), r#"51-/admin,456["upload",{"_placeholder":true,"num":0}]"#);
///
/// assert!(Packet::decode(r#"2["disconnect"]"#).is_err());
/// # Ok::<(), socketio::DecodeError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Packet<'a> {
    /// The type of the packet.
    pub kind: PacketType,
    /// How many binary messages follow; 0 for types without attachments.
    pub attachments: u8,
    /// The valid name of a namespace, without a query.
    pub namespace: &'a str,
    /// The ack id of an event that wants an answer, or of the answered event.
    pub ack: Option<AckId>,
    /// The body: valid JSON, or empty.
    pub data: &'a str,
    /// The places of the name and the arguments in `data`.
    pub(crate) body: Body,
}

/// Why a text message is not a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The message is empty or does not start with the digit of a type.
    #[error("unknown packet type")]
    UnknownType,
    /// The number of attachments is missing, malformed, 0, or more than [`Limits::ATTACHMENTS`].
    #[error("a binary packet announces 1 to {} attachments", Limits::ATTACHMENTS)]
    AttachmentCount,
    /// The namespace is malformed.
    #[error(transparent)]
    Namespace(#[from] NamespaceNameError),
    /// The number of the packet is too large.
    #[error("the ack id is too large")]
    AckId,
    /// The body is not valid JSON.
    #[error("the body is not valid json")]
    Json,
    /// The body is valid JSON, but not a body of this type.
    #[error("the body does not fit the packet type")]
    Body,
    /// The first element of an event is not an allowed name.
    #[error(transparent)]
    EventName(#[from] EventNameError),
    /// A placeholder names an attachment that was not announced.
    #[error("a placeholder names no attachment")]
    Placeholder,
}

/// The head of a packet: everything before its body.
pub(crate) struct Head<'a> {
    kind: PacketType,
    attachments: u8,
    namespace: &'a str,
    ack: Option<AckId>,
}

impl<'a> Head<'a> {
    /// Reads the head of a text message. Returns the body too, unchecked.
    pub(crate) fn decode(text: &'a str) -> Result<(Self, &'a str), DecodeError> {
        let mut chars = text.chars();
        let digit = chars.next().and_then(|digit| u8::try_from(digit).ok());
        let kind = digit.and_then(PacketType::from_digit).ok_or(DecodeError::UnknownType)?;
        let rest = chars.as_str();
        let (attachments, rest) = if kind.is_binary() { split_attachments(rest)? } else { (0, rest) };
        let (namespace, rest) = split_namespace(rest)?;
        let (ack, data) = split_ack(rest)?;
        Ok((Self { kind, attachments, namespace, ack }, data))
    }

    /// Completes the packet with this body.
    pub(crate) fn with_body(self, data: &'a str) -> Result<Packet<'a>, DecodeError> {
        let Self { kind, attachments, namespace, ack } = self;
        let body = Body::parse(kind, attachments, data)?;
        Ok(Packet { kind, attachments, namespace, ack, data, body })
    }
}

impl<'a> Packet<'a> {
    /// Decodes a text message of the engine, without the engine's own digit.
    ///
    /// Reads the body as it is: a string with a lone surrogate is valid JSON, but not a name.
    /// [`Connection::on_text`](crate::Connection::on_text) replaces lone surrogates before.
    pub fn decode(text: &'a str) -> Result<Self, DecodeError> {
        let (head, data) = Head::decode(text)?;
        head.with_body(data)
    }
}

fn split_attachments(text: &str) -> Result<(u8, &str), DecodeError> {
    let (count, rest) = text.split_once('-').ok_or(DecodeError::AttachmentCount)?;
    // No sign and no leading zero: no client writes them, and so a packet has one spelling.
    if !count.starts_with(|c: char| matches!(c, '1'..='9')) {
        return Err(DecodeError::AttachmentCount);
    }
    match count.parse() {
        Ok(count) if count <= Limits::ATTACHMENTS => Ok((count, rest)),
        Ok(_) | Err(_) => Err(DecodeError::AttachmentCount),
    }
}

fn split_namespace(text: &str) -> Result<(&str, &str), DecodeError> {
    if !text.starts_with('/') {
        return Ok((NamespaceName::ROOT_TEXT, text));
    }
    let (name, rest) = text.split_once(',').unwrap_or((text, ""));
    Ok((namespace::check(name)?, rest))
}

fn split_ack(text: &str) -> Result<(Option<AckId>, &str), DecodeError> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    match text.split_at_checked(end) {
        None | Some(("", _)) => Ok((None, text)),
        Some((digits, rest)) => {
            let id = digits.parse().map_err(|_| DecodeError::AckId)?;
            Ok((Some(AckId(id)), rest))
        }
    }
}

/// Writes the head of a packet.
pub(crate) fn write_head(
    out: &mut impl fmt::Write,
    kind: PacketType,
    attachments: u8,
    namespace: &str,
    ack: Option<AckId>,
) -> fmt::Result {
    out.write_char(char::from(kind.digit()))?;
    if kind.is_binary() {
        write!(out, "{attachments}-")?;
    }
    if namespace != NamespaceName::ROOT_TEXT {
        write!(out, "{namespace},")?;
    }
    ack.map_or(Ok(()), |id| write!(out, "{id}"))
}

impl fmt::Display for Packet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_head(f, self.kind, self.attachments, self.namespace, self.ack)?;
        f.write_str(self.data)
    }
}

impl fmt::Debug for Packet<'_> {
    /// Shows only the size of the body: messages and tokens do not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packet")
            .field("kind", &self.kind)
            .field("attachments", &self.attachments)
            .field("namespace", &self.namespace)
            .field("ack", &self.ack)
            .field("data_bytes", &self.data.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
