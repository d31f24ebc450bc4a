//! Sessions that begin as a WebSocket, and the rules of the WebSocket itself.

use std::net::SocketAddr;

use socketio_server::{Arg, DisconnectReason, Namespace, Server, Socket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Client, Received, Running, Ws, fenced, get, start, within};

fn start_watched() -> (Running, mpsc::Receiver<DisconnectReason>) {
    let (left, reasons) = mpsc::channel(16);
    let namespace = fenced(Namespace::new("/"))
        .on("say", |socket: Socket, Arg(text): Arg<String>| async move {
            let _ = socket.emit("said", &text);
        })
        .on_disconnect(move |reason: DisconnectReason| {
            let left = left.clone();
            async move { left.send(reason).await.expect("the test listens") }
        });
    let builder =
        Server::builder().namespace(namespace).configure(|config| config.engine.max_payload = 1_000);
    (start(builder), reasons)
}

async fn reason(reasons: &mut mpsc::Receiver<DisconnectReason>) -> &'static str {
    within(reasons.recv()).await.expect("a socket has left").as_str()
}

#[tokio::test]
async fn the_open_packet_offers_no_upgrade() {
    let (running, _reasons) = start_watched();
    let stream = TcpStream::connect(running.address).await.expect("the server accepts");
    let mut ws = Ws::over(stream, running.address, "/socket.io/?EIO=4&transport=websocket", &[]).await;
    let open = ws.text().await;
    assert!(open.starts_with(r#"0{"sid":""#), "{open}");
    assert!(
        open.ends_with(r#","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000}"#),
        "{open}"
    );
}

/// Opens a WebSocket by a request with some more headers, with frames behind it in the same segment.
async fn open_with_frames_behind(address: SocketAddr, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("the server accepts");
    let mut bytes = get("/socket.io/?EIO=4&transport=websocket").upgrade().encode(address);
    bytes.truncate(bytes.len() - 2);
    bytes.extend_from_slice(headers.as_bytes());
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&masked(0x81, b"40"));
    for number in 0..100 {
        bytes.extend_from_slice(&masked(0x81, format!(r#"42["say","{number}"]"#).as_bytes()));
    }
    stream.write_all(&bytes).await.expect("the server reads");
    let mut seen = Vec::new();
    while !contains(&seen, br#"42["said","99"]"#) {
        let mut buffer = [0; 1024];
        let count = within(stream.read(&mut buffer)).await.expect("bytes");
        assert_ne!(count, 0, "closed: {}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8_lossy(&seen).into_owned()
}

#[tokio::test]
async fn frames_that_arrive_with_the_request_are_not_lost() {
    let (running, _reasons) = start_watched();
    let answer = open_with_frames_behind(running.address, "").await;
    assert!(answer.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{answer}");
    // It did not take the way of all others, which is dearer.
    assert!(!answer.contains("\r\ndate: "), "{answer}");
}

#[tokio::test]
async fn frames_that_arrive_with_a_request_for_hyper_are_not_lost() {
    let (running, _reasons) = start_watched();
    // HTTP reads 8 KiB at a time: some frames come with the head, and most after it.
    let padded = format!("Content-Length: 0\r\nX: {}\r\n", "x".repeat(7_900));
    for headers in ["Content-Length: 0\r\n", &padded] {
        let answer = open_with_frames_behind(running.address, headers).await;
        assert!(answer.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{answer}");
        // HTTP dates its answers.
        assert!(answer.contains("\r\ndate: "), "{answer}");
    }
}

#[tokio::test]
async fn a_request_that_comes_in_pieces_opens_too() {
    let (running, _reasons) = start_watched();
    let mut stream = TcpStream::connect(running.address).await.expect("the server accepts");
    stream.set_nodelay(true).expect("a setting");
    for byte in get("/socket.io/?EIO=4&transport=websocket").upgrade().encode(running.address) {
        stream.write_all(&[byte]).await.expect("the server reads");
        tokio::task::yield_now().await;
    }
    let mut buffer = [0; 1024];
    let count = within(stream.read(&mut buffer)).await.expect("bytes");
    assert!(buffer[..count].starts_with(b"HTTP/1.1 101 "));
}

fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first, 0x80 | u8::try_from(payload.len()).expect("a short frame"), 0, 0, 0, 0];
    frame.extend_from_slice(payload);
    frame
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[tokio::test]
async fn a_message_over_the_limit_closes_with_1009() {
    let (running, mut reasons) = start_watched();
    let mut client = Client::connect(running.address).await;
    client.ws.send(&"4".repeat(1_001)).await;
    assert_eq!(client.closed().await, Some(1009));
    assert_eq!(reason(&mut reasons).await, "transport error");

    let mut client = Client::connect(running.address).await;
    let fits = format!(r#"2["say","{}"]"#, "x".repeat(1_000 - 12));
    client.send(&fits).await;
    assert_eq!(client.next().await.len(), fits.len() + 1);
}

#[tokio::test]
async fn a_message_may_come_in_fragments() {
    let (running, _reasons) = start_watched();
    let mut client = Client::connect(running.address).await;
    let mut raw = Vec::new();
    raw.extend(masked(0x01, br#"42["say","#));
    raw.extend(masked(0x89, b"between"));
    raw.extend(masked(0x00, "\"\u{2603}".as_bytes().get(..2).expect("half a snowman")));
    raw.extend(masked(0x80, "\u{2603}\"]".as_bytes().get(1..).expect("the other half")));
    client.ws.stream.get_mut().write_all(&raw).await.expect("the server reads");
    assert_eq!(client.next().await, "2[\"said\",\"\u{2603}\"]");
}

#[tokio::test]
async fn a_ping_frame_is_answered_by_a_pong_frame() {
    use futures_util::StreamExt;
    let (running, _reasons) = start_watched();
    let mut client = Client::connect(running.address).await;
    assert!(client.ws.try_send(Message::Ping(vec![1, 2, 3].into())).await);
    let pong = within(client.ws.stream.next()).await.expect("a frame").expect("a frame");
    assert_eq!(pong, Message::Pong(vec![1, 2, 3].into()));
}

#[tokio::test]
async fn every_end_of_a_websocket_has_its_reason() {
    let (running, mut reasons) = start_watched();
    let mut client = Client::connect(running.address).await;
    client.ws.try_send(Message::Close(None)).await;
    assert_eq!(reason(&mut reasons).await, "transport close");

    drop(Client::connect(running.address).await);
    assert_eq!(reason(&mut reasons).await, "transport close");

    let mut client = Client::connect(running.address).await;
    client.ws.send("1").await;
    assert_eq!(client.closed().await, None, "at once, not when a ping has gone unanswered");
    assert_eq!(reason(&mut reasons).await, "transport close");

    for garbage in ["", "7", "hello"] {
        let mut client = Client::connect(running.address).await;
        client.ws.send(garbage).await;
        assert_eq!(client.closed().await, Some(1002), "{garbage}");
        assert_eq!(reason(&mut reasons).await, "parse error", "{garbage}");
    }

    let mut client = Client::connect(running.address).await;
    client.send("abc").await;
    assert_eq!(client.closed().await, Some(1002));
    assert_eq!(reason(&mut reasons).await, "forced close");
}

/// What a server sends until it ends the connection.
async fn rest(client: &mut Client) -> Vec<u8> {
    let mut bytes = Vec::new();
    let stream = client.ws.stream.get_mut();
    within(stream.read_to_end(&mut bytes)).await.expect("the connection ends in order");
    bytes
}

#[tokio::test]
async fn a_close_frame_is_answered_once() {
    let (running, _reasons) = start_watched();
    let mut client = Client::connect(running.address).await;
    let close = masked(0x88, &1000_u16.to_be_bytes());
    client.ws.stream.get_mut().write_all(&close).await.expect("the server reads");
    assert_eq!(rest(&mut client).await, [0x88, 2, 0x03, 0xe8]);
}

#[tokio::test]
async fn a_stream_that_ends_without_a_close_frame_gets_none() {
    let (running, mut reasons) = start_watched();
    let mut client = Client::connect(running.address).await;
    client.ws.stream.get_mut().shutdown().await.expect("the server reads");
    assert!(rest(&mut client).await.is_empty());
    assert_eq!(reason(&mut reasons).await, "transport close");
}

#[tokio::test]
async fn the_websocket_handshake_is_checked() {
    let (running, _reasons) = start_watched();
    let target = "/socket.io/?EIO=4&transport=websocket";
    let base = || get(target).header("Upgrade", "websocket").header("Connection", "Upgrade");
    let no_key = base().header("Sec-WebSocket-Version", "13").send(running.address).await;
    assert_eq!((no_key.status, no_key.header("connection")), (400, Some("close")));
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    let version = base().header("Sec-WebSocket-Version", "12").header("Sec-WebSocket-Key", key);
    let version = version.send(running.address).await;
    assert_eq!((version.status, version.header("sec-websocket-version")), (400, Some("13")));
    let short = base().header("Sec-WebSocket-Version", "13").header("Sec-WebSocket-Key", "c2hvcnQ=");
    assert_eq!(short.send(running.address).await.status, 400);
}

#[tokio::test]
async fn no_extension_is_agreed_upon() {
    let (running, _reasons) = start_watched();
    let headers = [("sec-websocket-extensions", "permessage-deflate; client_max_window_bits")];
    let ws = Ws::open_with(running.address, "/socket.io/?EIO=4&transport=websocket", &headers).await;
    let mut client = Client::over(ws);
    client.join("/", "").await;
    client.fence().await;
}

#[tokio::test]
async fn the_client_sees_the_end_of_a_connection_that_the_server_closes() {
    let (running, _reasons) = start_watched();
    let mut client = Client::connect(running.address).await;
    client.send("44{}").await;
    assert_eq!(client.closed().await, Some(1008));
    assert_eq!(client.ws.next().await, Received::End);
}
