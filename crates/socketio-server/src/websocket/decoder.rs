//! Turns the bytes of a client into messages.
//!
//! The worker reads into its scratch buffer and passes it on; payloads are unmasked there and returned as slices of it.
//! Only messages that are cut by the end of a read, or that arrive in fragments, are copied into a boxed [`Partial`],
//! which is dropped when the message is complete. After a close frame, an error or a sink that stops, the decoder ends.

use std::{mem, ops::ControlFlow};

use super::{
    Message, WsError, WsLimits,
    partial::{Input, Partial, Step},
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
    /// `scratch` contains exactly the bytes that were read, and is overwritten. If the sink stops, the remaining bytes
    /// are dropped, because the connection is closing.
    pub(crate) fn feed(
        &mut self,
        scratch: &mut [u8],
        limits: &WsLimits,
        sink: &mut impl FnMut(Message<'_>) -> ControlFlow<()>,
    ) -> Result<(), WsError> {
        // Every early return below leaves `Ended` behind.
        let mut partial = match mem::replace(&mut self.state, DecoderState::Ended) {
            DecoderState::Idle => Partial::default(),
            DecoderState::Within(partial) => *partial,
            DecoderState::Ended => return Ok(()),
        };
        let mut input = Input(scratch);
        while !input.is_empty() {
            match partial.step(&mut input, limits, sink)? {
                Step::Continue => {}
                Step::Stop => return Ok(()),
            }
        }
        self.state =
            if partial.is_empty() { DecoderState::Idle } else { DecoderState::Within(Box::new(partial)) };
        Ok(())
    }

    #[cfg(test)]
    /// Whether no frame and no message is incomplete; the decoder then owns no memory.
    pub(crate) fn is_idle(&self) -> bool {
        match self.state {
            DecoderState::Idle | DecoderState::Ended => true,
            DecoderState::Within(_) => false,
        }
    }

    #[cfg(test)]
    /// Heap bytes of an incomplete message, for a bound over all connections.
    pub(crate) fn held_bytes(&self) -> usize {
        match &self.state {
            DecoderState::Idle | DecoderState::Ended => 0,
            DecoderState::Within(partial) => mem::size_of::<Partial>() + partial.capacity(),
        }
    }
}
