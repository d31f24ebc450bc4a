//! A client by long-polling, request by request.

use std::net::SocketAddr;

use serde_json::Value;

use super::http::{Answer, Pending, get, post};
use super::ws::LOCAL;

const SEPARATOR: char = '\u{1e}';

#[derive(Clone)]
pub(crate) struct Polling {
    pub(crate) address: SocketAddr,
    pub(crate) sid: String,
}

impl Polling {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let (name, client) = LOCAL;
        let handshake = get("/socket.io/?EIO=4&transport=polling").header(name, client);
        let answer = handshake.send(address).await;
        Self::of(address, &answer)
    }

    pub(crate) fn of(address: SocketAddr, answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{answer:?}");
        let handshake = answer.text().strip_prefix('0').expect("an open packet");
        let handshake: Value = serde_json::from_str(handshake).expect("a handshake");
        Self { address, sid: handshake["sid"].as_str().expect("a sid").to_owned() }
    }

    pub(crate) fn target(&self) -> String {
        format!("/socket.io/?EIO=4&transport=polling&sid={}", self.sid)
    }

    pub(crate) async fn get(&self) -> Answer {
        get(self.target()).send(self.address).await
    }

    /// The packets of one poll.
    pub(crate) async fn poll(&self) -> Vec<String> {
        packets(&self.get().await)
    }

    /// Polls until `count` packets have come.
    pub(crate) async fn poll_for(&self, count: usize) -> Vec<String> {
        let mut all = Vec::new();
        while all.len() < count {
            all.extend(self.poll().await);
        }
        all
    }

    /// Leaves a poll waiting. It has reached the session when this returns, if the server has one worker: the POST
    /// that follows it has been answered.
    pub(crate) async fn hold(&self) -> Pending {
        let held = get(self.target()).begin(self.address).await;
        // A pong that nobody asked for changes nothing.
        self.send("3").await;
        held
    }

    pub(crate) async fn post(&self, body: impl Into<Vec<u8>>) -> Answer {
        post(self.target(), body).header("Content-Type", "text/plain;charset=UTF-8").send(self.address).await
    }

    /// Sends packets that are taken.
    pub(crate) async fn send(&self, body: impl Into<Vec<u8>>) {
        assert_eq!(self.post(body).await.brief(), (200, "ok"));
    }

    /// Joins the namespace `/`; returns the answer's packet.
    pub(crate) async fn join(&self) -> String {
        self.send("40").await;
        self.poll().await.remove(0)
    }

    /// True if the session is there and its transport is polling.
    pub(crate) async fn is_alive(&self) -> bool {
        self.post("3").await.status == 200
    }
}

pub(crate) fn packets(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.text().split(SEPARATOR).map(str::to_owned).collect()
}
