//! How handlers run: one after the other per socket, bounded, and with panics that stay where they are.

use std::sync::Arc;

use socketio_server::{Ack, Arg, DisconnectReason, Flow, Namespace, Server, Socket};
use tokio::sync::{Semaphore, mpsc};

use crate::harness::{Client, Polling, fenced, start, start_with, within};

#[tokio::test]
async fn the_runs_of_one_socket_follow_each_other_and_sockets_do_not_wait_for_each_other() {
    let gate = Arc::new(Semaphore::new(0));
    let (ran, mut runs) = mpsc::channel(64);
    let namespace = {
        let (gate, ran) = (Arc::clone(&gate), ran.clone());
        let quick = ran.clone();
        Namespace::new("/")
            .on("slow", move |Arg(text): Arg<String>| {
                let (gate, ran) = (Arc::clone(&gate), ran.clone());
                async move {
                    gate.acquire().await.expect("open").forget();
                    ran.send(text).await.expect("the test listens");
                }
            })
            .on("quick", move |Arg(text): Arg<String>| {
                let quick = quick.clone();
                async move { quick.send(text).await.expect("the test listens") }
            })
    };
    let running = start(Server::builder().namespace(namespace));
    let mut ada = Client::connect(running.address).await;
    let mut bob = Client::connect(running.address).await;
    ada.send(r#"2["slow","ada 1"]"#).await;
    ada.send(r#"2["quick","ada 2"]"#).await;
    ada.send(r#"2["slow","ada 3"]"#).await;
    bob.send(r#"2["quick","bob"]"#).await;
    assert_eq!(within(runs.recv()).await.as_deref(), Some("bob"));
    assert!(runs.try_recv().is_err());
    gate.add_permits(2);
    for expected in ["ada 1", "ada 2", "ada 3"] {
        assert_eq!(within(runs.recv()).await.as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn joining_is_handled_before_the_first_event_and_leaving_after_the_last() {
    let (ran, mut runs) = mpsc::channel(64);
    let note = move |text: &'static str| {
        let ran = ran.clone();
        move |_: Socket| {
            let ran = ran.clone();
            async move {
                tokio::task::yield_now().await;
                ran.send(text).await.expect("the test listens");
            }
        }
    };
    let namespace = Namespace::new("/")
        .on_connect(note("connect"))
        .on("event", note("event"))
        .on_disconnect(note("disconnect"));
    let running = start(Server::builder().namespace(namespace));
    let polling = Polling::open(running.address).await;
    polling.send("40\u{1e}42[\"event\"]\u{1e}42[\"event\"]\u{1e}41").await;
    for expected in ["connect", "event", "event", "disconnect"] {
        assert_eq!(within(runs.recv()).await, Some(expected));
    }
}

/// Handlers that wait for permits, and an inbox of four.
fn start_gated() -> (crate::harness::Running, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let namespace = fenced(Namespace::new("/")).on("slow", {
        let gate = Arc::clone(&gate);
        move |ack: Ack| {
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await.expect("open").forget();
                let _ = ack.send(&());
            }
        }
    });
    let builder = Server::builder().namespace(namespace).configure(|config| {
        config.workers = 1;
        config.inbox_max = 4;
    });
    (start_with(builder), gate)
}

#[tokio::test]
async fn a_full_inbox_holds_back_the_answer_to_a_post() {
    let (running, gate) = start_gated();
    let polling = Polling::open(running.address).await;
    polling.join().await;
    let events: Vec<String> = (0..8).map(|id| format!(r#"42{id}["slow"]"#)).collect();
    let held = tokio::spawn({
        let (polling, body) = (polling.clone(), events.join("\u{1e}"));
        async move { polling.post(body).await.status }
    });
    let mut other = Client::connect(running.address).await;
    other.fence().await;
    assert!(!held.is_finished());
    gate.add_permits(8);
    assert_eq!(within(held).await.expect("no panic"), 200);
    let answers = polling.poll_for(8).await;
    assert_eq!(answers, (0..8).map(|id| format!("43{id}[]")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_full_inbox_stops_the_reading_of_a_websocket() {
    let (running, gate) = start_gated();
    let mut client = Client::connect(running.address).await;
    // Far more than one read takes, so that the rest stays in the kernel and then with the client.
    let padding = "x".repeat(900_000);
    let mut writer = Client::connect(running.address).await;
    let writing = tokio::spawn(async move {
        for id in 0..60 {
            writer.send(&format!(r#"2{id}["slow","{padding}"]"#)).await;
        }
        writer
    });
    client.fence().await;
    for _ in 0..50 {
        client.fence().await;
    }
    assert!(!writing.is_finished(), "54 MB cannot have been read");
    gate.add_permits(60);
    let mut writer = within(writing).await.expect("no panic");
    for id in 0..60 {
        assert_eq!(writer.next().await, format!("3{id}[]"));
    }
}

#[tokio::test]
async fn a_panic_in_a_handler_closes_its_connection_and_no_other() {
    let (left, mut reasons) = mpsc::channel(16);
    let namespace = fenced(Namespace::new("/"))
        .on("panic", |_: Socket| async { panic!("a handler that panics") })
        .on("panic early", |socket: Socket| -> std::future::Ready<()> {
            panic!("a handler of {}", socket.id())
        })
        .on_sync("panic sync", |_| -> Flow { panic!("a sync handler that panics") })
        .on_disconnect(move |reason: DisconnectReason| {
            let left = left.clone();
            async move { left.send(reason).await.expect("the test listens") }
        });
    let running = start(Server::builder().namespace(namespace));
    let mut canaries = [
        Client::connect(running.address).await,
        Client::connect(running.address).await,
        Client::connect(running.address).await,
    ];
    for event in ["panic", "panic early", "panic sync"] {
        let mut client = Client::connect(running.address).await;
        client.send(&format!(r#"2["{event}"]"#)).await;
        assert_eq!(client.closed().await, None, "{event}");
        assert_eq!(
            within(reasons.recv()).await.map(DisconnectReason::as_str),
            Some("forced close"),
            "{event}"
        );
        for canary in &mut canaries {
            canary.fence().await;
        }
    }
}

#[tokio::test]
async fn a_panic_on_joining_closes_the_connection() {
    let namespace = Namespace::new("/").on_connect(|_: Socket| async { panic!("a handler that panics") });
    let running = start(Server::builder().namespace(namespace));
    let mut client = Client::connect(running.address).await;
    assert_eq!(client.closed().await, None);
    drop(Client::connect(running.address).await);
}

#[tokio::test]
async fn a_handler_may_do_anything_to_its_own_socket_and_to_all() {
    use socketio_server::Closing;
    let namespace = fenced(Namespace::new("/")).on("everything", |socket: Socket, ack: Ack| async move {
        let everyone = socket.io().root();
        let _ = everyone.join(["room"]);
        let _ = everyone.clone().to("room").emit("in the room", &());
        assert_eq!(everyone.clone().to("room").fetch().await.len(), 1);
        let _ = ack.send(&());
        let _ = everyone.disconnect(Closing::Namespace);
        let _ = socket.emit("too late", &());
    });
    let running = start(Server::builder().namespace(namespace));
    let mut client = Client::connect(running.address).await;
    client.send(r#"21["everything"]"#).await;
    for expected in [r#"2["in the room"]"#, "31[]", "1"] {
        assert_eq!(client.next().await, expected);
    }
    client.join("/", "").await;
    client.fence().await;
}
