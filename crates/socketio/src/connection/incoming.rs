//! What a message means to the caller of a connection, and what it means when it means nothing good.
//!
//! Both enums are closed: a caller handles every case, and a violation has one consequence, whatever it is,
//! so its variants are for logs and counters.

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
    /// A client asks for a namespace, which is pending from now on: [`Connection::join`] or
    /// [`Connection::refuse`] ends that, and [`Connection::renew`] follows either.
    Connect {
        /// Which namespace.
        namespace: NamespaceName,
        /// What the client says about itself.
        auth: AuthPayload<'a>,
        /// What it leaves by that, as by [`Incoming::Disconnect`]: it was let in, and did not know yet.
        replaces: Option<Slot>,
    },
    /// An event, complete with its attachments.
    Event {
        /// To which joined namespace.
        slot: Slot,
        /// The number for the answer, if one is wanted.
        ack: Option<AckId>,
        /// Name and arguments.
        payload: Payload<'a>,
    },
    /// The answer to an event that asked for one, or may claim to be.
    Ack {
        /// To which joined namespace.
        slot: Slot,
        /// The number of the event.
        id: AckId,
        /// The arguments.
        payload: Payload<'a>,
    },
    /// The client has left a namespace. The state is still there, for [`Connection::leave`] to return.
    Disconnect {
        /// Which.
        slot: Slot,
    },
    /// Nothing to do: a part of a packet, or a packet that came too late.
    Nothing,
}

impl Incoming<'_> {
    /// The same, outliving the message it came in.
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
    /// A text message came where an attachment was due.
    #[error("a packet inside of another one's attachments")]
    AttachmentsMissing,
    /// A binary message came that no packet has announced.
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
    /// A packet that only servers send.
    #[error("a client sends no connect errors")]
    ConnectError,
}
