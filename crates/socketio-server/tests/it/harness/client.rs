//! A Socket.IO client over a WebSocket, packet by packet; the Engine.IO digit 4 is left off.

use std::net::SocketAddr;

use serde_json::Value;
use socket2::{Domain, Socket as RawSocket, Type};
use tokio::net::TcpStream;

use super::ws::{Received, Ws};

pub(crate) struct Client {
    pub(crate) ws: Ws,
    /// Id of the last socket that joined.
    pub(crate) id: String,
    pub(crate) pid: Option<String>,
    fences: u64,
}

impl Client {
    /// Opens a connection and joins nothing.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self::over(Ws::open(address).await)
    }

    /// Opens a connection whose socket takes little, so that it is behind soon.
    pub(crate) async fn narrow(address: SocketAddr) -> Self {
        let socket = RawSocket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(4_096).expect("a small buffer");
        socket.connect(&address.into()).expect("the server accepts");
        socket.set_nonblocking(true).expect("a setting");
        let stream = TcpStream::from_std(socket.into()).expect("a stream");
        let mut ws = Ws::over(stream, address, "/socket.io/?EIO=4&transport=websocket", &[]).await;
        ws.text().await;
        Self::over(ws)
    }

    pub(crate) fn over(ws: Ws) -> Self {
        // Ids of their own, so that they are not mistaken for those of a test.
        Self { ws, id: String::new(), pid: None, fences: 9_000 }
    }

    /// Joins the namespace `/`.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let mut client = Self::open(address).await;
        client.join("/", "").await;
        client
    }

    /// Joins the namespace `/` with `auth`. Nothing may come before CONNECT: the official client shows it when it is
    /// connected, on whatever connection, and has not counted it until then.
    pub(crate) async fn connect_with(address: SocketAddr, auth: &str) -> Self {
        let mut client = Self::open(address).await;
        assert_eq!(client.join("/", auth).await, Vec::<String>::new(), "before CONNECT");
        client
    }

    /// Comes back as a recovering client does.
    pub(crate) async fn come_back(address: SocketAddr, pid: &str, offset: Option<&str>) -> Self {
        let auth = match offset {
            Some(offset) => serde_json::json!({ "pid": pid, "offset": offset }),
            None => serde_json::json!({ "pid": pid }),
        };
        Self::connect_with(address, &auth.to_string()).await
    }

    /// Joins a namespace; what comes before its CONNECT is returned.
    pub(crate) async fn join(&mut self, namespace: &str, auth: &str) -> Vec<String> {
        let prefix = if namespace == "/" { "0".to_owned() } else { format!("0{namespace},") };
        self.send(&format!("{prefix}{auth}")).await;
        let mut before = Vec::new();
        loop {
            let packet = self.next().await;
            match packet.strip_prefix(&prefix) {
                Some(reply) if reply.starts_with('{') => {
                    let reply: Value = serde_json::from_str(reply).expect("JSON");
                    reply["sid"].as_str().expect("a socket id").clone_into(&mut self.id);
                    self.pid = reply["pid"].as_str().map(str::to_owned);
                    return before;
                }
                Some(_) | None => before.push(packet),
            }
        }
    }

    pub(crate) async fn send(&mut self, packet: &str) {
        self.ws.send(&format!("4{packet}")).await;
    }

    /// Sends packets in one write.
    pub(crate) async fn send_all(&mut self, packets: &[&str]) {
        for packet in packets {
            self.ws.feed(&format!("4{packet}")).await;
        }
        self.ws.flush().await;
    }

    pub(crate) async fn send_binary(&mut self, data: &[u8]) {
        self.ws.send_binary(data).await;
    }

    /// The next packet that is text; pings are answered.
    /// The next `count` packets.
    pub(crate) async fn take(&mut self, count: usize) -> Vec<String> {
        let mut packets = Vec::with_capacity(count);
        while packets.len() < count {
            packets.push(self.next().await);
        }
        packets
    }

    pub(crate) async fn next(&mut self) -> String {
        loop {
            let text = self.ws.text().await;
            match text.strip_prefix('4') {
                Some(packet) => return packet.to_owned(),
                None if text == "2" => self.ws.send("3").await,
                None => panic!("not a message: {text}"),
            }
        }
    }

    pub(crate) async fn next_binary(&mut self) -> Vec<u8> {
        match self.ws.next().await {
            Received::Binary(data) => data,
            other => panic!("not binary: {other:?}"),
        }
    }

    /// Sends an event with an ack id to `/` and returns the answer's arguments as JSON.
    pub(crate) async fn ask(&mut self, event: &str) -> String {
        self.fences += 1;
        let id = self.fences;
        self.send(&format!("2{id}{event}")).await;
        let answer = self.next().await;
        let prefix = format!("3{id}");
        answer
            .strip_prefix(&prefix)
            .unwrap_or_else(|| panic!("not the answer to {event}: {answer}"))
            .to_owned()
    }

    /// Nothing else has been sent to this client.
    pub(crate) async fn fence(&mut self) {
        assert_eq!(self.ask(r#"["fence"]"#).await, "[]");
    }

    /// What has been sent to this client up to now.
    pub(crate) async fn drain(&mut self) -> Vec<String> {
        self.fences += 1;
        let id = self.fences;
        self.send(&format!(r#"2{id}["fence"]"#)).await;
        let end = format!("3{id}[]");
        let mut before = Vec::new();
        loop {
            match self.next().await {
                packet if packet == end => return before,
                packet => before.push(packet),
            }
        }
    }

    pub(crate) async fn closed(&mut self) -> Option<u16> {
        self.ws.closed().await
    }
}

/// The trailing offset of an event, and the event without it.
pub(crate) fn split_offset(packet: &str) -> (String, String) {
    let (event, offset) =
        packet.strip_suffix("\"]").and_then(|rest| rest.rsplit_once(",\"")).expect("an offset");
    (format!("{event}]"), offset.to_owned())
}
