//! What holds for everything that a peer may send, and for every order of events.
//!
//! A failing run prints its smallest input and stores its seed in `proptest-regressions`; the next run tries that
//! first.

mod codec;
mod routing;
mod session;
