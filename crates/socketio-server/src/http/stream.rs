//! [`HttpStream`]: a plain connection while HTTP has it. The answer that makes it a WebSocket can be held back.
//!
//! A WebSocket begins with two things to say: the 101, which HTTP writes, and the open packet, which the worker writes. Two
//! system calls for what fits into one segment are a ninth of what a connection costs. So the head of the 101 waits here for
//! the worker, which takes both the socket and what was held. If anything else is done with the connection first, the head
//! goes out before it.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::handshake::Handshake;

/// How a request tells the task of its connection that it becomes a WebSocket.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handover(Arc<Agreed>);

#[derive(Debug, Default)]
struct Agreed {
    /// What is written next is held back.
    holds: AtomicBool,
    promised: Mutex<Option<Promised>>,
}

/// A connection that will be a WebSocket as soon as HTTP lets go of it.
#[derive(Debug)]
pub(crate) struct Promised {
    pub(crate) upgraded: OnUpgrade,
    pub(crate) handshake: Box<Handshake>,
}

impl Handover {
    /// Nothing can come between the answer and the WebSocket any more.
    pub(crate) fn promise(&self, promised: Promised) {
        *self.0.promised.lock().unwrap_or_else(PoisonError::into_inner) = Some(promised);
        self.0.holds.store(true, Ordering::Relaxed);
    }

    /// For the task, when HTTP has let go.
    pub(crate) fn take(&self) -> Option<Promised> {
        self.0.promised.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn holds_this_write(&self) -> bool {
        self.0.holds.swap(false, Ordering::Relaxed)
    }
}

#[derive(Debug)]
pub(crate) struct HttpStream {
    stream: TokioIo<TcpStream>,
    handover: Handover,
    held: Bytes,
}

impl HttpStream {
    pub(crate) fn new(stream: TcpStream, handover: Handover) -> Self {
        Self { stream: TokioIo::new(stream), handover, held: Bytes::new() }
    }

    /// The socket, and what has to be written to it before anything else.
    pub(crate) fn into_parts(self) -> (TcpStream, Bytes) {
        (self.stream.into_inner(), self.held)
    }

    fn poll_release(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.held))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.held.advance(written),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Read for HttpStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_release(cx))?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl Write for HttpStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.handover.holds_this_write() {
            self.held = Bytes::copy_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        ready!(self.poll_release(cx))?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // HTTP flushes what was just held: that is not a reason to let it go.
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_release(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.handover.holds_this_write() {
            let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
            self.held = bytes.into();
            return Poll::Ready(Ok(self.held.len()));
        }
        ready!(self.poll_release(cx))?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
