//! For the test suite of the Engine.IO protocol: every message comes back as it was.

use std::time::Duration;

use http::HeaderMap;
use socketio_server::{
    BuildError, CloseReason, EngineHandler, EngineMessage, EngineSession, Handshake, OriginPolicy, Server,
    engineio,
};

struct Echo;

impl EngineHandler for Echo {
    fn on_open(&self, _: &EngineSession, _: &Handshake) {}

    fn on_message(&self, session: &EngineSession, message: EngineMessage, _: Option<&HeaderMap>) {
        session.send(message);
    }

    fn on_close(&self, _: &EngineSession, _: CloseReason) {}
}

pub(crate) fn server() -> Result<Server, BuildError> {
    let change = |config: &mut socketio_server::Config| {
        config.path = "/engine.io/".into();
        config.engine = engine();
        config.origins = OriginPolicy::Any;
    };
    Server::builder().configure(change).engine(Echo).build()
}

/// Short times, so that the suite sees heartbeats come and fail.
pub(crate) fn engine() -> engineio::Config {
    engineio::Config {
        ping_interval: Duration::from_millis(300),
        ping_timeout: Duration::from_millis(200),
        max_payload: 1_000_000,
        ..engineio::Config::default()
    }
}
