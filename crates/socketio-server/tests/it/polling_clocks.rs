//! Clients that mark their requests with the time, as python-engineio does, on a machine whose clock moves in large steps.

use socketio_server::{Arg, Closing, Namespace, Server, Socket};
use tokio::sync::mpsc;

use crate::harness::polling::packets;
use crate::harness::{Polling, Running, Ws, fenced, get, post, start_with, within};

/// A time with a fraction, which stands still in these tests.
const TICK: &str = "1790000000.0156";

/// A server of one worker that says what it is told.
fn start_saying() -> (Running, mpsc::Receiver<&'static str>) {
    let (left, reasons) = mpsc::channel(16);
    let namespace = fenced(Namespace::new("/"))
        .on("say", |socket: Socket, Arg(text): Arg<String>| async move {
            let _ = socket.emit("said", &text);
        })
        .on_disconnect(move |reason: socketio_server::DisconnectReason| {
            let left = left.clone();
            async move { left.send(reason.as_str()).await.expect("the test listens") }
        });
    (start_with(Server::builder().namespace(namespace).configure(|config| config.workers = 1)), reasons)
}

/// A client whose requests all have the same time in them, and which has joined.
async fn join(running: &Running) -> Polling {
    let opened = Polling::open(running.address).await;
    let polling = Polling { sid: format!("{}&t={TICK}", opened.sid), ..opened };
    polling.send("40").await;
    let answer = polling.poll().await;
    assert!(answer[0].starts_with("40{") && answer[1..] == ["2r1"], "{answer:?}");
    polling
}

#[tokio::test]
async fn a_client_within_one_tick_keeps_its_session_and_gets_everything_once() {
    let (running, _reasons) = start_saying();
    let polling = join(&running).await;
    polling.send("3r1").await;
    for number in 2..20 {
        polling.send(format!(r#"42["say","{number}"]"#)).await;
        let said = format!(r#"42["said","{number}"]"#);
        assert_eq!(polling.poll().await, [said, format!("2r{number}")]);
        polling.send(format!("3r{number}")).await;
    }
}

#[tokio::test]
async fn a_poll_in_doubt_is_answered_when_the_pong_has_come() {
    let (running, _reasons) = start_saying();
    let polling = join(&running).await;
    let held = get(polling.target()).begin(running.address).await;
    polling.send(r#"42["say","held back"]"#).await;
    // Had the poll not waited for the pong, it would have been answered before that.
    polling.send("3r1").await;
    let answer = packets(&within(held.answer()).await);
    // An answer that took longer than a tick of the clock asks for no proof.
    assert_eq!(answer[0], r#"42["said","held back"]"#);
    assert!(answer[1..].iter().all(|packet| packet == "2r2") && answer.len() <= 2, "{answer:?}");
}

#[tokio::test]
async fn a_repeated_poll_gets_nothing_of_what_comes_after_the_lost_answer() {
    let (running, mut reasons) = start_saying();
    let polling = join(&running).await;
    polling.send("3r1").await;
    polling.send(r#"42["say","lost"]"#).await;
    assert_eq!(polling.poll().await, [r#"42["said","lost"]"#, "2r2"]);
    // The client has not got that: it sends the poll again and no pong.
    let held = get(polling.target()).begin(running.address).await;
    polling.send(r#"42["say","after the hole"]"#).await;
    polling.send("3r1\u{1e}3").await;
    // Not the close packet: python-engineio would take it for a goodbye, and never come back.
    assert_eq!(within(held.answer()).await.brief(), (400, ""));
    assert_eq!(within(reasons.recv()).await, Some("transport error"));
    let left = polling.get().await;
    assert_eq!(left.status, 400, "{left:?}");
}

#[tokio::test]
async fn no_websocket_takes_over_what_stands_behind_a_lost_answer() {
    let (running, mut reasons) = start_saying();
    let polling = join(&running).await;
    let held = get(polling.target()).begin(running.address).await;
    polling.send(r#"42["say","after the hole"]"#).await;
    let mut ws = Ws::attach(running.address, &polling.sid).await;
    ws.send("2probe").await;
    assert_eq!(ws.text().await, "3probe");
    ws.send("5").await;
    assert_eq!(within(reasons.recv()).await, Some("transport error"));
    assert_eq!(within(held.answer()).await.brief(), (400, ""));
}

#[tokio::test]
async fn a_post_with_the_same_time_is_a_repeat_only_with_the_same_body() {
    let (running, mut reasons) = start_saying();
    let polling = join(&running).await;
    polling.send(r#"42["say","one"]"#).await;
    polling.send(r#"42["say","two"]"#).await;
    let repeated = post(polling.target(), r#"42["say","two"]"#).send(running.address).await;
    assert_eq!(repeated.brief(), (400, ""));
    assert_eq!(within(reasons.recv()).await, Some("transport error"));
}

#[tokio::test]
async fn the_last_answers_of_a_session_are_not_given_to_a_client_that_lost_an_answer() {
    let (running, mut reasons) = start_saying();
    let polling = Polling::open(running.address).await;
    let poll = async |mark: &str| get(format!("{}&t={mark}", polling.target())).send(running.address).await;
    polling.send("40").await;
    assert_eq!(poll("one").await.status, 200);
    polling.send(r#"42["say","lost"]"#).await;
    assert_eq!(poll("two").await.text(), r#"42["said","lost"]"#);
    let io = running.io().root();
    io.emit("after", &"the hole").expect("taken");
    io.disconnect(Closing::Connection).expect("taken");
    assert_eq!(within(reasons.recv()).await, Some("server namespace disconnect"));
    assert_eq!(poll("two").await.status, 400);
}
