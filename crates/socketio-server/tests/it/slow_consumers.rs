//! Clients that do not read: they fall behind alone, catch up in order, or are closed.

use std::time::Duration;

use socketio_server::{Ack, Arg, DisconnectReason, Feed, FeedConfig, Namespace, Server, Socket};
use tokio::sync::mpsc;

use crate::harness::client::split_offset;
use crate::harness::{Client, Received, Running, fenced, start, within};

fn start_feeding(
    config: FeedConfig,
    change: impl FnOnce(&mut socketio_server::Config),
) -> (Running, mpsc::Receiver<DisconnectReason>) {
    let (left, reasons) = mpsc::channel(16);
    let namespace = fenced(Namespace::new("/"))
        .recovery(Feed::new(config))
        .on("flood me", |socket: Socket, Arg(count): Arg<u32>, ack: Ack| async move {
            let text = "x".repeat(10_000);
            for _ in 0..count {
                // Volatile or not, these do not go through the feed.
                let (socket, text) = (socket.clone(), text.clone());
                drop(tokio::spawn(async move {
                    socket.emit_with_ack("flood", &text, crate::harness::PATIENCE).await
                }));
            }
            let _ = ack.send(&());
        })
        .on_disconnect(move |reason: DisconnectReason| {
            let left = left.clone();
            async move { left.send(reason).await.expect("the test listens") }
        });
    (start(Server::builder().namespace(namespace).configure(change)), reasons)
}

/// A client whose socket takes little, so that it is behind soon.
async fn narrow(running: &Running) -> Client {
    let mut client = Client::narrow(running.address).await;
    client.join("/", "").await;
    client
}

const TEXT_BYTES: usize = 20_000;

fn emit(running: &Running, number: usize) {
    running.io().root().emit("n", &(number, "x".repeat(TEXT_BYTES))).expect("taken");
}

