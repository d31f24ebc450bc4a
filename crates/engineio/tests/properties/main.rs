//! What holds for everything a peer may send and for every order of events.
//!
//! A failing run prints its smallest input, and keeps its seed in `proptest-regressions`, from where it is
//! tried first the next time.

mod codec;
mod routing;
mod session;
