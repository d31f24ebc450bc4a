//! Seams: points within the turns of a worker at which other threads may act.
//!
//! The appender, the readers and the other workers have threads of their own, so whatever they do can happen between any
//! two actions of a worker. A simulation has one thread, which would never show that: it lets the others act here (see
//! [`Seams`]). In a program these functions do nothing and cost nothing.

#[cfg(feature = "simulation")]
pub use self::sewn::{Seams, sew};
#[cfg(feature = "simulation")]
pub(crate) use self::sewn::{others_act, rest, share_of};

/// Between two actions of a worker.
#[cfg(not(feature = "simulation"))]
pub(crate) const fn others_act() {}

/// How many of the commands that wait have arrived when a worker looks.
#[cfg(not(feature = "simulation"))]
pub(crate) const fn share_of(waiting: usize) -> usize {
    waiting
}

/// Before a turn, a worker may be late.
#[cfg(not(feature = "simulation"))]
pub(crate) fn rest() -> std::future::Ready<()> {
    std::future::ready(())
}

#[cfg(feature = "simulation")]
mod sewn {
    use std::cell::Cell;
    use std::time::Duration;

    /// What happens at the seams of the workers of this thread.
    #[derive(Clone, Copy, Debug)]
    pub struct Seams {
        /// Runs the threads that may act between two actions of a worker. It must not touch the worker.
        pub others_act: fn(),
        /// How many of so many waiting commands a worker takes in one turn: at least one.
        pub share_of: fn(usize) -> usize,
        /// How late a worker is.
        pub rest: fn() -> Option<Duration>,
    }

    thread_local! {
        static SEAMS: Cell<Option<Seams>> = const { Cell::new(None) };
    }

    /// From now on, this happens at the seams of this thread's workers.
    pub fn sew(seams: Option<Seams>) {
        SEAMS.set(seams);
    }

    pub(crate) fn others_act() {
        if let Some(seams) = SEAMS.get() {
            (seams.others_act)();
        }
    }

    pub(crate) fn share_of(waiting: usize) -> usize {
        SEAMS.get().map_or(waiting, |seams| (seams.share_of)(waiting))
    }

    pub(crate) async fn rest() {
        if let Some(pause) = SEAMS.get().and_then(|seams| (seams.rest)()) {
            tokio::time::sleep(pause).await;
        }
    }
}
