//! Whom an event is for: rooms, exceptions, broadcasts, volatile events, and operations on many sockets.

use std::time::Duration;

use socketio_server::{
    Ack, AckError, Arg, Args, Closing, HandshakeKept, Namespace, RemoteSocket, Server, Socket, Spread,
};

use crate::harness::{Client, Polling, Running, fenced, start, within};

const PATIENCE: Duration = Duration::from_secs(10);

fn start_rooms() -> Running {
    let namespace = fenced(Namespace::new("/"))
        .on("join", |socket: Socket, Args(Spread(rooms)): Args<Spread<Vec<String>>>, ack: Ack| async move {
            let _ = socket.join(rooms);
            let _ = ack.send(&());
        })
        .on("leave", |socket: Socket, Arg(room): Arg<String>, ack: Ack| async move {
            let _ = socket.leave(room);
            let _ = ack.send(&());
        })
        .on("to", |socket: Socket, Arg(room): Arg<String>, ack: Ack| async move {
            let _ = socket.to(room).emit("to", &());
            let _ = ack.send(&());
        })
        .on("broadcast", |socket: Socket, ack: Ack| async move {
            let _ = socket.broadcast().emit("broadcast", &());
            let _ = ack.send(&());
        })
        .on("join and say", |socket: Socket, Arg(room): Arg<String>| async move {
            let _ = socket.join([room.as_str()]);
            let _ = socket.io().root().to(room).emit("said", &());
        });
    let builder = Server::builder().namespace(namespace).namespace(Namespace::new("/other"));
    start(builder.configure(|config| config.rooms_max = 3))
}

async fn three(running: &Running) -> [Client; 3] {
    [
        Client::connect(running.address).await,
        Client::connect(running.address).await,
        Client::connect(running.address).await,
    ]
}

