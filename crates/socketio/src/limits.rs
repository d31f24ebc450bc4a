//! The bounds on what one connection may make the server keep.
//!
//! Each field says what happens at its bound. The size of a single message is not among them: Engine.IO has already
//! checked it (`maxPayload`).

/// The bounds of one [`Connection`](crate::Connection).
///
/// ```
/// let limits = socketio::Limits { namespaces: 2, ..socketio::Limits::default() };
/// assert_eq!(limits.attachment_bytes, 1_000_000);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many namespaces a connection may be in or be asking for at a time. A CONNECT beyond that is a violation;
    /// ordinary clients stay far below.
    pub namespaces: usize,
    /// Bytes of all attachments of one packet together. More is a violation.
    pub attachment_bytes: usize,
    /// Bytes of an event's name, with escapes and without quotes. A longer name is a violation.
    pub event_name_bytes: usize,
    /// How many namespaces that the server has left still ignore late packets. Beyond that, the oldest is forgotten,
    /// and a late packet for it is a violation.
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
