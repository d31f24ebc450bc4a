//! Hostile frames on a WebSocket (attacks A19 to A28): each breaks its own connection and no other.

use socketio_server::{Namespace, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Canaries, Client, Polling, Running, Ws, echoing, fenced, get, start, within};

fn start_target() -> Running {
    let namespace = echoing(fenced(Namespace::new("/")));
    start(Server::builder().namespace(namespace).configure(|config| config.engine.max_payload = 10_000))
}

/// A WebSocket without a library in between; the open packet has been read.
struct Raw(TcpStream);

impl Raw {
    async fn open(running: &Running) -> Self {
        let mut stream = TcpStream::connect(running.address).await.expect("the server accepts");
        let request = get("/socket.io/?EIO=4&transport=websocket").upgrade().encode(running.address);
        stream.write_all(&request).await.expect("the server reads");
        let mut seen = Vec::new();
        while !seen.ends_with(b"}") {
            let mut buffer = [0; 1024];
            let count = within(stream.read(&mut buffer)).await.expect("bytes");
            assert_ne!(count, 0);
            seen.extend_from_slice(&buffer[..count]);
        }
        Self(stream)
    }

    /// Sends bytes although the server may have had enough of them.
    async fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).await.is_ok()
    }

    /// The code of the close frame that comes at last, if one comes.
    async fn end(mut self) -> Option<u16> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 4_096];
        within(async {
            while let Ok(count @ 1..) = self.0.read(&mut buffer).await {
                bytes.extend_from_slice(&buffer[..count]);
            }
        })
        .await;
        let close = bytes.windows(4).rev().find(|window| window[0] == 0x88 && window[1] == 2);
        close.map(|close| u16::from_be_bytes([close[2], close[3]]))
    }
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | u8::try_from(length).expect("small")),
        length => {
            frame.push(0x80 | 0x7e);
            frame.extend_from_slice(&u16::try_from(length).expect("a small payload").to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

#[tokio::test]
async fn each_violation_of_the_rfc_has_its_close_code() {
    let running = start_target();
    let canaries = Canaries::start(running.address).await;
    let unmasked = vec![0x81, 2, b'4', b'0'];
    let long_ping = frame(0x89, &[0; 126]);
    let interrupted = [frame(0x01, b"4"), frame(0x81, b"40")].concat();
    let huge = [&[0x82, 0x80 | 0x7f][..], &u64::MAX.to_be_bytes(), &[0; 4]].concat();
    let large = [&[0x82, 0x80 | 0x7f][..], &10_001_u64.to_be_bytes(), &[0; 4]].concat();
    let split_utf8 = [frame(0x01, &[b'4', 0xe2]), frame(0x00, &[0x28]), frame(0x80, &[0xa1])].concat();
    for (name, bytes, code) in [
        ("a reserved bit", frame(0xc1, b"40"), Some(1002)),
        ("another reserved bit", frame(0xa1, b"40"), Some(1002)),
        ("a reserved opcode", frame(0x83, b"40"), Some(1002)),
        ("a reserved control opcode", frame(0x8b, b""), Some(1002)),
        ("no mask", unmasked, Some(1002)),
        ("a fragmented ping", frame(0x09, b""), Some(1002)),
        ("a ping that is too long", long_ping, Some(1002)),
        ("a continuation of nothing", frame(0x80, b"40"), Some(1002)),
        ("a message within a message", interrupted, Some(1002)),
        ("a length beyond everything", huge, None),
        ("a length beyond the limit", large, Some(1009)),
        ("text that is not UTF-8", frame(0x81, &[b'4', 0xff]), Some(1007)),
        ("text that is not UTF-8, in fragments", split_utf8, Some(1007)),
        ("a close frame of one byte", frame(0x88, &[3]), Some(1002)),
        ("a close code that may not be sent", frame(0x88, &1005_u16.to_be_bytes()), Some(1002)),
        ("a close reason that is not UTF-8", frame(0x88, &[0x03, 0xe8, 0xff]), Some(1007)),
        ("an honest close", frame(0x88, &1000_u16.to_be_bytes()), Some(1000)),
    ] {
        let mut raw = Raw::open(&running).await;
        raw.send(&bytes).await;
        let got = raw.end().await;
        assert!(got == code || (code.is_none() && matches!(got, Some(1002 | 1009))), "{name}: {got:?}");
    }
    canaries.sing().await;
}

#[tokio::test]
async fn a_length_that_is_only_claimed_costs_nothing() {
    let running = start_target();
    let canaries = Canaries::start(running.address).await;
    let mut claims = Vec::new();
    for _ in 0..200 {
        let mut raw = Raw::open(&running).await;
        raw.send(&[&[0x82, 0x80 | 0x7f][..], &9_999_u64.to_be_bytes(), &[0; 4]].concat()).await;
        claims.push(raw);
    }
    canaries.sing().await;
}

#[tokio::test]
async fn fragments_without_an_end_are_bounded() {
    let running = start_target();
    let canaries = Canaries::start(running.address).await;
    for payload in [&b""[..], b"x"] {
        let mut raw = Raw::open(&running).await;
        raw.send(&frame(0x01, b"4")).await;
        let some = frame(0x00, payload).repeat(1_000);
        raw.send(&some).await;
        raw.send(&some).await;
        assert!(matches!(raw.end().await, Some(1008 | 1009)));
    }
    canaries.sing().await;
}

#[tokio::test]
async fn a_flood_of_pings_is_survived() {
    let running = start_target();
    let canaries = Canaries::start(running.address).await;
    let mut raw = Raw::open(&running).await;
    let pings = frame(0x89, &[7; 125]).repeat(1_000);
    for _ in 0..20 {
        // The pongs are not read: at some point it is not taken any more, or closed.
        if tokio::time::timeout(std::time::Duration::from_millis(200), raw.send(&pings)).await != Ok(true) {
            break;
        }
    }
    canaries.sing().await;
}

#[tokio::test]
async fn a_storm_of_upgrades_leaves_one_transport_for_each_session() {
    let running = start_target();
    let canaries = Canaries::start(running.address).await;
    let polling = Polling::open(running.address).await;
    polling.join().await;
    let mut storm = Vec::new();
    for _ in 0..50 {
        let (address, sid) = (running.address, polling.sid.clone());
        storm.push(tokio::spawn(async move {
            let mut ws = Ws::attach(address, &sid).await;
            ws.try_send("2probe".into()).await;
            (ws.next().await, ws)
        }));
    }
    let mut winners = Vec::new();
    for attempt in storm {
        let (received, ws) = within(attempt).await.expect("no panic");
        if received == crate::harness::Received::Text("3probe".into()) {
            winners.push(ws);
        }
    }
    assert_eq!(winners.len(), 1);
    let mut ws = winners.remove(0);
    ws.send("5").await;
    Client::over(ws).fence().await;
    canaries.sing().await;
}

#[tokio::test]
async fn the_upgrade_packet_without_a_probe_switches_as_it_does_in_node() {
    let running = start_target();
    let polling = Polling::open(running.address).await;
    polling.join().await;
    let mut ws = Ws::attach(running.address, &polling.sid).await;
    ws.send("5").await;
    Client::over(ws).fence().await;
}

#[tokio::test]
async fn both_transports_written_at_once_during_an_upgrade_are_both_read_once() {
    let running = start_target();
    let polling = Polling::open(running.address).await;
    polling.join().await;
    let mut ws = Ws::attach(running.address, &polling.sid).await;
    ws.send("2probe").await;
    assert_eq!(ws.text().await, "3probe");
    polling.send(r#"421["echo","by polling"]"#).await;
    ws.send("5").await;
    ws.send(r#"422["echo","by websocket"]"#).await;
    assert_eq!(ws.text().await, r#"431["by polling"]"#);
    assert_eq!(ws.text().await, r#"432["by websocket"]"#);
}
