//! The frames that the server sends: never masked, never fragmented.
//!
//! A frame is encoded once and shared by all its recipients. For recipients that poll, a run of frames can be read back
//! into payloads. Functions append to the caller's buffer.

use std::io::Cursor;

use bytes::BufMut;
use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{CloseCode, Control, Data, OpCode},
};

/// The kinds of frame that the server sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opcode {
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl From<Opcode> for OpCode {
    fn from(opcode: Opcode) -> Self {
        match opcode {
            Opcode::Text => Self::Data(Data::Text),
            Opcode::Binary => Self::Data(Data::Binary),
            Opcode::Close => Self::Control(Control::Close),
            Opcode::Ping => Self::Control(Control::Ping),
            Opcode::Pong => Self::Control(Control::Pong),
        }
    }
}

impl Opcode {
    fn from_wire(opcode: OpCode) -> Option<Self> {
        match opcode {
            OpCode::Data(Data::Text) => Some(Self::Text),
            OpCode::Data(Data::Binary) => Some(Self::Binary),
            OpCode::Control(Control::Close) => Some(Self::Close),
            OpCode::Control(Control::Ping) => Some(Self::Ping),
            OpCode::Control(Control::Pong) => Some(Self::Pong),
            OpCode::Data(Data::Continue | Data::Reserved(_)) | OpCode::Control(Control::Reserved(_)) => None,
        }
    }
}

/// Appends a frame header; the caller then appends the `length` bytes of its payload.
pub(crate) fn frame_header(opcode: Opcode, length: usize, out: &mut impl BufMut) {
    header(opcode).format(length as u64, &mut out.writer()).expect("a growing buffer takes every byte");
}

/// The size of such a header: the payload of a frame starts there.
pub(crate) fn header_len(length: usize) -> usize {
    header(Opcode::Text).len(length as u64)
}

fn header(opcode: Opcode) -> FrameHeader {
    FrameHeader { opcode: opcode.into(), ..FrameHeader::default() }
}

/// Appends a text frame whose payload is the joined parts. The caller guarantees UTF-8.
pub(crate) fn push_text(out: &mut impl BufMut, parts: &[&[u8]]) {
    push(Opcode::Text, out, parts);
}

/// Appends a binary frame whose payload is the joined parts.
pub(crate) fn push_binary(out: &mut impl BufMut, parts: &[&[u8]]) {
    push(Opcode::Binary, out, parts);
}

#[cfg(test)]
/// Appends a ping. The body has at most 125 bytes.
pub(crate) fn push_ping(out: &mut impl BufMut, body: &[u8]) {
    debug_assert!(body.len() <= 125, "a control frame has at most 125 bytes");
    push(Opcode::Ping, out, &[body]);
}

/// Appends the pong for a ping, with the same body.
pub(crate) fn push_pong(out: &mut impl BufMut, body: &[u8]) {
    debug_assert!(body.len() <= 125, "a control frame has at most 125 bytes");
    push(Opcode::Pong, out, &[body]);
}

/// Appends a close frame. Without a code it is empty, which a browser reports as 1005.
pub(crate) fn push_close(out: &mut impl BufMut, code: Option<CloseCode>) {
    match code {
        Some(code) => push(Opcode::Close, out, &[&u16::from(code).to_be_bytes()]),
        None => push(Opcode::Close, out, &[]),
    }
}

fn push(opcode: Opcode, out: &mut impl BufMut, parts: &[&[u8]]) {
    frame_header(opcode, parts.iter().map(|part| part.len()).sum(), out);
    for part in parts {
        out.put_slice(part);
    }
}

/// Iterates over a run of our own frames. Ends at the first byte that we cannot have written.
pub(crate) fn split(frames: &[u8]) -> impl Iterator<Item = (Opcode, &[u8])> {
    let mut rest = frames;
    std::iter::from_fn(move || {
        let mut cursor = Cursor::new(rest);
        let (header, length) = FrameHeader::parse(&mut cursor).ok().flatten()?;
        let opcode = Opcode::from_wire(header.opcode)?;
        let start = usize::try_from(cursor.position()).ok()?;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        let payload = rest.get(start..end)?;
        rest = rest.get(end..)?;
        Some((opcode, payload))
    })
}
