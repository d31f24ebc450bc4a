//! The Socket.IO protocol, revision 5, as a state machine without I/O.
//!
//! Text and binary messages of an Engine.IO connection go in (without the engine's type digit), and typed [`Incoming`]
//! packets come out. In the other direction, the `encode_*` functions write the packets of a server, byte for byte as
//! `JSON.stringify` would. [`Connection`] keeps the state of a connection: its namespaces, and a packet whose
//! attachments have not all arrived.
//!
//! No input of a peer can cause a panic. [`Limits`] and the received bytes bound the memory for each peer. A packet is
//! accepted only if all of it is valid.
//!
//! The crate has no sockets, no clock and no source of randomness, and knows no rooms.
//!
//! ```
//! use socketio::{Connection, Incoming, Limits, NamespaceName, encode_ack, encode_connect};
//!
//! let limits = Limits::default();
//! let mut connection = Connection::new();
//!
//! // The client asks for the main namespace, and the server accepts it.
//! let Incoming::Connect { namespace, .. } = connection.on_text("0", &limits)? else { unreachable!() };
//! let reply = encode_connect(&namespace, "oSO0OpakMV_3jnilAAAA", None);
//! assert_eq!(reply, r#"0{"sid":"oSO0OpakMV_3jnilAAAA"}"#);
//! connection.join(&namespace, "ada").expect("still there");
//!
//! // Then it emits an event and asks for an acknowledgement.
//! let text = r#"27["chat message","hi",1]"#;
//! let Incoming::Event { slot, ack, payload } = connection.on_text(text, &limits)? else { unreachable!() };
//! assert_eq!(connection.socket(slot), Some(&"ada"));
//! assert_eq!(payload.event_name(), "chat message");
//! let (content, count) = payload.args::<(&str, u32)>().expect("a text and a number");
//! assert_eq!((content, count), ("hi", 1));
//!
//! let reply = encode_ack(&namespace, ack.expect("asked for"), &("ok",)).expect("plain JSON");
//! assert_eq!(reply.text, r#"37["ok"]"#);
//! # Ok::<(), socketio::Violation>(())
//! ```
#![deny(missing_docs)]

mod binary;
mod connection;
#[cfg(test)]
mod conversions;
mod encode;
mod event;
mod keys;
mod limits;
mod namespace;
mod offset;
mod packet;
mod payload;
mod private_id;
mod socket_id;
mod spread;

pub use binary::Binary;
pub use connection::{Connection, Incoming, Slot, Violation};
pub use encode::{
    Args, EncodeError, Encoded, RawArgs, encode_ack, encode_ack_raw, encode_ack_with_attachments,
    encode_connect, encode_connect_error, encode_disconnect, encode_event, encode_event_raw,
    encode_event_with_attachments,
};
pub use event::{EventName, EventNameError};
pub use keys::Keys;
pub use limits::Limits;
pub use namespace::{NamespaceName, NamespaceNameError};
pub use offset::{Offset, OffsetError};
pub use packet::{AckId, DecodeError, Packet, PacketType};
pub use payload::{ArgsError, AuthPayload, Payload};
pub use private_id::{Lineage, PrivateId};
pub use socket_id::{SocketId, SocketIdError};
pub use spread::Spread;
