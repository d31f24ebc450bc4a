//! A relay between rooms: what is said in a room goes to all who are in it, numbered, and nothing is stored.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, Data, SocketRef, State};
use socketioxide::handler::ConnectHandler as _;
use tokio::sync::Mutex;

/// How many messages each room has had.
type Said = Arc<Mutex<HashMap<String, u64>>>;

pub(crate) async fn serve() -> Result<(), Box<dyn Error>> {
    let (layer, io) =
        SocketIo::builder().max_buffer_size(crate::SOCKET_QUEUE).with_state(Said::default()).build_layer();
    // In a middleware, which runs before the client is told that it has joined: a connect handler runs as a task of its own, and
    // an event that comes at once would find no handler.
    let register = async |socket: SocketRef| -> Result<(), std::convert::Infallible> {
        socket.on("join room", async |socket: SocketRef, Data(room): Data<String>, ack: AckSender| {
            socket.join(room);
            let _ = ack.send(&());
        });
        socket.on("room message", say);
        Ok(())
    };
    io.ns("/", (async || {}).with(register));
    crate::serve(axum::Router::new().layer(layer)).await
}

async fn say(
    io: SocketIo,
    Data((room, text)): Data<(String, String)>,
    ack: AckSender,
    State(said): State<Said>,
) {
    // Kept until the event is on its way, so that the order of numbers is the order of events.
    let mut said = said.lock().await;
    let number = said.entry(room.clone()).or_default();
    *number += 1;
    let _ = io.to(room).emit("room message", &(text, *number)).await;
    drop(said);
    let _ = ack.send(&());
}
