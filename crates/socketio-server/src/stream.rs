//! [`Stream`]: the socket under a WebSocket, plain TCP or anything else that reads and writes.
//!
//! A worker writes directly, not from the connection's task; the task only waits for readiness. TLS and other wrapped
//! streams use the same code, boxed.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::TcpStream as StdTcpStream;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use smallvec::SmallVec;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::encryption::{EncryptedStream, Holder, Leaving};
use crate::occupancy::{Descriptor, Stay};

/// How long to wait for the peer's end of a closed connection.
const LINGER_TIME: Duration = Duration::from_secs(1);

/// How many slices of a write need no memory of their own.
const SLICES_INLINE: usize = 16;

/// A transport of a connection.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection on its way to its worker.
pub(crate) enum NewStream {
    /// It is registered with the runtime of its worker already.
    Local(TcpStream),
    /// It is registered with no runtime.
    Detached(StdTcpStream),
    /// The same for an encrypted one.
    Leaving(Leaving),
    Boxed(Box<dyn Duplex>),
}

impl fmt::Debug for NewStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local(_) => "Local",
            Self::Detached(_) => "Detached",
            Self::Leaving(_) => "Leaving",
            Self::Boxed(_) => "Boxed",
        })
    }
}

/// A connection that our own accept loop serves, registered with the runtime of this worker.
pub(crate) enum Accepted {
    Plain(TcpStream),
    Encrypted(Box<dyn EncryptedStream>, Holder),
}

impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Encrypted(..) => "Encrypted",
        })
    }
}

impl Accepted {
    pub(crate) fn is_encrypted(&self) -> bool {
        matches!(self, Self::Encrypted(..))
    }

    /// Whose the bytes are that it holds.
    pub(crate) fn holder(&self) -> Option<Holder> {
        match self {
            Self::Plain(_) => None,
            Self::Encrypted(_, holder) => Some(holder.clone()),
        }
    }

    /// For the worker of this thread.
    pub(crate) fn stay(self) -> NewStream {
        match self {
            Self::Plain(stream) => NewStream::Local(stream),
            Self::Encrypted(stream, _) => NewStream::Boxed(Box::new(stream)),
        }
    }

    /// For a worker of another thread.
    pub(crate) fn leave(self) -> io::Result<NewStream> {
        Ok(match self {
            Self::Plain(stream) => NewStream::Detached(stream.into_std()?),
            Self::Encrypted(stream, _) => NewStream::Leaving(stream.leave()?),
        })
    }

    fn duplex(&mut self) -> Pin<&mut dyn Duplex> {
        match self {
            Self::Plain(stream) => Pin::new(stream),
            Self::Encrypted(stream, _) => Pin::new(stream),
        }
    }
}

impl AsyncRead for Accepted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.duplex().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Accepted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.duplex().poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.duplex().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.duplex().poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.duplex().poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

/// A connection that has left HTTP.
#[derive(Debug)]
pub(crate) struct TakenOver {
    pub(crate) stream: NewStream,
    /// The answer to the request, if hyper has not written it.
    pub(crate) unsent: Bytes,
    /// Bytes that arrived after the request.
    pub(crate) early: Bytes,
    /// Its place among the connections, if our own accept loop has it.
    pub(crate) descriptor: Option<Descriptor>,
    /// Its stay, if that began when it was accepted.
    pub(crate) stay: Option<Stay>,
    /// Whose the bytes are that the stream holds, if they have to be counted for its session from now on.
    pub(crate) holder: Option<Holder>,
}

impl TakenOver {
    /// A connection with nothing but bytes that arrived early.
    pub(crate) fn new(stream: NewStream, early: Bytes) -> Self {
        Self { stream, unsent: Bytes::new(), early, descriptor: None, stay: None, holder: None }
    }
}

pub(crate) enum Stream {
    Tcp(TcpStream),
    Boxed(Box<dyn Duplex>),
}

/// The TCP socket itself, for writes that bypass the runtime.
pub(crate) struct Direct<'a>(SockRef<'a>);

/// A peer that is gone is an error of the write and not a signal, as in the standard library.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
const SEND_FLAGS: i32 = libc::MSG_NOSIGNAL;

