//! [`Stream`]: the socket under a WebSocket, plain TCP or anything else that reads and writes.
//!
//! A worker writes directly when it has something, not from the connection's task; the task only waits for
//! readiness. TLS and other wrapped streams go through the same code, boxed.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::TcpStream as StdTcpStream;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How long the peer's end of a connection is waited for.
const LINGER_TIME: Duration = Duration::from_secs(1);

/// Anything that a connection can run over.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection on its way to its worker.
pub(crate) enum NewStream {
    /// Already registered with the runtime of the worker that it goes to.
    Local(TcpStream),
    /// Registered nowhere.
    Detached(StdTcpStream),
    Boxed(Box<dyn Duplex>),
}

impl fmt::Debug for NewStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local(_) => "Local",
            Self::Detached(_) => "Detached",
            Self::Boxed(_) => "Boxed",
        })
    }
}

/// A connection that is no longer HTTP's.
#[derive(Debug)]
pub(crate) struct TakenOver {
    pub(crate) stream: NewStream,
    /// The answer to the request, if HTTP has not written it.
    pub(crate) unsent: Bytes,
    /// Came in behind the request.
    pub(crate) early: Bytes,
}

pub(crate) enum Stream {
    Tcp(TcpStream),
    Boxed(Box<dyn Duplex>),
}

/// A TCP socket with nothing between it and us, for writes that pass by the runtime.
pub(crate) struct Direct<'a>(SockRef<'a>);

/// The end of a peer is an error of the write and no signal, as in the standard library.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
const SEND_FLAGS: i32 = libc::MSG_NOSIGNAL;

/// Elsewhere there is no such signal, or the socket has been told.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
const SEND_FLAGS: i32 = 0;

impl Direct<'_> {
    /// Writes what fits now. The runtime learns nothing of it: a write that would block is to be done again through
    /// [`Stream::try_write`].
    pub(crate) fn send(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match slices {
            [only] => self.0.send_with_flags(only, SEND_FLAGS),
            several => self.0.send_vectored_with_flags(several, SEND_FLAGS),
        }
    }
}

impl Stream {
    /// Takes a connection over; must run within the worker's runtime.
    pub(crate) fn adopt(new: NewStream) -> io::Result<Self> {
        Ok(match new {
            NewStream::Local(stream) => Self::Tcp(stream),
            NewStream::Detached(stream) => Self::Tcp(TcpStream::from_std(stream)?),
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

    /// Resolves when a write may go on.
    pub(crate) fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_write_ready(cx),
            // The write that did not fit has registered the task: that it runs is the sign to try again.
            Self::Boxed(_) => Poll::Ready(Ok(())),
        }
    }

    /// Whether a task has to ask by [`poll_writable`](Self::poll_writable) to be woken. A wrapped stream wakes it by
    /// itself; asked at once it would say yes, and the task would spin for as long as the peer takes nothing.
    pub(crate) fn is_asked_for_room(&self) -> bool {
        matches!(self, Self::Tcp(_))
    }

    /// Goes on with what a wrapped stream has taken and not given to its own transport yet.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self {
            Self::Tcp(_) => Ok(()),
            Self::Boxed(stream) => match Pin::new(stream).poll_flush(cx) {
                Poll::Ready(flushed) => flushed,
                Poll::Pending => Ok(()),
            },
        }
    }

    /// Ends the connection in order: nothing more is written, and what the peer still sends is read away, because
    /// unread bytes would turn the close into a reset and the last frame be lost. The peer sees the end at once; we
    /// wait for its own, but not for long.
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
        // Whether it came or not, the connection is dropped.
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

    /// Writes what fits now; `waker` is the connection's task, for streams that can only wait by being tried.
    pub(crate) fn try_write(&mut self, slices: &[IoSlice<'_>], waker: Option<&Waker>) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => match slices {
                [only] => stream.try_write(only),
                several => stream.try_write_vectored(several),
            },
            Self::Boxed(stream) => {
                let mut cx = Context::from_waker(waker.unwrap_or(Waker::noop()));
                let mut total = 0;
                // Until it is full: only a write that pends registers the task.
                for mut rest in slices.iter().map(|slice| &**slice) {
                    while !rest.is_empty() {
                        match Pin::new(&mut *stream).poll_write(&mut cx, rest) {
                            Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                            Poll::Ready(Ok(written)) => {
                                total += written;
                                rest = rest.get(written..).unwrap_or_default();
                            }
                            Poll::Ready(Err(error)) => return Err(error),
                            Poll::Pending => return Ok(total),
                        }
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
