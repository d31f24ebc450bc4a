//! Turns the bytes of a client into messages.
//!
//! The worker reads into its scratch buffer and passes it on; payloads are unmasked there and returned as slices of it.
//! Only messages that are cut by the end of a read, or that arrive in fragments, are copied into a boxed [`Partial`],
//! which is dropped when the message is complete. So are the bytes behind the last frame that a turn of the worker
//! allows. After a close frame, an error or a sink that closes, the decoder ends.

use std::{mem, ops::ControlFlow};

use super::{
    Halt, Message, WsError, WsLimits,
    partial::{Input, Partial, Rest, Step},
};

/// The receiving half of one connection: two words if no message is incomplete.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    state: DecoderState,
}

#[derive(Debug, Default)]
enum DecoderState {
    /// Between two messages, at the start of a frame.
    #[default]
    Idle,
    /// In the middle of a message or a frame.
    Within(Box<Partial>),
    /// After a close frame or a violation.
    Ended,
}

impl Decoder {
    /// Decodes the next bytes of the connection, and passes every complete message to `sink`, in order.
    ///
    /// `scratch` contains exactly the bytes that were read, and is overwritten. `frames` is how many frames may be
    /// decoded, and is counted down. What comes after them, or after the message after which the sink stops for now, is
    /// kept for [`resume`](Self::resume). If the connection is closing, it is dropped.
    pub(crate) fn feed(
        &mut self,
        scratch: &mut [u8],
        limits: &WsLimits,
        frames: &mut usize,
        sink: &mut impl FnMut(Message<'_>) -> ControlFlow<Halt>,
    ) -> Result<(), WsError> {
        let Some(mut partial) = self.take() else { return Ok(()) };
        debug_assert!(partial.rest.is_empty(), "what came before is decoded first");
        let mut input = Input(scratch);
        let end = decode(&mut partial, &mut input, limits, frames, sink)?;
        if end == End::Open {
            partial.rest = Rest::of(&input);
            self.put_back(partial);
        }
        Ok(())
    }

    /// Decodes more of the bytes that were kept.
    pub(crate) fn resume(
        &mut self,
        limits: &WsLimits,
        frames: &mut usize,
        sink: &mut impl FnMut(Message<'_>) -> ControlFlow<Halt>,
    ) -> Result<(), WsError> {
        let Some(mut partial) = self.take() else { return Ok(()) };
        let mut rest = mem::take(&mut partial.rest);
        let mut input = Input(rest.bytes());
        let end = decode(&mut partial, &mut input, limits, frames, sink)?;
        if end == End::Open {
            let left = input.len();
            partial.rest = rest.keep_last(left);
            self.put_back(partial);
        }
        Ok(())
    }

    /// Whether bytes wait for [`resume`](Self::resume).
    pub(crate) fn has_rest(&self) -> bool {
        matches!(&self.state, DecoderState::Within(partial) if !partial.rest.is_empty())
    }

    /// Bytes that the frame whose beginning has arrived still lacks.
    pub(crate) fn missing(&self) -> usize {
        match &self.state {
            DecoderState::Idle | DecoderState::Ended => 0,
            DecoderState::Within(partial) => partial.missing(),
        }
    }

    /// Every early return of the callers leaves `Ended` behind; `None` if that has happened before.
    fn take(&mut self) -> Option<Partial> {
        match mem::replace(&mut self.state, DecoderState::Ended) {
            DecoderState::Idle => Some(Partial::default()),
            DecoderState::Within(partial) => Some(*partial),
            DecoderState::Ended => None,
        }
    }

    fn put_back(&mut self, partial: Partial) {
        self.state =
            if partial.is_empty() { DecoderState::Idle } else { DecoderState::Within(Box::new(partial)) };
    }

    #[cfg(test)]
    /// Whether no frame and no message is incomplete; the decoder then owns no memory.
    pub(crate) fn is_idle(&self) -> bool {
        match self.state {
            DecoderState::Idle | DecoderState::Ended => true,
            DecoderState::Within(_) => false,
        }
    }

    /// Heap bytes of an incomplete message, for a bound over all connections.
    pub(crate) fn held_bytes(&self) -> usize {
        match &self.state {
            DecoderState::Idle | DecoderState::Ended => 0,
            DecoderState::Within(partial) => mem::size_of::<Partial>() + partial.capacity(),
        }
    }
}

/// Whether the connection goes on after some of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    Closing,
}

fn decode(
    partial: &mut Partial,
    input: &mut Input<'_>,
    limits: &WsLimits,
    frames: &mut usize,
    sink: &mut impl FnMut(Message<'_>) -> ControlFlow<Halt>,
) -> Result<End, WsError> {
    while !input.is_empty() {
        let Some(left) = frames.checked_sub(1) else { break };
        *frames = left;
        match partial.step(input, limits, sink)? {
            Step::Continue => {}
            Step::Stop(Halt::ForNow) => break,
            Step::Stop(Halt::Closing) => return Ok(End::Closing),
        }
    }
    Ok(End::Open)
}
