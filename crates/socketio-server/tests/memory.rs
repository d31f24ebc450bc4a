//! What a server says that it takes of the memory for its feeds and for unfinished input, beside what the allocator has
//! given out: all blocks of the process are counted, so this test is alone in its binary. The threads of a server end after it
//! does, so what needs none comes first.

use std::alloc::System;
use std::net::SocketAddr;

use socketio_server::{Feed, FeedConfig, FeedEntry, Frame, MemberChange, Namespace, Selection, Server};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What an allocator takes for a block beside the bytes that were asked for: its own word, and whole sixteens.
const BESIDE_A_BLOCK: usize = 16;

/// So much may the account be wrong, in percent.
const TOLERANCE: usize = 6;

/// Bytes that the process holds now beyond those at the start of `region`.
fn held(region: &Region<'_, System>) -> usize {
    let change = region.change();
    let blocks = change.allocations - change.deallocations;
    change.bytes_allocated - change.bytes_deallocated + blocks * BESIDE_A_BLOCK
}

/// Numbers from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn entry(&mut self) -> FeedEntry {
        let length = [2, 64, 64, 300, 3_000][usize::try_from(self.below(5)).expect("small")];
        let text = "x".repeat(usize::try_from(self.below(length)).expect("small"));
        let room = format!("r:{}", self.below(1_000_000));
        let audience = match self.below(4) {
            0 => Selection::everyone(),
            1 => Selection::room(room).except(format!("u:{}", self.below(100))),
            2 => Selection::room(room).to("another"),
            _ => Selection::room(room),
        };
        let entry = FeedEntry::new(audience, Frame::text(&format!(r#"2["said","{text}"]"#)));
        match self.below(12) {
            0 => FeedEntry::silent(),
            1 => entry.with_changes([MemberChange::enter("u:ada", "r:7")]),
            2 => entry.with_anchor(1),
            _ => entry,
        }
    }
}

/// Publishes and scrubs as `seed` says, and compares the account with the allocator's from time to time.
fn check(seed: u64, batch_max: u64, ring_bytes_max: usize) {
    let mut random = Random(seed);
    let region = Region::new(ALLOCATOR);
    let feed = Feed::new(FeedConfig { ring_bytes_max, ..FeedConfig::in_memory() });
    let empty = held(&region);
    let mut next = 1;
    for round in 1..=600 {
        let count = 1 + random.below(batch_max);
        let entries = (0..count).map(|_| random.entry()).collect();
        feed.publish(next, entries, Vec::new());
        next += count;
        if random.below(10) == 0 {
            feed.replace(1 + random.below(next - 1), random.entry());
        }
        if round % 100 == 0 {
            let (account, really) = (feed.memory(), held(&region) - empty);
            let difference = account.abs_diff(really) * 100 / really;
            assert!(
                difference <= TOLERANCE,
                "seed {seed}, batches of {batch_max}: {account} instead of {really}"
            );
            assert!(account <= ring_bytes_max, "{account} bytes in a ring of {ring_bytes_max}");
        }
    }
}

fn feeds() {
    for seed in 1..=2 {
        for batch_max in [1, 3, 100] {
            check(seed, batch_max, 64 << 20);
            check(seed, batch_max, 1 << 20);
        }
    }
}

const OPENING: &str = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\n\
    Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A frame with a mask of zeros; its payload may be cut.
fn frame(first: u8, length: usize, payload: &[u8]) -> Vec<u8> {
    let length = u64::try_from(length).expect("small").to_be_bytes();
    [&[first, 0x80 | 0x7f][..], &length, &[0; 4], payload].concat()
}

async fn until(stream: &mut TcpStream, text: &str) -> String {
    let mut seen = Vec::new();
    loop {
        let count = stream.read_buf(&mut seen).await.expect("the connection is open");
        let seen = String::from_utf8_lossy(&seen);
        assert!(count > 0, "the end came after {seen}");
        if seen.contains(text) {
            return seen.into_owned();
        }
    }
}

/// A WebSocket that has joined.
async fn websocket(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("the server accepts");
    stream.write_all(OPENING.as_bytes()).await.expect("the server reads");
    until(&mut stream, "pingInterval").await;
    stream.write_all(&frame(0x81, 2, b"40")).await.expect("the server reads");
    until(&mut stream, "40{").await;
    stream
}

/// A connection whose polling session has joined, and the head of a POST of so many bytes.
async fn polling(address: SocketAddr, length: usize) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(address).await.expect("the server accepts");
    let target = "/socket.io/?EIO=4&transport=polling";
    let head = |method: &str, sid: &str, length: usize| {
        format!("{method} {target}{sid} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n\r\n")
    };
    stream.write_all(head("GET", "", 0).as_bytes()).await.expect("the server reads");
    let answer = until(&mut stream, "maxPayload").await;
    let sid = answer.split("\"sid\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an id");
    let sid = format!("&sid={sid}");
    let join = head("POST", &sid, 2) + "40";
    stream.write_all(join.as_bytes()).await.expect("the server reads");
    until(&mut stream, "ok").await;
    (stream, head("POST", &sid, length))
}

