//! A feed over a log of the application's: replay, live and recovery are one contiguous stream for every socket.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use socketio_server::{
    EpochStart, Feed, FeedConfig, FeedEntry, FeedJoin, Flow, Frame, History, HistoryError, HistoryPage,
    HistoryRequest, Keys, Namespace, PageStart, Resume, Selection, Server, Start,
};
use tokio::sync::{Semaphore, mpsc};

use crate::harness::client::split_offset;
use crate::harness::{Client, Running, fenced, start, start_with, within};

const EPOCH: u64 = 3;

/// The whole log, and what is wrong with it.
#[derive(Default)]
struct Log {
    entries: Mutex<Vec<FeedEntry>>,
    broken: Mutex<bool>,
    /// Requests are held back while there is someone to hold them.
    holder: Mutex<Option<mpsc::Sender<HistoryRequest>>>,
}

impl Log {
    fn answer(&self, request: HistoryRequest) {
        if *lock(&self.broken) {
            return request.reply.send(Err(HistoryError));
        }
        let after = match request.from {
            PageStart::After(after) => after.get(),
            PageStart::Anchor(anchor) => anchor.get() * 10,
        };
        let mut bytes = 0;
        let entries = lock(&self.entries)
            .iter()
            .skip(usize::try_from(after).expect("small"))
            .take(usize::try_from(request.through.since(after.into())).expect("small"))
            .take(request.entries_max)
            .take_while(|entry| {
                let fits = bytes < request.bytes_max;
                bytes += entry.frame.len();
                fits
            })
            .cloned()
            .collect();
        request.reply.send(Ok(HistoryPage { after: after.into(), entries }));
    }
}

