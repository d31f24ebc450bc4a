//! For the Autobahn test suite: a WebSocket that sends back what it gets, with no Engine.IO on it.

use std::convert::Infallible;

use tokio::net::TcpListener;

use crate::error::Error;
use crate::loopback::Loopback;

/// The largest message of the suite's sections 1 to 10 has 16 MiB.
const MESSAGE_BYTES_MAX: usize = 16 << 20;

pub(crate) async fn serve(mut loopback: Loopback) -> Result<Infallible, Error> {
    let mut endpoints = tokio::task::JoinSet::new();
    for listener in loopback.listeners.drain(..) {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        endpoints.spawn(socketio_server::websocket_echo::serve(listener, MESSAGE_BYTES_MAX));
    }
    loopback.announce();
    match endpoints.join_next().await {
        Some(ended) => Err(ended?.err().map_or_else(|| "an endpoint has ended".into(), Error::from)),
        None => Err("there is no endpoint".into()),
    }
}
