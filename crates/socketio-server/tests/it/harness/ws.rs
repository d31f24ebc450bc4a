//! A WebSocket client that is not ours: tungstenite over a plain socket.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::within;

/// What a proxy says of a client on its own machine, which no rate applies to.
pub(crate) const LOCAL: (&str, &str) = ("x-forwarded-for", "127.0.0.3");

pub(crate) struct Ws {
    pub(crate) stream: WebSocketStream<TcpStream>,
    pub(crate) sid: String,
}

/// What a WebSocket brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Received {
    Text(String),
    Binary(Vec<u8>),
    /// A close frame with its code, if it had one.
    Close(Option<u16>),
    /// The end without a close frame.
    End,
}

impl Ws {
    /// Opens a session by WebSocket, for a client on this machine.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self::open_with(address, "/socket.io/?EIO=4&transport=websocket", &[LOCAL]).await
    }

    pub(crate) async fn open_with(
        address: SocketAddr,
        target: &str,
        headers: &[(&'static str, &str)],
    ) -> Self {
        let mut ws = Self::raw(address, target, headers).await;
        let open = ws.text().await;
        let handshake: Value =
            serde_json::from_str(open.strip_prefix('0').expect("an open packet")).expect("JSON");
        handshake["sid"].as_str().expect("a sid").clone_into(&mut ws.sid);
        ws
    }

    /// Brings a WebSocket to a polling session.
    pub(crate) async fn attach(address: SocketAddr, sid: &str) -> Self {
        Self::raw(address, &format!("/socket.io/?EIO=4&transport=websocket&sid={sid}"), &[]).await
    }

    async fn raw(address: SocketAddr, target: &str, headers: &[(&'static str, &str)]) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server accepts");
        Self::over(stream, address, target, headers).await
    }

    pub(crate) async fn over(
        stream: TcpStream,
        address: SocketAddr,
        target: &str,
        headers: &[(&'static str, &str)],
    ) -> Self {
        let mut request = format!("ws://{address}{target}").into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).expect("a header"));
        }
        let (stream, _) =
            within(tokio_tungstenite::client_async(request, stream)).await.expect("a WebSocket");
        Self { stream, sid: String::new() }
    }

    pub(crate) async fn next(&mut self) -> Received {
        loop {
            return match within(self.stream.next()).await {
                Some(Ok(Message::Text(text))) => Received::Text(text.to_string()),
                Some(Ok(Message::Binary(data))) => Received::Binary(data.to_vec()),
                Some(Ok(Message::Close(frame))) => Received::Close(frame.map(|frame| frame.code.into())),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Err(_)) | None => Received::End,
            };
        }
    }

    pub(crate) async fn text(&mut self) -> String {
        match self.next().await {
            Received::Text(text) => text,
            other => panic!("not a text: {other:?}"),
        }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.stream.send(Message::Text(Utf8Bytes::from(text))).await.expect("the server reads");
    }

    /// Sends with the next [`flush`](Self::flush).
    pub(crate) async fn feed(&mut self, text: &str) {
        self.stream.feed(Message::Text(Utf8Bytes::from(text))).await.expect("the server reads");
    }

    pub(crate) async fn flush(&mut self) {
        self.stream.flush().await.expect("the server reads");
    }

    pub(crate) async fn send_binary(&mut self, data: &[u8]) {
        self.stream.send(Message::Binary(data.to_vec().into())).await.expect("the server reads");
    }

    /// Sends although the server may have closed already.
    pub(crate) async fn try_send(&mut self, message: Message) -> bool {
        self.stream.send(message).await.is_ok()
    }

    /// The code of the close frame that comes next.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        match self.next().await {
            Received::Close(code) => code,
            other => panic!("not the end: {other:?}"),
        }
    }

    /// What ends the connection, whatever comes before.
    pub(crate) async fn end(&mut self) -> Received {
        loop {
            match self.next().await {
                Received::Text(_) | Received::Binary(_) => {}
                end => return end,
            }
        }
    }
}
