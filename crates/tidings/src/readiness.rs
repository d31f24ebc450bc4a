//! Closes the server to clients while the log cannot commit, and opens it again.
//!
//! Knows only the appender's health and the server's readiness.

use std::time::Duration;

use chat::Health;
use socketio_server::{Io, Readiness};

/// How long the log may fail to commit before clients are sent away. They throw a message away after four sends of
/// ten seconds each, but keep it as long as they cannot connect.
const UNREADY_AFTER: Duration = Duration::from_secs(5);

/// How often that is looked at.
const HEALTH_INTERVAL: Duration = Duration::from_millis(500);

/// Sends clients away while the log cannot commit, and lets them in again. Never ends.
pub async fn watch(health: &Health, io: &Io) {
    let mut interval = tokio::time::interval(HEALTH_INTERVAL);
    loop {
        interval.tick().await;
        let is_stuck = health.waiting(tokio::time::Instant::now().into_std()) > UNREADY_AFTER;
        match (is_stuck, io.readiness()) {
            (true, Readiness::Ready) => {
                tracing::error!("the log cannot commit: the server rejects connections until it can");
                io.set_readiness(Readiness::NotReady);
                io.close_transports();
            }
            (false, Readiness::NotReady) => {
                tracing::warn!("the log commits again");
                io.set_readiness(Readiness::Ready);
            }
            // A handshake that had begun before may have come through after the others were sent away.
            (true, Readiness::NotReady) => io.close_transports(),
            (false, Readiness::Ready) => {}
        }
    }
}
