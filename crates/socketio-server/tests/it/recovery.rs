//! Connection state recovery with the feed in memory: who comes back gets CONNECT, then what was missed, in order.

use socketio_server::{Ack, Arg, Args, Feed, FeedConfig, Keys, Namespace, Rejection, Server, Socket, Spread};
use tokio::sync::mpsc;

use crate::harness::client::split_offset;
use crate::harness::{Client, Polling, Running, fenced, start, within};

struct Name(String);

pub(crate) fn namespace(feed: Feed) -> Namespace {
    fenced(Namespace::new("/"))
        .recovery(feed)
        .middleware(|request| async move {
            if request.auth().as_str().contains("banned") { Err(Rejection::new("banned")) } else { Ok(()) }
        })
        .on_connect(|socket: Socket| async move {
            if socket.is_recovered() {
                let name = socket.data().find::<Name>().map(|name| name.0.clone());
                let _ = socket.emit_volatile("welcome back", &name);
            }
        })
        .on("name", |socket: Socket, Arg(name): Arg<String>, ack: Ack| async move {
            socket.data().insert(Name(name));
            let _ = ack.send(&());
        })
        .on("join", |socket: Socket, Args(Spread(rooms)): Args<Spread<Vec<String>>>, ack: Ack| async move {
            let _ = socket.join(rooms);
            let _ = ack.send(&());
        })
        .on("leave", |socket: Socket, Arg(room): Arg<String>, ack: Ack| async move {
            let _ = socket.leave(room);
            let _ = ack.send(&());
        })
}

fn start_recovering() -> Running {
    start_limited(FeedConfig::in_memory())
}

fn start_limited(config: FeedConfig) -> Running {
    start(Server::builder().namespace(namespace(Feed::new(config))))
}

