//! Clients that poll and are not known to take any number of packets: 16 at most in one answer, nothing lost, in order.

use socketio_server::{Ack, Arg, Binary, Closing, Feed, FeedConfig, Namespace, Server, Socket, Spread};

use crate::harness::client::split_offset;
use crate::harness::polling::packets;
use crate::harness::{Client, Polling, Running, Ws, fenced, get, start_with, within};

/// What python-engineio takes.
const PACKETS_MAX: usize = 16;

/// One worker, so that a request is known to have arrived before the next one.
fn start_counting() -> Running {
    let count = |socket: Socket, Arg(to): Arg<u32>| async move {
        for number in 1..=to {
            let _ = socket.emit("n", &number);
        }
    };
    let namespace = fenced(Namespace::new("/"))
        .on("count", count)
        .on("echo", |Arg(number): Arg<u32>, ack: Ack| async move {
            let _ = ack.send(&number);
        })
        .on("bytes", |socket: Socket, Arg(events): Arg<u32>| async move {
            for number in 0..events {
                let parts: Vec<Binary> = (0..number % 11).map(|_| Binary(vec![1].into())).collect();
                let _ = socket.emit("parts", &Spread(parts));
            }
        })
        .on("count and close", move |socket: Socket, Arg(to): Arg<u32>| async move {
            count(socket.clone(), Arg(to)).await;
            let _ = socket.disconnect(Closing::Connection);
        });
    let recovering = Namespace::new("/kept").recovery(Feed::new(FeedConfig::in_memory()));
    start_with(
        Server::builder().namespace(namespace).namespace(recovering).configure(|config| config.workers = 1),
    )
}

/// Polls until `count` packets have come; no answer may have more than the client takes.
async fn poll_for(polling: &Polling, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    while all.len() < count {
        let some = within(polling.poll()).await;
        assert!(some.len() <= PACKETS_MAX, "{} packets", some.len());
        all.extend(some);
    }
    all
}

