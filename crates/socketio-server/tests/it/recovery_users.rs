//! Private ids that name a user: worth something to this user alone, and nobody else's claim moves the socket.

use std::sync::Arc;

use serde::Deserialize;
use socketio_server::{
    ConnectRequest, EpochStart, Feed, FeedConfig, FeedJoin, History, HistoryError, HistoryRequest, Joining,
    Namespace, Rejection, Server, UserTag,
};
use tokio::sync::{Semaphore, mpsc};

use crate::harness::client::split_offset;
use crate::harness::{Client, Running, fenced, start, within};

#[derive(Deserialize)]
struct Login {
    user: u64,
}

/// Takes everybody's word for who they are; a real application looks at a token.
async fn log_in(request: ConnectRequest) -> Result<(), Rejection> {
    if let Ok(Login { user }) = request.auth().parse()
        && let Some(user) = UserTag::new(user)
    {
        request.name_user(user);
    }
    Ok(())
}

fn start_with_users() -> Running {
    let namespace =
        fenced(Namespace::new("/")).recovery(Feed::new(FeedConfig::in_memory())).middleware(log_in);
    start(Server::builder().namespace(namespace))
}

fn emit(running: &Running, text: &str) {
    running.io().root().emit("text", &text).expect("taken");
}

async fn connect(running: &Running, auth: &serde_json::Value) -> Client {
    Client::connect_with(running.address, &auth.to_string()).await
}

fn texts(packets: &[String]) -> Vec<String> {
    packets.iter().map(|packet| split_offset(packet).0).collect()
}

#[tokio::test]
async fn a_pid_recovers_its_own_user_again_and_again() {
    let running = start_with_users();
    let client = connect(&running, &serde_json::json!({ "user": 7 })).await;
    let (id, pid) = (client.id.clone(), client.pid.clone().expect("a pid"));
    drop(client);
    for (round, missed) in [("one", 1), ("two", 2), ("three", 3)] {
        within(async {
            while running.io().connections() > 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        emit(&running, round);
        let mut client = connect(&running, &serde_json::json!({ "user": 7, "pid": pid })).await;
        assert_eq!((client.id.clone(), client.pid.clone()), (id.clone(), Some(pid.clone())));
        assert_eq!(texts(&client.take(missed).await).last(), Some(&format!(r#"2["text","{round}"]"#)));
    }
}

#[tokio::test]
async fn a_ghost_of_a_user_is_evicted_by_the_same_user() {
    let running = start_with_users();
    let mut ghost = connect(&running, &serde_json::json!({ "user": 7 })).await;
    let pid = ghost.pid.clone().expect("a pid");
    let client = connect(&running, &serde_json::json!({ "user": 7, "pid": pid })).await;
    assert_eq!(client.id, ghost.id);
    ghost.closed().await;
    assert_eq!(running.io().root().fetch().await.len(), 1);
}

#[tokio::test]
async fn a_pid_is_worth_nothing_to_another_user_and_its_owner_does_not_notice() {
    let running = start_with_users();
    let mut ada = connect(&running, &serde_json::json!({ "user": 7 })).await;
    let nobody = connect(&running, &serde_json::json!({})).await;
    for (pid, id, thieves) in [
        (ada.pid.clone().expect("a pid"), ada.id.clone(), [serde_json::json!(8), serde_json::json!(null)]),
        (nobody.pid.clone().expect("a pid"), nobody.id.clone(), [serde_json::json!(7), serde_json::json!(8)]),
    ] {
        for thief in thieves {
            emit(&running, "secret");
            let mut thief = connect(&running, &serde_json::json!({ "user": thief, "pid": pid })).await;
            assert_ne!(thief.id, id);
            assert_ne!(thief.pid.as_deref(), Some(pid.as_str()));
            thief.fence().await;
        }
    }
    // Ada's socket was not even evicted.
    let heard = ada.drain().await;
    assert_eq!(texts(&heard), [r#"2["text","secret"]"#; 4]);
    drop(nobody.ws);
}

#[tokio::test]
async fn a_client_that_returns_as_another_user_gets_another_lineage() {
    let feed = Feed::new(FeedConfig {
        epochs: vec![EpochStart { epoch: 1.into(), start: 0.into() }],
        history: Some(Arc::new(Unread)),
        ..FeedConfig::in_memory()
    });
    let join = |_: &Joining<'_>| FeedJoin::default();
    let namespace =
        fenced(Namespace::new("/")).feed(feed, join).middleware(log_in).on_sync("lineage", |turn| {
            let lineage = format!("[{:?}]", turn.lineage().as_bytes());
            turn.reply(&lineage);
            socketio_server::Flow::Continue
        });
    let running = start(Server::builder().namespace(namespace));
    let mut client = connect(&running, &serde_json::json!({ "user": 7 })).await;
    let pid = client.pid.clone().expect("a pid");
    let own = client.ask(r#"["lineage"]"#).await;
    drop(client);
    let mut thief = connect(&running, &serde_json::json!({ "user": 8, "pid": pid })).await;
    assert_ne!(thief.ask(r#"["lineage"]"#).await, own);
    let mut owner = connect(&running, &serde_json::json!({ "user": 7, "pid": pid })).await;
    assert_eq!(owner.ask(r#"["lineage"]"#).await, own);
}

#[tokio::test]
async fn events_during_middleware_are_not_lost() {
    let gate = Arc::new(Semaphore::new(1));
    let (asked, mut asking) = mpsc::channel(4);
    let namespace = fenced(Namespace::new("/")).recovery(Feed::new(FeedConfig::in_memory())).middleware({
        let gate = Arc::clone(&gate);
        move |_| {
            let (gate, asked) = (Arc::clone(&gate), asked.clone());
            async move {
                asked.send(()).await.map_err(|_| "nobody listens")?;
                gate.acquire().await.map_err(|_| "closed")?.forget();
                Ok(())
            }
        }
    });
    let running = start(Server::builder().namespace(namespace));
    let client = connect(&running, &serde_json::json!({})).await;
    within(asking.recv()).await.expect("middleware runs");
    let pid = client.pid.clone().expect("a pid");
    emit(&running, "before");
    let mut again = Client::open(running.address).await;
    again.send(&format!(r#"0{{"pid":"{pid}"}}"#)).await;
    within(asking.recv()).await.expect("middleware runs again");
    emit(&running, "meanwhile");
    gate.add_permits(1);
    assert!(again.next().await.starts_with("0{"));
    let missed = again.take(2).await;
    assert_eq!(texts(&missed), [r#"2["text","before"]"#, r#"2["text","meanwhile"]"#]);
    emit(&running, "live");
    assert_eq!(split_offset(&again.next().await).0, r#"2["text","live"]"#);
}

struct Unread;

impl History for Unread {
    fn request(&self, request: HistoryRequest) {
        request.reply.send(Err(HistoryError));
    }
}
