//! The tasks of a worker's sockets: each waits for readiness and reads.
//!
//! A task owns nothing but the way to its session. Writing is done by whoever has something to write; the task takes
//! over only when a write did not fit.

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use engineio::{CloseReason, PayloadPacket, Probe, Received, TextPacket};
use http::HeaderMap;
use tokio::io::ReadBuf;

use super::Worker;
use super::local_namespace::Cursor;
use super::tombstones::{LastAnswers, TOMBSTONE_BYTES_MAX, TOMBSTONE_TIME};
use crate::frame::Frame;
use crate::occupancy::Descriptor;
use crate::planted::edge::{self, EdgeBug};
use crate::planted::{self, Bug};
use crate::rare::{self, Rare};
use crate::seam;
use crate::sid::{SessionKey, SocketNumber};
use crate::stats::WorkerCount;
use crate::stream::{NewStream, Stream};
use crate::websocket::frame::{push_close, push_pong};
use crate::websocket::{CloseCode, Halt, Message, WsError, WsLimits};
use crate::worker::session::repeats::Polls;
use crate::worker::session::{CloseHandshake, OutboundQueue, Protocol, Session, Transport, WebSocket};

/// How many buffers are read from one socket before the others have their turn.
const READS_MAX: usize = 4;

/// How many bytes behind the last packet of a turn are kept at most. A read takes no more than that, and what is missing
/// of a frame that has begun.
const REST_BYTES_MAX: usize = 16 << 10;

/// How long to wait for the GET of a client that has sent a close packet.
const LATE_POLL_TIME: Duration = Duration::from_secs(1);

struct SocketTask {
    worker: Rc<RefCell<Worker>>,
    key: SessionKey,
    number: SocketNumber,
}

impl Future for SocketTask {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut worker = self.worker.borrow_mut();
        worker.begin_turn();
        let poll = worker.socket_turn(self.key, self.number).drive(cx);
        worker.end_turn_of_socket();
        poll
    }
}

impl Worker {
    /// Events that handlers have emitted wait in the mailbox, and the worker's own turn comes next. Answers of the
    /// handlers leave then too, so that a client that gets its own event back is written once. But no answer waits for
    /// a batch for everybody.
    fn end_turn_of_socket(&mut self) {
        if !self.mailbox.has_brief_commands_only() {
            self.end_turn();
        }
    }

    /// Takes a connection and starts its task; `None` if the stream is broken already.
    pub(super) fn adopt(&mut self, stream: NewStream, descriptor: Option<Descriptor>) -> Option<WebSocket> {
        let stream = Stream::adopt(stream).ok()?;
        self.sockets += 1;
        Some(WebSocket::new(SocketNumber(self.sockets), stream, descriptor))
    }

