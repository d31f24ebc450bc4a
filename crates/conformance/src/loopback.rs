//! [`Loopback`]: the listeners of a fixture, and the line that tells the runner of them.
//!
//! The suites connect to `localhost`, which is 127.0.0.1 to some of their clients and `::1` to others: both listen, on
//! one port. A machine without IPv6 has the first only.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use socketio_server::Server;

use crate::error::Error;

/// Listeners on one port of both loopback addresses.
#[derive(Debug)]
pub(crate) struct Loopback {
    pub(crate) listeners: Vec<TcpListener>,
    port: u16,
}

impl Loopback {
    pub(crate) fn bind(port: u16) -> io::Result<Self> {
        let v4 = socketio_server::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        let port = v4.local_addr()?.port();
        let mut listeners = vec![v4];
        match socketio_server::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, port))) {
            Ok(v6) => listeners.push(v6),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
            Err(_) => {}
        }
        Ok(Self { listeners, port })
    }

    /// Lets the server listen here, for ever.
    pub(crate) async fn serve(mut self, server: Server) -> Result<Infallible, Error> {
        for listener in self.listeners.drain(..) {
            server.listen(listener)?;
        }
        self.announce();
        Ok(std::future::pending().await)
    }

    /// Tells whoever has started the fixture that clients may come.
    #[expect(clippy::print_stdout, reason = "the line is what the runner waits for")]
    pub(crate) fn announce(&self) {
        println!("listening on {}", self.port);
    }
}
