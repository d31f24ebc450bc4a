//! One who asks for the newest messages of the lobby in `/v1`, again and again, and measures how long it takes.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::super::Failure;
use super::super::frame::{self, Front, push_text};
use super::super::histogram::Histogram;
use super::super::socket::connect;

/// The time between two questions.
const INTERVAL: Duration = Duration::from_millis(250);
/// Nobody waits longer for an answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// What one has found.
pub(super) struct Asked {
    pub(super) latency: Histogram,
}

/// Asks until it is over.
pub(super) fn ask(host: SocketAddr, source: Option<IpAddr>, is_over: &AtomicBool) -> Result<Asked, Failure> {
    let mut reader = Reader::open(host, source).map_err(Failure::Connection)?;
    let mut asked = Asked { latency: Histogram::default() };
    let mut number = 0_u64;
    while !is_over.load(Ordering::Relaxed) {
        number += 1;
        let begin = Instant::now();
        reader.send(&format!(r#"42/v1,{number}["history",{{"room":1,"limit":50}}]"#))?;
        let answer = format!("43/v1,{number}[");
        let text = reader.until(begin + PATIENCE, |text| text.starts_with(&answer))?;
        let text = text.ok_or(Failure::Late { what: "the history" })?;
        asked.latency.record(begin.elapsed());
        if !text.contains(r#""ok":true"#) {
            return Err(Failure::Server(format!("a request for the history was refused: {text}")));
        }
        // Pings are answered meanwhile.
        reader.until(begin + INTERVAL, |_| false)?;
    }
    Ok(asked)
}

struct Reader {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Reader {
    fn open(host: SocketAddr, source: Option<IpAddr>) -> io::Result<Self> {
        let stream = connect(host, source)?;
        stream.set_nonblocking(false)?;
        let mut reader = Self { stream, bytes: Vec::new() };
        let request = format!(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Key: dGlkaW5ncyBiZW5jaGVzIQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        reader.stream.write_all(request.as_bytes())?;
        let deadline = Instant::now() + PATIENCE;
        let end = loop {
            if let Some(end) = reader.bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if !reader.read(deadline)? {
                return Err(io::ErrorKind::TimedOut.into());
            }
        };
        if !reader.bytes.starts_with(b"HTTP/1.1 101 ") {
            return Err(io::Error::other("the server does not upgrade the connection"));
        }
        drop(reader.bytes.drain(..end));
        reader.send("40/v1,{}")?;
        match reader.until(deadline, |text| text.starts_with(r#"42/v1,["welcome""#))? {
            Some(_) => Ok(reader),
            None => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    fn send(&mut self, packet: &str) -> io::Result<()> {
        let mut frame = Vec::new();
        push_text(&mut frame, packet);
        self.stream.write_all(&frame)
    }

    /// The first packet that is wanted; `None` if there is none before the deadline. Pings are answered.
    fn until(&mut self, deadline: Instant, is_wanted: impl Fn(&str) -> bool) -> io::Result<Option<String>> {
        loop {
            let (used, text) = match frame::front(&self.bytes) {
                Front::Text { payload, bytes } => (bytes, Some(payload.to_owned())),
                Front::Other { bytes } => (bytes, None),
                Front::Partial => (0, None),
                Front::Close => return Err(io::ErrorKind::ConnectionAborted.into()),
                Front::Broken => return Err(io::Error::other("the server breaks the protocol")),
            };
            drop(self.bytes.drain(..used));
            match text {
                None if used == 0 && !self.read(deadline)? => return Ok(None),
                Some(text) if text == "2" => self.send("3")?,
                Some(text) if text.starts_with("44") => {
                    return Err(io::Error::other("the server refuses the client"));
                }
                Some(text) if is_wanted(&text) => return Ok(Some(text)),
                Some(_) | None => {}
            }
        }
    }

    /// Reads what there is; `false` if nothing comes before the deadline.
    fn read(&mut self, deadline: Instant) -> io::Result<bool> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        self.stream.set_read_timeout(Some(left))?;
        let mut buffer = [0; 16 << 10];
        match self.stream.read(&mut buffer) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                self.bytes.extend_from_slice(buffer.get(..read).unwrap_or_default());
                Ok(true)
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                Ok(false)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
            Err(error) => Err(error),
        }
    }
}
