//! What clients of one address may take together: those for whom the application does not vouch, and beside them the others.
//! Clients elsewhere notice nothing.

use std::net::SocketAddr;

use futures_util::future::select_all;
use serde::Deserialize;
use socketio_server::{
    ConnectRequest, DoorCount, Namespace, Rate, Rejection, Server, StrangerBounds, WorkerCount,
};
use tokio::io::AsyncWriteExt;

use crate::harness::http::Request;
use crate::harness::{Canaries, Client, Received, Running, Ws, echoing, fenced, get, start, within};

const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";
const HOSTILE: &str = "192.0.2.1";
const ELSEWHERE: &str = "192.0.2.2";
const REFUSED: &str = r#"4{"message":"too many connections from this address","data":{"code":"busy"}}"#;

/// A server behind a proxy on this machine, which knows those who say so.
fn start_target(strangers: StrangerBounds) -> Running {
    #[derive(Deserialize)]
    struct Claim {
        known: bool,
    }
    let namespace = echoing(fenced(Namespace::new("/"))).middleware(|request: ConnectRequest| async move {
        if request.auth().parse::<Claim>().is_ok_and(|claim| claim.known) {
            request.vouch();
        }
        Ok::<_, Rejection>(())
    });
    start(Server::builder().namespace(namespace).configure(|config| {
        config.strangers = strangers;
        config.pacing.sessions = Rate::OFF;
        config.trusted_proxies = "127.0.0.1".parse().expect("a network");
    }))
}

async fn open(target: SocketAddr, from: &str) -> Client {
    Client::over(Ws::open_with(target, WEBSOCKET, &[("x-forwarded-for", from)]).await)
}

async fn join(target: SocketAddr, from: &str) -> Client {
    let mut client = open(target, from).await;
    client.join("/", "").await;
    client
}

