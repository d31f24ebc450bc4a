//! From polling to a WebSocket: the dance, in order and without loss, and everything that can go wrong in it.

use std::time::Duration;

use socketio_server::{Arg, DisconnectReason, Namespace, Server, Socket};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Client, Polling, Received, Running, Ws, fenced, start_with, within};

/// One worker, so that a request is known to have arrived before the next one.
fn start_one() -> Running {
    start_one_with(|_| ()).0
}

fn start_one_with(
    change: impl FnOnce(&mut socketio_server::Config),
) -> (Running, mpsc::Receiver<DisconnectReason>) {
    let (left, reasons) = mpsc::channel(16);
    let namespace = fenced(Namespace::new("/"))
        .on("count", |socket: Socket, Arg(to): Arg<u32>| async move {
            for number in 1..=to {
                let _ = socket.emit("n", &number);
            }
        })
        .on_disconnect(move |reason: DisconnectReason| {
            let left = left.clone();
            async move { left.send(reason).await.expect("the test listens") }
        });
    let builder =
        Server::builder().namespace(namespace).configure(|config| config.workers = 1).configure(change);
    (start_with(builder), reasons)
}

async fn joined(running: &Running) -> Polling {
    let polling = Polling::open(running.address).await;
    polling.join().await;
    polling
}

async fn upgraded(running: &Running) -> (Polling, Client) {
    let polling = joined(running).await;
    let mut ws = Ws::attach(running.address, &polling.sid).await;
    ws.send("2probe").await;
    assert_eq!(ws.text().await, "3probe");
    ws.send("5").await;
    (polling, Client::over(ws))
}

#[tokio::test]
async fn a_session_moves_to_a_websocket() {
    let running = start_one();
    let (_, mut client) = upgraded(&running).await;
    client.fence().await;
}

#[tokio::test]
async fn a_waiting_poll_is_released_at_once() {
    let running = start_one();
    let polling = joined(&running).await;
    let held = polling.hold().await;
    let mut ws = Ws::attach(running.address, &polling.sid).await;
    ws.send("2probe").await;
    assert_eq!(ws.text().await, "3probe");
    assert_eq!(held.answer().await.brief(), (200, "6"));
    // As is every poll that comes before the client has seen the answer to its probe.
    assert_eq!(polling.get().await.brief(), (200, "6"));
    ws.send("5").await;
    Client::over(ws).fence().await;
}

