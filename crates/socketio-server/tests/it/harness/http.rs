//! HTTP by hand: one request per connection, read to its end.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::within;

pub(crate) struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

pub(crate) fn get(target: impl Into<String>) -> Request {
    request("GET", target)
}

pub(crate) fn post(target: impl Into<String>, body: impl Into<Vec<u8>>) -> Request {
    let body = body.into();
    let length = body.len();
    Request { body, ..request("POST", target) }.header("Content-Length", length.to_string())
}

pub(crate) fn request(method: &str, target: impl Into<String>) -> Request {
    Request { method: method.into(), target: target.into(), headers: Vec::new(), body: Vec::new() }
}

impl Request {
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Asks for a WebSocket.
    pub(crate) fn upgrade(self) -> Self {
        self.header("Upgrade", "websocket")
            .header("Connection", "Upgrade")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
    }

    /// The request as it is sent.
    pub(crate) fn encode(&self, host: SocketAddr) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        let has = |wanted: &str| self.headers.iter().any(|(name, _)| name == wanted);
        if !has("Host") {
            head.extend(["Host: ", &host.to_string(), "\r\n"]);
        }
        if !has("Connection") {
            head += "Connection: close\r\n";
        }
        for (name, value) in &self.headers {
            head.extend([name.as_str(), ": ", value.as_str(), "\r\n"]);
        }
        head += "\r\n";
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    pub(crate) async fn send(self, address: SocketAddr) -> Answer {
        raw(address, &self.encode(address)).await
    }

    /// Sends the request and leaves the answer for later.
    pub(crate) async fn begin(self, address: SocketAddr) -> Pending {
        Pending::begin(address, &self.encode(address)).await
    }
}

/// A request whose answer has not been read.
pub(crate) struct Pending(pub TcpStream);

impl Pending {
    pub(crate) async fn begin(address: SocketAddr, bytes: &[u8]) -> Self {
        let mut stream = TcpStream::connect(address).await.expect("the server accepts");
        stream.write_all(bytes).await.expect("the server reads");
        Self(stream)
    }

    pub(crate) async fn answer(self) -> Answer {
        let bytes = within(read_to_end(self.0)).await;
        Answer::parse(&bytes)
            .unwrap_or_else(|| panic!("not an answer: {:?}", String::from_utf8_lossy(&bytes)))
    }
}

/// Sends bytes and reads what comes until the server closes.
pub(crate) async fn raw(address: SocketAddr, bytes: &[u8]) -> Answer {
    let answer = exchange(address, bytes).await;
    Answer::parse(&answer).unwrap_or_else(|| panic!("not an answer: {:?}", String::from_utf8_lossy(&answer)))
}

/// The same, whatever comes.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let stream = TcpStream::connect(address).await.expect("the server accepts");
    let (mut read, mut write) = stream.into_split();
    let bytes = bytes.to_vec();
    // Beside the reading: a server that refuses early stops taking the rest.
    let writing = tokio::spawn(async move {
        let written = write.write_all(&bytes).await;
        (written, write)
    });
    let mut answer = Vec::new();
    let mut buffer = vec![0; 16 << 10];
    within(async {
        while let Ok(count @ 1..) = read.read(&mut buffer).await {
            answer.extend_from_slice(&buffer[..count]);
        }
    })
    .await;
    drop(writing);
    answer
}

async fn read_to_end(mut stream: TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    let mut buffer = vec![0; 16 << 10];
    // A reset after the answer is its end as well.
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        answer.extend_from_slice(&buffer[..count]);
    }
    answer
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        let headers = lines.filter_map(header).collect();
        Some(Self { status, headers, body: bytes[end + 4..].to_vec() })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }

    /// Status and body, which is what most tests are about.
    pub(crate) fn brief(&self) -> (u16, &str) {
        (self.status, self.text())
    }
}
