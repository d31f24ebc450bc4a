//! The end of a server: clients are told so that they come back, and nothing hangs.

use socketio_server::{DisconnectReason, Namespace, Readiness, Server};
use tokio::sync::mpsc;

use crate::harness::{Client, Polling, Received, Running, fenced, get, start, start_with, within};

fn watched() -> (socketio_server::Builder, mpsc::Receiver<DisconnectReason>) {
    let (left, reasons) = mpsc::channel(64);
    let namespace = fenced(Namespace::new("/")).on_disconnect(move |reason: DisconnectReason| {
        let left = left.clone();
        async move { left.send(reason).await.expect("the test listens") }
    });
    (Server::builder().namespace(namespace), reasons)
}

#[tokio::test]
async fn everyone_is_closed_without_a_packet_that_would_keep_them_away() {
    let (builder, mut reasons) = watched();
    let running = start_with(builder.configure(|config| config.workers = 1));
    let mut client = Client::connect(running.address).await;
    let polling = Polling::open(running.address).await;
    polling.join().await;
    let held = polling.hold().await;
    let Running { server, .. } = running;
    within(server.shutdown()).await;
    // No DISCONNECT: the official client would stay away for good.
    assert_eq!(client.closed().await, None);
    // Nor a goodbye of Engine.IO, which clients in other languages take for good.
    assert_eq!(held.answer().await.brief(), (503, ""));
    for _ in 0..2 {
        assert_eq!(within(reasons.recv()).await.map(DisconnectReason::as_str), Some("server shutting down"));
    }
}

#[tokio::test]
async fn a_server_without_clients_ends_at_once() {
    let (builder, _reasons) = watched();
    let Running { server, address } = start(builder);
    within(server.shutdown()).await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "the port is closed");
}

#[tokio::test]
async fn hundreds_of_clients_are_let_go() {
    let (builder, _reasons) = watched();
    let running = start(builder);
    let mut clients = Vec::new();
    for _ in 0..300 {
        clients.push(Client::connect(running.address).await);
    }
    let io = running.io().clone();
    within(running.server.shutdown()).await;
    assert_eq!(io.connections(), 0);
    for client in &mut clients {
        assert!(matches!(client.ws.end().await, Received::Close(None)));
    }
    // A handle that outlives the server does nothing.
    let _ = io.root().emit("x", &());
    assert!(within(io.root().fetch()).await.is_empty());
}

#[tokio::test]
async fn a_server_that_is_not_ready_lets_everyone_go_and_takes_them_back_later() {
    let (builder, mut reasons) = watched();
    let running = start(builder);
    let mut client = Client::connect(running.address).await;
    running.io().set_readiness(Readiness::NotReady);
    client.fence().await;
    running.io().close_transports();
    assert_eq!(client.closed().await, None);
    assert_eq!(within(reasons.recv()).await.map(DisconnectReason::as_str), Some("server shutting down"));
    assert_eq!(running.io().readiness(), Readiness::NotReady);
    assert_eq!(get("/socket.io/?EIO=4&transport=polling").send(running.address).await.status, 503);
    running.io().set_readiness(Readiness::Ready);
    Client::connect(running.address).await.fence().await;
}