async fn expect(client: &mut Client, numbers: impl IntoIterator<Item = usize>) {
    for number in numbers {
        let packet = client.next().await;
        assert!(packet.starts_with(&format!(r#"2["n",{number},"xxx"#)), "{}", &packet[..20]);
    }
}

/// 20 MB: more than the kernel takes for a client that does not read. One that reads keeps the pace.
async fn emit_thousand(running: &Running, quick: &mut Client) {
    for number in 0..1_000 {
        emit(running, number);
        if number % 10 == 9 {
            expect(quick, number - 9..=number).await;
        }
    }
}

#[tokio::test]
async fn a_stalled_client_catches_up_in_order_and_holds_nobody_up() {
    let (running, mut reasons) =
        start_feeding(FeedConfig { ring_bytes_max: 64 << 20, ..FeedConfig::in_memory() }, |_| ());
    let mut slow = narrow(&running).await;
    let mut quick = Client::connect(running.address).await;
    emit_thousand(&running, &mut quick).await;
    quick.fence().await;
    expect(&mut slow, 0..1_000).await;
    slow.fence().await;
    // And is live again.
    emit(&running, 1_000);
    expect(&mut slow, [1_000]).await;
    expect(&mut quick, [1_000]).await;
    assert!(reasons.try_recv().is_err());
}

/// Large frames are taken in part. A small one finds no room at all, where the send buffer is small too.
#[tokio::test]
async fn small_frames_wait_for_a_stalled_client_as_well() {
    const COUNT: usize = 1_000;
    let server = Server::builder()
        .namespace(fenced(Namespace::new("/")).recovery(Feed::new(FeedConfig::in_memory())))
        .build()
        .expect("the server can be built");
    let listener = socketio_server::bind("127.0.0.1:0".parse().expect("an address")).expect("a port is free");
    // Accepted sockets inherit it.
    socket2::SockRef::from(&listener).set_send_buffer_size(4_096).expect("a setting");
    let address = server.listen(listener).expect("the listener can be shared");
    let running = Running { address, server };
    let mut slow = narrow(&running).await;
    let mut quick = Client::connect(running.address).await;
    for number in 0..COUNT {
        running.io().root().emit("n", &number).expect("taken");
        // What is published together is written together.
        assert!(quick.next().await.starts_with(&format!(r#"2["n",{number},"#)));
    }
    for number in 0..COUNT {
        assert!(slow.next().await.starts_with(&format!(r#"2["n",{number},"#)));
    }
    slow.fence().await;
}

#[tokio::test]
async fn a_client_that_falls_out_of_the_ring_is_closed_and_returns() {
    let (running, mut reasons) =
        start_feeding(FeedConfig { ring_bytes_max: 1 << 20, ..FeedConfig::in_memory() }, |_| ());
    let mut slow = narrow(&running).await;
    let mut quick = Client::connect(running.address).await;
    emit_thousand(&running, &mut quick).await;
    // What it gets before the end is contiguous.
    let mut expected = 0;
    let end = loop {
        match slow.ws.next().await {
            Received::Text(packet) => {
                assert!(packet.starts_with(&format!(r#"42["n",{expected},"#)), "{}", &packet[..20]);
                expected += 1;
            }
            end => break end,
        }
    };
    assert!(matches!(end, Received::Close(None) | Received::End), "{end:?}");
    assert_eq!(within(reasons.recv()).await.map(DisconnectReason::as_str), Some("transport close"));
    quick.fence().await;
}

#[tokio::test]
async fn a_volatile_event_is_dropped_for_a_stalled_client() {
    let (running, _reasons) =
        start_feeding(FeedConfig { ring_bytes_max: 64 << 20, ..FeedConfig::in_memory() }, |_| ());
    let mut slow = narrow(&running).await;
    for number in 0..500 {
        emit(&running, number);
    }
    // The workers have delivered when they answer.
    drop(running.io().root().fetch().await);
    running.io().root().volatile().emit("volatile", &()).expect("taken");
    drop(running.io().root().fetch().await);
    expect(&mut slow, 0..500).await;
    slow.fence().await;
    running.io().root().volatile().emit("volatile", &()).expect("taken");
    assert_eq!(split_offset(&slow.next().await).0, r#"2["volatile"]"#);
}

#[tokio::test]
async fn a_client_that_reads_nothing_for_too_long_is_closed() {
    let (running, mut reasons) =
        start_feeding(FeedConfig { ring_bytes_max: 64 << 20, ..FeedConfig::in_memory() }, |config| {
            config.stall_timeout = Duration::from_millis(300);
        });
    let slow = narrow(&running).await;
    for number in 0..500 {
        emit(&running, number);
    }
    assert_eq!(within(reasons.recv()).await.map(DisconnectReason::as_str), Some("transport error"));
    drop(slow);
}

#[tokio::test]
async fn events_outside_of_the_feed_are_bounded_in_bytes() {
    let (running, mut reasons) = start_feeding(FeedConfig::in_memory(), |config| {
        config.outbound_bytes_max = 200_000;
        config.pending_acks_max = 100_000;
    });
    let mut slow = narrow(&running).await;
    let mut other = Client::connect(running.address).await;
    slow.send(r#"2["flood me",2000]"#).await;
    assert_eq!(within(reasons.recv()).await.map(DisconnectReason::as_str), Some("transport error"));
    other.fence().await;
}

#[tokio::test]
async fn what_waits_for_all_slow_clients_together_is_bounded() {
    const OUTPUT_BYTES_MAX: usize = 4_000_000;
    let (running, mut reasons) = start_feeding(FeedConfig::in_memory(), |config| {
        config.outbound_bytes_max = usize::MAX;
        config.output_bytes_max = OUTPUT_BYTES_MAX;
        config.stall_timeout = Duration::from_hours(1);
        config.pending_acks_max = 100_000;
    });
    let mut other = Client::connect(running.address).await;
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut client = narrow(&running).await;
        // The kernel takes some megabytes.
        client.send(r#"2["flood me",700]"#).await;
        slow.push(client);
    }
    assert_eq!(within(reasons.recv()).await.map(DisconnectReason::as_str), Some("transport error"));
    other.fence().await;
    drop(slow);
    for _ in 1..8 {
        within(reasons.recv()).await.expect("each of them ends");
    }
    assert_eq!(running.io().stats().await.output_bytes, 0, "whoever has left holds nothing");
    other.fence().await;
}

#[tokio::test]
async fn a_polling_client_that_does_not_poll_falls_behind_and_catches_up() {
    use crate::harness::Polling;
    let (running, _reasons) =
        start_feeding(FeedConfig { ring_bytes_max: 64 << 20, ..FeedConfig::in_memory() }, |_| ());
    let polling = Polling::open(running.address).await;
    polling.join().await;
    for number in 0..500 {
        emit(&running, number);
    }
    drop(running.io().root().fetch().await);
    let packets = polling.poll_for(500).await;
    assert_eq!(packets.len(), 500);
    for (number, packet) in packets.iter().enumerate() {
        assert!(packet.starts_with(&format!(r#"42["n",{number},"#)), "{}", &packet[..20]);
    }
    polling.send("421[\"fence\"]").await;
    assert_eq!(polling.poll().await, ["431[]"]);
}
