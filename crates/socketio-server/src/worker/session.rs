//! [`Session`]: one connection of a worker: its Engine.IO state, its transport, and what waits to be written.
//!
//! An idle session owns no buffer: input goes through the worker's scratch buffer, and output is shared, or kept in the
//! [`OutboundQueue`] only while the transport does not take it.

mod polling;
mod post;
pub(crate) mod repeats;

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use smallvec::SmallVec;
use socketio::Connection;

pub(crate) use self::polling::{OpenPoll, Polling};
pub(crate) use self::post::UnfinishedPost;
use crate::frame::Frame;
use crate::handle::command::{PollAnswer, answer};
use crate::handshake::Handshake;
use crate::occupancy::{Descriptor, Resident, Stay};
use crate::pacing::Paces;
use crate::peer::Peer;
use crate::sid::SocketNumber;
use crate::socket_data::SocketData;
use crate::stream::{Direct, Stream};
use crate::websocket::Decoder;
use crate::worker::local_namespace::{Cursor, Joined};
use crate::worker::newcomers::Newcomers;
use crate::worker::timer::Tick;

/// Frames in one call to the kernel.
pub(crate) const SLICES_MAX: usize = 64;

/// If more bytes than this wait for the end of the turn, a connection takes no volatile events.
const OPEN_BYTES_MAX: usize = 16 << 10;

pub(crate) struct Session {
    pub(crate) generation: u32,
    pub(crate) secret: [u8; 16],
    pub(crate) engine: engineio::Session,
    pub(crate) transport: Transport,
    /// The WebSocket that wants to take over from polling.
    pub(crate) probe: Option<Box<WebSocket>>,
    /// A POST that is not answered, because its packets have not all been handled or the session is paused.
    pub(crate) post: Option<Box<UnfinishedPost>>,
    /// Until it has joined, and from then on if it holds or has held unfinished input.
    pub(crate) stay: Option<Box<Stay>>,
    /// As long as it counts for its address.
    pub(crate) resident: Option<Box<Resident>>,
    pub(crate) outbound: OutboundQueue,
    /// What of it counts in the worker's [`Output`](crate::output::Output).
    pub(crate) counted_output: usize,
    pub(crate) protocol: Protocol,
    pub(crate) handshake: Option<Arc<Handshake>>,
    /// What the application keeps with it, once the client has asked for a namespace.
    pub(crate) data: Option<SocketData>,
    /// Namespaces that the client is joining.
    pub(crate) newcomers: Newcomers,
    /// The deadline for joining a namespace.
    pub(crate) join_by: Option<Instant>,
    /// The deadline for the next attachment of a packet.
    pub(crate) attachment_by: Option<Instant>,
    /// Since when the transport has taken nothing although something waits.
    pub(crate) stalled_since: Option<Instant>,
    /// The other end.
    pub(crate) peer: Peer,
    /// Gets no pages of the past until this moment.
    pub(crate) rests_until: Option<Instant>,
    /// What it has used of its rates.
    pub(crate) paces: Paces,
    /// Not read until this moment, or until the application resumes it.
    pub(crate) pause: Pause,
    /// The tick at which the session's deadline is registered.
    pub(crate) tick: Option<Tick>,
    /// Whether it is in the worker's list of sessions to be written at the end of the turn.
    pub(crate) touched: bool,
}

/// The protocol of the session's messages.
pub(crate) enum Protocol {
    SocketIo(Connection<Joined>),
    Engine,
}

/// Whether a session is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    None,
    UntilResumed,
    Until(Instant),
}

pub(crate) enum Transport {
    Polling(Polling),
    WebSocket(WebSocket),
}

pub(crate) struct WebSocket {
    /// Distinguishes this socket from the others of the worker: its task finds it by that.
    pub(crate) number: SocketNumber,
    pub(crate) stream: Stream,
    pub(crate) decoder: Decoder,
    pub(crate) waker: Option<Waker>,
    /// Whether the last write did not fit.
    pub(crate) blocked: bool,
    /// What it owes its peer when it ends.
    pub(crate) close_handshake: CloseHandshake,
    /// Its place among the connections, until its stream is closed.
    _descriptor: Option<Descriptor>,
}

