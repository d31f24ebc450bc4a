//! Claims to be recovered that are false, forged, too old or too large: a fresh start, and never someone else's events.

use socketio_server::{Feed, FeedConfig, Keys, Offset, Server};

use crate::harness::client::split_offset;
use crate::harness::{Client, Running, start, within};
use crate::recovery::namespace;

fn start_limited(config: FeedConfig) -> Running {
    start(Server::builder().namespace(namespace(Feed::new(config))))
}

async fn gone(running: &Running, client: Client) -> (String, String) {
    let (id, pid) = (client.id.clone(), client.pid.clone().expect("a pid"));
    drop(client);
    within(async {
        while running.io().connections() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    (id, pid)
}

fn emit(running: &Running, text: &str) {
    running.io().root().emit("text", &text).expect("taken");
}

/// Comes back and is not recovered.
async fn fresh(running: &Running, id: &str, auth: &str) {
    let mut client = Client::connect_with(running.address, auth).await;
    assert_ne!(client.id, id, "{auth}");
    client.fence().await;
}

#[tokio::test]
async fn forged_pids_are_strangers() {
    let running = start_limited(FeedConfig::in_memory());
    let client = Client::connect(running.address).await;
    let (id, pid) = gone(&running, client).await;
    emit(&running, "secret");
    let mut flipped = pid.clone().into_bytes();
    let last = flipped.len() / 2;
    flipped[last] = if flipped[last] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).expect("text");
    let foreign = Client::connect(start_limited(FeedConfig::in_memory()).address).await.pid.expect("a pid");
    for pid in
        [flipped.as_str(), &foreign, "", "__proto__", &pid[1..], &format!("{pid}A"), &"A".repeat(10_000)]
    {
        fresh(&running, &id, &serde_json::json!({ "pid": pid, "offset": "0.0.0" }).to_string()).await;
    }
    for auth in [
        r#"{"pid":1}"#,
        r#"{"pid":null,"offset":"0.0.0"}"#,
        r#"{"pid":{"a":1}}"#,
        r#"{"pid":["x"]}"#,
        r#"{"offset":"0.0.0"}"#,
    ] {
        fresh(&running, &id, auth).await;
    }
    // The owner is still recovered.
    let mut client = Client::come_back(running.address, &pid, None).await;
    assert_eq!((client.take(1).await.len(), client.id), (1, id));
}

#[tokio::test]
async fn offsets_that_cannot_be_are_not_believed() {
    let keys = Keys::new([5; 32]);
    let running = start_limited(FeedConfig { keys: keys.clone(), ..FeedConfig::in_memory() });
    let mut client = Client::connect(running.address).await;
    emit(&running, "seen");
    let (_, offset) = split_offset(&client.next().await);
    let seen = keys.open(&offset).next().expect("an offset");
    let (log, epoch) = (seen.log, seen.epoch);
    let (mut id, mut pid) = gone(&running, client).await;
    let sealed = |keys: &Keys, log, epoch, position| keys.seal(&Offset { log, epoch, position });
    for offset in [
        sealed(&keys, log, epoch, 99),
        sealed(&keys, log, epoch, u64::MAX),
        sealed(&keys, log, 0, 1),
        sealed(&keys, log + 1, epoch, 1),
        sealed(&Keys::new([6; 32]), log, epoch, 1),
        offset.replace('~', "."),
        offset.to_uppercase(),
        Offset { log, epoch, position: 99 }.to_string(),
        Offset { log, epoch: 0, position: 1 }.to_string(),
        "ada is typing".to_owned(),
        String::new(),
        format!("{offset}.1"),
        "-1".to_owned(),
    ] {
        fresh(&running, &id, &serde_json::json!({ "pid": pid, "offset": offset }).to_string()).await;
        let client = Client::connect(running.address).await;
        (id, pid) = gone(&running, client).await;
    }
}

#[tokio::test]
async fn too_much_missed_is_a_fresh_start() {
    let running = start_limited(FeedConfig { recovery_entries_max: 3, ..FeedConfig::in_memory() });
    let client = Client::connect(running.address).await;
    let (id, pid) = gone(&running, client).await;
    for text in ["1", "2", "3"] {
        emit(&running, text);
    }
    running.io().root().to("elsewhere").emit("text", &"not counted").expect("taken");
    let mut client = Client::come_back(running.address, &pid, None).await;
    assert_eq!(client.id, id);
    let offset = split_offset(&client.take(3).await[2]).1;
    gone(&running, client).await;
    for text in ["4", "5", "6", "7"] {
        emit(&running, text);
    }
    fresh(&running, &id, &serde_json::json!({ "pid": pid, "offset": offset }).to_string()).await;

    let running = start_limited(FeedConfig { recovery_bytes_max: 1_000, ..FeedConfig::in_memory() });
    let client = Client::connect(running.address).await;
    let (id, pid) = gone(&running, client).await;
    emit(&running, &"x".repeat(2_000));
    fresh(&running, &id, &serde_json::json!({ "pid": pid }).to_string()).await;
}

#[tokio::test]
async fn a_socket_that_was_away_for_too_long_is_a_fresh_start() {
    let running =
        start_limited(FeedConfig { parked_for: std::time::Duration::ZERO, ..FeedConfig::in_memory() });
    let client = Client::connect(running.address).await;
    let (id, pid) = gone(&running, client).await;
    emit(&running, "missed");
    fresh(&running, &id, &serde_json::json!({ "pid": pid }).to_string()).await;
}

#[tokio::test]
async fn a_client_whose_offset_has_left_the_ring_is_not_recovered() {
    let running = start_limited(FeedConfig { ring_bytes_max: 500, ..FeedConfig::in_memory() });
    let client = Client::connect(running.address).await;
    let (id, pid) = gone(&running, client).await;
    for number in 0..30 {
        emit(&running, &format!("{number:0>20}"));
    }
    fresh(&running, &id, &serde_json::json!({ "pid": pid }).to_string()).await;
}

#[tokio::test]
async fn an_idle_client_is_recovered_although_its_offset_has_left_the_ring() {
    let running = start_limited(FeedConfig { ring_bytes_max: 500, ..FeedConfig::in_memory() });
    let mut client = Client::connect(running.address).await;
    emit(&running, "the last it sees");
    let (_, offset) = split_offset(&client.next().await);
    for number in 0..30 {
        running.io().root().to("elsewhere").emit("text", &format!("{number:0>20}")).expect("taken");
        // One after the other: a worker that is lapped has nothing to go on from.
        client.fence().await;
    }
    // A volatile event tells how far it has seen, visible or not.
    running.io().root().volatile().emit("tick", &()).expect("taken");
    let (_, newer) = split_offset(&client.next().await);
    assert_ne!(offset, newer);
    let (id, pid) = gone(&running, client).await;
    emit(&running, "missed");
    let mut client = Client::come_back(running.address, &pid, Some(&newer)).await;
    assert_eq!((split_offset(&client.next().await).0, client.id), (r#"2["text","missed"]"#.to_owned(), id));
}

#[tokio::test]
async fn a_client_that_middleware_refuses_gets_nothing_of_what_was_missed() {
    let running = start_limited(FeedConfig::in_memory());
    let client = Client::connect(running.address).await;
    let (_, pid) = gone(&running, client).await;
    emit(&running, "secret");
    let mut client = Client::open(running.address).await;
    client.send(&format!(r#"0{{"pid":"{pid}","token":"banned"}}"#)).await;
    assert_eq!(client.next().await, r#"4{"message":"banned"}"#);
    emit(&running, "secret too");
    client.send("0{\"token\":\"banned\"}").await;
    assert_eq!(client.next().await, r#"4{"message":"banned"}"#);
}

#[tokio::test]
async fn one_pid_used_by_two_at_once_is_never_two_sockets() {
    let running = start_limited(FeedConfig::in_memory());
    for _ in 0..10 {
        let client = Client::connect(running.address).await;
        let (_, pid) = gone(&running, client).await;
        emit(&running, "missed");
        let mut both = [Client::open(running.address).await, Client::open(running.address).await];
        for client in &mut both {
            client.send(&format!(r#"0{{"pid":"{pid}"}}"#)).await;
        }
        let sockets = running.io().root().fetch().await;
        let mut ids: Vec<String> = sockets.iter().map(|socket| socket.id.to_string()).collect();
        ids.sort_unstable();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count, "no id twice");
        drop(both);
        within(async {
            while running.io().connections() > 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}
