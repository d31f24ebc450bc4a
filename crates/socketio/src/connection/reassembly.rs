//! A packet whose attachments have not all arrived.
//!
//! It exists only between the text of a binary packet and its last attachment, in a box, so an idle connection pays one
//! pointer for it. It grows with the received bytes, not with the announced number.

use bytes::Bytes;

use super::{Incoming, Slot, Violation};
use crate::limits::Limits;
use crate::packet::{AckId, Body, Packet, PacketType};
use crate::payload::Payload;

/// What an allocator takes for a block beside the bytes that were asked for, at most.
const BESIDE_A_BLOCK: usize = 24;

/// Where the packet goes once it is complete.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target {
    Event(Slot, Option<AckId>),
    Answer(Slot, AckId),
    /// Nowhere: the server has left the namespace, or an answer has no ack id.
    Nobody,
}

impl Target {
    pub(super) fn new(slot: Slot, packet: &Packet<'_>) -> Self {
        match (packet.kind, packet.ack) {
            (PacketType::Event | PacketType::BinaryEvent, ack) => Self::Event(slot, ack),
            (PacketType::Ack | PacketType::BinaryAck, Some(id)) => Self::Answer(slot, id),
            // Ignored as the answer to an unknown event is, which it cannot be told from.
            (PacketType::Ack | PacketType::BinaryAck, None)
            | (PacketType::Connect | PacketType::Disconnect | PacketType::ConnectError, _) => Self::Nobody,
        }
    }

    pub(super) fn slot(self) -> Option<Slot> {
        match self {
            Self::Event(slot, _) | Self::Answer(slot, _) => Some(slot),
            Self::Nobody => None,
        }
    }

    pub(super) fn complete(self, payload: Payload<'_>) -> Incoming<'_> {
        match self {
            Self::Event(slot, ack) => Incoming::Event { slot, ack, payload },
            Self::Answer(slot, id) => Incoming::Ack { slot, id, payload },
            Self::Nobody => Incoming::Nothing,
        }
    }
}

/// The text of a packet, and the attachments so far.
#[derive(Debug)]
pub(super) struct Reassembly {
    target: Target,
    json: Box<str>,
    body: Body,
    announced: usize,
    attachments: Vec<Bytes>,
    attachment_bytes: usize,
}

impl Reassembly {
    pub(super) fn begin(target: Target, packet: &Packet<'_>) -> Self {
        Self {
            target,
            json: packet.data.into(),
            body: packet.body,
            announced: packet.attachments.into(),
            attachments: Vec::new(),
            attachment_bytes: 0,
        }
    }

    pub(super) fn push(&mut self, data: Bytes, limits: &Limits) -> Result<(), Violation> {
        self.attachment_bytes = self.attachment_bytes.saturating_add(data.len());
        if self.attachment_bytes > limits.attachment_bytes {
            return Err(Violation::AttachmentsTooLarge);
        }
        self.attachments.push(data);
        Ok(())
    }

    pub(super) fn is_complete(&self) -> bool {
        self.attachments.len() >= self.announced
    }

    pub(super) fn finish(self) -> (Target, Payload<'static>) {
        (self.target, Payload::new(String::from(self.json), self.body, self.attachments))
    }

    /// Bytes of memory that it keeps beside its own size.
    pub(super) fn kept_bytes(&self) -> usize {
        let blocks = 2 + self.attachments.len();
        let list = self.attachments.capacity() * size_of::<Bytes>();
        self.json.len() + list + self.attachment_bytes + blocks * BESIDE_A_BLOCK
    }
}
