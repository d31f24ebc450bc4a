//! The state of a frame or a message that is not complete.
//!
//! It implements the rules of RFC 6455 about frames (masking, opcodes, fragments, lengths, UTF-8), and copies what
//! cannot stay in the scratch buffer. A message that arrives in one read is never copied. Text is checked as its bytes
//! arrive, so an invalid byte ends the connection at once, however long the message claims to be.

use std::{io::Cursor, mem, ops::ControlFlow};

use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Control, Data, OpCode},
};

use super::{CloseCode, Halt, Message, WsError, WsLimits, mask::Mask};
use crate::planted::edge::{self, EdgeBug};

/// The longest header: two bytes, a 64-bit length, a mask.
const HEADER_BYTES_MAX: usize = 14;
const CONTROL_BYTES_MAX: u64 = 125;

/// Whether the decoder continues after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Continue,
    Stop(Halt),
}

/// The rest of the bytes of one read.
#[derive(Debug)]
pub(super) struct Input<'a>(pub(super) &'a mut [u8]);

impl<'a> Input<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The next `wanted` bytes, or as many as there are.
    fn take(&mut self, wanted: usize) -> &'a mut [u8] {
        let bytes = mem::take(&mut self.0);
        let (taken, rest) = bytes.split_at_mut(wanted.min(bytes.len()));
        self.0 = rest;
        taken
    }
}

#[derive(Debug, Default)]
pub(super) struct Partial {
    header: TornHeader,
    /// The frame whose payload is incomplete.
    frame: Option<OpenFrame>,
    /// The received part of a control frame, kept apart because it may come between two fragments.
    control: Vec<u8>,
    message: Option<Fragments>,
    /// Bytes that have been read and not decoded.
    pub(super) rest: Rest,
}

/// Bytes that wait to be decoded. They are decoded from the front, and kept until none is left.
#[derive(Debug, Default)]
pub(super) struct Rest {
    bytes: Vec<u8>,
    decoded: usize,
}

impl Rest {
    pub(super) fn of(input: &Input<'_>) -> Self {
        Self { bytes: input.0.to_vec(), decoded: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn bytes(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.decoded..).unwrap_or_default()
    }

    pub(super) fn keep_last(self, left: usize) -> Self {
        match left {
            0 => Self::default(),
            left => Self { decoded: self.bytes.len() - left, ..self },
        }
    }
}

impl Partial {
    pub(super) fn is_empty(&self) -> bool {
        self.header.len == 0 && self.frame.is_none() && self.message.is_none() && self.rest.is_empty()
    }

    pub(super) fn missing(&self) -> usize {
        self.frame.as_ref().map_or(0, |frame| frame.missing)
    }

    pub(super) fn capacity(&self) -> usize {
        let message = self.message.as_ref().map_or(0, |message| message.body.capacity());
        self.control.capacity() + message + self.rest.bytes.capacity()
    }

    /// Takes one frame from `input`, or all of `input` if the frame is incomplete.
    pub(super) fn step(
        &mut self,
        input: &mut Input<'_>,
        limits: &WsLimits,
        sink: &mut impl FnMut(Message<'_>) -> ControlFlow<Halt>,
    ) -> Result<Step, WsError> {
        let mut frame = match self.frame.take() {
            Some(frame) => frame,
            None => match self.header.read(input)? {
                Some((header, length)) => self.admit(&header, length, limits)?,
                None => return Ok(Step::Continue),
            },
        };
        let payload = input.take(frame.missing);
        frame.missing -= payload.len();
        let key = frame.mask;
        frame.mask.apply(payload);
        if edge::is(EdgeBug::RestartsTheMask) {
            frame.mask = key;
        }
        if frame.missing > 0 {
            self.hold(frame, payload)?;
            return Ok(Step::Continue);
        }
        match frame.kind {
            FrameKind::Control(control) => self.finish_control(control, payload, sink),
            FrameKind::Data(data, end) => self.finish_data(data, end, payload, sink),
        }
    }

    /// Checks a frame by its header alone, before any of its payload is kept.
    fn admit(&self, header: &FrameHeader, length: u64, limits: &WsLimits) -> Result<OpenFrame, WsError> {
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(WsError::ReservedBits);
        }
        let lenient = edge::is(EdgeBug::TakesUnmaskedFrames).then_some([0; 4]);
        let key = header.mask.or(lenient).ok_or(WsError::Unmasked)?;
        let kind = match header.opcode {
            OpCode::Control(control) => {
                if !header.is_final {
                    return Err(WsError::FragmentedControl);
                }
                if length > CONTROL_BYTES_MAX {
                    return Err(WsError::LongControl);
                }
                FrameKind::Control(control)
            }
            OpCode::Data(data) => {
                let end = if header.is_final { End::Last } else { End::More };
                FrameKind::Data(self.admit_data(data, length, limits)?, end)
            }
        };
        let missing = usize::try_from(length).map_err(|_| WsError::TooBig)?;
        Ok(OpenFrame { kind, missing, mask: Mask::new(key) })
    }

