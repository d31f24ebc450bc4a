//! Hostile Socket.IO packets (attacks A29 to A39): each closes its own connection or is harmless.

use socketio_server::{Namespace, Server};

use crate::harness::{Canaries, Client, Received, Running, echoing, fenced, start};

fn start_target() -> Running {
    start(
        Server::builder()
            .namespace(echoing(fenced(Namespace::new("/"))))
            .namespace(Namespace::matching(|name| name.starts_with("/n"))),
    )
}

async fn closes(running: &Running, name: &str, packet: &str) {
    let mut client = Client::connect(running.address).await;
    client.ws.try_send(format!("4{packet}").into()).await;
    // If it does not close the connection, this is answered.
    client.ws.try_send(r#"42777["fence"]"#.into()).await;
    let next = client.ws.next().await;
    assert!(matches!(next, Received::Close(_) | Received::End), "{name}: {next:?}");
}

#[tokio::test]
async fn packets_that_are_none_close_their_connection() {
    let running = start_target();
    let canaries = Canaries::start(running.address).await;
    for (name, packet) in [
        ("a billion attachments", r#"51000000000-["echo",1]"#),
        ("no attachments", r#"50-["echo",1]"#),
        ("eleven attachments", r#"511-["echo",1]"#),
        ("attachments without a dash", r#"51["echo",1]"#),
        ("a negative placeholder", r#"51-["echo",{"_placeholder":true,"num":-1}]"#),
        ("a placeholder from afar", r#"51-["echo",{"_placeholder":true,"num":1000000000}]"#),
        ("a placeholder that is a fraction", r#"51-["echo",{"_placeholder":true,"num":0.5}]"#),
        ("a nested bad placeholder", r#"51-["echo",[[{"a":{"_placeholder":true,"num":7}}]]]"#),
        ("an object for a name", r#"2[{"toString":""},1]"#),
        ("a list for a name", r#"2[["echo"],1]"#),
        ("null for a name", "2[null]"),
        ("a reserved name", r#"2["connect"]"#),
        ("another reserved name", r#"2["disconnect"]"#),
        ("another reserved name", r#"2["disconnecting"]"#),
        ("another reserved name", r#"2["newListener"]"#),
        ("another reserved name", r#"2["removeListener"]"#),
        ("another reserved name", r#"2["connect_error"]"#),
        ("an object for arguments", r#"2{"0":"echo"}"#),
        ("a text for arguments", r#"2"echo""#),
        ("no arguments", "2"),
        ("broken JSON", r#"2["echo",}"#),
        ("JSON and more", r#"2["echo"]x"#),
        ("a lone surrogate", r#"2["\ud800"]x"#),
        ("an ack without a list", "31{}"),
        ("an unknown type", "7[]"),
        ("an empty packet", ""),
    ] {
        closes(&running, name, packet).await;
    }
    canaries.sing().await;
}

#[tokio::test]
async fn odd_but_valid_packets_are_harmless() {
    let running = start_target();
    let canaries = Canaries::start(running.address).await;
    let mut client = Client::connect(running.address).await;
    let keys: Vec<String> = (0..50_000).map(|number| format!(r#""k{number}":{number}"#)).collect();
    for packet in [
        // Node's own EventEmitter dies of this one.
        r#"2["error",{"message":"x"}]"#.to_owned(),
        r#"2["__proto__",1]"#.to_owned(),
        r#"2["toString"]"#.to_owned(),
        r#"2[""]"#.to_owned(),
        r#"2["echo",1e308,-1e308,123456789012345678901234567890]"#.to_owned(),
        r#"2["echo",{"a":1,"a":2}]"#.to_owned(),
        format!(r#"2["echo",{{{}}}]"#, keys.join(",")),
        "3999999[]".to_owned(),
        // Too deep for the handler's types, but nothing here recurses.
        format!(r#"2["echo",{}1{}]"#, "[".repeat(100_000), "]".repeat(100_000)),
        // An answer to nothing.
        "3[]".to_owned(),
        "318446744073709551615[]".to_owned(),
        r#"21["echo"]"#.to_owned(),
        r#"21["echo"]"#.to_owned(),
    ] {
        client.send(&packet).await;
    }
    assert_eq!(client.next().await, "31[]");
    assert_eq!(client.next().await, "31[]", "an id may be used again: it is the client's own");
    let harmless =
        client.ask(r#"["echo",{"__proto__":{"polluted":1},"constructor":{"prototype":{}}}]"#).await;
    assert_eq!(harmless, r#"[{"__proto__":{"polluted":1},"constructor":{"prototype":{}}}]"#);
    canaries.sing().await;
}

#[tokio::test]
async fn names_and_numbers_out_of_range_close_or_are_ignored() {
    let running = start_target();
    let canaries = Canaries::start(running.address).await;
    for packet in [
        format!(r#"2["{}"]"#, "x".repeat(10_000)),
        r#"218446744073709551616["echo"]"#.to_owned(),
        format!(r#"2{}["echo"]"#, "9".repeat(400)),
        format!("0/n{},", "x".repeat(100_000)),
    ] {
        let mut client = Client::connect(running.address).await;
        client.send(&packet).await;
        // Closed, refused or ignored; in no case is anything of it repeated at length.
        client.ws.try_send("41[".into()).await;
        let end = client.ws.end().await;
        assert!(matches!(end, Received::Close(_) | Received::End));
    }
    canaries.sing().await;
}

#[tokio::test]
async fn namespaces_cannot_be_piled_up() {
    let running = start_target();
    let canaries = Canaries::start(running.address).await;
    let mut client = Client::open(running.address).await;
    for number in 0..1_000 {
        if !client.ws.try_send(format!("40/n{number},").into()).await {
            break;
        }
    }
    assert!(matches!(client.ws.end().await, Received::Close(_) | Received::End));
    let sockets = running.io().of("/n0").expect("a name").fetch().await;
    assert!(sockets.is_empty());
    // Refused names are not remembered: a client may try as many as it likes.
    let mut client = Client::open(running.address).await;
    for number in 0..1_000 {
        client.send(&format!("0/unknown{number},")).await;
        assert!(client.next().await.starts_with("4/unknown"));
    }
    canaries.sing().await;
}

#[tokio::test]
async fn auth_of_any_size_and_shape_is_one_clients_business() {
    let namespace = echoing(fenced(Namespace::new("/")));
    let builder = Server::builder().namespace(namespace);
    // No bound but that of every message.
    let running = start(builder.configure(|config| config.unjoined_input_bytes_max = 0));
    let canaries = Canaries::start(running.address).await;
    let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(900_000));
    for auth in [
        large.as_str(),
        r#"{"serverOffset":{}}"#,
        r#"{"serverOffset":-1,"pid":[],"offset":{"a":1}}"#,
        r#"{"serverOffset":1e308}"#,
        r#"{"serverOffset":"1;DROP TABLE"}"#,
        r#"{"pid":"\u0000","offset":"\ud83d\ude00"}"#,
    ] {
        let mut client = Client::open(running.address).await;
        client.join("/", auth).await;
        client.fence().await;
    }
    canaries.sing().await;
}

#[tokio::test]
async fn attachments_that_never_come_keep_only_their_own_connection_waiting() {
    let running = start_target();
    let canaries = Canaries::start(running.address).await;
    let mut waiting = Vec::new();
    for _ in 0..50 {
        let mut client = Client::connect(running.address).await;
        client.send(r#"510-["echo",{"_placeholder":true,"num":0}]"#).await;
        client.send_binary(&[0; 1_000]).await;
        waiting.push(client);
    }
    canaries.sing().await;
    for client in &mut waiting {
        client.send("2[\"between\"]").await;
        assert_eq!(client.closed().await, Some(1002));
    }
}

#[tokio::test]
async fn attachments_before_connect_close_the_connection() {
    let running = start_target();
    for packets in [&[r#"51-["echo",{"_placeholder":true,"num":0}]"#][..], &["1"], &["31[]"]] {
        let mut client = Client::open(running.address).await;
        for packet in packets {
            client.send(packet).await;
        }
        assert_eq!(client.closed().await, Some(1008), "{packets:?}");
    }
}