/// How much of the closing handshake (RFC 6455 section 7.1.2) a socket still owes its peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseHandshake {
    /// Send a close frame, and give the peer time to answer it.
    Due,
    /// Send a close frame, and end at once: the descriptor is needed.
    Brief,
    /// The peer's close frame has been answered; its stream is about to end.
    Answered,
    /// Nothing: the peer's stream has ended or is broken, and nobody waits for a frame.
    Needless,
}

/// Frames that wait for the transport, bounded in bytes.
#[derive(Default)]
pub(crate) struct OutboundQueue {
    frames: VecDeque<Bytes>,
    bytes: usize,
}

impl OutboundQueue {
    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many frames wait.
    pub(crate) fn len(&self) -> usize {
        self.frames.len()
    }

    pub(crate) fn push(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }

    /// Compares its size with what it holds.
    #[cfg(any(test, feature = "simulation"))]
    pub(crate) fn audit(&self) {
        let held: usize = self.frames.iter().map(Bytes::len).sum();
        assert_eq!(self.bytes, held, "the bytes of an outbound queue");
    }

    fn pop(&mut self) {
        if let Some(frame) = self.frames.pop_front() {
            self.bytes -= frame.len();
        }
    }

    /// Removes `count` bytes from the front.
    fn advance(&mut self, mut count: usize) {
        self.bytes -= count;
        while let Some(front) = self.frames.front_mut() {
            if front.len() > count {
                front.advance(count);
                return;
            }
            count -= front.len();
            self.frames.pop_front();
        }
        // An idle session keeps no buffer.
        self.frames = VecDeque::new();
    }
}

impl WebSocket {
    pub(crate) fn new(number: SocketNumber, stream: Stream, descriptor: Option<Descriptor>) -> Self {
        Self {
            number,
            stream,
            decoder: Decoder::default(),
            waker: None,
            blocked: false,
            close_handshake: CloseHandshake::Due,
            _descriptor: descriptor,
        }
    }

