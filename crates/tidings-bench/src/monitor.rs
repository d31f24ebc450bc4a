//! [`Monitor`]: reads the metrics of a server once a second, as Prometheus does at most.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread::JoinHandle;
use std::time::Duration;

const INTERVAL: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads until it is dropped.
pub(crate) struct Monitor {
    end: Option<SyncSender<()>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Monitor {
    /// Begins; the first answer must be one with metrics.
    pub(crate) fn begin(address: SocketAddr) -> io::Result<Self> {
        read(address)?;
        let (end, ended) = mpsc::sync_channel(0);
        let thread = std::thread::spawn(move || {
            while ended.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                read(address)?;
            }
            Ok(())
        });
        Ok(Self { end: Some(end), thread: Some(thread) })
    }

    /// Ends; an error if the metrics could not be read each time.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        drop(self.end.take());
        let ended = self.thread.take().map(JoinHandle::join);
        ended
            .map_or(Ok(()), |result| result.unwrap_or_else(|_| Err(io::Error::other("the monitor panicked"))))
    }
}

fn read(address: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(
        format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 200 ") && answer.contains("\ntidings_deliveries_total") {
        Ok(())
    } else {
        Err(io::Error::other("the server has no metrics"))
    }
}