fn numbers(to: u32) -> Vec<String> {
    (1..=to).map(|number| format!(r#"42["n",{number}]"#)).collect()
}

#[tokio::test]
async fn a_burst_comes_in_answers_of_at_most_16_packets() {
    let running = start_counting();
    let polling = Polling::open(running.address).await;
    polling.join().await;
    for to in [1, 15, 16, 17, 60, 400] {
        polling.send(format!(r#"42["count",{to}]"#)).await;
        assert_eq!(poll_for(&polling, to as usize).await, numbers(to));
    }
    assert!(polling.is_alive().await);
}

#[tokio::test]
async fn a_held_poll_and_those_after_it_are_answered_at_once() {
    let running = start_counting();
    let polling = Polling::open(running.address).await;
    polling.join().await;
    let held = polling.hold().await;
    polling.send(r#"42["count",40]"#).await;
    let mut received = packets(&within(held.answer()).await);
    while received.len() < 40 {
        let some = packets(&within(polling.get()).await);
        assert!(some.len() <= PACKETS_MAX);
        received.extend(some);
    }
    assert_eq!(received, numbers(40));
}

#[tokio::test]
async fn acks_of_a_payload_of_events_come_in_several_answers_too() {
    let running = start_counting();
    let polling = Polling::open(running.address).await;
    polling.join().await;
    let events: Vec<String> = (0..50).map(|number| format!(r#"42{number}["echo",{number}]"#)).collect();
    polling.send(events.join("\u{1e}")).await;
    let expected: Vec<String> = (0..50).map(|number| format!("43{number}[{number}]")).collect();
    assert_eq!(poll_for(&polling, 50).await, expected);
}

#[tokio::test]
async fn a_replay_after_connect_comes_in_several_answers_too() {
    let running = start_counting();
    let kept = running.io().of("/kept").expect("a name");
    let mut client = Client::open(running.address).await;
    client.join("/kept", "").await;
    let pid = client.pid.clone().expect("recovery is on");
    kept.emit("n", &0).expect("taken");
    let (_, offset) = split_offset(&client.next().await);
    drop(client);
    while running.io().connections() > 0 {
        tokio::task::yield_now().await;
    }
    for number in 1..=60 {
        kept.emit("n", &number).expect("taken");
    }
    let polling = Polling::open(running.address).await;
    polling.send(format!(r#"40/kept,{{"pid":"{pid}","offset":"{offset}"}}"#)).await;
    let received = poll_for(&polling, 61).await;
    assert!(received[0].starts_with("40/kept,"), "{}", received[0]);
    for (number, packet) in (1..=60).zip(&received[1..]) {
        assert!(packet.starts_with(&format!(r#"42/kept,["n",{number},"#)), "{packet}");
    }
}

#[tokio::test]
async fn an_event_comes_in_one_answer_with_its_attachments() {
    let running = start_counting();
    let polling = Polling::open(running.address).await;
    polling.join().await;
    polling.send(r#"42["bytes",44]"#).await;
    // Four times 0 to 10 attachments.
    let mut attachments = 0;
    let mut events = 0;
    while (events, attachments) != (44, 4 * 55) {
        let some = within(polling.poll()).await;
        assert!(some.len() <= PACKETS_MAX, "{} packets", some.len());
        assert!(some[0].starts_with("42[") || some[0].starts_with("45"), "{}", some[0]);
        events += some.iter().filter(|packet| packet.starts_with('4')).count();
        attachments += some.iter().filter(|packet| packet.starts_with('b')).count();
    }
}

#[tokio::test]
async fn packets_that_no_poll_has_carried_leave_by_the_websocket() {
    let running = start_counting();
    let polling = Polling::open(running.address).await;
    polling.join().await;
    polling.send(r#"42["count",100]"#).await;
    let mut received = within(polling.poll()).await;
    assert!(received.len() <= PACKETS_MAX);
    let mut ws = Ws::attach(running.address, &polling.sid).await;
    ws.send("2probe").await;
    assert_eq!(ws.text().await, "3probe");
    received.extend(within(polling.poll()).await);
    received.retain(|packet| packet != "6");
    ws.send("5").await;
    while received.len() < 100 {
        received.push(ws.text().await);
    }
    assert_eq!(received, numbers(100));
}

#[tokio::test]
async fn a_client_that_is_sent_away_hears_all_that_was_said_before() {
    let running = start_counting();
    for held in [false, true] {
        let polling = Polling::open(running.address).await;
        polling.join().await;
        let held = if held { Some(polling.hold().await) } else { None };
        polling.send(r#"42["count and close",40]"#).await;
        let mut received = Vec::new();
        if let Some(held) = held {
            received = packets(&within(held.answer()).await);
            assert!(received.len() <= PACKETS_MAX);
        }
        received.extend(poll_for(&polling, 43 - received.len()).await);
        let expected: Vec<String> =
            numbers(40).into_iter().chain(["41", "6", "1"].map(str::to_owned)).collect();
        assert_eq!(received, expected);
        assert_eq!(polling.get().await.status, 400, "nothing more is to be said");
    }
}

#[tokio::test]
async fn the_official_client_takes_everything_in_one_answer() {
    let running = start_counting();
    let polling = Polling::open(running.address).await;
    polling.join().await;
    let held = polling.hold().await;
    // Emitted in one go by the application, so that one turn of the worker has it all.
    polling.send(r#"42["count",60]"#).await;
    let first = packets(&within(held.answer()).await);
    assert!(first.len() <= PACKETS_MAX);
    let fence = running.io().root().fetch().await;
    assert_eq!(fence.len(), 1);
    let rest = get(format!("{}&t=ltv0mk8a", polling.target())).send(running.address).await;
    assert_eq!([first, packets(&rest)].concat(), numbers(60));
}
