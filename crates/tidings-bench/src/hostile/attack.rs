//! [`Attack`]: what the sockets of each kind of attack send.
//!
//! Those that flood the people, rooms and codes of Tidings speak `/v1`: each socket is a guest of its own, numbers its
//! commands, and does not wait for answers.

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::super::frame::push_text;
use super::super::options::Kind;

/// What is written at once.
const BLOCK_BYTES: usize = 32 << 10;
/// A message of almost as many bytes as a server takes, which never ends.
const UNFINISHED_BYTES: usize = 990_000;
/// A code of the right form that leads nowhere.
const BAD_CODE: &str = "AAAA-AAAA-AAAA-AAAA";
/// The most unread messages are counted in so many rooms at once.
const ROOMS_ASKED: u64 = 100;

/// Against whom, and how.
pub(super) struct Attack {
    pub(super) kind: Kind,
    pub(super) host: SocketAddr,
}

/// How fast the sockets read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    AtOnce,
    Slowly,
}

/// What one socket sends again and again.
pub(super) enum Script {
    Nothing,
    /// So many packets, always the same.
    Same {
        block: Vec<u8>,
        packets: u64,
    },
    /// Packets that are new each time.
    Numbered {
        kind: Kind,
        /// The name of its device, and the beginning of other names.
        device: String,
        next: u64,
    },
}

impl Attack {
    pub(super) fn reading(&self) -> Reading {
        if self.kind == Kind::SlowReads { Reading::Slowly } else { Reading::AtOnce }
    }

    /// What the socket with this number sends first, and then.
    pub(super) fn begin(&self, number: u64) -> (Vec<u8>, Script) {
        let mut opening = Vec::new();
        if self.kind != Kind::Silent {
            opening = request(self.host).into_bytes();
        }
        let of_root = r#"40{"serverOffset":0}"#;
        let script = match self.kind {
            Kind::Silent => Script::Nothing,
            Kind::Unfinished => {
                push_text(&mut opening, of_root);
                let mut message = text(&"4".repeat(UNFINISHED_BYTES));
                message.pop();
                opening.extend(message);
                Script::Nothing
            }
            Kind::Pings | Kind::Strays | Kind::Joins | Kind::SlowReads => {
                push_text(&mut opening, of_root);
                Script::same(&packets(self.kind))
            }
            Kind::Requests | Kind::Rooms | Kind::Names | Kind::Links | Kind::Invites => {
                // Unlike that of any other run: the process takes part in it.
                let device = format!("{:016x}{number:016x}", std::process::id());
                push_text(&mut opening, &format!("40/v1,{{\"device\":\"{device}\"}}"));
                Script::Numbered { kind: self.kind, device, next: 1 }
            }
        };
        (opening, script)
    }
}

impl Script {
    fn same(packets: &[Vec<u8>]) -> Self {
        let once = packets.concat();
        let times = BLOCK_BYTES.div_ceil(once.len().max(1));
        Self::Same { block: once.repeat(times), packets: (times * packets.len()) as u64 }
    }

    /// Appends what comes next; how many packets that are.
    pub(super) fn push_block(&mut self, out: &mut Vec<u8>) -> u64 {
        match self {
            Self::Nothing => 0,
            Self::Same { block, packets } => {
                out.extend_from_slice(block);
                *packets
            }
            Self::Numbered { kind, device, next } => {
                let (first, before) = (*next, out.len());
                while out.len() - before < BLOCK_BYTES {
                    push_text(out, &command(*kind, device, *next));
                    *next += 1;
                }
                *next - first
            }
        }
    }
}

