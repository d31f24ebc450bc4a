//! Turns of sockets, step by step: one worker as a task of the test's thread, with connections in memory.
//!
//! What clients have sent is there before the worker looks, so the order in which packets are handled is the worker's
//! choice alone, and the same in every run.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::LocalSet;

use crate::handle::command::{Command, PostBody};
use crate::handle::namespace::Namespace;
use crate::handle::turn::Flow;
use crate::handshake::{Entrant, Handshake};
use crate::pacing::{Pacing, Rate};
use crate::server::{Builder, Server};
use crate::sid::Sid;
use crate::stream::{NewStream, TakenOver};
use crate::worker;
use crate::worker::shared::Shared;

const PACKETS_MAX: usize = 8;

/// The names of the events that have been handled, in order.
#[derive(Clone, Default)]
struct Handled {
    names: Arc<Mutex<Vec<String>>>,
    changed: Arc<Notify>,
}

impl Handled {
    fn add(&self, name: &str) {
        self.names.lock().expect("no test panics here").push(name.to_owned());
        self.changed.notify_one();
    }

    fn names(&self) -> Vec<String> {
        self.names.lock().expect("no test panics here").clone()
    }

    /// Waits until so many events have been handled, and no longer than a client would.
    async fn wait_for(&self, count: usize) {
        let all = async {
            while self.names().len() < count {
                self.changed.notified().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), all).await.unwrap_or_else(|_| {
            panic!("{} of {count} events have been handled, and nothing goes on", self.names().len())
        });
    }

    /// The lengths of the runs of equal names.
    fn runs(&self) -> Vec<(String, usize)> {
        let mut runs: Vec<(String, usize)> = Vec::new();
        for name in self.names() {
            match runs.last_mut() {
                Some((last, count)) if *last == name => *count += 1,
                Some(_) | None => runs.push((name, 1)),
            }
        }
        runs
    }
}

struct World {
    shared: Arc<Shared>,
    handled: Handled,
}

/// Runs a test with a worker. The event `a`, `b` and `c` are noted; after `pause`, the connection is paused.
async fn with_worker<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    let handled = Handled::default();
    let mut namespace = Namespace::new("/");
    for (name, flow) in
        [("a", Flow::Continue), ("b", Flow::Continue), ("c", Flow::Continue), ("pause", Flow::Pause)]
    {
        let handled = handled.clone();
        namespace = namespace.on_sync(name, move |_| {
            handled.add(name);
            flow
        });
    }
    let builder: Builder = Server::builder().namespace(namespace).configure(|config| {
        config.workers = 1;
        config.pacing = Pacing {
            turn_packets_max: PACKETS_MAX,
            control_frames: Rate { per_second: 0, burst: 0 },
            ..Pacing::default()
        };
    });
    let (shared, _) = builder.prepare().expect("the server can be built");
    let tasks = LocalSet::new();
    tasks
        .run_until(async {
            worker::spawn_local(0, &shared);
            test(World { shared, handled }).await;
        })
        .await;
}

impl World {
    fn tell(&self, command: Command) {
        self.shared.reach.mailboxes[0].post(command);
    }

    fn entrant() -> Box<Entrant> {
        Box::new(Entrant { handshake: Handshake::without_request(false), resident: None })
    }

    /// A WebSocket that has joined `/`.
    async fn websocket(&self) -> DuplexStream {
        let (mut client, server) = tokio::io::duplex(1 << 20);
        let stream = NewStream::Boxed(Box::new(server));
        let taken = TakenOver::new(stream, Bytes::new());
        self.tell(Command::Attach { entrant: Self::entrant(), taken });
        client.write_all(&text("40")).await.expect("the worker reads");
        let mut seen = Vec::new();
        while !seen.windows(3).any(|bytes| bytes == b"40{") {
            let count = client.read_buf(&mut seen).await.expect("the worker writes");
            assert_ne!(count, 0, "the connection is open");
        }
        client
    }

    /// A polling session that has joined `/`.
    async fn polling(&self) -> Sid {
        let (reply, packet) = oneshot::channel();
        self.tell(Command::Open { entrant: Self::entrant(), reply });
        let packet = packet.await.expect("the worker answers");
        let sid = packet.split('"').nth(3).expect("an id");
        let sid = Sid::parse(sid).expect("an id");
        self.post(sid, "40").await.expect("the worker answers").expect("it joins");
        sid
    }

    fn post(&self, sid: Sid, body: &str) -> oneshot::Receiver<Result<(), crate::handle::command::HttpError>> {
        let (reply, answer) = oneshot::channel();
        let held = self.shared.reach.occupancy.member(Instant::now()).another();
        let body = PostBody { bytes: Bytes::copy_from_slice(body.as_bytes()), held };
        self.tell(Command::Post { sid, body, headers: Box::default(), reply });
        answer
    }
}

