//! Many small rooms: what is said in a room goes to all who are in it, numbered, and nothing is stored.
//!
//! The contract that `tidings-bench rooms` measures. It listens where its first argument says, or on a free port.
#![expect(clippy::print_stdout, reason = "an example talks to its terminal")]

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use socketio_server::{Ack, Arg, Flow, Namespace, Server, Socket, Turn};

#[derive(Default)]
struct Relay {
    /// How many messages each room has had.
    said: Mutex<HashMap<String, u64>>,
}

impl Relay {
    fn say(&self, turn: &mut Turn<'_>) -> Flow {
        let Ok((room, text)) = turn.payload().args::<(String, String)>() else { return Flow::Continue };
        let target = turn.io().to(room.as_str());
        // Kept until the event is on its way, so that the order of numbers is the order of events on all workers.
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let number = said.entry(room).or_default();
        *number += 1;
        if target.emit("room message", &(text, *number)).is_ok() {
            turn.reply("");
        }
        Flow::Continue
    }
}

async fn join(socket: Socket, Arg(room): Arg<String>, ack: Ack) {
    if socket.join([room]).is_ok() {
        let _ = ack.send(&());
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let relay = Relay::default();
    let rooms =
        Namespace::new("/").on("join room", join).on_sync("room message", move |turn| relay.say(turn));
    let server = Server::builder().namespace(rooms).build()?;
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".into());
    let address = server.listen(socketio_server::bind(listen.parse()?)?)?;
    println!("ready on http://{address}");
    tokio::signal::ctrl_c().await?;
    server.shutdown().await;
    Ok(())
}
