//! [`HttpStream`]: a connection whose first bytes were read before hyper gets it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::head_timer::HeadMark;
use super::stall::{Patience, Stall};
use crate::occupancy::Descriptor;
use crate::stream::Accepted;
use bytes::Bytes;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;

#[derive(Debug)]
pub(crate) struct HttpStream {
    stream: TokioIo<Accepted>,
    /// Bytes that were read and not given to hyper.
    read: Bytes,
    mark: HeadMark,
    descriptor: Option<Descriptor>,
    stall: Stall,
}

impl HttpStream {
    /// Sets the mark whenever hyper reads a byte.
    pub(crate) fn new(
        stream: Accepted,
        read: Bytes,
        mark: HeadMark,
        descriptor: Option<Descriptor>,
        patience: Patience,
    ) -> Self {
        Self { stream: TokioIo::new(stream), read, mark, descriptor, stall: Stall::new(patience) }
    }

    /// The connection, the bytes that hyper has not read, and its place among the connections.
    pub(crate) fn into_parts(self) -> (Accepted, Bytes, Option<Descriptor>) {
        (self.stream.into_inner(), self.read, self.descriptor)
    }
}

impl Read for HttpStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
            self.mark.set();
            return Poll::Ready(Ok(()));
        }
        self.mark.set();
        let count = self.read.len().min(buffer.remaining());
        buffer.put_slice(&self.read.split_to(count));
        Poll::Ready(Ok(()))
    }
}

impl Write for HttpStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.stall.watch(cx, write)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.stall.watch(cx, write)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use hyper::rt::ReadBuf;
    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::output::Answers;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (client, listener.accept().await.unwrap().0)
    }

    fn begun(server: TcpStream) -> HttpStream {
        let patience = Patience { time: Duration::from_secs(1), answers: Answers::new(0) };
        let (stream, read) = (Accepted::Plain(server), Bytes::from_static(b"first"));
        HttpStream::new(stream, read, HeadMark::default(), None, patience)
    }

    /// Reads into a buffer of so many bytes.
    async fn read(stream: &mut HttpStream, bytes: usize) -> Vec<u8> {
        let mut room = vec![0; bytes];
        let mut buffer = ReadBuf::new(&mut room);
        poll_fn(|cx| Pin::new(&mut *stream).poll_read(cx, buffer.unfilled())).await.unwrap();
        buffer.filled().to_vec()
    }

    #[tokio::test]
    async fn what_was_read_comes_before_what_the_socket_has() {
        let (mut client, server) = pair().await;
        client.write_all(b"later").await.unwrap();
        let mut stream = begun(server);
        assert_eq!(read(&mut stream, 3).await, b"fir");
        assert_eq!(read(&mut stream, 8).await, b"st");
        assert_eq!(read(&mut stream, 8).await, b"later");
    }

    #[tokio::test]
    async fn what_http_has_not_read_is_left() {
        let (_client, server) = pair().await;
        let mut stream = begun(server);
        assert_eq!(read(&mut stream, 3).await, b"fir");
        assert_eq!(stream.into_parts().1, "st");
    }
}
