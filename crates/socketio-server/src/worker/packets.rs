//! Handles the Socket.IO packets of a session: their recipients, and violations.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use engineio::CloseReason;
use http::HeaderMap;
use socketio::{AckId, Incoming, Payload, Slot, Violation};
use tracing::Instrument as _;

use super::Worker;
use super::handles::Handles;
use crate::feed::{AckHandle, Parked, Resume};
use crate::frame::Frame;
use crate::handle::ack::{Ack, AckError};
use crate::handle::engine::EngineMessage;
use crate::handle::handler::Call;
use crate::handle::namespace::{AsyncHandler, EventHandler, SyncHandler};
use crate::handle::socket::Socket;
use crate::handle::turn::{Flow, Turn};
use crate::occupancy::Standing;
use crate::pacing::{CONNECT_COST, cost_of};
use crate::planted::{self, Bug};
use crate::rare::{self, Rare};
use crate::reason::DisconnectReason;
use crate::sid::SessionKey;
use crate::span;
use crate::stats::WorkerCount;
use crate::websocket::CloseCode;
use crate::worker::session::{Pause, Protocol, Session};

impl Worker {
    pub(super) fn take_text(&mut self, key: SessionKey, text: &str, headers: Option<&HeaderMap>) {
        let limits = self.shared.config.limits;
        let Some(session) = self.sessions.get_mut(key) else { return };
        match &mut session.protocol {
            Protocol::SocketIo(connection) => {
                let incoming = connection.on_text(text, &limits);
                self.sessions.expect_attachment(key, self.now);
                self.take_incoming(key, incoming, cost_of(text.len()));
            }
            Protocol::Engine => {
                self.engine_message(key, EngineMessage::Text(text.into()), headers);
                self.charge(key, cost_of(text.len()));
            }
        }
    }

    pub(super) fn take_attachment(&mut self, key: SessionKey, data: Bytes) {
        let limits = self.shared.config.limits;
        let cost = cost_of(data.len());
        let Some(session) = self.sessions.get_mut(key) else { return };
        match &mut session.protocol {
            Protocol::SocketIo(connection) => {
                let incoming = connection.on_binary(data, &limits);
                self.sessions.expect_attachment(key, self.now);
                self.take_incoming(key, incoming, cost);
            }
            Protocol::Engine => {
                self.engine_message(key, EngineMessage::Binary(data), None);
                self.charge(key, cost);
            }
        }
    }

    fn take_incoming(&mut self, key: SessionKey, incoming: Result<Incoming<'_>, Violation>, cost: u32) {
        match incoming {
            Ok(Incoming::Nothing) => {
                self.tallies.count(WorkerCount::OtherPackets);
                self.charge(key, cost);
            }
            Ok(Incoming::Connect { namespace, auth, replaces }) => {
                self.tallies.count(WorkerCount::OtherPackets);
                if let Some(slot) = replaces {
                    self.leave(key, slot, DisconnectReason::ClientNamespaceDisconnect);
                }
                self.joining(key, &namespace).begin(&auth);
                self.charge(key, cost.saturating_mul(CONNECT_COST));
            }
            Ok(Incoming::Event { slot, ack, payload }) => {
                self.tallies.count(WorkerCount::Events);
                self.take_event(key, slot, ack, payload);
                self.charge(key, cost);
            }
            Ok(Incoming::Ack { slot, id, payload }) => {
                self.tallies.count(WorkerCount::OtherPackets);
                match self.sessions.take_ack(key, slot, id) {
                    Some(pending) => pending.resolve(payload.into_owned()),
                    None if planted::is(Bug::ChargesNoStrays) => {}
                    None => self.charge(key, cost),
                }
            }
            Ok(Incoming::Disconnect { slot }) => {
                self.tallies.count(WorkerCount::OtherPackets);
                self.leave(key, slot, DisconnectReason::ClientNamespaceDisconnect);
                self.charge(key, cost);
            }
            Err(violation) => {
                self.note_violation(violation);
                let connection = self.sessions.id_of(key);
                tracing::debug!(%connection, %violation, "a client broke the protocol; its connection is closed");
                self.close_with(key, CloseReason::ForcedClose, Some(close_code(violation)));
            }
        }
    }

    fn note_violation(&self, violation: Violation) {
        match violation {
            Violation::TooManyNamespaces => self.tallies.count(WorkerCount::LimitNamespaces),
            Violation::AttachmentsTooLarge => self.tallies.count(WorkerCount::LimitAttachmentBytes),
            Violation::Decode(_)
            | Violation::AttachmentsMissing
            | Violation::UnexpectedBinary
            | Violation::EventNameTooLong
            | Violation::NotJoined
            | Violation::ConnectError => {}
        }
    }

