//! What waits for clients that read slowly, as one worker counts it.
//!
//! Only what is left when a turn is over counts: most of what is queued is taken by the kernel at once.

use std::cmp::Reverse;

use bytes::Bytes;
use engineio::CloseReason;

use super::Worker;
use super::session::OutboundQueue;
use super::sessions::Sessions;
use crate::handle::command::Command;
use crate::output::Output;
use crate::sid::SessionKey;
use crate::stats::WorkerCount;

impl OutboundQueue {
    /// What it takes, as far as it is not shared with others.
    pub(crate) fn held(&self) -> usize {
        self.bytes() + self.len() * size_of::<Bytes>()
    }
}

impl Sessions {
    /// Counts what a session holds now. Returns whether that is more than before.
    fn count_output(&mut self, key: SessionKey, output: &Output) -> bool {
        let Some(session) = self.get(key) else { return false };
        let (before, now) = (session.counted_output, session.outbound.held());
        if before == now {
            return false;
        }
        output.change(before, now);
        if let Some(session) = self.get_mut(key) {
            session.counted_output = now;
        }
        now > before
    }

    /// Those that hold something, and how much.
    fn holders(&self) -> Vec<(Reverse<usize>, SessionKey)> {
        let held = self.iter().map(|(key, session)| (Reverse(session.counted_output), key));
        held.filter(|(Reverse(held), _)| *held > 0).collect()
    }
}

impl Worker {
    /// Counts what is left of a session's output at the end of a turn. If it is too much of all, all workers close some.
    pub(super) fn count_output(&mut self, key: SessionKey) {
        let output = &self.shared.reach.output;
        if self.sessions.count_output(key, output) && output.has_to_tell() {
            self.shared.reach.mailboxes.iter().for_each(|mailbox| mailbox.post(Command::RelieveOutput));
        }
    }

    /// A session is gone.
    pub(super) fn discount_output(&self, counted: usize) {
        self.shared.reach.output.change(counted, 0);
    }

    /// Closes the connections that hold most, if that is still needed.
    pub(super) fn relieve_output(&mut self) {
        self.shared.reach.output.begin();
        if !self.shared.reach.output.is_over() {
            return;
        }
        let mut holders = self.sessions.holders();
        holders.sort_unstable();
        let mut closed = 0;
        for (_, key) in holders {
            if self.shared.reach.output.is_relieved() {
                break;
            }
            closed += 1;
            self.tallies.count(WorkerCount::LimitOutputBytes);
            self.close(key, CloseReason::TransportError);
        }
        tracing::debug!(
            closed,
            "too much waits for clients that read slowly; those with most of it are closed"
        );
    }
}
