//! Reading and writing of non-blocking sockets, as every kind of client does it.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use rustix::io::Errno;
use socket2::{Domain, Socket, Type};

/// The connection is under way.
const IN_PROGRESS: i32 = Errno::INPROGRESS.raw_os_error();

/// Begins to connect, from an address of this machine if one is given.
pub(crate) fn connect(host: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(host), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    if let Some(source) = source {
        socket.bind(&SocketAddr::from((source, 0)).into())?;
    }
    socket.set_tcp_nodelay(true)?;
    // Closing is a cut: no connection lingers and uses up the ports.
    socket.set_linger(Some(Duration::ZERO))?;
    match socket.connect(&host.into()) {
        Err(error) if error.raw_os_error() != Some(IN_PROGRESS) => Err(error),
        Ok(()) | Err(_) => Ok(socket.into()),
    }
}

/// Reads once, repeating an interrupted call. `None` if nothing has arrived; the end of the stream is an error.
pub(crate) fn read_some(stream: &mut impl Read, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    loop {
        match stream.read(buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => return Ok(Some(read)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Writes as much of `unsent` as the socket takes, and removes it from there.
pub(crate) fn write_some(stream: &mut impl Write, unsent: &mut Vec<u8>) -> io::Result<()> {
    while !unsent.is_empty() {
        match stream.write(unsent) {
            Ok(written) => drop(unsent.drain(..written)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
