//! [`Stamp`]: how clients are told positions of the log.
//!
//! A feed makes the same offsets. A stamp is for code that makes a feed's frames and must not hold the feed.

use std::sync::Arc;

use chat::{Epoch, LogId, Position};
use socketio_server::{Keys, Offset};

/// Makes offsets of the positions of one log, in its present epoch.
#[derive(Clone, Debug)]
pub struct Stamp {
    log: LogId,
    epoch: Epoch,
    keys: Arc<Keys>,
}

impl Stamp {
    /// The stamp of this log in this epoch. The keys seal positions, because they count what everybody says.
    pub fn new(log: LogId, epoch: Epoch, keys: Arc<Keys>) -> Self {
        Self { log, epoch, keys }
    }

    /// The stamp of an empty log with a key of its own.
    #[cfg(test)]
    pub fn for_tests() -> Self {
        Self::new(LogId::FIRST, Epoch(1), Arc::new(Keys::new([1; 32])))
    }

    /// The offset of a position, which is also the cursor after it.
    pub fn offset(&self, position: Position) -> String {
        self.keys.seal(&Offset { log: self.log.0, epoch: self.epoch.0, position: position.0 })
    }
}
