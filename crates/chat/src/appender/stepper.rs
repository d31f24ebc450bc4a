//! [`Stepper`]: the appender's own work, done when its caller says so instead of by a thread.
//!
//! For a simulation, which owns the time. The decisions, the commit and the delivery are those of the
//! [`Appender`](crate::Appender); only the waiting is the caller's.

use std::fmt;
use std::time::Duration;

use super::{AppenderLoop, Closed, PendingBatch, Tried};
use crate::delivery::Delivery;
use crate::log::Log;

/// Does what the appender's thread would do, one try of one batch at a time.
pub struct Stepper<T, L, D> {
    appender_loop: AppenderLoop<T, L, D>,
    batch: Option<PendingBatch<T>>,
}

/// The result of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// No draft waits.
    Idle,
    /// A batch is stored and delivered.
    Delivered,
    /// Entries of other writers are passed on.
    Followed,
    /// The log refused the batch. Make the next step after this pause, or when the appender is closed.
    RetryAfter(Duration),
    /// The appender has ended; there is nothing more to do.
    Ended(Closed),
}

impl<T, L: Log, D: Delivery<T>> Stepper<T, L, D> {
    pub(crate) fn new(appender_loop: AppenderLoop<T, L, D>) -> Self {
        Self { appender_loop, batch: None }
    }

    /// Takes all that waits, or the batch that was refused before, and tries once to store it.
    pub fn step(&mut self) -> Step {
        let batch = match self.batch.take() {
            Some(batch) if self.appender_loop.queue.is_closed() => batch.for_the_last_time(),
            Some(batch) => batch,
            None => {
                let Some(taken) = self.appender_loop.queue.try_take() else { return Step::Idle };
                match self.appender_loop.begin(taken) {
                    Ok(Some(batch)) => batch,
                    Ok(None) => return Step::Followed,
                    Err(closed) => return Step::Ended(closed),
                }
            }
        };
        match self.appender_loop.try_batch(batch) {
            Tried::Delivered => Step::Delivered,
            Tried::Again(batch, pause) => {
                self.batch = Some(batch);
                Step::RetryAfter(pause)
            }
            Tried::Ended(closed) => Step::Ended(closed),
        }
    }
}

impl<T, L, D> fmt::Debug for Stepper<T, L, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stepper").finish_non_exhaustive()
    }
}
