//! Listeners, the endpoint as an HTTP service, and the step from HTTP to a WebSocket.
//!
//! The door checks a request (method, version, host, origin, headers) and hands what it accepts to a worker, as a command. It
//! keeps nothing of a connection that belongs to a worker.

pub(crate) mod accept;
mod handshakes;
mod host;
pub(crate) mod opening;
mod post_body;
mod requests;
pub(crate) mod service;
pub(crate) mod takeover;
