//! [`TlsStream`]: a connection over TLS that owns no buffer while it is idle.
//!
//! Its keys are in a session of rustls that has no buffers of its own. Bytes are read, decrypted and encrypted in scratch
//! buffers of the thread. A stream keeps only what is left over: a record that has not arrived completely, decrypted bytes
//! that nobody has read, and encrypted ones that the socket has not taken. Each is less than a scratch buffer, and what has
//! come in is counted among the server's unfinished input. During the handshake all of it is, and the state of the session.
//!
//! A write joins what it is given to one record, up to 16 KiB. It calls the socket and not the runtime, so that a worker
//! can write to thousands of streams in one turn.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::server::{ServerConfig, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, EncodeError, InsufficientSizeError, UnbufferedStatus};
use socketio_server::{EncryptedStream, HeldBytes, Leaving};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Encrypted input of one step. Two of the longest records fit, and every message of a handshake.
const INPUT_BYTES: usize = 36 << 10;

/// The text of the longest record.
const TEXT_BYTES: usize = 16 << 10;

/// What encryption adds to a record at most, and a change of keys before it.
const OVERHEAD_BYTES: usize = 1 << 10;

/// What the session of a handshake takes beside our buffers.
const HANDSHAKE_BYTES: usize = 4 << 10;

/// The buffers of a thread.
struct Scratch {
    input: Box<[u8]>,
    text: Vec<u8>,
    output: Box<[u8]>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        input: vec![0; INPUT_BYTES].into(),
        text: Vec::with_capacity(TEXT_BYTES),
        output: vec![0; TEXT_BYTES + OVERHEAD_BYTES].into(),
    });
}

pub(super) struct TlsStream {
    socket: TcpStream,
    session: UnbufferedServerConnection,
    /// The beginning of a record.
    incoming: Vec<u8>,
    /// Decrypted, and not read.
    unread: Rest,
    /// Encrypted, and not taken by the socket.
    outgoing: Rest,
    /// Whether the peer sends nothing more.
    has_ended: bool,
    /// Whether we have said so.
    has_said_goodbye: bool,
    held: HeldBytes,
}

/// Why there is no stream.
pub(super) enum Refused {
    /// The client speaks http.
    PlainHttp(TcpStream),
    Tls(io::Error),
}

/// Bytes that are taken from the front. Holds no memory when it is empty.
#[derive(Default)]
struct Rest {
    bytes: Vec<u8>,
    taken: usize,
}