    /// Charges for a packet that has been handled. A connection that sends too many is not read for a while.
    pub(super) fn charge(&mut self, key: SessionKey, cost: u32) {
        let (rate, now) = (self.shared.config.pacing.events, self.now);
        let Some(session) = self.sessions.get_mut(key).filter(|session| session.paces.rated) else { return };
        let own = session.paces.events.charge(rate, cost, now);
        let shared = session.resident.as_ref().and_then(|resident| resident.charge(cost, now));
        if let Some(early) = own.max(shared) {
            let is_own = own >= shared;
            let standing = session.resident.as_ref().map(|resident| resident.standing());
            self.tallies.count(match standing {
                Some(Standing::Vouched) if !is_own => WorkerCount::LimitVouchedPerAddress,
                Some(Standing::Unknown) if !is_own => WorkerCount::LimitEventsPerAddress,
                Some(_) | None => WorkerCount::LimitEvents,
            });
            rare::reached(if is_own { Rare::PacketsWait } else { Rare::PacketsOfAddressWait });
            self.sessions.pause(key, Pause::Until(now + early));
        }
    }

    // Events.

    fn take_event(&mut self, key: SessionKey, slot: Slot, ack: Option<AckId>, payload: Payload<'_>) {
        let Some(session) = self.sessions.at_mut(key.slot) else { return };
        let peer = session.peer;
        let Some(joined) = session.connection().and_then(|connection| connection.socket(slot)) else {
            return;
        };
        let Some(local) = self.namespaces.get(joined.namespace as usize) else { return };
        let definition = Arc::clone(&local.definition);
        let handler = definition.events.get(payload.event_name().as_ref());
        if let (Some(EventHandler::Sync(handler)), None) = (handler, &definition.any) {
            let turn = Turn {
                reach: &self.shared.reach,
                worker: self.index,
                key,
                peer,
                namespace: &local.name,
                socket: joined.id,
                lineage: joined.lineage,
                data: joined.data(),
                payload: &payload,
                ack,
                replies: Vec::new(),
            };
            let outcome = run_sync(handler, turn);
            return self.after_sync(key, outcome);
        }
        self.run_event(key, slot, handler, definition.any.as_ref(), ack, payload);
    }

    fn after_sync(&mut self, key: SessionKey, (flow, replies): (Option<Flow>, Vec<Frame>)) {
        self.note_events();
        for frame in replies {
            self.send(key, frame);
        }
        self.after_turn(key, flow);
    }

    /// A sync handler has run; the application is told after the other ready ones.
    fn note_events(&mut self) {
        if self.shared.hooks.after_events.is_some() {
            self.handled += 1;
            if self.handled == 1 {
                self.mailbox.wake();
            }
        }
    }

    fn after_turn(&mut self, key: SessionKey, flow: Option<Flow>) {
        match flow {
            Some(Flow::Continue) => {}
            Some(Flow::Pause) => self.sessions.pause(key, Pause::UntilResumed),
            Some(Flow::PauseFor(time)) => self.sessions.pause(key, Pause::Until(self.now + time)),
            None => {
                let connection = self.sessions.id_of(key);
                tracing::error!(%connection, "a handler panicked; its connection is closed");
                self.close(key, CloseReason::ForcedClose);
            }
        }
    }

    fn run_event(
        &mut self,
        key: SessionKey,
        slot: Slot,
        handler: Option<&EventHandler>,
        any: Option<&Arc<AsyncHandler>>,
        ack: Option<AckId>,
        payload: Payload<'_>,
    ) {
        if handler.is_none() && any.is_none() {
            self.tallies.count(WorkerCount::EventsUnhandled);
            return;
        }
        let Some(peer) = self.sessions.at_mut(key.slot).map(|session| session.peer) else { return };
        let Some(socket) = self.handles().of(key, slot) else { return };
        let payload = payload.into_owned();
        let ack = ack.map(|id| {
            let namespace = socket.inner.namespace.clone();
            Ack {
                io: self.shared.io(),
                handle: Some(AckHandle { worker: self.index, key, namespace, socket: socket.inner.id, id }),
            }
        });
        if let Some(any) = any {
            let call =
                Call { socket: socket.clone(), payload: Some(payload.clone()), ack: None, reason: None };
            self.run(key, &socket, any, call);
        }
        match handler {
            Some(EventHandler::Async(handler)) => {
                let call = Call { socket: socket.clone(), payload: Some(payload), ack, reason: None };
                self.run(key, &socket, handler, call);
            }
            Some(EventHandler::Sync(handler)) => {
                let inner = &socket.inner;
                let turn = Turn {
                    reach: &self.shared.reach,
                    worker: self.index,
                    key,
                    peer,
                    namespace: &inner.namespace,
                    socket: inner.id,
                    lineage: inner.lineage,
                    data: Some(&inner.data),
                    payload: &payload,
                    ack: ack.and_then(|ack| ack.handle).map(|handle| handle.id),
                    replies: Vec::new(),
                };
                let outcome = run_sync(handler, turn);
                self.after_sync(key, outcome);
            }
            None => {}
        }
    }