    /// Writes as much of `frames` as fits. Returns the number of bytes, and notes whether that was all.
    pub(crate) fn write(&mut self, frames: &[Bytes]) -> io::Result<usize> {
        let mut total = 0;
        for chunk in frames.chunks(SLICES_MAX) {
            let wanted: usize = chunk.iter().map(Bytes::len).sum();
            let result = if let [only] = chunk {
                self.stream.try_write(&[IoSlice::new(only)], self.waker.as_ref())
            } else {
                let slices: SmallVec<[IoSlice<'_>; SLICES_MAX]> =
                    chunk.iter().map(|frame| IoSlice::new(frame)).collect();
                self.stream.try_write(&slices, self.waker.as_ref())
            };
            let written = match result {
                Ok(written) => written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                Err(error) => {
                    self.close_handshake = CloseHandshake::Needless;
                    return Err(error);
                }
            };
            total += written;
            if written < wanted {
                self.block();
                break;
            }
        }
        Ok(total)
    }

    /// Notes that a write did not fit. The task registers for readiness when it is woken.
    pub(crate) fn block(&mut self) {
        self.blocked = true;
        if let Some(waker) = &self.waker
            && self.stream.is_asked_for_room()
        {
            waker.wake_by_ref();
        }
    }
}

impl Drop for WebSocket {
    /// Its task notices that it is gone, and ends.
    fn drop(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Session {
    pub(crate) fn connection(&self) -> Option<&Connection<Joined>> {
        match &self.protocol {
            Protocol::SocketIo(connection) => Some(connection),
            Protocol::Engine => None,
        }
    }

    pub(crate) fn connection_mut(&mut self) -> Option<&mut Connection<Joined>> {
        match &mut self.protocol {
            Protocol::SocketIo(connection) => Some(connection),
            Protocol::Engine => None,
        }
    }

    /// Its socket in a namespace.
    pub(crate) fn joined(&self, index: usize) -> Option<&Joined> {
        let sockets = self.connection()?.slots();
        sockets.map(|(_, _, joined)| joined).find(|joined| joined.namespace as usize == index)
    }

    pub(crate) fn joined_mut(&mut self, index: usize) -> Option<&mut Joined> {
        let sockets = self.connection_mut()?.slots_mut();
        sockets.map(|(_, _, joined)| joined).find(|joined| joined.namespace as usize == index)
    }

    /// Whether a frame would be sent without waiting behind another.
    pub(crate) fn is_writable(&self) -> bool {
        self.outbound.is_empty()
            && match &self.transport {
                Transport::Polling(polling) => polling.has_room(),
                Transport::WebSocket(socket) => !socket.blocked,
            }
    }

    /// The socket, if a write to it now waits behind nothing, and needs no bookkeeping when it fits.
    pub(crate) fn clear_socket(&self) -> Option<Direct<'_>> {
        match &self.transport {
            Transport::WebSocket(socket)
                if !socket.blocked && self.outbound.is_empty() && self.stalled_since.is_none() =>
            {
                socket.stream.direct()
            }
            Transport::WebSocket(_) | Transport::Polling(_) => None,
        }
    }

    /// The socket, if an attached member gets what is new by a write to it, and nothing else is to be done.
    pub(crate) fn attached_socket(&self, index: usize) -> Option<Direct<'_>> {
        let is_attached = self.joined(index)?.cursor == Cursor::Attached;
        self.clear_socket().filter(|_| is_attached)
    }

    /// Whether a frame queued now is sent at the end of the turn, as far as anybody can tell.
    pub(crate) fn is_open(&self) -> bool {
        let takes_more = match &self.transport {
            Transport::Polling(polling) => polling.poll.is_some(),
            Transport::WebSocket(socket) => !socket.blocked,
        };
        takes_more && self.outbound.bytes() < OPEN_BYTES_MAX
    }

    /// Adds a frame to the payload of a held GET; false if there is none, or if it is full.
    pub(crate) fn gather(&mut self, frame: &Bytes) -> bool {
        match &mut self.transport {
            Transport::Polling(polling) => polling.push(frame),
            Transport::WebSocket(_) => false,
        }
    }

    /// Gives the outbound queue to the transport, as much as it takes.
    pub(crate) fn flush_outbound(&mut self, now: Instant) -> io::Result<()> {
        if !self.outbound.is_empty() {
            match &mut self.transport {
                Transport::Polling(polling) => {
                    while self.outbound.frames.front().is_some_and(|frame| polling.push(frame)) {
                        self.outbound.pop();
                    }
                }
                Transport::WebSocket(socket) if !socket.blocked => {
                    let written = socket.write(self.outbound.frames.make_contiguous())?;
                    if written > 0 {
                        self.outbound.advance(written);
                        self.stalled_since = None;
                    }
                }
                Transport::WebSocket(_) => {}
            }
        }
        self.note_stall(now);
        Ok(())
    }

    /// Notes since when the transport has taken nothing.
    pub(crate) fn note_stall(&mut self, now: Instant) {
        let stalled = matches!(&self.transport, Transport::WebSocket(socket) if socket.blocked);
        self.stalled_since = stalled.then(|| self.stalled_since.unwrap_or(now));
    }

    pub(crate) fn has_poll(&self) -> bool {
        matches!(&self.transport, Transport::Polling(Polling { poll: Some(_), .. }))
    }

    /// Answers the held GET with the frames collected for it, if there are any.
    pub(crate) fn answer_poll(&mut self, now: Instant) {
        let Transport::Polling(polling) = &mut self.transport else { return };
        if let Some((reply, payload)) = polling.take_answer(now) {
            self.engine.end_poll();
            answer(reply, PollAnswer::Payload(payload));
        }
    }