#[tokio::test]
async fn events_during_the_upgrade_arrive_in_order_and_once() {
    let running = start_one();
    let polling = joined(&running).await;
    let mut ws = Ws::attach(running.address, &polling.sid).await;
    polling.send(r#"42["count",3]"#).await;
    ws.send("2probe").await;
    assert_eq!(ws.text().await, "3probe");
    // No poll is there to take these, so they come after the upgrade packet.
    polling.send("421[\"fence\"]").await;
    ws.send("5").await;
    let mut client = Client::over(ws);
    for expected in [r#"2["n",1]"#, r#"2["n",2]"#, r#"2["n",3]"#, "31[]"] {
        assert_eq!(client.next().await, expected);
    }
    client.fence().await;
}

#[tokio::test]
async fn nothing_is_lost_or_swapped_by_upgrades_under_traffic() {
    const EVENTS: u32 = 400;
    for _ in 0..10 {
        let running = start_one();
        let polling = joined(&running).await;
        let address = running.address;
        let poller = tokio::spawn({
            let polling = polling.clone();
            async move {
                // Polls until the transport is said to be the other one.
                let mut received = Vec::new();
                loop {
                    let answer = polling.get().await;
                    if answer.status != 200 || answer.text() == "6" {
                        return received;
                    }
                    received.extend(crate::harness::polling::packets(&answer));
                }
            }
        });
        polling.send(format!(r#"42["count",{EVENTS}]"#)).await;
        let mut ws = Ws::attach(address, &polling.sid).await;
        ws.send("2probe").await;
        assert_eq!(ws.text().await, "3probe");
        let mut received = within(poller).await.expect("the poller ends");
        received.retain(|packet| packet != "6");
        ws.send("5").await;
        while received.len() < EVENTS as usize {
            received.push(ws.text().await);
        }
        let expected: Vec<String> = (1..=EVENTS).map(|number| format!(r#"42["n",{number}]"#)).collect();
        assert_eq!(received, expected);
    }
}

#[tokio::test]
async fn posts_are_taken_until_the_upgrade_packet() {
    let running = start_one();
    let polling = joined(&running).await;
    let mut ws = Ws::attach(running.address, &polling.sid).await;
    ws.send("2probe").await;
    assert_eq!(ws.text().await, "3probe");
    polling.send("427[\"fence\"]").await;
    ws.send("5").await;
    assert_eq!(Client::over(ws).next().await, "37[]");
}

#[tokio::test]
async fn polling_is_over_after_the_upgrade() {
    let running = start_one();
    let (polling, mut client) = upgraded(&running).await;
    client.fence().await;
    for answer in [polling.get().await, polling.post("40").await] {
        assert_eq!(answer.brief(), (400, r#"{"code":3,"message":"Bad request"}"#));
    }
    client.fence().await;
}

#[tokio::test]
async fn a_wrong_probe_closes_the_websocket_and_polling_goes_on() {
    let running = start_one();
    for wrong in ["2", "2prob", "2probe!", "3probe", "40", "1", "6", "x", ""] {
        let polling = joined(&running).await;
        let mut ws = Ws::attach(running.address, &polling.sid).await;
        ws.send(wrong).await;
        assert_eq!(ws.closed().await, None, "{wrong}");
        polling.send("421[\"fence\"]").await;
        assert_eq!(polling.poll().await, ["431[]"], "{wrong}");
        // And the client may try again.
        let mut ws = Ws::attach(running.address, &polling.sid).await;
        ws.send("2probe").await;
        assert_eq!(ws.text().await, "3probe", "{wrong}");
    }
    let polling = joined(&running).await;
    let mut ws = Ws::attach(running.address, &polling.sid).await;
    ws.send_binary(b"2probe").await;
    assert_eq!(ws.closed().await, None);
    assert!(polling.is_alive().await);
}

#[tokio::test]
async fn a_probe_that_breaks_off_leaves_polling_as_it_was() {
    let running = start_one();
    let polling = joined(&running).await;
    let mut ws = Ws::attach(running.address, &polling.sid).await;
    ws.send("2probe").await;
    assert_eq!(ws.text().await, "3probe");
    ws.try_send(Message::Close(None)).await;
    assert_eq!(ws.closed().await, None);
    let held = polling.hold().await;
    polling.send("421[\"fence\"]").await;
    assert_eq!(held.answer().await.brief(), (200, "431[]"));
}

#[tokio::test]
async fn an_upgrade_that_takes_too_long_is_given_up() {
    let (running, _reasons) =
        start_one_with(|config| config.engine.upgrade_timeout = Duration::from_millis(50));
    for step in [None, Some("2probe")] {
        let polling = joined(&running).await;
        let mut ws = Ws::attach(running.address, &polling.sid).await;
        if let Some(packet) = step {
            ws.send(packet).await;
            assert_eq!(ws.text().await, "3probe");
        }
        assert!(matches!(ws.next().await, Received::Close(None) | Received::End));
        polling.send("421[\"fence\"]").await;
        assert_eq!(polling.poll().await, ["431[]"]);
    }
}

#[tokio::test]
async fn a_second_websocket_is_closed_without_a_code() {
    let running = start_one();
    let polling = joined(&running).await;
    let mut first = Ws::attach(running.address, &polling.sid).await;
    first.send("2probe").await;
    assert_eq!(first.text().await, "3probe");
    let mut second = Ws::attach(running.address, &polling.sid).await;
    assert_eq!(second.closed().await, None);
    first.send("5").await;
    let mut client = Client::over(first);
    client.fence().await;
    let mut third = Ws::attach(running.address, &polling.sid).await;
    assert_eq!(third.closed().await, None);
    client.fence().await;

    let opened = Ws::open(running.address).await;
    let mut other = Ws::attach(running.address, &opened.sid).await;
    assert_eq!(other.closed().await, None, "a session that began as a WebSocket has one already");
}

#[tokio::test]
async fn pings_wait_for_the_end_of_the_upgrade() {
    let (running, _reasons) = start_one_with(|config| {
        config.engine.ping_interval = Duration::from_millis(100);
        config.engine.upgrade_timeout = Duration::from_secs(20);
    });
    let polling = joined(&running).await;
    let mut ws = Ws::attach(running.address, &polling.sid).await;
    ws.send("2probe").await;
    assert_eq!(ws.text().await, "3probe");
    // Another session's ping shows that the time of ours has come.
    let other = joined(&running).await;
    assert_eq!(other.poll().await, ["2"]);
    assert_eq!(polling.get().await.brief(), (200, "6"));
    ws.send("5").await;
    assert_eq!(ws.text().await, "2");
    ws.send("3").await;
}

#[tokio::test]
async fn an_upgraded_session_ends_with_its_websocket() {
    let (running, mut reasons) = start_one_with(|_| ());
    let (_, client) = upgraded(&running).await;
    drop(client);
    assert_eq!(within(reasons.recv()).await.map(DisconnectReason::as_str), Some("transport close"));
}
