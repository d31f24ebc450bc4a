//! Reading the log for clients: one [`pool`] of threads that may wait for it, and the [`history`] of the feeds.

pub mod history;
pub mod pool;