    /// Answers the held GET with one Engine.IO packet, instead of the waiting frames.
    pub(crate) fn release_poll(&mut self, packet: &str, now: Instant) {
        if let Transport::Polling(Polling { poll: Some(poll), .. }) = &mut self.transport {
            poll.payload.push_text_raw(packet);
        }
        self.answer_poll(now);
    }

    /// The deadline for knowing whether a GET was sent again, if it is in doubt.
    pub(crate) fn doubtful_until(&self) -> Option<Instant> {
        match &self.transport {
            Transport::Polling(polling) => polling.polls.doubtful_until(),
            Transport::WebSocket(_) => None,
        }
    }

    /// While a POST is held back, the client cannot send the pong that ends a doubt: it has more time then. True if it is so.
    pub(crate) fn doubts_longer(&mut self, now: Instant) -> bool {
        match &mut self.transport {
            Transport::Polling(polling) if self.post.is_some() => {
                polling.polls.doubt_longer(now);
                true
            }
            Transport::Polling(_) | Transport::WebSocket(_) => false,
        }
    }

    /// The rest of the packets for a polling client when its session has ended, up to a size, and the end itself: one
    /// payload for each poll that is still to come.
    pub(crate) fn last_payloads(&self, bytes_max: usize) -> VecDeque<String> {
        let Transport::Polling(polling) = &self.transport else { return VecDeque::new() };
        let ping = Frame::engine("2");
        // An answer to a ping would be too late.
        let frames = self.outbound.frames.iter().filter(|frame| *frame != ping.bytes());
        polling.last_payloads(frames.filter(|_| self.outbound.bytes() <= bytes_max))
    }

    /// When something falls due for it next.
    pub(crate) fn deadline(&self, stall_timeout: Duration) -> Instant {
        let resume = match self.pause {
            Pause::Until(at) => Some(at),
            Pause::None | Pause::UntilResumed => None,
        };
        let stalled = self.stalled_since.map(|since| since + stall_timeout);
        let others = [
            self.join_by,
            self.attachment_by,
            self.doubtful_until(),
            stalled,
            resume,
            self.rests_until,
            self.newcomers.wait_until(),
        ];
        others.into_iter().flatten().fold(self.engine.deadline(), Instant::min)
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.pause != Pause::None
    }

    /// Whether what its sockets bring is handled now. The packets of a POST come first.
    pub(crate) fn takes_input(&self) -> bool {
        !self.is_paused() && self.post.is_none()
    }

    /// Wakes the tasks that serve the session over WebSocket.
    pub(crate) fn wake(&self) {
        let main = match &self.transport {
            Transport::WebSocket(socket) => Some(socket),
            Transport::Polling(_) => None,
        };
        for socket in main.into_iter().chain(self.probe.as_deref()) {
            if let Some(waker) = &socket.waker {
                waker.wake_by_ref();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_outbound_queue_counts_what_it_holds(steps in prop::collection::vec((0..3_u8, 1..200_usize), 0..100)) {
            let (mut queue, mut pushed, mut taken) = (OutboundQueue::default(), 0, 0);
            for (step, bytes) in steps {
                match step {
                    0 => {
                        queue.push(vec![b'x'; bytes].into());
                        pushed += bytes;
                    }
                    1 => {
                        taken += queue.frames.front().map_or(0, Bytes::len);
                        queue.pop();
                    }
                    // As much of it as a transport took.
                    _ => {
                        let bytes = bytes.min(queue.bytes());
                        queue.advance(bytes);
                        taken += bytes;
                    }
                }
                queue.audit();
                prop_assert_eq!(queue.bytes(), pushed - taken);
            }
            queue.advance(queue.bytes());
            prop_assert_eq!((queue.bytes(), queue.frames.capacity()), (0, 0));
        }
    }
}
