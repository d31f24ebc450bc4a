//! Bytes in events and answers, at any depth, and never mixed up with other packets.

use socketio_server::{Ack, Arg, Args, Binary, Namespace, Server, Socket};

use crate::harness::{Client, Received, Running, fenced, start};

#[derive(serde::Serialize, serde::Deserialize)]
struct Picture {
    name: String,
    data: Binary,
    thumbs: Vec<Binary>,
}

fn start_binary() -> Running {
    let namespace = fenced(Namespace::new("/"))
        .on("picture", |Arg(picture): Arg<Picture>, ack: Ack| async move {
            let _ = ack.send(&picture);
        })
        .on("share", |socket: Socket, Arg(data): Arg<Binary>| async move {
            let _ = socket.io().root().emit("shared", &(data.clone(), "and", data));
        })
        .on("text only", |Args((text,)): Args<(String,)>, ack: Ack| async move {
            let _ = ack.send(&text);
        });
    start(Server::builder().namespace(namespace))
}

#[tokio::test]
async fn bytes_travel_at_any_depth() {
    let running = start_binary();
    let mut client = Client::connect(running.address).await;
    let placeholder = |number: u32| format!(r#"{{"_placeholder":true,"num":{number}}}"#);
    let picture = format!(
        r#"{{"name":"ada","data":{},"thumbs":[{},{}]}}"#,
        placeholder(0),
        placeholder(1),
        placeholder(2)
    );
    client.send(&format!(r#"53-8["picture",{picture}]"#)).await;
    for data in [&b"zero"[..], &[], &[0xff; 300]] {
        client.send_binary(data).await;
    }
    assert_eq!(client.next().await, format!("63-8[{picture}]"));
    assert_eq!(client.next_binary().await, b"zero");
    assert_eq!(client.next_binary().await, b"");
    assert_eq!(client.next_binary().await, [0xff; 300]);
}

#[tokio::test]
async fn attachments_follow_their_packet_whoever_else_speaks() {
    const ROUNDS: usize = 50;
    let running = start_binary();
    let mut listener = Client::connect(running.address).await;
    let mut speakers = Vec::new();
    for _ in 0..4 {
        let mut speaker = Client::connect(running.address).await;
        speakers.push(tokio::spawn(async move {
            for round in 0..ROUNDS {
                speaker.send(r#"51-["share",{"_placeholder":true,"num":0}]"#).await;
                speaker.send_binary(&[u8::try_from(round).expect("small"); 100]).await;
            }
            speaker
        }));
    }
    let expected = r#"52-["shared",{"_placeholder":true,"num":0},"and",{"_placeholder":true,"num":1}]"#;
    for _ in 0..4 * ROUNDS {
        assert_eq!(listener.next().await, expected);
        let data = listener.next_binary().await;
        assert_eq!((data.len(), listener.next_binary().await), (100, data));
    }
    for speaker in speakers {
        speaker.await.expect("no panic");
    }
}

#[tokio::test]
async fn broken_binary_packets_close_the_connection() {
    let running = start_binary();
    for packets in [
        &[r#"5["picture",1]"#][..],
        &[r#"50-["picture",1]"#],
        &[r#"511-["picture",1]"#],
        &[r#"51000000000-["picture",1]"#],
        &[r#"5-1-["picture",1]"#],
        &[r#"51-["picture",{"_placeholder":true,"num":1}]"#],
        &[r#"51-["picture",{"_placeholder":true,"num":-1}]"#],
        &[r#"51-["picture",{"_placeholder":true,"num":1000000000}]"#],
        &[r#"51-["picture",{"_placeholder":true,"num":0}]"#, r#"2["fence"]"#],
    ] {
        let mut client = Client::connect(running.address).await;
        for packet in packets {
            client.send(packet).await;
        }
        assert_eq!(client.closed().await, Some(1002), "{packets:?}");
    }
    let mut client = Client::connect(running.address).await;
    client.send_binary(b"without a header").await;
    assert_eq!(client.closed().await, Some(1002));
}

#[tokio::test]
async fn an_attachment_that_never_comes_closes_the_connection() {
    let namespace = crate::harness::echoing(crate::harness::fenced(Namespace::new("/")));
    let running = start(Server::builder().namespace(namespace).configure(|config| {
        config.attachment_timeout = std::time::Duration::from_millis(200);
    }));
    for brought in 0..2 {
        let mut client = Client::connect(running.address).await;
        client.send(r#"52-["echo",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#).await;
        for _ in 0..brought {
            client.send_binary(&[1, 2, 3]).await;
        }
        assert_eq!(client.closed().await, None, "{brought} of 2");
    }
    // Those who bring all of them live on, however long they say nothing then.
    let mut client = Client::connect(running.address).await;
    let mut late = Client::connect(running.address).await;
    client.send(r#"51-["echo",{"_placeholder":true,"num":0}]"#).await;
    client.send_binary(&[1, 2, 3]).await;
    late.send(r#"51-["echo",{"_placeholder":true,"num":0}]"#).await;
    late.closed().await;
    client.fence().await;
}

#[tokio::test]
async fn attachments_are_bounded_together() {
    let running = start_binary();
    let mut client = Client::connect(running.address).await;
    client.send(r#"52-["share",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#).await;
    client.send_binary(&vec![1; 600_000]).await;
    client.ws.try_send(tokio_tungstenite::tungstenite::Message::Binary(vec![1; 600_000].into())).await;
    assert!(matches!(client.ws.end().await, Received::Close(_) | Received::End));
}

#[tokio::test]
async fn an_event_may_not_have_more_attachments_than_clients_take() {
    let running = start_binary();
    let bytes = || Binary::from(vec![1]);
    let ten: Vec<Binary> = (0..10).map(|_| bytes()).collect();
    running.io().root().emit("ten", &ten).expect("ten are fine");
    let eleven: Vec<Binary> = (0..11).map(|_| bytes()).collect();
    assert!(running.io().root().emit("eleven", &eleven).is_err());
}

#[tokio::test]
async fn an_object_is_not_bytes() {
    let running = start_binary();
    let mut client = Client::connect(running.address).await;
    client.send(r#"21["share",{"_placeholder":true,"num":0}]"#).await;
    client.send(r#"22["picture",{"name":"x","data":{"num":0},"thumbs":[]}]"#).await;
    client.fence().await;
    assert_eq!(client.ask(r#"["text only","x"]"#).await, r#"["x"]"#);
}
