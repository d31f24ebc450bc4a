//! Why sockets leave, who is told, and that a leaving socket takes nobody with it.

use socketio_server::{Closing, DisconnectReason, Namespace, Server, Socket};
use tokio::sync::mpsc;

use crate::harness::{Client, Running, fenced, start, within};

type Left = (String, DisconnectReason);

fn start_watched() -> (Running, mpsc::Receiver<Left>) {
    let (left, reasons) = mpsc::channel(64);
    let watched = |name: &str| {
        let left = left.clone();
        fenced(Namespace::new(name))
            .on("leave me", |socket: Socket| async move {
                let _ = socket.emit("bye", &());
                let _ = socket.disconnect(Closing::Namespace);
            })
            .on("hang up", |socket: Socket| async move {
                let _ = socket.emit("bye", &());
                let _ = socket.disconnect(Closing::Connection);
            })
            .on_disconnect(move |socket: Socket, reason: DisconnectReason| {
                let left = left.clone();
                async move {
                    assert!(!socket.is_connected());
                    left.send((socket.namespace().to_owned(), reason)).await.expect("the test listens");
                }
            })
    };
    (start(Server::builder().namespace(watched("/")).namespace(watched("/chat"))), reasons)
}

async fn both(running: &Running) -> Client {
    let mut client = Client::connect(running.address).await;
    client.join("/chat", "").await;
    client
}

async fn next(reasons: &mut mpsc::Receiver<Left>) -> (String, &'static str) {
    let (namespace, reason) = within(reasons.recv()).await.expect("a socket has left");
    (namespace, reason.as_str())
}

#[tokio::test]
async fn a_client_leaves_one_namespace_and_keeps_the_other() {
    let (running, mut reasons) = start_watched();
    let mut client = both(&running).await;
    client.send("1/chat,").await;
    assert_eq!(next(&mut reasons).await, ("/chat".into(), "client namespace disconnect"));
    client.fence().await;
}

#[tokio::test]
async fn the_server_sends_a_client_out_of_a_namespace() {
    let (running, mut reasons) = start_watched();
    let mut client = both(&running).await;
    client.send(r#"2["leave me"]"#).await;
    assert_eq!(client.next().await, r#"2["bye"]"#);
    assert_eq!(client.next().await, "1");
    assert_eq!(next(&mut reasons).await, ("/".into(), "server namespace disconnect"));
    client.send(r#"2/chat,1["fence"]"#).await;
    assert_eq!(client.next().await, "3/chat,1[]");
}

#[tokio::test]
async fn the_server_hangs_up() {
    let (running, mut reasons) = start_watched();
    let mut client = both(&running).await;
    client.send(r#"2["hang up"]"#).await;
    assert_eq!(client.next().await, r#"2["bye"]"#);
    assert_eq!(client.next().await, "1");
    assert_eq!(next(&mut reasons).await, ("/".into(), "server namespace disconnect"));
    let rest = client.ws.next().await;
    if rest == crate::harness::Received::Text("41/chat,".into()) {
        assert_eq!(client.closed().await, None);
    }
    assert_eq!(next(&mut reasons).await, ("/chat".into(), "server namespace disconnect"));
}

#[tokio::test]
async fn every_socket_of_a_lost_connection_leaves_once() {
    let (running, mut reasons) = start_watched();
    drop(both(&running).await);
    let mut left = [next(&mut reasons).await, next(&mut reasons).await];
    left.sort();
    assert_eq!(left, [("/".into(), "transport close"), ("/chat".into(), "transport close")]);
    both(&running).await.fence().await;
    let mut left = [next(&mut reasons).await, next(&mut reasons).await];
    left.sort();
    assert_eq!(left, [("/".into(), "transport close"), ("/chat".into(), "transport close")]);
}

#[tokio::test]
async fn a_broken_packet_is_the_end_of_all_its_sockets_and_of_nobody_elses() {
    let (running, mut reasons) = start_watched();
    let mut other = both(&running).await;
    let mut client = both(&running).await;
    client.send("2/chat,[]").await;
    assert_eq!(client.closed().await, Some(1002));
    for _ in 0..2 {
        assert_eq!(next(&mut reasons).await.1, "forced close");
    }
    other.fence().await;
    assert!(reasons.try_recv().is_err());
}
