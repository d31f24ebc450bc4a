//! Reading the log for clients: one [`pool`] of threads that may wait for it, the [`fair`] queue of what people ask, and
//! the [`history`] of the feeds.

pub mod fair;
pub mod history;
pub mod pool;