/// A text frame, masked with zeros.
fn text(payload: &str) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("a short frame");
    assert!(length < 126);
    [&[0x81, 0x80 | length, 0, 0, 0, 0], payload.as_bytes()].concat()
}

fn events(name: &str, count: usize) -> Vec<u8> {
    text(&format!(r#"42["{name}"]"#)).repeat(count)
}

#[tokio::test(start_paused = true)]
async fn connections_with_more_input_than_a_turn_are_served_in_turn() {
    with_worker(async |world| {
        let (mut ada, mut bob, mut cleo) =
            (world.websocket().await, world.websocket().await, world.websocket().await);
        ada.write_all(&events("a", 20)).await.expect("there is room");
        bob.write_all(&events("b", 20)).await.expect("there is room");
        cleo.write_all(&events("c", 1)).await.expect("there is room");
        world.handled.wait_for(41).await;
        // Three rounds. In which order those are served who wait for the next one is the runtime's affair.
        let expected = [("a", 8), ("b", 8), ("c", 1), ("b", 8), ("a", 8 + 4), ("b", 4)];
        assert_eq!(world.handled.runs(), expected.map(|(name, count)| (name.to_owned(), count)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn control_frames_count_in_a_turn() {
    with_worker(async |world| {
        let (mut ada, mut bob) = (world.websocket().await, world.websocket().await);
        let pings = [0x89, 0x80, 0, 0, 0, 0].repeat(50);
        ada.write_all(&[pings, events("a", 1)].concat()).await.expect("there is room");
        bob.write_all(&events("b", 1)).await.expect("there is room");
        world.handled.wait_for(2).await;
        assert_eq!(world.handled.names(), ["b", "a"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_large_post_is_continued_after_the_others() {
    with_worker(async |world| {
        let (sid, mut bob) = (world.polling().await, world.websocket().await);
        let answer = world.post(sid, &[r#"42["a"]"#; 20].join("\u{1e}"));
        bob.write_all(&events("b", 1)).await.expect("there is room");
        world.handled.wait_for(21).await;
        answer.await.expect("the session is there").expect("the POST is accepted");
        assert_eq!(
            world.handled.runs(),
            [("a", 8), ("b", 1), ("a", 12)].map(|(name, count)| (name.to_owned(), count))
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_back_what_has_been_read_and_loses_nothing() {
    with_worker(async |world| {
        let (mut ada, sid) = (world.websocket().await, world.polling().await);
        let frames = [events("a", 2), events("pause", 1), events("b", 30)].concat();
        ada.write_all(&frames).await.expect("there is room");
        world.handled.wait_for(3).await;
        // A fence: the worker has had every occasion to go on.
        world.post(sid, r#"42["c"]"#).await.expect("an answer").expect("it is accepted");
        assert_eq!(world.handled.names(), ["a", "a", "pause", "c"]);
        world.shared.io().resume();
        world.handled.wait_for(34).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_back_the_rest_of_a_post_and_its_answer() {
    with_worker(async |world| {
        let sid = world.polling().await;
        let mut answer = world.post(sid, "42[\"pause\"]\u{1e}42[\"a\"]\u{1e}42[\"pause\"]");
        world.handled.wait_for(1).await;
        let other = world.polling().await;
        world.post(other, r#"42["c"]"#).await.expect("an answer").expect("it is accepted");
        assert_eq!(world.handled.names(), ["pause", "c"]);
        world.shared.io().resume();
        world.handled.wait_for(4).await;
        assert_eq!(world.handled.names(), ["pause", "c", "a", "pause"]);
        world.post(other, r#"42["c"]"#).await.expect("an answer").expect("it is accepted");
        assert!(answer.try_recv().is_err(), "the session is paused by its last packet");
        world.shared.io().resume();
        answer.await.expect("the session is there").expect("the POST is accepted");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_comes_during_a_pause_takes_over_afterwards() {
    with_worker(async |world| {
        let sid = world.polling().await;
        let answer = world.post(sid, r#"42["pause"]"#);
        world.handled.wait_for(1).await;
        let (mut probe, server) = tokio::io::duplex(1 << 20);
        let stream = NewStream::Boxed(Box::new(server));
        world.tell(Command::Probe { sid, taken: TakenOver::new(stream, Bytes::new()) });
        probe.write_all(&text("2probe")).await.expect("there is room");
        let other = world.polling().await;
        world.post(other, r#"42["c"]"#).await.expect("an answer").expect("it is accepted");
        world.shared.io().resume();
        answer.await.expect("the session is there").expect("the POST is accepted");
        let mut seen = [0; 8];
        probe.read_exact(&mut seen).await.expect("the worker answers");
        assert_eq!(&seen[2..], b"3probe");
        probe.write_all(&[text("5"), events("a", 1)].concat()).await.expect("there is room");
        world.handled.wait_for(3).await;
    })
    .await;
}
