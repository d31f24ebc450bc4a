//! What a message means to the caller of a connection, and the ways in which it breaks the protocol.
//!
//! Both enums are closed: a caller handles every case. Every violation has the same consequence, so its variants are
//! for logs and counters.

#[cfg(doc)]
use super::Connection;
use super::Slot;
#[cfg(doc)]
use crate::limits::Limits;
use crate::namespace::NamespaceName;
use crate::packet::{AckId, DecodeError};
use crate::payload::{AuthPayload, Payload};

/// What a message means to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// A client asks for a namespace, which is now pending. Call [`Connection::join`] or [`Connection::refuse`], then
    /// [`Connection::renew`].
    Connect {
        /// The namespace.
        namespace: NamespaceName,
        /// The `auth` that the client sent.
        auth: AuthPayload<'a>,
        /// The socket that it leaves by this, as by [`Incoming::Disconnect`]: it was accepted, and did not know yet.
        replaces: Option<Slot>,
    },
    /// An event with all its attachments.
    Event {
        /// The joined namespace that it is for.
        slot: Slot,
        /// The ack id, if the client wants an answer.
        ack: Option<AckId>,
        /// The name and the arguments.
        payload: Payload<'a>,
    },
    /// An answer. The client may have invented the ack id.
    Ack {
        /// The joined namespace that it is for.
        slot: Slot,
        /// The number of the event.
        id: AckId,
        /// The arguments.
        payload: Payload<'a>,
    },
    /// The client has left a namespace. Call [`Connection::leave`] to get the state.
    Disconnect {
        /// The namespace.
        slot: Slot,
    },
    /// Nothing to do: part of a packet, or a late packet.
    Nothing,
}

impl Incoming<'_> {
    /// The same, independent of the message that it came in.
    pub fn into_owned(self) -> Incoming<'static> {
        match self {
            Self::Connect { namespace, auth, replaces } => {
                Incoming::Connect { namespace, auth: auth.into_owned(), replaces }
            }
            Self::Event { slot, ack, payload } => {
                Incoming::Event { slot, ack, payload: payload.into_owned() }
            }
            Self::Ack { slot, id, payload } => Incoming::Ack { slot, id, payload: payload.into_owned() },
            Self::Disconnect { slot } => Incoming::Disconnect { slot },
            Self::Nothing => Incoming::Nothing,
        }
    }
}

/// Why the connection must be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A text message is not a packet.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The name of an event is longer than [`Limits::event_name_bytes`].
    #[error("the event name is too long")]
    EventNameTooLong,
    /// A text message arrived where an attachment was due.
    #[error("a packet inside of another one's attachments")]
    AttachmentsMissing,
    /// A binary message arrived that no packet has announced.
    #[error("a binary message without a packet")]
    UnexpectedBinary,
    /// The attachments of a packet exceed [`Limits::attachment_bytes`].
    #[error("the attachments are too large")]
    AttachmentsTooLarge,
    /// A CONNECT beyond [`Limits::namespaces`].
    #[error("too many namespaces")]
    TooManyNamespaces,
    /// A packet for a namespace that is not joined.
    #[error("the namespace is not joined")]
    NotJoined,
    /// A packet that only servers may send.
    #[error("a client sends no connect errors")]
    ConnectError,
}
