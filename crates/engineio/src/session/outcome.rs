//! What a session decides: the answers of its methods.
//!
//! They are data, so that the same session can be driven by a server, a simulation or a test. What the driver
//! owes for an answer stands at the answer.

use crate::close_reason::CloseReason;

/// Why a request or a WebSocket cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The session is not on the transport that this needs, or is busy with an upgrade already. Requests get
    /// [`ErrorCode::BadRequest`](crate::ErrorCode::BadRequest), a WebSocket is accepted and closed without a
    /// code. The session lives.
    #[error("the session is on another transport")]
    WrongTransport,
    /// A request of the same direction is in flight. Status 400 without a body, and the session is closed now
    /// with [`CloseReason::TransportError`]: the driver ends the other request too, a poll with packet `1`, a
    /// POST by cutting it off.
    #[error("a request of the same direction is in flight")]
    Overlap,
    /// The session was closed before; the answer is [`ErrorCode::UnknownSid`](crate::ErrorCode::UnknownSid).
    #[error("the session is closed")]
    Closed,
}

/// What to do about a packet of the probing WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Probe {
    /// Send [`PROBE_ANSWER`](crate::PROBE_ANSWER) on the WebSocket. A poll may go on waiting until
    /// [`Tick::ReleasePoll`].
    Answer,
    /// The WebSocket is the transport from now on: what is queued leaves there. A poll that still waits is
    /// released with packet `6`.
    Switch,
    /// Close the WebSocket. The session goes on by polling.
    Reject,
}

/// What a packet of the current transport means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Received<'a> {
    /// Data for the layer above.
    Message(&'a str),
    /// Nothing to do.
    Nothing,
    /// The session is closed now. After a close packet by POST a waiting poll is released with packet `6`.
    Close(CloseReason),
}

/// What a timer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tick {
    /// No timer is due.
    Nothing,
    /// Send packet `2`.
    SendPing,
    /// The session is closed now.
    Close(CloseReason),
    /// Close the probing WebSocket. The session goes on by polling.
    AbortUpgrade,
    /// Release a poll that waits with packet `6`, for the client completes its upgrade after that. From now on
    /// [`Session::releases_polls`](crate::Session::releases_polls) holds.
    ReleasePoll,
}