    pub(super) fn socket_turn(&mut self, key: SessionKey, number: SocketNumber) -> SocketTurn<'_> {
        let packets = self.shared.config.pacing.turn_packets();
        SocketTurn { worker: self, key, number, packets, handled: 0 }
    }

    pub(super) fn start_task(&self, key: SessionKey, number: SocketNumber) {
        if let Some(worker) = self.own.upgrade() {
            // The task ends with its socket.
            drop(tokio::task::spawn_local(SocketTask { worker, key, number }));
        }
    }

    /// Handles a packet of the session's transport; `headers` are those of the POST that carried it.
    pub(super) fn take_packet(
        &mut self,
        key: SessionKey,
        packet: TextPacket<'_>,
        headers: Option<&HeaderMap>,
    ) {
        let (shared, now) = (self.shared.clone(), self.now);
        if packet.kind != engineio::PacketKind::Message {
            self.tallies.count(WorkerCount::OtherPackets);
            if self.charge_control(key, packet).is_break() {
                return;
            }
        }
        let Some(session) = self.sessions.get_mut(key) else { return };
        if let Transport::Polling(polling) = &mut session.transport
            && packet.kind == engineio::PacketKind::Pong
            && polling.polls.ponged(packet.data)
        {
            self.sessions.touch(key);
        }
        let Some(session) = self.sessions.get_mut(key) else { return };
        let received = session.engine.on_packet(packet, &shared.config.engine, now);
        match received {
            Received::Message(text) => self.take_text(key, text, headers),
            Received::Nothing => self.sessions.schedule(key),
            Received::Close(reason) => {
                if reason == CloseReason::TransportClose {
                    self.release_last_poll(key);
                    self.close(key, reason);
                } else {
                    self.close_with(key, reason, Some(CloseCode::Protocol));
                }
            }
        }
    }

    /// Charges for a packet without a message, unless it answers a ping of ours.
    fn charge_control(&mut self, key: SessionKey, packet: TextPacket<'_>) -> ControlFlow<()> {
        let Some(session) = self.sessions.get(key) else { return ControlFlow::Break(()) };
        let is_polling = matches!(session.transport, Transport::Polling(_));
        match packet.kind {
            engineio::PacketKind::Pong if session.engine.awaits_pong() => ControlFlow::Continue(()),
            // A client that catches up in many small answers is asked by pings which of them it has, and its pongs may come
            // when others are awaited already.
            engineio::PacketKind::Pong if is_polling && Polls::is_receipt(packet.data) => {
                self.charge(key, 1);
                ControlFlow::Continue(())
            }
            _ => self.charge_control_frame(key),
        }
    }

    /// Charges for a control frame. A connection that sends too many is closed.
    fn charge_control_frame(&mut self, key: SessionKey) -> ControlFlow<()> {
        let (rate, now) = (self.shared.config.pacing.control_frames, self.now);
        let Some(session) = self.sessions.get_mut(key) else { return ControlFlow::Break(()) };
        let early = session.paces.control_frames.charge(rate, 1, now);
        if early.is_none() || planted::is(Bug::TakesAnyControlFrames) {
            return ControlFlow::Continue(());
        }
        self.tallies.count(WorkerCount::LimitControlFrames);
        rare::reached(Rare::TooManyControlFrames);
        let connection = self.sessions.id_of(key);
        tracing::debug!(%connection, "a client sends too many control frames; its connection is closed");
        self.close_with(key, CloseReason::ForcedClose, Some(CloseCode::Policy));
        ControlFlow::Break(())
    }

    /// Sends a noop to the GET of a client that has sent a close packet. The GET may arrive after the close packet, on
    /// another connection.
    fn release_last_poll(&mut self, key: SessionKey) {
        let now = self.now;
        let Some(session) = self.sessions.get_mut(key) else { return };
        if session.has_poll() {
            session.release_poll("6", now);
        } else if let Transport::Polling(polling) = &session.transport {
            let mark = polling.polls.mark().cloned();
            let (secret, payloads) = (session.secret, VecDeque::from(["6".into()]));
            self.tombstones.add(secret, LastAnswers { payloads, mark }, self.now + LATE_POLL_TIME);
        }
    }

    pub(super) fn take_binary(&mut self, key: SessionKey, data: Bytes) {
        let now = self.now;
        let Some(session) = self.sessions.get_mut(key) else { return };
        session.engine.on_binary(now);
        self.take_attachment(key, data);
    }

    // The upgrade.

    /// Drops the probing socket; polling continues.
    pub(super) fn abort_upgrade(&mut self, key: SessionKey) {
        if let Some(session) = self.sessions.get_mut(key) {
            rare::reached(Rare::UpgradeGivenUp);
            session.engine.abort_upgrade();
            if planted::is(Bug::ForgetsQueueWithProbe) {
                session.outbound = OutboundQueue::default();
            }
            if let Some(probe) = session.probe.take() {
                close_socket(*probe, None);
            }
        }
    }

    // Ends.

    /// Closes a session with a reason. Its transport says so as far as the protocol can.
    pub(super) fn close(&mut self, key: SessionKey, reason: CloseReason) {
        self.close_with(key, reason, None);
    }

    /// Closes a session. The close code tells a WebSocket which kind of rule its client broke, if it broke one.
    pub(super) fn close_with(&mut self, key: SessionKey, reason: CloseReason, code: Option<CloseCode>) {
        let Some(mut session) = self.take_session(key, reason) else { return };
        drop(session.flush_outbound(self.now));
        if let Some(probe) = session.probe.take() {
            close_socket(*probe, None);
        }
        match session.transport {
            Transport::WebSocket(socket) => close_socket(socket, code),
            // Clients that are to reconnect must get no disconnect packet, because some take it as final. They find the
            // session gone.
            Transport::Polling(_) if reason == CloseReason::ServerShuttingDown => {}
            Transport::Polling(ref polling) => {
                let is_full = !session.outbound.is_empty() && session.outbound.bytes() <= TOMBSTONE_BYTES_MAX;
                // A client that may not have got the last answer must not get what comes after it.
                let is_told_later = is_told_later(reason) && !polling.polls.is_doubtful();
                let mark = polling.polls.mark().cloned();
                if session.has_poll() && !(is_full && is_told_later) {
                    session.release_poll("1", self.now);
                } else if is_told_later {
                    // What did not fit into one answer is for the next poll.
                    session.answer_poll(self.now);
                    let payloads = session.last_payloads(TOMBSTONE_BYTES_MAX);
                    self.tombstones.add(
                        session.secret,
                        LastAnswers { payloads, mark },
                        self.now + TOMBSTONE_TIME,
                    );
                }
            }
        }
    }

    /// Removes a session from everything. When this returns, its sockets have left their namespaces.
    fn take_session(&mut self, key: SessionKey, reason: CloseReason) -> Option<Session> {
        self.sessions.get(key)?;
        self.leave_all(key, reason);
        let mut session = self.sessions.remove(key)?;
        session.engine.close();
        if session.counted_output > 0 {
            rare::reached(Rare::EndedWithOutput);
        }
        if !planted::is(Bug::KeepsOutput) {
            self.discount_output(session.counted_output);
        }
        tracing::debug!(connection = %self.sessions.id_of(key), ?reason, "a connection has ended");
        self.tallies.count(WorkerCount::of_end(reason));
        self.shared.reach.discount_connection();
        if matches!(session.protocol, Protocol::Engine)
            && let Some((handler, session)) = self.plain_engine(key)
        {
            handler.on_close(&session, reason);
        }
        Some(session)
    }
}

