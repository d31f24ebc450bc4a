//! [`Encryption`]: makes streams of plain bytes out of the sockets of a listener, for example by TLS.
//!
//! The server accepts the sockets, calls this on the worker that accepted, and reads and writes what comes of it like a
//! socket. It knows nothing of keys and certificates.

use std::io;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Ends the encryption of a listener's connections in this process: see
/// [`Server::listen_encrypted`](crate::Server::listen_encrypted).
pub trait Encryption: Send + Sync + 'static {
    /// Makes the handshake on a new connection.
    ///
    /// It runs on a worker and must not block. It is dropped after [`Config::head_timeout`](crate::Config::head_timeout);
    /// until it is done, the connection has no session. An error ends the connection: what a client should be told has to
    /// be sent before.
    fn accept(&self, socket: TcpStream) -> Accepting;
}

/// A handshake in progress.
pub type Accepting = Pin<Box<dyn Future<Output = io::Result<Box<dyn EncryptedStream>>> + Send>>;

/// A connection whose handshake is done.
///
/// A write takes what fits and encrypts it. `poll_write_vectored` should join the slices: the server writes small frames
/// together. Of what it has taken, it may hold a bounded part until `poll_flush`.
pub trait EncryptedStream: AsyncRead + AsyncWrite + Send + Unpin + 'static {
    /// Takes the connection out of the runtime that it is registered with, because another worker goes on with it.
    ///
    /// # Errors
    /// Errors of the operating system.
    fn leave(self: Box<Self>) -> io::Result<Leaving>;
}

/// A connection between two runtimes. The other worker calls it, within its own runtime.
pub type Leaving = Box<dyn FnOnce() -> io::Result<Box<dyn EncryptedStream>> + Send>;
