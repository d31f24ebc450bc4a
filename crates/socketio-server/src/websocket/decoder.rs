//! Turns the bytes of a client into messages.
//!
//! The worker reads into its scratch buffer and feeds what it got; payloads are unmasked there and handed out as
//! slices of it. Only what the end of a read cuts, or what arrives in fragments, is copied into a [`Partial`], which
//! is boxed between two reads and gone when the message is complete. After a close frame, an error or a sink that
//! breaks off, the decoder has ended and looks at nothing more.

use std::{mem, ops::ControlFlow};

use super::{
    Message, WsError, WsLimits,
    partial::{Input, Partial, Step},
};

/// The receiving half of one connection: two words when nothing is unfinished.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    state: DecoderState,
}

#[derive(Debug, Default)]
enum DecoderState {
    /// Between two messages, at the start of a frame.
    #[default]
    Idle,
    /// Within a message or a frame.
    Within(Box<Partial>),
    /// Closed or violated.
    Ended,
}

impl Decoder {
    /// Decodes the next bytes of the connection and hands every complete message to `sink`, in order.
    ///
    /// `scratch` holds exactly the bytes read; it is scribbled over. When the sink breaks, the rest of the bytes
    /// is dropped: the connection is being closed.
    pub(crate) fn feed(
        &mut self,
        scratch: &mut [u8],
        limits: &WsLimits,
        sink: &mut impl FnMut(Message<'_>) -> ControlFlow<()>,
    ) -> Result<(), WsError> {
        // Whatever returns early below leaves `Ended` behind.
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
    /// True when no frame and no message is unfinished; the decoder owns no memory then.
    pub(crate) fn is_idle(&self) -> bool {
        match self.state {
            DecoderState::Idle | DecoderState::Ended => true,
            DecoderState::Within(_) => false,
        }
    }

    #[cfg(test)]
    /// Bytes of heap held for an unfinished message, for a bound over all connections.
    pub(crate) fn held_bytes(&self) -> usize {
        match &self.state {
            DecoderState::Idle | DecoderState::Ended => 0,
            DecoderState::Within(partial) => mem::size_of::<Partial>() + partial.capacity(),
        }
    }
}
