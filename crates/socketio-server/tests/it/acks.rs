//! Acknowledgements both ways, their time-outs, and broadcasts that want answers.

use std::time::Duration;

use socketio_server::{Ack, AckError, Arg, Namespace, Server, Socket};
use tokio::sync::mpsc;

use crate::harness::{Client, PATIENCE, Running, fenced, start, within};

fn start_with_sockets() -> (Running, mpsc::Receiver<Socket>) {
    let (joined, sockets) = mpsc::channel(64);
    let namespace = fenced(Namespace::new("/"))
        .on_connect(move |socket: Socket| {
            let joined = joined.clone();
            async move { joined.send(socket).await.expect("the test listens") }
        })
        .on("expected?", |ack: Ack, socket: Socket| async move {
            let _ = socket.emit("expected", &ack.is_expected());
            let _ = ack.send(&());
        })
        .on("forget", |ack: Ack| async move { drop(ack) });
    let builder = Server::builder().namespace(namespace).configure(|config| config.pending_acks_max = 4);
    (start(builder), sockets)
}

async fn ada(running: &Running, sockets: &mut mpsc::Receiver<Socket>) -> (Client, Socket) {
    let client = Client::connect(running.address).await;
    (client, within(sockets.recv()).await.expect("joined"))
}

#[tokio::test]
async fn handlers_work_with_and_without_an_ack() {
    let (running, mut sockets) = start_with_sockets();
    let (mut client, _) = ada(&running, &mut sockets).await;
    client.send(r#"2["expected?"]"#).await;
    assert_eq!(client.next().await, r#"2["expected",false]"#);
    client.send(r#"218446744073709551615["expected?"]"#).await;
    assert_eq!(client.next().await, r#"2["expected",true]"#);
    assert_eq!(client.next().await, "318446744073709551615[]");
    client.send(r#"20["expected?"]"#).await;
    assert_eq!(client.next().await, r#"2["expected",true]"#);
    assert_eq!(client.next().await, "30[]");
    client.send(r#"21["forget"]"#).await;
    client.fence().await;
}

/// The ack id of an event that asks for one.
fn asked(packet: &str, event: &str) -> String {
    packet
        .strip_prefix('2')
        .and_then(|rest| rest.strip_suffix(event))
        .expect("an event with an id")
        .to_owned()
}

#[tokio::test]
async fn a_client_answers() {
    let (running, mut sockets) = start_with_sockets();
    let (mut client, socket) = ada(&running, &mut sockets).await;
    let question = tokio::spawn(async move { socket.emit_with_ack("add", &(1, 2), PATIENCE).await });
    let id = asked(&client.next().await, r#"["add",1,2]"#);
    client.send(&format!(r#"3{id}[3,"three"]"#)).await;
    let answer = within(question).await.expect("no panic").expect("an answer");
    assert_eq!(answer.args::<(u32, String)>().expect("fits"), (3, "three".into()));
}

#[tokio::test]
async fn a_client_answers_with_bytes() {
    let (running, mut sockets) = start_with_sockets();
    let (mut client, socket) = ada(&running, &mut sockets).await;
    let question = tokio::spawn(async move { socket.emit_with_ack("bytes?", &(), PATIENCE).await });
    let id = asked(&client.next().await, r#"["bytes?"]"#);
    client.send(&format!(r#"61-{id}[{{"_placeholder":true,"num":0}}]"#)).await;
    client.send_binary(&[1, 2, 3]).await;
    let answer = within(question).await.expect("no panic").expect("an answer");
    assert_eq!(answer.first::<socketio_server::Binary>().expect("bytes").as_ref(), [1, 2, 3]);
}

#[tokio::test]
async fn no_answer_in_time_is_a_timeout_and_a_late_one_is_ignored() {
    let (running, mut sockets) = start_with_sockets();
    let (mut client, socket) = ada(&running, &mut sockets).await;
    let answer = within(socket.emit_with_ack("q", &(), Duration::from_millis(20))).await;
    assert!(matches!(answer, Err(AckError::Timeout)));
    let id = asked(&client.next().await, r#"["q"]"#);
    client.send(&format!("3{id}[]")).await;
    client.fence().await;
}

#[tokio::test]
async fn answers_nobody_asked_for_are_ignored_and_an_answer_counts_once() {
    let (running, mut sockets) = start_with_sockets();
    let (mut client, socket) = ada(&running, &mut sockets).await;
    client.send("3999[1]").await;
    client.send("318446744073709551615[]").await;
    client.fence().await;
    let question = tokio::spawn(async move { socket.emit_with_ack("q", &(), PATIENCE).await });
    let id = asked(&client.next().await, r#"["q"]"#);
    client.send(&format!("3{id}[1]")).await;
    client.send(&format!("3{id}[2]")).await;
    let answer = within(question).await.expect("no panic").expect("an answer");
    assert_eq!(answer.first::<u32>().expect("fits"), 1);
    client.fence().await;
}

#[tokio::test]
async fn a_client_that_left_does_not_answer() {
    let (running, mut sockets) = start_with_sockets();
    let (mut client, socket) = ada(&running, &mut sockets).await;
    let asking = socket.clone();
    let question = tokio::spawn(async move { asking.emit_with_ack("q", &(), PATIENCE).await });
    client.next().await;
    drop(client);
    assert!(matches!(within(question).await.expect("no panic"), Err(AckError::Disconnected)));
    let late = within(socket.emit_with_ack("q", &(), PATIENCE)).await;
    assert!(matches!(late, Err(AckError::Disconnected)));
}

#[tokio::test]
async fn only_so_many_answers_are_awaited_from_one_socket() {
    let (running, mut sockets) = start_with_sockets();
    let (mut client, socket) = ada(&running, &mut sockets).await;
    let mut questions = Vec::new();
    for _ in 0..4 {
        let socket = socket.clone();
        questions.push(tokio::spawn(async move { socket.emit_with_ack("q", &(), PATIENCE).await }));
    }
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(asked(&client.next().await, r#"["q"]"#));
    }
    let refused = within(socket.emit_with_ack("one too many", &(), PATIENCE)).await;
    assert!(matches!(refused, Err(AckError::TooMany)));
    for id in ids {
        client.send(&format!("3{id}[]")).await;
    }
    for question in questions {
        assert!(within(question).await.expect("no panic").is_ok());
    }
    // The event whose answer nobody would have waited for has not been sent.
    client.fence().await;
}

/// Of a socket and of a broadcast, whose time was over and who was given up.
#[tokio::test]
async fn answers_for_which_nobody_waits_any_more_keep_no_place() {
    let (running, mut sockets) = start_with_sockets();
    let (mut client, socket) = ada(&running, &mut sockets).await;
    let mut given_up = Vec::new();
    let mut over = Vec::new();
    for (patience, questions) in [(PATIENCE, &mut given_up), (Duration::from_millis(200), &mut over)] {
        let (asking, everyone) = (socket.clone(), running.io().root());
        let one = async move { asking.emit_with_ack("q", &(), patience).await.is_err() };
        let all =
            async move { everyone.emit_with_ack("q", &(), patience).await.expect("sent").missing.len() == 1 };
        questions.extend([tokio::spawn(one), tokio::spawn(all)]);
    }
    for _ in 0..4 {
        asked(&client.next().await, r#"["q"]"#);
    }
    for question in given_up {
        question.abort();
        assert!(within(question).await.expect_err("given up").is_cancelled());
    }
    for question in over {
        assert!(within(question).await.expect("no panic"), "there was no answer");
    }
    let again: Vec<_> = (0..4)
        .map(|_| {
            let socket = socket.clone();
            tokio::spawn(async move { socket.emit_with_ack("again", &(), PATIENCE).await })
        })
        .collect();
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(asked(&client.next().await, r#"["again"]"#));
    }
    for id in ids {
        client.send(&format!("3{id}[]")).await;
    }
    for question in again {
        assert!(within(question).await.expect("no panic").is_ok());
    }
}

#[tokio::test]
async fn a_broadcast_gathers_the_answers_of_all() {
    let (running, mut sockets) = start_with_sockets();
    let (mut one, _) = ada(&running, &mut sockets).await;
    let (mut two, _) = ada(&running, &mut sockets).await;
    let everyone = running.io().root();
    let poll = tokio::spawn(async move { everyone.emit_with_ack("vote", &"now", PATIENCE).await });
    for (client, vote) in [(&mut one, 1), (&mut two, 2)] {
        let id = asked(&client.next().await, r#"["vote","now"]"#);
        client.send(&format!("3{id}[{vote}]")).await;
    }
    let replies = within(poll).await.expect("no panic").expect("sent");
    let mut votes: Vec<u32> =
        replies.answers.iter().map(|reply| reply.payload.first().expect("fits")).collect();
    votes.sort_unstable();
    assert_eq!((votes, replies.missing.len()), (vec![1, 2], 0));
}

#[tokio::test]
async fn a_broadcast_waits_no_longer_than_told_and_not_for_those_who_left() {
    let (running, mut sockets) = start_with_sockets();
    let (mut one, _) = ada(&running, &mut sockets).await;
    let (mut silent, _) = ada(&running, &mut sockets).await;
    let everyone = running.io().root();
    let poll =
        tokio::spawn(async move { everyone.emit_with_ack("vote", &(), Duration::from_millis(200)).await });
    let id = asked(&one.next().await, r#"["vote"]"#);
    one.send(&format!("3{id}[]")).await;
    silent.next().await;
    let replies = within(poll).await.expect("no panic").expect("sent");
    let answered: Vec<String> = replies.answers.iter().map(|reply| reply.socket.to_string()).collect();
    let missing: Vec<String> = replies.missing.iter().map(ToString::to_string).collect();
    assert_eq!((answered, missing), (vec![one.id.clone()], vec![silent.id.clone()]));

    let everyone = running.io().root();
    let poll = tokio::spawn(async move { everyone.emit_with_ack("again", &(), PATIENCE).await });
    let id = asked(&one.next().await, r#"["again"]"#);
    silent.next().await;
    drop(silent);
    one.send(&format!("3{id}[]")).await;
    let replies = within(poll).await.expect("no panic").expect("sent");
    assert_eq!((replies.answers.len(), replies.missing.len()), (1, 1), "at once, not when the time is over");

    let nobody = running.io().root().to("empty room");
    let replies = within(nobody.emit_with_ack("q", &(), PATIENCE)).await.expect("sent");
    assert_eq!((replies.answers.len(), replies.missing.len()), (0, 0));
}

#[tokio::test]
async fn a_handler_that_waits_for_its_own_client_does_not_block_acks() {
    let (done, mut answers) = mpsc::channel(1);
    let namespace =
        fenced(Namespace::new("/")).on("ask back", move |socket: Socket, Arg(text): Arg<String>| {
            let done = done.clone();
            async move {
                let answer = socket.emit_with_ack("back", &text, PATIENCE).await.expect("an answer");
                done.send(answer.first::<String>().expect("fits")).await.expect("the test listens");
            }
        });
    let running = start(Server::builder().namespace(namespace));
    let mut client = Client::connect(running.address).await;
    client.send(r#"2["ask back","x"]"#).await;
    let id = asked(&client.next().await, r#"["back","x"]"#);
    client.send(&format!(r#"3{id}["y"]"#)).await;
    assert_eq!(within(answers.recv()).await.as_deref(), Some("y"));
}
