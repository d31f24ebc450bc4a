//! Defines the namespace `/v1` for the server: which method of the [`Edge`] handles each event.

use std::sync::Arc;

use socketio_server::{Namespace, Socket};

use super::edge::Edge;
use super::frames::NAMESPACE;
use super::typing::Typing;
use crate::names::{CommandName, READ, RequestName};

/// The namespace over `edge`.
pub fn namespace(edge: &Arc<Edge>) -> Namespace {
    let namespace = connections(Namespace::new(NAMESPACE), edge);
    let namespace = CommandName::ALL.into_iter().fold(namespace, |namespace, name| {
        let edge = Arc::clone(edge);
        namespace.on_sync(name.as_str(), move |turn| edge.command(name, turn))
    });
    let namespace = RequestName::ALL.into_iter().fold(namespace, |namespace, name| {
        let edge = Arc::clone(edge);
        namespace.on_sync(name.as_str(), move |turn| edge.request(name, turn))
    });
    let namespace = Typing::ALL.into_iter().fold(namespace, |namespace, what| {
        let edge = Arc::clone(edge);
        namespace.on_sync(what.event(), move |turn| edge.typing(what, turn))
    });
    let read = Arc::clone(edge);
    namespace.on_sync(READ, move |turn| read.read(turn))
}

fn connections(namespace: Namespace, edge: &Arc<Edge>) -> Namespace {
    let (admit, join, groups) = (Arc::clone(edge), Arc::clone(edge), Arc::clone(edge));
    let (connected, disconnected, pace) = (Arc::clone(edge), Arc::clone(edge), Arc::clone(edge));
    namespace
        .middleware(move |request| {
            let admit = Arc::clone(&admit);
            async move {
                admit.admit(&request).await?;
                if let Some(wait) = admit.wait_for_welcome(&request) {
                    tokio::time::sleep(wait).await;
                }
                Ok(())
            }
        })
        .feed(edge.feed().clone(), move |joining| join.join(joining))
        .rooms(move |data| groups.groups(data))
        .pace_replay(move |replay| pace.pace_replay(replay))
        .on_connect(move |socket: Socket| {
            connected.connected(socket.data());
            async {}
        })
        .on_disconnect(move |socket: Socket| {
            disconnected.disconnected(socket.data());
            async {}
        })
}