/// Waits until the server has noticed that everybody has gone.
async fn alone(running: &Running) {
    within(async {
        while running.io().connections() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

fn emit(running: &Running, text: &str) {
    running.io().root().emit("text", &text).expect("taken");
}

/// The texts of events, without their offsets.
fn texts(packets: &[String]) -> Vec<String> {
    packets.iter().map(|packet| split_offset(packet).0).collect()
}

fn text(text: &str) -> String {
    format!(r#"2["text","{text}"]"#)
}

async fn next_text(client: &mut Client) -> (String, String) {
    split_offset(&client.next().await)
}

#[tokio::test]
async fn every_reliable_event_ends_with_an_offset_and_offsets_grow() {
    let keys = Keys::new([5; 32]);
    let running = start_limited(FeedConfig { keys: keys.clone(), ..FeedConfig::in_memory() });
    let mut client = Client::connect(running.address).await;
    assert!(client.pid.is_some());
    emit(&running, "one");
    emit(&running, "two");
    let (one, first) = next_text(&mut client).await;
    let (two, second) = next_text(&mut client).await;
    assert_eq!((one, two), (text("one"), text("two")));
    let position = |offset: &str| keys.open(offset).next().expect("an offset").position;
    assert!(position(&first) < position(&second), "{first} {second}");
    running.io().root().emit("empty", &()).expect("taken");
    let (event, _) = next_text(&mut client).await;
    assert_eq!(event, r#"2["empty"]"#);
}

#[tokio::test]
async fn without_recovery_there_is_no_pid_and_no_offset() {
    let running = start(Server::builder().namespace(fenced(Namespace::new("/"))));
    let mut client = Client::come_back(running.address, "a pid", Some("an offset")).await;
    assert_eq!(client.pid, None);
    emit(&running, "one");
    assert_eq!(client.next().await, text("one"));
}

#[tokio::test]
async fn missed_events_come_after_connect_and_before_live_ones() {
    let running = start_recovering();
    let mut client = Client::connect(running.address).await;
    let (id, pid) = (client.id.clone(), client.pid.clone().expect("a pid"));
    emit(&running, "seen");
    let (_, offset) = next_text(&mut client).await;
    drop(client);
    alone(&running).await;
    emit(&running, "missed 1");
    emit(&running, "missed 2");
    let mut client = Client::come_back(running.address, &pid, Some(&offset)).await;
    assert_eq!(texts(&client.take(2).await), [text("missed 1"), text("missed 2")]);
    assert_eq!((client.id.clone(), client.pid.clone()), (id, Some(pid)));
    assert!(next_text(&mut client).await.0.contains("welcome back"));
    emit(&running, "live");
    assert_eq!(next_text(&mut client).await.0, text("live"));
    client.fence().await;
}

#[tokio::test]
async fn a_client_that_never_saw_an_event_is_recovered_too() {
    let running = start_recovering();
    let client = Client::connect(running.address).await;
    let (id, pid) = (client.id.clone(), client.pid.clone().expect("a pid"));
    drop(client);
    alone(&running).await;
    emit(&running, "missed");
    let mut client = Client::come_back(running.address, &pid, None).await;
    assert_eq!((texts(&client.take(1).await), client.id), (vec![text("missed")], id));
}

#[tokio::test]
async fn recovery_works_again_and_again() {
    let running = start_recovering();
    let client = Client::connect(running.address).await;
    let (id, pid) = (client.id.clone(), client.pid.clone().expect("a pid"));
    drop(client);
    let mut offset = None;
    for round in 0..10 {
        alone(&running).await;
        emit(&running, &format!("missed {round}"));
        let mut client = Client::come_back(running.address, &pid, offset.as_deref()).await;
        assert_eq!(next_text(&mut client).await.0, text(&format!("missed {round}")));
        assert_eq!(client.id, id);
        assert!(next_text(&mut client).await.0.contains("welcome back"));
        emit(&running, "live");
        let (live, seen) = next_text(&mut client).await;
        assert_eq!(live, text("live"));
        offset = Some(seen);
    }
}

#[tokio::test]
async fn a_ghost_is_evicted_by_its_own_return() {
    for _ in 0..20 {
        let running = start_recovering();
        let mut ghost = Client::connect(running.address).await;
        let (id, pid) = (ghost.id.clone(), ghost.pid.clone().expect("a pid"));
        ghost.ask(r#"["join","a"]"#).await;
        ghost.ask(r#"["name","ada"]"#).await;
        emit(&running, "on a dead line");
        // The server has not noticed anything; the client saw nothing of this.
        let mut client = Client::come_back(running.address, &pid, None).await;
        assert_eq!(next_text(&mut client).await.0, text("on a dead line"));
        assert_eq!(client.id, id);
        assert_eq!(next_text(&mut client).await.0, r#"2["welcome back","ada"]"#);
        let everyone = running.io().root().fetch().await;
        assert_eq!(everyone.len(), 1, "the ghost has left");
        running.io().root().to("a").emit("text", &"to the room").expect("taken");
        assert_eq!(next_text(&mut client).await.0, text("to the room"));
        // The ghost's own end takes nothing from the one that came back.
        drop(ghost);
        while running.io().connections() > 1 {
            tokio::task::yield_now().await;
        }
        running.io().root().to("a").emit("text", &"still here").expect("taken");
        assert_eq!(next_text(&mut client).await.0, text("still here"));
    }
}

#[tokio::test]
async fn rooms_and_data_come_back() {
    let running = start_recovering();
    let mut client = Client::connect(running.address).await;
    let pid = client.pid.clone().expect("a pid");
    client.ask(r#"["join","a","b"]"#).await;
    client.ask(r#"["leave","b"]"#).await;
    client.ask(r#"["name","ada"]"#).await;
    drop(client);
    alone(&running).await;
    let root = running.io().root();
    root.clone().to("a").emit("text", &"to a").expect("taken");
    root.clone().to("b").emit("text", &"to b").expect("taken");
    root.clone().to("c").emit("text", &"to c").expect("taken");
    root.clone().except("a").emit("text", &"not to a").expect("taken");
    root.clone().emit("text", &"to all").expect("taken");
    let mut client = Client::come_back(running.address, &pid, None).await;
    assert_eq!(texts(&client.take(2).await), [text("to a"), text("to all")]);
    assert_eq!(next_text(&mut client).await.0, r#"2["welcome back","ada"]"#);
    root.to("a").emit("text", &"live").expect("taken");
    assert_eq!(next_text(&mut client).await.0, text("live"));
}

#[tokio::test]
async fn events_from_before_a_client_joined_the_room_are_not_replayed() {
    let running = start_recovering();
    let mut client = Client::connect(running.address).await;
    let pid = client.pid.clone().expect("a pid");
    running.io().root().to("a").emit("text", &"before").expect("taken");
    client.fence().await;
    client.ask(r#"["join","a"]"#).await;
    running.io().root().to("a").emit("text", &"after").expect("taken");
    assert_eq!(next_text(&mut client).await.0, text("after"));
    drop(client);
    alone(&running).await;
    // It says that it has seen nothing at all.
    let mut client = Client::come_back(running.address, &pid, None).await;
    assert_eq!(next_text(&mut client).await.0, text("after"));
}

#[tokio::test]
async fn a_new_member_of_a_room_gets_what_the_same_handler_emits_next() {
    let speak = |socket: Socket| async move {
        for round in 0..50 {
            let room = format!("room {round}");
            let _ = socket.join([room.as_str()]);
            let _ = socket.io().root().to(room.as_str()).emit("text", &room);
        }
    };
    let feed = Feed::new(FeedConfig::in_memory());
    let running = start(Server::builder().namespace(namespace(feed).on("speak", speak)));
    let mut clients = [Client::connect(running.address).await, Client::connect(running.address).await];
    for client in &mut clients {
        client.send(r#"2["speak"]"#).await;
    }
    for client in &mut clients {
        for round in 0..50 {
            assert_eq!(next_text(client).await.0, text(&format!("room {round}")));
        }
    }
}

#[tokio::test]
async fn an_event_to_one_socket_is_recovered_by_it_alone() {
    let (joined, mut sockets) = mpsc::channel(16);
    let feed = Feed::new(FeedConfig::in_memory());
    let namespace = fenced(Namespace::new("/")).recovery(feed).on_connect(move |socket: Socket| {
        let joined = joined.clone();
        async move { joined.send(socket).await.expect("the test listens") }
    });
    let running = start(Server::builder().namespace(namespace));
    let ada = Client::connect(running.address).await;
    let socket = within(sockets.recv()).await.expect("joined");
    let mut bob = Client::connect(running.address).await;
    let pid = ada.pid.clone().expect("a pid");
    drop(ada);
    while running.io().connections() > 1 {
        tokio::task::yield_now().await;
    }
    socket.emit("text", &"for ada").expect("taken");
    let mut ada = Client::come_back(running.address, &pid, None).await;
    assert_eq!(next_text(&mut ada).await.0, text("for ada"));
    bob.fence().await;
}

#[tokio::test]
async fn volatile_events_carry_an_offset_that_can_be_recovered_from() {
    let running = start_recovering();
    let mut client = Client::connect(running.address).await;
    let pid = client.pid.clone().expect("a pid");
    emit(&running, "seen");
    next_text(&mut client).await;
    running.io().root().volatile().emit("typing", &"ada").expect("taken");
    let (event, offset) = next_text(&mut client).await;
    assert_eq!(event, r#"2["typing","ada"]"#);
    drop(client);
    alone(&running).await;
    running.io().root().volatile().emit("typing", &"lost").expect("taken");
    emit(&running, "missed");
    let mut client = Client::come_back(running.address, &pid, Some(&offset)).await;
    assert_eq!(next_text(&mut client).await.0, text("missed"));
}

#[tokio::test]
async fn events_that_want_an_ack_carry_no_offset() {
    let running = start_recovering();
    let mut client = Client::connect(running.address).await;
    let everyone = running.io().root();
    let asking = tokio::spawn(async move { everyone.emit_with_ack("q", &1, crate::harness::PATIENCE).await });
    let question = client.next().await;
    let id = question.strip_prefix('2').and_then(|rest| rest.strip_suffix(r#"["q",1]"#)).expect("no offset");
    client.send(&format!("3{id}[]")).await;
    assert_eq!(within(asking).await.expect("no panic").expect("sent").missing, []);
}

#[tokio::test]
async fn binary_events_are_replayed_with_their_bytes() {
    let running = start_recovering();
    let client = Client::connect(running.address).await;
    let pid = client.pid.clone().expect("a pid");
    drop(client);
    alone(&running).await;
    running.io().root().emit("bytes", &socketio_server::Binary::from(vec![1, 2, 3])).expect("taken");
    let mut client = Client::open(running.address).await;
    client.send(&format!(r#"0{{"pid":"{pid}"}}"#)).await;
    assert!(client.next().await.starts_with("0{"));
    let (event, _) = next_text(&mut client).await;
    assert_eq!(event, r#"51-["bytes",{"_placeholder":true,"num":0}]"#);
    assert_eq!(client.next_binary().await, [1, 2, 3]);
}

#[tokio::test]
async fn a_polling_client_is_recovered_in_one_payload() {
    let running = start_recovering();
    let polling = Polling::open(running.address).await;
    let connected = polling.join().await;
    let connected: serde_json::Value = serde_json::from_str(&connected[2..]).expect("JSON");
    let pid = connected["pid"].as_str().expect("a pid");
    emit(&running, "missed");
    let again = Polling::open(running.address).await;
    again.send(format!(r#"40{{"pid":"{pid}"}}"#)).await;
    let packets = again.poll_for(2).await;
    assert_eq!(split_offset(&packets[1]).0, format!("4{}", text("missed")));
    assert!(
        packets[0].starts_with(&format!(r#"40{{"sid":{},"pid":"{pid}"}}"#, connected["sid"])),
        "{packets:?}"
    );
    assert!(!polling.is_alive().await, "the ghost has been evicted");
}

#[tokio::test]
async fn a_client_that_left_by_itself_is_not_recovered() {
    let running = start_recovering();
    let mut client = Client::connect(running.address).await;
    let (id, pid) = (client.id.clone(), client.pid.clone().expect("a pid"));
    client.send("1").await;
    while !running.io().root().fetch().await.is_empty() {}
    emit(&running, "missed");
    let before = client.join("/", &format!(r#"{{"pid":"{pid}"}}"#)).await;
    assert_eq!(before.len(), 0);
    assert!(client.id != id && client.pid != Some(pid));
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_however_often_the_line_breaks_under_traffic() {
    const EVENTS: usize = 600;
    let running = start_recovering();
    let io = running.io().clone();
    let mut client = Client::connect(running.address).await;
    let pid = client.pid.clone().expect("a pid");
    let speaking = tokio::task::spawn_blocking(move || {
        for number in 0..EVENTS {
            io.root().emit("text", &number.to_string()).expect("taken");
            if number % 20 == 0 {
                std::thread::yield_now();
            }
        }
    });
    let (mut seen, mut offset) = (Vec::new(), None);
    while seen.len() < EVENTS {
        // A few events, then the line is cut without a word.
        for _ in 0..7 {
            let (event, at) = next_text(&mut client).await;
            if event.contains("welcome") {
                continue;
            }
            seen.push(event);
            offset = Some(at);
            if seen.len() == EVENTS {
                break;
            }
        }
        client = Client::come_back(running.address, &pid, offset.as_deref()).await;
    }
    within(speaking).await.expect("no panic");
    let expected: Vec<String> = (0..EVENTS).map(|number| text(&number.to_string())).collect();
    assert_eq!(seen, expected);
}
