//! [`Pollers`]: clients that stay with long-polling, beside those on `WebSocket`.
//!
//! Each has one connection and does one request after the other: it opens a session, joins, and then polls for ever. What they
//! receive is judged in a ledger of their own, so that the latencies of the others are not mixed with theirs.

use std::io;
use std::net::SocketAddr;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::frame::push_plain_text;
use super::ledger::{Faults, Ledger, View};
use super::packet::{self, Packet};
use super::socket::{read_some, write_some};

/// Their tokens begin here, beyond those of any other client.
pub(crate) const FIRST_TOKEN: usize = 1 << 32;
const SEPARATOR: char = '\u{1e}';

pub(crate) struct Pollers {
    all: Vec<Poller>,
    pub(crate) ledger: Ledger,
    pub(crate) joined: usize,
}

impl Pollers {
    /// Connects `count` of them, which want everything after the head of `ledger`.
    pub(crate) fn connect(
        host: SocketAddr,
        count: usize,
        ledger: Ledger,
        registry: &Registry,
    ) -> io::Result<Self> {
        let mut all = Vec::new();
        for index in 0..count {
            let mut poller = Poller::connect(host, ledger.head())?;
            let token = Token(FIRST_TOKEN + index);
            registry.register(&mut poller.stream, token, Interest::READABLE | Interest::WRITABLE)?;
            all.push(poller);
        }
        Ok(Self { all, ledger, joined: 0 })
    }

    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    /// Something can be done with one of them.
    pub(crate) fn on_ready(&mut self, token: Token, scratch: &mut [u8]) -> io::Result<()> {
        let Some(poller) = token.0.checked_sub(FIRST_TOKEN).and_then(|index| self.all.get_mut(index)) else {
            return Ok(());
        };
        let before = poller.stage;
        poller.on_ready(scratch, &mut self.ledger)?;
        if before != Stage::Polling && poller.stage == Stage::Polling {
            self.joined += 1;
        }
        Ok(())
    }

    pub(crate) fn have_all_up_to(&self, head: u64) -> bool {
        self.all.iter().all(|poller| poller.view.last() >= head)
    }

    pub(crate) fn judge(&mut self) -> Faults {
        self.ledger.judge(self.all.iter().map(|poller| &poller.view), 0)
    }
}

/// How far one has got; each is a request that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Connecting,
    Opening,
    Joining,
    Polling,
    Answering,
}

struct Poller {
    stream: TcpStream,
    stage: Stage,
    host: SocketAddr,
    sid: String,
    after: u64,
    view: View,
    unsent: Vec<u8>,
    /// Requests so far.
    asked: u64,
    /// What of the answer has come.
    answer: Vec<u8>,
}

impl Poller {
    fn connect(host: SocketAddr, after: u64) -> io::Result<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        let view = View::after(after);
        let (unsent, answer, sid) = (Vec::new(), Vec::new(), String::new());
        Ok(Self { stream, stage: Stage::Connecting, host, sid, after, view, unsent, asked: 0, answer })
    }

    fn on_ready(&mut self, scratch: &mut [u8], ledger: &mut Ledger) -> io::Result<()> {
        if self.stage == Stage::Connecting {
            if let Some(error) = self.stream.take_error()? {
                return Err(error);
            }
            if self.stream.peer_addr().is_err() {
                return Ok(());
            }
            self.ask(Stage::Opening, "GET", "");
        }
        write_some(&mut self.stream, &mut self.unsent)?;
        loop {
            let Some(read) = read_some(&mut self.stream, scratch)? else { return Ok(()) };
            self.answer.extend_from_slice(scratch.get(..read).unwrap_or_default());
            while let Some((start, end)) = whole_answer(&self.answer)? {
                let answer = std::mem::take(&mut self.answer);
                let body = answer.get(start..end).map(std::str::from_utf8);
                let Some(Ok(body)) = body else { return Err(io::Error::other("an answer is no text")) };
                self.take(body, ledger);
                self.answer = answer.get(end..).unwrap_or_default().to_vec();
                write_some(&mut self.stream, &mut self.unsent)?;
            }
        }
    }

    /// Takes the answer to the request that was under way, and makes the next one.
    fn take(&mut self, body: &str, ledger: &mut Ledger) {
        let mut is_pinged = false;
        for text in body.split(SEPARATOR) {
            match packet::parse(text) {
                Packet::Open => self.sid = sid_in(text),
                Packet::Ping => is_pinged = true,
                Packet::Message(message) => {
                    let (now, mut frame) = (ledger.now(), Vec::new());
                    push_plain_text(&mut frame, text);
                    if ledger.receive_known(&mut self.view, &frame, now).is_none() {
                        ledger.receive(&mut self.view, &message, &frame, now);
                    }
                }
                Packet::Connected { .. } | Packet::Ack { .. } | Packet::Refused | Packet::Other => {}
            }
        }
        match self.stage {
            Stage::Opening => {
                let join = format!("40{{\"serverOffset\":{}}}", self.after);
                self.ask(Stage::Joining, "POST", &join);
            }
            Stage::Polling if is_pinged => self.ask(Stage::Answering, "POST", "3"),
            Stage::Connecting | Stage::Joining | Stage::Polling | Stage::Answering => {
                self.ask(Stage::Polling, "GET", "");
            }
        }
    }

    fn ask(&mut self, stage: Stage, method: &str, body: &str) {
        self.stage = stage;
        let session = if self.sid.is_empty() { String::new() } else { format!("&sid={}", self.sid) };
        // By its cache buster a client says that it is like the official one, which takes any number of packets.
        self.asked += 1;
        let asked = self.asked;
        let request = format!(
            "{method} /socket.io/?EIO=4&transport=polling&t=b{asked:x}{session} HTTP/1.1\r\nHost: {}\r\n\
             Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        );
        self.unsent.extend_from_slice(request.as_bytes());
    }
}

/// Where the body of the answer begins and ends, if all of it has come.
fn whole_answer(bytes: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = bytes.get(..end).map(std::str::from_utf8);
    let Some(Ok(head)) = head else { return Err(io::Error::other("the head of an answer is no text")) };
    if !head.starts_with("HTTP/1.1 200 ") {
        let status = head.lines().next().unwrap_or_default();
        return Err(io::Error::other(format!("the server answers a poll by {status}")));
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let Some(length) = length else { return Err(io::Error::other("an answer does not say how long it is")) };
    let (start, end) = (end + 4, end + 4 + length);
    Ok((bytes.len() >= end).then_some((start, end)))
}

/// The session's id in the packet that opens it.
fn sid_in(text: &str) -> String {
    let sid = text.split_once("\"sid\":\"").and_then(|(_, rest)| rest.split_once('"'));
    sid.map(|(sid, _)| sid.to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_when_all_of_it_has_come() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 2\r\n\r\nok";
        assert_eq!(whole_answer(answer).unwrap(), Some((38, 40)));
        assert_eq!(whole_answer(&answer[..39]).unwrap(), None);
        assert!(whole_answer(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").is_err());
    }
}
