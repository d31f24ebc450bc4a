//! [`AckHandle`] and [`FeedAck`]: an answer to a client that belongs to a position of the feed, before and after
//! encoding.

use socketio::{AckId, NamespaceName, SocketId};

use super::FeedPosition;
use crate::frame::Frame;
use crate::room::Room;
use crate::sid::SessionKey;

/// Identifies an ack that a client waits for. It is small, so that it can travel with a command through the
/// application's queues.
#[derive(Clone, Debug)]
pub struct AckHandle {
    pub(crate) worker: u16,
    pub(crate) key: SessionKey,
    pub(crate) namespace: NamespaceName,
    pub(crate) socket: SocketId,
    pub(crate) id: AckId,
}

impl AckHandle {
    /// The name of the namespace that the answer goes to.
    pub fn namespace(&self) -> &str {
        self.namespace.as_str()
    }

    /// The public id of the socket that waits.
    pub fn socket(&self) -> SocketId {
        self.socket
    }

    /// Encodes the answer; `args` is comma-separated JSON, empty for no arguments.
    pub fn answer(self, args: &str) -> FeedAck {
        let frame = Frame::text(&socketio::encode_ack_raw(&self.namespace, self.id, args));
        FeedAck { handle: self, after: None, frame, condition: None }
    }

    /// Encodes an answer for a position of the feed: an attached socket gets it right after the entry at that position.
    pub fn answer_after(self, position: impl Into<FeedPosition>, args: &str) -> FeedAck {
        FeedAck { after: Some(position.into()), ..self.answer(args) }
    }

    /// Encodes an answer that is sent at once, and that only a member of all of `rooms` may see.
    ///
    /// The worker checks when it sends. A socket that the feed has removed from a room meanwhile, or not yet added,
    /// gets `otherwise`. So a slow answer never follows the entry that ended its permission.
    pub fn answer_within(self, rooms: Vec<Room>, args: &str, otherwise: &str) -> FeedAck {
        let otherwise = Frame::text(&socketio::encode_ack_raw(&self.namespace, self.id, otherwise));
        let condition = Some(Box::new(Condition { rooms, otherwise }));
        FeedAck { condition, ..self.answer(args) }
    }
}

/// An encoded ack that is passed to [`Feed::publish`](crate::Feed::publish).
#[derive(Debug)]
pub struct FeedAck {
    pub(crate) handle: AckHandle,
    /// The position after which it is sent; `None` for at once.
    pub(crate) after: Option<FeedPosition>,
    pub(crate) frame: Frame,
    condition: Option<Box<Condition>>,
}

/// Who may see an answer, and what others get instead.
#[derive(Debug)]
struct Condition {
    rooms: Vec<Room>,
    otherwise: Frame,
}

impl FeedAck {
    pub(crate) fn worker(&self) -> u16 {
        self.handle.worker
    }

    /// The answer for a socket; `is_in` says whether it is in a room.
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