    fn admit_data(&self, data: Data, length: u64, limits: &WsLimits) -> Result<DataKind, WsError> {
        let kind = match (data, &self.message) {
            (Data::Continue, Some(message)) => message.kind,
            (Data::Continue, None) if edge::is(EdgeBug::ContinuesNothing) => DataKind::Text,
            (Data::Continue, None) => return Err(WsError::NothingToContinue),
            (Data::Text, Some(_)) if edge::is(EdgeBug::BeginsWithinAMessage) => DataKind::Text,
            (Data::Text | Data::Binary, Some(_)) => return Err(WsError::UnfinishedMessage),
            (Data::Text, None) => DataKind::Text,
            (Data::Binary, None) => DataKind::Binary,
            (Data::Reserved(_), _) => return Err(WsError::UnknownOpcode),
        };
        let (held, frames) =
            self.message.as_ref().map_or((0, 0), |message| (message.body.len(), message.frames));
        let held = if edge::is(EdgeBug::LimitsEachFragment) { 0 } else { held };
        let room = limits.message_bytes_max.saturating_sub(held);
        if usize::try_from(length).map_or(true, |length| length > room) {
            return Err(WsError::TooBig);
        }
        if frames >= limits.fragments_max && !edge::is(EdgeBug::CountsNoFragments) {
            return Err(WsError::TooManyFragments);
        }
        Ok(kind)
    }

    /// Keeps the first or next piece of a payload that was cut by the end of a read.
    fn hold(&mut self, frame: OpenFrame, piece: &[u8]) -> Result<(), WsError> {
        match frame.kind {
            FrameKind::Control(_) => self.control.extend_from_slice(piece),
            FrameKind::Data(data, _) => {
                self.message.get_or_insert_with(|| Fragments::new(data)).append(piece, frame.missing)?;
            }
        }
        self.frame = Some(frame);
        Ok(())
    }

