//! [`AckHandle`] and [`FeedAck`]: an answer to a client that belongs to a place in the feed, before and after it is
//! encoded.

use socketio::{AckId, NamespaceName, SocketId};

use super::FeedPosition;
use crate::frame::Frame;
use crate::room::Room;
use crate::sid::SessionKey;

/// The place of an acknowledgement that a client waits for. Small, so that it can travel with a command through
/// queues of the application.
#[derive(Clone, Debug)]
pub struct AckHandle {
    pub(crate) worker: u16,
    pub(crate) key: SessionKey,
    pub(crate) namespace: NamespaceName,
    pub(crate) socket: SocketId,
    pub(crate) id: AckId,
}

impl AckHandle {
    /// Name of the namespace that the answer goes to.
    pub fn namespace(&self) -> &str {
        self.namespace.as_str()
    }

    /// Public id of the socket that waits.
    pub fn socket(&self) -> SocketId {
        self.socket
    }

    /// Encodes the answer; `args` is comma separated JSON, empty for no arguments.
    pub fn answer(self, args: &str) -> FeedAck {
        let frame = Frame::text(&socketio::encode_ack_raw(&self.namespace, self.id, args));
        FeedAck { handle: self, after: None, frame, condition: None }
    }

    /// Encodes an answer that belongs to a position of the feed: an attached socket gets it right after the entry of that
    /// position.
    pub fn answer_after(self, position: impl Into<FeedPosition>, args: &str) -> FeedAck {
        FeedAck { after: Some(position.into()), ..self.answer(args) }
    }

    /// Encodes an answer that only somebody in all of `rooms` may see, at once.
    ///
    /// The worker looks when it sends: a socket that the feed has taken out of a room before, or has not yet let in,
    /// gets `otherwise`. So an answer that took its time never comes after the entry that ended its permission.
    pub fn answer_within(self, rooms: Vec<Room>, args: &str, otherwise: &str) -> FeedAck {
        let otherwise = Frame::text(&socketio::encode_ack_raw(&self.namespace, self.id, otherwise));
        let condition = Some(Box::new(Condition { rooms, otherwise }));
        FeedAck { condition, ..self.answer(args) }
    }
}

/// An encoded acknowledgement on its way with [`Feed::publish`](crate::Feed::publish).
#[derive(Debug)]
pub struct FeedAck {
    pub(crate) handle: AckHandle,
    /// The position that it follows, if it does not go out at once.
    pub(crate) after: Option<FeedPosition>,
    pub(crate) frame: Frame,
    condition: Option<Box<Condition>>,
}

/// Who may see an answer, and what anybody else is told.
#[derive(Debug)]
struct Condition {
    rooms: Vec<Room>,
    otherwise: Frame,
}

impl FeedAck {
    pub(crate) fn worker(&self) -> u16 {
        self.handle.worker
    }

    /// The answer for a socket that is in the rooms of which `is_in` is true.
    pub(crate) fn judged(self, is_in: impl Fn(&Room) -> bool) -> Self {
        match self.condition {
            Some(condition) if !condition.rooms.iter().all(is_in) => {
                Self { frame: condition.otherwise, condition: None, ..self }
            }
            _ => Self { condition: None, ..self },
        }
    }

    pub(crate) fn has_condition(&self) -> bool {
        self.condition.is_some()
    }
}
