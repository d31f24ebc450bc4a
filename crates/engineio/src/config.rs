//! The timings and sizes of the protocol that a server may choose.
//!
//! They are the same for all sessions of a server, so a [`Session`](crate::Session) borrows them on each call and
//! stores none. The defaults are those of the Node implementation, for which clients and proxies are tuned.

use std::time::Duration;

/// The timings and sizes of the protocol that a server may choose.
///
/// ```
/// use std::time::Duration;
///
/// let config = engineio::Config { ping_interval: Duration::from_secs(10), ..Default::default() };
/// assert_eq!(config.max_payload, 1_000_000);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Time from a pong to the next ping. Default 25 s.
    pub ping_interval: Duration,
    /// How long the client may take to answer a ping before the session is closed. Default 20 s.
    pub ping_timeout: Duration,
    /// How long an upgrade may take, from the opening of the WebSocket to its last packet. After that, only the
    /// WebSocket is closed. Default 10 s.
    pub upgrade_timeout: Duration,
    /// How long a poll may still wait after the probe was answered, before packet `6` releases it. It still carries
    /// messages meanwhile, so the delay costs them nothing. Default 100 ms.
    pub poll_release_delay: Duration,
    /// The largest POST body and WebSocket message, in bytes. Clients are told, and the driver enforces it. Default
    /// 1,000,000.
    pub max_payload: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            upgrade_timeout: Duration::from_secs(10),
            poll_release_delay: Duration::from_millis(100),
            max_payload: 1_000_000,
        }
    }
}