async fn join_known(target: SocketAddr, from: &str) -> Client {
    let mut client = open(target, from).await;
    client.join("/", r#"{"known":true}"#).await;
    client
}

fn handshake(from: &str) -> Request {
    get("/socket.io/?EIO=4&transport=polling").header("X-Forwarded-For", from)
}

impl Running {
    /// Waits until nobody is there but so many.
    async fn is_left_to(&self, connections: usize) {
        within(async {
            loop {
                let stats = self.io().stats().await.occupancy;
                let is_clean = stats.strange_addresses == 0 && stats.held_bytes == 0;
                if is_clean && self.io().connections() == connections {
                    return;
                }
            }
        })
        .await;
    }
}

#[tokio::test]
async fn so_many_guests_of_an_address_join_and_members_and_others_always_do() {
    let running = start_target(StrangerBounds { connections_max: 3, ..StrangerBounds::OFF });
    let address = running.address;
    let canaries = Canaries::start(address).await;
    let mut guests = Vec::new();
    for _ in 0..3 {
        guests.push(join(address, HOSTILE).await);
    }
    let mut late = open(address, HOSTILE).await;
    late.send("0").await;
    assert_eq!(late.next().await, REFUSED);
    let mut others = Vec::new();
    for _ in 0..5 {
        others.push(join_known(address, HOSTILE).await);
    }
    others.push(join(address, ELSEWHERE).await);
    for other in others.iter_mut().chain(&mut guests) {
        assert_eq!(other.ask(r#"["echo",1]"#).await, "[1]");
    }
    // The place of one who leaves is free.
    drop(guests.pop());
    within(async {
        loop {
            late.send("0").await;
            match late.next().await.as_str() {
                REFUSED => {}
                connected => break assert!(connected.starts_with("0{"), "{connected}"),
            }
        }
    })
    .await;
    assert!(
        running
            .io()
            .stats()
            .await
            .workers
            .iter()
            .any(|worker| worker.counts[WorkerCount::LimitConnectionsPerAddress] > 0)
    );
    drop((guests, late, others));
    canaries.sing().await;
    running.is_left_to(1).await;
}

#[tokio::test]
async fn of_too_many_sessions_of_an_address_that_do_not_join_the_oldest_gives_way() {
    let running = start_target(StrangerBounds { connections_max: 3, ..StrangerBounds::OFF });
    let address = running.address;
    let canaries = Canaries::start(address).await;
    let mut idle = Vec::new();
    for _ in 0..3 {
        idle.push(open(address, HOSTILE).await);
    }
    // They have a second to join, and those elsewhere are asked nothing.
    assert_eq!(handshake(ELSEWHERE).send(address).await.status, 200);
    within(async {
        loop {
            match handshake(HOSTILE).send(address).await.status {
                200 => return,
                status => assert_eq!(status, 503),
            }
        }
    })
    .await;
    assert_eq!(idle.remove(0).ws.closed().await, Some(1013));
    assert!(running.io().stats().await.door[DoorCount::AddressFull] > 0);
    canaries.sing().await;
}

#[tokio::test]
async fn half_messages_of_an_address_have_a_bound_and_the_largest_holder_of_it_goes_first() {
    let running = start_target(StrangerBounds { input_bytes_max: 4 << 20, ..StrangerBounds::OFF });
    let address = running.address;
    let canaries = Canaries::start(address).await;
    let mut elsewhere = join(address, ELSEWHERE).await;
    let mut member = join_known(address, HOSTILE).await;
    begin(&mut elsewhere, 990_000).await;
    begin(&mut member, 990_000).await;
    let mut hostile = Vec::new();
    for _ in 0..20 {
        let mut client = join(address, HOSTILE).await;
        begin(&mut client, 900_000).await;
        hostile.push(client.ws);
    }
    within(async {
        while running.io().connections() > 4 + 2 + 4 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let (end, ..) = select_all(hostile.iter_mut().map(|ws| Box::pin(ws.end()))).await;
    assert_eq!(end, Received::Close(Some(1009)));
    finish(&mut elsewhere, 990_000).await;
    finish(&mut member, 990_000).await;
    drop((hostile, elsewhere, member));
    canaries.sing().await;
    running.is_left_to(1).await;
}

const ECHO: &str = r#"427["echo",""#;

/// Sends all of a message but its last ten bytes.
async fn begin(client: &mut Client, length: usize) {
    let head = [&[0x81, 0x80 | 0x7f][..], &(length as u64).to_be_bytes(), &[0; 4]].concat();
    let text = format!("{ECHO}{}", "x".repeat(length - ECHO.len() - 10));
    let bytes = [&head[..], text.as_bytes()].concat();
    // The server may have closed already.
    let _ = client.ws.stream.get_mut().write_all(&bytes).await;
}

async fn finish(client: &mut Client, length: usize) {
    client.ws.stream.get_mut().write_all(br#"xxxxxxxx"]"#).await.expect("the connection is open");
    let answer = client.next().await;
    assert!(answer.starts_with(r#"37["xxx"#) && answer.len() > length - 20, "{} bytes", answer.len());
}

#[tokio::test]
async fn events_of_an_address_above_its_rate_are_handled_later_and_those_of_others_at_once() {
    // Each CONNECT counts as ten.
    let running =
        start_target(StrangerBounds { events: Rate { per_second: 20, burst: 50 }, ..StrangerBounds::OFF });
    let address = running.address;
    let (mut one, mut other) = (join(address, HOSTILE).await, join(address, HOSTILE).await);
    let mut polite = [join(address, ELSEWHERE).await, join_known(address, HOSTILE).await];
    let flood = tokio::spawn(async move {
        one.send_all(&[r#"2["nothing"]"#; 40]).await;
        one.fence().await;
        other.fence().await;
    });
    for client in &mut polite {
        for _ in 0..30 {
            assert_eq!(client.ask(r#"["echo",1]"#).await, "[1]");
        }
    }
    assert!(!flood.is_finished(), "all events were handled at once");
    within(flood).await.expect("nothing is lost");
}

#[tokio::test]
async fn a_client_that_is_vouched_for_counts_among_those_until_it_closes_also_when_it_has_left() {
    let events = Rate { per_second: 20, burst: 50 };
    let running = start_target(StrangerBounds { events, vouched_factor: 1, ..StrangerBounds::OFF });
    let address = running.address;
    let (mut one, mut other) = (join_known(address, HOSTILE).await, join_known(address, HOSTILE).await);
    let mut stranger = join(address, HOSTILE).await;
    one.send_all(&["1"]).await;
    one.join("/", "").await;
    let flood = tokio::spawn(async move {
        one.send_all(&[r#"2["nothing"]"#; 40]).await;
        one.fence().await;
        other.fence().await;
    });
    for _ in 0..30 {
        assert_eq!(stranger.ask(r#"["echo",1]"#).await, "[1]");
    }
    assert!(!flood.is_finished(), "all events were handled at once");
    within(flood).await.expect("nothing is lost");
    let stats = running.io().stats().await;
    assert!(stats.workers.iter().any(|worker| worker.counts[WorkerCount::LimitVouchedPerAddress] > 0));
}

#[tokio::test]
async fn clients_on_this_machine_are_strangers_to_nobody() {
    let running = start_target(StrangerBounds {
        connections_max: 1,
        input_bytes_max: 1,
        events: Rate { per_second: 1, burst: 1 },
        vouched_factor: 1,
    });
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(Client::connect(running.address).await);
    }
    for client in &mut clients {
        client.fence().await;
    }
    assert_eq!(running.io().stats().await.occupancy.strange_addresses, 0);
}
