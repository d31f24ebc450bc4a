//! [`Stamp`]: how clients are told positions of the log.
//!
//! A feed makes the same offsets. A stamp is for code that makes a feed's frames and must not hold the feed.

use chat::{Epoch, LogId, Position};
use socketio_server::Offset;

/// Makes offsets of the positions of one log, in its present epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    log: LogId,
    epoch: Epoch,
}

impl Stamp {
    /// The stamp of this log in this epoch.
    pub fn new(log: LogId, epoch: Epoch) -> Self {
        Self { log, epoch }
    }

    /// The offset of a position, which is also the cursor after it.
    pub fn offset(self, position: Position) -> String {
        Offset { log: self.log.0, epoch: self.epoch.0, position: position.0 }.to_string()
    }
}
