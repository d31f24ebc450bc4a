//! Rooms: whoever joins a room gets what is said in it, and the others do not.
//!
//! Connect to `http://127.0.0.1:3000`, emit `join` with a room, then `say` with a room and a text. `clear` takes
//! everybody out of a room.
#![expect(clippy::print_stdout, reason = "an example talks to its terminal")]

use socketio_server::{Ack, Arg, Args, Namespace, Server, Socket};

async fn join(socket: Socket, Arg(room): Arg<String>, ack: Ack) {
    if socket.join([room.as_str()]).is_ok() {
        let _ = socket.to(room.as_str()).emit("joined", &(room.as_str(), socket.id().to_string()));
        let _ = ack.send(&());
    }
}

async fn leave(socket: Socket, Arg(room): Arg<String>) {
    let _ = socket.leave(room);
}

/// `socket.to(room)` would leave the sender out; this is for everybody in the room.
async fn say(socket: Socket, Args((room, text)): Args<(String, String)>) {
    let _ = socket.io().root().to(room.as_str()).emit("said", &(room.as_str(), text));
}

/// Who is in a room, on whichever worker.
async fn who(socket: Socket, Arg(room): Arg<String>, ack: Ack) {
    let sockets = socket.io().root().to(room).fetch().await;
    let ids: Vec<String> = sockets.iter().map(|socket| socket.id.to_string()).collect();
    let _ = ack.send(&(ids,));
}

/// Takes everybody out of a room, each with a word of goodbye.
async fn clear(socket: Socket, Arg(room): Arg<String>, ack: Ack) {
    let sockets = socket.io().root().to(room.as_str()).fetch().await;
    for member in &sockets {
        let _ = member.emit("cleared", &(room.as_str(), member.rooms.len()));
        let _ = member.leave(room.as_str());
    }
    let _ = ack.send(&sockets.len());
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rooms = Namespace::new("/")
        .on("join", join)
        .on("leave", leave)
        .on("say", say)
        .on("who", who)
        .on("clear", clear);
    let server = Server::builder().namespace(rooms).build()?;
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let address = server.listen(socketio_server::bind(listen.parse()?)?)?;
    println!("http://{address}");
    tokio::signal::ctrl_c().await?;
    server.shutdown().await;
    Ok(())
}
