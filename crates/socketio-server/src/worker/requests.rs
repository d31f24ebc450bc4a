//! HTTP requests of sessions: handshakes, polls, POSTs and the start of an upgrade.

use std::sync::Arc;

use bytes::Bytes;
use engineio::{CloseReason, DecodeError, ErrorCode, OpenPacket, PayloadPacket, Refusal, TransportKind};
use http::HeaderMap;
use tokio::sync::oneshot;

use super::Worker;
use crate::frame::Frame;
use crate::handle::command::{HttpError, PollAnswer, PostBody, PostTerms, answer};
use crate::handle::engine::{EngineHandler, EngineMessage, EngineSession};
use crate::handshake::Entrant;
use crate::http::cache_buster::{CacheBuster, RequestMark};
use crate::occupancy::Visit;
use crate::planted::edge::{self, EdgeBug};
use crate::planted::{self, Bug};
use crate::rare::{self, Rare};
use crate::sid::{PollNumber, SessionKey, Sid, SocketNumber};
use crate::stream::TakenOver;
use crate::worker::session::repeats::Begun;
use crate::worker::session::{OpenPoll, Polling, Transport, UnfinishedPost, WebSocket};

type HttpReply<T> = oneshot::Sender<Result<T, HttpError>>;

impl Worker {
    pub(super) fn request(&mut self, sid: Sid) -> SessionRequest<'_> {
        SessionRequest { worker: self, sid }
    }

    pub(super) fn open_polling(&mut self, entrant: Entrant, reply: oneshot::Sender<String>) {
        let key = self.insert(
            TransportKind::Polling,
            Transport::Polling(Polling::new(self.shared.config.poll_packets_max)),
            entrant,
            None,
        );
        let Some(packet) = self.open_packet(key, TransportKind::Polling) else { return };
        if reply.send(packet).is_err() {
            self.close(key, CloseReason::TransportError);
        } else {
            self.engine_opened(key);
        }
    }

    pub(super) fn open_websocket(&mut self, entrant: Entrant, taken: TakenOver) {
        let TakenOver { stream, unsent, early, descriptor, stay, holder } = taken;
        let Some(socket) = self.adopt(stream, descriptor) else { return };
        let number = socket.number;
        let key = self.insert(TransportKind::WebSocket, Transport::WebSocket(socket), entrant, stay);
        self.count_stream(key, holder);
        if let Some(packet) = self.open_packet(key, TransportKind::WebSocket) {
            let packet = Frame::engine(&packet);
            self.send(key, Frame::raw([&*unsent, &**packet.bytes()].concat()));
        }
        self.start(key, number, &early);
        self.engine_opened(key);
    }

    fn start(&mut self, key: SessionKey, number: SocketNumber, early: &Bytes) {
        self.start_task(key, number);
        if !early.is_empty() {
            self.socket_turn(key, number).decode(Some(&mut early.to_vec()));
        }
    }

    fn open_packet(&self, key: SessionKey, kind: TransportKind) -> Option<String> {
        let config = &self.shared.config;
        let upgrades: &[TransportKind] = match kind {
            TransportKind::Polling if config.transports.contains(&TransportKind::WebSocket) => {
                &[TransportKind::WebSocket]
            }
            TransportKind::Polling | TransportKind::WebSocket => &[],
        };
        let secret = self.sessions.get(key)?.secret;
        let open_packet = OpenPacket {
            sid: &Sid { worker: self.index, slot: key.slot, secret }.encode(),
            upgrades,
            ping_interval: config.engine.ping_interval,
            ping_timeout: config.engine.ping_timeout,
            max_payload: config.engine.max_payload,
        };
        Some(open_packet.encode())
    }

    /// Ends a session whose client did not get an answer. Only coming back brings what was in it, so a held poll fails: a
    /// client that is told goodbye may take it for good.
    pub(super) fn end_repeated(&mut self, key: SessionKey) {
        if let Some(session) = self.sessions.get_mut(key)
            && let Transport::Polling(polling) = &mut session.transport
            && let Some(poll) = polling.poll.take()
        {
            answer(poll.reply, PollAnswer::Error(HttpError::Ended));
        }
        self.close(key, CloseReason::TransportError);
    }

    /// Handles packets of a POST: as many as a turn allows, and as long as the session is not paused. Then the POST is
    /// answered, or waits.
    fn take_post(&mut self, key: SessionKey, mut post: Box<UnfinishedPost>) {
        let taken = self.take_packets(key, &mut post);
        self.count_input(key);
        let Some(session) = self.sessions.get_mut(key) else { return answer(post.reply, Ok(())) };
        match taken {
            Err(_) => {
                self.close(key, CloseReason::ParseError);
                answer(post.reply, Err(HttpError::Ended));
            }
            Ok(()) if post.has_packets() || session.is_paused() => {
                let is_paused = session.is_paused();
                session.post = Some(post);
                if !is_paused {
                    rare::reached(Rare::PostContinued);
                    self.sessions.continue_post(key);
                }
            }
            Ok(()) => {
                session.engine.end_post();
                session.wake();
                answer(post.reply, Ok(()));
            }
        }
    }

    fn take_packets(&mut self, key: SessionKey, post: &mut UnfinishedPost) -> Result<(), DecodeError> {
        let packets_max = self.shared.config.pacing.turn_packets();
        let is_over = |handled| handled >= packets_max && !planted::is(Bug::ServesUntilEmpty);
        let mut handled = 0;
        while !is_over(handled) && self.sessions.get(key).is_some_and(|session| !session.is_paused()) {
            let Some(packet) = post.packet() else { break };
            let (packet, headers) = packet?;
            handled += 1;
            match packet {
                PayloadPacket::Text(packet) => self.take_packet(key, packet, Some(headers)),
                PayloadPacket::Binary(data) => self.take_binary(key, data.into()),
            }
        }
        #[cfg(any(test, feature = "simulation"))]
        self.audit_packets(handled);
        Ok(())
    }

    pub(super) fn continue_post(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get_mut(key) else { return };
        if let Some(post) = &mut session.post {
            post.is_queued = false;
        }
        // If it is paused again, whoever resumes it says so once more.
        if !session.is_paused()
            && let Some(post) = session.post.take()
        {
            self.take_post(key, post);
        }
    }

    // Plain Engine.IO.

    pub(super) fn engine_opened(&mut self, key: SessionKey) {
        let Some((handler, session)) = self.plain_engine(key) else { return };
        if let Some(handshake) = self.sessions.get_mut(key).and_then(|session| session.handshake.take()) {
            handler.on_open(&session, &handshake);
        }
    }

    /// The handler of a server without Socket.IO, and the session as the handler sees it.
    pub(super) fn plain_engine(&self, key: SessionKey) -> Option<(Arc<dyn EngineHandler>, EngineSession)> {
        let handler = self.shared.hooks.engine.clone()?;
        Some((handler, EngineSession { io: self.shared.io(), worker: self.index, key }))
    }

    pub(super) fn engine_message(
        &self,
        key: SessionKey,
        message: EngineMessage,
        headers: Option<&HeaderMap>,
    ) {
        if let Some((handler, session)) = self.plain_engine(key) {
            handler.on_message(&session, message, headers);
        }
    }

    pub(super) fn engine_send(&mut self, key: SessionKey, message: Option<EngineMessage>) {
        match message {
            Some(EngineMessage::Text(text)) => self.send(key, Frame::text(&text)),
            Some(EngineMessage::Binary(data)) => self.send(key, Frame::binary(&data)),
            None => self.close(key, CloseReason::ForcedClose),
        }
    }
}

