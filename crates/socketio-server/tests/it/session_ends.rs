//! What a polling client finds after the end of its session, and bytes as text on a WebSocket: what the official
//! suites have shown to matter.

use socketio_server::{Binary, Namespace, Server, Socket};

use crate::harness::{Client, Polling, fenced, start, start_plain};

const UNKNOWN: (u16, &str) = (400, r#"{"code":1,"message":"Session ID unknown"}"#);

#[tokio::test]
async fn a_poll_that_a_close_packet_has_overtaken_is_answered_like_one_that_waits() {
    let running = start_plain();
    let polling = Polling::open(running.address).await;
    polling.join().await;
    polling.send("1").await;
    assert_eq!(polling.get().await.brief(), (200, "6"));
    assert_eq!(polling.get().await.brief(), UNKNOWN);
}

#[tokio::test]
async fn a_client_that_broke_the_protocol_finds_its_session_unknown() {
    let running = start_plain();
    let polling = Polling::open(running.address).await;
    polling.join().await;
    // The answer to the POST is not what this is about.
    polling.post("abc").await;
    assert_eq!(polling.get().await.brief(), UNKNOWN);
}

#[tokio::test]
async fn bytes_may_come_as_base64_over_a_websocket() {
    let count = |socket: Socket, socketio_server::Arg(bytes): socketio_server::Arg<Binary>| async move {
        let _ = socket.emit("bytes", &bytes.0.len());
    };
    let running = start(Server::builder().namespace(fenced(Namespace::new("/").on("count", count))));
    let mut client = Client::connect(running.address).await;
    client.send(r#"51-["count",{"_placeholder":true,"num":0}]"#).await;
    client.ws.send("bAQID").await;
    assert_eq!(client.next().await, r#"2["bytes",3]"#);
    client.fence().await;
    client.ws.send("b?").await;
    assert_eq!(client.closed().await, Some(1002));
}
