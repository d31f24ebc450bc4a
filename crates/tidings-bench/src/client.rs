//! [`Client`]: one WebSocket connection that speaks the tutorial's contract: a state machine over what is read.
//!
//! Owns its socket and what of a frame is torn; an idle client owns no buffer. Judging what is received is the ledger's.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use mio::net::TcpStream;

use super::frame::{self, Front, push_text};
use super::host::Host;
use super::ledger::{Ledger, View};
use super::line::Line;
use super::packet::{self, Packet, Stamp, Verdict};
use super::socket::{read_some, write_some};

/// Nobody has so many messages: who asks for what comes after gets nothing.
pub(crate) const NOTHING_OLD: u64 = (1 << 53) - 1;

/// How far a connection has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Connecting,
    Upgrading,
    Opening,
    Joining,
    /// In the namespace, and on its way into a room.
    Entering,
    Joined,
    Closed,
}

/// What a client asks for when it joins.
#[derive(Clone, Debug)]
pub(crate) struct Join {
    /// The last message that it has.
    pub(crate) server_offset: u64,
    /// The private id and the offset of connection state recovery, for one that comes back.
    pub(crate) recovery: Option<(String, Option<String>)>,
    /// The room to enter, where messages go to rooms and not to everybody.
    pub(crate) room: Option<String>,
}

pub(crate) struct Client {
    line: Line,
    pub(crate) stage: Stage,
    join: Join,
    host: SocketAddr,
    torn: Vec<u8>,
    unsent: Vec<u8>,
    pub(crate) view: View,
    pub(crate) pid: Option<String>,
    /// Ids and moments of messages without an ack.
    pub(crate) unacked: VecDeque<(u64, Duration)>,
    next_number: u64,
    pub(crate) started: Duration,
}

/// What a turn of a client has brought about.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// It has joined in this turn.
    pub(crate) joined: bool,
    /// Messages that were acknowledged, with the time each took.
    pub(crate) acked: Vec<Duration>,
    pub(crate) refused: u64,
}

