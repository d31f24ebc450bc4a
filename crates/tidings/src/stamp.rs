//! [`Stamp`]: how positions of the log are told to clients.
//!
//! A feed makes the same offsets; this is for those who make its frames and must not hold it.

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
