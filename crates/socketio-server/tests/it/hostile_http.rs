//! Hostile HTTP (attacks A01 to A18): whatever is sent, it is answered or cut off, and the canaries notice nothing.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use socketio_server::{Namespace, Server};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::harness::http::{Pending, exchange};
use crate::harness::{Canaries, Polling, Running, Ws, echoing, fenced, get, start, within};

fn start_target() -> Running {
    let namespace = echoing(fenced(Namespace::new("/")));
    start(Server::builder().namespace(namespace).configure(|config| {
        config.connect_timeout = Duration::from_secs(5);
        config.engine.ping_interval = Duration::from_secs(3);
        config.engine.ping_timeout = Duration::from_secs(3);
        config.engine.max_payload = 10_000;
    }))
}

async fn settled(running: &Running, connections: usize) {
    within(async {
        while running.io().connections() > connections {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Resets a connection instead of closing it.
fn reset(stream: TcpStream) {
    let stream = socket2::Socket::from(stream.into_std().expect("a socket"));
    stream.set_linger(Some(Duration::ZERO)).expect("a setting");
}

#[tokio::test]
async fn strange_sids_are_unknown() {
    let running = start_target();
    let canaries = Canaries::start(running.address).await;
    let long = "A".repeat(10_000);
    let valid = Polling::open(running.address).await.sid;
    let tampered = format!("{}{}", &valid[..29], if valid.ends_with('A') { 'B' } else { 'A' });
    let other_worker = format!("__8{}", &valid[3..]);
    for sid in [
        "__proto__",
        "constructor",
        "%00",
        "%F0%9F%98%80",
        "..%2F..",
        &long,
        &valid[..29],
        &tampered,
        &other_worker,
        "%FF%FE",
    ] {
        let answer =
            get(format!("/socket.io/?EIO=4&transport=polling&sid={sid}")).send(running.address).await;
        assert_eq!(answer.brief(), (400, r#"{"code":1,"message":"Session ID unknown"}"#), "{sid}");
        let target = format!("/socket.io/?EIO=4&transport=websocket&sid={sid}");
        assert_eq!(
            get(target).upgrade().send(running.address).await.brief(),
            (400, "Session ID unknown"),
            "{sid}"
        );
    }
    canaries.sing().await;
}

#[tokio::test]
async fn heads_are_bounded() {
    let running = start_target();
    let canaries = Canaries::start(running.address).await;
    let target = "/socket.io/?EIO=4&transport=polling";
    let many = "X: 1\r\n".repeat(10_000);
    for (head, expected) in [
        (format!("GET {target} HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(20_000)), "431"),
        (format!("GET {target} HTTP/1.1\r\nHost: x\r\n{many}\r\n"), "431"),
        (format!("GET {target}&x={} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(1_000_000)), "4"),
        ("GET\r\n\r\n".to_owned(), "400"),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\r\n\r\n".to_owned(), "400"),
    ] {
        let answer = String::from_utf8_lossy(&exchange(running.address, head.as_bytes()).await).into_owned();
        assert!(answer.is_empty() || answer.starts_with(&format!("HTTP/1.1 {expected}")), "{answer}");
    }
    canaries.sing().await;
}

#[tokio::test]
async fn requests_whose_length_is_unclear_are_not_split_in_two() {
    let running = start_target();
    let canaries = Canaries::start(running.address).await;
    for headers in [
        "Content-Length: 1\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 1",
        "Content-Length: 1\r\nContent-Length: 2",
        "Content-Length: +1",
        "Content-Length: 0x1",
        "Content-Length: 99999999999999999999999",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
        "X: 1\r\n folded: 2",
        "Content-Length : 1",
    ] {
        let polling = Polling::open(running.address).await;
        // If the body were taken for a second request, it would be answered like one.
        let smuggled =
            "GET /socket.io/socket.io.js?EIO=4&transport=polling&smuggled=1 HTTP/1.1\r\nHost: x\r\n\r\n";
        let request = format!(
            "POST {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n\r\n0\r\n\r\n{smuggled}",
            polling.target()
        );
        let stream = Pending::begin(running.address, request.as_bytes()).await;
        let answer = within(read_some(stream)).await;
        assert!(!answer.contains(r#"0{"sid""#), "{headers}: {answer}");
        assert!(answer.matches("HTTP/1.1").count() <= 1, "{headers}: {answer}");
    }
    for chunk in ["fffffffffffffffff\r\nx", "-1\r\nx", "zz\r\nx", "10000000000000000\r\nx"] {
        let polling = Polling::open(running.address).await;
        let request = format!(
            "POST {} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n{chunk}",
            polling.target()
        );
        let answer =
            String::from_utf8_lossy(&exchange(running.address, request.as_bytes()).await).into_owned();
        assert!(!answer.contains("200 OK"), "{chunk}: {answer}");
    }
    canaries.sing().await;
}

/// What comes until the server closes; a request that it waits for more of is given up.
async fn read_some(mut pending: Pending) -> String {
    pending.0.shutdown().await.ok();
    let mut bytes = Vec::new();
    let mut buffer = [0; 4_096];
    while let Ok(count @ 1..) = tokio::io::AsyncReadExt::read(&mut pending.0, &mut buffer).await {
        bytes.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn a_get_with_a_body_is_a_get() {
    let running = start_target();
    let request = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc";
    let answer = String::from_utf8_lossy(&exchange(running.address, request.as_bytes()).await).into_owned();
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 1, "{answer}");
}

#[tokio::test]
async fn unfinished_requests_hold_up_nobody() {
    let running = start_target();
    let canaries = Canaries::start(running.address).await;
    let before = running.io().connections();
    let mut unfinished = Vec::new();
    for _ in 0..100 {
        unfinished.push(Pending::begin(running.address, b"GET /socket.io/?EIO=4&transpo").await);
        let polling = Polling::open(running.address).await;
        let head = format!("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n4", polling.target());
        unfinished.push(Pending::begin(running.address, head.as_bytes()).await);
    }
    Polling::open(running.address).await.join().await;
    drop(unfinished);
    // A POST that is left ends its session.
    settled(&running, before + 1).await;
    canaries.sing().await;
}

#[tokio::test]
async fn abandoned_sessions_are_cleared_away() {
    let running =
        start(Server::builder().namespace(echoing(fenced(Namespace::new("/")))).configure(|config| {
            config.connect_timeout = Duration::from_millis(200);
        }));
    let canaries = Canaries::start(running.address).await;
    let before = running.io().connections();
    for _ in 0..300 {
        drop(Polling::open(running.address).await);
        drop(Ws::open(running.address).await);
    }
    settled(&running, before).await;
    canaries.sing().await;
}

#[tokio::test]
async fn a_reset_in_any_state_ends_one_connection() {
    let running = start_target();
    let canaries = Canaries::start(running.address).await;
    let before = running.io().connections();
    for _ in 0..20 {
        reset(TcpStream::connect(running.address).await.expect("the server accepts"));
        reset(Pending::begin(running.address, b"GET /socket").await.0);
        let handshake = get("/socket.io/?EIO=4&transport=polling").encode(running.address);
        reset(Pending::begin(running.address, &handshake).await.0);
        let handshake = get("/socket.io/?EIO=4&transport=websocket").upgrade().encode(running.address);
        reset(Pending::begin(running.address, &handshake).await.0);
        let polling = Polling::open(running.address).await;
        polling.send("40").await;
        let poll = get(polling.target()).encode(running.address);
        reset(Pending::begin(running.address, &poll).await.0);
        let polling = Polling::open(running.address).await;
        let attach = get(format!("/socket.io/?EIO=4&transport=websocket&sid={}", polling.sid)).upgrade();
        reset(Pending::begin(running.address, &attach.encode(running.address)).await.0);
        let mut probing = Ws::attach(running.address, &polling.sid).await;
        // The session may still have the socket that was reset.
        if probing.try_send("2probe".into()).await {
            reset(probing.stream.into_inner());
        }
        let mut ws = Ws::open(running.address).await;
        ws.send("40").await;
        reset(ws.stream.into_inner());
    }
    canaries.sing().await;
    settled(&running, before).await;
}

#[tokio::test]
async fn requests_after_the_end_of_a_session_are_answered() {
    let running = start_target();
    let polling = Polling::open(running.address).await;
    polling.send("1").await;
    // The poll that may have crossed the close packet is answered as if it had waited.
    assert_eq!(polling.get().await.brief(), (200, "6"));
    for _ in 0..3 {
        assert_eq!(polling.get().await.status, 400);
        assert_eq!(polling.post("40").await.status, 400);
    }
    let ws = get(format!("/socket.io/?EIO=4&transport=websocket&sid={}", polling.sid)).upgrade();
    assert_eq!(ws.send(running.address).await.brief(), (400, "Session ID unknown"));
}

/// A body of which nothing comes for a minute after somebody has begun to wait for it; then its client is gone.
#[derive(Default)]
struct Silent(Option<Pin<Box<tokio::time::Sleep>>>);

impl http_body::Body for Silent {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let minute = self.0.get_or_insert_with(|| Box::pin(tokio::time::sleep(Duration::from_secs(60))));
        std::task::ready!(minute.as_mut().poll(context));
        Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into())))
    }
}

/// The clock stands still until there is nothing but time to wait for. The worker has a clock of its own, so no time may be
/// waited for while it is asked.
#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_ends_its_request_and_its_session() {
    let running = start_target();
    let mut service = running.server.service();
    let target = "/socket.io/?EIO=4&transport=polling";
    let open = http::Request::get(target)
        .header("host", "127.0.0.1")
        .body(Full::<Bytes>::default())
        .expect("a request");
    let Ok(opened) = service.call(open).await;
    let opened = opened.into_body().collect().await.expect("a body in memory").to_bytes();
    let handshake: serde_json::Value = serde_json::from_slice(&opened[1..]).expect("a handshake");
    let target = format!("{target}&sid={}", handshake["sid"].as_str().expect("a sid"));

    let begin = tokio::time::Instant::now();
    let post =
        http::Request::post(&target).header("host", "127.0.0.1").body(Silent::default()).expect("a request");
    let Ok(answer) = service.call(post).await;
    assert_eq!(answer.status(), 408);
    assert_eq!(begin.elapsed().as_secs(), 20);
    let poll = http::Request::get(&target)
        .header("host", "127.0.0.1")
        .body(Full::<Bytes>::default())
        .expect("a request");
    let Ok(answer) = service.call(poll).await;
    assert_eq!(answer.status(), 400, "the session has ended");
}