impl Client {
    pub(crate) fn connect(
        (host, source): (&Host, Option<IpAddr>),
        join: Join,
        view: View,
        now: Duration,
    ) -> io::Result<Self> {
        Ok(Self {
            line: Line::connect(host, source)?,
            stage: Stage::Connecting,
            join,
            host: host.address(),
            torn: Vec::new(),
            unsent: Vec::new(),
            view,
            pid: None,
            unacked: VecDeque::new(),
            next_number: 0,
            started: now,
        })
    }

    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        self.line.socket()
    }

    /// Cuts the connection; what the client knows stays.
    pub(crate) fn hang_up(&mut self) -> io::Result<()> {
        self.stage = Stage::Closed;
        self.torn = Vec::new();
        self.line.socket().shutdown(std::net::Shutdown::Both)
    }

    /// Goes on numbering where a former connection of the same sender has ended.
    pub(crate) fn continue_from(&mut self, former: &Self) {
        self.next_number = former.next_number;
    }

    /// Sends `count` messages of this sender in one write.
    pub(crate) fn send(
        &mut self,
        run: &str,
        sender: u32,
        count: usize,
        text_bytes: usize,
        now: Duration,
    ) -> io::Result<()> {
        let mut text = String::new();
        for _ in 0..count {
            let number = self.next_number;
            self.next_number += 1;
            text.clear();
            let stamp = Stamp { sender, number, sent: now };
            let written = if let Some(room) = &self.join.room {
                let written = write!(text, "42{number}[\"room message\",\"{room}\",\"");
                stamp.push_text(&mut text, text_bytes);
                written.and_then(|()| text.write_str("\"]"))
            } else {
                let written = write!(text, "42{number}[\"chat message\",\"");
                stamp.push_text(&mut text, text_bytes);
                written.and_then(|()| write!(text, "\",\"{run}-{sender}-{number}\"]"))
            };
            debug_assert!(written.is_ok(), "a string takes everything");
            push_text(&mut self.unsent, &text);
            self.unacked.push_back((number, now));
        }
        self.flush()
    }

    /// Readiness: true if the client is to be read.
    pub(crate) fn on_writable(&mut self) -> io::Result<()> {
        if self.stage == Stage::Connecting {
            if let Some(error) = self.line.socket().take_error()? {
                return Err(error);
            }
            if self.line.socket().peer_addr().is_err() {
                return Ok(());
            }
            self.stage = Stage::Upgrading;
            let request = format!(
                "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\n\
                 Connection: Upgrade\r\nSec-WebSocket-Key: dGlkaW5ncyBiZW5jaGVzIQ==\r\n\
                 Sec-WebSocket-Version: 13\r\n\r\n",
                self.host
            );
            self.unsent.extend_from_slice(request.as_bytes());
        }
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        write_some(&mut self.line, &mut self.unsent)?;
        if self.unsent.is_empty() {
            // An idle client keeps no buffer.
            self.unsent = Vec::new();
        }
        match self.line.flush() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            result => result,
        }
    }

    /// Reads what there is, and sends what had to wait for that, as a handshake makes it wait.
    pub(crate) fn on_readable(
        &mut self,
        scratch: &mut [u8],
        ledger: &mut Ledger,
        progress: &mut Progress,
    ) -> io::Result<()> {
        self.read(scratch, ledger, progress)?;
        if self.unsent.is_empty() { Ok(()) } else { self.flush() }
    }

    /// Notification is edge-triggered, so a buffer that was not filled is the end for now.
    fn read(&mut self, scratch: &mut [u8], ledger: &mut Ledger, progress: &mut Progress) -> io::Result<()> {
        loop {
            let torn = self.torn.len();
            if let Some(front) = scratch.get_mut(..torn) {
                front.copy_from_slice(&self.torn);
            }
            let room = scratch.get_mut(torn..).unwrap_or_default();
            let wanted = room.len();
            let Some(read) = read_some(&mut self.line, room)? else { return Ok(()) };
            let bytes = scratch.get(..torn + read).unwrap_or_default();
            let used = self.take(bytes, ledger, progress)?;
            let rest = bytes.get(used..).unwrap_or_default();
            self.torn.clear();
            self.torn.extend_from_slice(rest);
            if rest.is_empty() {
                self.torn = Vec::new();
            }
            if read < wanted && self.line.short_reads_are_last() {
                return Ok(());
            }
        }
    }

    /// Takes whole frames off the front; returns how many bytes they had.
    fn take(&mut self, bytes: &[u8], ledger: &mut Ledger, progress: &mut Progress) -> io::Result<usize> {
        let now = ledger.now();
        let mut used = 0;
        if self.stage == Stage::Upgrading {
            let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(0) };
            if !bytes.starts_with(b"HTTP/1.1 101 ") {
                return Err(io::Error::other("the server does not upgrade the connection"));
            }
            used = end + 4;
            self.stage = Stage::Opening;
        }
        while let Some(rest) = bytes.get(used..).filter(|rest| !rest.is_empty()) {
            if let Some(length) = ledger.receive_known(&mut self.view, rest, now) {
                used += length;
                continue;
            }
            match frame::front(rest) {
                Front::Text { payload, bytes: length } => {
                    let frame = rest.get(..length).unwrap_or_default();
                    self.take_packet(payload, frame, ledger, progress, now)?;
                    used += length;
                }
                Front::Other { bytes: length } => used += length,
                Front::Partial => break,
                Front::Close => return Err(io::ErrorKind::ConnectionAborted.into()),
                Front::Broken => return Err(io::Error::other("the server breaks the protocol")),
            }
        }
        Ok(used)
    }

    fn take_packet(
        &mut self,
        text: &str,
        frame: &[u8],
        ledger: &mut Ledger,
        progress: &mut Progress,
        now: Duration,
    ) -> io::Result<()> {
        match packet::parse(text) {
            Packet::Message(message) => {
                if self.view.last() == NOTHING_OLD {
                    self.view = View::after(message.offset - 1);
                }
                ledger.receive(&mut self.view, &message, frame, now);
            }
            Packet::Ping => {
                push_text(&mut self.unsent, "3");
                self.flush()?;
            }
            Packet::Ack { verdict: Verdict::Stored, .. } if self.stage == Stage::Entering => {
                self.stage = Stage::Joined;
                progress.joined = true;
            }
            Packet::Ack { id, verdict } => {
                let place = self.unacked.iter().position(|(number, _)| *number == id);
                let sent = place.and_then(|place| self.unacked.remove(place));
                match verdict {
                    Verdict::Stored => progress.acked.extend(sent.map(|(_, sent)| now.saturating_sub(sent))),
                    Verdict::Refused => progress.refused += 1,
                }
            }
            Packet::Open => {
                push_text(&mut self.unsent, &self.join.packet());
                self.stage = Stage::Joining;
                self.flush()?;
            }
            Packet::Connected { pid } => {
                self.pid = pid.map(str::to_owned);
                if let Some(room) = &self.join.room {
                    push_text(&mut self.unsent, &format!("420[\"join room\",\"{room}\"]"));
                    self.stage = Stage::Entering;
                    self.flush()?;
                } else {
                    self.stage = Stage::Joined;
                    progress.joined = true;
                }
            }
            Packet::Refused => return Err(io::Error::other("the server refuses the client")),
            Packet::Other => {}
        }
        Ok(())
    }
}

impl Join {
    pub(crate) fn after(server_offset: u64) -> Self {
        Self { server_offset, recovery: None, room: None }
    }

    pub(crate) fn room(name: String) -> Self {
        Self { server_offset: 0, recovery: None, room: Some(name) }
    }

    fn packet(&self) -> String {
        match &self.recovery {
            None => format!("40{{\"serverOffset\":{}}}", self.server_offset),
            Some((pid, None)) => format!("40{{\"serverOffset\":{},\"pid\":\"{pid}\"}}", self.server_offset),
            Some((pid, Some(offset))) => {
                format!(
                    "40{{\"serverOffset\":{},\"pid\":\"{pid}\",\"offset\":\"{offset}\"}}",
                    self.server_offset
                )
            }
        }
    }
}
