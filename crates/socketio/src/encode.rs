//! The packets that a server sends, as text.
//!
//! The output is what `JSON.stringify` writes: no spaces, keys in their order, numbers as in JavaScript. Only the
//! engine's own digit is missing. The `_raw` functions are for callers that have JSON already; they copy it once and
//! check nothing.

mod arguments;
mod number;

use bytes::Bytes;
use serde::Serialize;

use crate::binary;
use crate::event::{EventName, EventNameError};
use crate::limits::Limits;
use crate::namespace::NamespaceName;
use crate::packet::{AckId, PacketType, write_head};
use arguments::IsFirst;

/// The arguments of an event or an answer: any value that serde can serialize to JSON.
///
/// A tuple or an array of fixed size is several arguments, `()` is none, and anything else is one. That includes a
/// `Vec`, a slice and a [`Value::Array`](serde_json::Value::Array), as in JavaScript. [`Spread`](crate::Spread) turns a
/// list into several arguments.
pub trait Args: Serialize {}

impl<T: Serialize + ?Sized> Args for T {}

/// An encoded packet: its text, and the binary messages that must follow it immediately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The text message, without the engine's digit.
    pub text: String,
    /// The binary messages.
    pub attachments: Vec<Bytes>,
}

/// Arguments as JSON, such as those of a received [`Payload`](crate::Payload).
#[derive(Debug, Clone, Copy)]
pub struct RawArgs<'a> {
    /// The arguments, separated by commas; may be empty.
    pub json: &'a str,
    /// The attachments for the placeholders in `json`.
    pub attachments: &'a [Bytes],
}