/// Elsewhere there is no such signal, or the socket is configured.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
const SEND_FLAGS: i32 = 0;

impl Direct<'_> {
    /// Writes what fits now. The runtime does not notice: repeat a write that would block with [`Stream::try_write`].
    pub(crate) fn send(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match slices {
            [only] => self.0.send_with_flags(only, SEND_FLAGS),
            several => self.0.send_vectored_with_flags(several, SEND_FLAGS),
        }
    }
}

impl Stream {
    /// Takes a connection. Must run within the worker's runtime.
    pub(crate) fn adopt(new: NewStream) -> io::Result<Self> {
        Ok(match new {
            NewStream::Local(stream) => Self::Tcp(stream),
            NewStream::Detached(stream) => Self::Tcp(TcpStream::from_std(stream)?),
            NewStream::Leaving(arrive) => Self::Boxed(Box::new(arrive()?)),
            NewStream::Boxed(stream) => Self::Boxed(stream),
        })
    }

    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Boxed(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }

    /// Resolves when a write may continue.
    pub(crate) fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_write_ready(cx),
            // The failed write has registered the task, so if it runs, it is time to try again.
            Self::Boxed(_) => Poll::Ready(Ok(())),
        }
    }

    /// Whether a task must call [`poll_writable`](Self::poll_writable) to be woken. A wrapped stream wakes the task by
    /// itself; if it were asked, it would say yes at once, and the task would spin while the peer reads nothing.
    pub(crate) fn is_asked_for_room(&self) -> bool {
        matches!(self, Self::Tcp(_))
    }

    /// Flushes what a wrapped stream has accepted and not yet given to its own transport.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self {
            Self::Tcp(_) => Ok(()),
            Self::Boxed(stream) => match Pin::new(stream).poll_flush(cx) {
                Poll::Ready(flushed) => flushed,
                Poll::Pending => Ok(()),
            },
        }
    }

    /// Closes the connection in order: it writes nothing more and discards what the peer still sends, because unread
    /// bytes would turn the close into a reset, and the last frame would be lost. The peer sees the end at once. We
    /// wait for its own end, but not for long.
    pub(crate) async fn end(&mut self) {
        let end = std::future::poll_fn(|cx| {
            ready!(self.poll_shutdown(cx))?;
            let mut buffer = [0; 4096];
            loop {
                let mut read = ReadBuf::new(&mut buffer);
                ready!(self.poll_read(cx, &mut read))?;
                if read.filled().is_empty() {
                    return Poll::Ready(io::Result::Ok(()));
                }
            }
        });
        // The connection is dropped in any case.
        drop(tokio::time::timeout(LINGER_TIME, end).await);
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Boxed(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    /// The socket itself, if it is not wrapped.
    pub(crate) fn direct(&self) -> Option<Direct<'_>> {
        match self {
            Self::Tcp(stream) => Some(Direct(SockRef::from(stream))),
            Self::Boxed(_) => None,
        }
    }

    /// Writes what fits now. `waker` is the connection's task, for streams that can wait only by trying.
    pub(crate) fn try_write(&mut self, slices: &[IoSlice<'_>], waker: Option<&Waker>) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => match slices {
                [only] => stream.try_write(only),
                several => stream.try_write_vectored(several),
            },
            Self::Boxed(stream) => {
                let mut cx = Context::from_waker(waker.unwrap_or(Waker::noop()));
                let mut total = 0;
                let mut slices: SmallVec<[IoSlice<'_>; SLICES_INLINE]> = slices.into();
                let mut rest = &mut *slices;
                IoSlice::advance_slices(&mut rest, 0);
                // Until it is full: only a write that pends registers the task. All together, so that TLS makes one record
                // of many small frames.
                while !rest.is_empty() {
                    match Pin::new(&mut *stream).poll_write_vectored(&mut cx, rest) {
                        Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                        Poll::Ready(Ok(written)) => {
                            total += written;
                            IoSlice::advance_slices(&mut rest, written);
                        }
                        Poll::Ready(Err(error)) => return Err(error),
                        Poll::Pending => return Ok(total),
                    }
                }
                if let Poll::Ready(Err(error)) = Pin::new(stream).poll_flush(&mut cx) {
                    return Err(error);
                }
                Ok(total)
            }
        }
    }
}
