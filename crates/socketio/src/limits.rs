//! The bounds of what one connection may make the server keep.
//!
//! Every field says what happens at its bound. The size of a single message is not among them: Engine.IO
//! has checked it (`maxPayload`) before this crate sees the message.

/// The bounds of one [`Connection`](crate::Connection).
///
/// ```
/// let limits = socketio::Limits { namespaces: 2, ..socketio::Limits::default() };
/// assert_eq!(limits.attachment_bytes, 1_000_000);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Namespaces that a connection may be in, or be asking for, at the same time. A CONNECT beyond is a
    /// violation: a polite client does not come near.
    pub namespaces: usize,
    /// Bytes of all attachments of one packet together. More is a violation.
    pub attachment_bytes: usize,
    /// Bytes of the name of an event, escapes included, quotes not. A longer one is a violation.
    pub event_name_bytes: usize,
    /// Namespaces that the server has disconnected and whose late packets are still ignored. When there are
    /// more, the oldest is forgotten, and a late packet for it is a violation.
    pub departed_namespaces: usize,
}

impl Limits {
    /// Attachments of one packet. Fixed, because the official clients refuse more as well.
    pub const ATTACHMENTS: u8 = 10;
}

impl Default for Limits {
    fn default() -> Self {
        Self { namespaces: 8, attachment_bytes: 1_000_000, event_name_bytes: 128, departed_namespaces: 8 }
    }
}