    /// Queues a call of a handler. A socket whose handlers fall behind is not read.
    pub(super) fn run(&mut self, key: SessionKey, socket: &Socket, handler: &Arc<AsyncHandler>, call: Call) {
        let span = span::handler(socket.connection(), socket.namespace());
        // Making the call extracts the parameters, which runs code of the application.
        match catch_unwind(AssertUnwindSafe(|| span.in_scope(|| handler(call)))) {
            Ok(Some(job)) => {
                let job = if span.is_disabled() { job } else { Box::pin(job.instrument(span)) };
                if socket.enqueue(job, self.shared.config.inbox_max) {
                    self.sessions.pause(key, Pause::UntilResumed);
                }
            }
            Ok(None) => {}
            Err(_) => self.after_turn(key, None),
        }
    }

    /// The handles by which the application holds the sockets of this worker.
    pub(super) fn handles(&mut self) -> Handles<'_> {
        Handles {
            shared: &self.shared,
            worker: self.index,
            sessions: &mut self.sessions,
            namespaces: &self.namespaces,
        }
    }

    // Leaving.

    /// Removes a socket from its namespace.
    pub(super) fn leave(&mut self, key: SessionKey, slot: Slot, reason: DisconnectReason) {
        let now = self.now;
        let handle = self.handles().leaving(key, slot);
        let Some(session) = self.sessions.get_mut(key) else { return };
        let Some(mut joined) = session.connection_mut().and_then(|connection| connection.leave(slot)) else {
            return;
        };
        for (_, pending) in joined.acks.drain() {
            pending.fail(AckError::Disconnected);
        }
        let index = joined.namespace as usize;
        let Some(local) = self.namespaces.get_mut(index) else { return };
        let definition = Arc::clone(&local.definition);
        let moved = local.remove(key.slot, joined.member, joined.id, &joined.rooms);
        if let Some(moved) = moved.and_then(|moved| self.sessions.at_mut(moved)?.joined_mut(index)) {
            moved.member = joined.member;
        }
        if let Some(binding) = &definition.feed
            && !binding.feed.has_history()
            && binding.feed.config().resume == Resume::Recovery
            && reason.is_recoverable()
        {
            let data = joined.data().cloned().unwrap_or_default();
            binding.feed.parked().park(joined.id, Parked { rooms: joined.rooms.into_vec(), data }, now);
        }
        if let Some(socket) = handle {
            socket.inner.connected.store(false, std::sync::atomic::Ordering::Release);
            if let Some(handler) = &definition.disconnect {
                let call = Call { socket: socket.clone(), payload: None, ack: None, reason: Some(reason) };
                self.run(key, &socket, handler, call);
            }
        }
        self.namespaces.drop_if_empty(index);
    }

    pub(super) fn leave_all(&mut self, key: SessionKey, reason: CloseReason) {
        let slots: Vec<Slot> = match self.sessions.get(key).and_then(Session::connection) {
            Some(connection) => connection.slots().map(|(slot, _, _)| slot).collect(),
            None => return,
        };
        for slot in slots {
            self.leave(key, slot, DisconnectReason::Connection(reason));
        }
    }
}

/// Runs a sync handler. Returns what happens to the connection, unless it panicked, and its answer.
fn run_sync(handler: &Arc<SyncHandler>, mut turn: Turn<'_>) -> (Option<Flow>, Vec<Frame>) {
    let span = span::handler(turn.connection(), turn.namespace.as_str());
    let flow = catch_unwind(AssertUnwindSafe(|| span.in_scope(|| handler(&mut turn))));
    (flow.ok(), turn.replies)
}

/// The close code of a WebSocket for a violation: a malformed packet, or one that is not allowed now.
fn close_code(violation: Violation) -> CloseCode {
    match violation {
        Violation::Decode(_) | Violation::AttachmentsMissing | Violation::UnexpectedBinary => {
            CloseCode::Protocol
        }
        Violation::AttachmentsTooLarge => CloseCode::Size,
        Violation::EventNameTooLong
        | Violation::TooManyNamespaces
        | Violation::NotJoined
        | Violation::ConnectError => CloseCode::Policy,
    }
}