/// Packets that say the same each time.
fn packets(kind: Kind) -> Vec<Vec<u8>> {
    match kind {
        Kind::Pings => vec![control(0x89)],
        Kind::Strays => {
            let texts = ["4377[]", r#"42["nobody hears this"]"#, "3", "6"].map(text);
            [control(0x8a)].into_iter().chain(texts).collect()
        }
        Kind::Joins => ["41", "40"].map(text).to_vec(),
        Kind::SlowReads => ["41", r#"40{"serverOffset":0}"#].map(text).to_vec(),
        // These send nothing more, or something new each time.
        Kind::Unfinished
        | Kind::Silent
        | Kind::Requests
        | Kind::Rooms
        | Kind::Names
        | Kind::Links
        | Kind::Invites => Vec::new(),
    }
}

/// An event of `/v1` with an answer; durable commands have the number `n`.
fn command(kind: Kind, device: &str, n: u64) -> String {
    let (event, fields) = match kind {
        Kind::Rooms if n > 1 => {
            ("create", format!(r#"{{"n":{n},"kind":"public","name":"{}"}}"#, name(device, n)))
        }
        Kind::Rooms | Kind::Names => ("name", format!(r#"{{"n":{n},"name":"{}"}}"#, name(device, n))),
        Kind::Links => ("link", "{}".to_owned()),
        Kind::Invites if n.is_multiple_of(2) => ("code", format!(r#"{{"code":"{BAD_CODE}"}}"#)),
        Kind::Invites => ("join", format!(r#"{{"n":{n},"invite":"{BAD_CODE}"}}"#)),
        _ => match n % 3 {
            0 => ("unread", format!(r#"{{"rooms":[{}]}}"#, rooms_of(n))),
            1 => ("history", format!(r#"{{"room":1,"around":{},"limit":100}}"#, n * 7 % 1_000 + 1)),
            _ => ("changes", format!(r#"{{"room":1,"after":{},"limit":100}}"#, n * 7 % 1_000)),
        },
    };
    format!(r#"42/v1,{n}["{event}",{fields}]"#)
}

/// A name that nobody else has, of at most 32 characters.
fn name(device: &str, n: u64) -> String {
    let tail = device.trim_start_matches('0').get(..).unwrap_or_default();
    let mut name = String::from("x");
    // Zeros in the middle say nothing.
    let _ = write!(name, "{}{n}", tail.replace("00000", ""));
    name
}

fn rooms_of(n: u64) -> String {
    let rooms = (0..ROOMS_ASKED).map(|room| (1 + (n + room) % 1_000).to_string());
    rooms.collect::<Vec<_>>().join(",")
}

fn request(host: SocketAddr) -> String {
    format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

fn text(packet: &str) -> Vec<u8> {
    let mut frame = Vec::new();
    push_text(&mut frame, packet);
    frame
}

/// A control frame without content.
fn control(first: u8) -> Vec<u8> {
    vec![first, 0x80, 1, 2, 3, 4]
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_kind_but_the_silent_ones_goes_on_sending() {
        let host = SocketAddr::from(([127, 0, 0, 1], 3_000));
        for kind in Kind::value_variants() {
            let (opening, mut script) = Attack { kind: *kind, host }.begin(7);
            let mut block = Vec::new();
            let packets = script.push_block(&mut block);
            let is_quiet = matches!(kind, Kind::Silent | Kind::Unfinished);
            assert_eq!((block.is_empty(), packets == 0), (is_quiet, is_quiet), "{kind:?}");
            assert_eq!(opening.is_empty(), *kind == Kind::Silent, "{kind:?}");
        }
    }

    #[test]
    fn commands_are_numbered_and_names_differ() {
        assert_eq!(command(Kind::Rooms, "00ab0001", 1), r#"42/v1,1["name",{"n":1,"name":"xab00011"}]"#);
        let create = r#"42/v1,2["create",{"n":2,"kind":"public","name":"xab00012"}]"#;
        assert_eq!(command(Kind::Rooms, "00ab0001", 2), create);
        assert_eq!(command(Kind::Links, "", 3), r#"42/v1,3["link",{}]"#);
        assert_eq!(command(Kind::Requests, "", 2), r#"42/v1,2["changes",{"room":1,"after":14,"limit":100}]"#);
    }
}
