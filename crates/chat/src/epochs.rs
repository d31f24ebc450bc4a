//! Epochs: which old offsets still refer to the same entries.
//!
//! Every start of a log opens an epoch at the position that the log had then. Positions of an epoch are the same
//! entries for ever up to where the next one began; beyond, they were taken back (by a restored backup or a lossy
//! failover) and may since have been given to others. Epochs are drawn at random by the backend, so that a start
//! that was taken back, too, is never mistaken for the one that followed.

use crate::ids::{Epoch, Position};

/// An epoch and the head of the log when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochStart {
    /// The epoch's random number.
    pub epoch: Epoch,
    /// The head of the log when the epoch began.
    pub start: Position,
}

/// All epochs of a log, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epochs {
    past: Vec<EpochStart>,
    current: EpochStart,
}

impl Epochs {
    /// The epochs of a log that has just begun `current`.
    pub fn new(past: Vec<EpochStart>, current: EpochStart) -> Self {
        Self { past, current }
    }

    /// The current epoch.
    pub fn current(&self) -> EpochStart {
        self.current
    }

    /// Whether an epoch has this number.
    pub fn contains(&self, epoch: Epoch) -> bool {
        self.iter().any(|start| start.epoch == epoch)
    }

    /// All epochs, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = EpochStart> + '_ {
        self.past.iter().copied().chain([self.current])
    }

    /// Whether `position`, handed out in `epoch`, still means the same entry in a log whose head is `head`.
    ///
    /// If not, the holder may have seen what no longer exists and must be sent everything anew.
    pub fn admit(&self, epoch: Epoch, position: Position, head: Position) -> bool {
        let mut later = self.iter().skip_while(|start| start.epoch != epoch);
        if later.next().is_none() {
            return false;
        }
        later.all(|next| position <= next.start) && position <= head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(starts: &[(u64, u64)]) -> Epochs {
        let mut starts: Vec<_> = starts
            .iter()
            .map(|&(epoch, start)| EpochStart { epoch: Epoch(epoch), start: Position(start) })
            .collect();
        let current = starts.pop().unwrap();
        Epochs::new(starts, current)
    }

    #[test]
    fn an_offset_is_valid_up_to_the_start_of_the_next_epoch() {
        let epochs = epochs(&[(7, 0), (3, 50), (9, 80)]);
        let admit = |epoch, position| epochs.admit(Epoch(epoch), Position(position), Position(100));
        assert!(admit(7, 50) && !admit(7, 51));
        assert!(admit(3, 80) && !admit(3, 81));
        assert!(admit(9, 100) && !admit(9, 101));
        assert!(!admit(8, 1));
    }

    #[test]
    fn a_second_step_back_also_cuts_the_epochs_before() {
        let epochs = epochs(&[(1, 0), (2, 80), (3, 30)]);
        assert!(!epochs.admit(Epoch(1), Position(60), Position(90)));
        assert!(epochs.admit(Epoch(1), Position(30), Position(90)));
    }
}
