//! `tidings-bench hostile`: sockets that send, as fast as the server takes it, what no honest client sends.
//!
//! Only against a server on this machine. It says what was sent; what that costs the others is measured by another
//! workload against the same server. A connection that the server closes is made again.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::frame::push_text;
use super::options::{Hostile, Kind};
use super::report::{Report, Span};
use super::socket::{read_some, write_some};
use super::target::Target;
use super::{Failure, progress};

/// What is written at once.
const BLOCK_BYTES: usize = 32 << 10;
/// A message of almost as many bytes as a server takes, which never ends.
const UNFINISHED_BYTES: usize = 990_000;
/// How much a slow reader reads at once, and how often.
const SLOW_BYTES: usize = 256;
const SLOW_INTERVAL: Duration = Duration::from_millis(50);
/// How long to wait when no socket takes or brings anything.
const REST: Duration = Duration::from_millis(1);

/// What every socket does.
struct Attack {
    /// Sent first.
    opening: Vec<u8>,
    /// Sent again and again; empty if the socket is silent from then on.
    block: Vec<u8>,
    packets_in_block: u64,
    reading: Reading,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    AtOnce,
    Slowly,
}

#[derive(Default)]
struct Sent {
    bytes: u64,
    packets: u64,
    received_bytes: u64,
    connections: u64,
    closed_by_server: u64,
}

struct Attacker {
    stream: TcpStream,
    unsent: Vec<u8>,
    read_at: Instant,
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) fn measure(options: &Hostile, target: &Target, report: &mut Report) -> Result<(), Failure> {
    if !target.address.ip().is_loopback() {
        return Err(Failure::Remote);
    }
    let attack = Attack::of(options.kind, target.address);
    let mut buffer = vec![0; 64 << 10];
    let (mut attackers, mut sent) = (Vec::new(), Sent::default());
    let (start, time) = (Instant::now(), Duration::from_secs(options.seconds));
    let span = Span::begin(target.tree)?;
    while start.elapsed() < time {
        progress::tell("attacking", start.elapsed().as_secs(), time.as_secs());
        while attackers.len() < options.sockets {
            let Ok(attacker) = Attacker::connect(target.address, &attack) else { break };
            attackers.push(attacker);
            sent.connections += 1;
        }
        let before = (sent.bytes, sent.received_bytes);
        attackers.retain_mut(|attacker| {
            let is_open = attacker.turn(&attack, &mut buffer, &mut sent).is_ok();
            sent.closed_by_server += u64::from(!is_open);
            is_open
        });
        if before == (sent.bytes, sent.received_bytes) {
            std::thread::park_timeout(REST);
        }
    }
    let cost = span.end()?;
    report.set("seconds", cost.wall.as_secs_f64());
    if let Some(cpu) = cost.server_cpu {
        report.set("server_cpu_share", cpu.as_secs_f64() / cost.wall.as_secs_f64());
    }
    for (name, count) in [
        ("bytes_sent", sent.bytes),
        ("packets_sent", sent.packets),
        ("bytes_received", sent.received_bytes),
        ("connections", sent.connections),
        ("closed_by_server", sent.closed_by_server),
    ] {
        report.set(name, count as f64);
    }
    report.leave_open();
    Ok(())
}

impl Attack {
    fn of(kind: Kind, host: SocketAddr) -> Self {
        let reading = if kind == Kind::SlowReads { Reading::Slowly } else { Reading::AtOnce };
        let mut opening = Vec::new();
        if kind != Kind::Silent {
            opening = request(host).into_bytes();
            push_text(&mut opening, r#"40{"serverOffset":0}"#);
        }
        let mut packets = Vec::new();
        match kind {
            Kind::Pings => packets.push(control(0x89)),
            Kind::Strays => {
                packets.push(control(0x8a));
                packets.extend(["4377[]", r#"42["nobody hears this"]"#, "3", "6"].map(text));
            }
            Kind::Joins => packets.extend(["41", "40"].map(text)),
            Kind::SlowReads => packets.extend(["41", r#"40{"serverOffset":0}"#].map(text)),
            Kind::Unfinished => {
                let mut message = text(&"4".repeat(UNFINISHED_BYTES));
                message.pop();
                opening.extend(message);
            }
            Kind::Silent => {}
        }
        let once = packets.concat();
        let times = if once.is_empty() { 0 } else { BLOCK_BYTES.div_ceil(once.len()) };
        let packets_in_block = (times * packets.len()) as u64;
        Self { opening, block: once.repeat(times), packets_in_block, reading }
    }
}

impl Attacker {
    fn connect(host: SocketAddr, attack: &Attack) -> io::Result<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        // No connection lingers and uses up the ports.
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
        Ok(Self { stream, unsent: attack.opening.clone(), read_at: Instant::now() })
    }

    /// Writes and reads what is possible now. An error is the end of the connection.
    fn turn(&mut self, attack: &Attack, buffer: &mut [u8], sent: &mut Sent) -> io::Result<()> {
        if self.unsent.is_empty() && !attack.block.is_empty() {
            self.unsent.extend_from_slice(&attack.block);
            sent.packets += attack.packets_in_block;
        }
        let before = self.unsent.len();
        let written = write_some(&mut self.stream, &mut self.unsent);
        sent.bytes += (before - self.unsent.len()) as u64;
        written?;
        let now = Instant::now();
        let buffer = match attack.reading {
            Reading::AtOnce => buffer,
            Reading::Slowly if self.read_at > now => return Ok(()),
            Reading::Slowly => buffer.get_mut(..SLOW_BYTES).unwrap_or_default(),
        };
        self.read_at = now + SLOW_INTERVAL;
        if let Some(read) = read_some(&mut self.stream, buffer)? {
            sent.received_bytes += read as u64;
        }
        Ok(())
    }
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
    fn every_kind_but_the_silent_ones_repeats_whole_packets() {
        let host = SocketAddr::from(([127, 0, 0, 1], 3_000));
        for kind in Kind::value_variants() {
            let attack = Attack::of(*kind, host);
            let is_quiet = matches!(kind, Kind::Silent | Kind::Unfinished);
            assert_eq!(attack.block.is_empty(), is_quiet, "{kind:?}");
            assert_eq!(attack.packets_in_block == 0, is_quiet, "{kind:?}");
            assert_eq!(attack.opening.is_empty(), *kind == Kind::Silent, "{kind:?}");
        }
    }
}
