//! Everything at once, for the end-to-end tests with clients in other languages.
//!
//! Namespace `/` has recovery; in `/people`, `auth.user` says who is there, and a private id is worth something to this
//! user alone; `/brief` keeps nothing of those who leave. Namespace `/private` wants `auth.token == "secret"`. Takes the address to listen on
//! as its argument and prints `ready on http://ADDR`.
#![expect(clippy::print_stdout, reason = "an example talks to its terminal")]

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use socketio_server::{
    Ack, Arg, Args, Binary, ConnectRequest, Feed, FeedConfig, Namespace, OriginPolicy, Rejection, Server,
    Socket, Spread, UserTag,
};

/// Anything that a client may send, bytes at any depth included.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Any {
    Bytes(Binary),
    List(Vec<Any>),
    Object(BTreeMap<String, Any>),
    Plain(serde_json::Value),
}

#[derive(Deserialize)]
struct Auth {
    token: String,
}

#[derive(Serialize)]
struct Refusal {
    code: &'static str,
}

async fn echo(Args(args): Args<Spread<Vec<Any>>>, ack: Ack) {
    let _ = ack.send(&args);
}

async fn echo_event(socket: Socket, Args(args): Args<Spread<Vec<Any>>>) {
    let _ = socket.emit("echo-event", &args);
}

async fn broadcast(socket: Socket, Args(args): Args<Spread<Vec<Any>>>, ack: Ack) {
    let _ = socket.broadcast().emit("broadcast", &args);
    let _ = ack.send(&());
}

async fn join(socket: Socket, Arg(room): Arg<String>, ack: Ack) {
    let _ = socket.join([room]);
    let _ = ack.send(&());
}

async fn leave(socket: Socket, Arg(room): Arg<String>, ack: Ack) {
    let _ = socket.leave(room);
    let _ = ack.send(&());
}

async fn to_room(socket: Socket, Args(Spread(mut args)): Args<Spread<Vec<Any>>>, ack: Ack) {
    if args.is_empty() {
        return;
    }
    if let Any::Plain(serde_json::Value::String(room)) = args.remove(0) {
        let _ = socket.to(room).emit("to-room", &Spread(args));
    }
    let _ = ack.send(&());
}

/// In a task of its own: the client's answer is an ack, but its next event need not wait for it.
async fn ask_me(socket: Socket) {
    drop(tokio::spawn(async move {
        let answer = socket.emit_with_ack("question", &"how are you?", Duration::from_secs(5)).await;
        if let Some(answer) = answer.ok().and_then(|answer| answer.args::<Spread<Vec<Any>>>().ok()) {
            let _ = socket.emit("answered", &answer);
        }
    }));
}

async fn authenticate(request: ConnectRequest) -> Result<(), Rejection> {
    match request.auth().parse::<Auth>() {
        Ok(auth) if auth.token == "secret" => Ok(()),
        Ok(_) => Err(refusal("wrong_token")),
        Err(_) => Err(refusal("no_token")),
    }
}

#[derive(Deserialize)]
struct Login {
    user: u64,
}

/// A real application would look at a token.
async fn log_in(request: ConnectRequest) -> Result<(), Rejection> {
    let Login { user } = request.auth().parse().map_err(|_| refusal("no_user"))?;
    if let Some(user) = UserTag::new(user) {
        request.name_user(user);
    }
    Ok(())
}

fn refusal(code: &'static str) -> Rejection {
    let refusal = Rejection::new("not authorized").with_data(&Refusal { code });
    refusal.unwrap_or_else(|error| Rejection::new(error.to_string()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Namespace::new("/")
        .recovery(Feed::new(FeedConfig::in_memory()))
        .on("echo", echo)
        .on("echo-event", echo_event)
        .on("broadcast", broadcast)
        .on("join", join)
        .on("leave", leave)
        .on("to-room", to_room)
        .on("ask-me", ask_me);
    let people = Namespace::new("/people")
        .recovery(Feed::new(FeedConfig::in_memory()))
        .middleware(log_in)
        .on("broadcast", broadcast);
    let brief = FeedConfig { parked_for: Duration::ZERO, ..FeedConfig::in_memory() };
    let brief = Namespace::new("/brief").recovery(Feed::new(brief)).on("broadcast", broadcast);
    let private = Namespace::new("/private").middleware(authenticate).on("echo", echo);
    let origins: Vec<String> = std::env::args().skip(2).collect();
    let origins = OriginPolicy::list(origins.iter().map(String::as_str))?;
    let server = Server::builder()
        .configure(|config| config.origins = origins)
        .namespace(root)
        .namespace(private)
        .namespace(people)
        .namespace(brief)
        .build()?;
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".into());
    let address = server.listen(socketio_server::bind(listen.parse()?)?)?;
    println!("ready on http://{address}");
    tokio::signal::ctrl_c().await?;
    server.shutdown().await;
    Ok(())
}
