//! [`Encryption`]: makes streams of plain bytes out of the sockets of a listener, for example by TLS.
//!
//! The server accepts the sockets, calls this on the worker that accepted, and reads and writes what comes of it like a
//! socket. It knows nothing of keys and certificates.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::occupancy::Portion;

/// Ends the encryption of a listener's connections in this process: see
/// [`Server::listen_encrypted`](crate::Server::listen_encrypted).
pub trait Encryption: Send + Sync + 'static {
    /// Makes the handshake on a new connection.
    ///
    /// It runs on a worker and must not block. It is dropped after [`Config::head_timeout`](crate::Config::head_timeout);
    /// until it is done, the connection has no session. An error ends the connection: what a client should be told has to
    /// be sent before. What the handshake and the stream hold is to be told to `held`.
    fn accept(&self, socket: TcpStream, held: HeldBytes) -> Accepting;
}

/// What a connection holds of input that nobody can read yet, such as half a record. It is given back when this is dropped.
///
/// The server bounds the sum over all connections ([`Config::input_bytes_max`](crate::Config::input_bytes_max)). If there is
/// too much, it closes those that hold most, also in the middle of their handshakes.
#[derive(Debug)]
pub struct HeldBytes {
    portion: Portion,
    holder: Holder,
}

impl HeldBytes {
    pub(crate) fn new(portion: Portion) -> Self {
        Self { portion, holder: Holder::default() }
    }

    /// The connection holds so many bytes now. Saying the same again costs next to nothing.
    pub fn set(&mut self, bytes: usize) {
        if let Some(portion) = self.holder.next().take() {
            self.portion = portion;
        }
        self.holder.0.bytes.store(bytes, Ordering::Relaxed);
        self.portion.hold(bytes);
    }

    pub(crate) fn holder(&self) -> Holder {
        self.holder.clone()
    }
}

/// Whose the bytes of a stream are: first those of its connection, and then those of the session that it becomes part of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holder(Arc<Held>);

#[derive(Debug, Default)]
struct Held {
    bytes: AtomicUsize,
    next: Mutex<Option<Portion>>,
}

impl Holder {
    /// From now on, what the stream holds is counted here. Nobody reads the stream meanwhile.
    pub(crate) fn move_to(&self, mut portion: Portion) {
        portion.hold(self.0.bytes.load(Ordering::Relaxed));
        *self.next() = Some(portion);
    }

    fn next(&self) -> MutexGuard<'_, Option<Portion>> {
        self.0.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
