//! The packets of the Socket.IO tutorial's contract, as a client sees them.
//!
//! The contract of rooms (see `rooms`) differs only in the names of its events. Supported is what the contracts need:
//! one namespace, text events, acks without attachments. Texts of this generator contain their sender, number and time,
//! so that the recipient knows how long they took.

use std::fmt::Write as _;
use std::time::Duration;

/// What a server says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Packet<'a> {
    /// The Engine.IO session is open.
    Open,
    Ping,
    /// The namespace is joined; with the private id, if there is one.
    Connected {
        pid: Option<&'a str>,
    },
    Message(Message<'a>),
    Ack {
        id: u64,
        verdict: Verdict,
    },
    /// The namespace cannot be joined, or is left by the server's will.
    Refused,
    /// Any other packet.
    Other,
}

/// A message from the server, to all or to a room.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    /// As it stands in the JSON text, without its quotes.
    pub(crate) text: &'a str,
    pub(crate) offset: u64,
    /// The last argument, if it is a string and not the text.
    pub(crate) recovery: Option<&'a str>,
}

/// What an ack means in the contract: anything but an object is a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Stored,
    Refused,
}

/// The sender of a text, its number, and how long after the start it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) sender: u32,
    pub(crate) number: u64,
    pub(crate) sent: Duration,
}

const EVENTS: [&str; 2] = ["42[\"chat message\",\"", "42[\"room message\",\""];

pub(crate) fn parse(text: &str) -> Packet<'_> {
    if let Some(rest) = EVENTS.iter().find_map(|event| text.strip_prefix(event)) {
        return message(rest).map_or(Packet::Other, Packet::Message);
    }
    match text.as_bytes() {
        [b'0', ..] => Packet::Open,
        [b'2'] => Packet::Ping,
        [b'4', b'0', ..] => Packet::Connected { pid: member(text, "\"pid\":\"") },
        [b'4', b'3', ..] => ack(&text[2..]),
        [b'4', b'1' | b'4', ..] | [b'1'] => Packet::Refused,
        _ => Packet::Other,
    }
}

fn message(rest: &str) -> Option<Message<'_>> {
    let end = string_end(rest)?;
    let (text, rest) = (rest.get(..end)?, rest.get(end + 1..)?.strip_prefix(',')?);
    let digits = rest.find(|c: char| !c.is_ascii_digit())?;
    let (offset, rest) = rest.split_at_checked(digits)?;
    let recovery = rest.strip_prefix(",\"").and_then(|rest| rest.strip_suffix("\"]"));
    Some(Message { text, offset: offset.parse().ok()?, recovery })
}

/// Where the string that has begun before `rest` ends.
fn string_end(rest: &str) -> Option<usize> {
    let mut escaped = false;
    rest.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

fn ack(rest: &str) -> Packet<'_> {
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (id, args) = rest.split_at(digits);
    let verdict = if args.starts_with("[{") { Verdict::Refused } else { Verdict::Stored };
    id.parse().map_or(Packet::Other, |id| Packet::Ack { id, verdict })
}

/// A member of the flat object that CONNECT carries; ids have no escapes.
fn member<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(key)?;
    rest.split_once('"').map(|(value, _)| value)
}

impl Stamp {
    /// A text of at least `bytes` bytes that carries the stamp.
    pub(crate) fn push_text(self, out: &mut String, bytes: usize) {
        let start = out.len();
        let written = write!(out, "{}.{}.{} ", self.sender, self.number, self.sent.as_nanos());
        debug_assert!(written.is_ok(), "a string takes everything");
        while out.len() < start + bytes {
            out.push('x');
        }
    }

    /// Nothing, if somebody else has written the text.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let (stamp, _) = text.split_once(' ')?;
        let mut parts = stamp.split('.');
        let sender = parts.next()?.parse().ok()?;
        let number = parts.next()?.parse().ok()?;
        let sent = Duration::from_nanos(parts.next()?.parse().ok()?);
        parts.next().is_none().then_some(Self { sender, number, sent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_with_and_without_its_recovery_offset() {
        let bare = Message { text: "hi", offset: 7, recovery: None };
        assert_eq!(parse(r#"42["chat message","hi",7]"#), Packet::Message(bare));
        let message = Message { text: r#"a\"b\\"#, offset: 12, recovery: Some("1.2.3") };
        assert_eq!(parse(r#"42["chat message","a\"b\\",12,"1.2.3"]"#), Packet::Message(message));
    }

    #[test]
    fn an_ack_with_an_object_is_a_refusal() {
        for stored in ["4312[]", "4312[null]"] {
            assert_eq!(parse(stored), Packet::Ack { id: 12, verdict: Verdict::Stored }, "{stored}");
        }
        let refused = Packet::Ack { id: 3, verdict: Verdict::Refused };
        assert_eq!(parse(r#"433[{"ok":false,"code":"conflict"}]"#), refused);
    }

    #[test]
    fn a_stamp_survives_its_text() {
        let stamp = Stamp { sender: 3, number: 17, sent: Duration::from_nanos(123_456_789) };
        let mut text = String::new();
        stamp.push_text(&mut text, 64);
        assert_eq!(text.len(), 64);
        assert_eq!(Stamp::of(&text), Some(stamp));
        assert_eq!(Stamp::of("hello world"), None);
    }

    #[test]
    fn the_private_id_is_found_in_the_answer_to_connect() {
        assert_eq!(parse(r#"40{"sid":"a","pid":"b"}"#), Packet::Connected { pid: Some("b") });
        assert_eq!(parse(r#"40{"sid":"a"}"#), Packet::Connected { pid: None });
    }
}
