//! The server side of RFC 6455, without I/O.
//!
//! [`Decoder`] turns bytes into messages, [`frame`] turns messages into bytes. An idle connection owns no buffer,
//! memory grows with the bytes received and never with a declared length, and no input can cause a panic. Header
//! layout, close codes and the accept key are tungstenite's; ADR 0002 says why the rest is not. HTTP answers the
//! opening request.
//!
//! The caller says how many frames are decoded at once; the bytes behind them wait. Sockets, deadlines and floods of control frames are the session's concern. Extensions are never negotiated, so every
//! reserved bit is a violation.

mod decoder;
pub(crate) mod frame;
mod mask;
mod partial;

#[cfg(test)]
mod tests;

use thiserror::Error;

use crate::planted::edge::{self, EdgeBug};
pub(crate) use decoder::Decoder;
pub(crate) use frame::Opcode;
pub(crate) use tungstenite::protocol::frame::coding::CloseCode;

/// A message of a client, complete and checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Message<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
    /// Answer it with a pong that has the same body.
    Ping(&'a [u8]),
    Pong,
    /// Answer it with the same code, or with an empty close frame for `None`. Nothing follows it.
    Close(Option<CloseCode>),
}

/// Why the receiver of messages stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Halt {
    /// It takes the next message later.
    ForNow,
    /// The connection is closing; it takes no more.
    Closing,
}

/// The bounds of one message. Beyond them, the connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WsLimits {
    /// Bytes of a text or binary message, with all its fragments.
    pub(crate) message_bytes_max: usize,
    /// Frames of one message, which bounds a flood of empty fragments.
    pub(crate) fragments_max: usize,
}

impl Default for WsLimits {
    fn default() -> Self {
        Self { message_bytes_max: 1_000_000, fragments_max: 1024 }
    }
}

/// Why a connection cannot continue. [`WsError::close_code`] tells the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum WsError {
    #[error("reserved bits are set without an extension")]
    ReservedBits,
    #[error("the opcode is unknown")]
    UnknownOpcode,
    #[error("a client frame is not masked")]
    Unmasked,
    #[error("a control frame is fragmented")]
    FragmentedControl,
    #[error("a control frame has more than 125 bytes")]
    LongControl,
    #[error("a continuation frame continues nothing")]
    NothingToContinue,
    #[error("a new message begins within a fragmented one")]
    UnfinishedMessage,
    #[error("the close frame is malformed")]
    MalformedClose,
    #[error("text is not valid UTF-8")]
    InvalidUtf8,
    #[error("the message has too many bytes")]
    TooBig,
    #[error("the message has too many fragments")]
    TooManyFragments,
}

impl WsError {
    /// The code of the close frame that ends the connection.
    pub(crate) fn close_code(self) -> CloseCode {
        match self {
            Self::ReservedBits
            | Self::UnknownOpcode
            | Self::Unmasked
            | Self::FragmentedControl
            | Self::LongControl
            | Self::NothingToContinue
            | Self::UnfinishedMessage
            | Self::MalformedClose => CloseCode::Protocol,
            Self::InvalidUtf8 if edge::is(EdgeBug::MistakesTheCloseCode) => CloseCode::Protocol,
            Self::InvalidUtf8 => CloseCode::Invalid,
            Self::TooBig => CloseCode::Size,
            Self::TooManyFragments => CloseCode::Policy,
        }
    }
}
