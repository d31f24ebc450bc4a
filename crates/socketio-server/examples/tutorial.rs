//! The chat of the Socket.IO tutorial, in memory: every message goes to everyone, and who comes back within two
//! minutes gets what was missed.
//!
//! Run it, then connect with any Socket.IO client: `io("http://127.0.0.1:3000")`.
#![expect(clippy::print_stdout, reason = "an example talks to its terminal")]

use std::sync::Mutex;

use socketio_server::{Ack, Args, AuthAs, Feed, FeedConfig, Namespace, Server, Socket, State};

/// Messages in the order they were accepted; a message's number is its place, counted from 1.
#[derive(Default)]
struct Messages(Mutex<Vec<String>>);

#[derive(serde::Deserialize)]
struct Auth {
    #[serde(rename = "serverOffset", default)]
    server_offset: usize,
}

async fn connected(socket: Socket, State(messages): State<Messages>, AuthAs(auth): AuthAs<Auth>) {
    if socket.is_recovered() {
        return;
    }
    let messages = messages.0.lock().expect("no handler panics").clone();
    for (index, text) in messages.iter().enumerate().skip(auth.server_offset) {
        let _ = socket.emit("chat message", &(text, index + 1));
    }
}

async fn chat_message(
    socket: Socket,
    State(messages): State<Messages>,
    Args((text, _client_offset)): Args<(String, Option<String>)>,
    ack: Ack,
) {
    let emitted = {
        // The lock is held until the event has its place, so that numbers and events have one order.
        let mut messages = messages.0.lock().expect("no handler panics");
        messages.push(text.clone());
        socket.io().root().emit("chat message", &(text, messages.len()))
    };
    if emitted.is_ok() {
        let _ = ack.send(&());
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let chat = Namespace::new("/")
        .recovery(Feed::new(FeedConfig::in_memory()))
        .on_connect(connected)
        .on("chat message", chat_message);
    let server = Server::builder().state(Messages::default()).namespace(chat).build()?;
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let address = server.listen(socketio_server::bind(listen.parse()?)?)?;
    println!("http://{address}");
    tokio::signal::ctrl_c().await?;
    server.shutdown().await;
    Ok(())
}
