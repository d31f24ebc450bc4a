//! [`Output`]: what waits for clients that read slowly, of all connections together.
//!
//! Each connection has a bound of its own, but there may be any number of them. When too much waits, the connections that
//! hold most are closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

/// Memory is freed until so much of the bound is used.
const RELIEVED: (usize, usize) = (15, 16);

/// The sum, and its bound.
#[derive(Debug)]
pub(crate) struct Output {
    held: AtomicUsize,
    bytes_max: usize,
    /// The workers have been told that it is too much, and none has begun to close connections.
    is_told: AtomicBool,
}

impl Output {
    /// With a bound; 0 is none.
    pub(crate) fn new(bytes_max: usize) -> Self {
        let bytes_max = if bytes_max == 0 { usize::MAX } else { bytes_max };
        Self { held: AtomicUsize::new(0), bytes_max, is_told: AtomicBool::new(false) }
    }

    /// Bytes that wait.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.held() > self.bytes_max
    }

    pub(crate) fn is_relieved(&self) -> bool {
        self.held() <= self.bytes_max / RELIEVED.1 * RELIEVED.0
    }

    /// Whether the workers must be told now that it is too much.
    pub(crate) fn has_to_tell(&self) -> bool {
        self.is_over() && !self.is_told.swap(true, Ordering::Relaxed)
    }

    /// Somebody looks at it again.
    pub(crate) fn begin(&self) {
        self.is_told.store(false, Ordering::Relaxed);
    }

    /// Somebody who held so many bytes holds so many now.
    pub(crate) fn change(&self, from: usize, to: usize) {
        if to > from {
            self.held.fetch_add(to - from, Ordering::Relaxed);
        } else if to < from {
            self.held.fetch_sub(from - to, Ordering::Relaxed);
        }
    }
}

/// The answers to polls that HTTP connections hold until their peers have taken them. When it is too much, the
/// connections end whose peers take nothing.
#[derive(Debug)]
pub(crate) struct Answers {
    held: Output,
    /// Told to those whose peers take nothing.
    too_much: Arc<Notify>,
}

impl Answers {
    pub(crate) fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { held: Output::new(bytes_max), too_much: Arc::default() })
    }

    /// An answer that counts until it is dropped.
    pub(crate) fn hold(self: &Arc<Self>, payload: String) -> Bytes {
        self.held.change(0, payload.len());
        if self.held.is_over() {
            self.too_much.notify_waiters();
        }
        Bytes::from_owner(Answer { payload, answers: Arc::clone(self) })
    }

    /// Resolves when too much is held.
    pub(crate) fn too_much(&self) -> OwnedNotified {
        Arc::clone(&self.too_much).notified_owned()
    }
}

struct Answer {
    payload: String,
    answers: Arc<Answers>,
}

impl AsRef<[u8]> for Answer {
    fn as_ref(&self) -> &[u8] {
        self.payload.as_bytes()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.answers.held.change(self.payload.len(), 0);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::Poll;

    use super::*;

    #[tokio::test]
    async fn too_many_answers_are_told_to_those_who_hold_them_and_count_until_they_are_gone() {
        let answers = Answers::new(100);
        let mut told = Box::pin(answers.too_much());
        let first = answers.hold("a".repeat(60));
        assert!(is_pending(told.as_mut()).await);
        let second = answers.hold("b".repeat(60));
        told.await;
        assert_eq!((&first[..2], answers.held.held()), (&b"aa"[..], 120));
        drop((first.clone(), first));
        assert_eq!(answers.held.held(), 60);
        drop(second);
        assert_eq!(answers.held.held(), 0);
    }

    async fn is_pending(future: impl Future<Output = ()> + Unpin) -> bool {
        let mut future = future;
        std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut future).poll(cx).is_pending())).await
    }
}