    fn finish_control(
        &mut self,
        control: Control,
        payload: &[u8],
        sink: &mut impl FnMut(Message<'_>) -> ControlFlow<Halt>,
    ) -> Result<Step, WsError> {
        let mut torn = mem::take(&mut self.control);
        let body = if torn.is_empty() {
            payload
        } else {
            torn.extend_from_slice(payload);
            &torn
        };
        match control {
            Control::Ping => Ok(step_after(sink(Message::Ping(body)))),
            Control::Pong => Ok(step_after(sink(Message::Pong))),
            Control::Close => {
                // Nothing may follow a close frame, so the answer of the sink is irrelevant.
                let _ = sink(Message::Close(close_code(body)?));
                Ok(Step::Stop(Halt::Closing))
            }
            Control::Reserved(_) => Err(WsError::UnknownOpcode),
        }
    }

    fn finish_data(
        &mut self,
        data: DataKind,
        end: End,
        payload: &[u8],
        sink: &mut impl FnMut(Message<'_>) -> ControlFlow<Halt>,
    ) -> Result<Step, WsError> {
        match (end, self.message.take()) {
            (End::Last, None) => deliver(data, payload, sink),
            (End::Last, Some(mut message)) => {
                message.append(payload, 0)?;
                deliver(message.kind, &message.body, sink)
            }
            (End::More, message) => {
                let mut message = message.unwrap_or_else(|| Fragments::new(data));
                message.append(payload, 0)?;
                message.frames += 1;
                self.message = Some(message);
                Ok(Step::Continue)
            }
        }
    }
}

/// Returns a complete message. A body that was checked in pieces is checked again here: that is the price of a `&str`
/// without `unsafe`, paid only for incomplete messages.
fn deliver(
    kind: DataKind,
    body: &[u8],
    sink: &mut impl FnMut(Message<'_>) -> ControlFlow<Halt>,
) -> Result<Step, WsError> {
    let message = match kind {
        DataKind::Text => Message::Text(str::from_utf8(body).map_err(|_| WsError::InvalidUtf8)?),
        DataKind::Binary => Message::Binary(body),
    };
    Ok(step_after(sink(message)))
}

fn step_after(flow: ControlFlow<Halt>) -> Step {
    match flow {
        ControlFlow::Continue(()) => Step::Continue,
        ControlFlow::Break(halt) => Step::Stop(halt),
    }
}

/// The code of a close frame; its reason is checked and dropped.
fn close_code(body: &[u8]) -> Result<Option<CloseCode>, WsError> {
    let Some((code, reason)) = body.split_first_chunk::<2>() else {
        return if body.is_empty() { Ok(None) } else { Err(WsError::MalformedClose) };
    };
    let code = CloseCode::from(u16::from_be_bytes(*code));
    if !code.is_allowed() && !edge::is(EdgeBug::EchoesAnyCloseCode) {
        return Err(WsError::MalformedClose);
    }
    str::from_utf8(reason).map_err(|_| WsError::InvalidUtf8)?;
    Ok(Some(code))
}

#[derive(Debug, Clone, Copy)]
struct OpenFrame {
    kind: FrameKind,
    /// Bytes of the payload that are still missing.
    missing: usize,
    mask: Mask,
}

#[derive(Debug, Clone, Copy)]
enum FrameKind {
    Control(Control),
    Data(DataKind, End),
}

#[derive(Debug, Clone, Copy)]
enum DataKind {
    Text,
    Binary,
}

/// Whether a data frame ends its message.
#[derive(Debug, Clone, Copy)]
enum End {
    Last,
    More,
}

/// A data message of which some bytes have arrived.
#[derive(Debug)]
struct Fragments {
    kind: DataKind,
    body: Vec<u8>,
    /// How much of a text is known to be valid: all except an incomplete character.
    checked: usize,
    /// The number of complete frames so far.
    frames: usize,
}

impl Fragments {
    fn new(kind: DataKind) -> Self {
        Self { kind, body: Vec::new(), checked: 0, frames: 0 }
    }

    /// Adds a piece; `missing` bytes of its frame are still to come.
    fn append(&mut self, piece: &[u8], missing: usize) -> Result<(), WsError> {
        self.make_room(piece.len(), missing);
        self.body.extend_from_slice(piece);
        match self.kind {
            DataKind::Text => self.check(),
            DataKind::Binary => Ok(()),
        }
    }

    /// Doubles the buffer with what has arrived, so a declared length costs its sender as many bytes as the server. It
    /// never grows beyond the end of the frame, so that a message of 1 MB does not occupy 2 MB.
    fn make_room(&mut self, added: usize, missing: usize) {
        let here = self.body.len() + added;
        if here > self.body.capacity() {
            let spare = missing.min(here);
            self.body.reserve_exact(added + spare);
        }
    }

    fn check(&mut self) -> Result<(), WsError> {
        let unchecked = self.body.get(self.checked..).unwrap_or_default();
        match str::from_utf8(unchecked) {
            Ok(text) => self.checked += text.len(),
            Err(error) if error.error_len().is_none() && !edge::is(EdgeBug::ChecksCharactersEarly) => {
                self.checked += error.valid_up_to();
            }
            Err(_) => return Err(WsError::InvalidUtf8),
        }
        Ok(())
    }
}

/// A header that may arrive in pieces.
#[derive(Debug, Default)]
struct TornHeader {
    bytes: [u8; HEADER_BYTES_MAX],
    len: usize,
}

impl TornHeader {
    /// Takes a header from `input`; `None` if it is incomplete, and all of `input` is kept.
    fn read(&mut self, input: &mut Input<'_>) -> Result<Option<(FrameHeader, u64)>, WsError> {
        let kept = self.len;
        for (slot, byte) in self.bytes.iter_mut().skip(kept).zip(input.0.iter()) {
            *slot = *byte;
            self.len += 1;
        }
        let mut cursor = Cursor::new(self.bytes.get(..self.len).unwrap_or_default());
        // For bytes in memory, an unknown opcode is the parser's only error.
        let parsed = FrameHeader::parse(&mut cursor).map_err(|_| WsError::UnknownOpcode)?;
        let used = match parsed {
            Some(_) => usize::try_from(cursor.position()).unwrap_or(HEADER_BYTES_MAX),
            None => self.len,
        };
        input.take(used - kept);
        if parsed.is_some() {
            self.len = 0;
        }
        Ok(parsed)
    }
}
