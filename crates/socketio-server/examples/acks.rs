//! Acknowledgements both ways: the server answers `add`, and a poll asks everybody and counts the answers.
//!
//! Emit `add` with two numbers, or `poll` with a question; clients answer the event `question` by its callback.
#![expect(clippy::print_stdout, reason = "an example talks to its terminal")]

use std::time::Duration;

use socketio_server::{Ack, AckError, Arg, Args, Namespace, Server, Socket};

const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

async fn add(Args((a, b)): Args<(i64, i64)>, ack: Ack) {
    let _ = ack.send(&(a + b));
}

/// Asks all clients at once. Who does not answer in time is counted, not waited for.
async fn poll(socket: Socket, Arg(question): Arg<String>, ack: Ack) {
    let Ok(replies) = socket.io().root().emit_with_ack("question", &question, ANSWER_TIMEOUT).await else {
        return;
    };
    let yes = replies.answers.iter().filter(|reply| reply.payload.first::<bool>().unwrap_or(false)).count();
    let missing: Vec<String> = replies.missing.iter().map(ToString::to_string).collect();
    let _ = ack.send(&(yes, missing));
}

/// Asks one client.
async fn connected(socket: Socket) {
    match socket.emit_with_ack("name?", &(), ANSWER_TIMEOUT).await {
        Ok(answer) => println!("{} is {:?}", socket.id(), answer.first::<String>().ok()),
        Err(AckError::Timeout) => println!("{} does not tell", socket.id()),
        Err(error) => println!("{}: {error}", socket.id()),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Handlers of one socket run one after the other, so a question that is long to answer has a task of its own.
    let acks = Namespace::new("/")
        .on_connect(|socket: Socket| async move { drop(tokio::spawn(connected(socket))) })
        .on("add", add)
        .on("poll", |socket: Socket, question: Arg<String>, ack: Ack| async move {
            drop(tokio::spawn(poll(socket, question, ack)));
        });
    let server = Server::builder().namespace(acks).build()?;
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let address = server.listen(socketio_server::bind(listen.parse()?)?)?;
    println!("http://{address}");
    tokio::signal::ctrl_c().await?;
    server.shutdown().await;
    Ok(())
}