async fn join(client: &mut Client, rooms: &[&str]) {
    let rooms = serde_json::to_string(rooms).expect("JSON");
    client.ask(&format!(r#"["join",{}]"#, rooms.trim_matches(['[', ']']))).await;
}

/// Says what each client got and nothing else.
async fn expect(clients: &mut [Client], got: &[&[&str]]) {
    for (client, got) in clients.iter_mut().zip(got) {
        let expected: Vec<String> = got.iter().map(|event| format!(r#"2["{event}"]"#)).collect();
        assert_eq!(client.drain().await, expected);
    }
}

#[tokio::test]
async fn an_event_goes_to_the_union_of_rooms_once() {
    let running = start_rooms();
    let mut clients = three(&running).await;
    join(&mut clients[0], &["a", "b"]).await;
    join(&mut clients[1], &["b"]).await;
    let root = running.io().root();
    root.clone().to("a").to("b").emit("union", &()).expect("taken");
    root.clone().to("a").emit("only a", &()).expect("taken");
    root.clone().to("nobody").emit("void", &()).expect("taken");
    root.emit("all", &()).expect("taken");
    expect(&mut clients, &[&["union", "only a", "all"], &["union", "all"], &["all"]]).await;
}

#[tokio::test]
async fn rooms_and_sockets_can_be_excepted() {
    let running = start_rooms();
    let mut clients = three(&running).await;
    join(&mut clients[0], &["a"]).await;
    join(&mut clients[1], &["a", "b"]).await;
    let root = running.io().root();
    root.clone().except("a").emit("not a", &()).expect("taken");
    root.clone().to("a").except("b").emit("a not b", &()).expect("taken");
    root.clone().except(clients[2].id.as_str()).emit("not the third", &()).expect("taken");
    root.clone().to("a").except("a").emit("nobody", &()).expect("taken");
    root.to(clients[2].id.as_str()).to("b").emit("by id", &()).expect("taken");
    expect(&mut clients, &[&["a not b", "not the third"], &["not the third", "by id"], &["not a", "by id"]])
        .await;
}

#[tokio::test]
async fn the_sender_of_a_broadcast_does_not_get_it() {
    let running = start_rooms();
    let mut clients = three(&running).await;
    join(&mut clients[0], &["a"]).await;
    join(&mut clients[1], &["a"]).await;
    clients[0].ask(r#"["to","a"]"#).await;
    clients[2].ask(r#"["broadcast"]"#).await;
    expect(&mut clients, &[&["broadcast"], &["to", "broadcast"], &[]]).await;
}

#[tokio::test]
async fn members_get_the_next_event_and_former_members_do_not() {
    let running = start_rooms();
    let mut client = Client::connect(running.address).await;
    client.send(r#"2["join and say","a"]"#).await;
    assert_eq!(client.next().await, r#"2["said"]"#);
    client.ask(r#"["leave","a"]"#).await;
    running.io().root().to("a").emit("late", &()).expect("taken");
    client.fence().await;
    // Leaving a room that one is not in is nothing.
    client.ask(r#"["leave","a"]"#).await;
}

#[tokio::test]
async fn only_so_many_rooms_can_be_joined() {
    let running = start_rooms();
    let mut client = Client::connect(running.address).await;
    join(&mut client, &["a", "a", "b", "c", "d"]).await;
    let mut rooms: Vec<String> = rooms_of(&running.io().root().fetch().await[0]);
    rooms.sort_unstable();
    assert_eq!(rooms, ["a", "b", "c"]);
}

fn rooms_of(socket: &RemoteSocket) -> Vec<String> {
    socket.rooms.iter().map(|room| room.as_str().to_owned()).collect()
}

#[tokio::test]
async fn sockets_are_fetched_with_their_rooms_and_data() {
    let running = start_rooms();
    let mut clients = three(&running).await;
    join(&mut clients[1], &["a"]).await;
    let root = running.io().root();
    assert_eq!(root.fetch().await.len(), 3);
    let found = root.clone().to("a").fetch().await;
    assert_eq!(
        (found.len(), found[0].id.to_string(), rooms_of(&found[0])),
        (1, clients[1].id.clone(), vec!["a".to_owned()])
    );
    found[0].data.insert(7_u32);
    let again = root.to(clients[1].id.as_str()).fetch().await;
    assert_eq!(again[0].data.find::<u32>().as_deref(), Some(&7));
    assert!(running.io().of("/other").expect("a name").fetch().await.is_empty());
}

#[tokio::test]
async fn many_sockets_join_leave_and_go_at_once() {
    let running = start_rooms();
    let mut clients = three(&running).await;
    join(&mut clients[0], &["a"]).await;
    join(&mut clients[1], &["a"]).await;
    let root = running.io().root();
    root.clone().to("a").join(["b"]).expect("taken");
    root.clone().to("b").emit("in b", &()).expect("taken");
    root.clone().to(clients[0].id.as_str()).leave(["b"]).expect("taken");
    root.clone().to("b").emit("still in b", &()).expect("taken");
    expect(&mut clients, &[&["in b"], &["in b", "still in b"], &[]]).await;
    root.clone().to("a").disconnect(Closing::Namespace).expect("taken");
    assert_eq!(clients[0].next().await, "1");
    assert_eq!(clients[1].next().await, "1");
    clients[2].fence().await;
    assert_eq!(root.fetch().await.len(), 1);
    root.disconnect(Closing::Connection).expect("taken");
    assert_eq!(clients[2].next().await, "1");
    assert_eq!(clients[2].closed().await, None);
    // The workers of the others may not have come to that yet; a client that joins before would be disconnected too.
    assert_eq!(root.fetch().await.len(), 0);
    // Those whose connection stayed may join again, without their rooms.
    clients[0].join("/", "").await;
    root_emit(&running, "a");
    clients[0].fence().await;
}

#[tokio::test]
async fn a_fetched_socket_is_spoken_to_moved_and_disconnected_alone() {
    let running = start_rooms();
    let mut clients = three(&running).await;
    let root = running.io().root();
    let found = root.clone().to(clients[1].id.as_str()).fetch().await.remove(0);
    found.emit("hello", &()).expect("taken");
    found.join(["a"]).expect("taken");
    root.clone().to("a").emit("in a", &()).expect("taken");
    found.leave("a").expect("taken");
    root.clone().to("a").emit("in a no more", &()).expect("taken");
    expect(&mut clients, &[&[], &["hello", "in a"], &[]]).await;

    let asking = found.clone();
    let asked = tokio::spawn(async move { asking.emit_with_ack("how are you?", &(), PATIENCE).await });
    let question = clients[1].next().await;
    let id =
        question.strip_prefix('2').and_then(|rest| rest.strip_suffix(r#"["how are you?"]"#)).expect("asked");
    clients[1].send(&format!(r#"3{id}["well"]"#)).await;
    let answer = within(asked).await.expect("no panic").expect("answered");
    assert_eq!(answer.first::<String>().expect("fits"), "well");

    found.disconnect(Closing::Namespace).expect("taken");
    assert_eq!(clients[1].next().await, "1");
    assert_eq!(root.fetch().await.len(), 2);
    // It has left: nothing happens, and no answer is waited for.
    found.emit("nobody hears", &()).expect("taken");
    let answer = within(found.emit_with_ack("and you?", &(), PATIENCE)).await;
    assert!(matches!(answer, Err(AckError::Disconnected)), "{answer:?}");
}

#[tokio::test]
async fn a_fetched_socket_has_its_handshake_if_that_is_kept() {
    for (kept, expected) in [(HandshakeKept::Session, Some("websocket")), (HandshakeKept::UntilJoined, None)]
    {
        let builder = Server::builder().namespace(fenced(Namespace::new("/")));
        let running = start(builder.configure(move |config| config.handshake_kept = kept));
        let _client = Client::connect(running.address).await;
        let found = running.io().root().fetch().await.remove(0);
        assert_eq!(found.handshake().and_then(|handshake| handshake.query("transport")), expected);
    }
}

fn root_emit(running: &Running, room: &'static str) {
    running.io().root().to(room).emit("to the room", &()).expect("taken");
}

#[tokio::test]
async fn rooms_are_empty_when_their_sockets_have_gone() {
    let running = start_rooms();
    for _ in 0..20 {
        let mut client = Client::connect(running.address).await;
        join(&mut client, &["a", "b"]).await;
    }
    let mut last = Client::connect(running.address).await;
    join(&mut last, &["b"]).await;
    while running.io().connections() > 1 {
        tokio::task::yield_now().await;
    }
    assert!(running.io().root().to("a").fetch().await.is_empty());
    running.io().root().to("b").emit("hello", &()).expect("taken");
    assert_eq!(last.drain().await, [r#"2["hello"]"#]);
}

#[tokio::test]
async fn a_volatile_event_is_dropped_for_those_it_cannot_be_written_to() {
    let running = start_rooms();
    let mut client = Client::connect(running.address).await;
    let polling = Polling::open(running.address).await;
    polling.join().await;
    running.io().root().volatile().emit("volatile", &()).expect("taken");
    running.io().root().emit("reliable", &()).expect("taken");
    assert_eq!(client.drain().await, [r#"2["volatile"]"#, r#"2["reliable"]"#]);
    // No poll was waiting.
    assert_eq!(polling.poll().await, [r#"42["reliable"]"#]);
}

#[tokio::test]
async fn rooms_of_one_name_in_two_namespaces_are_two() {
    let running = start_rooms();
    let mut client = Client::connect(running.address).await;
    client.join("/other", "").await;
    join(&mut client, &["a"]).await;
    running.io().of("/other").expect("a name").to("a").emit("x", &()).expect("taken");
    client.fence().await;
    root_emit(&running, "a");
    assert_eq!(client.next().await, r#"2["to the room"]"#);
}
