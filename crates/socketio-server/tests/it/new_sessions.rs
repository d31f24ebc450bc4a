//! Sessions that come faster than an address may open them: they wait, or are refused, and others notice nothing.

use std::net::SocketAddr;

use socketio_server::{DoorCount, Namespace, Pacing, Rate, Server};
use tokio::net::TcpStream;

use crate::harness::http::{Pending, Request};
use crate::harness::{Answer, Canaries, Client, Polling, Running, Ws, echoing, fenced, get, start, within};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";
const HOSTILE: &str = "192.0.2.1";

/// A server behind a proxy on this machine.
fn start_target(sessions: Rate) -> Running {
    let namespace = echoing(fenced(Namespace::new("/")));
    start(Server::builder().namespace(namespace).configure(|config| {
        config.pacing = Pacing { sessions, ..Pacing::default() };
        config.trusted_proxies = "127.0.0.1".parse().expect("a network");
    }))
}

fn from(address: &str) -> Request {
    get(POLLING).header("X-Forwarded-For", address)
}

/// Opens a WebSocket from an address, and joins.
async fn join_from(target: SocketAddr, address: &str) -> Client {
    let mut client = Client::over(Ws::open_with(target, WEBSOCKET, &[("x-forwarded-for", address)]).await);
    client.join("/", "").await;
    client
}

impl Running {
    async fn door(&self, what: DoorCount) -> u64 {
        self.io().stats().await.door[what]
    }

    /// Waits until so many handshakes have begun to wait since the start.
    async fn have_waited(&self, count: u64) {
        within(async { while self.door(DoorCount::Delayed).await < count {} }).await;
    }

    /// Begins handshakes that wait.
    async fn crowd(&self, count: u64) -> Vec<Pending> {
        let before = self.door(DoorCount::Delayed).await;
        let mut waiting = Vec::new();
        for number in 1..=count {
            waiting.push(from(HOSTILE).begin(self.address).await);
            self.have_waited(before + number).await;
        }
        waiting
    }
}

fn refused(answer: &Answer) -> (u16, Option<&str>) {
    (answer.status, answer.header("retry-after"))
}

#[tokio::test]
async fn sessions_above_the_rate_of_their_address_wait_and_those_of_others_do_not() {
    let running = start_target(Rate { per_second: 2, burst: 3 });
    let canaries = Canaries::start(running.address).await;
    let mut first = Vec::new();
    for _ in 0..3 {
        first.push(join_from(running.address, HOSTILE).await);
    }
    let waiting = tokio::spawn(join_from(running.address, HOSTILE));
    running.have_waited(1).await;
    for _ in 0..3 {
        assert_eq!(join_from(running.address, "192.0.2.2").await.ask(r#"["echo",1]"#).await, "[1]");
    }
    assert!(!waiting.is_finished(), "a session above the rate did not wait");
    let mut late = within(waiting).await.expect("it comes in");
    assert_eq!(late.ask(r#"["echo",1]"#).await, "[1]");
    for client in &mut first {
        assert_eq!(client.ask(r#"["echo",2]"#).await, "[2]");
    }
    canaries.sing().await;
}

#[tokio::test]
async fn a_session_that_would_wait_for_more_than_ten_seconds_is_refused_with_503() {
    let running = start_target(Rate { per_second: 1, burst: 1 });
    let canaries = Canaries::start(running.address).await;
    assert_eq!(from(HOSTILE).send(running.address).await.status, 200);
    let waiting = running.crowd(10).await;
    for request in [from(HOSTILE), get(WEBSOCKET).upgrade().header("X-Forwarded-For", HOSTILE)] {
        assert_eq!(refused(&request.send(running.address).await), (503, Some("10")));
    }
    assert_eq!(running.door(DoorCount::TooMany).await, 2);
    assert_eq!(from("192.0.2.2").send(running.address).await.status, 200);
    let first = waiting.into_iter().next().expect("ten wait");
    assert_eq!(first.answer().await.status, 200);
    canaries.sing().await;
}

#[tokio::test]
async fn clients_that_leave_while_they_wait_leave_nothing_behind_and_no_place_is_kept_for_them() {
    let running = start_target(Rate { per_second: 1, burst: 1 });
    let mut polite = Client::connect(running.address).await;
    let hostile = join_from(running.address, HOSTILE).await;
    for _ in 0..5 {
        drop(running.crowd(8).await);
        within(async { while running.io().stats().await.occupancy.descriptors > 2 {} }).await;
    }
    assert_eq!(running.door(DoorCount::TooMany).await, 0);
    drop(hostile);
    within(async { while running.io().stats().await.occupancy.descriptors > 1 {} }).await;
    assert_eq!(running.io().stats().await.occupancy.held_bytes, 0);
    assert_eq!(running.io().connections(), 1);
    assert_eq!(polite.ask(r#"["echo",1]"#).await, "[1]");
}

#[tokio::test]
async fn a_session_that_becomes_a_websocket_is_no_new_one() {
    let running = start_target(Rate { per_second: 1, burst: 1 });
    let polling = Polling::of(running.address, &from(HOSTILE).send(running.address).await);
    let target = format!("{WEBSOCKET}&sid={}", polling.sid);
    let stream = TcpStream::connect(running.address).await.expect("the server accepts");
    let mut ws = Ws::over(stream, running.address, &target, &[("x-forwarded-for", HOSTILE)]).await;
    ws.send("2probe").await;
    assert_eq!(ws.text().await, "3probe");
    assert_eq!((running.door(DoorCount::Delayed).await, running.door(DoorCount::TooMany).await), (0, 0));
}

#[tokio::test]
async fn sessions_from_this_machine_never_wait_by_default() {
    let running = start_target(Rate { per_second: 1, burst: 1 });
    for _ in 0..30 {
        Client::connect(running.address).await.fence().await;
        drop(Polling::open(running.address).await);
    }
    assert_eq!(running.door(DoorCount::Delayed).await, 0);
}
