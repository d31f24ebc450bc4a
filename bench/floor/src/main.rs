//! The floor: the tutorial's chat with everything left out but what the kernel and SQLite ask. The contract of rooms as
//! well: there nothing is stored, and who has something to hear in a turn hears it in one call.
//!
//! One thread. A turn takes all that has arrived, stores it in one transaction (WAL, `synchronous=FULL`), joins the frames in
//! one buffer and gives that to every connection in one call. The bytes are those of the real server. No handshake is
//! checked, no JSON is parsed, nobody is pinged, no history is kept in memory: what a real server costs beyond this is its own.
//! The tables and indexes are the real server's, and so is what a message writes into them; only the hashes are made up.

mod rooms;
mod table;

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Socket, Type};

use crate::rooms::Rooms;
use crate::table::Table;

const LISTENER: Token = Token(usize::MAX);
const BACKLOG: i32 = 4_096;
/// How often it is asked, without waiting, whether more has come in.
const GATHERS_MAX: usize = 4;
const EVENTS_MAX: usize = 4_096;
const SCRATCH_BYTES: usize = 256 << 10;
const SWITCHING: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: 0000000000000000000000000000\r\n\r\n";
const OPEN: &str = r#"0{"sid":"AAAAAAAAAAAAAAAAAAAA","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
const CONNECT: &str = r#"40{"sid":"AAAAAAAAAAAAAAAAAAAA"}"#;

/// One client.
struct Peer {
    stream: TcpStream,
    is_upgraded: bool,
    is_joined: bool,
    torn: Vec<u8>,
    /// What the kernel did not take.
    unsent: VecDeque<u8>,
    /// What it has to hear in this turn of what is said in rooms.
    heard: Vec<u8>,
}

/// What a client asks for.
enum Request {
    /// To join the chat, after a message.
    Join(i64),
    Store(Draft),
    Enter {
        ack: String,
        room: String,
    },
    Say {
        ack: String,
        room: String,
        text: String,
    },
}

/// A message as it came: its ack id, text and key are slices of the JSON.
pub(crate) struct Draft {
    pub(crate) sender: usize,
    pub(crate) ack: String,
    pub(crate) text: String,
    pub(crate) key: String,
}

struct Floor {
    poll: Poll,
    listener: TcpListener,
    peers: Vec<Option<Peer>>,
    free: Vec<usize>,
    table: Table,
    drafts: Vec<Draft>,
    rooms: Rooms,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut floor = Floor::start()?;
    println!("ready on http://{}", floor.listener.local_addr()?);
    let mut events = Events::with_capacity(EVENTS_MAX);
    let mut scratch = vec![0; SCRATCH_BYTES];
    loop {
        floor.poll.poll(&mut events, None)?;
        floor.serve_all(&events, &mut scratch)?;
        // A burst is one batch, however it falls.
        let mut known = 0;
        for _ in 0..GATHERS_MAX {
            if std::mem::replace(&mut known, floor.drafts.len()) == floor.drafts.len() {
                break;
            }
            floor.poll.poll(&mut events, Some(Duration::ZERO))?;
            floor.serve_all(&events, &mut scratch)?;
        }
        floor.fan_out()?;
        floor.rooms.tell(&mut floor.peers);
    }
}

impl Floor {
    fn start() -> Result<Self, Box<dyn std::error::Error>> {
        let table = Table::create()?;
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
        socket.listen(BACKLOG)?;
        let mut listener = TcpListener::from_std(socket.into());
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self {
            poll,
            listener,
            peers: Vec::new(),
            free: Vec::new(),
            table,
            drafts: Vec::new(),
            rooms: Rooms::default(),
        })
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let index = self.free.pop().unwrap_or(self.peers.len());
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut stream, Token(index), interest)?;
            let (torn, unsent) = (Vec::new(), VecDeque::new());
            let peer = Peer { stream, is_upgraded: false, is_joined: false, torn, unsent, heard: Vec::new() };
            if index == self.peers.len() {
                self.peers.push(Some(peer));
            } else {
                self.peers[index] = Some(peer);
            }
        }
    }

    fn serve_all(&mut self, events: &Events, scratch: &mut [u8]) -> Result<(), Box<dyn std::error::Error>> {
        for event in events {
            match event.token() {
                LISTENER => self.accept()?,
                Token(index) => self.serve(index, event.is_readable(), scratch)?,
            }
        }
        Ok(())
    }

    fn serve(&mut self, index: usize, is_readable: bool, scratch: &mut [u8]) -> rusqlite::Result<()> {
        let Some(peer) = self.peers.get_mut(index).and_then(Option::as_mut) else { return Ok(()) };
        let mut requests = Vec::new();
        let mut is_alive = peer.flush().is_ok();
        if is_alive && is_readable {
            is_alive = peer.read(scratch, |text| requests.extend(request(index, text))).is_ok();
        }
        for request in requests {
            match request {
                Request::Join(after) => is_alive &= self.replay(index, after)?,
                Request::Store(draft) => self.drafts.push(draft),
                Request::Enter { ack, room } => self.rooms.enter(&mut self.peers, index, &ack, room),
                Request::Say { ack, room, text } => {
                    self.rooms.say(&mut self.peers, index, &ack, &room, &text)
                }
            }
        }
        if !is_alive {
            self.rooms.leave(index);
            self.peers[index] = None;
            self.free.push(index);
        }
        Ok(())
    }

    /// All rows after an offset, in one buffer. What has arrived in this turn is not stored yet and comes live.
    fn replay(&mut self, index: usize, after: i64) -> rusqlite::Result<bool> {
        let mut out = Vec::new();
        push_frame(&mut out, CONNECT);
        self.table.read_after(after, |id, text| push_frame(&mut out, &event(text, id)))?;
        let Some(peer) = self.peers[index].as_mut() else { return Ok(false) };
        peer.is_joined = true;
        Ok(peer.write(&out).is_ok())
    }

    /// One transaction, one buffer, one write for each client.
    fn fan_out(&mut self) -> rusqlite::Result<()> {
        if self.drafts.is_empty() {
            return Ok(());
        }
        let drafts = std::mem::take(&mut self.drafts);
        let mut joined = Vec::new();
        self.table.store(&drafts, |id, text| push_frame(&mut joined, &event(text, id)))?;
        let mut with_acks: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
        for draft in &drafts {
            let bytes = with_acks.entry(draft.sender).or_insert_with(|| joined.clone());
            push_frame(bytes, &format!("43{}[]", draft.ack));
        }
        for (index, slot) in self.peers.iter_mut().enumerate() {
            let Some(peer) = slot.as_mut().filter(|peer| peer.is_joined) else { continue };
            let result = peer.write(with_acks.get(&index).unwrap_or(&joined));
            // A broken connection is found by its next event.
            let _ = result;
        }
        Ok(())
    }
}

