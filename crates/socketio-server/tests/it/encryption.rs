//! Listeners whose connections are not those of the kernel: the handshake comes first, and the server reads and writes what
//! comes of it. The stand-in for TLS here encrypts nothing and counts.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::future::select_all;
use socketio_server::{
    Accepting, Ack, Arg, Builder, Config, DoorCount, EncryptedStream, Encryption, Flow, HandshakeKept,
    HeldBytes, Leaving, Namespace, Pacing, Rate, Server, Socket,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

use crate::harness::{Client, Polling, Running, Ws, fenced, get, within};

/// What a client sends first, where a handshake is demanded.
const HELLO: u8 = 0x16;

/// What it may send before, and the server has to keep.
const HALF: u8 = 0x17;

#[derive(Default)]
struct Counts {
    leaves: AtomicUsize,
    /// The most slices in one write.
    slices: AtomicUsize,
    /// What each stream holds when it has been read.
    held: AtomicUsize,
}

struct Clear {
    counts: Arc<Counts>,
    demands_hello: bool,
}

struct ClearStream(TcpStream, Arc<Counts>, HeldBytes);

impl Encryption for Clear {
    fn accept(&self, mut socket: TcpStream, mut held: HeldBytes) -> Accepting {
        let (counts, demands_hello) = (Arc::clone(&self.counts), self.demands_hello);
        Box::pin(async move {
            let mut begun = Vec::new();
            if demands_hello {
                loop {
                    match socket.read_u8().await? {
                        HELLO => break,
                        HALF => begun.push(HALF),
                        _ => return Err(io::ErrorKind::InvalidData.into()),
                    }
                    held.set(begun.capacity());
                }
            }
            held.set(0);
            Ok(Box::new(ClearStream(socket, counts, held)) as _)
        })
    }
}

impl EncryptedStream for ClearStream {
    fn leave(self: Box<Self>) -> io::Result<Leaving> {
        let Self(socket, counts, held) = *self;
        counts.leaves.fetch_add(1, Ordering::Relaxed);
        let socket = socket.into_std()?;
        Ok(Box::new(move || Ok(Box::new(Self(TcpStream::from_std(socket)?, counts, held)) as _)))
    }
}

impl AsyncRead for ClearStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.0).poll_read(cx, buffer);
        let held = self.1.held.load(Ordering::Relaxed);
        self.2.set(held);
        read
    }
}

impl AsyncWrite for ClearStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.1.slices.fetch_max(slices.len(), Ordering::Relaxed);
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

fn start(builder: Builder, demands_hello: bool) -> (Running, Arc<Counts>) {
    let counts = Arc::<Counts>::default();
    let namespace = fenced(Namespace::new("/"))
        .on("secure", |socket: Socket, ack: Ack| async move {
            let _ = ack.send(&socket.handshake().is_some_and(|handshake| handshake.secure));
        })
        .on("count", |socket: Socket, Arg(to): Arg<u32>| async move {
            for number in 1..=to {
                let _ = socket.emit("n", &number);
            }
        });
    let builder = builder.namespace(namespace).configure(|config| {
        config.workers = 2;
        config.handshake_kept = HandshakeKept::Session;
    });
    let server = builder.build().expect("the server can be built");
    let listener = socketio_server::bind("127.0.0.1:0".parse().expect("an address")).expect("a port is free");
    let encryption = Arc::new(Clear { counts: Arc::clone(&counts), demands_hello });
    let address = server.listen_encrypted(listener, encryption, server.service()).expect("it can be shared");
    (Running { address, server }, counts)
}

