//! The server side of RFC 6455, without I/O.
//!
//! Owns the way from bytes to messages ([`Decoder`]) and from messages to bytes ([`frame`]). Promises that an idle connection owns no buffer, that memory follows the bytes
//! received and never a declared length, and that nothing a peer sends can panic. Header layout, close codes and the
//! accept key are tungstenite's; ADR 0002 tells why the rest is not. The answer to an opening request is HTTP's.
//!
//! Knows nothing of sockets, deadlines and floods of control frames: those are the session's. Extensions are
//! never negotiated, so every reserved bit is a violation.

mod decoder;
pub(crate) mod frame;
mod mask;
mod partial;

#[cfg(test)]
mod tests;

use thiserror::Error;

pub(crate) use decoder::Decoder;
pub(crate) use frame::Opcode;
pub(crate) use tungstenite::protocol::frame::coding::CloseCode;

/// What a client has sent, complete and checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Message<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
    /// To be answered with a pong of the same body.
    Ping(&'a [u8]),
    Pong,
    /// To be answered with the same code, or with an empty close frame for `None`. Nothing follows it.
    Close(Option<CloseCode>),
}

/// Bounds of one message. Beyond them the connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WsLimits {
    /// Bytes of a text or binary message, all fragments together.
    pub(crate) message_bytes_max: usize,
    /// Frames of one message, so that a flood of empty fragments ends too.
    pub(crate) fragments_max: usize,
}

impl Default for WsLimits {
    fn default() -> Self {
        Self { message_bytes_max: 1_000_000, fragments_max: 1024 }
    }
}

/// Why a connection cannot go on; [`WsError::close_code`] tells the peer.
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
            Self::InvalidUtf8 => CloseCode::Invalid,
            Self::TooBig => CloseCode::Size,
            Self::TooManyFragments => CloseCode::Policy,
        }
    }
}
