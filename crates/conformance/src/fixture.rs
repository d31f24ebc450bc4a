//! [`Fixture`]: which servers there are, by the names that the command line gives them.
//!
//! Knows nothing of what they do: each has a module of its own.

use std::convert::Infallible;

use crate::error::Error;
use crate::loopback::Loopback;
use crate::{engine_client, engine_protocol, socket_client, socket_protocol, websocket_echo};

/// A server for one suite.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fixture {
    EngineProtocol,
    SocketProtocol,
    SocketClient,
    EngineClient,
    WebSocketEcho,
}

impl Fixture {
    pub(crate) const ALL: [Self; 5] = [
        Self::EngineProtocol,
        Self::SocketProtocol,
        Self::SocketClient,
        Self::EngineClient,
        Self::WebSocketEcho,
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fixture| fixture.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::EngineProtocol => "engine-protocol",
            Self::SocketProtocol => "socket-protocol",
            Self::SocketClient => "socket-client",
            Self::EngineClient => "engine-client",
            Self::WebSocketEcho => "websocket-echo",
        }
    }

    /// Serves on this port of the loopback addresses, for ever.
    pub(crate) async fn serve(self, port: u16) -> Result<Infallible, Error> {
        let loopback = Loopback::bind(port)?;
        match self {
            Self::EngineProtocol => loopback.serve(engine_protocol::server()?).await,
            Self::SocketProtocol => loopback.serve(socket_protocol::server()?).await,
            Self::SocketClient => loopback.serve(socket_client::server()?).await,
            Self::EngineClient => loopback.serve(engine_client::server()?).await,
            Self::WebSocketEcho => websocket_echo::serve(loopback).await,
        }
    }
}
