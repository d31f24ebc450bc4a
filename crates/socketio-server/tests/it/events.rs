//! Events in both directions: arguments of all kinds, catch-all handlers, sync handlers, and emitting from anywhere.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use socketio_server::{
    Ack, Arg, Args, EmitError, EventName, Flow, Io, Namespace, Payload, Server, Socket, Spread, State,
};
use tokio::sync::mpsc;

use crate::harness::{Client, Running, echoing, fenced, start, start_with, within};

fn start_echo() -> Running {
    start(Server::builder().namespace(echoing(fenced(Namespace::new("/")))))
}

#[tokio::test]
async fn arguments_come_back_byte_for_byte() {
    let running = start_echo();
    let mut client = Client::connect(running.address).await;
    for args in [
        "",
        "1",
        "-0.5,1e21,true,false,null",
        r#""a",{"z":1,"a":[2,{"b":null}]},[]"#,
        r#""snowman ☃ and 𝄞 and \" and \\ and \n""#,
        r#"{"__proto__":1,"constructor":{"x":2}}"#,
        "[[[[[[1]]]]]]",
    ] {
        let comma = if args.is_empty() { "" } else { "," };
        let answer = client.ask(&format!(r#"["echo"{comma}{args}]"#)).await;
        let (sent, got): (serde_json::Value, serde_json::Value) = (
            serde_json::from_str(&format!("[{args}]")).expect("JSON"),
            serde_json::from_str(&answer).expect("JSON"),
        );
        assert_eq!(sent, got);
        assert!(!answer.contains(": ") && !answer.contains(", "), "{answer}");
    }
}

#[tokio::test]
async fn events_are_named_by_strings_and_numbers() {
    let namespace = fenced(Namespace::new("/")).on("7", |socket: Socket| async move {
        let _ = socket.emit("seven", &());
    });
    let running = start(Server::builder().namespace(namespace));
    let mut client = Client::connect(running.address).await;
    client.send("2[7]").await;
    assert_eq!(client.next().await, r#"2["seven"]"#);
    client.send(r#"2["nobody listens",1]"#).await;
    client.send(r#"25["nobody answers"]"#).await;
    client.fence().await;
}

#[tokio::test]
async fn the_application_hears_once_of_events_that_were_read_together() {
    let (heard, mut turns) = mpsc::channel(8);
    let gathered = Arc::new(AtomicUsize::new(0));
    let gather = Arc::clone(&gathered);
    let namespace = fenced(Namespace::new("/")).on_sync("gather", move |_| {
        gather.fetch_add(1, Ordering::Relaxed);
        Flow::Continue
    });
    let running = start(Server::builder().namespace(namespace).after_events(move || {
        let _ = heard.try_send(gathered.swap(0, Ordering::Relaxed));
    }));
    let mut client = Client::connect(running.address).await;
    client.send(r#"2["gather"]"#).await;
    assert_eq!(within(turns.recv()).await, Some(1));
    client.send_all(&[r#"2["gather"]"#; 3]).await;
    assert_eq!(within(turns.recv()).await, Some(3));
}

/// The second client writes while the handler of the first is running.
#[tokio::test]
async fn the_application_hears_once_of_a_burst_that_comes_in_pieces() {
    let (heard, mut turns) = mpsc::channel(8);
    let (entered, mut entries) = mpsc::channel(1);
    let (go_on, leave) = std::sync::mpsc::sync_channel(1);
    let (sum, leave) = (Arc::new(AtomicUsize::new(0)), Mutex::new(leave));
    let (one, ten) = (Arc::clone(&sum), Arc::clone(&sum));
    let namespace = fenced(Namespace::new("/"))
        .on_sync("first", move |_| {
            entered.try_send(()).expect("the test listens");
            leave.lock().expect("no panic").recv().expect("the test goes on");
            one.fetch_add(1, Ordering::Relaxed);
            Flow::Continue
        })
        .on_sync("second", move |_| {
            ten.fetch_add(10, Ordering::Relaxed);
            Flow::Continue
        });
    let builder = Server::builder().namespace(namespace).after_events(move || {
        let _ = heard.try_send(sum.swap(0, Ordering::Relaxed));
    });
    let running = start_with(builder.configure(|config| config.workers = 1));
    let mut first = Client::connect(running.address).await;
    let mut second = Client::connect(running.address).await;
    first.send(r#"2["first"]"#).await;
    within(entries.recv()).await.expect("the handler runs");
    second.send(r#"2["second"]"#).await;
    go_on.send(()).expect("the handler waits");
    assert_eq!(within(turns.recv()).await, Some(11));
}

#[tokio::test]
async fn missing_arguments_fit_options_and_superfluous_ones_are_ignored() {
    let namespace = Namespace::new("/")
        .on("pair", |Args((text, number)): Args<(String, Option<u32>)>, ack: Ack| async move {
            let _ = ack.send(&(text, number));
        })
        .on(
            "checked",
            |args: Result<Args<(u32,)>, socketio_server::socketio::ArgsError>, ack: Ack| async move {
                let _ = ack.send(&args.is_ok());
            },
        );
    let running = start(Server::builder().namespace(fenced(namespace)));
    let mut client = Client::connect(running.address).await;
    assert_eq!(client.ask(r#"["pair","a"]"#).await, r#"["a",null]"#);
    assert_eq!(client.ask(r#"["pair","a",1,{"x":1}]"#).await, r#"["a",1]"#);
    // Does not fit: the handler is not run, nothing is answered, and it is counted.
    client.send(r#"21["pair",{},1]"#).await;
    assert_eq!(client.ask(r#"["checked","x"]"#).await, "[false]");
    assert_eq!(running.io().misfits(), 1);
    assert_eq!(client.ask(r#"["checked",3]"#).await, "[true]");
}

#[tokio::test]
async fn a_catch_all_handler_runs_before_the_handler_of_the_name() {
    let (seen, mut calls) = mpsc::channel(16);
    let any = seen.clone();
    let namespace = fenced(Namespace::new("/"))
        .on_any(move |EventName(name): EventName, payload: Payload<'static>| {
            let any = any.clone();
            async move {
                any.send(format!("any {name} {}", payload.arg_count())).await.expect("the test listens");
            }
        })
        .on("known", move |_: Socket| {
            let seen = seen.clone();
            async move { seen.send("known".into()).await.expect("the test listens") }
        });
    let running = start(Server::builder().namespace(namespace));
    let mut client = Client::connect(running.address).await;
    client.send(r#"2["known",1,2]"#).await;
    client.send(r#"2["unknown"]"#).await;
    let mut order = Vec::new();
    for _ in 0..3 {
        order.push(within(calls.recv()).await.expect("a call"));
    }
    assert_eq!(order, ["any known 2", "known", "any unknown 0"]);
}

#[tokio::test]
async fn a_sync_handler_answers_at_once_or_later() {
    let (later, mut handles) = mpsc::channel(16);
    let namespace = fenced(Namespace::new("/"))
        .on_sync("now", |turn| {
            let text: String = turn.payload().first().unwrap_or_default();
            turn.reply(&serde_json::to_string(&text).unwrap_or_default());
            Flow::Continue
        })
        .on_sync("later", move |turn| {
            if let Some(handle) = turn.take_ack() {
                assert!(turn.take_ack().is_none(), "an answer is given once");
                later.try_send(handle).expect("there is room");
            }
            Flow::Continue
        });
    let feed = socketio_server::Feed::new(socketio_server::FeedConfig::in_memory());
    let running = start(Server::builder().namespace(namespace.recovery(feed.clone())));
    let mut client = Client::connect(running.address).await;
    assert_eq!(client.ask(r#"["now","x"]"#).await, r#"["x"]"#);
    client.send(r#"27["later"]"#).await;
    client.send(r#"2["later"]"#).await;
    let handle = within(handles.recv()).await.expect("asked for");
    client.fence().await;
    assert!(handles.try_recv().is_err(), "the second did not ask");
    feed.acknowledge(handle.answer("1,\"two\""));
    assert_eq!(client.next().await, r#"37[1,"two"]"#);
}

#[tokio::test]
async fn a_sync_handler_reaches_the_server() {
    let namespace = Namespace::new("/").on_sync("tell", |turn| {
        turn.io().emit("told", &()).expect("taken");
        Flow::Continue
    });
    let running = start(Server::builder().namespace(namespace));
    let mut client = Client::connect(running.address).await;
    client.send(r#"2["tell"]"#).await;
    assert_eq!(client.next().await, r#"2["told"]"#);
}

#[tokio::test]
async fn the_handle_of_a_builder_reaches_the_server_while_there_is_one() {
    let builder = Server::builder().namespace(Namespace::new("/"));
    let io = builder.io();
    assert!(io.upgrade().is_none(), "it is not built yet");
    let running = start(builder);
    let mut client = Client::connect(running.address).await;
    io.upgrade().expect("it is built").emit("told", &()).expect("taken");
    assert_eq!(client.next().await, r#"2["told"]"#);
    running.server.shutdown().await;
    assert!(io.upgrade().is_none(), "it has ended");
}

#[tokio::test]
async fn a_sync_handler_may_pause_the_reading_of_its_connection() {
    let (paused, mut calls) = mpsc::channel(16);
    let namespace = fenced(Namespace::new("/")).on_sync("pause", move |_| {
        paused.try_send(()).expect("there is room");
        Flow::Pause
    });
    let running = start(Server::builder().namespace(namespace));
    let mut client = Client::connect(running.address).await;
    client.send(r#"2["pause"]"#).await;
    within(calls.recv()).await.expect("it has been called");
    client.send(r#"21["fence"]"#).await;
    // Writing goes on.
    running.io().root().emit("still", &()).expect("taken");
    assert_eq!(client.next().await, r#"2["still"]"#);
    running.io().resume();
    assert_eq!(client.next().await, "31[]");
}

/// The features of the simulation let each worker compare its lists with its sessions after a turn.
#[tokio::test]
async fn a_paused_connection_that_is_closed_leaves_nothing_to_resume() {
    let (paused, mut calls) = mpsc::channel(16);
    let namespace = fenced(Namespace::new("/")).on_sync("pause", move |_| {
        paused.try_send(()).expect("there is room");
        Flow::Pause
    });
    let running = start(Server::builder().namespace(namespace));
    let mut clients = [Client::connect(running.address).await, Client::connect(running.address).await];
    for client in &mut clients {
        client.send(r#"2["pause"]"#).await;
        within(calls.recv()).await.expect("it has been called");
    }
    running.io().root().to(clients[0].id.as_str()).close_transports().expect("taken");
    assert_eq!(clients[0].closed().await, None);
    running.io().resume();
    clients[1].fence().await;
    Client::connect(running.address).await.fence().await;
}

#[tokio::test]
async fn handlers_find_the_state_of_the_application() {
    struct Greeting(&'static str);
    let namespace = fenced(Namespace::new("/"))
        .on("greet", |State(greeting): State<Greeting>, io: Io, ack: Ack| async move {
            assert!(io.state::<u8>().is_none());
            let _ = ack.send(&greeting.0);
        })
        .on("unfit", |_: State<u8>, ack: Ack| async move {
            let _ = ack.send(&());
        });
    let running = start(Server::builder().state(Greeting("hello")).namespace(namespace));
    let mut client = Client::connect(running.address).await;
    assert_eq!(client.ask(r#"["greet"]"#).await, r#"["hello"]"#);
    client.send(r#"21["unfit"]"#).await;
    client.fence().await;
}

#[tokio::test]
async fn a_value_that_cannot_be_encoded_is_an_error_of_its_emitter_alone() {
    let running = start_echo();
    let mut client = Client::connect(running.address).await;
    for reserved in
        ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]
    {
        assert!(matches!(running.io().root().emit(reserved, &()), Err(EmitError::Encode(_))), "{reserved}");
    }
    let keyed_by_lists = std::collections::HashMap::from([(vec![1], 2)]);
    assert!(running.io().root().emit("x", &keyed_by_lists).is_err());
    assert!(matches!(running.io().of("a,b"), Err(EmitError::Namespace)));
    running.io().of("/nobody").expect("a name").emit("x", &()).expect("nobody is a fine audience");
    client.fence().await;
}

#[tokio::test]
async fn a_socket_that_left_can_be_emitted_to_without_effect() {
    let (joined, mut sockets) = mpsc::channel(16);
    let namespace = Namespace::new("/").on_connect(move |socket: Socket| {
        let joined = joined.clone();
        async move { joined.send(socket).await.expect("the test listens") }
    });
    let running = start(Server::builder().namespace(fenced(namespace)));
    let mut client = Client::connect(running.address).await;
    let first = within(sockets.recv()).await.expect("joined");
    assert!(first.is_connected() && !first.is_recovered());
    assert_eq!(first.id().to_string(), client.id);
    client.send("1").await;
    client.join("/", "").await;
    assert!(!first.is_connected());
    assert!(matches!(first.emit("to the old one", &()), Err(EmitError::Closed)));
    client.fence().await;
}

#[tokio::test]
async fn a_handler_of_one_argument_takes_the_first() {
    let namespace =
        fenced(Namespace::new("/")).on("first", |Arg(text): Arg<Option<String>>, ack: Ack| async move {
            let _ = ack.send(&text);
        });
    let running = start(Server::builder().namespace(namespace));
    let mut client = Client::connect(running.address).await;
    assert_eq!(client.ask(r#"["first","a","b"]"#).await, r#"["a"]"#);
    assert_eq!(client.ask(r#"["first"]"#).await, "[null]");
}

#[tokio::test]
async fn json_that_rust_cannot_hold_is_a_misfit_and_half_an_emoji_is_not() {
    let namespace = Namespace::new("/")
        .on("value", |Arg(value): Arg<serde_json::Value>, ack: Ack| async move {
            let _ = ack.send(&value);
        })
        .on("text", |Arg(text): Arg<String>, ack: Ack| async move {
            let _ = ack.send(&text);
        });
    let running = start(Server::builder().namespace(fenced(namespace)));
    let mut client = Client::connect(running.address).await;
    client.send(&format!(r#"21["value",{}{}]"#, "[".repeat(200), "]".repeat(200))).await;
    client.send(r#"22["value",1e400]"#).await;
    client.fence().await;
    assert_eq!(running.io().misfits(), 2);
    assert_eq!(client.ask(r#"["text","cut \ud83d"]"#).await, "[\"cut \u{fffd}\"]");
    assert_eq!(running.io().misfits(), 2);
}

#[tokio::test]
async fn a_handler_has_any_number_of_parameters_up_to_eight() {
    let (ran, mut runs) = mpsc::channel(4);
    let namespace = Namespace::new("/")
        .on("none", move || {
            let ran = ran.clone();
            async move { ran.send(()).await.expect("the test listens") }
        })
        .on(
            "eight",
            |socket: Socket,
             _: Io,
             _: Arg<u8>,
             _: Args<(u8, u8)>,
             name: EventName,
             _: Payload<'static>,
             _: Socket,
             ack: Ack| async move {
                let _ = ack.send(&(name.0, socket.is_connected()));
            },
        );
    let running = start(Server::builder().namespace(namespace));
    let mut client = Client::connect(running.address).await;
    client.send(r#"2["none",1]"#).await;
    assert_eq!(within(runs.recv()).await, Some(()));
    assert_eq!(client.ask(r#"["eight",1,2]"#).await, r#"["eight",true]"#);
}

#[tokio::test]
async fn a_list_is_one_argument_and_a_spread_list_is_several() {
    let namespace = Namespace::new("/")
        .on("one", |socket: Socket, Arg(list): Arg<Vec<u32>>, ack: Ack| async move {
            let _ = socket.emit("list", &list);
            let _ = ack.send(&list);
        })
        .on("several", |socket: Socket, Args(Spread(list)): Args<Spread<Vec<u32>>>, ack: Ack| async move {
            let _ = socket.emit("list", &Spread(list.as_slice()));
            let _ = ack.send(&Spread(list));
        });
    let running = start(Server::builder().namespace(namespace));
    let mut client = Client::connect(running.address).await;
    client.send(r#"21["one",[1,2],3]"#).await;
    assert_eq!([client.next().await, client.next().await], [r#"2["list",[1,2]]"#, "31[[1,2]]"]);
    client.send(r#"22["several",1,2,3]"#).await;
    assert_eq!([client.next().await, client.next().await], [r#"2["list",1,2,3]"#, "32[1,2,3]"]);
}

#[tokio::test]
async fn a_socket_that_has_left_takes_nothing_and_says_so() {
    let (left, mut sockets) = mpsc::channel(1);
    let namespace = Namespace::new("/").on_disconnect(move |socket: Socket| {
        let left = left.clone();
        async move { left.send(socket).await.expect("the test listens") }
    });
    let running = start(Server::builder().namespace(namespace));
    drop(Client::connect(running.address).await);
    let socket = within(sockets.recv()).await.expect("the handler runs");
    assert!(matches!(socket.emit("x", &()), Err(EmitError::Closed)));
    assert!(matches!(socket.emit_volatile("x", &()), Err(EmitError::Closed)));
    assert!(matches!(socket.join(["a"]), Err(EmitError::Closed)));
    assert!(matches!(socket.leave("a"), Err(EmitError::Closed)));
    let answer = socket.emit_with_ack("x", &(), std::time::Duration::from_secs(20)).await;
    assert!(matches!(answer, Err(socketio_server::AckError::Disconnected)));
    assert!(socket.disconnect(socketio_server::Closing::Namespace).is_ok(), "it is what was wanted");
}

#[tokio::test]
async fn the_main_namespace_is_spoken_to_directly_and_an_id_is_a_room() {
    let running = start(Server::builder().namespace(fenced(Namespace::new("/"))));
    let mut ada = Client::connect(running.address).await;
    let mut bob = Client::connect(running.address).await;
    let io = running.io();
    let id: socketio_server::SocketId = ada.id.parse().expect("an id");
    io.to(id).emit("to ada", &()).expect("taken");
    io.emit("to all", &()).expect("taken");
    assert_eq!([ada.next().await, ada.next().await], [r#"2["to ada"]"#, r#"2["to all"]"#]);
    assert_eq!(bob.next().await, r#"2["to all"]"#);
}
