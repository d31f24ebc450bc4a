//! Namespaces whose clients say where they stand: no private id, no argument more, a greeting, and a cursor in any event.

use socketio_server::{AckHandle, ConnectRequest, Flow, Namespace, Rejection, SocketData};
use tokio::sync::mpsc;

use crate::harness::house::{House, Person, auth, enter, everyone, expect, leave, to};
use crate::harness::{Client, Polling, within};

#[tokio::test]
async fn the_greeting_comes_right_after_connect_and_before_every_entry() {
    let house = House::start_with(1, 1 << 20, |namespace| {
        namespace.on_connect(|socket: socketio_server::Socket| async move {
            drop(socket.emit("hello", &serde_json::json!({})));
        })
    });
    house.publish([everyone(), everyone()]);
    let mut client = Client::connect_with(house.running.address, r#"{"as":"ada","after":0}"#).await;
    assert_eq!(client.pid, None);
    let cursor = house.feed.offset(0);
    let welcome = format!(r#"2["welcome",{{"name":"ada","reset":false,"cursor":"{cursor}"}}]"#);
    assert_eq!(client.next().await, welcome);
    let packets = [client.next().await, client.next().await, client.next().await];
    assert_eq!(packets.iter().filter(|packet| packet.starts_with(r#"2["hello","#)).count(), 1);

    let polling = Polling::open(house.running.address).await;
    polling.send(r#"40{"as":"ada","after":0}"#).await;
    let packets = polling.poll_for(5).await;
    assert!(packets[0].starts_with("40{\"sid\":"), "{packets:?}");
    assert_eq!(packets[1], format!("4{welcome}"));
}

#[tokio::test]
async fn a_client_goes_on_from_its_cursor_as_often_as_it_likes() {
    let house = House::start(1 << 20);
    let mut ada = house.client("ada").await;
    house.publish([everyone(), everyone(), everyone()]);
    expect(&mut ada, 1..=3).await;
    // The same cursor twice, also at once: nobody is sent away.
    let mut first = house.client_after("ada", 1).await;
    let mut second = house.client_after("ada", 1).await;
    house.publish([everyone()]);
    expect(&mut first, 2..=4).await;
    expect(&mut second, 2..=4).await;
    expect(&mut ada, [4]).await;
    for client in [&mut ada, &mut first, &mut second] {
        client.fence().await;
    }
}

#[tokio::test]
async fn entries_that_have_left_the_ring_come_from_the_history() {
    let house = House::start(100);
    for _ in 0..700 {
        house.publish([everyone()]);
    }
    let mut ada = house.client_after("ada", 3).await;
    house.publish([everyone()]);
    expect(&mut ada, 4..=701).await;
    ada.fence().await;
}

#[tokio::test]
async fn a_cursor_of_another_past_is_told_from_one_of_ours() {
    let house = House::start(1 << 20);
    house.publish([everyone(), everyone()]);
    let known = house.feed.offset(1);
    for (cursor, reset) in
        [(known.as_str(), false), ("1.3.9", true), ("1.4.1", true), ("2.3.1", true), ("?", true)]
    {
        let auth = auth("ada", Some(cursor));
        let mut client = Client::connect_with(house.running.address, &auth).await;
        let welcome = client.next().await;
        assert!(welcome.contains(&format!(r#""reset":{reset}"#)), "{cursor}: {welcome}");
    }
}

#[tokio::test]
async fn a_private_id_is_worth_nothing_here() {
    let house = House::start(1 << 20);
    let mut ada = house.client("ada").await;
    let keys = socketio_server::Keys::new([7; 32]);
    let pid = socketio_server::socketio::PrivateId {
        socket: socketio_server::SocketId::parse(&ada.id).expect("an id"),
        lineage: socketio_server::Lineage::from_bytes([1; 16]),
        user: None,
        offset: keys.open(&house.feed.offset(0)).next().expect("an offset"),
    };
    let auth = serde_json::json!({ "as": "bob", "pid": pid.sign(&keys), "offset": "1.3.9" });
    let bob = Client::connect_with(house.running.address, &auth.to_string()).await;
    assert_ne!(bob.id, ada.id);
    assert_eq!(bob.pid, None);
    ada.fence().await;
}

#[tokio::test]
async fn events_carry_the_cursor_in_their_object_and_no_argument_more() {
    let house = House::start(1 << 20);
    let mut ada = house.client("ada").await;
    house.publish([everyone()]);
    expect(&mut ada, [1]).await;
    let io = house.running.io();
    io.root().emit("typing", &serde_json::json!({ "room": 1 })).expect("taken");
    io.root().emit("plain", &"text").expect("taken");
    io.root().emit("two", &(1, serde_json::json!({}))).expect("taken");
    let cursor = house.feed.offset(1);
    assert_eq!(ada.next().await, format!(r#"2["typing",{{"room":1,"cursor":"{cursor}"}}]"#));
    assert_eq!(ada.next().await, r#"2["plain","text"]"#);
    assert_eq!(ada.next().await, r#"2["two",1,{}]"#);
}

#[tokio::test]
async fn sync_handlers_see_what_the_application_keeps_with_the_socket() {
    let house = House::start_with(1, 1 << 20, |namespace| {
        namespace.on_sync("who", |turn| {
            let name = turn.data().and_then(SocketData::find::<Person>).map(|person| person.0.clone());
            turn.reply(&serde_json::json!(name).to_string());
            Flow::Continue
        })
    });
    let mut ada = house.client("ada").await;
    assert_eq!(ada.ask(r#"["who"]"#).await, r#"["ada"]"#);
}

#[tokio::test]
async fn an_ack_of_one_who_is_behind_leaves_at_once() {
    let (asked, mut handles) = mpsc::channel::<AckHandle>(16);
    let house = House::start_with(1, 1 << 20, |namespace| {
        namespace.on_sync("send", move |turn| {
            asked.try_send(turn.take_ack().expect("an answer is wanted")).expect("there is room");
            Flow::Continue
        })
    });
    let client = Polling::open(house.running.address).await;
    client.send(r#"40{"as":"ada"}"#).await;
    client.poll_for(2).await;
    client.send(r#"421["send"]"#).await;
    let handle = within(handles.recv()).await.expect("asked");
    assert_eq!(handle.namespace(), "/");
    house.publish_with([everyone(), everyone()], vec![handle.answer_after(2, "1")]);
    house.settle().await;
    let packets = client.poll_for(3).await;
    assert_eq!(packets[0], "431[1]");
    assert!(packets[2].starts_with(r#"42["n",{"p":2,"#), "{packets:?}");
}

#[tokio::test]
async fn a_client_that_joins_while_people_move_is_where_the_log_says() {
    // Middleware holds the client back; meanwhile the log goes on.
    let (enter_gate, mut entered) = mpsc::channel(16);
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let waiting = std::sync::Arc::clone(&gate);
    let house = House::start_with(2, 1 << 20, |namespace: Namespace| {
        namespace.middleware(move |_: ConnectRequest| {
            let (gate, enter) = (std::sync::Arc::clone(&waiting), enter_gate.clone());
            async move {
                enter.send(()).await.map_err(|_| Rejection::new("the test is over"))?;
                gate.acquire().await.map_err(|_| Rejection::new("closed"))?.forget();
                Ok(())
            }
        })
    });
    let mut ada = Client::open(house.running.address).await;
    ada.send(r#"0{"as":"ada","after":0}"#).await;
    within(entered.recv()).await.expect("middleware runs");
    house.publish([enter("ada", "r"), to("r"), enter("ada", "s"), to("s"), leave("ada", "s"), to("s")]);
    gate.add_permits(1);
    assert!(ada.next().await.starts_with("0{\"sid\""));
    assert!(ada.next().await.starts_with(r#"2["welcome","#));
    expect(&mut ada, [1, 2, 3, 5]).await;
    house.publish([to("s"), to("r")]);
    expect(&mut ada, [8]).await;
}
