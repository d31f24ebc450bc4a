//! The spans around the application's own code, so that its log lines tell which connection they are about.
//!
//! Handlers and middleware run in a span at level info, with the fields `connection` and `namespace`. The library's own
//! lines about a connection have these fields themselves, at every level. A span costs nothing if its level is switched
//! off, and none is ever made for what is delivered.

use tracing::Span;

use crate::sid::ConnectionId;

/// Around a handler.
pub(crate) fn handler(connection: ConnectionId, namespace: &str) -> Span {
    tracing::info_span!("handler", %connection, namespace)
}

/// Around the middleware of a client that joins a namespace.
pub(crate) fn middleware(connection: ConnectionId, namespace: &str) -> Span {
    tracing::info_span!("middleware", %connection, namespace)
}
