//! [`HeadTimer`]: how long an idle connection may be silent, and how long a request's head may take once it has begun.
//!
//! hyper has one timeout for both, from the end of the answer before. Load balancers keep idle connections for a
//! minute, and the server must not close them first; a slow head must end much sooner. So the stream sets a
//! [`HeadMark`] when a byte arrives, and the timer of the head starts then.
//!
//! A head that arrives together with the request before it is not noticed as begun: it has the idle time.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

use crate::planted::edge::{self, EdgeBug};

/// Whether a byte has arrived since the connection began to wait for a head.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeadMark(Arc<AtomicBool>);

impl HeadMark {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The timers of one connection. hyper's own timeout is that of an idle connection.
#[derive(Debug)]
pub(crate) struct HeadTimer {
    pub(crate) mark: HeadMark,
    /// The time for a head, from its first byte.
    pub(crate) head_timeout: Duration,
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    /// hyper calls this when it begins to wait for a head, and at no other time.
    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.mark.clear();
        Box::pin(HeadSleep {
            mark: self.mark.clone(),
            head_timeout: self.head_timeout,
            has_begun: false,
            sleep: Box::pin(tokio::time::sleep_until(deadline.into())),
        })
    }
}

struct HeadSleep {
    mark: HeadMark,
    head_timeout: Duration,
    has_begun: bool,
    sleep: Pin<Box<tokio::time::Sleep>>,
}

impl Sleep for HeadSleep {}

impl Future for HeadSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // hyper polls this after each read.
        let has_begun = self.mark.is_set() && !edge::is(EdgeBug::GivesHeadsTheIdleTime);
        if !self.has_begun && has_begun {
            self.has_begun = true;
            if edge::is(EdgeBug::StartsHeadsAnew) {
                self.has_begun = false;
                self.mark.clear();
            }
            let deadline = tokio::time::Instant::now() + self.head_timeout;
            self.sleep.as_mut().reset(deadline);
        }
        self.sleep.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const IDLE: Duration = Duration::from_secs(75);
    const HEAD: Duration = Duration::from_secs(10);

    fn timer() -> HeadTimer {
        HeadTimer { mark: HeadMark::default(), head_timeout: HEAD }
    }

    /// How long a sleep takes from now on, in virtual time.
    async fn left(sleep: &mut Pin<Box<dyn Sleep>>) -> Duration {
        let begin = tokio::time::Instant::now();
        sleep.as_mut().await;
        begin.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_has_the_idle_time() {
        assert_eq!(left(&mut timer().sleep(IDLE)).await.as_secs(), IDLE.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_has_its_own_time_from_its_first_byte() {
        let timer = timer();
        let mut sleep = timer.sleep(IDLE);
        let silence = Duration::from_secs(70);
        assert!(timeout(silence, sleep.as_mut()).await.is_err());
        timer.mark.set();
        assert_eq!(left(&mut sleep).await.as_secs(), HEAD.as_secs(), "longer than the idle time had left");
    }

    #[tokio::test(start_paused = true)]
    async fn each_byte_of_a_head_is_not_a_new_beginning() {
        let timer = timer();
        let mut sleep = timer.sleep(IDLE);
        timer.mark.set();
        let trickle = Duration::from_secs(9);
        assert!(timeout(trickle, sleep.as_mut()).await.is_err());
        timer.mark.set();
        assert_eq!(left(&mut sleep).await.as_secs(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_of_the_request_before_begin_nothing() {
        let timer = timer();
        timer.mark.set();
        assert_eq!(left(&mut timer.sleep(IDLE)).await.as_secs(), IDLE.as_secs());
    }
}
