//! Middleware: what it sees, what it keeps, whom it refuses, and what a client may do while it decides.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde::Deserialize;
use socketio_server::{
    Ack, Auth, AuthAs, ConnectRequest, HandshakeKept, Namespace, Rejection, Server, Socket,
};
use tokio::sync::{Semaphore, mpsc};

use crate::harness::{Client, Ws, fenced, start, within};

#[derive(Deserialize)]
struct Token {
    token: String,
}

struct User(String);

async fn authenticate(request: ConnectRequest) -> Result<(), Rejection> {
    let Ok(Token { token }) = request.auth().parse() else { return Err("no token".into()) };
    assert!(token != "boom", "middleware that panics");
    if token != "secret" {
        let rejection = Rejection::new("wrong \"token\"")
            .with_data(&serde_json::json!({ "code": 7, "of": [request.namespace()] }));
        return Err(rejection.expect("plain data"));
    }
    request.data().insert(User("ada".into()));
    Ok(())
}

fn guarded(name: &str) -> Namespace {
    fenced(Namespace::new(name)).middleware(authenticate).on("who", |socket: Socket, ack: Ack| async move {
        let _ = ack.send(&socket.data().find::<User>().map(|user| user.0.clone()));
    })
}

#[tokio::test]
async fn a_refusal_carries_its_message_and_data_and_the_client_may_ask_again() {
    let running = start(Server::builder().namespace(guarded("/")).namespace(guarded("/other")));
    let mut client = Client::open(running.address).await;
    client.send("0").await;
    assert_eq!(client.next().await, r#"4{"message":"no token"}"#);
    client.send(r#"0{"token":"x"}"#).await;
    assert_eq!(client.next().await, r#"4{"message":"wrong \"token\"","data":{"code":7,"of":["/"]}}"#);
    client.send(r#"0/other,{"token":"x"}"#).await;
    assert_eq!(
        client.next().await,
        r#"4/other,{"message":"wrong \"token\"","data":{"code":7,"of":["/other"]}}"#
    );
    client.join("/", r#"{"token":"secret"}"#).await;
    assert_eq!(client.ask(r#"["who"]"#).await, r#"["ada"]"#);
}

/// It may find out later who they are.
#[tokio::test]
async fn data_that_middleware_keeps_is_that_of_the_socket() {
    let (keep, mut kept) = mpsc::channel(1);
    let namespace = fenced(Namespace::new("/")).middleware(move |request: ConnectRequest| {
        let (keep, data) = (keep.clone(), request.data().clone());
        async move { keep.send(data).await.map_err(|_| Rejection::new("the test is over")) }
    });
    let namespace = namespace.on("who", |socket: Socket, ack: Ack| async move {
        let _ = ack.send(&socket.data().find::<User>().map(|user| user.0.clone()));
    });
    let running = start(Server::builder().namespace(namespace));
    let mut client = Client::open(running.address).await;
    client.join("/", "").await;
    assert_eq!(client.ask(r#"["who"]"#).await, "[null]");
    within(kept.recv()).await.expect("middleware has run").insert(User("bob".into()));
    assert_eq!(client.ask(r#"["who"]"#).await, r#"["bob"]"#);
}

#[tokio::test]
async fn middleware_that_panics_refuses() {
    let running = start(Server::builder().namespace(guarded("/")));
    let mut client = Client::open(running.address).await;
    client.send(r#"0{"token":"boom"}"#).await;
    assert_eq!(client.next().await, r#"4{"message":"internal error"}"#);
    client.join("/", r#"{"token":"secret"}"#).await;
    client.fence().await;
}

#[tokio::test]
async fn the_first_refusal_ends_the_chain() {
    let (seen, mut calls) = mpsc::channel(16);
    let step = move |name: &'static str, verdict: Result<(), &'static str>| {
        let seen = seen.clone();
        move |_: ConnectRequest| {
            let seen = seen.clone();
            async move {
                seen.send(name).await.expect("the test listens");
                verdict.map_err(Rejection::from)
            }
        }
    };
    let namespace = Namespace::new("/")
        .middleware(step("first", Ok(())))
        .middleware(step("second", Err("stop")))
        .middleware(step("third", Ok(())));
    let running = start(Server::builder().namespace(namespace));
    let mut client = Client::open(running.address).await;
    client.send("0").await;
    assert_eq!(client.next().await, r#"4{"message":"stop"}"#);
    assert_eq!((calls.recv().await, calls.recv().await), (Some("first"), Some("second")));
    assert!(calls.try_recv().is_err());
}

#[tokio::test]
async fn middleware_sees_the_handshake_and_then_it_is_let_go() {
    for (kept, second) in [(HandshakeKept::UntilJoined, "nothing"), (HandshakeKept::Session, "a b")] {
        let look = |request: ConnectRequest| async move {
            let handshake = request.handshake().map(|handshake| {
                assert!(
                    handshake.headers.contains_key("x-test") && handshake.url.starts_with("/socket.io/?")
                );
                assert!(handshake.address.is_some_and(|address| address.is_loopback()));
                handshake.query("q").unwrap_or("none").to_owned()
            });
            Err(Rejection::new(handshake.unwrap_or("nothing".into())))
        };
        let running = start(
            Server::builder()
                .namespace(fenced(Namespace::new("/")))
                .namespace(Namespace::new("/look").middleware(look))
                .configure(|config| config.handshake_kept = kept),
        );
        let target = "/socket.io/?EIO=4&transport=websocket&q=a%20b";
        let mut client = Client::over(Ws::open_with(running.address, target, &[("x-test", "1")]).await);
        client.send("0/look,").await;
        assert_eq!(client.next().await, r#"4/look,{"message":"a b"}"#);
        client.join("/", "").await;
        client.send("0/look,").await;
        assert_eq!(client.next().await, format!(r#"4/look,{{"message":"{second}"}}"#));
    }
}

#[tokio::test]
async fn data_of_a_connection_outlives_its_sockets_and_is_shared_by_its_namespaces() {
    #[derive(Default)]
    struct Joins(AtomicU64);
    struct Alive(mpsc::Sender<()>);
    impl Drop for Alive {
        fn drop(&mut self) {
            let _ = self.0.try_send(());
        }
    }
    let (report, mut dropped) = mpsc::channel(1);
    let count = move |request: ConnectRequest| {
        let data = request.connection_data();
        let joins = data.get_or_default::<Joins>().0.fetch_add(1, Ordering::Relaxed) + 1;
        if joins == 1 {
            data.insert(Alive(report.clone()));
        }
        std::future::ready(Err(Rejection::new(joins.to_string())))
    };
    let running = start(
        Server::builder()
            .namespace(fenced(Namespace::new("/")))
            .namespace(Namespace::new("/one").middleware(count.clone()))
            .namespace(Namespace::new("/other").middleware(count)),
    );
    let mut client = Client::connect(running.address).await;
    for (packet, answer) in
        [("0/one,", "/one,{\"message\":\"1\"}"), ("0/other,", "/other,{\"message\":\"2\"}")]
    {
        client.send(packet).await;
        assert_eq!(client.next().await, format!("4{answer}"));
    }
    client.send("1").await;
    client.join("/", "").await;
    client.send("0/one,").await;
    assert_eq!(client.next().await, r#"4/one,{"message":"3"}"#);

    let mut other = Client::connect(running.address).await;
    other.send("0/one,").await;
    assert_eq!(other.next().await, r#"4/one,{"message":"1"}"#, "another connection has data of its own");
    assert!(dropped.try_recv().is_err());
    drop(client);
    within(dropped.recv()).await;
}

/// Middleware that waits for permits.
fn gated() -> (Namespace, Arc<Semaphore>, mpsc::Receiver<()>) {
    let gate = Arc::new(Semaphore::new(0));
    let (report, entered) = mpsc::channel(16);
    let namespace = fenced(Namespace::new("/slow")).middleware({
        let gate = Arc::clone(&gate);
        move |_| {
            let (gate, report) = (Arc::clone(&gate), report.clone());
            async move {
                report.send(()).await.expect("the test listens");
                gate.acquire().await.expect("open").forget();
                Ok(())
            }
        }
    });
    (namespace, gate, entered)
}

#[tokio::test]
async fn other_namespaces_go_on_while_middleware_decides() {
    let (slow, gate, mut entered) = gated();
    let running = start(Server::builder().namespace(fenced(Namespace::new("/"))).namespace(slow));
    let mut client = Client::connect(running.address).await;
    client.send("0/slow,").await;
    within(entered.recv()).await.expect("middleware runs");
    client.fence().await;
    gate.add_permits(1);
    assert!(client.next().await.starts_with("0/slow,{"));
}

#[tokio::test]
async fn a_client_that_asks_anew_while_middleware_decides_is_judged_by_its_last_auth() {
    let gate = Arc::new(Semaphore::new(0));
    let (report, mut seen) = mpsc::channel(16);
    let slow = Namespace::new("/slow").middleware({
        let gate = Arc::clone(&gate);
        move |request: ConnectRequest| {
            let (gate, report) = (Arc::clone(&gate), report.clone());
            async move {
                report.send(request.auth().as_str().to_owned()).await.expect("the test listens");
                gate.acquire().await.expect("open").forget();
                if request.auth().as_str().contains("bad") { Err("bad".into()) } else { Ok(()) }
            }
        }
    });
    let running = start(Server::builder().namespace(fenced(Namespace::new("/"))).namespace(fenced(slow)));
    for (first, last, answer) in [("good", "bad", "4/slow,"), ("bad", "good", "0/slow,")] {
        let mut client = Client::connect(running.address).await;
        client.send(&format!(r#"0/slow,{{"is":"{first}"}}"#)).await;
        assert!(within(seen.recv()).await.expect("middleware runs").contains(first));
        // However often it asks, one middleware runs, and the last question counts.
        for _ in 0..100 {
            client.send_all(&["1/slow,", r#"0/slow,{"is":"between"}"#]).await;
        }
        client.send_all(&["1/slow,", &format!(r#"0/slow,{{"is":"{last}"}}"#)]).await;
        client.fence().await;
        gate.add_permits(2);
        assert!(within(seen.recv()).await.expect("middleware runs").contains(last));
        assert!(client.next().await.starts_with(answer), "{first}, then {last}");
        client.fence().await;
        assert!(seen.try_recv().is_err());
    }
}

#[tokio::test]
async fn disconnect_and_connect_twice_in_one_breath_end_connected() {
    let (slow, gate, _entered) = gated();
    let running = start(Server::builder().namespace(fenced(Namespace::new("/"))).namespace(slow));
    let mut client = Client::connect(running.address).await;
    client.send_all(&["1", "0", "0"]).await;
    assert!(client.next().await.starts_with("0{"), "one answer, also if the second CONNECT finds it joined");
    client.fence().await;
    gate.add_permits(16);
    client.send_all(&["0/slow,", "1/slow,", "0/slow,", "1/slow,", "0/slow,"]).await;
    assert!(client.next().await.starts_with("0/slow,{"));
    client.send(r#"2/slow,7["fence"]"#).await;
    assert_eq!(client.next().await, "3/slow,7[]");
    assert_eq!(running.io().of("/slow").expect("a name").fetch().await.len(), 1);
}

#[tokio::test]
async fn a_client_that_leaves_while_middleware_decides_was_never_there() {
    let (slow, gate, mut entered) = gated();
    let running = start(Server::builder().namespace(fenced(Namespace::new("/"))).namespace(slow));
    let mut client = Client::connect(running.address).await;
    client.send("0/slow,").await;
    within(entered.recv()).await.expect("middleware runs");
    client.send("1/slow,").await;
    client.fence().await;
    gate.add_permits(1);
    // The verdict has arrived when the namespace can be asked for again.
    let slow = running.io().of("/slow").expect("a name");
    client.fence().await;
    assert!(slow.fetch().await.is_empty(), "nobody is there");
    slow.emit("ghost", &()).expect("taken");
    client.fence().await;
    gate.add_permits(1);
    client.join("/slow", "").await;
    assert_eq!(slow.fetch().await.len(), 1);
    slow.emit("once", &()).expect("taken");
    assert_eq!(client.next().await, r#"2/slow,["once"]"#);
    client.fence().await;
}

#[tokio::test]
async fn a_connection_that_ends_while_middleware_decides_leaves_nothing() {
    let (slow, gate, mut entered) = gated();
    let running = start(Server::builder().namespace(slow));
    let mut client = Client::open(running.address).await;
    client.send("0/slow,").await;
    within(entered.recv()).await.expect("middleware runs");
    drop(client);
    while running.io().connections() > 0 {
        tokio::task::yield_now().await;
    }
    gate.add_permits(1);
    while gate.available_permits() > 0 {
        tokio::task::yield_now().await;
    }
    assert!(running.io().of("/slow").expect("a name").fetch().await.is_empty());
}

#[tokio::test]
async fn auth_is_an_object_and_typed_for_handlers() {
    let namespace =
        fenced(Namespace::new("/")).on_connect(|socket: Socket, AuthAs(auth): AuthAs<Token>| async move {
            let _ = socket.emit("token", &auth.token);
        });
    let raw = Namespace::new("/raw").on_connect(|socket: Socket, auth: Auth| async move {
        let _ = socket.emit("raw", &auth.as_str());
    });
    let running = start(Server::builder().namespace(namespace).namespace(raw));
    let mut client = Client::open(running.address).await;
    client.join("/", r#"{"token":"t0p","more":[1]}"#).await;
    assert_eq!(client.next().await, r#"2["token","t0p"]"#);
    client.join("/raw", "").await;
    assert_eq!(client.next().await, r#"2/raw,["raw","{}"]"#);
    // A handler whose auth does not fit is not run; the socket is there all the same.
    let mut client = Client::open(running.address).await;
    client.join("/", r#"{"token":5}"#).await;
    client.fence().await;
    for auth in ["[]", "[1]", "\"x\"", "null", "{", "{\"a\":1"] {
        let mut client = Client::open(running.address).await;
        client.send(&format!("0{auth}")).await;
        assert_eq!(client.closed().await, Some(1002), "{auth}");
    }
}

/// It is not refused, and the other namespaces of its connection go on.
#[tokio::test]
async fn a_client_waits_at_a_door_that_is_shut_and_middleware_runs_when_it_opens() {
    let is_shut = Arc::new(AtomicBool::new(true));
    let opens = Arc::new(Semaphore::new(0));
    let (shut, key) = (Arc::clone(&is_shut), Arc::clone(&opens));
    let inner = guarded("/inner").door(move || {
        let key = Arc::clone(&key);
        shut.load(Ordering::Relaxed)
            .then_some(async move { key.acquire().await.expect("it is never closed").forget() })
    });
    let running = start(Server::builder().namespace(fenced(Namespace::new("/"))).namespace(inner));
    let mut client = Client::connect(running.address).await;
    client.send(r#"0/inner,{"token":"secret"}"#).await;
    client.fence().await;
    let mut other = Client::connect(running.address).await;
    other.send(r#"0/inner,{"token":"x"}"#).await;
    other.fence().await;
    is_shut.store(false, Ordering::Relaxed);
    // Nobody waits for a door that is open.
    let mut late = Client::connect(running.address).await;
    late.join("/inner", r#"{"token":"secret"}"#).await;
    opens.add_permits(2);
    assert!(client.next().await.starts_with(r#"0/inner,{"sid":"#));
    assert!(other.next().await.starts_with(r#"4/inner,{"message":"wrong"#));
}

#[tokio::test]
async fn a_client_that_leaves_while_it_waits_at_a_door_is_forgotten() {
    let opens = Arc::new(Semaphore::new(0));
    let key = Arc::clone(&opens);
    let inner = fenced(Namespace::new("/")).door(move || {
        let key = Arc::clone(&key);
        Some(async move { key.acquire().await.expect("it is never closed").forget() })
    });
    let running = start(Server::builder().namespace(inner));
    let mut client = Client::open(running.address).await;
    client.send("0").await;
    drop(client);
    let mut other = Client::open(running.address).await;
    other.send("0").await;
    opens.add_permits(2);
    assert!(other.next().await.starts_with(r#"0{"sid":"#));
    other.fence().await;
    assert_eq!(within(running.io().root().fetch()).await.len(), 1);
}
