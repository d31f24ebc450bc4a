//! [`Stall`]: how long a peer may take nothing of an answer before its connection ends.
//!
//! hyper waits for ever. Whoever asks and reads nothing would keep a connection, and what it holds, for as long as they like.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::futures::OwnedNotified;
use tokio::time::Sleep;

use crate::output::Answers;

/// How long a connection waits, and what makes it wait no longer.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    pub(crate) time: Duration,
    pub(crate) answers: Arc<Answers>,
}

/// Watches the writes of a connection.
#[derive(Debug)]
pub(crate) struct Stall {
    patience: Patience,
    /// Since a write that did not fit.
    waiting: Option<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    deadline: Pin<Box<Sleep>>,
    too_much: Pin<Box<OwnedNotified>>,
}

impl Stall {
    pub(crate) fn new(patience: Patience) -> Self {
        Self { patience, waiting: None }
    }

    /// What became of a write: an error if it has waited for too long.
    pub(crate) fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        write: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if write.is_ready() {
            self.waiting = None;
            return write;
        }
        let Patience { time, answers } = &self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Waiting {
            deadline: Box::pin(tokio::time::sleep(*time)),
            too_much: Box::pin(answers.too_much()),
        });
        let is_over =
            waiting.deadline.as_mut().poll(cx).is_ready() || waiting.too_much.as_mut().poll(cx).is_ready();
        if is_over { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { Poll::Pending }
    }
}