impl Peer {
    fn read(&mut self, scratch: &mut [u8], mut take: impl FnMut(&str)) -> io::Result<()> {
        loop {
            let torn = self.torn.len();
            scratch[..torn].copy_from_slice(&self.torn);
            let read = match self.stream.read(&mut scratch[torn..]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            let is_all = torn + read < scratch.len();
            let bytes = &mut scratch[..torn + read];
            let mut used = 0;
            if !self.is_upgraded {
                let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
                    self.torn = bytes.to_vec();
                    return Ok(());
                };
                used = end + 4;
                self.is_upgraded = true;
                let mut out = SWITCHING.to_vec();
                push_frame(&mut out, OPEN);
                self.write(&out)?;
            }
            while let Some((start, end)) = unmask(&mut bytes[used..]) {
                let text = std::str::from_utf8(&bytes[used + start..used + end]).map_err(io::Error::other)?;
                take(text);
                used += end;
            }
            self.torn = bytes[used..].to_vec();
            if is_all {
                return Ok(());
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = if self.unsent.is_empty() {
            match self.stream.write(bytes) {
                Ok(written) => written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                Err(error) => return Err(error),
            }
        } else {
            0
        };
        if written < bytes.len() {
            self.unsent.extend(&bytes[written..]);
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.stream.write(self.unsent.as_slices().0) {
                Ok(written) => drop(self.unsent.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.unsent = VecDeque::new();
        Ok(())
    }
}

/// A client's packet. The arguments are as the bench sends them, without escapes.
fn request(sender: usize, text: &str) -> Option<Request> {
    if let Some(auth) = text.strip_prefix("40") {
        let offset = auth.strip_prefix("{\"serverOffset\":").unwrap_or_default();
        let digits = offset.find(|c: char| !c.is_ascii_digit()).unwrap_or(offset.len());
        return Some(Request::Join(offset[..digits].parse().unwrap_or(0)));
    }
    let (ack, event) = text.strip_prefix("42")?.split_once("[\"")?;
    let mut strings = event.strip_suffix("\"]")?.split("\",\"");
    let mut next = || strings.next().map(str::to_owned);
    let (name, first) = (next()?, next()?);
    let ack = ack.to_owned();
    Some(match name.as_str() {
        "chat message" => Request::Store(Draft { sender, ack, text: first, key: next()? }),
        "join room" => Request::Enter { ack, room: first },
        "room message" => Request::Say { ack, room: first, text: next()? },
        _ => return None,
    })
}

fn event(text: &str, id: i64) -> String {
    format!("42[\"chat message\",\"{text}\",{id},\"1.1.{id}\"]")
}

pub(crate) fn push_frame(out: &mut Vec<u8>, text: &str) {
    out.push(0x81);
    match text.len() {
        short @ 0..=125 => out.push(short as u8),
        long => {
            out.push(126);
            out.extend((long as u16).to_be_bytes());
        }
    }
    out.extend_from_slice(text.as_bytes());
}

/// Unmasks the frame at the front in its place; returns where its payload begins and ends.
fn unmask(bytes: &mut [u8]) -> Option<(usize, usize)> {
    let (start, length) = match *bytes.get(1)? & 0x7f {
        126 => (8, usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]))),
        short => (6, usize::from(short)),
    };
    let end = start + length;
    if bytes.len() < end {
        return None;
    }
    let (head, payload) = bytes.split_at_mut(start);
    let mask: [u8; 4] = head[start - 4..].try_into().ok()?;
    for (byte, mask) in payload[..length].iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
    Some((start, end))
}
