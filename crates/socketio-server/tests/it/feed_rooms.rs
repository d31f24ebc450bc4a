//! Entries for rooms: who sees what while people come and go at their places in the log.

use std::sync::{Arc, Mutex, PoisonError, mpsc as std_mpsc};

use socketio_server::{AckHandle, Flow, Namespace, Selection};
use tokio::sync::mpsc;

use crate::harness::house::{House, Post, auth, enter, everyone, expect, leave, position, to};
use crate::harness::{Client, Polling, within};

/// Positions of the entries of some polls, up to one position.
async fn poll_until(client: &Polling, last: u64) -> Vec<u64> {
    let mut positions = Vec::new();
    while positions.last() != Some(&last) {
        for packet in client.poll().await {
            if let Some(event) = packet.strip_prefix('4') {
                positions.push(position(event));
            }
        }
    }
    positions
}

/// A client by polling, behind from the beginning: it asks only when it is told to.
async fn sleeper(house: &House, person: &str) -> Polling {
    let client = Polling::open(house.running.address).await;
    client.send(format!(r#"40{{"as":"{person}"}}"#)).await;
    let first = client.poll_for(2).await;
    assert!(first[0].starts_with("40{") && first[1].starts_with(r#"42["welcome","#), "{first:?}");
    client
}

/// A house whose clients ask, and the answers that they wait for.
fn asked_house() -> (House, mpsc::Receiver<AckHandle>) {
    let (asked, handles) = mpsc::channel::<AckHandle>(16);
    let house = House::start_with(1, 1 << 20, |namespace| {
        namespace.on_sync("ask", move |turn| {
            asked.try_send(turn.take_ack().expect("an answer is wanted")).expect("there is room");
            Flow::Continue
        })
    });
    (house, handles)
}

#[tokio::test]
async fn entries_for_a_room_are_for_its_members() {
    let house = House::start(1 << 20);
    let mut ada = house.client("ada").await;
    let mut bob = house.client("bob").await;
    house.publish([enter("ada", "r"), to("r"), everyone(), to("s"), enter("bob", "s"), to("s"), to("r")]);
    expect(&mut ada, [1, 2, 3, 7]).await;
    expect(&mut bob, [3, 5, 6]).await;
    ada.fence().await;
    bob.fence().await;
}

#[tokio::test]
async fn a_room_is_seen_from_where_its_member_came_in() {
    let house = House::start(1 << 20);
    let mut ada = house.client("ada").await;
    let slow = sleeper(&house, "ada").await;
    house.publish([to("r"), everyone(), enter("ada", "r"), to("r")]);
    house.publish([to("r"), everyone()]);
    // Attached, behind, and come back: three ways to the same.
    expect(&mut ada, [2, 3, 4, 5, 6]).await;
    assert_eq!(poll_until(&slow, 6).await, [2, 3, 4, 5, 6]);
    let mut again = house.client_after("ada", 0).await;
    expect(&mut again, [2, 3, 4, 5, 6]).await;
    again.fence().await;
}

#[tokio::test]
async fn a_new_member_gets_the_entry_by_which_it_joins() {
    let house = House::start(1 << 20);
    let mut ada = house.client("ada").await;
    let slow = sleeper(&house, "ada").await;
    // For the room alone.
    house.publish([to("r"), Post::Enter("ada", "r", Selection::room("r")), everyone()]);
    expect(&mut ada, [2, 3]).await;
    assert_eq!(poll_until(&slow, 3).await, [2, 3]);
    let mut again = house.client_after("ada", 0).await;
    expect(&mut again, [2, 3]).await;
    again.fence().await;
}

#[tokio::test]
async fn a_room_may_begin_where_the_feed_has_not_come_yet() {
    let house = House::start(1 << 20);
    house.admit("ada", "r", 3);
    house.admit("ada", "s", 0);
    let mut ada = house.client("ada").await;
    house.publish([to("r"), to("s"), to("r"), to("r"), Post::To(Selection::room("s").to("r"))]);
    house.publish([to("r"), everyone()]);
    expect(&mut ada, [2, 3, 4, 5, 6, 7]).await;
    ada.fence().await;
}

#[tokio::test]
async fn a_former_member_gets_no_further_frame() {
    let house = House::start(1 << 20);
    house.publish([enter("ada", "r"), enter("bob", "r")]);
    let mut ada = house.client("ada").await;
    let mut bob = house.client("bob").await;
    let slow = sleeper(&house, "ada").await;
    house.publish([to("r"), leave("ada", "r"), to("r"), everyone()]);
    expect(&mut ada, [3, 4, 6]).await;
    expect(&mut bob, [3, 4, 5, 6]).await;
    // Who is behind is judged by where it is now; that it has left is for the person, wherever it is.
    house.settle().await;
    assert_eq!(poll_until(&slow, 6).await, [4, 6]);
    let mut again = house.client_after("ada", 0).await;
    expect(&mut again, [1, 4, 6]).await;
    // Who is let in again sees what is new, not what was missed.
    house.publish([to("r"), enter("ada", "r"), to("r")]);
    expect(&mut ada, [8, 9]).await;
    expect(&mut again, [8, 9]).await;
    let mut fresh = house.client_after("ada", 0).await;
    expect(&mut fresh, [1, 4, 6, 8, 9]).await;
    for client in [&mut ada, &mut again, &mut fresh] {
        client.fence().await;
    }
}

#[tokio::test]
async fn joining_or_leaving_twice_is_like_once() {
    let house = House::start(1 << 20);
    let mut ada = house.client("ada").await;
    house.publish([enter("ada", "r"), to("r"), enter("ada", "r"), to("r")]);
    house.publish([leave("ada", "r"), leave("ada", "r"), to("r"), everyone()]);
    expect(&mut ada, [1, 2, 3, 4, 5, 6, 8]).await;
    ada.fence().await;
}

#[tokio::test]
async fn all_sockets_of_a_person_move_on_all_workers() {
    let house = House::start_with(3, 1 << 20, |namespace| namespace);
    let mut sockets = Vec::new();
    for _ in 0..6 {
        sockets.push(house.client("ada").await);
    }
    house.publish([to("r"), enter("ada", "r"), to("r"), leave("ada", "r"), to("r"), everyone()]);
    for socket in &mut sockets {
        expect(socket, [2, 3, 4, 6]).await;
        socket.fence().await;
    }
}

/// A namespace whose event `hold` keeps the worker busy until it is told to go on.
fn holding(namespace: Namespace) -> (Namespace, mpsc::Receiver<()>, std_mpsc::SyncSender<()>) {
    let (entered, held) = mpsc::channel(1);
    let (release, go_on) = std_mpsc::sync_channel::<()>(1);
    let go_on = Mutex::new(go_on);
    let namespace = namespace.on_sync("hold", move |_| {
        entered.try_send(()).expect("one at a time");
        // The test that held it has failed if nobody says so.
        let _ = go_on.lock().unwrap_or_else(PoisonError::into_inner).recv();
        Flow::Continue
    });
    (namespace, held, release)
}

#[tokio::test]
async fn a_worker_that_was_lapped_asks_where_everybody_is() {
    let mut ends = None;
    let house = House::start_with(1, 200, |namespace| {
        let (namespace, held, release) = holding(namespace);
        ends = Some((held, release));
        namespace
    });
    let (mut held, release) = ends.expect("it was made");
    house.publish([enter("ada", "r"), enter("bob", "s")]);
    let mut ada = house.client("ada").await;
    let mut bob = house.client("bob").await;
    let mut cleo = house.client("cleo").await;
    cleo.send(r#"2["hold"]"#).await;
    within(held.recv()).await.expect("the worker is busy");
    house.publish([leave("ada", "r"), enter("ada", "s"), to("r"), to("s"), everyone()]);
    for _ in 0..20 {
        house.publish([everyone()]);
    }
    release.send(()).expect("it waits");
    // None of it is in the ring any more.
    let everything = 8..=27;
    expect(&mut ada, [3, 4, 6, 7].into_iter().chain(everything.clone())).await;
    expect(&mut bob, [4, 6, 7].into_iter().chain(everything.clone())).await;
    expect(&mut cleo, [7].into_iter().chain(everything)).await;
    house.publish([to("r"), to("s"), everyone()]);
    expect(&mut ada, [29, 30]).await;
    expect(&mut bob, [29, 30]).await;
    expect(&mut cleo, [30]).await;
}

#[tokio::test]
async fn the_sender_does_not_get_its_own_and_the_ack_keeps_its_place() {
    let (asked, mut handles) = mpsc::channel::<AckHandle>(16);
    let house = House::start_with(1, 1 << 20, |namespace| {
        namespace.on_sync("send", move |turn| {
            asked.try_send(turn.take_ack().expect("an answer is wanted")).expect("there is room");
            Flow::Continue
        })
    });
    house.publish([enter("ada", "r"), enter("bob", "r")]);
    let mut ada = house.client("ada").await;
    let mut other = house.client("ada").await;
    let mut bob = house.client("bob").await;
    let mut cleo = house.client("cleo").await;
    ada.send(r#"21["send"]"#).await;
    let handle = within(handles.recv()).await.expect("asked");
    assert_eq!(handle.socket().to_string(), ada.id);
    let ack = handle.answer_after(5, r#"{"ok":true}"#);
    let but_ada = |selection: Selection| Post::To(selection.except(ada.id.as_str()));
    let posts = [
        everyone(),
        to("r"),
        but_ada(Selection::everyone()),
        but_ada(Selection::room("r")),
        to("r"),
        everyone(),
    ];
    house.publish_with(posts, vec![ack]);
    expect(&mut ada, [3, 4]).await;
    assert_eq!(ada.next().await, r#"31[{"ok":true}]"#);
    expect(&mut ada, [7, 8]).await;
    expect(&mut other, 3..=8).await;
    expect(&mut bob, 3..=8).await;
    expect(&mut cleo, [3, 5, 8]).await;
    for client in [&mut ada, &mut other, &mut bob, &mut cleo] {
        client.fence().await;
    }
}

#[tokio::test]
async fn an_answer_about_a_room_is_for_those_who_are_in_it_when_it_comes() {
    let (house, mut handles) = asked_house();
    house.publish([enter("ada", "r"), enter("ada", "s"), enter("bob", "r")]);
    let mut ada = house.client("ada").await;
    let mut answers = Vec::new();
    for ask in [r#"21["ask"]"#, r#"22["ask"]"#, r#"23["ask"]"#] {
        ada.send(ask).await;
        answers.push(within(handles.recv()).await.expect("asked"));
    }
    let [within_both, before, after] = answers.try_into().expect("three");
    let rooms = |rooms: &[&str]| rooms.iter().map(|room| (*room).into()).collect();
    house.publish_with([], vec![within_both.answer_within(rooms(&["r", "s"]), "1", "0")]);
    assert_eq!(ada.next().await, "31[1]");
    // With the removal, it leaves before it.
    house.publish_with([leave("ada", "r")], vec![before.answer_within(rooms(&["r"]), "1", "0")]);
    assert_eq!(ada.next().await, "32[1]");
    expect(&mut ada, [4]).await;
    house.publish_with([], vec![after.answer_within(rooms(&["s", "r"]), "1", "0")]);
    assert_eq!(ada.next().await, "33[0]");
    ada.fence().await;
}

#[tokio::test]
async fn an_answer_about_a_room_comes_before_the_ack_of_leaving_it_to_a_client_that_is_behind() {
    let (house, mut handles) = asked_house();
    house.publish([enter("ada", "r")]);
    let slow = sleeper(&house, "ada").await;
    slow.send("421[\"ask\"]\u{1e}422[\"ask\"]").await;
    let left = within(handles.recv()).await.expect("asked");
    let shown = within(handles.recv()).await.expect("asked");
    let answers = vec![left.answer_after(2, "\"left\""), shown.answer_within(vec!["r".into()], "1", "0")];
    house.publish_with([leave("ada", "r")], answers);
    house.settle().await;
    assert_eq!(slow.poll_for(2).await[..2], [r"432[1]", r#"431["left"]"#]);
}

#[tokio::test]
async fn an_answer_about_a_room_comes_before_a_repeated_ack_of_leaving_it() {
    let (house, mut handles) = asked_house();
    house.publish([enter("ada", "r")]);
    let mut ada = house.client("ada").await;
    let mut answers = Vec::new();
    for ask in [r#"21["ask"]"#, r#"22["ask"]"#] {
        ada.send(ask).await;
        answers.push(within(handles.recv()).await.expect("asked"));
    }
    let [again, shown] = answers.try_into().expect("two");
    let answers = vec![again.answer("\"left\""), shown.answer_within(vec!["r".into()], "1", "0")];
    house.publish_with([leave("ada", "r")], answers);
    assert_eq!(ada.next().await, "32[1]");
    assert_eq!(ada.next().await, r#"31["left"]"#);
    expect(&mut ada, [2]).await;
}

#[tokio::test]
async fn silent_entries_move_the_position_and_write_nothing() {
    let house = House::start(1 << 20);
    let mut ada = house.client("ada").await;
    let slow = sleeper(&house, "ada").await;
    house.publish([Post::Silent, everyone(), Post::Silent]);
    house.publish([Post::Silent]);
    house.publish([everyone()]);
    expect(&mut ada, [2, 5]).await;
    assert_eq!(poll_until(&slow, 5).await, [2, 5]);
    house.publish([Post::Silent]);
    ada.fence().await;
    let mut again = house.client_after("ada", 0).await;
    expect(&mut again, [2, 5]).await;
    again.fence().await;
}

#[tokio::test]
async fn a_scrubbed_entry_is_given_to_nobody_any_more() {
    let house = House::start(1 << 20);
    let mut ada = house.client("ada").await;
    let slow = sleeper(&house, "ada").await;
    house.publish([everyone(), everyone(), everyone()]);
    expect(&mut ada, [1, 2, 3]).await;
    house.scrub(2);
    assert_eq!(poll_until(&slow, 3).await, [1, 3]);
    let mut again = house.client_after("ada", 0).await;
    expect(&mut again, [1, 3]).await;
    again.fence().await;
}

#[tokio::test]
async fn a_volatile_event_reaches_the_room_and_carries_a_cursor() {
    let house = House::start(1 << 20);
    house.publish([enter("ada", "r"), enter("bob", "r")]);
    let mut ada = house.client("ada").await;
    let mut bob = house.client("bob").await;
    let mut cleo = house.client("cleo").await;
    let slow = sleeper(&house, "bob").await;
    house.publish([everyone()]);
    let typing = house.running.io().root().to("r").except(ada.id.as_str()).volatile();
    // Two in one turn: neither is in the way of the other.
    typing.emit("typing", &serde_json::json!({ "who": "ada" })).expect("taken");
    typing.emit("typing", &serde_json::json!({})).expect("taken");
    let cursor = house.feed.offset(3);
    expect(&mut bob, [3]).await;
    assert_eq!(bob.next().await, format!(r#"2["typing",{{"who":"ada","cursor":"{cursor}"}}]"#));
    assert_eq!(bob.next().await, format!(r#"2["typing",{{"cursor":"{cursor}"}}]"#));
    expect(&mut ada, [3]).await;
    ada.fence().await;
    expect(&mut cleo, [3]).await;
    cleo.fence().await;
    assert_eq!(poll_until(&slow, 3).await, [3]);
}

#[tokio::test]
async fn the_sockets_of_a_room_are_closed_so_that_their_clients_come_back() {
    let house = House::start(1 << 20);
    let mut ada = house.client("ada").await;
    let mut bob = house.client("bob").await;
    let polling = sleeper(&house, "ada").await;
    let held = polling.hold().await;
    house.running.io().root().to("u:ada").close_transports().expect("taken");
    assert_eq!(ada.closed().await, None);
    assert_eq!(held.answer().await.status, 400);
    bob.fence().await;
}

#[tokio::test]
async fn a_crowd_in_a_room_gets_it_all_while_others_hear_nothing() {
    let house = Arc::new(House::start_with(2, 1 << 20, |namespace| namespace));
    house.publish([enter("ada", "r")]);
    let mut crowd = Vec::new();
    for _ in 0..40 {
        crowd.push(house.client("ada").await);
    }
    let mut bob = house.client("bob").await;
    let senders: Vec<String> = crowd.iter().map(|client| client.id.clone()).collect();
    let publishing = tokio::task::spawn_blocking({
        let house = Arc::clone(&house);
        move || {
            for round in senders.chunks(8) {
                let post = |id: &String| Post::To(Selection::room("r").except(id.as_str()));
                house.publish(round.iter().map(post));
            }
        }
    });
    within(publishing).await.expect("no panic");
    for (number, client) in (2..).zip(&mut crowd) {
        expect(client, (2..=41).filter(|position| *position != number)).await;
        client.fence().await;
    }
    bob.fence().await;
}

#[tokio::test]
async fn a_slow_client_changes_rooms_with_the_log_as_well() {
    let mut house = House::start_with(2, 64 << 20, |namespace| namespace);
    house.padding = 20_000;
    house.publish([enter("ada", "old")]);
    let mut slow = Client::narrow(house.running.address).await;
    slow.join("/", &auth("ada", None)).await;
    assert!(slow.next().await.starts_with(r#"2["welcome","#));
    let mut quick = house.client("ada").await;
    let mut bob = house.client("bob").await;
    let mut seen = Vec::new();
    // 20 MB: more than the kernel takes for a client that does not read.
    for round in 0..250_u64 {
        let first = match round {
            100 => house.publish([everyone(), enter("ada", "new"), to("new"), to("old")]),
            150 => house.publish([everyone(), leave("ada", "old"), to("old"), to("new")]),
            _ => {
                house.publish([everyone(), to("old"), to("new"), Post::To(Selection::room("old").to("new"))])
            }
        };
        let of_quick: &[u64] = match round {
            0..100 | 150 => &[0, 1, 3],
            100..150 => &[0, 1, 2, 3],
            _ => &[0, 2, 3],
        };
        expect(&mut quick, of_quick.iter().map(|offset| first + offset)).await;
        expect(&mut bob, [first]).await;
        seen.extend(of_quick.iter().map(|offset| first + offset));
    }
    let last = house.publish([everyone()]);
    let mut got = Vec::new();
    while got.last() != Some(&last) {
        got.push(position(&slow.next().await));
    }
    // What was in its room before it left is its due only as far as it was taken at once.
    seen.push(last);
    let mut due = seen.iter();
    assert!(got.iter().all(|position| due.any(|seen| seen == position)), "{got:?}");
    let missing: Vec<u64> = seen.into_iter().filter(|position| !got.contains(position)).collect();
    let left_at = 2 + 4 * 150 + 1;
    assert!(!missing.is_empty() && missing.iter().all(|position| *position < left_at), "{missing:?}");
    slow.fence().await;
}
