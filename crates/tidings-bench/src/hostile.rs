//! `tidings-bench hostile`: sockets that send, as fast as the server takes it, what no honest client sends.
//!
//! Only against a server on this machine. It says what was sent; what that costs the others is measured by another
//! workload against the same server. A connection that the server closes is made again.

mod attack;

use std::io;
use std::net::{IpAddr, TcpStream};
use std::time::{Duration, Instant};

use self::attack::{Attack, Reading, Script};
use super::options::Hostile;
use super::report::{Report, Span};
use super::socket::{connect, read_some, write_some};
use super::target::Target;
use super::{Failure, progress};

/// How much a slow reader reads at once, and how often.
const SLOW_BYTES: usize = 256;
const SLOW_INTERVAL: Duration = Duration::from_millis(50);
/// How long to wait when no socket takes or brings anything.
const REST: Duration = Duration::from_millis(1);

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
    script: Script,
    read_at: Instant,
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) fn measure(options: &Hostile, target: &Target, report: &mut Report) -> Result<(), Failure> {
    if !target.host.address().ip().is_loopback() {
        return Err(Failure::Remote);
    }
    let attack = Attack { kind: options.kind, host: target.host.plain_address()? };
    let mut buffer = vec![0; 64 << 10];
    let (mut attackers, mut sent) = (Vec::new(), Sent::default());
    let (start, time) = (Instant::now(), Duration::from_secs(options.seconds));
    let span = Span::begin(target.tree)?;
    while start.elapsed() < time {
        progress::tell("attacking", start.elapsed().as_secs(), time.as_secs());
        while attackers.len() < options.sockets {
            let Ok(attacker) = Attacker::connect(&attack, options.source, sent.connections) else { break };
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

impl Attacker {
    /// The connection with this number.
    fn connect(attack: &Attack, source: Option<IpAddr>, number: u64) -> io::Result<Self> {
        let stream = connect(attack.host, source)?;
        let (opening, script) = attack.begin(number);
        Ok(Self { stream, unsent: opening, script, read_at: Instant::now() })
    }

    /// Writes and reads what is possible now. An error is the end of the connection.
    fn turn(&mut self, attack: &Attack, buffer: &mut [u8], sent: &mut Sent) -> io::Result<()> {
        if self.unsent.is_empty() {
            sent.packets += self.script.push_block(&mut self.unsent);
        }
        let before = self.unsent.len();
        let written = write_some(&mut self.stream, &mut self.unsent);
        sent.bytes += (before - self.unsent.len()) as u64;
        written?;
        let now = Instant::now();
        let buffer = match attack.reading() {
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