/// What the account and the allocator say after so many connections have sent `payload`, beyond what they said before.
async fn unfinished(kind: &str, lengths: &[usize]) {
    let builder = Server::builder().namespace(Namespace::new("/")).configure(|config| config.workers = 1);
    let server = builder.build().expect("the server can be built");
    let listener = socketio_server::bind("127.0.0.1:0".parse().expect("an address")).expect("a port is free");
    let address = server.listen(listener).expect("the listener can be shared");
    let mut clients = Vec::new();
    for length in lengths {
        let (stream, payload) = match kind {
            "half messages" => (websocket(address).await, frame(0x81, 990_000, &vec![b'4'; *length])),
            "half attachments" => {
                let packet = br#"451-["a",{"_placeholder":true,"num":0}]"#;
                let packet = frame(0x81, packet.len(), packet);
                (websocket(address).await, [packet, frame(0x82, 990_000, &vec![b'x'; *length])].concat())
            }
            "packets that lack their last attachment" => {
                let packet = br#"452-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
                let packet = frame(0x81, packet.len(), packet);
                (websocket(address).await, [packet, frame(0x82, *length, &vec![b'x'; *length])].concat())
            }
            "half POSTs" => {
                let (stream, head) = polling(address, 990_000).await;
                (stream, [head.into_bytes(), vec![b'4'; *length]].concat())
            }
            other => panic!("{other} are not known"),
        };
        clients.push((stream, payload));
    }
    let mut probe = websocket(address).await;
    let (region, before) = (Region::new(ALLOCATOR), server.io().input_bytes());
    for (stream, payload) in &mut clients {
        stream.write_all(payload).await.expect("the server reads");
    }
    // The kernel has all of it now, and the worker reads some of each connection between two pings.
    for _ in 0..100 {
        probe.write_all(&[0x89, 0x80, 0, 0, 0, 0]).await.expect("the server reads");
        probe.read_exact(&mut [0; 2]).await.expect("the server answers");
    }
    let (account, really) = (server.io().input_bytes() - before, held(&region));
    let difference = account.abs_diff(really) * 100 / really;
    assert!(difference <= TOLERANCE, "{kind}: {account} instead of {really}");
    drop(clients);
    server.shutdown().await;
}

fn all_unfinished() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut random = Random(7);
    let mut length = |most| usize::try_from(random.below(most)).expect("small") + 10_000;
    let lengths: Vec<usize> = (0..24).map(|_| length(900_000)).collect();
    for kind in ["half messages", "half attachments", "packets that lack their last attachment", "half POSTs"]
    {
        runtime.block_on(unfinished(kind, &lengths));
    }
}

#[test]
fn the_accounts_are_those_of_the_allocator() {
    feeds();
    all_unfinished();
}
