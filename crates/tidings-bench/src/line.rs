//! [`Line`]: the stream of a connection, plain or over TLS.
//!
//! Reads and writes of a line that speaks TLS make its handshake too. Readiness is that of its socket.

use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::sync::Arc;

use mio::net::TcpStream;
use rustls::{ClientConnection, Stream};

use super::host::Host;
use super::socket::connect;

pub(crate) struct Line {
    socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
}

impl Line {
    /// Begins to connect, from an address of this machine if one is given.
    pub(crate) fn connect(host: &Host, source: Option<IpAddr>) -> io::Result<Self> {
        let new = |tls: &super::host::Tls| {
            ClientConnection::new(Arc::clone(&tls.config), tls.name.clone()).map_err(io::Error::other)
        };
        let tls = host.tls().map(new).transpose()?.map(Box::new);
        Ok(Self { socket: TcpStream::from_std(connect(host.address(), source)?), tls })
    }

    pub(crate) fn socket(&mut self) -> &mut TcpStream {
        &mut self.socket
    }

    /// Whether a read that has not filled its buffer has emptied the socket. Otherwise only a read that would block shows it.
    pub(crate) fn short_reads_are_last(&self) -> bool {
        self.tls.is_none()
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.tls {
            Some(tls) => Stream::new(&mut **tls, &mut self.socket).read(buffer),
            None => self.socket.read(buffer),
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.tls {
            Some(tls) => Stream::new(&mut **tls, &mut self.socket).write(bytes),
            None => self.socket.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.tls {
            Some(tls) => Stream::new(&mut **tls, &mut self.socket).flush(),
            None => Ok(()),
        }
    }
}
