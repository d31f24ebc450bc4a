//! One private id in several hands at the same instant: one of them has the socket in the end, never two and never none.

use std::sync::Arc;

use socketio_server::{
    EpochStart, Feed, FeedConfig, FeedJoin, History, HistoryError, HistoryRequest, Joining, Namespace, Server,
};

use crate::harness::{Client, Received, Running, fenced, start_with};

/// Nothing is ever asked of it: the ring has all there is.
struct Unread;

impl History for Unread {
    fn request(&self, request: HistoryRequest) {
        request.reply.send(Err(HistoryError));
    }
}

/// A feed over a log: whoever shows a private id is recovered, at any time and however often.
fn start_contested() -> Running {
    let feed = Feed::new(FeedConfig {
        epochs: vec![EpochStart { epoch: 1.into(), start: 0.into() }],
        history: Some(Arc::new(Unread)),
        ..FeedConfig::in_memory()
    });
    let join = |_: &Joining<'_>| FeedJoin::default();
    let namespace = fenced(Namespace::new("/")).feed(feed, join);
    start_with(Server::builder().namespace(namespace).configure(|config| config.workers = 4))
}

/// What became of a claim: the id it got, or nothing if it lost before that.
async fn answer(client: &mut Client) -> Option<String> {
    loop {
        match client.ws.next().await {
            Received::Text(text) if text.starts_with("40{") => return Some(text),
            Received::Text(_) | Received::Binary(_) => {}
            Received::Close(_) | Received::End => return None,
        }
    }
}

async fn holders(running: &Running, id: &str) -> usize {
    let sockets = running.io().root().fetch().await;
    sockets.iter().filter(|socket| socket.id.to_string() == id).count()
}

#[tokio::test]
async fn of_two_sessions_with_one_id_at_the_same_instant_one_stays() {
    let running = start_contested();
    let first = Client::connect(running.address).await;
    let (id, pid) = (first.id.clone(), first.pid.clone().expect("a pid"));
    let claim = format!(r#"0{{"pid":"{pid}"}}"#);
    for round in 0..300 {
        let (mut ada, mut bob) = tokio::join!(Client::open(running.address), Client::open(running.address));
        tokio::join!(ada.send(&claim), bob.send(&claim));
        let answers = tokio::join!(answer(&mut ada), answer(&mut bob));
        assert!(answers.0.is_some() || answers.1.is_some(), "round {round}: somebody got it");
        // Whatever the workers still had to tell each other has been told before this is answered.
        assert_eq!(holders(&running, &id).await, 1, "round {round}: {answers:?}");
    }
}

#[tokio::test]
async fn of_many_sessions_with_one_id_at_the_same_instant_one_stays() {
    let running = start_contested();
    let first = Client::connect(running.address).await;
    let (id, pid) = (first.id.clone(), first.pid.clone().expect("a pid"));
    let claim = format!(r#"0{{"pid":"{pid}"}}"#);
    for round in 0..30 {
        let claims = (0..8).map(|_| {
            let claim = claim.clone();
            let address = running.address;
            tokio::spawn(async move {
                let mut client = Client::open(address).await;
                client.send(&claim).await;
                answer(&mut client).await.map(|_| client)
            })
        });
        let claims: Vec<_> = claims.collect();
        let mut clients = Vec::new();
        for claim in claims {
            clients.extend(claim.await.expect("no panic"));
        }
        assert_eq!(holders(&running, &id).await, 1, "round {round}, {} answered", clients.len());
    }
}