async fn is_secure(client: &mut Client) -> String {
    client.send(r#"21["secure"]"#).await;
    client.next().await
}

#[tokio::test]
async fn what_comes_over_an_encrypted_listener_is_secure_on_both_transports() {
    let (running, _) = start(Server::builder(), false);
    let mut client = Client::connect(running.address).await;
    assert_eq!(is_secure(&mut client).await, "31[true]");
    let polling = Polling::open(running.address).await;
    polling.join().await;
    let mut client = upgraded(running.address, &polling).await;
    assert_eq!(is_secure(&mut client).await, "31[true]");
    for (scheme, status) in [("https", 200), ("http", 403)] {
        let origin = format!("{scheme}://{}", running.address);
        let handshake = get("/socket.io/?EIO=4&transport=polling").header("Origin", origin);
        let handshake = handshake.header("Host", running.address.to_string());
        assert_eq!(handshake.send(running.address).await.status, status, "{scheme}");
    }
}

async fn upgraded(address: SocketAddr, polling: &Polling) -> Client {
    let mut ws = Ws::attach(address, &polling.sid).await;
    ws.send("2probe").await;
    assert_eq!(ws.text().await, "3probe");
    ws.send("5").await;
    Client::over(ws)
}

#[tokio::test]
async fn a_websocket_that_was_accepted_elsewhere_moves_to_the_worker_of_its_session() {
    const TRIES: usize = 200;
    let (running, counts) = start(Server::builder(), false);
    for _ in 0..TRIES {
        let polling = Polling::open(running.address).await;
        polling.join().await;
        upgraded(running.address, &polling).await.fence().await;
        if counts.leaves.load(Ordering::Relaxed) > 0 {
            return;
        }
    }
    panic!("of {TRIES} connections, none was accepted by the other worker");
}

#[tokio::test]
async fn small_frames_are_written_together() {
    let (running, counts) = start(Server::builder(), false);
    let mut client = Client::connect(running.address).await;
    client.send(r#"2["count",20]"#).await;
    client.take(20).await;
    assert!(counts.slices.load(Ordering::Relaxed) >= 10, "{:?}", counts.slices);
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_cut_off_and_holds_up_nobody() {
    let short = Duration::from_millis(500);
    let (running, _) = start(Server::builder().configure(|config| config.head_timeout = short), true);
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(TcpStream::connect(running.address).await.expect("a connection"));
    }
    // Another one is served meanwhile.
    let mut polite = TcpStream::connect(running.address).await.expect("a connection");
    let request =
        "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    polite.write_all(&[&[HELLO], request.as_bytes()].concat()).await.expect("it is sent");
    let mut answer = String::new();
    within(polite.read_to_string(&mut answer)).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    for mut socket in silent {
        assert_eq!(within(socket.read(&mut [0; 16])).await.expect("an end in order"), 0);
    }
}

/// A handshake whose signature keeps the processor busy for a while, after one byte of the client.
struct Signing(Arc<AtomicUsize>);

/// Longer than handshakes may take before the others have their turn.
const SIGNATURE_TIME: Duration = Duration::from_millis(3);

impl Encryption for Signing {
    fn accept(&self, mut socket: TcpStream, held: HeldBytes) -> Accepting {
        let signed = Arc::clone(&self.0);
        Box::pin(async move {
            socket.read_u8().await?;
            let begun = Instant::now();
            while begun.elapsed() < SIGNATURE_TIME {
                std::hint::spin_loop();
            }
            signed.fetch_add(1, Ordering::Relaxed);
            Ok(Box::new(ClearStream(socket, Arc::default(), held)) as _)
        })
    }
}

#[tokio::test]
async fn handshakes_that_come_together_let_others_have_their_turn_between_them() {
    const HANDSHAKES: usize = 60;
    let signed = Arc::new(AtomicUsize::new(0));
    let asked = Arc::clone(&signed);
    let namespace = Namespace::new("/").on_sync("how many", move |turn| {
        turn.reply(&asked.load(Ordering::Relaxed).to_string());
        Flow::Continue
    });
    let builder = Server::builder().namespace(namespace).configure(|config| config.workers = 1);
    let server = builder.build().expect("the server can be built");
    let bind = || socketio_server::bind("127.0.0.1:0".parse().expect("an address")).expect("a port is free");
    let address = server.listen(bind()).expect("it can be shared");
    let signing = Arc::new(Signing(Arc::clone(&signed)));
    let encrypted = server.listen_encrypted(bind(), signing, server.service()).expect("it can be shared");
    let mut polite = Client::connect(address).await;
    let mut hurried = Vec::new();
    for _ in 0..HANDSHAKES {
        let mut socket = TcpStream::connect(encrypted).await.expect("a connection");
        socket.write_u8(HELLO).await.expect("it is sent");
        hurried.push(socket);
    }
    let mut answers = vec![0];
    while answers.last() != Some(&HANDSHAKES) {
        let answer = polite.ask(r#"["how many"]"#).await;
        answers.push(answer.trim_matches(['[', ']']).parse().expect("a number"));
    }
    // The worse ones tell of the time in which the test itself waits for a processor.
    let mut before: Vec<usize> = answers.windows(2).map(|pair| pair[1] - pair[0]).collect();
    before.sort_unstable();
    assert!(before[before.len() / 4] <= 3, "handshakes before an answer: {answers:?}");
    drop(server);
}

#[tokio::test]
async fn handshakes_of_one_address_beyond_the_rate_come_later_or_not_at_all() {
    let rate = Rate { per_second: 1, burst: 2 };
    let strict = |config: &mut Config| {
        config.pacing = Pacing { handshakes: rate, loopback: true, ..Pacing::default() };
    };
    let (running, _) = start(Server::builder().configure(strict), true);
    let mut sockets = Vec::new();
    for _ in 0..20 {
        let mut socket = TcpStream::connect(running.address).await.expect("a connection");
        socket.write_u8(HELLO).await.expect("it is sent");
        sockets.push(socket);
    }
    // Two come at once, some wait, and these are closed.
    for socket in &mut sockets[14..] {
        assert!(matches!(within(socket.read(&mut [0; 1])).await, Ok(0) | Err(_)));
    }
    assert!(running.io().stats().await.door[DoorCount::LaterHandshakes] >= 16);
    let mut first = sockets.remove(0);
    let ask = b"GET /none HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    first.write_all(ask).await.expect("it is sent");
    let mut answer = String::new();
    within(first.read_to_string(&mut answer)).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

#[tokio::test]
async fn half_handshakes_have_a_common_bound_and_the_largest_go_first() {
    // Three quarters of it are more than the connections take before anything has come.
    const BYTES_MAX: usize = 128 << 10;
    let (running, _) = start(Server::builder().configure(|config| config.input_bytes_max = BYTES_MAX), true);
    let mut small = TcpStream::connect(running.address).await.expect("a connection");
    small.write_all(&[HALF; 100]).await.expect("it is sent");
    let mut large = Vec::new();
    for _ in 0..60 {
        let mut socket = TcpStream::connect(running.address).await.expect("a connection");
        // It may be closed before all of it has come.
        let _ = socket.write_all(&[HALF; 4_000]).await;
        large.push(socket);
    }
    // 4 KiB each, and what a connection takes, would be three times as much. More than half of them have to go.
    let mut closed = 0;
    while closed < 36 {
        let ends = large
            .iter_mut()
            .map(|socket| Box::pin(async move { socket.read(&mut [0; 16]).await.unwrap_or(0) }));
        let (_, index, rest) = within(select_all(ends)).await;
        drop(rest);
        drop(large.swap_remove(index));
        closed += 1;
    }
    assert!(running.io().stats().await.occupancy.held_bytes <= BYTES_MAX as u64);
    // Whoever holds little is not among them.
    small
        .write_all(&[&[HELLO][..], b"GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n"].concat())
        .await
        .expect("sent");
    let mut line = [0; 12];
    within(small.read_exact(&mut line)).await.expect("an answer");
    assert_eq!(&line, b"HTTP/1.1 404");
    drop((large, small));
    within(async {
        while running.io().stats().await.occupancy.held_bytes > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Waits until connections hold exactly this.
async fn holds(running: &Running, bytes: usize) {
    within(async {
        while running.io().stats().await.occupancy.held_bytes != bytes as u64 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_stream_holds_after_an_upgrade_is_counted_for_its_session() {
    const HELD: usize = 12_345;
    let (running, counts) = start(Server::builder(), false);
    let polling = Polling::open(running.address).await;
    polling.join().await;
    let mut client = upgraded(running.address, &polling).await;
    drop(polling);
    holds(&running, 0).await;
    counts.held.store(HELD, Ordering::Relaxed);
    client.fence().await;
    holds(&running, HELD).await;
    // A socket whose request came in two pieces has been in the hands of HTTP, too.
    let mut socket = TcpStream::connect(running.address).await.expect("a connection");
    let head = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
                Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    socket.write_all(head.as_bytes()).await.expect("it is sent");
    within(async {
        while running.io().stats().await.occupancy.held_bytes <= HELD as u64 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    socket.write_all(b"\r\n").await.expect("it is sent");
    let mut answer = [0; 12];
    within(socket.read_exact(&mut answer)).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 101");
    // A masked CONNECT of the namespace, without which it counts as a connection that has not joined.
    socket.write_all(&[0x81, 0x82, 0, 0, 0, 0, b'4', b'0']).await.expect("it is sent");
    holds(&running, 2 * HELD).await;
    drop((client, socket));
    holds(&running, 0).await;
}

#[tokio::test]
async fn a_handshake_that_fails_ends_its_own_connection_only() {
    let (running, _) = start(Server::builder(), true);
    let mut bad = TcpStream::connect(running.address).await.expect("a connection");
    bad.write_all(&[0]).await.expect("it is sent");
    assert_eq!(within(bad.read(&mut [0; 16])).await.expect("an end in order"), 0);
    let mut good = TcpStream::connect(running.address).await.expect("a connection");
    good.write_all(&[&[HELLO][..], b"GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n"].concat())
        .await
        .expect("sent");
    let mut line = [0; 12];
    within(good.read_exact(&mut line)).await.expect("an answer");
    assert_eq!(&line, b"HTTP/1.1 404");
}
