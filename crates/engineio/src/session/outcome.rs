//! The answers of a session's methods.
//!
//! They are data, so that a server, a simulation or a test can drive the same session. Each says what the driver must
//! do.

use crate::close_reason::CloseReason;

/// Why a request or a WebSocket is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The session is not on the transport that this needs, or is upgrading already. A request gets
    /// [`ErrorCode::BadRequest`](crate::ErrorCode::BadRequest); a WebSocket is accepted, and closed without a code. The
    /// session continues.
    #[error("the session is on another transport")]
    WrongTransport,
    /// A request in the same direction is open. The answer is status 400 without a body, and the session is now closed
    /// with [`CloseReason::TransportError`]. The driver also ends the other request: a poll with packet `1`, a POST by
    /// cutting it off.
    #[error("a request of the same direction is in flight")]
    Overlap,
    /// The session is already closed; the answer is [`ErrorCode::UnknownSid`](crate::ErrorCode::UnknownSid).
    #[error("the session is closed")]
    Closed,
}

/// What to do after a packet of the probing WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Probe {
    /// Send [`PROBE_ANSWER`](crate::PROBE_ANSWER) on the WebSocket. A poll may still wait until [`Tick::ReleasePoll`].
    Answer,
    /// The WebSocket is now the transport, and carries what is queued. A poll that still waits is released with packet
    /// `6`.
    Switch,
    /// Close the WebSocket. The session continues by polling.
    Reject,
}

/// What a packet of the current transport means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Received<'a> {
    /// Data for the layer above.
    Message(&'a str),
    /// Nothing to do.
    Nothing,
    /// The session is now closed. After a close packet by POST, a waiting poll is released with packet `6`.
    Close(CloseReason),
}

/// What to do when a timer is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tick {
    /// No timer is due.
    Nothing,
    /// Send packet `2`.
    SendPing,
    /// The session is now closed.
    Close(CloseReason),
    /// Close the probing WebSocket. The session continues by polling.
    AbortUpgrade,
    /// Release a waiting poll with packet `6`; the client completes its upgrade after that. From now on
    /// [`Session::releases_polls`](crate::Session::releases_polls) holds.
    ReleasePoll,
}
