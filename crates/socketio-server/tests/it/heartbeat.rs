//! Pings of the server, pongs of the client, and clients that are silent.

use std::time::Duration;

use socketio_server::{DisconnectReason, Namespace, Server};
use tokio::sync::mpsc;

use crate::harness::{Client, Polling, Received, Running, Ws, start, within};

fn start_with_heartbeat(
    ping_interval: u64,
    ping_timeout: u64,
) -> (Running, mpsc::Receiver<DisconnectReason>) {
    let (left, reasons) = mpsc::channel(16);
    let namespace =
        crate::harness::fenced(Namespace::new("/")).on_disconnect(move |reason: DisconnectReason| {
            let left = left.clone();
            async move { left.send(reason).await.expect("the test listens") }
        });
    let running = start(Server::builder().namespace(namespace).configure(|config| {
        config.engine.ping_interval = Duration::from_millis(ping_interval);
        config.engine.ping_timeout = Duration::from_millis(ping_timeout);
        config.connect_timeout = Duration::from_millis(300);
    }));
    (running, reasons)
}

#[tokio::test]
async fn a_websocket_that_answers_pings_lives_on() {
    let (running, _reasons) = start_with_heartbeat(30, 10_000);
    let mut ws = Ws::open(running.address).await;
    ws.send("40").await;
    assert!(ws.text().await.starts_with("40{"));
    for _ in 0..5 {
        assert_eq!(ws.text().await, "2");
        ws.send("3").await;
    }
    let mut client = Client::over(ws);
    client.fence().await;
}

#[tokio::test]
async fn a_silent_websocket_is_closed_after_one_ping() {
    let (running, mut reasons) = start_with_heartbeat(30, 60);
    let mut ws = Ws::open(running.address).await;
    ws.send("40").await;
    assert!(ws.text().await.starts_with("40{"));
    assert_eq!(ws.text().await, "2");
    assert_eq!(ws.next().await, Received::Close(None));
    assert_eq!(within(reasons.recv()).await.map(DisconnectReason::as_str), Some("ping timeout"));
}

#[tokio::test]
async fn a_poll_brings_the_ping_and_a_post_the_pong() {
    let (running, mut reasons) = start_with_heartbeat(30, 10_000);
    let polling = Polling::open(running.address).await;
    polling.send("40").await;
    // On a busy machine, the first ping comes together with CONNECT.
    let (mut joins, mut pings) = (0, 0);
    while pings < 3 {
        for packet in polling.poll().await {
            if packet == "2" {
                polling.send("3").await;
                pings += 1;
            } else {
                assert!(packet.starts_with("40{"), "{packet}");
                joins += 1;
            }
        }
    }
    assert_eq!(joins, 1);
    drop(polling);
    assert!(reasons.try_recv().is_err());
}

#[tokio::test]
async fn a_polling_client_that_vanished_is_closed() {
    let (running, mut reasons) = start_with_heartbeat(30, 60);
    let polling = Polling::open(running.address).await;
    polling.join().await;
    assert_eq!(within(reasons.recv()).await.map(DisconnectReason::as_str), Some("ping timeout"));
    assert_eq!(polling.get().await.brief(), (400, r#"{"code":1,"message":"Session ID unknown"}"#));
}

#[tokio::test]
async fn a_ping_of_the_client_closes_a_websocket() {
    let (running, mut reasons) = start_with_heartbeat(10_000, 10_000);
    let mut client = Client::connect(running.address).await;
    client.ws.send("2").await;
    assert_eq!(client.closed().await, Some(1002));
    assert_eq!(within(reasons.recv()).await.map(DisconnectReason::as_str), Some("transport error"));
}

#[tokio::test]
async fn pongs_nobody_asked_for_do_not_put_off_the_ping() {
    let (running, _reasons) = start_with_heartbeat(50, 10_000);
    let mut ws = Ws::open(running.address).await;
    for ignored in ["3", "0", "5", "6", "3"] {
        ws.send(ignored).await;
    }
    assert_eq!(ws.text().await, "2");
}

#[tokio::test]
async fn a_client_that_joins_no_namespace_in_time_is_closed() {
    let (running, _reasons) = start_with_heartbeat(10_000, 10_000);
    let mut ws = Ws::open(running.address).await;
    assert_eq!(ws.next().await, Received::Close(None));
    let polling = Polling::open(running.address).await;
    assert_eq!(polling.poll().await, ["1"]);

    let mut client = Client::connect(running.address).await;
    let mut late = Ws::open(running.address).await;
    assert_eq!(late.next().await, Received::Close(None));
    client.fence().await;
}
