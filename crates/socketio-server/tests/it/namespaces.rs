//! Namespaces: joining them, leaving them, and names that come to be on demand.

use socketio_server::{Arg, Namespace, Server, Socket};

use crate::harness::{Client, Running, fenced, start};

fn start_chat() -> Running {
    let emit = |socket: Socket, Arg(text): Arg<String>| async move {
        let _ = socket.emit("said", &text);
    };
    let dynamic =
        Namespace::matching(|name| name.starts_with("/room-")).on("everyone", |socket: Socket| async move {
            if let Ok(everyone) = socket.io().of(socket.namespace()) {
                let _ = everyone.emit("hello", &socket.namespace());
            }
        });
    start(
        Server::builder()
            .namespace(fenced(Namespace::new("/")).on("say", emit))
            .namespace(fenced(Namespace::new("/chat")).on("say", emit).on(
                "kick",
                |socket: Socket| async move {
                    let _ = socket.disconnect(socketio_server::Closing::Namespace);
                },
            ))
            .namespace(fenced(dynamic))
            .namespace(
                Namespace::matching(|name| name.starts_with("/room-vip")).on("never", |_: Socket| async {}),
            ),
    )
}

#[tokio::test]
async fn joining_answers_with_a_socket_id_and_nothing_else() {
    let running = start_chat();
    let mut client = Client::open(running.address).await;
    client.send("0").await;
    let reply = client.next().await;
    let sid =
        reply.strip_prefix(r#"0{"sid":""#).and_then(|rest| rest.strip_suffix(r#""}"#)).expect("only a sid");
    assert_eq!(sid.len(), 20);
    assert_ne!(sid, client.ws.sid);
    client.send("0/chat,{\"token\":1}").await;
    let reply = client.next().await;
    assert!(reply.starts_with(r#"0/chat,{"sid":""#) && !reply.contains(sid), "{reply}");
}

#[tokio::test]
async fn a_namespace_can_be_joined_without_the_main_one() {
    let running = start_chat();
    let mut client = Client::open(running.address).await;
    client.join("/chat", "").await;
    client.send(r#"2/chat,["say","hi"]"#).await;
    assert_eq!(client.next().await, r#"2/chat,["said","hi"]"#);
}

#[tokio::test]
async fn namespaces_of_one_connection_do_not_mix() {
    let running = start_chat();
    let mut client = Client::connect(running.address).await;
    client.join("/chat", "").await;
    running.io().of("/chat").expect("a name").emit("to chat", &()).expect("taken");
    assert_eq!(client.next().await, r#"2/chat,["to chat"]"#);
    running.io().root().emit("to root", &()).expect("taken");
    assert_eq!(client.next().await, r#"2["to root"]"#);
    client.send("1/chat,").await;
    client.fence().await;
}

#[tokio::test]
async fn an_unknown_namespace_is_refused_and_the_connection_stays() {
    let running = start_chat();
    let mut client = Client::open(running.address).await;
    for name in ["/unknown", "/chat/", "/CHAT", "/__proto__"] {
        client.send(&format!("0{name},")).await;
        assert_eq!(client.next().await, format!(r#"4{name},{{"message":"Invalid namespace"}}"#));
    }
    client.join("/", "").await;
    client.fence().await;
}

#[tokio::test]
async fn joining_again_with_other_auth_makes_a_new_socket_and_ends_the_old_one() {
    let running = start_chat();
    let mut client = Client::connect(running.address).await;
    let first = client.id.clone();
    client.send("0").await;
    client.fence().await;
    let there = running.io().root().fetch().await;
    assert_eq!(there.iter().map(|socket| socket.id.to_string()).collect::<Vec<_>>(), [first.as_str()]);
    client.join("/", r#"{"token":2}"#).await;
    assert_ne!(client.id, first);
    client.fence().await;
    let there = running.io().root().fetch().await;
    assert_eq!(there.iter().map(|socket| socket.id.to_string()).collect::<Vec<_>>(), [client.id.as_str()]);
}

#[tokio::test]
async fn a_client_that_left_may_join_again_with_another_id() {
    let running = start_chat();
    let mut client = Client::connect(running.address).await;
    let first = client.id.clone();
    client.send("1").await;
    client.join("/", "").await;
    assert_ne!(client.id, first);
    client.fence().await;
}

#[tokio::test]
async fn packets_for_a_namespace_that_is_not_joined_close_the_connection() {
    let running = start_chat();
    for packet in [r#"2/chat,["say","x"]"#, "3/chat,1[]", "1/chat,", r#"2/chat,1["say","x"]"#, "4/chat,{}"] {
        let mut client = Client::connect(running.address).await;
        client.send(packet).await;
        assert_eq!(client.closed().await, Some(1008), "{packet}");
    }
    let mut client = Client::open(running.address).await;
    client.send(r#"2["say","before CONNECT"]"#).await;
    assert_eq!(client.closed().await, Some(1008));
}

#[tokio::test]
async fn late_packets_of_a_client_that_the_server_removed_are_ignored() {
    let running = start_chat();
    let mut client = Client::connect(running.address).await;
    client.join("/chat", "").await;
    client.send(r#"2/chat,["kick"]"#).await;
    assert_eq!(client.next().await, "1/chat,");
    client.send(r#"2/chat,["say","late"]"#).await;
    client.send(r#"51-/chat,["say",{"_placeholder":true,"num":0}]"#).await;
    client.send_binary(b"late").await;
    client.send("3/chat,1[]").await;
    client.fence().await;
    client.join("/chat", "").await;
    client.send(r#"2/chat,["say","again"]"#).await;
    assert_eq!(client.next().await, r#"2/chat,["said","again"]"#);
}

#[tokio::test]
async fn dynamic_namespaces_are_worlds_of_their_own() {
    let running = start_chat();
    let mut ada = Client::connect(running.address).await;
    ada.join("/room-1", "").await;
    let mut bob = Client::connect(running.address).await;
    bob.join("/room-2", "").await;
    bob.send(r#"2/room-2,["everyone"]"#).await;
    assert_eq!(bob.next().await, r#"2/room-2,["hello","/room-2"]"#);
    ada.fence().await;
    assert_eq!(running.io().of("/room-1").expect("a name").fetch().await.len(), 1);
    ada.send("1/room-1,").await;
    ada.fence().await;
    assert_eq!(running.io().of("/room-1").expect("a name").fetch().await.len(), 0);
    ada.join("/room-1", "").await;
}

#[tokio::test]
async fn the_first_matching_definition_counts() {
    let running = start_chat();
    let mut client = Client::open(running.address).await;
    client.join("/room-vip", "").await;
    client.send(r#"2/room-vip,["everyone"]"#).await;
    assert_eq!(client.next().await, r#"2/room-vip,["hello","/room-vip"]"#);
}

#[tokio::test]
async fn only_so_many_namespaces_may_be_joined_on_one_connection() {
    let running = start_chat();
    let mut client = Client::open(running.address).await;
    for number in 0..8 {
        client.join(&format!("/room-{number}"), "").await;
    }
    client.send("0/room-8,").await;
    assert_eq!(client.closed().await, Some(1008));
}

#[tokio::test]
async fn definitions_that_contradict_each_other_are_refused() {
    use socketio_server::{BuildError, Feed, FeedConfig};
    let twice = Server::builder().namespace(Namespace::new("/a")).namespace(Namespace::new("/a")).build();
    assert!(matches!(twice, Err(BuildError::Duplicate(name)) if name == "/a"));
    let nameless = Server::builder().namespace(Namespace::new("a,b")).build();
    assert!(matches!(nameless, Err(BuildError::Namespace(_))));
    let feed = Feed::new(FeedConfig::in_memory());
    let shared = Server::builder()
        .namespace(Namespace::new("/a").recovery(feed.clone()))
        .namespace(Namespace::new("/b").recovery(feed));
    assert!(matches!(shared.build(), Err(BuildError::Feed)));
    let matching = Namespace::matching(|_| true).recovery(Feed::new(FeedConfig::in_memory()));
    assert!(matches!(Server::builder().namespace(matching).build(), Err(BuildError::Feed)));
    let none = Server::builder().configure(|config| config.workers = 0).build();
    assert!(matches!(none, Err(BuildError::Workers(0))));
}