impl Rest {
    fn left(&self) -> &[u8] {
        self.bytes.get(self.taken..).unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn take(&mut self, count: usize) {
        self.taken += count;
        if self.taken >= self.bytes.len() {
            *self = Self::default();
        }
    }
}

impl TlsStream {
    /// Makes the handshake.
    pub(super) async fn handshake(
        config: Arc<ServerConfig>,
        socket: TcpStream,
        held: HeldBytes,
    ) -> Result<Box<Self>, Refused> {
        let session = UnbufferedServerConnection::new(config).map_err(|error| Refused::Tls(broken(error)))?;
        let mut stream = Box::new(Self {
            socket,
            session,
            incoming: Vec::new(),
            unread: Rest::default(),
            outgoing: Rest::default(),
            has_ended: false,
            has_said_goodbye: false,
            held,
        });
        stream.count();
        match std::future::poll_fn(|cx| stream.poll_handshake(cx)).await {
            Ok(Spoken::Tls) => Ok(stream),
            Ok(Spoken::Http) => Err(Refused::PlainHttp(stream.socket)),
            Err(error) => {
                // An alert says why.
                drop(stream.send());
                Err(Refused::Tls(error))
            }
        }
    }

    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Spoken>> {
        loop {
            ready!(self.poll_send(cx))?;
            if !self.session.is_handshaking() {
                return Poll::Ready(Ok(Spoken::Tls));
            }
            if self.has_ended {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            let mut unread = mem::take(&mut self.unread.bytes);
            let step = self.poll_step(cx, &mut |text| unread.extend_from_slice(text));
            self.unread.bytes = unread;
            self.count();
            if ready!(step)? == Spoken::Http {
                return Poll::Ready(Ok(Spoken::Http));
            }
        }
    }

    /// Tells what is held. What waits to be sent is part of the queue of its connection, once there is one.
    fn count(&mut self) {
        let received = self.incoming.capacity() + self.unread.bytes.capacity();
        let handshake = HANDSHAKE_BYTES + self.outgoing.bytes.capacity();
        self.held.set(received + if self.session.is_handshaking() { handshake } else { 0 });
    }

    /// Reads once from the socket, and decrypts what has come.
    fn poll_step(&mut self, cx: &mut Context<'_>, sink: &mut dyn FnMut(&[u8])) -> Poll<io::Result<Spoken>> {
        SCRATCH.with_borrow_mut(|scratch| {
            let kept = self.incoming.len();
            let (beginning, rest) = scratch.input.split_at_mut(kept);
            if rest.is_empty() {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "a message is too long")));
            }
            let mut read = ReadBuf::new(rest);
            ready!(Pin::new(&mut self.socket).poll_read(cx, &mut read))?;
            let arrived = read.filled().len();
            if arrived == 0 {
                self.has_ended = true;
                return Poll::Ready(Ok(Spoken::Tls));
            }
            beginning.copy_from_slice(&self.incoming);
            let input = &mut scratch.input[..kept + arrived];
            if kept == 0 && self.session.protocol_version().is_none() && input[0].is_ascii_uppercase() {
                return Poll::Ready(Ok(Spoken::Http));
            }
            let used = self.process(input, sink)?;
            self.incoming = input[used..].to_vec();
            Poll::Ready(Ok(Spoken::Tls))
        })
    }

    /// Goes through records. Returns how many bytes are done with.
    fn process(&mut self, input: &mut [u8], sink: &mut dyn FnMut(&[u8])) -> io::Result<usize> {
        let mut used = 0;
        loop {
            let UnbufferedStatus { discard, state } = self.session.process_tls_records(&mut input[used..]);
            used += discard;
            match state {
                Ok(ConnectionState::ReadTraffic(mut records)) => {
                    while let Some(record) = records.next_record() {
                        let record = record.map_err(broken)?;
                        used += record.discard;
                        sink(record.payload);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(mut message)) => {
                    encode(&mut self.outgoing.bytes, |output| message.encode(output))?;
                }
                // It is in the order of the stream now.
                Ok(ConnectionState::TransmitTlsData(message)) => message.done(),
                Ok(ConnectionState::PeerClosed) => self.has_ended = true,
                Ok(
                    ConnectionState::BlockedHandshake
                    | ConnectionState::WriteTraffic(_)
                    | ConnectionState::Closed,
                ) => {
                    return Ok(used);
                }
                Ok(_) => return Err(io::Error::other("a state of TLS that was not asked for")),
                Err(error) => {
                    self.take_alert();
                    return Err(broken(error));
                }
            }
        }
    }

    /// What tells the peer of an error.
    fn take_alert(&mut self) {
        while let Ok(ConnectionState::EncodeTlsData(mut message)) =
            self.session.process_tls_records(&mut []).state
        {
            if encode(&mut self.outgoing.bytes, |output| message.encode(output)).is_err() {
                return;
            }
        }
    }

    /// Gives the socket what it takes of the encrypted bytes that wait. An error of the kind `WouldBlock` if some still do.
    fn send(&mut self) -> io::Result<()> {
        while !self.outgoing.is_empty() {
            let written = self.socket.try_write(self.outgoing.left())?;
            self.outgoing.take(written);
        }
        Ok(())
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match self.send() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(self.socket.poll_write_ready(cx))?;
                }
                result => return Poll::Ready(result),
            }
        }
    }

    /// Encrypts the first bytes of the slices into one record, and gives the socket what it takes of it. Nothing may wait to
    /// be sent.
    fn seal(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        SCRATCH.with_borrow_mut(|scratch| {
            let Scratch { text, output, .. } = scratch;
            text.clear();
            let text: &[u8] = match slices {
                [only] => only.get(..TEXT_BYTES).unwrap_or(only),
                several => {
                    for slice in several {
                        let room = TEXT_BYTES - text.len();
                        text.extend_from_slice(slice.get(..room).unwrap_or(slice));
                    }
                    text
                }
            };
            let written = self.encrypt(text, output)?;
            let sealed = &output[..written];
            let sent = match self.socket.try_write(sealed) {
                Ok(sent) => sent,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                Err(error) => return Err(error),
            };
            self.outgoing.bytes.extend_from_slice(&sealed[sent..]);
            Ok(text.len())
        })
    }

    /// Encrypts a text. Messages of the session come first: they are sent with it.
    fn encrypt(&mut self, text: &[u8], output: &mut [u8]) -> io::Result<usize> {
        let mut begun = 0;
        loop {
            // What is kept of a record is needed to go on behind it.
            match self.session.process_tls_records(&mut self.incoming).state {
                Ok(ConnectionState::EncodeTlsData(mut message)) => {
                    let room = output.get_mut(begun..).unwrap_or_default();
                    begun += message.encode(room).map_err(io::Error::other)?;
                }
                Ok(ConnectionState::TransmitTlsData(message)) => message.done(),
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    let room = output.get_mut(begun..).unwrap_or_default();
                    return Ok(begun + traffic.encrypt(text, room).map_err(io::Error::other)?);
                }
                Ok(ConnectionState::PeerClosed) => self.has_ended = true,
                Ok(_) => return Err(io::ErrorKind::BrokenPipe.into()),
                Err(error) => return Err(broken(error)),
            }
        }
    }

    /// Tells the peer that nothing more comes.
    fn say_goodbye(&mut self) -> io::Result<()> {
        if mem::replace(&mut self.has_said_goodbye, true) {
            return Ok(());
        }
        match self.session.process_tls_records(&mut self.incoming).state {
            Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                let mut message = [0; 256];
                let written = traffic.queue_close_notify(&mut message).map_err(io::Error::other)?;
                self.outgoing.bytes.extend_from_slice(&message[..written]);
                Ok(())
            }
            // The end of the socket has to do.
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// What the first byte of a connection belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spoken {
    Tls,
    Http,
}

