//! Too many connections, and too much unfinished input: those who have joined notice nothing of those who have not, and
//! small holders nothing of large ones.

use std::net::SocketAddr;

use futures_util::future::select_all;
use socketio_server::{Config, Namespace, Server};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::http::{Pending, Request};
use crate::harness::{
    Canaries, Client, Polling, Received, Running, Ws, echoing, fenced, get, post, start, within,
};

/// Connections of the canaries: three by WebSocket and one by polling.
const CANARIES: usize = 4;

fn start_target(change: impl FnOnce(&mut Config)) -> Running {
    let namespace = echoing(fenced(Namespace::new("/")));
    start(Server::builder().namespace(namespace).configure(change))
}

async fn settled(running: &Running, connections: usize) {
    within(async {
        while running.io().connections() > connections {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// The first bytes of a text message that is to have `length`.
fn beginning(length: usize, text: &str) -> Vec<u8> {
    let length = u64::try_from(length).expect("small").to_be_bytes();
    [&[0x81, 0x80 | 0x7f][..], &length, &[0; 4], text.as_bytes()].concat()
}

/// Sends bytes although the server may have closed already.
async fn push(ws: &mut Ws, bytes: &[u8]) {
    let _ = ws.stream.get_mut().write_all(bytes).await;
}

/// A polite client in the middle of a message; [`Slow::finish`] sends the rest.
struct Slow {
    client: Client,
    rest: String,
}

impl Slow {
    async fn begin(address: SocketAddr, length: usize) -> Self {
        let mut client = Client::connect(address).await;
        let text = format!(r#"427["echo","{}"]"#, "x".repeat(length));
        let (first, rest) = text.split_at(text.len() / 2);
        push(&mut client.ws, &beginning(text.len(), first)).await;
        Self { client, rest: rest.to_owned() }
    }

    async fn finish(mut self) {
        push(&mut self.client.ws, self.rest.as_bytes()).await;
        assert!(self.client.next().await.starts_with(r#"37["xxx"#));
    }
}

/// A message of almost a megabyte that lacks its end.
fn almost() -> Vec<u8> {
    beginning(990_000, &format!(r#"427["echo","{}"#, "x".repeat(900_000)))
}

#[tokio::test]
async fn a_client_may_send_16_kib_before_it_joins_and_a_megabyte_after() {
    let running = start_target(|_| ());
    let mut client = Client::open(running.address).await;
    client.join("/", &format!(r#"{{"token":"{}"}}"#, "x".repeat(16_000))).await;
    let long = format!(r#"["echo","{}"]"#, "x".repeat(900_000));
    assert_eq!(client.ask(&long).await.len(), 900_004);

    let polling = Polling::open(running.address).await;
    let connect = |length| format!(r#"40{{"token":"{}"}}"#, "x".repeat(length));
    assert_eq!(polling.post(connect(17_000)).await.status, 413);
    polling.send(connect(16_000)).await;
    assert!(polling.poll().await.remove(0).starts_with("40{"));
    polling.send(format!(r#"42["echo","{}"]"#, "x".repeat(900_000))).await;
}

#[tokio::test]
async fn a_client_that_has_not_joined_and_sends_more_is_closed_with_1009() {
    let running = start_target(|_| ());
    let mut whole = Ws::open(running.address).await;
    whole.try_send(Message::text("4".repeat(16_400))).await;
    assert_eq!(whole.closed().await, Some(1009));
    let mut begun = Ws::open(running.address).await;
    push(&mut begun, &beginning(16_400, "4")).await;
    assert_eq!(begun.closed().await, Some(1009), "the length alone is enough");
    let mut pieces = Ws::open(running.address).await;
    for first in [0x01, 0x00, 0x00] {
        push(&mut pieces, &[&[first, 0x80 | 0x7e, 0x20, 0][..], &[0; 4], &[b'4'; 0x2000]].concat()).await;
    }
    assert_eq!(pieces.closed().await, Some(1009));
}

#[tokio::test]
async fn half_messages_of_members_have_a_common_bound_and_the_largest_holder_goes_first() {
    let running = start_target(|config| config.input_bytes_max = 8 << 20);
    let canaries = Canaries::start(running.address).await;
    let slow = Slow::begin(running.address, 400_000).await;
    let mut hostile = Vec::new();
    for _ in 0..20 {
        let mut client = Client::connect(running.address).await;
        push(&mut client.ws, &almost()).await;
        hostile.push(client.ws);
    }
    settled(&running, CANARIES + 1 + 8).await;
    let (end, ..) = select_all(hostile.iter_mut().map(|ws| Box::pin(ws.end()))).await;
    assert_eq!(end, Received::Close(Some(1009)));
    slow.finish().await;
    canaries.sing().await;
}

#[tokio::test]
async fn half_messages_of_strangers_cost_the_members_nothing() {
    let running = start_target(|config| config.input_bytes_max = 4 << 20);
    let canaries = Canaries::start(running.address).await;
    // More than any stranger holds.
    let slow = Slow::begin(running.address, 700_000).await;
    let mut hostile = Vec::new();
    for _ in 0..400 {
        let mut ws = Ws::open(running.address).await;
        push(&mut ws, &beginning(16_000, &"4".repeat(15_900))).await;
        hostile.push(ws);
    }
    settled(&running, CANARIES + 1 + (3 << 20) / 16_900).await;
    slow.finish().await;
    canaries.sing().await;
}

#[tokio::test]
async fn half_posts_count_and_are_answered_with_413() {
    let running = start_target(|config| config.input_bytes_max = 4 << 20);
    let canaries = Canaries::start(running.address).await;
    let mut answers = Vec::new();
    for _ in 0..8 {
        let polling = Polling::open(running.address).await;
        polling.join().await;
        let whole = post(polling.target(), "4".repeat(990_000)).encode(running.address);
        let sent = &whole[..whole.len() - 50_000];
        answers.push(Box::pin(Pending::begin(running.address, sent).await.answer()));
    }
    let (first, _, others) = select_all(answers).await;
    assert_eq!(first.status, 413);
    settled(&running, CANARIES + 4).await;
    drop(others);
    canaries.sing().await;
}

/// Connections that send nothing.
async fn silent(running: &Running, count: usize) -> Vec<TcpStream> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(TcpStream::connect(running.address).await.expect("the server accepts"));
    }
    all
}

fn health() -> Request {
    get("/health")
}

#[tokio::test]
async fn silent_connections_give_way_and_polite_clients_come_in() {
    let running = start_target(|config| {
        config.connections_max = 100;
        config.reserved_paths = vec!["/health".into()];
    });
    let canaries = Canaries::start(running.address).await;
    let mut before = Client::connect(running.address).await;
    let _silent = silent(&running, 500).await;
    // There are no pages here: any answer will do.
    assert_eq!(health().send(running.address).await.status, 404);
    let mut after = Client::connect(running.address).await;
    assert_eq!(after.ask(r#"["echo",2]"#).await, "[2]");
    assert_eq!(before.ask(r#"["echo",1]"#).await, "[1]");
    canaries.sing().await;
}

#[tokio::test]
async fn a_server_full_of_members_answers_the_next_with_503_and_tells_its_health() {
    let running = start_target(|config| {
        config.connections_max = 3;
        config.reserved_paths = vec!["/health".into()];
    });
    let mut members = Vec::new();
    for _ in 0..3 {
        members.push(Client::connect(running.address).await);
    }
    let _silent = silent(&running, 40).await;
    let answer = get("/socket.io/?EIO=4&transport=polling").send(running.address).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("2")));
    assert_eq!(get("/other").send(running.address).await.status, 503);
    assert_eq!(health().send(running.address).await.status, 404);
    for member in &mut members {
        assert_eq!(member.ask(r#"["echo",1]"#).await, "[1]");
    }
    drop(members.pop());
    settled(&running, 2).await;
    within(async {
        while get("/socket.io/?EIO=4&transport=polling").send(running.address).await.status != 200 {}
    })
    .await;
}

#[tokio::test]
async fn sessions_by_polling_that_do_not_join_give_way() {
    let running = start_target(|config| config.connections_max = 20);
    let polite = Polling::open(running.address).await;
    polite.join().await;
    for _ in 0..100 {
        drop(Polling::open(running.address).await);
    }
    assert!(polite.is_alive().await);
    settled(&running, 20).await;
}
