//! HTTP connections that are kept, and heads: how long they may take, how large they may be, what they have to name.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use socketio_server::{
    BundleFile, ClientBundle, Config, DoorCount, Namespace, OriginPolicy, Pacing, Rate, RefusalKind, Server,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::http::{Pending, exchange, raw};
use crate::harness::{Polling, Running, Ws, get, post, start, start_plain, within};

const FOREVER: Duration = Duration::from_secs(3_600);
const SOON: Duration = Duration::from_millis(100);
const TARGET: &str = "/socket.io/?EIO=4&transport=polling";

fn start_with(change: impl FnOnce(&mut Config)) -> Running {
    start(Server::builder().namespace(Namespace::new("/")).configure(change))
}

/// Sends bytes on a connection and reads until the answer has its end of head.
async fn ask(stream: &mut TcpStream, bytes: &str) -> String {
    stream.write_all(bytes.as_bytes()).await.expect("the server reads");
    let mut answer = Vec::new();
    within(async {
        while !answer.windows(4).any(|window| window == b"\r\n\r\n") {
            assert!(stream.read_buf(&mut answer).await.expect("the server writes") > 0, "the end");
        }
    })
    .await;
    // Frames may follow.
    String::from_utf8_lossy(&answer).into_owned()
}

/// A refused head is counted when its connection ends, which the client may notice first.
async fn until_one_head_was_refused(running: &Running) {
    within(async {
        while running.io().refused(RefusalKind::HeadTooLarge) == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(running.io().refused(RefusalKind::HeadTooLarge), 1);
}

async fn until_closed(mut stream: TcpStream) {
    let mut rest = Vec::new();
    // A reset is an end as well.
    drop(within(stream.read_to_end(&mut rest)).await);
}

/// A connection that has been answered, and could be used again.
async fn kept(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("the server accepts");
    let answer = ask(&mut stream, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    stream
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_own_time_and_a_begun_head_is_not() {
    let running = start_with(|config| (config.idle_timeout, config.head_timeout) = (SOON, FOREVER));
    let mut begun = kept(running.address).await;
    begun.write_all(b"GET /nothing HT").await.expect("the server reads");
    until_closed(kept(running.address).await).await;
    let answer = ask(&mut begun, "TP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

#[tokio::test]
async fn a_head_has_its_own_deadline_and_an_idle_connection_lives_longer() {
    let running = start_with(|config| (config.idle_timeout, config.head_timeout) = (FOREVER, SOON));
    let mut idle = kept(running.address).await;
    let mut begun = kept(running.address).await;
    begun.write_all(b"GET /nothing HT").await.expect("the server reads");
    until_closed(begun).await;
    until_closed(TcpStream::connect(running.address).await.expect("the server accepts")).await;
    until_closed(Pending::begin(running.address, b"GET /nothing HT").await.0).await;
    let answer = ask(&mut idle, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

#[tokio::test]
async fn requests_beyond_the_rate_of_a_connection_are_answered_later_and_in_order() {
    const RATE: Rate = Rate { per_second: 50, burst: 5 };
    let pacing = Pacing { requests: RATE, loopback: true, ..Pacing::default() };
    let running = start_with(|config| config.pacing = pacing);
    let begun = Instant::now();
    let (mut quick, mut other) = (kept(running.address).await, kept(running.address).await);
    let several = "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n".repeat(10);
    quick.write_all(several.as_bytes()).await.expect("the server reads");
    quick
        .write_all(b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await
        .expect("the server reads");
    let answer = ask(&mut other, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    let mut answers = String::new();
    within(quick.read_to_string(&mut answers)).await.expect("the server writes");
    assert_eq!(answers.matches("HTTP/1.1 404").count(), 11, "{answers}");
    // One was allowed before them, and five at once.
    assert!(begun.elapsed() >= Duration::from_millis(7 * 20 - 20), "{:?}", begun.elapsed());
    assert!(running.io().stats().await.door[DoorCount::LaterRequests] > 0);
}

#[tokio::test]
async fn requests_of_a_client_on_loopback_and_of_a_trusted_proxy_have_no_rate() {
    const RATE: Rate = Rate { per_second: 1, burst: 1 };
    let local = Pacing { requests: RATE, ..Pacing::default() };
    let proxied = Pacing { loopback: true, ..local };
    for (pacing, proxies) in [(local, "192.0.2.1"), (proxied, "127.0.0.1")] {
        let running = start_with(|config| {
            config.pacing = pacing;
            config.trusted_proxies = proxies.parse().expect("networks");
        });
        let mut stream = kept(running.address).await;
        for _ in 0..20 {
            ask(&mut stream, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n").await;
        }
        assert_eq!(running.io().stats().await.door[DoorCount::LaterRequests], 0, "{proxies}");
    }
}

#[tokio::test]
async fn a_client_that_reads_nothing_of_its_answer_is_left() {
    const BYTES: usize = 64 << 20;
    let server = Server::builder().namespace(Namespace::new("/"));
    let server =
        server.configure(|config| config.stall_timeout = SOON).build().expect("the server can be built");
    let listener = socketio_server::bind("127.0.0.1:0".parse().expect("an address")).expect("a port is free");
    let (left, ended) = tokio::sync::oneshot::channel::<()>();
    let left = std::sync::Arc::new(std::sync::Mutex::new(Some(left)));
    let much = axum::Router::new().fallback(move || {
        let left = left.lock().expect("nobody panics").take();
        let body = bytes::Bytes::from_owner(Answer { bytes: vec![b'x'; BYTES], _left: left });
        async { body }
    });
    let address = server.listen_with(listener, much).expect("it can be shared");
    let mut stream = TcpStream::connect(address).await.expect("the server accepts");
    stream.write_all(b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("the server reads");
    // Nobody has the answer any more.
    assert!(within(ended).await.is_err());
    drop((stream, server));
}

/// An answer that tells when it is dropped.
struct Answer {
    bytes: Vec<u8>,
    _left: Option<tokio::sync::oneshot::Sender<()>>,
}

impl AsRef<[u8]> for Answer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[tokio::test]
async fn a_head_may_have_a_thousand_fields_and_not_one_more() {
    let running = start_plain();
    // `Host` and `Connection` are fields as well; each of the others is as short as a field can be.
    let polls = |count: usize| {
        let fields = "a: b\r\n".repeat(count - 2);
        format!("GET {TARGET} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n")
    };
    assert_eq!(raw(running.address, polls(1_000).as_bytes()).await.status, 200);
    assert_eq!(running.io().refused(RefusalKind::HeadTooLarge), 0);
    assert_eq!(raw(running.address, polls(1_001).as_bytes()).await.status, 431);
    until_one_head_was_refused(&running).await;
}

#[tokio::test]
async fn a_websocket_may_come_with_a_thousand_fields() {
    let running = start_plain();
    let fields = "x: y\r\n".repeat(900);
    let request = format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{fields}\r\n"
    );
    let mut stream = TcpStream::connect(running.address).await.expect("the server accepts");
    let answer = ask(&mut stream, &request).await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
}

#[tokio::test]
async fn a_head_over_its_bytes_is_refused_and_counted() {
    let running = start_plain();
    for (bytes, status) in [(15_000, 200), (20_000, 431)] {
        let answer = get(TARGET).header("Cookie", "c".repeat(bytes)).send(running.address).await;
        assert_eq!(answer.status, status, "{bytes}");
    }
    until_one_head_was_refused(&running).await;
}

#[tokio::test]
async fn a_request_names_its_host_once() {
    let running = start_plain();
    let websocket = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (version, fields, status) in [
        ("HTTP/1.1", "Host: x\r\n", "404"),
        ("HTTP/1.1", "", "400"),
        ("HTTP/1.1", "Host: x\r\nHost: x\r\n", "400"),
        ("HTTP/1.1", "Host: x\r\nhost: y\r\n", "400"),
        ("HTTP/1.0", "", "404"),
        ("HTTP/1.0", "Host: x\r\nHost: y\r\n", "400"),
    ] {
        let request = format!("GET /nothing {version}\r\n{fields}Connection: close\r\n\r\n");
        let answer = exchange(running.address, request.as_bytes()).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert_eq!(answer.split(' ').nth(1), Some(status), "{version} {fields:?}");
    }
    for fields in ["", "Host: x\r\nHost: y\r\n"] {
        let request =
            format!("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n{fields}{websocket}\r\n");
        assert_eq!(raw(running.address, request.as_bytes()).await.status, 400, "{fields:?}");
    }
    assert_eq!(running.io().refused(RefusalKind::Malformed), 6);
}

#[tokio::test]
async fn a_websocket_handshake_with_a_body_is_refused() {
    let running = start_plain();
    let open = |name: &str, value: &str| {
        get("/socket.io/?EIO=4&transport=websocket").upgrade().header(name, value).send(running.address)
    };
    for (name, value) in [("Content-Length", "5"), ("Transfer-Encoding", "chunked")] {
        assert_eq!(open(name, value).await.brief(), (400, "A WebSocket handshake has no body"), "{name}");
    }
    let target = "/socket.io/?EIO=4&transport=websocket";
    Ws::open_with(running.address, target, &[("Content-Length", "0")]).await;
}

#[tokio::test]
async fn refused_requests_are_counted_by_kind() {
    let running = start_plain();
    let counts = || {
        use RefusalKind::{BodyTooLarge, HeadTooLarge, Malformed, NoUpgrade, Origin, Protocol};
        [Origin, NoUpgrade, Protocol, HeadTooLarge, BodyTooLarge, Malformed]
            .map(|kind| running.io().refused(kind))
    };
    let polling = Polling::open(running.address).await;
    assert_eq!(counts(), [0; 6]);
    assert_eq!(polling.post("4".repeat(1_000_001)).await.status, 413);
    get("/socket.io/?EIO=3&transport=polling").send(running.address).await;
    get("/socket.io/?EIO=4&transport=websocket").send(running.address).await;
    get(format!("/socket.io/?EIO=4&transport=websocket&sid={}", polling.sid)).send(running.address).await;
    raw(running.address, b"GET /a<b HTTP/1.1\r\nHost: x\r\n\r\n").await;
    get(TARGET).header("Origin", "https://evil.example").send(running.address).await;
    assert_eq!(counts(), [1, 2, 1, 0, 1, 1]);
}

#[tokio::test]
async fn every_answer_says_that_it_is_no_page() {
    let bundle = |origins: OriginPolicy| {
        let bundle = ClientBundle::new("4.8.4", [BundleFile::script("socket.io.js", "1")]).expect("a bundle");
        let builder = Server::builder().namespace(Namespace::new("/")).client_bundle(bundle);
        start(builder.configure(|config| config.origins = origins))
    };
    let listed = OriginPolicy::list(["https://good.example"]).expect("an origin");
    for (origins, readers) in [
        (OriginPolicy::SameOrigin, "same-origin"),
        (OriginPolicy::Any, "cross-origin"),
        (listed, "cross-origin"),
    ] {
        let running = bundle(origins);
        let polling = Polling::open(running.address).await;
        for (request, status, readers) in [
            (get("/socket.io/socket.io.js"), 200, readers),
            (get("/socket.io/socket.io.js").header("If-None-Match", "*"), 304, readers),
            (get(TARGET), 200, "same-origin"),
            (post(polling.target(), "40"), 200, "same-origin"),
            (get(polling.target()), 200, "same-origin"),
            (get(TARGET).header("Host", "a").header("Host", "b"), 400, "same-origin"),
            (get("/socket.io/?EIO=4&transport=pigeon"), 400, "same-origin"),
            (get("/socket.io/?EIO=4&transport=pigeon").upgrade(), 400, "same-origin"),
            (get("/elsewhere"), 404, "same-origin"),
        ] {
            let answer = request.send(running.address).await;
            assert_eq!(answer.status, status, "{answer:?}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{answer:?}");
            let policy = Some("default-src 'none'; frame-ancestors 'none'");
            assert_eq!(answer.header("content-security-policy"), policy, "{answer:?}");
            assert_eq!(answer.header("cross-origin-resource-policy"), Some(readers), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn a_websocket_over_http_1_0_is_refused_and_counted() {
    let running = start_plain();
    for (version, status) in [("1.0", "400"), ("1.1", "101")] {
        let request = format!(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/{version}\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        let mut stream = TcpStream::connect(running.address).await.expect("the server accepts");
        let answer = ask(&mut stream, &request).await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{answer}");
        assert_eq!(running.io().refused(RefusalKind::NoUpgrade), 1);
    }
}
