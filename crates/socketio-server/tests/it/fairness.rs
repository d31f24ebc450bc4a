//! Attackers that send at full speed beside polite clients, whose answers keep coming.
//!
//! How long an answer takes depends on the machine, so most tests count what the worker has handled meanwhile: a
//! connection is served for a limited number of packets, then it is the turn of the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use socketio_server::{Flow, Namespace, Pacing, Rate, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::harness::{Client, Polling, Running, fenced, get, start_with};

const ATTACKERS: usize = 4;
const PACKETS_MAX: usize = 64;

/// A server with one worker, on which everybody meets. Attacks are not ended by a limit, so that they last.
fn start_target(turn_packets_max: usize) -> (Running, Arc<AtomicUsize>) {
    let handled = Arc::new(AtomicUsize::new(0));
    let (counting, asked) = (Arc::clone(&handled), Arc::clone(&handled));
    let namespace = fenced(Namespace::new("/"))
        .on_sync("count", move |_| {
            counting.fetch_add(1, Ordering::Relaxed);
            Flow::Continue
        })
        .on_sync("how many", move |turn| {
            turn.reply(&asked.load(Ordering::Relaxed).to_string());
            Flow::Continue
        });
    let builder = Server::builder().namespace(namespace).configure(|config| {
        config.workers = 1;
        config.pacing = Pacing {
            turn_packets_max,
            control_frames: Rate { per_second: 0, burst: 0 },
            ..Pacing::default()
        };
    });
    (start_with(builder), handled)
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("a short frame");
    [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

fn text(packet: &str) -> Vec<u8> {
    frame(0x81, packet.as_bytes())
}

/// What the attackers repeat.
fn attacks() -> Vec<(&'static str, Vec<u8>)> {
    let attachment = [text(r#"451-["count",{"_placeholder":true,"num":0}]"#), frame(0x82, b"x")].concat();
    let fragments = [frame(0x01, b"4"), frame(0x00, b"").repeat(500), frame(0x80, br#"2["count"]"#)].concat();
    vec![
        ("pings", frame(0x89, b"")),
        ("pongs", frame(0x8a, b"")),
        ("pongs of Engine.IO", text("3")),
        ("unknown events", text(r#"42["nobody hears this"]"#)),
        ("stray answers", text("4377[]")),
        ("events", text(r#"42["count"]"#)),
        ("attachments", attachment),
        ("empty fragments", fragments),
        ("joining and leaving", [text("41"), text("40")].concat()),
    ]
}

/// Connections that repeat one thing as fast as the server takes it. They end with their runtime.
async fn attack(running: &Running, bytes: &[u8]) -> Vec<JoinHandle<()>> {
    let mut tasks = Vec::new();
    for _ in 0..ATTACKERS {
        let mut stream = TcpStream::connect(running.address).await.expect("the server accepts");
        let request = get("/socket.io/?EIO=4&transport=websocket").upgrade().encode(running.address);
        stream.write_all(&request).await.expect("the server reads");
        stream.write_all(&text("40")).await.expect("the server reads");
        let (mut read, mut write) = stream.into_split();
        let block = bytes.repeat((32 << 10) / bytes.len() + 1);
        tasks.push(tokio::spawn(async move { while write.write_all(&block).await.is_ok() {} }));
        tasks.push(tokio::spawn(async move {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(1..) = read.read(&mut buffer).await {}
        }));
    }
    tasks
}

fn end(tasks: &[JoinHandle<()>]) {
    tasks.iter().for_each(JoinHandle::abort);
}

/// How long the polite client waits for an answer, in the median of some.
async fn patience_needed(polite: &mut Client, asks: usize) -> Duration {
    let mut times = Vec::new();
    for _ in 0..asks {
        let begin = Instant::now();
        polite.ask(r#"["how many"]"#).await;
        times.push(begin.elapsed());
    }
    times.sort();
    times[asks / 2]
}

/// How many packets of attackers are handled between an event of the polite client and its answer, in the better quarter of
/// some. The worse ones tell of the time in which the test itself waits for a processor.
async fn packets_before_an_answer(polite: &mut Client, handled: &AtomicUsize) -> usize {
    let mut counts = Vec::new();
    for _ in 0..40 {
        let sent = handled.load(Ordering::Relaxed);
        let answer = polite.ask(r#"["how many"]"#).await;
        let count: usize = answer.trim_matches(['[', ']']).parse().expect("a number");
        counts.push(count - sent);
    }
    counts.sort_unstable();
    counts[10]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_polite_client_waits_for_a_few_packets_of_each_attacker() {
    let (running, handled) = start_target(PACKETS_MAX);
    let mut polite = Client::connect(running.address).await;
    let tasks = attack(&running, &text(r#"42["count"]"#)).await;
    let before = packets_before_an_answer(&mut polite, &handled).await;
    end(&tasks);
    assert!(before <= 8 * ATTACKERS * PACKETS_MAX, "{before} packets of attackers came first");
}

/// Connections that bring requests as fast as the server takes them, many at once.
async fn bring_requests(running: &Running) -> Vec<JoinHandle<()>> {
    let mut tasks = Vec::new();
    for _ in 0..ATTACKERS {
        let stream = TcpStream::connect(running.address).await.expect("the server accepts");
        let (mut read, mut write) = stream.into_split();
        let block = "GET /somewhere HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1_000);
        tasks.push(tokio::spawn(async move { while write.write_all(block.as_bytes()).await.is_ok() {} }));
        tasks.push(tokio::spawn(async move {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(1..) = read.read(&mut buffer).await {}
        }));
    }
    tasks
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_polite_client_waits_for_a_few_requests_of_each_attacker() {
    let handled = Arc::new(AtomicUsize::new(0));
    let (counting, asked) = (Arc::clone(&handled), Arc::clone(&handled));
    let namespace = Namespace::new("/").on_sync("how many", move |turn| {
        turn.reply(&asked.load(Ordering::Relaxed).to_string());
        Flow::Continue
    });
    let server = Server::builder().namespace(namespace).configure(|config| config.workers = 1);
    let server = server.build().expect("the server can be built");
    let listener = socketio_server::bind("127.0.0.1:0".parse().expect("an address")).expect("a port is free");
    let somewhere = axum::Router::new().fallback(move || {
        counting.fetch_add(1, Ordering::Relaxed);
        async { "found" }
    });
    let address = server.listen_with(listener, somewhere).expect("it can be shared");
    let running = Running { address, server };
    let mut polite = Client::connect(running.address).await;
    let tasks = bring_requests(&running).await;
    while handled.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    let before = packets_before_an_answer(&mut polite, &handled).await;
    end(&tasks);
    assert!(before <= 64 * ATTACKERS, "{before} requests of attackers came first");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_keep_coming_beside_every_flood() {
    let (running, _) = start_target(PACKETS_MAX);
    let (mut polite, polling) =
        (Client::connect(running.address).await, Polling::open(running.address).await);
    polling.join().await;
    for (name, bytes) in attacks() {
        let tasks = attack(&running, &bytes).await;
        for _ in 0..10 {
            polite.ask(r#"["how many"]"#).await;
        }
        polling.send(r#"421["how many"]"#).await;
        while !polling.poll().await.iter().any(|packet| packet.starts_with("431[")) {}
        assert!(polling.is_alive().await, "{name}");
        end(&tasks);
    }
    polite.fence().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_come_sooner_than_if_an_attacker_were_served_to_its_end() {
    let mut waits = Vec::new();
    for turn_packets_max in [PACKETS_MAX, usize::MAX] {
        let (running, _) = start_target(turn_packets_max);
        let mut polite = Client::connect(running.address).await;
        let tasks = attack(&running, &frame(0x89, b"")).await;
        waits.push(patience_needed(&mut polite, 9).await);
        end(&tasks);
    }
    assert!(waits[0] * 2 < waits[1], "{waits:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payloads_full_of_tiny_packets_leave_the_others_their_turns() {
    let (running, handled) = start_target(PACKETS_MAX);
    let mut polite = Client::connect(running.address).await;
    let mut tasks = Vec::new();
    for _ in 0..ATTACKERS {
        let polling = Polling::open(running.address).await;
        polling.join().await;
        tasks.push(tokio::spawn(async move {
            let packets = vec![r#"42["count"]"#; 40_000].join("\u{1e}");
            loop {
                polling.send(packets.clone()).await;
            }
        }));
    }
    let before = packets_before_an_answer(&mut polite, &handled).await;
    end(&tasks);
    assert!(before <= 8 * ATTACKERS * PACKETS_MAX, "{before} packets of attackers came first");
}