/// What one of the sockets of a session does in a turn.
pub(super) struct SocketTurn<'a> {
    worker: &'a mut Worker,
    key: SessionKey,
    number: SocketNumber,
    /// How many more packets are handled in this turn.
    packets: usize,
    /// How many have been.
    handled: usize,
}

/// Wakes the task when the kernel has been asked whether others are ready, and these have had their turns. A plain wake would
/// come first: the runtime asks the kernel once for some sixty turns of tasks that are ready.
fn continue_after_the_others(cx: &mut Context<'_>) {
    if pin!(tokio::task::yield_now()).poll(cx).is_ready() {
        cx.waker().wake_by_ref();
    }
}

impl SocketTurn<'_> {
    /// One wake of a socket's task.
    fn drive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(socket) = self.socket() else { return Poll::Ready(()) };
        match &socket.waker {
            Some(waker) if waker.will_wake(cx.waker()) => {}
            Some(_) | None => socket.waker = Some(cx.waker().clone()),
        }
        if socket.stream.poll_flush(cx).is_err() {
            self.lose_socket(CloseHandshake::Needless);
            return Poll::Ready(());
        }
        if socket.blocked {
            match socket.stream.poll_writable(cx) {
                Poll::Ready(Ok(())) => {
                    socket.blocked = false;
                    self.worker.sessions.touch(self.key);
                }
                Poll::Ready(Err(_)) => {
                    self.lose_socket(CloseHandshake::Needless);
                    return Poll::Ready(());
                }
                Poll::Pending => {}
            }
        }
        self.read(cx)
    }

    /// Handles what has been read before, then reads and handles more, until nothing is left or the turn is over. Then
    /// the other tasks come first: this one is put behind them.
    fn read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut scratch = std::mem::take(&mut self.worker.scratch);
        let poll = self.read_through(&mut scratch, cx);
        #[cfg(any(test, feature = "simulation"))]
        self.worker.audit_packets(self.handled);
        self.worker.scratch = scratch;
        poll
    }

    fn read_through(&mut self, scratch: &mut [u8], cx: &mut Context<'_>) -> Poll<()> {
        if self.socket().is_some_and(|socket| socket.decoder.has_rest()) {
            self.decode(None);
        }
        for _ in 0..READS_MAX {
            let takes_input = self.takes_input();
            let (is_over, Some(socket)) = (self.packets == 0, self.socket()) else { return Poll::Ready(()) };
            if !takes_input {
                // Whoever lets it continue wakes this task.
                return Poll::Pending;
            }
            if is_over || socket.decoder.has_rest() {
                break;
            }
            let room = REST_BYTES_MAX.saturating_add(socket.decoder.missing()).min(scratch.len());
            let mut buffer = ReadBuf::new(scratch.get_mut(..room).unwrap_or_default());
            match socket.stream.poll_read(cx, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => self.decode(Some(buffer.filled_mut())),
                Poll::Ready(Ok(()) | Err(_)) => {
                    self.lose_socket(CloseHandshake::Needless);
                    return Poll::Ready(());
                }
            }
        }
        if self.packets == 0 {
            rare::reached(Rare::TurnOver);
            self.worker.tallies.count(WorkerCount::LimitTurnPackets);
        }
        if !planted::is(Bug::ForgetsToContinue) {
            continue_after_the_others(cx);
        }
        Poll::Pending
    }

    /// Whether packets of the session are handled now.
    fn takes_input(&self) -> bool {
        self.worker.sessions.get(self.key).is_some_and(Session::takes_input)
    }

    /// Handles bytes of a WebSocket, or those that were left over in an earlier turn: complete messages are passed on,
    /// the decoder keeps the rest.
    pub(super) fn decode(&mut self, bytes: Option<&mut [u8]>) {
        let message_bytes_max = self.worker.payload_max(self.key);
        let limits = WsLimits { message_bytes_max, ..WsLimits::default() };
        let mut frames = if !self.takes_input() {
            0
        } else if planted::is(Bug::ServesUntilEmpty) {
            usize::MAX
        } else {
            self.packets
        };
        let (allowed, handled) = (frames, self.handled);
        let Some(socket) = self.socket() else { return };
        // The decoder is outside of its session while its messages are handled, which may end the session.
        let mut decoder = std::mem::take(&mut socket.decoder);
        let mut pong = None;
        let mut sink = |message: Message<'_>| {
            self.handled += 1;
            self.take_message(message, &mut pong);
            if self.socket().is_none() {
                ControlFlow::Break(Halt::Closing)
            } else if self.takes_input() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(Halt::ForNow)
            }
        };
        let result = match bytes {
            Some(bytes) => decoder.feed(bytes, &limits, &mut frames, &mut sink),
            None => decoder.resume(&limits, &mut frames, &mut sink),
        };
        self.packets = frames;
        self.charge_fragments((allowed - frames).saturating_sub(self.handled - handled));
        if let Some(socket) = self.socket() {
            socket.decoder = decoder;
            self.worker.count_input(self.key);
        }
        if let Some(pong) = pong {
            self.send_control(pong);
        }
        if let Err(error) = result {
            self.refuse_bytes(error);
        }
    }

    /// Charges for frames that are no message by themselves: a message may come in any number of them.
    fn charge_fragments(&mut self, frames: usize) {
        if frames > 0 {
            self.worker.charge(self.key, u32::try_from(frames).unwrap_or(u32::MAX));
        }
    }

    fn take_message(&mut self, message: Message<'_>, pong: &mut Option<Vec<u8>>) {
        seam::others_act();
        if matches!(message, Message::Ping(_) | Message::Pong)
            && self.worker.charge_control_frame(self.key).is_break()
        {
            return;
        }
        match message {
            // RFC 6455 section 5.5.3: of several pings that arrived together, only the latest must be answered.
            Message::Ping(data) => {
                let mut frame = Vec::new();
                push_pong(&mut frame, if edge::is(EdgeBug::PongsWithoutTheBody) { &[] } else { data });
                *pong = Some(frame);
            }
            Message::Pong => {}
            Message::Close(code) => {
                let mut frame = Vec::new();
                push_close(&mut frame, code);
                self.send_control(frame);
                self.lose_socket(CloseHandshake::Answered);
            }
            Message::Text(_) | Message::Binary(_) if self.is_probe() => {
                self.take_probe(message);
            }
            // Clients that cannot send binary frames send base64, as in polling.
            Message::Text(text) => match PayloadPacket::decode(text) {
                Ok(PayloadPacket::Text(packet)) => self.worker.take_packet(self.key, packet, None),
                Ok(PayloadPacket::Binary(data)) => self.worker.take_binary(self.key, data.into()),
                Err(_) => {
                    self.worker.close_with(self.key, CloseReason::ParseError, Some(CloseCode::Protocol));
                }
            },
            Message::Binary(data) => self.worker.take_binary(self.key, Bytes::copy_from_slice(data)),
        }
    }

    fn take_probe(&mut self, message: Message<'_>) {
        let (shared, now) = (Arc::clone(&self.worker.shared), self.worker.now);
        let Some(session) = self.worker.sessions.get_mut(self.key) else { return };
        let packet = match message {
            Message::Text(text) => TextPacket::decode(text).ok(),
            Message::Binary(_) | Message::Ping(_) | Message::Pong | Message::Close(_) => None,
        };
        let probe = packet.map(|packet| session.engine.on_probe(packet, &shared.config.engine, now));
        match probe {
            Some(Probe::Answer) => {
                let answer = Frame::engine("3probe").into_bytes();
                let sent = session.probe.as_mut().map(|probe| probe.write(&[answer]));
                if matches!(sent, Some(Ok(_))) {
                    self.worker.sessions.schedule(self.key);
                } else {
                    self.worker.abort_upgrade(self.key);
                }
            }
            // What the WebSocket would continue with may come after an answer that was lost.
            Some(Probe::Switch) if session.doubtful_until().is_some() => self.worker.end_repeated(self.key),
            Some(Probe::Switch) => {
                session.release_poll("6", now);
                if let Some(probe) = session.probe.take() {
                    session.transport = Transport::WebSocket(*probe);
                }
                plant_at_switch(session);
                self.worker.tallies.count(WorkerCount::Upgraded);
                self.worker.sessions.schedule(self.key);
                self.worker.sessions.touch(self.key);
            }
            Some(Probe::Reject) | None => self.worker.abort_upgrade(self.key),
        }
    }

    /// Sends a control frame on one of the session's sockets.
    fn send_control(&mut self, frame: Vec<u8>) {
        if self.is_probe() {
            if let Some(socket) = self.socket() {
                // A probe that takes no pong will not get far.
                drop(socket.write(&[frame.into()]));
            }
        } else {
            self.worker.send(self.key, Frame::raw(frame));
        }
    }

    /// A socket has ended.
    fn lose_socket(&mut self, close_handshake: CloseHandshake) {
        if let Some(socket) = self.socket() {
            socket.close_handshake = close_handshake;
        }
        if self.is_probe() {
            self.worker.abort_upgrade(self.key);
        } else {
            self.worker.close(self.key, CloseReason::TransportClose);
        }
    }

    fn refuse_bytes(&mut self, error: WsError) {
        let code = error.close_code();
        if code == CloseCode::Size && !self.worker.has_joined(self.key) {
            self.worker.tallies.count(WorkerCount::LimitUnjoinedInputBytes);
        }
        let connection = self.worker.sessions.id_of(self.key);
        tracing::debug!(%connection, %error, "a WebSocket broke the protocol");
        if self.is_probe() {
            return self.worker.abort_upgrade(self.key);
        }
        self.worker.close_with(self.key, CloseReason::TransportError, Some(code));
    }

    fn socket(&mut self) -> Option<&mut WebSocket> {
        self.worker.sessions.websocket(self.key, self.number)
    }

    /// Whether this is the socket that wants to take over from polling.
    fn is_probe(&self) -> bool {
        self.worker.sessions.is_probe(self.key, self.number)
    }
}