impl History for Log {
    fn request(&self, request: HistoryRequest) {
        match &*lock(&self.holder) {
            Some(holder) => holder.try_send(request).expect("there is room"),
            None => self.answer(request),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct World {
    running: Running,
    feed: Feed,
    log: Arc<Log>,
    /// A message for each client that begins to wait for the feed.
    waits: mpsc::Receiver<()>,
}

#[derive(Deserialize)]
struct Where {
    after: Option<u64>,
    anchor: Option<u64>,
}

/// A server whose log has `old` entries already, and a ring of `ring_bytes_max`.
fn start_world(old: u64, ring_bytes_max: usize, change: impl FnOnce(&mut FeedConfig)) -> World {
    start_world_with(2, old, ring_bytes_max, change)
}

fn start_world_with(
    workers: usize,
    old: u64,
    ring_bytes_max: usize,
    change: impl FnOnce(&mut FeedConfig),
) -> World {
    let log = Arc::new(Log::default());
    let mut config = FeedConfig {
        log: 1.into(),
        epochs: vec![
            EpochStart { epoch: 2.into(), start: 0.into() },
            EpochStart { epoch: EPOCH.into(), start: old.into() },
        ],
        head: old.into(),
        keys: Keys::new([7; 32]),
        ring_bytes_max,
        resume: Resume::Recovery,
        recovery_entries_max: 1_000,
        recovery_bytes_max: 1_000_000,
        parked_for: Duration::ZERO,
        ahead_wait: None,
        ahead_clients_max: 2,
        history: Some(Arc::clone(&log) as Arc<dyn History>),
    };
    change(&mut config);
    let feed = Feed::new(config);
    lock(&log.entries).extend((1..=old).map(|position| entry(&feed, position, Selection::everyone())));
    let namespace = fenced(Namespace::new("/")).feed(feed.clone(), |joining| {
        let start = match joining.auth.parse::<Where>() {
            Ok(Where { after: Some(after), .. }) => Start::After(after.into()),
            Ok(Where { anchor: Some(anchor), .. }) => Start::Anchor(anchor.into()),
            Ok(_) | Err(_) => Start::Now,
        };
        FeedJoin { start, ..FeedJoin::default() }
    });
    let (wait, waits) = mpsc::channel(16);
    // Tests that do not ask have fewer such clients.
    let namespace = namespace.on_ahead(move || {
        let _ = wait.try_send(());
    });
    let builder = Server::builder().namespace(namespace);
    World { running: start_with(builder.configure(|config| config.workers = workers)), feed, log, waits }
}

fn entry(feed: &Feed, position: u64, audience: Selection) -> FeedEntry {
    let frame = Frame::text(&format!(r#"2["n",{position},"{}"]"#, feed.offset(position)));
    let entry = FeedEntry::new(audience, frame);
    // Anchors are tens.
    if position.is_multiple_of(10) { entry.with_anchor(position / 10) } else { entry }
}

impl World {
    /// Stores entries, then publishes them.
    fn publish(&self, count: u64) {
        self.publish_to(count, &Selection::everyone());
    }

    fn publish_to(&self, count: u64, audience: &Selection) {
        let first = self.feed.head().get() + 1;
        let entries: Vec<FeedEntry> =
            (first..first + count).map(|position| entry(&self.feed, position, audience.clone())).collect();
        lock(&self.log.entries).extend(entries.iter().cloned());
        self.feed.publish(first, entries, Vec::new());
    }

    async fn at(&self, start: &str) -> Client {
        Client::connect_with(self.running.address, start).await
    }
}

/// The next entries are exactly these.
async fn expect(client: &mut Client, positions: impl IntoIterator<Item = u64>) {
    for position in positions {
        let (event, _) = split_offset(&client.next().await);
        assert_eq!(event, format!(r#"2["n",{position}]"#));
    }
}

#[tokio::test]
async fn a_socket_starts_where_the_application_says() {
    let world = start_world(25, 1 << 20, |_| ());
    let mut now = world.at("").await;
    let mut all = world.at(r#"{"after":0}"#).await;
    let mut some = world.at(r#"{"after":20}"#).await;
    let mut beyond = world.at(r#"{"after":9999999}"#).await;
    let mut anchored = world.at(r#"{"anchor":2}"#).await;
    expect(&mut all, 1..=25).await;
    expect(&mut some, 21..=25).await;
    expect(&mut anchored, 21..=25).await;
    world.publish(2);
    for client in [&mut now, &mut all, &mut some, &mut beyond, &mut anchored] {
        expect(client, 26..=27).await;
        client.fence().await;
    }
}

#[tokio::test]
async fn an_anchor_in_memory_is_found_without_the_history() {
    let world = start_world(25, 1 << 20, |_| ());
    world.publish(20);
    let (holder, mut held) = mpsc::channel(16);
    *lock(&world.log.holder) = Some(holder);
    let mut between = world.at(r#"{"anchor":3}"#).await;
    let mut newest = world.at(r#"{"anchor":4}"#).await;
    let mut beyond = world.at(r#"{"anchor":9999999}"#).await;
    expect(&mut between, 31..=45).await;
    expect(&mut newest, 41..=45).await;
    expect(&mut beyond, 41..=45).await;
    held.try_recv().expect_err("nobody has asked the history");
    let mut older = Client::open(world.running.address).await;
    older.send(r#"0{"anchor":2}"#).await;
    assert_eq!(
        within(held.recv()).await.expect("it is older than the ring").from,
        PageStart::Anchor(2.into())
    );
}

#[tokio::test]
async fn replay_and_live_are_one_stream_without_a_hole() {
    let world = start_world(3_000, 4_000, |_| ());
    let mut clients = Vec::new();
    for after in [0_u64, 500, 1_000, 2_900, 2_999, 3_000] {
        clients.push((after, world.at(&format!(r#"{{"after":{after}}}"#)).await));
    }
    let world = Arc::new(world);
    let publishing = tokio::task::spawn_blocking({
        let world = Arc::clone(&world);
        move || {
            for round in 0..300 {
                world.publish(1 + round % 7);
                std::thread::yield_now();
            }
            world.feed.head().get()
        }
    });
    let mut readers = Vec::new();
    for (after, mut client) in clients {
        readers.push(tokio::spawn(async move {
            expect(&mut client, after + 1..=4_197).await;
            client
        }));
    }
    assert_eq!(within(publishing).await.expect("no panic"), 4_197);
    for reader in readers {
        within(reader).await.expect("no panic").fence().await;
    }
}

#[tokio::test]
async fn entries_published_while_a_page_is_read_come_after_it_and_once() {
    let world = start_world(10, 1, |_| ());
    let (holder, mut held) = mpsc::channel(16);
    *lock(&world.log.holder) = Some(holder);
    let mut client = world.at(r#"{"after":0}"#).await;
    let request = within(held.recv()).await.expect("a page is asked for");
    assert_eq!((request.from, request.through), (PageStart::After(0.into()), 10.into()));
    world.publish(5);
    client.fence().await;
    *lock(&world.log.holder) = None;
    world.log.answer(request);
    expect(&mut client, 1..=15).await;
    client.fence().await;
}

#[tokio::test]
async fn a_page_for_a_client_that_has_gone_reaches_nobody_else() {
    let world = start_world(10, 1, |_| ());
    let (holder, mut held) = mpsc::channel(16);
    *lock(&world.log.holder) = Some(holder);
    drop(world.at(r#"{"after":0}"#).await);
    let mut anchored = Client::open(world.running.address).await;
    anchored.send(r#"0{"anchor":0}"#).await;
    let requests = [within(held.recv()).await.expect("asked"), within(held.recv()).await.expect("asked")];
    drop(anchored);
    while world.running.io().connections() > 0 {
        tokio::task::yield_now().await;
    }
    *lock(&world.log.holder) = None;
    // Their places may be taken by others when the answers come.
    let mut others = [world.at("").await, world.at("").await];
    for request in requests {
        world.log.answer(request);
    }
    world.publish(1);
    for other in &mut others {
        expect(other, [11]).await;
        other.fence().await;
    }
}

#[tokio::test]
async fn entries_are_for_their_audience() {
    let world = start_world(0, 1 << 20, |_| ());
    let mut ada = world.at("").await;
    let mut bob = world.at("").await;
    world.running.io().root().to(ada.id.as_str()).join(["a"]).expect("taken");
    ada.fence().await;
    world.publish(1);
    world.publish_to(2, &Selection::room("a"));
    world.publish_to(1, &Selection::everyone().except("a"));
    world.publish_to(1, &Selection::room(bob.id.as_str()));
    world.publish(1);
    expect(&mut ada, [1, 2, 3, 6]).await;
    expect(&mut bob, [1, 4, 5, 6]).await;
    ada.fence().await;
    bob.fence().await;
}

#[tokio::test]
async fn an_ack_comes_right_after_the_entry_it_belongs_to() {
    let (asked, mut handles) = mpsc::channel(16);
    let feed = Feed::new(FeedConfig { history: Some(Arc::new(Log::default())), ..FeedConfig::in_memory() });
    let namespace = fenced(Namespace::new("/")).feed(feed.clone(), |_| FeedJoin::default()).on_sync(
        "send",
        move |turn| {
            let handle = turn.take_ack().expect("an answer is wanted");
            asked.try_send(handle).expect("there is room");
            Flow::Continue
        },
    );
    let running = start(Server::builder().namespace(namespace));
    let mut ada = Client::connect(running.address).await;
    let mut bob = Client::connect(running.address).await;
    for id in 1..=3 {
        ada.send(&format!(r#"2{id}["send"]"#)).await;
    }
    let mut acks = Vec::new();
    for position in 1..=3 {
        let handle = within(handles.recv()).await.expect("asked");
        acks.push(handle.answer_after(position, &position.to_string()));
    }
    let entries = (1..=4).map(|position| entry(&feed, position, Selection::everyone())).collect();
    feed.publish(1, entries, acks);
    for (position, ack) in [(1, "31[1]"), (2, "32[2]"), (3, "33[3]")] {
        expect(&mut ada, [position]).await;
        assert_eq!(ada.next().await, ack);
    }
    expect(&mut ada, [4]).await;
    expect(&mut bob, 1..=4).await;
    bob.fence().await;
}

#[tokio::test]
async fn recovery_reads_the_log_and_needs_nothing_but_the_pid() {
    let world = start_world(0, 300, |_| ());
    let mut client = world.at("").await;
    world.publish(2);
    expect(&mut client, [1]).await;
    let (_, offset) = split_offset(&client.next().await);
    let (id, pid) = (client.id.clone(), client.pid.clone().expect("a pid"));
    drop(client);
    world.publish(500);
    let mut client = Client::come_back(world.running.address, &pid, Some(&offset)).await;
    assert_eq!(client.id, id);
    world.publish(1);
    expect(&mut client, 3..=503).await;

    // The same pid before another server over the same log: after a restart.
    let again =
        start_world(503, 300, |config| config.epochs.push(EpochStart { epoch: 4.into(), start: 503.into() }));
    let mut client = Client::come_back(again.running.address, &pid, Some(&offset)).await;
    assert_eq!(client.id, id);
    again.publish(1);
    expect(&mut client, 3..=504).await;
}

#[tokio::test]
async fn a_pid_that_comes_back_twice_is_one_socket_in_the_end() {
    let gate = Arc::new(Semaphore::new(0));
    let (enter, mut entered) = mpsc::channel(16);
    let feed = Feed::new(FeedConfig { history: Some(Arc::new(Log::default())), ..FeedConfig::in_memory() });
    let waiting = Arc::clone(&gate);
    let namespace =
        fenced(Namespace::new("/")).feed(feed.clone(), |_| FeedJoin::default()).middleware(move |_| {
            let (gate, enter) = (Arc::clone(&waiting), enter.clone());
            async move {
                enter.send(()).await.expect("the test listens");
                gate.acquire().await.expect("open").forget();
                Ok(())
            }
        });
    let running = start(Server::builder().namespace(namespace));
    for _ in 0..10 {
        gate.add_permits(1);
        let client = Client::connect(running.address).await;
        within(entered.recv()).await.expect("middleware runs");
        let pid = client.pid.clone().expect("a pid");
        drop(client);
        // The line broke while middleware decided, and the client came back a second time.
        let mut clients = Vec::new();
        for _ in 0..2 {
            let mut client = Client::open(running.address).await;
            client.send(&format!(r#"0{{"pid":"{pid}"}}"#)).await;
            within(entered.recv()).await.expect("middleware runs");
            clients.push(client);
        }
        gate.add_permits(2);
        within(async {
            while running.io().connections() > 1 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert!(running.io().root().fetch().await.len() <= 1);
        drop(clients);
        while running.io().connections() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn an_offset_past_the_end_of_its_epoch_is_not_recovered() {
    // The log ends at 5 after a restart, but the client has seen 7: what it saw was taken back.
    let before = start_world(5, 1 << 20, |_| ());
    let mut client = before.at("").await;
    let pid = client.pid.clone().expect("a pid");
    before.publish(2);
    expect(&mut client, [6]).await;
    let (_, offset) = split_offset(&client.next().await);
    let after =
        start_world(5, 1 << 20, |config| config.epochs.push(EpochStart { epoch: 4.into(), start: 5.into() }));
    let again = Client::come_back(after.running.address, &pid, Some(&offset)).await;
    assert_ne!(again.id, client.id);
}

#[tokio::test]
async fn a_socket_that_is_not_recovered_keeps_its_lineage() {
    let world = start_world(0, 1 << 20, |config| config.recovery_entries_max = 2);
    let client = world.at("").await;
    let keys = Keys::new([7; 32]);
    let lineage = |pid: &str| socketio_server::socketio::PrivateId::verify(pid, &keys).expect("ours").lineage;
    let pid = client.pid.clone().expect("a pid");
    drop(client);
    world.publish(3);
    let again = Client::come_back(world.running.address, &pid, None).await;
    let second = again.pid.clone().expect("a pid");
    assert_ne!(second, pid);
    assert_eq!(lineage(&second), lineage(&pid));
}

#[tokio::test]
async fn a_log_that_cannot_be_read_closes_those_who_need_it_and_nobody_else() {
    let world = start_world(10, 1, |_| ());
    let mut live = world.at("").await;
    *lock(&world.log.broken) = true;
    let mut behind = world.at(r#"{"after":0}"#).await;
    assert_eq!(behind.closed().await, None);
    let mut anchored = Client::open(world.running.address).await;
    anchored.send(r#"0{"anchor":0}"#).await;
    assert_eq!(anchored.closed().await, None);
    world.publish(1);
    expect(&mut live, [11]).await;
    live.fence().await;
}

#[tokio::test]
async fn direct_events_of_such_a_namespace_end_with_what_the_socket_has_seen() {
    let world = start_world(5, 1 << 20, |_| ());
    let mut client = world.at("").await;
    world.publish(1);
    expect(&mut client, [6]).await;
    world.running.io().root().emit("typing", &"ada").expect("taken");
    let (event, offset) = split_offset(&client.next().await);
    assert_eq!((event.as_str(), offset), (r#"2["typing","ada"]"#, world.feed.offset(6)));
    assert_eq!(world.feed.head().get(), 6, "it is no entry");
}

/// A server over a log that others append to as well, which lets a client wait for so long.
fn start_shared_world(ahead_wait: Duration) -> World {
    start_world(3, 1 << 20, |config| config.ahead_wait = Some(ahead_wait))
}

const NEVER: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn a_client_that_has_seen_more_on_another_node_is_recovered_when_the_feed_has_it() {
    let world = start_shared_world(NEVER);
    let mut other = world.at("{}").await;
    let ghost = world.at("{}").await;
    let pid = ghost.pid.clone().expect("a private id");
    let mut ahead = Client::open(world.running.address).await;
    let auth = serde_json::json!({ "pid": pid, "offset": world.feed.offset(5) });
    ahead.send(&format!("0{auth}")).await;
    world.publish(1);
    expect(&mut other, [4]).await;
    other.fence().await;
    world.publish(3);
    expect(&mut other, 5..=7).await;
    let connect = ahead.next().await;
    assert!(connect.starts_with("0{") && connect.contains(&ghost.id), "{connect}");
    expect(&mut ahead, 6..=7).await;
    world.publish(1);
    expect(&mut ahead, [8]).await;
    ahead.fence().await;
}

#[tokio::test]
async fn a_client_without_its_socket_starts_when_the_feed_has_what_it_has_seen() {
    let world = start_shared_world(NEVER);
    let mut other = world.at("{}").await;
    let offset = world.feed.offset(5);
    let mut ahead = Client::open(world.running.address).await;
    ahead.send(&format!(r#"0{{"after":5,"offset":"{offset}"}}"#)).await;
    let mut anchored = Client::open(world.running.address).await;
    world.publish(7);
    anchored.send(r#"0{"anchor":2}"#).await;
    expect(&mut other, 4..=10).await;
    world.publish(11);
    assert!(ahead.next().await.starts_with("0{"));
    expect(&mut ahead, 6..=21).await;
    assert!(anchored.next().await.starts_with("0{"));
    expect(&mut anchored, [21]).await;
    anchored.fence().await;
}

#[tokio::test]
async fn a_client_of_the_far_future_is_sent_away_after_its_time() {
    let world = start_shared_world(Duration::from_millis(20));
    let offset = world.feed.offset(u64::MAX >> 20);
    let mut ahead = Client::open(world.running.address).await;
    ahead.send(&format!(r#"0{{"after":2,"offset":"{offset}"}}"#)).await;
    ahead.closed().await;
    // A number has no epoch: it may be one of a past that is gone, and never come.
    world.publish(7);
    let mut anchored = world.at(r#"{"anchor":2}"#).await;
    anchored.fence().await;
}

#[tokio::test]
async fn so_many_clients_wait_and_no_more_until_places_are_free_again() {
    let world = start_world_with(1, 3, 1 << 20, |config| config.ahead_wait = Some(NEVER));
    let open = |seen: u64| {
        let auth = format!(r#"0{{"after":{seen},"offset":"{}"}}"#, world.feed.offset(seen));
        async move {
            let mut client = Client::open(world.running.address).await;
            client.send(&auth).await;
            client
        }
    };
    let (mut first, mut second, mut third) = (open(5).await, open(5).await, open(5).await);
    // They come over connections of their own, so any of them may be the one too many.
    let mut waiting = tokio::select! {
        _ = first.closed() => [second, third],
        _ = second.closed() => [first, third],
        _ = third.closed() => [first, second],
    };
    world.publish(3);
    for client in &mut waiting {
        assert!(client.next().await.starts_with("0{"));
        expect(client, [6]).await;
    }
    let mut later = [open(8).await, open(8).await];
    world.publish(3);
    for client in &mut later {
        assert!(client.next().await.starts_with("0{"));
        expect(client, [9]).await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_while_it_waits_leaves_its_place_to_another() {
    let mut world = start_world_with(1, 3, 1 << 20, |config| config.ahead_wait = Some(NEVER));
    let auth = format!(r#"0{{"after":9,"offset":"{}"}}"#, world.feed.offset(9));
    let mut waiting = Vec::new();
    for _ in 0..2 {
        let mut client = Client::open(world.running.address).await;
        client.send(&auth).await;
        within(world.waits.recv()).await.expect("the server runs");
        waiting.push(client);
    }
    drop(waiting);
    // The server may hear of the next client before it hears that these two have left.
    let next = async {
        loop {
            let mut client = Client::open(world.running.address).await;
            client.send(&auth).await;
            tokio::select! {
                _ = world.waits.recv() => break client,
                _ = client.closed() => {}
            }
        }
    };
    let mut next = within(next).await;
    world.publish(7);
    assert!(next.next().await.starts_with("0{"));
    expect(&mut next, [10]).await;
}

#[tokio::test]
async fn a_client_of_another_past_does_not_wait() {
    let world = start_shared_world(NEVER);
    for offset in ["1.2.4", "1.9.1", "2.3.2"] {
        let mut client = world.at(&format!(r#"{{"after":2,"offset":"{offset}"}}"#)).await;
        expect(&mut client, 1..=3).await;
    }
}
