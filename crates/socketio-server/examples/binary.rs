//! Bytes at any place of an event: a picture goes to everybody else, and its sender gets its size.
//!
//! A JavaScript client emits `picture` with `{name, data}` where `data` is a `Blob`, an `ArrayBuffer` or a `Buffer`.
#![expect(clippy::print_stdout, reason = "an example talks to its terminal")]

use serde::{Deserialize, Serialize};
use socketio_server::{Ack, Arg, Binary, Namespace, Server, Socket};

#[derive(Serialize, Deserialize)]
struct Picture {
    name: String,
    data: Binary,
}

async fn picture(socket: Socket, Arg(picture): Arg<Picture>, ack: Ack) {
    let _ = socket.broadcast().emit("picture", &picture);
    let _ = ack.send(&picture.data.as_ref().len());
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::builder().namespace(Namespace::new("/").on("picture", picture)).build()?;
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let address = server.listen(socketio_server::bind(listen.parse()?)?)?;
    println!("http://{address}");
    tokio::signal::ctrl_c().await?;
    server.shutdown().await;
    Ok(())
}