/// Whether a polling client without a waiting poll learns of the end by its next poll. A client that broke the
/// protocol, or was silent for too long, finds its session unknown instead.
fn is_told_later(reason: CloseReason) -> bool {
    match reason {
        CloseReason::ForcedClose | CloseReason::ForcedServerClose => true,
        CloseReason::TransportClose
        | CloseReason::TransportError
        | CloseReason::PingTimeout
        | CloseReason::ServerShuttingDown
        | CloseReason::ParseError => false,
    }
}

/// Sends the close frame that a socket still owes, and lets the socket end.
fn close_socket(mut socket: WebSocket, code: Option<CloseCode>) {
    match socket.close_handshake {
        CloseHandshake::Due => {
            push_goodbye(&mut socket, code);
            linger(socket);
        }
        CloseHandshake::Brief => push_goodbye(&mut socket, code),
        CloseHandshake::Answered => linger(socket),
        // There is nothing to wait for, so it ends here: one task and three system calls less when thousands are cut at
        // once.
        CloseHandshake::Needless => {}
    }
}

fn push_goodbye(socket: &mut WebSocket, code: Option<CloseCode>) {
    if !socket.blocked {
        let mut frame = Vec::new();
        push_close(&mut frame, code);
        // The peer may be gone already.
        drop(socket.write(&[frame.into()]));
    }
}

/// Lets a socket close by itself.
pub(super) fn linger(mut socket: WebSocket) {
    // Bounded in time; the result does not matter.
    drop(tokio::task::spawn_local(async move { socket.stream.end().await }));
}

/// Planted bugs and rare states of the moment at which a WebSocket takes over.
fn plant_at_switch(session: &mut Session) {
    rare::reached(Rare::TakeOver);
    if !session.outbound.is_empty() {
        rare::reached(Rare::TakeOverOfQueue);
    }
    if let Some(connection) = session.connection()
        && connection.slots().any(|(_, _, joined)| joined.cursor != Cursor::Attached)
    {
        rare::reached(Rare::TakeOverBehind);
    }
    if planted::is(Bug::ForgetsQueueAtUpgrade) {
        session.outbound = OutboundQueue::default();
    }
    if planted::is(Bug::ForgetsCursorAtUpgrade)
        && let Some(connection) = session.connection_mut()
    {
        connection.slots_mut().for_each(|(_, _, joined)| joined.cursor = Cursor::Attached);
    }
}