fn broken(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Appends a message of the handshake.
fn encode(
    outgoing: &mut Vec<u8>,
    mut encode: impl FnMut(&mut [u8]) -> Result<usize, EncodeError>,
) -> io::Result<()> {
    let begin = outgoing.len();
    let Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size })) = encode(&mut []) else {
        return Ok(());
    };
    outgoing.resize(begin + required_size, 0);
    encode(&mut outgoing[begin..]).map(drop).map_err(io::Error::other)
}

impl AsyncRead for TlsStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if !self.unread.is_empty() {
                let count = buffer.remaining().min(self.unread.left().len());
                buffer.put_slice(&self.unread.left()[..count]);
                self.unread.take(count);
                self.count();
                return Poll::Ready(Ok(()));
            }
            if self.has_ended {
                return Poll::Ready(Ok(()));
            }
            let filled = buffer.filled().len();
            let mut unread = Vec::new();
            let step = self.poll_step(cx, &mut |text| {
                let (fits, rest) = text.split_at(text.len().min(buffer.remaining()));
                buffer.put_slice(fits);
                unread.extend_from_slice(rest);
            });
            self.unread.bytes = unread;
            self.count();
            ready!(step)?;
            if buffer.filled().len() > filled {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if slices.iter().all(|slice| slice.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        ready!(self.poll_send(cx))?;
        Poll::Ready(self.seal(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_send(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.say_goodbye()?;
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

impl EncryptedStream for TlsStream {
    fn leave(self: Box<Self>) -> io::Result<Leaving> {
        let Self { socket, session, incoming, unread, outgoing, has_ended, has_said_goodbye, held } = *self;
        let socket = socket.into_std()?;
        Ok(Box::new(move || {
            let socket = TcpStream::from_std(socket)?;
            let stream =
                Self { socket, session, incoming, unread, outgoing, has_ended, has_said_goodbye, held };
            Ok(Box::new(stream) as _)
        }))
    }
}
