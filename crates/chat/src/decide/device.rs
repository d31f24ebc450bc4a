//! The rule for numbered commands: the next number is accepted, an earlier one gets its original answer, and a later one
//! has to be sent again.
//!
//! Numbers that this batch has used up count like those in the log. Whether the accepted command is stored or refused is
//! decided elsewhere.

use std::collections::HashMap;

use crate::spent::{Answered, Counted};

use crate::device::Device;
use crate::ids::CommandNumber;

/// Where a command stands among those of its device.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is the next.
    Next,
    /// Its number is used up, and this is what for. `None`: the log does not know any more, so nothing that comes under
    /// that number can be taken for what was sent.
    Past(Option<Answered>),
    /// Something before it has not come yet.
    Ahead {
        /// That is the one which has to come.
        expected: CommandNumber,
    },
}

/// What the batch has used up of each device's numbers.
#[derive(Debug, Default)]
pub(super) struct Counts {
    last: HashMap<Device, CommandNumber>,
    answered: HashMap<(Device, CommandNumber), Answered>,
}

impl Counts {
    /// `in_log` is what the log has told of this command before the batch.
    pub(super) fn turn(&self, device: Device, n: CommandNumber, in_log: Counted) -> Turn {
        let last = self.last.get(&device).copied().unwrap_or(in_log.last);
        let next = last.next();
        if n > next {
            return Turn::Ahead { expected: next };
        }
        if n == next {
            return Turn::Next;
        }
        Turn::Past(self.answered.get(&(device, n)).copied().or(in_log.answered))
    }

    /// The command whose turn it was has used up its number.
    pub(super) fn count(&mut self, device: Device, n: CommandNumber, answered: Answered) {
        self.last.insert(device, n);
        self.answered.insert((device, n), answered);
    }
}
