//! [`Handshakes`]: the handshakes of encrypted connections on one worker: how long they may keep the others waiting.
//!
//! The signature of a handshake takes the processor up to some milliseconds, and any number of clients may ask for one at
//! the same time. So they make their steps one after the other, and when these have taken a millisecond, everybody else has
//! their turn.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::encryption::{Accepting, EncryptedStream};

/// So long they may take before the others have their turn.
const TURN_TIME: Duration = Duration::from_millis(1);

pub(crate) struct Handshakes {
    /// Whose step it is.
    step: Semaphore,
    /// What the steps of this turn have taken.
    taken: Cell<Duration>,
}

impl Handshakes {
    pub(crate) fn new() -> Self {
        Self { step: Semaphore::new(1), taken: Cell::default() }
    }

    /// Makes a handshake, in turn with the others.
    pub(crate) async fn make(&self, mut handshake: Accepting) -> io::Result<Box<dyn EncryptedStream>> {
        let alarm = Arc::new(Alarm::default());
        let waker = Waker::from(Arc::clone(&alarm));
        loop {
            let Ok(step) = self.step.acquire().await else { return Err(io::ErrorKind::Interrupted.into()) };
            alarm.set();
            let begun = Instant::now();
            let poll = Pin::new(&mut handshake).poll(&mut Context::from_waker(&waker));
            let taken = self.taken.get() + begun.elapsed();
            self.taken.set(taken);
            if taken >= TURN_TIME {
                self.taken.set(Duration::ZERO);
                tokio::task::yield_now().await;
            }
            if let Poll::Ready(made) = poll {
                return made;
            }
            drop(step);
            std::future::poll_fn(|cx| alarm.poll(cx)).await;
        }
    }
}

/// Rings when a handshake can go on. Its task waits for other things too, and those are not to poll the handshake.
#[derive(Default)]
struct Alarm {
    has_rung: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl Alarm {
    /// It rings only for what comes after this.
    fn set(&self) {
        self.has_rung.store(false, Ordering::Release);
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        if self.has_rung.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.has_rung.store(true, Ordering::Release);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            task.wake();
        }
    }
}