/// Why a packet cannot be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// An event must not have this name.
    #[error(transparent)]
    EventName(#[from] EventNameError),
    /// There are more attachments than the other side accepts.
    #[error("a packet has at most {max} attachments, not {0}", max = Limits::ATTACHMENTS)]
    TooManyAttachments(usize),
    /// The arguments cannot be represented as JSON.
    #[error("the arguments are not serializable: {0}")]
    Json(#[from] serde_json::Error),
}

/// Encodes an event. `ack` asks for an answer; `trailing` is a string argument after all others (the offset of a
/// recoverable event).
///
/// ```
/// use socketio::{AckId, NamespaceName, encode_event};
///
/// let chat = NamespaceName::parse("/chat").unwrap();
/// let event = encode_event(&chat, "message", &("hi", 1.0), Some(AckId::new(7)), None)?;
/// assert_eq!(event.text, r#"2/chat,7["message","hi",1]"#);
///
/// let event = encode_event(&NamespaceName::ROOT, "tick", &(), None, Some("1.1.2s"))?;
/// assert_eq!(event.text, r#"2["tick","1.1.2s"]"#);
///
/// assert!(encode_event(&chat, "disconnect", &(), None, None).is_err());
/// # Ok::<(), socketio::EncodeError>(())
/// ```
pub fn encode_event<A: Args + ?Sized>(
    namespace: &NamespaceName,
    name: &str,
    args: &A,
    ack: Option<AckId>,
    trailing: Option<&str>,
) -> Result<Encoded, EncodeError> {
    let name = EventName::new(name)?;
    let mut array = Array::begin(namespace, Kind::Event, ack);
    array.push_string(name.as_str());
    let attachments = array.push_args(args)?;
    array.push_trailing(trailing);
    array.finish(namespace, attachments)
}

/// Encodes an event whose arguments are already JSON.
///
/// The caller guarantees that `args_json` is valid and that `name` is an [`EventName`]. For arguments with
/// placeholders, use [`encode_event_with_attachments`].
pub fn encode_event_raw(
    namespace: &NamespaceName,
    name: &str,
    args_json: &str,
    ack: Option<AckId>,
    trailing: Option<&str>,
) -> String {
    debug_assert!(EventName::new(name).is_ok(), "reserved event name");
    let mut array = Array::begin(namespace, Kind::Event, ack);
    array.push_string(name);
    array.push_raw(args_json);
    array.push_trailing(trailing);
    array.into_text()
}

/// Encodes an event whose arguments are already JSON, with placeholders.
///
/// The caller guarantees that the JSON is valid and that its placeholders match the attachments, as in a received
/// payload.
pub fn encode_event_with_attachments(
    namespace: &NamespaceName,
    name: &str,
    args: RawArgs<'_>,
    ack: Option<AckId>,
    trailing: Option<&str>,
) -> Result<Encoded, EncodeError> {
    let name = EventName::new(name)?;
    let mut array = Array::begin(namespace, Kind::Event, ack);
    array.push_string(name.as_str());
    array.push_raw(args.json);
    array.push_trailing(trailing);
    array.finish(namespace, args.attachments.to_vec())
}

/// Encodes the answer to an event.
///
/// ```
/// use socketio::{AckId, NamespaceName, encode_ack};
///
/// let answer = encode_ack(&NamespaceName::ROOT, AckId::new(3), &())?;
/// assert_eq!(answer.text, "33[]");
/// # Ok::<(), socketio::EncodeError>(())
/// ```
pub fn encode_ack<A: Args + ?Sized>(
    namespace: &NamespaceName,
    id: AckId,
    args: &A,
) -> Result<Encoded, EncodeError> {
    let mut array = Array::begin(namespace, Kind::Ack, Some(id));
    let attachments = array.push_args(args)?;
    array.finish(namespace, attachments)
}

/// Encodes an answer whose arguments are already JSON; the caller guarantees that it is valid.
pub fn encode_ack_raw(namespace: &NamespaceName, id: AckId, args_json: &str) -> String {
    let mut array = Array::begin(namespace, Kind::Ack, Some(id));
    array.push_raw(args_json);
    array.into_text()
}

/// Encodes an answer whose arguments are already JSON, with placeholders; the caller guarantees that both are valid.
pub fn encode_ack_with_attachments(
    namespace: &NamespaceName,
    id: AckId,
    args: RawArgs<'_>,
) -> Result<Encoded, EncodeError> {
    let mut array = Array::begin(namespace, Kind::Ack, Some(id));
    array.push_raw(args.json);
    array.finish(namespace, args.attachments.to_vec())
}

/// Encodes that a client has joined a namespace, with its private id if recovery is on.
///
/// ```
/// use socketio::{NamespaceName, encode_connect};
///
/// let text = encode_connect(&NamespaceName::parse("/chat").unwrap(), "s1", Some("p1"));
/// assert_eq!(text, r#"0/chat,{"sid":"s1","pid":"p1"}"#);
/// ```
pub fn encode_connect(namespace: &NamespaceName, sid: &str, pid: Option<&str>) -> String {
    let mut out = head(namespace, PacketType::Connect, 0, None);
    out.extend_from_slice(br#"{"sid":"#);
    write_string(&mut out, sid);
    if let Some(pid) = pid {
        out.extend_from_slice(br#","pid":"#);
        write_string(&mut out, pid);
    }
    out.push(b'}');
    into_text(out)
}

/// Encodes that a client is refused a namespace.
///
/// ```
/// use socketio::{NamespaceName, encode_connect_error};
///
/// let chat = NamespaceName::parse("/chat").unwrap();
/// let text = encode_connect_error(&chat, "Invalid namespace", None::<&()>)?;
/// assert_eq!(text, r#"4/chat,{"message":"Invalid namespace"}"#);
/// # Ok::<(), socketio::EncodeError>(())
/// ```
pub fn encode_connect_error<D: Serialize + ?Sized>(
    namespace: &NamespaceName,
    message: &str,
    data: Option<&D>,
) -> Result<String, EncodeError> {
    let mut out = head(namespace, PacketType::ConnectError, 0, None);
    out.extend_from_slice(br#"{"message":"#);
    write_string(&mut out, message);
    if let Some(data) = data {
        out.extend_from_slice(br#","data":"#);
        data.serialize(&mut arguments::json(&mut out))?;
    }
    out.push(b'}');
    Ok(into_text(out))
}

/// Encodes that the server removes a client from a namespace.
///
/// ```
/// use socketio::{NamespaceName, encode_disconnect};
///
/// assert_eq!(encode_disconnect(&NamespaceName::ROOT), "1");
/// assert_eq!(encode_disconnect(&NamespaceName::parse("/chat").unwrap()), "1/chat,");
/// ```
pub fn encode_disconnect(namespace: &NamespaceName) -> String {
    into_text(head(namespace, PacketType::Disconnect, 0, None))
}

/// The two packets with an array. Whether it is binary is known once the array is written.
#[derive(Clone, Copy)]
enum Kind {
    Event,
    Ack,
}

impl Kind {
    const fn plain(self) -> PacketType {
        match self {
            Self::Event => PacketType::Event,
            Self::Ack => PacketType::Ack,
        }
    }

    const fn binary(self) -> PacketType {
        match self {
            Self::Event => PacketType::BinaryEvent,
            Self::Ack => PacketType::BinaryAck,
        }
    }
}

/// A packet with an array that is being written.
struct Array {
    out: Vec<u8>,
    kind: Kind,
    ack: Option<AckId>,
    head_bytes: usize,
}

impl Array {
    fn begin(namespace: &NamespaceName, kind: Kind, ack: Option<AckId>) -> Self {
        let mut out = head(namespace, kind.plain(), 0, ack);
        let head_bytes = out.len();
        out.push(b'[');
        Self { out, kind, ack, head_bytes }
    }

    fn is_empty(&self) -> bool {
        self.out.len() == self.head_bytes + 1
    }

    fn separate(&mut self) {
        if !self.is_empty() {
            self.out.push(b',');
        }
    }

    fn push_string(&mut self, text: &str) {
        self.separate();
        write_string(&mut self.out, text);
    }

    fn push_trailing(&mut self, text: Option<&str>) {
        if let Some(text) = text {
            self.push_string(text);
        }
    }

    fn push_raw(&mut self, args_json: &str) {
        if !args_json.is_empty() {
            self.separate();
            self.out.extend_from_slice(args_json.as_bytes());
        }
    }

    fn push_args<A: Serialize + ?Sized>(&mut self, args: &A) -> Result<Vec<Bytes>, EncodeError> {
        let is_first = if self.is_empty() { IsFirst::Yes } else { IsFirst::No };
        let (result, attachments) = binary::collect(|| arguments::write(&mut self.out, args, is_first));
        result?;
        Ok(attachments)
    }

    fn into_text(mut self) -> String {
        self.out.push(b']');
        into_text(self.out)
    }

    fn finish(self, namespace: &NamespaceName, attachments: Vec<Bytes>) -> Result<Encoded, EncodeError> {
        let (kind, ack, head_bytes) = (self.kind, self.ack, self.head_bytes);
        let mut text = self.into_text();
        if !attachments.is_empty() {
            let count = u8::try_from(attachments.len()).ok().filter(|&count| count <= Limits::ATTACHMENTS);
            let count = count.ok_or(EncodeError::TooManyAttachments(attachments.len()))?;
            let head = into_text(head(namespace, kind.binary(), count, ack));
            text.replace_range(..head_bytes, &head);
        }
        Ok(Encoded { text, attachments })
    }
}

fn head(namespace: &NamespaceName, kind: PacketType, attachments: u8, ack: Option<AckId>) -> Vec<u8> {
    let mut head = String::with_capacity(128);
    write_head(&mut head, kind, attachments, namespace.as_str(), ack).expect("a string takes any text");
    head.into_bytes()
}

fn write_string(out: &mut Vec<u8>, text: &str) {
    text.serialize(&mut arguments::json(out)).expect("a text is JSON, and a vector takes any bytes");
}

fn into_text(out: Vec<u8>) -> String {
    String::from_utf8(out).expect("JSON is written in UTF-8")
}

#[cfg(test)]
mod tests;
