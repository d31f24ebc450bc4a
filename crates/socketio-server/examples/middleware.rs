//! Middleware: who may join a namespace, and what the others are told.
//!
//! Connect to `http://127.0.0.1:3000` with `auth: {token: "ada:secret"}`; anything else is refused, and the client
//! finds `{code: "unauthorized"}` in `error.data`.
#![expect(clippy::print_stdout, reason = "an example talks to its terminal")]

use socketio_server::{Ack, ConnectRequest, Namespace, Rejection, Server, Socket};

/// Kept with the socket, so that handlers need not look at the token again.
struct User(String);

#[derive(serde::Deserialize)]
struct Auth {
    token: String,
}

#[derive(serde::Serialize)]
struct Refusal {
    code: &'static str,
}

async fn authenticate(request: ConnectRequest) -> Result<(), Rejection> {
    let auth = request.auth().parse::<Auth>().ok();
    if let Some((name, "secret")) = auth.as_ref().and_then(|auth| auth.token.split_once(':')) {
        request.data().insert(User(name.to_owned()));
        return Ok(());
    }
    let refusal = Rejection::new("who are you?").with_data(&Refusal { code: "unauthorized" });
    Err(refusal.unwrap_or_else(|error| Rejection::new(error.to_string())))
}

async fn who_am_i(socket: Socket, ack: Ack) {
    let user = socket.data().find::<User>();
    let _ = ack.send(&user.as_deref().map(|User(name)| name));
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let members = Namespace::new("/").middleware(authenticate).on("who am i", who_am_i);
    let server = Server::builder().namespace(members).build()?;
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let address = server.listen(socketio_server::bind(listen.parse()?)?)?;
    println!("http://{address}");
    tokio::signal::ctrl_c().await?;
    server.shutdown().await;
    Ok(())
}
