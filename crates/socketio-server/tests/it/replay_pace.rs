//! The pace of replays: a socket that has been sent much of the past waits for more, and no other socket does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use socketio_server::{Feed, FeedConfig, FeedJoin, FeedPosition, Namespace, Server, Start};

use crate::harness::client::split_offset;
use crate::harness::{Client, Running, fenced, start_with};

/// More than the pages that are sent in one turn.
const ENTRIES: usize = 4_000;

/// Of this much, the greedy are sent no more until they are released.
const BYTES_MAX: usize = 200_000;

/// Said by middleware of a client.
struct Greedy;

fn start(released: &Arc<AtomicBool>) -> Running {
    let feed = Feed::new(FeedConfig::in_memory());
    let (released, sent) = (Arc::clone(released), AtomicUsize::new(0));
    let namespace = fenced(Namespace::new("/"))
        .middleware(|request| {
            if request.auth().as_str().contains("greedy") {
                request.data().insert(Greedy);
            }
            async { Ok(()) }
        })
        .feed(feed, |_| FeedJoin { start: Start::After(FeedPosition::START), ..FeedJoin::default() })
        .pace_replay(move |replay| {
            replay.data?.find::<Greedy>()?;
            let sent = sent.fetch_add(replay.bytes, Ordering::Relaxed) + replay.bytes;
            (sent > BYTES_MAX && !released.load(Ordering::Relaxed)).then_some(Duration::from_millis(1))
        });
    start_with(Server::builder().namespace(namespace).configure(|config| config.workers = 1))
}

/// The numbers in some events.
fn numbers(packets: &[String]) -> Vec<usize> {
    let number = |packet: &String| {
        let (event, _) = split_offset(packet);
        event.split('"').nth(3)?.split(' ').next()?.parse().ok()
    };
    packets.iter().filter_map(number).collect()
}

#[tokio::test]
async fn a_socket_that_has_to_wait_gets_the_rest_later_and_keeps_nobody_waiting() {
    let released = Arc::new(AtomicBool::new(false));
    let running = start(&released);
    let everyone = running.io().of("/").expect("the namespace exists");
    for number in 0..ENTRIES {
        everyone.emit("n", &format!("{number} {}", "x".repeat(1_000))).expect("it can be encoded");
    }
    let mut greedy = Client::connect_with(running.address, r#"{"greedy":true}"#).await;
    let mut polite = Client::connect_with(running.address, "{}").await;
    let all: Vec<usize> = (0..=ENTRIES).collect();
    assert_eq!(numbers(&polite.take(ENTRIES).await), all[..ENTRIES]);

    let mut got = numbers(&greedy.drain().await);
    assert!((1..ENTRIES / 2).contains(&got.len()), "{} of {ENTRIES} came at once", got.len());
    // It waits for the past alone: it was answered just now.
    everyone.emit("n", &format!("{ENTRIES} live")).expect("it can be encoded");
    assert_eq!(numbers(&polite.take(1).await), [ENTRIES]);
    assert!(numbers(&greedy.drain().await).is_empty(), "nothing overtakes what is missing");

    released.store(true, Ordering::Relaxed);
    got.extend(numbers(&greedy.take(ENTRIES + 1 - got.len()).await));
    assert_eq!(got, all);
    greedy.fence().await;
}
