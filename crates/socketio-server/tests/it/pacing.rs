//! Connections that send faster than they may: events are handled later, and control frames end the connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use socketio_server::{Builder, Flow, Namespace, Pacing, Rate, Server, Socket, WorkerCount};
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{
    Canaries, Client, PATIENCE, Polling, Received, Ws, echoing, fenced, packets, start, within,
};

/// Counts the events `count` that have been handled.
#[derive(Clone, Default)]
struct Counter {
    count: Arc<AtomicUsize>,
    changed: Arc<Notify>,
}

impl Counter {
    fn server(&self, events: Rate, loopback: bool) -> Builder {
        let own = self.clone();
        let namespace = echoing(fenced(Namespace::new("/"))).on_sync("count", move |_| {
            own.count.fetch_add(1, Ordering::SeqCst);
            own.changed.notify_one();
            Flow::Continue
        });
        let pacing = Pacing { events, loopback, ..Pacing::default() };
        Server::builder().namespace(namespace).configure(|config| config.pacing = pacing)
    }

    fn now(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    async fn reaches(&self, count: usize) {
        within(async {
            while self.now() < count {
                self.changed.notified().await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_websocket_above_the_rate_is_read_later_and_loses_nothing() {
    let counter = Counter::default();
    let running = start(counter.server(Rate { per_second: 50, burst: 30 }, true));
    let (mut quick, mut polite) =
        (Client::connect(running.address).await, Client::connect(running.address).await);
    quick.send_all(&[r#"2["count"]"#; 60]).await;
    counter.reaches(1).await;
    polite.fence().await;
    assert!(counter.now() < 60, "all events were handled at once");
    counter.reaches(60).await;
    quick.fence().await;
}

/// A masked frame with a short payload; the mask changes nothing.
fn frame(first: u8, payload: &str) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("a short frame");
    [&[first, 0x80 | length, 0, 0, 0, 0], payload.as_bytes()].concat()
}

#[tokio::test]
async fn fragments_of_a_message_count_as_well() {
    let counter = Counter::default();
    let running = start(counter.server(Rate { per_second: 50, burst: 30 }, true));
    let mut quick = Client::connect(running.address).await;
    let many = [frame(0x01, "4"), frame(0x00, "").repeat(100), frame(0x80, r#"2["count"]"#)].concat();
    for _ in 0..2 {
        quick.ws.stream.get_mut().write_all(&many).await.expect("the server reads");
    }
    counter.reaches(1).await;
    quick.fence().await;
    assert_eq!(counter.now(), 2);
    assert!(
        running.io().stats().await.workers.iter().any(|worker| worker.counts[WorkerCount::LimitEvents] > 0)
    );
}

#[tokio::test]
async fn a_post_above_the_rate_is_answered_later_and_loses_nothing() {
    let counter = Counter::default();
    let running = start(counter.server(Rate { per_second: 50, burst: 30 }, true));
    let (quick, mut polite) = (Polling::open(running.address).await, Client::connect(running.address).await);
    quick.join().await;
    let sending = tokio::spawn(async move {
        quick.send([r#"42["count"]"#; 60].join("\u{1e}")).await;
        quick
    });
    counter.reaches(1).await;
    polite.fence().await;
    assert!(!sending.is_finished(), "the POST is answered before its events may be handled");
    let quick = within(sending).await.expect("the POST is accepted");
    counter.reaches(60).await;
    assert!(quick.is_alive().await);
}

#[tokio::test]
async fn a_client_on_loopback_is_not_slowed_down_by_default() {
    let counter = Counter::default();
    let running = start(counter.server(Rate { per_second: 1, burst: 1 }, false));
    let mut client = Client::connect(running.address).await;
    client.send_all(&[r#"2["count"]"#; 100]).await;
    client.fence().await;
    assert_eq!(counter.now(), 100);
}

#[tokio::test]
async fn a_client_behind_a_trusted_proxy_on_loopback_is_not_on_loopback_whether_it_is_named_or_not() {
    for headers in [&[("x-forwarded-for", "192.0.2.1")][..], &[]] {
        let counter = Counter::default();
        let builder = counter.server(Rate { per_second: 50, burst: 30 }, false);
        let trusted = "127.0.0.1".parse().expect("a network");
        let running = start(builder.configure(|config| config.trusted_proxies = trusted));
        let target = "/socket.io/?EIO=4&transport=websocket";
        let mut quick = Client::over(Ws::open_with(running.address, target, headers).await);
        let mut polite = Client::connect(running.address).await;
        quick.join("/", "").await;
        quick.send_all(&[r#"2["count"]"#; 60]).await;
        counter.reaches(1).await;
        polite.fence().await;
        assert!(counter.now() < 60, "all events were handled at once");
        counter.reaches(60).await;
    }
}

#[tokio::test]
async fn answers_that_the_server_has_asked_for_cost_nothing_and_others_cost_an_event() {
    let counter = Counter::default();
    // Joining costs ten.
    let builder = counter.server(Rate { per_second: 1, burst: 12 }, true).namespace(
        Namespace::new("/asking").on("ask me", |socket: Socket| async move {
            for _ in 0..40 {
                drop(socket.emit_with_ack("question", &(), PATIENCE).await.expect("it is answered"));
            }
            let _ = socket.emit("enough", &());
        }),
    );
    let running = start(builder);
    let mut asked = Client::open(running.address).await;
    asked.join("/asking", "").await;
    asked.send(r#"2/asking,["ask me"]"#).await;
    for _ in 0..40 {
        let question = asked.next().await;
        let id = question.trim_start_matches("2/asking,").split('[').next().expect("an id").to_owned();
        asked.send(&format!("3/asking,{id}[]")).await;
    }
    assert_eq!(asked.next().await, r#"2/asking,["enough"]"#);

    let (mut stray, mut polite) =
        (Client::connect(running.address).await, Client::connect(running.address).await);
    stray.send_all(&["377[]"; 20]).await;
    stray.send(r#"2["count"]"#).await;
    polite.fence().await;
    assert_eq!(counter.now(), 0, "answers that nobody has asked for are free");
}

#[tokio::test]
async fn a_flood_of_control_frames_closes_the_connection() {
    let running = start(Server::builder().namespace(echoing(fenced(Namespace::new("/")))));
    let canaries = Canaries::start(running.address).await;
    let pings = || Message::Ping(b"a".to_vec().into());
    let floods = [
        ("pings", pings()),
        ("pongs", Message::Pong(Vec::new().into())),
        ("pongs of Engine.IO", Message::text("3")),
        ("noops", Message::text("6")),
    ];
    for (name, frame) in floods {
        let mut ws = Ws::open(running.address).await;
        for _ in 0..150 {
            assert!(ws.try_send(frame.clone()).await, "{name}");
        }
        let mut client = Client::over(ws);
        client.join("/", "").await;
        client.fence().await;
        let mut ws = client.ws;
        for _ in 0..400 {
            if !ws.try_send(frame.clone()).await {
                break;
            }
        }
        let end = ws.end().await;
        // A reset can overtake the close frame while the client still sends.
        assert!(matches!(end, Received::Close(Some(1008)) | Received::End), "{name}: {end:?}");
    }
    canaries.sing().await;
}

#[tokio::test]
async fn a_flood_of_control_packets_by_polling_closes_the_session() {
    let running = start(Server::builder().namespace(echoing(fenced(Namespace::new("/")))));
    let canaries = Canaries::start(running.address).await;
    let polling = Polling::open(running.address).await;
    polling.join().await;
    polling.send(["3"; 150].join("\u{1e}")).await;
    assert!(polling.is_alive().await);
    polling.post(["3"; 500].join("\u{1e}")).await;
    assert_eq!(packets(&polling.get().await), ["6", "1"]);
    assert!(!polling.is_alive().await);
    canaries.sing().await;
}