/// An HTTP request of a session, as far as it concerns the worker of the session.
pub(super) struct SessionRequest<'a> {
    worker: &'a mut Worker,
    sid: Sid,
}

impl SessionRequest<'_> {
    /// The session that the client names, if it is there.
    fn session_key(&self) -> Option<SessionKey> {
        self.worker.sessions.find(self.sid)
    }

    pub(super) fn poll(
        &mut self,
        number: PollNumber,
        buster: CacheBuster,
        reply: oneshot::Sender<PollAnswer>,
    ) {
        // Timers fire in coarse ticks; a client that comes after its time is late all the same.
        if let Some(key) = self.session_key()
            && self
                .worker
                .sessions
                .get(key)
                .is_some_and(|session| session.engine.deadline() <= self.worker.now)
        {
            self.worker.engine_deadline(key);
        }
        let Some(key) = self.session_key() else {
            let last_answers = self.worker.tombstones.answer(self.sid.secret, buster.mark, self.worker.now);
            let unknown = PollAnswer::Error(HttpError::Engine(ErrorCode::UnknownSid));
            return answer(reply, last_answers.map_or(unknown, PollAnswer::Payload));
        };
        let packets_max = buster.packets_max(self.worker.shared.config.poll_packets_max);
        let now = self.worker.now;
        let Some(session) = self.worker.sessions.get_mut(key) else { return };
        if let Transport::Polling(polling) = &mut session.transport {
            match polling.polls.begin(buster.mark, now) {
                Begun::New => {}
                Begun::Doubtful => {
                    rare::reached(Rare::PollInDoubt);
                    self.worker.sessions.schedule(key);
                }
                Begun::Repeat => {
                    rare::reached(Rare::PollRepeated);
                    self.worker.end_repeated(key);
                    return answer(reply, PollAnswer::Error(HttpError::Ended));
                }
            }
        }
        let Some(session) = self.worker.sessions.get_mut(key) else { return };
        let begun = match session.engine.begin_poll() {
            Err(Refusal::Overlap) if edge::is(EdgeBug::LetsPollsOverlap) => Ok(()),
            begun => begun,
        };
        match begun {
            Ok(()) => {
                let releases = session.engine.releases_polls();
                if let Transport::Polling(polling) = &mut session.transport {
                    polling.packets_max = packets_max;
                    polling.poll = Some(OpenPoll::new(number, reply));
                }
                if releases {
                    session.release_poll("6", now);
                }
                self.worker.sessions.touch(key);
            }
            Err(refusal) => {
                answer(reply, PollAnswer::Error(self.refused(key, refusal)));
            }
        }
    }

    /// What a refused request is answered; an overlap has ended the session.
    fn refused(&mut self, key: SessionKey, refusal: Refusal) -> HttpError {
        match refusal {
            Refusal::WrongTransport => HttpError::Engine(ErrorCode::BadRequest),
            Refusal::Closed => HttpError::Engine(ErrorCode::UnknownSid),
            Refusal::Overlap => {
                self.worker.close(key, CloseReason::TransportError);
                HttpError::Ended
            }
        }
    }

    pub(super) fn poll_aborted(&mut self, number: PollNumber) {
        let Some(key) = self.session_key() else { return };
        let held = self.worker.sessions.get(key).is_some_and(|session| match &session.transport {
            Transport::Polling(polling) => polling.poll.as_ref().is_some_and(|poll| poll.number == number),
            Transport::WebSocket(_) => false,
        });
        if held {
            rare::reached(Rare::PollAborted);
            self.worker.close(key, CloseReason::TransportError);
        }
    }

    /// The connection that a request has come by belongs to a client that has joined, if this session has.
    pub(super) fn welcome(&mut self, visit: Option<&Visit>) {
        let Some(visit) = visit else { return };
        let session = self.session_key().and_then(|key| self.worker.sessions.get(key));
        if let Some(session) = session.filter(|session| session.has_joined())
            && let Transport::Polling(polling) = &session.transport
        {
            visit.joined(&polling.visits);
        }
    }

    pub(super) fn post_begin(&mut self, mark: Option<RequestMark>, reply: HttpReply<PostTerms>) {
        let outcome = match self.session_key() {
            None => Err(HttpError::Engine(ErrorCode::UnknownSid)),
            Some(key) if self.is_repeated_post(key, mark) => {
                rare::reached(Rare::PostRepeated);
                self.worker.end_repeated(key);
                Err(HttpError::Ended)
            }
            Some(key) => match self.worker.sessions.get_mut(key).map(|session| session.engine.begin_post()) {
                Some(Err(refusal)) => Err(self.refused(key, refusal)),
                Some(Ok(())) | None => Ok(key),
            },
        };
        answer(reply, outcome.map(|key| self.worker.post_terms(key)));
    }

    /// Whether a POST has come before. Its packets have been taken, but the client is told that the POST failed, and
    /// only in a new session do both sides know where they stand.
    fn is_repeated_post(&mut self, key: SessionKey, mark: Option<RequestMark>) -> bool {
        match self.worker.sessions.get_mut(key).map(|session| &mut session.transport) {
            Some(Transport::Polling(polling)) => polling.posts.begin(mark) == Begun::Repeat,
            Some(Transport::WebSocket(_)) | None => false,
        }
    }

    pub(super) fn post(&mut self, body: PostBody, headers: Box<HeaderMap>, reply: HttpReply<()>) {
        let Some(key) = self.session_key() else { return answer(reply, Err(HttpError::Ended)) };
        let is_repeat = match self.worker.sessions.get_mut(key).map(|session| &mut session.transport) {
            Some(Transport::Polling(polling)) => polling.posts.is_repeat(&body.bytes),
            Some(Transport::WebSocket(_)) | None => false,
        };
        if is_repeat {
            rare::reached(Rare::PostRepeated);
            self.worker.end_repeated(key);
            return answer(reply, Err(HttpError::Ended));
        }
        self.worker.take_post(key, Box::new(UnfinishedPost::new(body, headers, reply)));
    }

    /// The client went away while it sent the body of its POST.
    pub(super) fn post_aborted(&mut self) {
        if let Some(key) = self.end_post() {
            self.worker.close(key, CloseReason::TransportError);
        }
    }

    /// The POST has come to its end, and nothing has come of it; the session that sent it.
    pub(super) fn end_post(&mut self) -> Option<SessionKey> {
        let key = self.session_key()?;
        self.worker.sessions.get_mut(key)?.engine.end_post();
        Some(key)
    }

    pub(super) fn look(&mut self, reply: HttpReply<TransportKind>) {
        let session = self.session_key().and_then(|key| self.worker.sessions.get(key));
        let kind = session.map(|session| session.engine.transport());
        answer(reply, kind.ok_or(HttpError::Engine(ErrorCode::UnknownSid)));
    }

    pub(super) fn probe(&mut self, taken: TakenOver) {
        let TakenOver { stream, early, descriptor, holder, .. } = taken;
        let Some(socket) = self.worker.adopt(stream, descriptor) else { return };
        let number = socket.number;
        let (shared, now) = (Arc::clone(&self.worker.shared), self.worker.now);
        let key = self.session_key();
        let session = key.and_then(|key| self.worker.sessions.get_mut(key));
        match session.map(|session| (session.engine.begin_upgrade(&shared.config.engine, now), session)) {
            Some((Ok(()), session)) => {
                session.probe = Some(Box::new(socket));
                if let Some(key) = key {
                    self.worker.count_stream(key, holder);
                    self.worker.sessions.schedule(key);
                    self.worker.start(key, number, &early);
                }
            }
            Some((Err(_), _)) | None => refuse_socket(socket),
        }
    }
}

/// A second WebSocket for a session that does not want one: closed without a code.
fn refuse_socket(mut socket: WebSocket) {
    let mut frame = Vec::new();
    crate::websocket::frame::push_close(&mut frame, None);
    // It is closed either way.
    drop(socket.write(&[frame.into()]));
    super::task::linger(socket);
}
