//! What a session takes of the [`Occupancy`](crate::occupancy::Occupancy), and how it leaves when it has to.

use std::sync::Arc;

use engineio::CloseReason;
use socketio::Connection;

use super::Worker;
use super::session::{CloseHandshake, Session, Transport, WebSocket};
use crate::encryption::Holder;
use crate::handle::command::PostTerms;
use crate::occupancy::{Exit, Stay};
use crate::sid::SessionKey;
use crate::websocket::{CloseCode, Decoder};

impl Worker {
    /// A session begins that has not joined: `stay` is that of its connection, if it was accepted with it.
    pub(super) fn begin_stay(&mut self, key: SessionKey, stay: Option<Stay>, base: usize) {
        let mut stay = match stay {
            Some(stay) => stay,
            None => self.shared.reach.occupancy.stranger(self.now, base),
        };
        stay.rebase(base);
        self.keep_stay(key, stay);
    }

    fn keep_stay(&mut self, key: SessionKey, stay: Stay) {
        let mailbox = Arc::clone(&self.mailbox);
        stay.on_exit(move |exit| mailbox.show_out(key, exit));
        if let Some(session) = self.sessions.get_mut(key) {
            stay.count_for(session.resident.as_deref());
            session.stay = Some(Box::new(stay));
        }
    }

    /// Counts what a session holds of unfinished messages and packets.
    pub(super) fn count_input(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get_mut(key) else { return };
        let bytes = session.input_bytes();
        match &mut session.stay {
            Some(stay) => stay.hold(bytes),
            None if bytes == 0 => {}
            None => {
                let mut stay = self.shared.reach.occupancy.member(self.now);
                stay.hold(bytes);
                self.keep_stay(key, stay);
            }
        }
    }

    /// Bytes that one message of a session may have.
    pub(super) fn payload_max(&self, key: SessionKey) -> usize {
        let config = &self.shared.config;
        match self.sessions.get(key) {
            Some(session) if session.has_joined() => config.engine.max_payload,
            Some(_) | None => config.unjoined_payload_max(),
        }
    }

    pub(super) fn has_joined(&self, key: SessionKey) -> bool {
        self.sessions.get(key).is_some_and(Session::has_joined)
    }

    /// What a POST of a session may bring.
    pub(super) fn post_terms(&mut self, key: SessionKey) -> PostTerms {
        let bytes_max = self.payload_max(key);
        if self.sessions.get(key).is_some_and(|session| session.stay.is_none()) {
            let stay = self.shared.reach.occupancy.member(self.now);
            self.keep_stay(key, stay);
        }
        let stay = self.sessions.get(key).and_then(|session| session.stay.as_ref());
        // A session that has ended meanwhile holds nothing.
        let held = stay
            .map_or_else(|| self.shared.reach.occupancy.member(self.now).another(), |stay| stay.another());
        PostTerms { bytes_max, held }
    }

    /// Counts what the stream of a socket holds for its session. It has left its HTTP connection, whose stay is over.
    pub(super) fn count_stream(&mut self, key: SessionKey, holder: Option<Holder>) {
        let Some(holder) = holder else { return };
        holder.move_to(self.post_terms(key).held);
    }

    /// Closes a session that has to leave.
    pub(super) fn show_out(&mut self, key: SessionKey, exit: Exit) {
        let Some(session) = self.sessions.get_mut(key) else { return };
        let code = match exit {
            Exit::Ended => return,
            Exit::Crowded => CloseCode::Again,
            Exit::Memory => CloseCode::Size,
        };
        let held = session.input_bytes();
        session.drop_input(exit);
        let connection = self.sessions.id_of(key);
        tracing::debug!(%connection, ?exit, held, "a connection has to leave");
        self.close_with(key, CloseReason::TransportError, Some(code));
    }
}

impl Session {
    pub(super) fn has_joined(&self) -> bool {
        self.join_by.is_none()
    }

    /// Bytes of messages and packets that are not complete.
    fn input_bytes(&self) -> usize {
        let main = match &self.transport {
            Transport::WebSocket(socket) => socket.decoder.held_bytes(),
            Transport::Polling(_) => 0,
        };
        let probe = self.probe.as_ref().map_or(0, |probe| probe.decoder.held_bytes());
        main + probe + self.connection().map_or(0, Connection::held_bytes)
    }

    /// Frees what is not complete. A socket that has to leave for want of a descriptor does not wait for its peer.
    fn drop_input(&mut self, exit: Exit) {
        let main = match &mut self.transport {
            Transport::WebSocket(socket) => Some(socket),
            Transport::Polling(_) => None,
        };
        for socket in main.into_iter().chain(self.probe.as_deref_mut()) {
            socket.leave(exit);
        }
    }
}

impl WebSocket {
    fn leave(&mut self, exit: Exit) {
        self.decoder = Decoder::default();
        if exit == Exit::Crowded {
            self.close_handshake = CloseHandshake::Brief;
        }
    }
}
